"""T8: memory over millions of frames, and what a row takes on disk."""

import gc
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.markets import POLYMARKET
from arb_platform.ingest.recorder import BATCH_ROWS
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.maintenance import maintain
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.spool import Spool
from arb_platform.storage.stream_tables import BOOK_SNAPSHOTS
from arb_platform.storage.streams import snapshot_rows
from arb_platform_tests.benchmarks.hot_path import AT, MARKETS
from arb_platform_tests.benchmarks.landing import Handed, snapshots
from arb_platform_tests.benchmarks.load import START_MS, source
from arb_platform_tests.benchmarks.measure import (
    FEEDS,
    Outcome,
    Pace,
    our_book,
    progress,
    resident_mb,
    verify,
)

TARGETS: Final = ("T8",)
_LOOKS: Final = 20
# The memos of number texts fill up to their bound first.
_WARM_UP: Final = 0.25


def measure(pace: Pace) -> Outcome:
    outcome = Outcome()
    _memory(pace, outcome)
    _disk(pace, outcome)
    return outcome


def _memory(pace: Pace, outcome: Outcome) -> None:
    total = pace.of(800_000, 5_000_000)
    seen: list[float] = []
    made = source(POLYMARKET, markets=MARKETS, seed=pace.seed)
    feed = FEEDS[POLYMARKET](made.markets)
    feed.connected("bench", AT)
    for frame in made.opening():
        feed.receive(frame, AT)
    stream = made.frames(total)
    handed: Handed = []
    with progress(f"T8: memory over {total} frames"), tempfile.TemporaryDirectory() as folder:
        spool = Spool(Path(folder))
        for _ in range(_LOOKS):
            for frame in islice(stream, total // _LOOKS):
                handed += [(one, AT) for one in feed.receive(frame, AT) if isinstance(one, BookSnapshot)]
                if len(handed) >= BATCH_ROWS:
                    spool.write(POLYMARKET, BOOK_SNAPSHOTS.name, snapshot_rows(handed)).path.unlink()
                    handed.clear()
            gc.collect()
            seen.append(resident_mb())
        shutil.rmtree(spool.directory)
    verify("memory", lambda market_id: our_book(feed, market_id), made.books())
    settled = seen[int(_LOOKS * _WARM_UP) :]
    grown = (max(settled) / min(settled) - 1) * 100
    outcome.at_most(
        "T8", f"memory over {total} frames: highest over lowest after the warm-up", grown, 5.0, " %"
    )
    outcome.told("T8", "memory of the process at the end, generator included", f"{seen[-1]:.0f} MB")


def _disk(pace: Pace, outcome: Outcome) -> None:
    with progress("T8: bytes a row after compaction"), tempfile.TemporaryDirectory() as folder:
        handed, _, _ = snapshots(pace.of(60_000, 400_000), pace.seed)
        location = LakeLocation.local(Path(folder))
        spool = Spool(location.spool)
        for start in range(0, len(handed), BATCH_ROWS):
            spool.write(POLYMARKET, BOOK_SNAPSHOTS.name, snapshot_rows(handed[start : start + BATCH_ROWS]))
        with Lake.open(location) as lake:
            Promoter(lake, spool).promote()
            now = max(datetime.now(UTC), datetime.fromtimestamp(START_MS / 1000, UTC)) + timedelta(minutes=1)
            maintain(lake, retention_days=3_650, now=now)
            files = lake.query(
                "SELECT data_file_size_bytes AS size FROM ducklake_list_files('lake', 'book_snapshots')"
            )
        size = int(files["size"].sum())
    outcome.at_most(
        "T8", f"bytes a row on disk, {len(handed)} rows, compacted", size / len(handed), 60.0, " B"
    )
