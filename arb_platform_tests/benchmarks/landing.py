"""T6 and T7: from snapshots to durable rows, and what that does to the event loop."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.markets import POLYMARKET
from arb_platform.ingest.recorder import BATCH_ROWS, Recorder
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.spool import Spool
from arb_platform.storage.stream_tables import BOOK_SNAPSHOTS, PROMOTED_COLUMNS
from arb_platform.storage.streams import snapshot_rows
from arb_platform_tests.benchmarks.clients import ordered, run_ours
from arb_platform_tests.benchmarks.hot_path import AT, MARKETS
from arb_platform_tests.benchmarks.load import load
from arb_platform_tests.benchmarks.measure import FEEDS, Outcome, Pace, percentile, progress

TARGETS: Final = ("T6", "T7")
_PROBE_SECONDS: Final = 0.001
_BASELINE_ROWS: Final = 1_000

Handed = list[tuple[BookSnapshot, datetime]]


def measure(pace: Pace) -> Outcome:
    outcome = Outcome()
    _costs(pace, outcome)
    asyncio.run(_stalls(pace, outcome))
    return outcome


def snapshots(count: int, seed: int) -> tuple[Handed, float, int]:
    """About so many real snapshots, the CPU seconds that made them, and from how many frames."""
    made = load(POLYMARKET, frames=count * 2, markets=MARKETS, seed=seed)
    feed = FEEDS[POLYMARKET](made.markets)
    feed.connected("bench", AT)
    for frame in made.opening:
        feed.receive(frame, AT)
    handed: Handed = []
    began = time.process_time()
    for number, frame in enumerate(made.frames):
        at = AT + timedelta(microseconds=50 * number)
        handed += [(output, at) for output in feed.receive(frame, at) if isinstance(output, BookSnapshot)]
    return handed, time.process_time() - began, len(made.frames)


def _costs(pace: Pace, outcome: Outcome) -> None:
    with progress("T6: landing against executemany"), tempfile.TemporaryDirectory() as folder:
        handed, spent_on_books, frames = snapshots(pace.of(40_000, 200_000), pace.seed)
        location = LakeLocation.local(Path(folder))
        spool = Spool(location.spool)
        landing = _cpu_of_landing(handed, spool)
        with Lake.open(location) as lake:
            began = time.process_time()
            promoted = Promoter(lake, spool).promote().rows
            promoting = time.process_time() - began
            stored = lake.query("SELECT count(*) AS n FROM book_snapshots").item()
        naive = _cpu_of_executemany(handed[:_BASELINE_ROWS]) / _BASELINE_ROWS
    if not promoted == stored == len(handed):
        raise ValueError(f"{len(handed)} rows were landed, {promoted} promoted, {stored} are there")
    row = landing / len(handed)
    outcome.at_least("T6", "landing (durable in the spool) faster than executemany (CPU)", naive / row, 300)
    outcome.told("T6", "landing and promotion into the lake", f"{naive / (row + promoting / promoted):.0f}x")
    share = landing / (landing + spent_on_books) * 100
    outcome.at_most("T6", "landing's share of decode + book + land", share, 25.0, " %")
    outcome.cost("landing a row in the spool", row * 1e6, f"{len(handed) / frames:.2f} rows a frame")
    outcome.cost(
        "promoting a row into the lake", promoting / promoted * 1e6, "in a thread, all cores counted"
    )
    outcome.cost("executemany into DuckDB in memory", naive * 1e6, "the baseline")


def _cpu_of_landing(handed: Handed, spool: Spool) -> float:
    """Rows by batches as the recorder makes them; fsync costs time and no CPU."""
    began = time.process_time()
    for start in range(0, len(handed), BATCH_ROWS):
        spool.write(POLYMARKET, BOOK_SNAPSHOTS.name, snapshot_rows(handed[start : start + BATCH_ROWS]))
    return time.process_time() - began


def _cpu_of_executemany(handed: Handed) -> float:
    """What the same rows cost one by one, without a file beneath; times, Decimals and all."""
    columns = [column for column in BOOK_SNAPSHOTS.columns if column.name not in PROMOTED_COLUMNS]
    rows = [[row[column.name] for column in columns] for row in snapshot_rows(handed).to_pylist()]
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t ({', '.join(f'{c.name} {c.type}' for c in columns)})")
        began = time.process_time()
        connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})", rows)
        return time.process_time() - began


@dataclass(slots=True)
class Probe:
    """How much later than asked the event loop comes round, in milliseconds."""

    late: list[float]

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _PROBE_SECONDS
            await asyncio.sleep(_PROBE_SECONDS)
            self.late.append((loop.time() - due) * 1000)


async def _stalls(pace: Pace, outcome: Outcome) -> None:
    seconds = pace.of(8, 30)
    with progress(f"T7: 20,000 frames/s for {seconds} s, without and with landing"):
        without, _ = await _probed(seconds, pace.seed, land=False)
        with_landing, rows = await _probed(seconds, pace.seed, land=True)
    stall = percentile(with_landing, 99.9)
    outcome.at_most("T7", "event loop late with landing at 20,000 frames/s, p99.9", stall, 10.0, " ms")
    told = f"{percentile(without, 99.9):.2f} ms; p50 {statistics.median(without):.2f}, {statistics.median(with_landing):.2f} ms"
    outcome.told("T7", "the same without landing; medians without, with", told)
    outcome.told(
        "T7",
        "rows landed meanwhile; longest stall without, with",
        f"{rows}; {max(without):.1f}, {max(with_landing):.1f} ms",
    )


async def _probed(seconds: int, seed: int, *, land: bool) -> tuple[Sequence[float], int]:
    probe = Probe([])
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(Spool(Path(folder)), POLYMARKET)
        stop = asyncio.Event()
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(probe.run())]
        landing = asyncio.create_task(recorder.land(stop))
        orders = ordered(20_000 * seconds, 20_000, markets=100, seed=seed)
        await run_ours(orders, take=recorder.take if land else None)
        tasks[0].cancel()
        stop.set()
        await landing
        return probe.late, recorder.acknowledged_rows
