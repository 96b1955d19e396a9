"""The newest book of every market of a matched pair, kept up to date with what has landed since the last look."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl

from arb_platform.reports.accepted import dated_pairs
from arb_platform.reports.edge_books import books_between, doubts_between
from arb_platform.reports.edges import Thresholds, find_edges
from arb_platform.reports.report import Period
from arb_platform.storage.lake import Lake

# What was the last book an hour ago is history, not a price.
LOOK_BACK: Final = timedelta(hours=1)
# Rows become visible up to some seconds after they were received, and not in order.
_LATE: Final = timedelta(seconds=30)
_PAIRS_EVERY: Final = timedelta(seconds=30)
_NEWEST: Final = ("received_at", "sequence", "session_id")


class PairBooks:
    """Books and edges of the accepted pairs; each look reads only what landed since the one before."""

    def __init__(self, lake: Lake, thresholds: Thresholds) -> None:
        self._lake = lake
        self._thresholds = thresholds
        self._pairs: list[dict[str, Any]] = []
        self._pairs_at: datetime | None = None
        self._books: pl.DataFrame | None = None
        self._doubts = pl.DataFrame()
        self._read_to: datetime | None = None

    @property
    def pairs(self) -> Sequence[dict[str, Any]]:
        """As :func:`dated_pairs` gives them."""
        return self._pairs

    @property
    def books(self) -> pl.DataFrame:
        """One row per market: its newest snapshot."""
        return pl.DataFrame() if self._books is None else self._books

    @property
    def doubts(self) -> pl.DataFrame:
        """After which moments which books stand for nothing."""
        return self._doubts

    def look(self, now: datetime) -> None:
        """Read what is new. Raises StorageError when the lake cannot be read; what was known stays."""
        if self._pairs_at is None or now - self._pairs_at >= _PAIRS_EVERY:
            self._find_pairs(now)
        since = now - LOOK_BACK if self._read_to is None else self._read_to - _LATE
        markets = _markets(self._pairs)
        fresh = books_between(self._lake, since, now, markets)
        known = fresh if self._books is None else pl.concat([self._books, fresh])
        self._books = (
            known.filter(pl.col("received_at") >= now - LOOK_BACK, pl.col("market_id").is_in(markets))
            .sort(*_NEWEST)
            .unique(["venue", "market_id"], keep="last", maintain_order=True)
        )
        self._doubts = doubts_between(self._lake, now - LOOK_BACK, now)
        self._read_to = now

    def edges(self, now: datetime) -> pl.DataFrame:
        """Edges between the newest books, taken or refused."""
        return find_edges(
            self._pairs,
            self.books,
            self._doubts,
            start=now - timedelta(microseconds=1),
            end=now,
            thresholds=self._thresholds,
        )

    def _find_pairs(self, now: datetime) -> None:
        found = dated_pairs(self._lake, Period(now - timedelta(microseconds=1), now))
        if set(_markets(found)) - set(_markets(self._pairs)):
            # A market that is new here may have books from before the last look.
            self._read_to, self._books = None, None
        self._pairs, self._pairs_at = found, now


def _markets(pairs: Sequence[dict[str, Any]]) -> list[str]:
    return sorted({pair[key] for pair in pairs for key in ("polymarket_id", "kalshi_id")})
