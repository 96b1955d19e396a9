"""A share of few cases with the interval it can be trusted to."""

from dataclasses import dataclass
from math import sqrt
from typing import Final

# 95 % of the normal distribution lies within so many standard deviations.
_Z: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Proportion:
    """``count`` of ``total``; ``value`` is None when there were no cases: unknown is not zero."""

    count: int
    total: int

    @property
    def value(self) -> float | None:
        return self.count / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's 95 % score interval (Wilson 1927), which stays inside 0..1 for small counts."""
        if not self.total:
            return None
        share, n = self.count / self.total, self.total
        centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
        return max(0.0, centre - half), min(1.0, centre + half)

    def __str__(self) -> str:
        if self.interval is None:
            return "no cases"
        low, high = self.interval
        return f"{self.count}/{self.total} = {self.count / self.total:.1%} ({low:.1%}..{high:.1%})"
