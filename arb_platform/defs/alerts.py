"""Telling somebody: failed runs, streams that are down or silent, money that runs out, checks that fail.

Each sensor finds what is wrong now; ``incidents`` makes one message of it, and one when it is over.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

import dagster as dg

from arb_platform import api, pipeline
from arb_platform.defs.budget import ahead, spent_today, warnings
from arb_platform.defs.channels import channels_of
from arb_platform.defs.checks import TOLD_BY_STREAM_ALERT
from arb_platform.defs.failed_checks import failing
from arb_platform.defs.failed_runs import after_runs, key_of, streams_recovered, why_failed
from arb_platform.defs.incidents import QUIET_SECONDS, Incidents, dump, follow, load
from arb_platform.defs.instances import instance_of
from arb_platform.defs.keeper import read_note
from arb_platform.defs.stream_health import Health, look, wrong
from arb_platform.defs.streams import VENUES
from arb_platform.domain.errors import LakeUnavailable
from arb_platform.ingest.heartbeat import Heartbeat, alive, read_heartbeat
from arb_platform.pipeline.models import models_in_use
from arb_platform.settings import Settings, load_settings
from arb_platform.storage.lake import Lake

STREAM_LOOK_SECONDS: Final = 10
# A stream says something every second; a busy machine may be late.
FRESH_SECONDS: Final = 15.0
_RUNS_AT_ONCE: Final = 100
_ENDED: Final = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS]


@dg.sensor(
    name="failed_run_alert",
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="One message when the runs of a job begin to fail, and one when it works again.",
)
def failed_run_alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    settings, now = load_settings(), pipeline.now()
    incidents, more = load(context.cursor)
    after = float(more.get("after", now.timestamp()))
    records = instance_of(context).get_run_records(
        dg.RunsFilter(statuses=_ENDED, updated_after=datetime.fromtimestamp(after, UTC)),
        limit=_RUNS_AT_ONCE, order_by="update_timestamp", ascending=True,
    )  # fmt: skip
    ended = [(record.dagster_run, _why(instance_of(context), record.dagster_run)) for record in records]
    found, waiting = after_runs(_going_on(incidents), more.get("waiting", {}), ended)
    failed_at: dict[str, float] = dict(more.get("failed_at", {}))
    for record, (run, why) in zip(records, ended, strict=True):
        after = record.update_timestamp.astimezone(UTC).timestamp()
        if why:
            failed_at[key_of(run)] = after
    beats = [beat for venue in VENUES if (beat := _streaming(settings, venue, now)) is not None]
    for key in streams_recovered(found, beats, failed_at, now):
        del found[key]
    return _told(
        context, settings, incidents, found, now, quiet_seconds=0.0, calm="no job fails",
        after=after, waiting=waiting, failed_at={key: at for key, at in failed_at.items() if key in found},
    )  # fmt: skip


@dg.sensor(
    name="stream_alert",
    minimum_interval_seconds=STREAM_LOOK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="One message when a venue is not streamed for a minute or brings nothing for ARB_SILENCE_SECONDS, and one when it is back.",
)
def stream_alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    settings, now = load_settings(), pipeline.now()
    incidents, more = load(context.cursor)
    note = read_note(settings.root, now)
    if note is None:
        return _told(
            context,
            settings,
            incidents,
            {},
            now,
            calm="stream_keeper is off, so nothing needs to be streamed",
        )
    healths: dict[str, Health] = {}
    found: dict[str, str] = {}
    for venue in VENUES:
        beat = read_heartbeat(settings.root, venue)
        fresh = _streaming(settings, venue, now) is not None
        before = Health(**more.get("health", {}).get(venue, {}))
        healths[venue] = health = look(before, beat, fresh=fresh, elapsed=STREAM_LOOK_SECONDS)
        found |= wrong(venue, health, note[venue], silence_seconds=settings.silence_seconds)
    return _told(
        context, settings, incidents, found, now, calm="every venue is streamed",
        health={venue: asdict(health) for venue, health in healths.items()},
    )  # fmt: skip


@dg.sensor(
    name="check_alert",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="One message when an asset check of severity ERROR fails, and one when it passes again.",
)
def check_alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    settings, now = load_settings(), pipeline.now()
    incidents, _ = load(context.cursor)
    repository = context.repository_def
    keys = [] if repository is None else repository.asset_graph.asset_check_keys
    keys = [key for key in keys if key.name not in TOLD_BY_STREAM_ALERT]
    found = failing(instance_of(context), keys, _going_on(incidents))
    return _told(
        context, settings, incidents, found, now, quiet_seconds=0.0,
        calm=f"{len(keys)} checks, none of severity ERROR fails",
    )  # fmt: skip


@dg.sensor(
    name="llm_budget_alert",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Warns at 80 % and 100 % of the day's budgets, when the fallback is asked more than the first provider, when many calls "
    "fail, and ahead of a model's retirement or a new price.",
)
def llm_budget_alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    settings, now = load_settings(), pipeline.now()
    incidents, _ = load(context.cursor)
    try:
        with Lake.open(api.lake_location(settings), read_only=True) as lake:
            today = spent_today(lake, settings, now)
    except LakeUnavailable:
        return dg.SensorResult(skip_reason="there is no lake yet", cursor=context.cursor)
    found = warnings(today, settings) | ahead(models_in_use(settings, now), now)
    calm = (
        f"${today.spent + today.escalation_spent} of ${settings.llm_budget_usd} spent today; {today.fallback_calls} fallback calls of "
        f"{today.primary_calls + today.fallback_calls}, {today.failed} failed"
    )
    return _told(context, settings, incidents, found, now, calm=calm)


def _told(
    context: dg.SensorEvaluationContext,
    settings: Settings,
    incidents: Incidents,
    found: Mapping[str, str],
    now: datetime,
    *,
    calm: str,
    quiet_seconds: float = QUIET_SECONDS,
    **more: Any,
) -> dg.SensorResult:
    """Tell what is new and what is over; the tick says what is wrong now, else ``calm``."""
    channels = channels_of(settings)
    for complaint in channels.complaints:
        context.log.warning(complaint)
    after = follow(
        incidents, found, now=now.timestamp(), channels=channels.usable,
        log=lambda text: context.log.warning(text), quiet_seconds=quiet_seconds,  # noqa: PLW0108 the log is opened when it is used
    )  # fmt: skip
    return dg.SensorResult(skip_reason="; ".join(found.values()) or calm, cursor=dump(after, **more))


def _going_on(incidents: Incidents) -> dict[str, str]:
    return {key: one.text for key, one in incidents.items() if one.gone is None}


def _why(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    return why_failed(instance, run) if run.status == dg.DagsterRunStatus.FAILURE else ""


def _streaming(settings: Settings, venue: str, now: datetime) -> Heartbeat | None:
    """The last word of a venue that a live process streams right now."""
    beat = read_heartbeat(settings.root, venue) if alive(settings.root, venue) else None
    fresh = beat is not None and abs((now - beat.at).total_seconds()) < FRESH_SECONDS
    return beat if fresh else None
