"""``stream_keeper``: exactly one streaming run per venue, decided from lease, heartbeat and run status.

The lease tells the truth, because the operating system lets go of it when the process dies. Run
status does not: a killed run can stay STARTED, and an orphan can stream on after it was marked as failed.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final, Literal

import dagster as dg

from arb_platform import pipeline
from arb_platform.defs.names import STREAM_TAG
from arb_platform.defs.streams import VENUES, StreamConfig, stream_order_books
from arb_platform.ingest.heartbeat import alive, read_heartbeat
from arb_platform.settings import load_settings

# Dagster has not begun with these: a full queue is waited for as long as it takes.
_WAITING: Final = frozenset({dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED})
_IN_PROGRESS: Final = [
    *_WAITING,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# From the end of the queue to the lease, on a machine that is busy with everything else that starts.
GRACE_SECONDS: Final = 60.0
# A process that had the lease and lost it is dead; its run is given up after so long without a heartbeat.
STALE_SECONDS: Final = 5.0
FIRST_BACKOFF_SECONDS: Final = 5.0
LONGEST_BACKOFF_SECONDS: Final = 300.0
# A stream that lived so long did not die of its start.
LIVED_SECONDS: Final = 60.0

Decision = Literal["streaming", "starting", "back off", "give up", "launch"]


@dataclass(frozen=True, slots=True)
class Memory:
    """What the sensor remembers of a venue between two looks; times are seconds since the epoch."""

    attempt: int = 0
    launched_at: float = 0.0
    backoff_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What it sees now; each is None when there is no such run.

    ``begun_seconds`` is how long ago the youngest run left the queue (0 while one is still in it),
    ``silent_seconds`` the age of the last heartbeat of one of the runs.
    """

    now: float
    leased: bool
    begun_seconds: float | None
    silent_seconds: float | None


def decide(sight: Sight, memory: Memory) -> Decision:
    """What to do about one venue."""
    since_launch = sight.now - memory.launched_at
    if sight.leased:
        return "streaming"
    if sight.begun_seconds is not None:
        died = sight.silent_seconds is not None and sight.silent_seconds > STALE_SECONDS
        return "give up" if died or sight.begun_seconds > GRACE_SECONDS else "starting"
    return "back off" if since_launch < memory.backoff_seconds else "launch"


def remember(decision: Decision, sight: Sight, memory: Memory) -> Memory:
    """The memory after ``decision``: a launch waits twice as long as the one before, a long life forgives."""
    if decision == "streaming" and sight.now - memory.launched_at > LIVED_SECONDS:
        return replace(memory, backoff_seconds=0.0)
    if decision == "launch":
        backoff = min(max(memory.backoff_seconds * 2, FIRST_BACKOFF_SECONDS), LONGEST_BACKOFF_SECONDS)
        return Memory(memory.attempt + 1, sight.now, backoff)
    return memory


@dg.sensor(
    job=stream_order_books,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps exactly one streaming run per venue alive, decided from lease, heartbeat and run status.",
)
def stream_keeper(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    memories = _memories(context.cursor)
    requests: list[dg.RunRequest] = []
    reasons: list[str] = []
    for venue in VENUES:
        runs = context.instance.get_run_records(
            dg.RunsFilter(tags={STREAM_TAG: venue}, statuses=_IN_PROGRESS), limit=5
        )
        memory, sight = memories.get(venue, Memory()), _look(venue, runs)
        decision = decide(sight, memory)
        memories[venue] = memory = remember(decision, sight, memory)
        reasons.append(f"{venue}: {decision}")
        if decision == "launch":
            requests.append(_request(venue, memory))
        elif decision == "give up":
            _give_up(context, venue, runs)
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else dg.SkipReason("; ".join(reasons)),
        cursor=json.dumps({venue: asdict(memory) for venue, memory in memories.items()}),
    )


def _look(venue: str, runs: Sequence[dg.RunRecord]) -> Sight:
    root, now = load_settings().root, pipeline.now()
    beat = read_heartbeat(root, venue)
    theirs = beat is not None and any(run.dagster_run.run_id == beat.run_id for run in runs)
    silent = (now - beat.at).total_seconds() if beat is not None and theirs else None
    return Sight(
        now.timestamp(), alive(root, venue), min(map(partial(_begun, now), runs), default=None), silent
    )


def _begun(now: datetime, run: dg.RunRecord) -> float:
    """Seconds since a run left the queue: its record changes with its status and not while it works."""
    if run.dagster_run.status in _WAITING:
        return 0.0
    return (now - run.update_timestamp.astimezone(UTC)).total_seconds()


def _request(venue: str, memory: Memory) -> dg.RunRequest:
    return dg.RunRequest(
        # A run key that was used is skipped for ever, also after a failure: never use one twice.
        run_key=f"{venue}-{memory.attempt}-{int(memory.launched_at)}",
        tags={STREAM_TAG: venue},
        run_config=dg.RunConfig(ops={"stream_order_book": StreamConfig(venue=venue)}),
    )


def _give_up(context: dg.SensorEvaluationContext, venue: str, runs: Sequence[dg.RunRecord]) -> None:
    for run in runs:
        context.instance.report_run_failed(
            run.dagster_run,
            f"the process that streamed {venue} is gone: its lease is free. stream_keeper starts another.",
        )


def _memories(cursor: str | None) -> dict[str, Memory]:
    """From the cursor; one that an older version wrote is forgotten rather than misread."""
    try:
        return {venue: Memory(**memory) for venue, memory in json.loads(cursor or "{}").items()}
    except (TypeError, ValueError, AttributeError):
        return {}
