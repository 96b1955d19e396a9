"""The rows of a recording in the order in which they happened, over all its runs and venues."""

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple

from arb_platform.storage.raw_bodies import BrokenBody, load
from arb_platform.storage.raw_frames import (
    LOST,
    BrokenSegment,
    RawRow,
    RawSegment,
    read_segment,
    rows_of,
    some_segments,
)
from arb_platform.venues.registry import VENUES

_DEPTH: Final = 3


@dataclass(frozen=True, slots=True)
class BrokenPart:
    """Something of a recording that was skipped, and why."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


class Played(NamedTuple):
    """One row with where it comes from; ``hole`` says that rows before it are missing."""

    venue: str
    run: str
    max_depth: int
    file: str
    number: int
    row: RawRow
    hole: bool

    @property
    def lost(self) -> int:
        """How many rows a ``lost`` row says were never recorded."""
        if self.row.kind != LOST:
            return 0
        try:
            return int(load(self.row.body)["rows"])
        except (BrokenBody, KeyError, TypeError, ValueError):
            return 0


@dataclass(frozen=True, slots=True)
class Tapes:
    """The finished segments of a folder, by run: one run is one streaming process of one venue."""

    runs: tuple[tuple[RawSegment, ...], ...]
    foreign: tuple[BrokenPart, ...] = field(default=())

    @classmethod
    def found(cls, directory: Path) -> "Tapes":
        """Raises SettingsError when there is nothing to replay."""
        segments, foreign = some_segments(directory)
        runs = [tuple(group) for _, group in groupby(segments, key=lambda one: one.run)]
        runs.sort(key=lambda run: (run[0].first_at, run[0].run))
        return cls(tuple(runs), tuple(BrokenPart(path.name, reason) for path, reason in foreign))

    @property
    def identity(self) -> str:
        """Equal for recordings of equal content: the names of segments hold their checksums."""
        names = "\n".join(segment.path.name for run in self.runs for segment in run)
        return hashlib.sha256(names.encode()).hexdigest()

    def rows(self, broken: list[BrokenPart]) -> Iterator[Played]:
        """Every row, by time over all runs and in the written order within one; adds to ``broken`` what is skipped.

        A run is opened when its time has come, so that a hundred runs do not fill the memory.
        """
        broken += self.foreign
        later = list(reversed(self.runs))
        heap: list[tuple[datetime, int, Played, Iterator[Played]]] = []
        while heap or later:
            while later and (not heap or later[-1][0].first_at <= heap[0][0]):
                order = len(self.runs) - len(later)
                rows = _rows(later.pop(), broken)
                if (first := next(rows, None)) is not None:
                    heapq.heappush(heap, (first.row.at, order, first, rows))
            if not heap:
                continue
            at, order, played, rows = heap[0]
            yield played
            following = next(rows, None)
            if following is None:
                heapq.heappop(heap)
            else:
                # Our clock may have been set back: a run's own order stands above its times.
                heapq.heapreplace(heap, (max(at, following.row.at), order, following, rows))


def _rows(run: Sequence[RawSegment], broken: list[BrokenPart]) -> Iterator[Played]:
    # Retention takes the oldest days of a run, so its first number need not be 0.
    expected = run[0].number
    hole = False
    for segment in run:
        file = segment.path.name
        if segment.number < expected:
            broken.append(BrokenPart(file, f"another file is segment {segment.number} of its run already"))
            continue
        if segment.number > expected:
            hole = True
            broken.append(BrokenPart(file, f"{segment.number - expected} segments before it are missing"))
        expected = segment.number + 1
        try:
            metadata, table = read_segment(segment)
            venue = _known_venue(metadata.get("venue"))
        except BrokenSegment as error:
            broken.append(BrokenPart(file, str(error)))
            hole = True
            continue
        depth = int(metadata.get("max_depth", _DEPTH))
        for number, row in enumerate(rows_of(table)):
            yield Played(venue, segment.run, depth, file, number, row, hole)
            hole = False


def _known_venue(venue: object) -> str:
    if not isinstance(venue, str) or venue not in VENUES:
        raise BrokenSegment(f"no venue is called {venue!r}")
    return venue
