"""T8: memory over millions of frames, and what a row takes on disk."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from threading import Thread
from typing import IO, Final

from arb_platform.domain.markets import POLYMARKET
from arb_platform.ingest.recorder import BATCH_ROWS
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.maintenance import maintain
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.spool import Spool
from arb_platform.storage.stream_tables import BOOK_SNAPSHOTS
from arb_platform.storage.streams import snapshot_rows
from arb_platform_tests.benchmarks.hot_path import MARKETS
from arb_platform_tests.benchmarks.landing import snapshots
from arb_platform_tests.benchmarks.load import START_MS, source
from arb_platform_tests.benchmarks.measure import ROOT, BooksDiffer, Outcome, Pace, progress, verify

TARGETS: Final = ("T8",)
# A million frames: by then the memos of number texts are full. Shorter runs are no measure.
_WARM_UP: Final = 50
_PIECE: Final = 2_000


def measure(pace: Pace) -> Outcome:
    outcome = Outcome()
    _memory(pace, outcome)
    _disk(pace, outcome)
    return outcome


def _memory(pace: Pace, outcome: Outcome) -> None:
    total = pace.memory_frames
    with progress(f"T8: memory over {total:,} frames, made here and read in a process of its own"):
        seen = soaked(total, pace.seed)
    judge(seen, f"memory over {total:,} frames, landing", outcome)


def judge(seen: Sequence[float], what: str, outcome: Outcome) -> None:
    """Whether MB are flat after the warm-up: within 5 % of the middle, and not on their way up."""
    if len(seen) < 2 * _WARM_UP:
        told = f"{seen[0]:.0f}, {max(seen):.0f}, {seen[-1]:.0f} MB; too few frames for a verdict"
        outcome.told("T8", f"{what}: first, highest, last", told)
        return
    settled = seen[_WARM_UP:]
    swing = (max(settled) - min(settled)) / (max(settled) + min(settled)) * 100
    outcome.at_most(
        "T8", f"{what}: swing about the middle, {len(settled)} looks after the warm-up", swing, 5.0, " %"
    )
    quarter = max(len(settled) // 4, 1)
    first, last = (sum(part) / len(part) for part in (settled[:quarter], settled[-quarter:]))
    outcome.at_most("T8", "the same: mean of the last quarter over the first", last / first, 1.05)
    told = f"{min(settled):.0f}, {max(settled):.0f}, {seen[-1]:.0f} MB"
    outcome.told("T8", "the same: lowest, highest, last", told)


def soaked(total: int, seed: int) -> list[float]:
    """MB of the reading process at every look. Raises BooksDiffer when its books are not the generator's."""
    made = source(POLYMARKET, markets=MARKETS, seed=seed)
    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "arb_platform_tests.benchmarks.soak", str(seed), folder]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            # Reads while we write: neither waits for the other's pipe.
            reading = Thread(target=_read, args=(process.stdout, said))
            reading.start()
            with process.stdin as pipe:
                for piece in _pieces(iter(made.opening())):
                    pipe.write(piece)
                for piece in _pieces(made.frames(total)):
                    pipe.write(piece)
            reading.join()
    if process.returncode or "books" not in said:
        raise BooksDiffer(f"the reading process ended with {process.returncode}")
    books = {
        key: tuple([tuple(level) for level in side] for side in sides)
        for key, sides in json.loads(said[-1]).items()
    }
    verify("memory", books.__getitem__, made.books())
    return [float(line) for line in said[: said.index("books")]]


def _pieces(frames: Iterator[bytes]) -> Iterator[bytes]:
    """Lines by the thousand."""
    while piece := list(islice(frames, _PIECE)):
        yield b"\n".join((*piece, b""))


def _read(pipe: IO[bytes], said: list[str]) -> None:
    said += [line.decode().strip() for line in pipe]


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
        "T8", f"bytes a row on disk, {len(handed):,} rows, compacted", size / len(handed), 60.0, " B"
    )
