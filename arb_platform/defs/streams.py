"""Streams as runs: one per venue, launched and kept alive by ``stream_keeper`` (see ``keeper.py``)."""

import asyncio
import contextlib
import signal
import time

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from pydantic import Field

from arb_platform import pipeline
from arb_platform.defs.names import OWNERS, STREAMS
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.ingest.heartbeat import Heartbeat
from arb_platform.ingest.session import StreamSummary
from arb_platform.settings import load_settings

VENUES = (POLYMARKET, KALSHI)
# An event costs kilobytes in Dagster's log for ever: one a minute tells enough.
_MATERIALIZE_SECONDS = 60.0
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
