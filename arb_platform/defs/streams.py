"""Streams as runs: one per venue, launched and kept alive by ``stream_keeper`` (see ``keeper.py``)."""

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Callable
from typing import Final, Literal

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from pydantic import Field

from arb_platform import pipeline
from arb_platform.defs.names import OWNERS, STREAMS
from arb_platform.defs.told import columns_of
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.ingest.heartbeat import Heartbeat
from arb_platform.ingest.lease import Holder, ShardBusy
from arb_platform.ingest.session import StreamSummary
from arb_platform.settings import load_settings

log = logging.getLogger(__name__)

Venue = Literal["polymarket", "kalshi"]
VENUES: Final[tuple[Venue, ...]] = (POLYMARKET, KALSHI)
_WANTED = frozenset(
    {dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED}
)
# How soon a run whose code server died notices that it was terminated.
_STATUS_SECONDS = 3.0
# An event costs kilobytes in Dagster's log for ever, and twice: one in five minutes tells enough.
_MATERIALIZE_SECONDS = 300.0
venue_partitions = dg.StaticPartitionsDefinition(list(VENUES))

order_book_snapshots = dg.AssetSpec(
    "order_book_snapshots",
    group_name=STREAMS,
    owners=OWNERS,
    kinds={"duckdb", "websocket"},
    metadata=columns_of("book_snapshots"),
    partitions_def=venue_partitions,
    description="Tops of the order books as they change, recorded by `stream_order_books` runs (`lake.book_snapshots`).",
)


class StreamConfig(dg.Config):
    """Which venue a run streams, and for how long."""

    venue: Venue = Field(default=POLYMARKET, description="polymarket or kalshi.")
    seconds: float | None = Field(
        default=None, gt=0, description="Stop after so many seconds; empty: until it is terminated."
    )
    markets: str | None = Field(default=None, description="Comma-separated ids instead of ARB_TRACK.")
    max_depth: int = Field(default=3, ge=1, le=3, description="Visible levels a side.")
    renew: bool = Field(
        default=False,
        description="Take over from the run that streams the venue now, without a gap; where none does, just start.",
    )


@dg.op(
    description="Streams one venue until it is terminated, then lands everything it holds.",
    out=dg.Out(dg.Nothing),
)
def stream_order_book(context: dg.OpExecutionContext, config: StreamConfig) -> None:
    teller = _Teller(context, config.venue)
    try:
        interrupted, summary = asyncio.run(_stream(config, context, teller))
    except ShardBusy as busy:
        _somebody_else(context, config, busy.holder)
        return
    teller.materialize(summary.beat)
    context.log.info(
        f"{config.venue}: {summary.snapshots} snapshots, {summary.gaps} gaps, {summary.reconnections} reconnects; "
        f"{summary.acknowledged_rows} rows acknowledged, {summary.promoted_rows} promoted"
    )
    if interrupted:
        raise DagsterExecutionInterruptedError


def _somebody_else(context: dg.OpExecutionContext, config: StreamConfig, holder: Holder | None) -> None:
    """What was asked for is so already, or, where something particular was asked for, is not possible now."""
    who = "another process" if holder is None else f"process {holder.pid}"
    if holder is not None and holder.owner:
        who = f"run {holder.owner}"
    since = "" if holder is None or holder.since is None else f" since {holder.since:%Y-%m-%d %H:%M:%S} UTC"
    if config.seconds is not None or config.markets is not None:
        raise dg.Failure(
            f"{config.venue} is streamed by {who}{since}, and only one may: these markets or seconds cannot be had beside it. "
            "Switch stream_keeper off, terminate that run, and launch this one again."
        )
    sentence = (
        f"{config.venue} is streamed by {who}{since} already, so there is nothing to do. To replace that run without a "
        "gap, launch with renew: true; to restart it, terminate it."
    )
    context.log.info(sentence)
    context.log_event(
        dg.AssetObservation(
            "order_book_snapshots",
            partition=config.venue,
            description=sentence,
            metadata={
                "lease_held_by": who,
                "generation": 0 if holder is None else holder.generation,
                **({"run": dg.MetadataValue.dagster_run(holder.owner)} if holder and holder.owner else {}),
            },
        )
    )


@dg.job(
    executor_def=dg.in_process_executor,
    description="Stream one venue's order books into the lake. stream_keeper keeps one such run per venue alive.",
    config=dg.RunConfig(ops={"stream_order_book": StreamConfig()}),
)
def stream_order_books() -> None:
    stream_order_book()


async def _stream(
    config: StreamConfig, context: dg.OpExecutionContext, teller: "_Teller"
) -> tuple[bool, StreamSummary]:
    """Stream until somebody asks us to end; True when that was a signal or the UI."""
    stop, interrupted = asyncio.Event(), asyncio.Event()

    def interrupt() -> None:
        interrupted.set()
        stop.set()

    loop = asyncio.get_running_loop()
    with contextlib.suppress(RuntimeError):  # not the main thread, which alone hears signals
        for kind in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(kind, interrupt)
    beside = [
        asyncio.create_task(teller.run()),
        asyncio.create_task(_until_unwanted(context.instance, context.run_id, interrupt)),
    ]
    try:
        summary = await pipeline.stream_venue(
            load_settings(),
            config.venue,
            stop=stop,
            seconds=config.seconds,
            markets=config.markets,
            max_depth=config.max_depth,
            run_id=context.run_id,
            on_beat=teller.hear,
            renew=config.renew,
        )
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
    return interrupted.is_set(), summary


async def _until_unwanted(instance: dg.DagsterInstance, run_id: str, interrupt: Callable[[], None]) -> None:
    """Interrupt when the run is no longer meant to go on.

    Dagster tells a run by its code server. When that one died, only the run's status still says that it was
    terminated, or given up for dead while it streamed.
    """
    while True:
        await asyncio.sleep(_STATUS_SECONDS)
        try:
            run = await asyncio.to_thread(instance.get_run_by_id, run_id)
        except Exception as error:  # noqa: BLE001 whatever Dagster's storage raises must not end a stream
            log.warning("the status of run %s could not be read: %s", run_id, error)
            continue
        if run is None or run.status not in _WANTED:
            interrupt()
            return


class _Teller:
    """Tells Dagster what has landed: soon after the first rows, then every five minutes."""

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
            if beat is None or not beat.promoted_rows or time.monotonic() < due:
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
