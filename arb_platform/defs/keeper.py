"""``stream_keeper``: exactly one streaming run per venue, decided from lease, heartbeat and run status.

The lease tells the truth, because the operating system lets go of it when the process dies. Run
status does not: a killed run can stay STARTED, and an orphan can stream on after it was marked as failed.
"""

import json
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import dagster as dg

from arb_platform import pipeline
from arb_platform.defs.decisions import Memory, Sight, decide, remember
from arb_platform.defs.instances import instance_of
from arb_platform.defs.names import STREAM_TAG, stream_tags
from arb_platform.defs.streams import VENUES, StreamConfig, Venue, stream_order_books
from arb_platform.ingest.heartbeat import Heartbeat, read_heartbeat
from arb_platform.ingest.lease import Holder, code_digest, has_open, held, holder_of, lease_path
from arb_platform.settings import Settings, load_settings

# Dagster has not begun with these: a full queue is waited for as long as it takes.
_WAITING: Final = frozenset({dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED})
_IN_PROGRESS: Final = [
    *_WAITING,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# What the keeper wrote longer ago was written before it was switched off.
NOTE_SECONDS: Final = 60.0
# Since when this process has had its code.
_CODE_SINCE: Final = datetime.now(UTC)


@dg.sensor(
    job=stream_order_books,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps exactly one streaming run per venue alive, decided from lease, heartbeat and run status; "
    "renews runs of old code and runs older than ARB_STREAM_HOURS without a gap.",
)
def stream_keeper(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    settings, now = load_settings(), pipeline.now()
    memories = _memories(context.cursor)
    requests: list[dg.RunRequest] = []
    reasons: list[str] = []
    for venue in VENUES:
        runs = instance_of(context).get_run_records(
            dg.RunsFilter(tags={STREAM_TAG: stream_tags(venue)}, statuses=_IN_PROGRESS), limit=5
        )
        memory, sight = memories.get(venue, Memory()), _look(settings, venue, runs, now)
        decision = decide(sight, memory)
        memories[venue] = memory = remember(decision, sight, memory)
        reasons.append(f"{venue}: {decision}")
        if decision in {"launch", "renew"}:
            requests.append(_request(venue, memory, runs, renew=decision == "renew"))
        elif decision == "give up":
            _give_up(context, venue, runs)
        elif decision == "end":
            _end(context, settings.root, venue)
    _note(settings.root, now, memories)
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else dg.SkipReason("; ".join(reasons)),
        cursor=json.dumps({venue: asdict(memory) for venue, memory in memories.items()}),
    )


def _look(settings: Settings, venue: str, runs: Sequence[dg.RunRecord], now: datetime) -> Sight:
    beat = read_heartbeat(settings.root, venue)
    holder = holder_of(settings.root, venue)
    theirs = beat is not None and any(run.dagster_run.run_id == beat.run_id for run in runs)
    silent = (now - beat.at).total_seconds() if beat is not None and theirs else None
    others = [run for run in runs if holder is None or run.dagster_run.run_id != holder.owner]
    return Sight(
        now.timestamp(),
        held(settings.root, venue),
        min(map(partial(_begun, now), runs), default=None),
        silent,
        last_word="" if beat is None or holder is None or beat.pid != holder.pid else beat.at.isoformat(),
        successor=bool(others),
        overdue=_overdue(settings, holder, runs, beat, now),
        orphaned=bool(runs) and all(map(_orphaned, runs)),
    )


def _overdue(
    settings: Settings,
    holder: Holder | None,
    runs: Sequence[dg.RunRecord],
    beat: Heartbeat | None,
    now: datetime,
) -> bool:
    """True when the run that holds the venue is of older code than ours, or older than ARB_STREAM_HOURS."""
    if holder is None or holder.since is None or beat is None or not beat.connected:
        return False
    if not any(run.dagster_run.run_id == holder.owner for run in runs):
        return False  # not a run of Dagster's: somebody streams by hand
    hours = (now - holder.since).total_seconds() / 3600
    # A run that began after us cannot be of older code, whatever lies on the disk by now.
    older = holder.code != code_digest() and holder.since < _CODE_SINCE
    return older or 0 < settings.stream_hours < hours


def _orphaned(run: dg.RunRecord) -> bool:
    """True when a run left the queue before this code server had its code."""
    began = run.update_timestamp.astimezone(UTC)
    return run.dagster_run.status not in _WAITING and began < _CODE_SINCE


def _begun(now: datetime, run: dg.RunRecord) -> float:
    """Seconds since a run left the queue: its record changes with its status and not while it works."""
    if run.dagster_run.status in _WAITING:
        return 0.0
    return (now - run.update_timestamp.astimezone(UTC)).total_seconds()


def _request(venue: Venue, memory: Memory, runs: Sequence[dg.RunRecord], *, renew: bool) -> dg.RunRequest:
    taken = {run.dagster_run.tags.get(STREAM_TAG) for run in runs}
    tag = next(one for one in stream_tags(venue) if one not in taken or not renew)
    return dg.RunRequest(
        # A run key that was used is skipped for ever, also after a failure: never use one twice.
        run_key=f"{venue}-{memory.attempt}-{int(memory.launched_at)}",
        tags={STREAM_TAG: tag},
        run_config=dg.RunConfig(ops={"stream_order_book": StreamConfig(venue=venue, renew=renew)}),
    )


def _give_up(context: dg.SensorEvaluationContext, venue: str, runs: Sequence[dg.RunRecord]) -> None:
    for run in runs:
        instance_of(context).report_run_failed(
            run.dagster_run,
            f"the process that streamed {venue} is gone: its lease is free. stream_keeper starts another.",
        )


def _end(context: dg.SensorEvaluationContext, root: Path, venue: str) -> None:
    """Kill a process that holds a venue and has said nothing for long; the next look finds the lease free."""
    holder = holder_of(root, venue)
    if holder is None or not has_open(holder.pid, lease_path(root, venue)):
        context.log.error(f"{venue} is held by a process that says nothing and is not of this machine")
        return
    context.log.error(f"{venue}: process {holder.pid} holds it and says nothing any more; it is killed")
    with suppress(ProcessLookupError, PermissionError):
        os.kill(holder.pid, signal.SIGKILL)


def _note(root: Path, now: datetime, memories: dict[str, Memory]) -> None:
    """For whoever judges from outside whether a venue should be streamed now."""
    path = root / "streams" / "keeper.json"
    with suppress(OSError):  # a disk that is full is the streams' to report
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        venues = {venue: asdict(memory) for venue, memory in memories.items()}
        temporary.write_text(json.dumps({"at": now.isoformat(), "venues": venues}))
        temporary.replace(path)


def read_note(root: Path, now: datetime) -> dict[str, Memory] | None:
    """What the keeper remembers of each venue; None when it has not looked for a minute, so it is off."""
    try:
        note = json.loads((root / "streams" / "keeper.json").read_text())
        fresh = abs((now - datetime.fromisoformat(note["at"])).total_seconds()) < NOTE_SECONDS
        return {venue: Memory(**memory) for venue, memory in note["venues"].items()} if fresh else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _memories(cursor: str | None) -> dict[str, Memory]:
    """From the cursor; one that an older version wrote is forgotten rather than misread."""
    try:
        return {venue: Memory(**memory) for venue, memory in json.loads(cursor or "{}").items()}
    except (TypeError, ValueError, AttributeError):
        return {}
