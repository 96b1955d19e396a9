"""DAY: a day of snapshots in small files, before and after maintenance."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.maintenance import maintain
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.publish import publish
from arb_platform.storage.spool import Spool
from arb_platform.storage.streams import snapshot_rows
from arb_platform_tests.benchmarks.measure import Outcome, Pace, progress
from arb_platform_tests.storage.samples import market, snapshot

TARGETS: Final = ("DAY",)
_VENUES: Final = ("polymarket", "kalshi")
_MARKETS: Final = 500
_BOOKS: Final = 20_000
# Rows of one commit, half of them of each venue: so many files as ten minutes make, all day long.
_COMMIT: Final = 5_000
_ASKED: Final = 15
_DAY: Final = timedelta(days=1)
_ONE_MARKET: Final = """
SELECT count(*), min(bid1_px), max(ask1_px), max(received_at) FROM book_snapshots
WHERE day = $1 AND venue = 'kalshi' AND market_id = 'M-250'
"""


def measure(pace: Pace) -> Outcome:
    count = pace.of(1_000_000, 5_000_000)
    outcome, now = Outcome(), datetime.now(UTC)
    start = now.replace(hour=0, minute=0, second=0, microsecond=0) - _DAY
    with progress(f"DAY: {count:,} snapshots in small files"), tempfile.TemporaryDirectory() as folder:
        location = LakeLocation.local(Path(folder))
        with Lake.open(location) as lake:
            days = _pieces(count, start, pace.seed)
            seconds = _land(lake, days, count)
            files, unsorted = _files(lake), _ask(location, start)
            began = time.perf_counter()
            maintain(lake, retention_days=30, now=now)
            maintaining = time.perf_counter() - began
            left, sorted_ = _files(lake), _ask(location, start)
            began = time.perf_counter()
            size = publish(location).path.stat().st_size
            publishing = time.perf_counter() - began
    if unsorted[1] != sorted_[1]:
        raise ValueError(f"maintenance changed an answer from {unsorted[1]} to {sorted_[1]}")
    ratio = unsorted[0] / sorted_[0]
    what = f"one market of {count:,} snapshots, sorted against unsorted files"
    if pace.full:
        outcome.at_least("DAY", what, ratio, 20.0)
    else:  # the fixed part of a query weighs more
        outcome.told("DAY", what, f"{ratio:.1f}x; 20x is promised for five million (--full)")
    outcome.told("DAY", "the same in ms", f"{unsorted[0] * 1000:.1f}, then {sorted_[0] * 1000:.1f}")
    outcome.at_most("DAY", f"files after maintenance of {files:,}", left, 199, "")
    outcome.told("DAY", "landing and promoting; maintenance", f"{seconds:.0f} s; {maintaining:.1f} s")
    outcome.told("DAY", "published.duckdb", f"{size / 1e6:.0f} MB in {publishing:.1f} s")
    return outcome


def _pieces(count: int, start: datetime, seed: int) -> Iterator[tuple[str, pa.Table]]:
    """Segments in the order of arrival, which mixes all markets; columns are drawn, not built row by row."""
    pools = {venue: _pool(venue, start) for venue in _VENUES}
    drawn, each = np.random.default_rng(seed), _COMMIT // len(_VENUES)
    step = int(_DAY / timedelta(microseconds=1)) // (count // len(_VENUES))
    first = int(start.timestamp()) * 1_000_000
    for begin in range(0, count // len(_VENUES), each):
        numbers = np.arange(begin, begin + each)
        for venue in _VENUES:
            rows = pools[venue].take(pa.array(drawn.integers(0, _BOOKS, each)))
            times = pa.array(first + numbers * step, pa.int64())
            for name in ("exchange_time", "received_at", "handed_at"):
                rows = _with(rows, name, times.view(rows.schema.field(name).type))
            yield venue, _with(rows, "sequence", pa.array(numbers, pa.int64()))


def _pool(venue: str, start: datetime) -> pa.Table:
    """Books to draw from."""
    markets = [market(f"M-{number}", venue) for number in range(_MARKETS)]
    books = (
        snapshot(n, of=markets[n % _MARKETS], at=start, bid=10_000 * (1 + n * 13 % 97), ask=990_000)
        for n in range(_BOOKS)
    )
    return snapshot_rows([(book, start) for book in books])


def _with(rows: pa.Table, name: str, column: Any) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), column)


def _land(lake: Lake, pieces: Iterator[tuple[str, pa.Table]], count: int) -> float:
    """One commit for each pair of segments, as two streams make them."""
    began, spool = time.perf_counter(), Spool(lake.location.root)
    promoter = Promoter(lake, spool)
    for number, (venue, rows) in enumerate(pieces, 1):
        spool.write(venue, "book_snapshots", rows)
        if number % len(_VENUES) == 0:
            promoter.promote()
    if promoter.total.rows != count:
        raise ValueError(f"{promoter.total.rows} of {count} rows were promoted")
    return time.perf_counter() - began


def _files(lake: Lake) -> int:
    return int(lake.query("SELECT sum(file_count)::BIGINT FROM ducklake_table_info('lake')").item())


def _ask(location: LakeLocation, start: datetime) -> tuple[float, Any]:
    """Seconds that the query takes in the middle, and its answer; what comes once is not counted."""
    with Lake.open(location, read_only=True) as lake, lake.cursor() as cursor:
        times, answer = [], None
        for _ in range(_ASKED):
            began = time.perf_counter()
            answer = cursor.execute(_ONE_MARKET, [start.date()]).fetchall()
            times.append(time.perf_counter() - began)
    return statistics.median(times[2:]), answer
