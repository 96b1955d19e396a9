"""One message when something goes wrong and one when it is over, however often it is looked at.

The open incidents of a sensor are its cursor. Dagster keeps that beside its ticks, so it survives
restarts, and alerts about the lake do not depend on the lake. A channel that could not be reached
is told at a later look; a look that dies between telling and keeping tells once more.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from arb_platform.defs.channels import Channel

# What goes away for less than this was not over.
QUIET_SECONDS: Final = 60.0
# A message that nobody wanted for so long about something that is over tells nothing any more.
GIVE_UP_SECONDS: Final = 3600.0
_TITLE: Final = "arb_platform"


@dataclass(frozen=True, slots=True)
class Incident:
    """``told`` are the channels that know of it, ``gone`` is since when it is no longer seen (epoch seconds)."""

    text: str
    since: float
    told: tuple[str, ...] = ()
    gone: float | None = None


Incidents = dict[str, Incident]
Log = Callable[[str], object]


def follow(
    incidents: Mapping[str, Incident],
    found: Mapping[str, str],
    *,
    now: float,
    channels: Sequence[Channel],
    log: Log,
    quiet_seconds: float = QUIET_SECONDS,
) -> Incidents:
    """The incidents after a look that ``found`` these (text by key); tells what is new and what is over.

    ``log`` is a channel too, one that always works.
    """
    everywhere = [Channel("log", lambda _title, text, _bad: log(text) is None), *channels]
    after: Incidents = {}
    for key, text in found.items():
        known = incidents.get(key)
        incident = Incident(text, now) if known is None else replace(known, text=text, gone=None)
        after[key] = _open(incident, everywhere)
    for key, incident in incidents.items():
        if key in found:
            continue
        gone = now if incident.gone is None else incident.gone
        left = replace(incident, gone=gone)
        if now - gone >= quiet_seconds:
            left = _over(left, everywhere)
        if left.told and now - gone < quiet_seconds + GIVE_UP_SECONDS:
            after[key] = left
    return after


def _open(incident: Incident, channels: Sequence[Channel]) -> Incident:
    new = [channel for channel in channels if channel.name not in incident.told]
    told = [channel.name for channel in new if channel.tell(_TITLE, incident.text, True)]
    return replace(incident, told=(*incident.told, *told))


def _over(incident: Incident, channels: Sequence[Channel]) -> Incident:
    """Whoever was told hears that it is over; a channel that is no longer set counts as having heard."""
    text = f"over after {_span((incident.gone or incident.since) - incident.since)}: {incident.text}"
    known = [channel for channel in channels if channel.name in incident.told]
    deaf = [channel.name for channel in known if not channel.tell(_TITLE, text, False)]
    return replace(incident, told=tuple(deaf))


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def dump(incidents: Mapping[str, Incident], **more: Any) -> str:
    """A cursor of the incidents and whatever else a sensor remembers."""
    return json.dumps({"incidents": {key: asdict(one) for key, one in incidents.items()}, **more})


def load(cursor: str | None) -> tuple[Incidents, dict[str, Any]]:
    """The way back; a cursor that an older version wrote is forgotten rather than misread."""
    try:
        state = json.loads(cursor or "{}")
        incidents = {
            key: Incident(**{**one, "told": tuple(one["told"])})
            for key, one in state.pop("incidents", {}).items()
        }
    except (TypeError, ValueError, AttributeError, KeyError):
        return {}, {}
    return incidents, state
