"""Which of two series of prices moves first: cross-correlation of five-second moves, window by window.

A leader is named only where it keeps leading: the same venue in at least three of four windows that
follow each other. One window alone proves little, for the best of two dozen lags is a best of many.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

BAR_SECONDS: Final = 5
WINDOW_BARS: Final = 360
"""Half an hour."""
MOST_LAG_BARS: Final = 12
"""One minute either way."""
STABLE: Final = 3
OF: Final = 4
# Fewer moves than this and chance meetings of the two look like a pattern.
_LEAST_MOVES: Final = 20
# In standard errors of a correlation of nothing with nothing, 1 / sqrt(bars); 24 lags are tried.
_LEAST_SIGMAS: Final = 3.5
# A jump after a pause would outweigh all other moves of a window: so many median moves at most.
_LARGEST_MOVE: Final = 5.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lead:
    """What the windows of one pair say. Positive bars: the first series is ahead."""

    windows: int
    first: int
    second: int
    # +1 the first series leads, -1 the second, 0 nobody does for long enough
    leader: int
    lag_bars: float | None
    correlation: float | None


@dataclass(frozen=True, slots=True)
class Window:
    """The best lag of one window; ``leader`` 0 where the same moment is best, or nothing stands out."""

    leader: int
    lag_bars: int
    correlation: float


def lead_of(first: Floats, second: Floats) -> Lead:
    """Who leads in two series of prices at equal moments, ``BAR_SECONDS`` apart."""
    windows = list(_windows(_moves(first), _moves(second)))
    told = [window for window in windows if window is not None]
    leader = stable_leader([0 if window is None else window.leader for window in windows])
    named = [window for window in told if leader and window.leader == leader]
    return Lead(
        len(told), sum(window.leader > 0 for window in told), sum(window.leader < 0 for window in told), leader,
        float(np.median([abs(window.lag_bars) for window in named])) if named else None,
        float(np.median([window.correlation for window in named])) if named else None,
    )  # fmt: skip


def stable_leader(leaders: list[int]) -> int:
    """The one that leads in ``STABLE`` of ``OF`` windows in a row, somewhere and more often than the other.

    >>> stable_leader([1, 0, 1, 1]), stable_leader([1, -1, 1, -1]), stable_leader([1, 1])
    (1, 0, 0)
    """
    runs = [leaders[start : start + OF] for start in range(len(leaders) - OF + 1)]
    held = {side: sum(run.count(side) >= STABLE for run in runs) for side in (1, -1)}
    if held[1] == held[-1]:
        return 0
    return 1 if held[1] > held[-1] else -1


def _windows(first: Floats, second: Floats) -> list[Window | None]:
    """One entry for each whole window; None where one of the two hardly moved."""
    padded = np.pad(second, MOST_LAG_BARS)
    found: list[Window | None] = []
    for start in range(0, len(first) - WINDOW_BARS + 1, WINDOW_BARS):
        mine = first[start : start + WINDOW_BARS]
        theirs = padded[start : start + WINDOW_BARS + 2 * MOST_LAG_BARS]
        moved = min(np.count_nonzero(mine), np.count_nonzero(second[start : start + WINDOW_BARS]))
        found.append(_best(mine, theirs) if moved >= _LEAST_MOVES else None)
    return found


def _best(mine: Floats, theirs: Floats) -> Window:
    """``theirs`` reaches ``MOST_LAG_BARS`` beyond the window on both sides."""
    shifted = np.lib.stride_tricks.sliding_window_view(theirs, len(mine))
    centred = shifted - shifted.mean(axis=1, keepdims=True)
    ours = mine - mine.mean()
    norms = np.linalg.norm(centred, axis=1) * np.linalg.norm(ours)
    correlations = np.divide(centred @ ours, norms, out=np.zeros_like(norms), where=norms > 0)
    best = int(np.argmax(correlations))
    lag, correlation = best - MOST_LAG_BARS, float(correlations[best])
    clear = correlation >= _LEAST_SIGMAS / np.sqrt(len(mine))
    return Window(int(np.sign(lag)) if clear else 0, lag, correlation)


def _moves(prices: Floats) -> Floats:
    """Differences from bar to bar, cut where they are out of all proportion."""
    moves = np.diff(prices, prepend=prices[:1])
    sizes = np.abs(moves[moves != 0])
    if sizes.size == 0:
        return moves
    largest = _LARGEST_MOVE * float(np.median(sizes))
    return np.clip(moves, -largest, largest)
