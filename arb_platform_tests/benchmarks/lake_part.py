"""What one process of LAKE does: stream into the lake, read it as analysts do, watch it, or keep it up.

``python -m arb_platform_tests.benchmarks.lake_part ROLE FOLDER SECONDS DETAIL`` says ``ready``, waits
for a line, works for so many seconds, and prints one JSON object. Times in it are milliseconds.
"""

import asyncio
import json
import logging
import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import polars as pl
import pyarrow as pa

from arb_platform.domain.errors import ArbError
from arb_platform.ingest.recorder import Recorder
from arb_platform.ingest.session import PROMOTE_SECONDS
from arb_platform.storage.attach import LakeLocation, connect
from arb_platform.storage.lake import Connection, Lake
from arb_platform.storage.maintenance import maintain
from arb_platform.storage.markets import save_listing
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.publish import publish
from arb_platform.storage.spool import Segment, Spool
from arb_platform_tests.storage.samples import listing, market, snapshot

T = TypeVar("T")
Said = dict[str, Any]

RATE: Final = 1_000
MARKETS: Final = 500
_TICK_SECONDS: Final = 0.05
_LOOK_SECONDS: Final = 0.1
_ASSET_SECONDS: Final = 5.0
# What an analyst, or a notebook that refreshes itself, looks at an answer; without it ten readers
# take every core there is, and what is measured is the scheduler.
_THINK_SECONDS: Final = 1.0
# Nothing new for so long after the end: the writers are done.
_QUIET_SECONDS: Final = 5.0
# As in docs/queries, of today.
QUERIES: Final = {
    "last book of each market": "SELECT market_id, max(received_at), arg_max(bid1_px, received_at), arg_max(ask1_px, received_at) FROM book_snapshots WHERE day = $day GROUP BY market_id",
    "one market by the minute": "SELECT time_bucket(INTERVAL 1 MINUTE, received_at) AS minute, avg((bid1_px + ask1_px) / 2), count(*) FROM book_snapshots WHERE day = $day AND market_id = $market GROUP BY minute",
    "one market, trusted": "SELECT count(*), min(received_at), max(received_at) FROM books_trusted WHERE day = $day AND market_id = $market",
    "rows by venue": "SELECT venue, count(*), quantile_cont(epoch(landed_at - received_at), 0.5) FROM book_snapshots WHERE day = $day GROUP BY venue",
}


def milliseconds(began: float) -> float:
    return (time.perf_counter() - began) * 1000


class TimedSpool(Spool):
    """A spool that remembers how long each acknowledgement took."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.took: list[float] = []

    def write(self, venue: str, table: str, rows: pa.Table) -> Segment:
        began = time.perf_counter()
        segment = super().write(venue, table, rows)
        self.took.append(milliseconds(began))
        return segment


class TimedLake(Lake):
    """A lake that remembers how long each commit took, with the wait for the lock."""

    took: list[float]

    def run(self, work: Callable[[Connection], T]) -> T:
        began = time.perf_counter()
        done = super().run(work)
        self.took.append(milliseconds(began))
        return done


class Complaints(logging.Handler):
    """What the program warned of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def write(location: LakeLocation, seconds: float, venue: str) -> Said:
    """A stream of :data:`RATE` snapshots a second, recorded and promoted as a real one is."""
    complaints = Complaints()
    logging.getLogger("arb_platform").addHandler(complaints)
    spool, stop = TimedSpool(location.root), threading.Event()
    with TimedLake.open(location) as lake:
        lake.took = []
        promoter = Promoter(lake, spool)
        thread = threading.Thread(target=promoter.run, args=(stop, PROMOTE_SECONDS))
        wait_for_start()
        thread.start()
        recorder = Recorder(spool, venue)
        made = asyncio.run(_record(recorder, venue, seconds))
        stop.set()
        thread.join()
    return {
        "made": made, "acknowledged": recorder.acknowledged_rows, "promoted": promoter.total.rows,
        "acks": spool.took, "commits": lake.took, "errors": complaints.said,
    }  # fmt: skip


async def _record(recorder: Recorder, venue: str, seconds: float) -> int:
    markets = [market(f"M-{number}", venue) for number in range(MARKETS)]
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    landing = asyncio.create_task(recorder.land(stop))
    began, made = loop.time(), 0
    while (past := loop.time() - began) < seconds:
        due, now = int(past * RATE), datetime.now(UTC)
        await recorder.take(
            [snapshot(n, of=markets[n * 7 % MARKETS], at=now, session=venue) for n in range(made, due)]
        )
        made = due
        await asyncio.sleep(_TICK_SECONDS)
    stop.set()
    await landing
    return made


def read(location: LakeLocation, seconds: float, detail: str) -> Said:
    """So many connections, held open, each with a query, a second to look at the answer, and another query."""
    connections = [connect(location, read_only=True, check_signatures=False) for _ in range(int(detail))]
    wait_for_start()
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(len(connections)) as pool:
        answers = list(pool.map(lambda one: _ask(one[1], until, one[0]), enumerate(connections)))
    times = {name: [took for timed, _ in answers for took in timed[name]] for name in QUERIES}
    return {"queries": times, "errors": [error for _, errors in answers for error in errors]}


def _ask(connection: Connection, until: float, number: int) -> tuple[dict[str, list[float]], list[str]]:
    choice = random.Random(number)
    times: dict[str, list[float]] = {name: [] for name in QUERIES}
    errors: list[str] = []
    while time.monotonic() < until:
        name = choice.choice(list(QUERIES))
        known = {"day": datetime.now(UTC).date(), "market": f"M-{choice.randrange(MARKETS)}"}
        wanted = {key: value for key, value in known.items() if f"${key}" in QUERIES[name]}
        began = time.perf_counter()
        try:
            connection.execute(QUERIES[name], wanted).fetchall()
        except duckdb.Error as error:
            errors.append(f"{name}: {error}")
        times[name].append(milliseconds(began))
        time.sleep(_THINK_SECONDS)
    return times, errors


def watch(location: LakeLocation, seconds: float, _: str) -> Said:
    """When each segment was first seen by a reader that looks ten times a second."""
    seen: dict[str, float] = {}
    errors: list[str] = []
    with connect(location, read_only=True, check_signatures=False) as connection:
        wait_for_start()
        # Longer than the writers, or their last segments are never seen.
        until, quiet = time.monotonic() + seconds, 0.0
        while time.monotonic() < until or quiet < _QUIET_SECONDS:
            began = time.monotonic()
            try:
                found = connection.execute(
                    "SELECT segment_id FROM ingest_segments WHERE promoted_at > now() - INTERVAL 1 MINUTE"
                ).fetchall()
            except duckdb.Error as error:
                errors.append(str(error))
                found = []
            at, before = time.time(), len(seen)
            for (segment,) in found:
                seen.setdefault(segment, at)
            time.sleep(_LOOK_SECONDS)
            quiet = 0.0 if len(seen) > before else quiet + time.monotonic() - began
    return {"seen": seen, "errors": errors}


def keep_up(location: LakeLocation, seconds: float, detail: str) -> Said:
    """What asset runs and ``maintain_lake`` do: MERGEs every five seconds, maintenance every ``detail`` seconds."""
    times: dict[str, list[float]] = {"merges": [], "maintenances": [], "publications": []}
    errors: list[str] = []

    def timed(kind: str, act: Callable[[], object]) -> None:
        began = time.perf_counter()
        try:
            act()
        except ArbError as error:
            errors.append(f"{kind}: {error}")
        times[kind].append(milliseconds(began))

    with Lake.open(location) as lake:
        wait_for_start()
        began, rounds, maintained = time.monotonic(), 0, time.monotonic()
        while time.monotonic() - began < seconds:
            rounds += 1
            timed("merges", lambda number=rounds: _merge(lake, number))
            if time.monotonic() - maintained > float(detail):
                timed("maintenances", lambda: maintain(lake, retention_days=30, now=datetime.now(UTC)))
                timed("publications", lambda: publish(location))
                maintained = time.monotonic()
            time.sleep(max(0.0, began + min(rounds * _ASSET_SECONDS, seconds) - time.monotonic()))
    return {**times, "errors": errors}


def _merge(lake: Lake, number: int) -> None:
    """A listing of which a tenth changed, and reviews of which half are new."""
    markets = [market(f"M-{n}", "kalshi") for n in range(MARKETS)]
    changed = [
        replace(one, rules=f"{one.rules} Edition {number}.") if n % 10 == number % 10 else one
        for n, one in enumerate(markets)
    ]
    save_listing(lake, listing(*changed, at=datetime.now(UTC)))
    hashes = [f"{number // 2}-{n}" if n % 2 else f"{number}-{n}" for n in range(200)]
    lake.merge("reviews", pl.DataFrame({"pair_hash": hashes, "reason": [str(number)] * 200}), ["pair_hash"])


def wait_for_start() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


ROLES: Final = {"write": write, "read": read, "watch": watch, "keep_up": keep_up}


if __name__ == "__main__":
    print(
        json.dumps(ROLES[sys.argv[1]](LakeLocation.local(Path(sys.argv[2])), float(sys.argv[3]), sys.argv[4]))
    )
