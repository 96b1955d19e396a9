"""Streams as runs: one per venue, launched and kept alive by ``stream_keeper``."""

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import Sequence
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from pydantic import Field

from arb_platform import pipeline
from arb_platform.defs.names import OWNERS, STREAM_TAG, STREAMS
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.ingest.heartbeat import Heartbeat, alive, read_heartbeat
from arb_platform.ingest.session import StreamSummary
from arb_platform.settings import load_settings

VENUES = (POLYMARKET, KALSHI)
# An event costs kilobytes in Dagster's log for ever: one a minute tells enough.
_MATERIALIZE_SECONDS = 60.0
_FIRST_MATERIALIZATION_ROWS = 1
_IN_PROGRESS = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# A run needs this long from its launch to its first heartbeat on a busy machine.
_GRACE_SECONDS = 60.0
# A heartbeat is written every second; without one for so long the process is gone or stuck.
_STALE_SECONDS = 20.0
_FIRST_BACKOFF_SECONDS = 5.0
_LONGEST_BACKOFF_SECONDS = 300.0
_LIVED_LONG_ENOUGH_SECONDS = 60.0

venue_partitions = dg.StaticPartitionsDefinition(list(VENUES))

order_book_snapshots = dg.AssetSpec(
    "order_book_snapshots",
    group_name=STREAMS,
    owners=OWNERS,
    kinds={"duckdb", "websocket"},
    partitions_def=venue_partitions,
    description="Tops of the order books as they change, recorded by `stream_order_books` runs (`lake.book_snapshots`).",
)


class StreamConfig(dg.Config):
    """Which venue a run streams, and for how long."""

    venue: str = Field(
        default=POLYMARKET, pattern="^(polymarket|kalshi)$", description="polymarket or kalshi."
    )
    seconds: float | None = Field(
        default=None, gt=0, description="Stop after so many seconds; empty: until it is terminated."
    )
    markets: str | None = Field(default=None, description="Comma-separated ids instead of ARB_TRACK.")
    max_depth: int = Field(default=3, ge=1, le=3, description="Visible levels a side.")


@dg.op(
    description="Streams one venue until it is terminated, then lands everything it holds.",
    out=dg.Out(dg.Nothing),
)
def stream_order_book(context: dg.OpExecutionContext, config: StreamConfig) -> None:
    teller = _Teller(context, config.venue)
    interrupted, summary = asyncio.run(_stream(config, context.run_id, teller))
    teller.materialize(summary.beat)
    context.log.info(
        f"{config.venue}: {summary.snapshots} snapshots, {summary.gaps} gaps, {summary.reconnections} reconnects; "
        f"{summary.acknowledged_rows} rows acknowledged, {summary.promoted_rows} promoted"
    )
    if interrupted:
        raise DagsterExecutionInterruptedError


@dg.job(
    executor_def=dg.in_process_executor,
    description="Stream one venue's order books into the lake. stream_keeper keeps one such run per venue alive.",
    config=dg.RunConfig(ops={"stream_order_book": StreamConfig()}),
)
def stream_order_books() -> None:
    stream_order_book()


@dg.sensor(
    job=stream_order_books,
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps exactly one streaming run per venue alive, decided from run status, heartbeat and lease.",
)
def stream_keeper(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    state: dict[str, Any] = json.loads(context.cursor) if context.cursor else {}
    now = time.time()
    root = load_settings().root
    requests: list[dg.RunRequest] = []
    reasons: list[str] = []
    for venue in VENUES:
        memory = state.setdefault(venue, {"attempt": 0, "launched_at": 0.0, "backoff": 0.0})
        runs = context.instance.get_runs(
            dg.RunsFilter(tags={STREAM_TAG: venue}, statuses=_IN_PROGRESS), limit=5
        )
        beat = read_heartbeat(root, venue)
        if alive(root, venue):
            if now - memory["launched_at"] > _LIVED_LONG_ENOUGH_SECONDS:
                memory["backoff"] = 0.0
            reasons.append(f"{venue}: streaming")
        elif runs and now - memory["launched_at"] < _GRACE_SECONDS:
            if _launch_failed_in(runs, beat, memory["launched_at"]):
                _declare_dead(context, runs, venue)
            reasons.append(f"{venue}: its run is starting")
        elif runs:
            _declare_dead(context, runs, venue)
            reasons.append(f"{venue}: its run is gone and was marked as failed")
        elif now - memory["launched_at"] < memory["backoff"]:
            reasons.append(
                f"{venue}: died young, next try in {memory['backoff'] - (now - memory['launched_at']):.0f} s"
            )
        else:
            memory["attempt"] += 1
            memory["backoff"] = min(
                max(memory["backoff"] * 2, _FIRST_BACKOFF_SECONDS), _LONGEST_BACKOFF_SECONDS
            )
            memory["launched_at"] = now
            # A run key that was used is skipped for ever, also after a failure: never use one twice.
            requests.append(_request(venue, f"{venue}-{memory['attempt']}-{int(now)}"))
    skip = dg.SkipReason("; ".join(reasons)) if not requests else None
    return dg.SensorResult(run_requests=requests, skip_reason=skip, cursor=json.dumps(state))


def _request(venue: str, key: str) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=key,
        tags={STREAM_TAG: venue},
        run_config=dg.RunConfig(ops={"stream_order_book": StreamConfig(venue=venue)}),
    )


def _launch_failed_in(runs: Sequence[dg.DagsterRun], beat: Heartbeat | None, launched_at: float) -> bool:
    """True when a run that had begun to stream holds no lease any more: its process was killed."""
    return (
        beat is not None
        and beat.at.timestamp() > launched_at
        and time.time() - beat.at.timestamp() > _STALE_SECONDS / 4
        and any(run.run_id == beat.run_id for run in runs)
    )


def _declare_dead(context: dg.SensorEvaluationContext, runs: Any, venue: str) -> None:
    """The lease is free, so the process of these runs is gone, whatever their status says."""
    for run in runs:
        context.instance.report_run_failed(
            run,
            f"the process that streamed {venue} is gone: its lease is free. stream_keeper starts another.",
        )


async def _stream(config: StreamConfig, run_id: str, teller: "_Teller") -> tuple[bool, StreamSummary]:
    """Stream until somebody asks us to end; True when that was a signal."""
    stop, interrupted = asyncio.Event(), asyncio.Event()

    def interrupt() -> None:
        interrupted.set()
        stop.set()

    loop = asyncio.get_running_loop()
    with contextlib.suppress(RuntimeError):  # not the main thread, which alone hears signals
        for kind in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(kind, interrupt)
    telling = asyncio.create_task(teller.run())
    try:
        summary = await pipeline.stream_venue(
            load_settings(),
            config.venue,
            stop=stop,
            seconds=config.seconds,
            markets=config.markets,
            max_depth=config.max_depth,
            run_id=run_id,
            on_beat=teller.hear,
        )
    finally:
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling
    return interrupted.is_set(), summary


class _Teller:
    """Tells Dagster what has landed: soon after the first rows, then once a minute."""

    def __init__(self, context: dg.OpExecutionContext, venue: str) -> None:
        self._context = context
        self._venue = venue
        self._beat: Heartbeat | None = None
        self._told_rows = 0

    def hear(self, beat: Heartbeat) -> None:
        self._beat = beat

    async def run(self) -> None:
        due = 0.0
        while True:
            await asyncio.sleep(1)
            beat = self._beat
            if beat is None or beat.promoted_rows < _FIRST_MATERIALIZATION_ROWS or time.monotonic() < due:
                continue
            due = time.monotonic() + _MATERIALIZE_SECONDS
            # Writing an event takes tens of milliseconds, which the sockets should not wait for.
            await asyncio.to_thread(self.materialize, beat)

    def materialize(self, beat: Heartbeat | None) -> None:
        if beat is None or beat.promoted_rows <= self._told_rows:
            return
        self._told_rows = beat.promoted_rows
        self._context.log_event(
            dg.AssetMaterialization(
                "order_book_snapshots",
                partition=self._venue,
                metadata={
                    "rows_in_the_lake": beat.promoted_rows,
                    "books": f"{beat.assets_with_book} of {beat.assets}",
                    "frames_per_second": beat.frames_per_second,
                    "lag_p50_ms": beat.lag_p50_ms or 0.0,
                    "lag_p99_ms": beat.lag_p99_ms or 0.0,
                    "gaps": beat.gaps,
                    "reconnections": beat.reconnections,
                    "quarantined": beat.quarantined,
                    "sql": f"SELECT * FROM lake.book_snapshots WHERE venue = '{self._venue}' AND day = current_date",
                },
            )
        )
