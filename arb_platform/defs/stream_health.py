"""Whether a venue is being streamed, judged from what its stream and ``stream_keeper`` say.

Time is counted in looks, not by the clock: a machine that slept did not look, and what it slept
through is no outage.
"""

from dataclasses import dataclass, replace
from typing import Final

from arb_platform.defs.decisions import Memory
from arb_platform.ingest.heartbeat import Heartbeat

# Twice what a killed run needs to be streaming again.
DOWN_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Health:
    """``down`` and ``still`` are the seconds of looks in a row that found no stream, or no new snapshot."""

    down: float = 0.0
    still: float = 0.0
    snapshots: int = 0
    run_id: str = ""
    trouble: str = ""


def look(health: Health, beat: Heartbeat | None, *, fresh: bool, elapsed: float) -> Health:
    """The health after a look ``elapsed`` seconds after the one before.

    ``fresh`` is True when a live process holds the venue and said something in the last seconds.
    """
    if beat is None or not fresh or not beat.connected:
        reason = "" if beat is None or not fresh else beat.trouble or "it is not connected to the venue"
        return replace(health, down=health.down + elapsed, still=0.0, trouble=reason)
    moved = beat.run_id != health.run_id or beat.snapshots != health.snapshots
    still = 0.0 if moved else health.still + elapsed
    return Health(0.0, still, beat.snapshots, beat.run_id, beat.trouble)


def wrong(venue: str, health: Health, attempts: Memory, *, silence_seconds: float) -> dict[str, str]:
    """What there is to tell about ``venue``."""
    found = {}
    if health.down >= DOWN_SECONDS:
        found[f"down:{venue}"] = f"{venue} is not being streamed{_because(health.trouble)}{_tries(attempts)}"
    if health.still >= silence_seconds:
        found[f"silence:{venue}"] = (
            f"{venue} is connected and brought no change of any book for {health.still:.0f} s; "
            "stream_events says what the REST witness thinks of it"
        )
    if not health.down and health.trouble:
        found[f"trouble:{venue}"] = f"the stream of {venue} goes on, but: {health.trouble}"
    return found


def _because(trouble: str) -> str:
    return f": {trouble}" if trouble else ""


def _tries(attempts: Memory) -> str:
    if attempts.young_deaths < 2:
        return "; stream_keeper starts a run"
    return (
        f"; {attempts.young_deaths} runs in a row died at once, the next one is tried "
        f"{attempts.backoff_seconds:.0f} s after the last"
    )
