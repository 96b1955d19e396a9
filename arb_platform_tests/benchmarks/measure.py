"""How figures are taken and shown: CPU time, interleaved, and a verdict beside each target."""

import gc
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import arb_platform_tests
from arb_platform.domain.markets import POLYMARKET
from arb_platform.venues.kalshi import KalshiFeed
from arb_platform.venues.polymarket import PolymarketFeed
from arb_platform_tests.benchmarks.load import BookOf

# Long enough that what the runner before left in the caches does not count.
_PIECE: Final = 4_000
# What T8 promises to be flat over.
MEMORY_FRAMES: Final = 5_000_000
ROOT: Final = Path(arb_platform_tests.__file__).parents[1]
FEEDS: Final = {"polymarket": PolymarketFeed, "kalshi": KalshiFeed}


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the result; ``ok`` is None where nothing is promised, ``value`` where nothing is a number."""

    target: str
    what: str
    measured: str
    wanted: str = ""
    ok: bool | None = None
    value: float | None = None

    @property
    def verdict(self) -> str:
        return {True: "ok", False: "SHORT", None: ""}[self.ok]


@dataclass(slots=True)
class Outcome:
    """What one module measured: figures against targets, and rows of the absolute table."""

    figures: list[Figure] = field(default_factory=list)
    # (what, us a frame or row, frames or rows a second, note)
    absolute: list[tuple[str, float, str]] = field(default_factory=list)

    def at_least(self, target: str, what: str, measured: float, wanted: float, unit: str = "x") -> None:
        ok = measured >= wanted
        self.figures.append(
            Figure(target, what, f"{measured:.2f}{unit}", f">= {wanted:g}{unit}", ok, measured)
        )

    def at_most(self, target: str, what: str, measured: float, wanted: float, unit: str = "x") -> None:
        ok = measured <= wanted
        self.figures.append(
            Figure(target, what, f"{measured:.2f}{unit}", f"<= {wanted:g}{unit}", ok, measured)
        )

    def told(self, target: str, what: str, measured: str) -> None:
        self.figures.append(Figure(target, what, measured))

    def cost(self, what: str, microseconds: float, note: str = "") -> None:
        self.absolute.append((what, microseconds, note))


@dataclass(frozen=True, slots=True)
class Pace:
    """How long everything runs, and what of it: ``wanted`` names targets, and nothing means all of them."""

    full: bool = False
    seed: int = 7
    memory_frames: int = MEMORY_FRAMES
    wanted: frozenset[str] = frozenset()
    # Another interpreter, with the peers in it.
    peers: Path | None = None

    def of(self, quick: int, full: int) -> int:
        return full if self.full else quick

    def wants(self, target: str) -> bool:
        return not self.wanted or target in self.wanted


class BooksDiffer(Exception):
    """A figure would be worth nothing: what was computed is wrong."""


def interleaved(
    runners: Mapping[str, Callable[[Sequence[bytes]], Any]], frames: Sequence[bytes]
) -> dict[str, float]:
    """CPU microseconds a frame of each runner; all get each piece one after the other.

    Medians over the pieces, so that a neighbour who wakes up hits all of them alike or not at all.
    The first third warms the memos up and is not counted. What is there before is hidden from the
    garbage collector, or each runner pays for the books of all the others.
    """
    spent: dict[str, list[float]] = {name: [] for name in runners}
    gc.collect()
    gc.freeze()
    try:
        for start in range(0, len(frames), _PIECE):
            piece = frames[start : start + _PIECE]
            for name, run in runners.items():
                began = time.process_time()
                run(piece)
                spent[name].append((time.process_time() - began) / len(piece) * 1e6)
    finally:
        gc.unfreeze()
    return {name: statistics.median(times[len(times) // 3 :]) for name, times in spent.items()}


def our_book(feed: Any, market_id: str) -> BookOf:
    """The whole book in a feed, as (price, size) millionths, best first."""
    books = feed._books  # the public snapshot_of shows three levels only
    tracked = books.get(market_id) if feed.venue == POLYMARKET else books.by_ticker[market_id]
    return ([tuple(level) for level in tracked.book.bids()], [tuple(level) for level in tracked.book.asks()])


def verify(name: str, ours: Callable[[str], BookOf], truth: Mapping[str, BookOf]) -> int:
    """How many books are equal to the generator's. Raises BooksDiffer when one is not."""
    wrong = [market_id for market_id, book in truth.items() if ours(market_id) != book]
    if wrong:
        raise BooksDiffer(f"{name}: {len(wrong)} of {len(truth)} books differ, first {wrong[0]}")
    return len(truth)


def resident_mb() -> float:
    """Memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` percent of ``values`` are."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share / 100))]


@contextmanager
def progress(text: str) -> Iterator[None]:
    """A line while something takes its time, on stderr so that the tables can be piped."""
    print(f"... {text}", file=sys.stderr, flush=True)
    yield
