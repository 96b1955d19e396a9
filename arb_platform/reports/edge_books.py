"""The books of accepted pairs out of the lake, as :func:`~arb_platform.reports.edges.find_edges` takes them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import polars as pl

from arb_platform.reports.edge_walk import BOOK_COLUMNS
from arb_platform.storage.lake import Lake
from arb_platform.storage.views import DOUBTED

_BATCH_ROWS: Final = 200_000
_WORDS: Final = ("venue", "market_id", "session_id")
_PRICES: Final = tuple(name for name in BOOK_COLUMNS if name.endswith("_px"))

_DAYS: Final = "s.day >= CAST($1 AT TIME ZONE 'UTC' AS DATE) AND s.day <= CAST($2 AT TIME ZONE 'UTC' AS DATE)"
_THESE: Final = f"{_DAYS} AND s.received_at >= $1 AND s.received_at < $2 AND s.market_id IN (SELECT unnest($3::VARCHAR[]))"
_BOOKS_SQL: Final = f"""
    WITH doubted AS ({DOUBTED.format(which=_THESE)})
    SELECT s.venue, s.market_id, s.session_id, s.exchange_time, s.received_at, s.sequence, s.crossed,
           NOT s.crossed AND d.session_id IS NULL AS trusted, e.ended_at AS session_ended_at,
           {", ".join(f"s.{name}" for name in BOOK_COLUMNS)}
    FROM lake.book_snapshots s
    LEFT JOIN doubted d USING (venue, market_id, session_id, sequence, received_at)
    LEFT JOIN lake.stream_sessions e USING (session_id)
    WHERE {_THESE}"""

# After these a book stands for nothing until its next snapshot. What ended the moment it began left no doubt.
_DOUBTS_SQL: Final = """
    SELECT session_id, market_id, started_at FROM lake.stream_events
    WHERE kind IN ('gap', 'silence', 'resync', 'overflow', 'reconnect') AND started_at >= $1 AND started_at < $2
      AND (ended_at IS NULL OR ended_at > started_at)"""


def books_between(lake: Lake, since: datetime, until: datetime, markets: Sequence[str]) -> pl.DataFrame:
    """Snapshots of ``markets`` received from ``since`` to before ``until``."""
    return _whole(_compact(lake.query(_BOOKS_SQL, [since, until, list(markets)])))


def doubts_between(lake: Lake, since: datetime, until: datetime) -> pl.DataFrame:
    """Moments after which a book stands for nothing until its next snapshot."""
    return lake.query(_DOUBTS_SQL, [since, until])


def shared_books(
    lake: Lake, since: datetime, until: datetime, shares: Sequence[Sequence[dict[str, Any]]]
) -> Iterator[pl.DataFrame]:
    """The books of each share of the pairs, from one reading of the lake.

    A day is read once and kept small (a quarter of what it is in the lake's types), since files that
    no maintenance has sorted yet would have to be read whole for every share.
    """
    wanted = [
        (market, number)
        for number, share in enumerate(shares)
        for market in sorted({pair[key] for pair in share for key in ("polymarket_id", "kalshi_id")})
    ]
    places = pl.DataFrame(wanted, schema={"market_id": pl.String, "share": pl.UInt32}, orient="row")
    places = places.with_columns(pl.col("market_id").cast(pl.Categorical))
    kept: list[list[pl.DataFrame]] = [[] for _ in shares]
    markets = sorted({market for market, _ in wanted})
    for batch in lake.batches(_BOOKS_SQL, [since, until, markets], _BATCH_ROWS):
        shared = _compact(batch).join(places, on="market_id")
        for (number,), part in shared.partition_by("share", as_dict=True, include_key=False).items():
            kept[int(number)].append(part)
    nothing = _compact(lake.query(f"{_BOOKS_SQL} LIMIT 0", [since, until, markets]))
    for number in range(len(shares)):
        mine, kept[number] = kept[number], []
        yield _whole(pl.concat([nothing, *mine]))


def _compact(books: pl.DataFrame) -> pl.DataFrame:
    """As few bytes a row as hold it: DECIMAL of six places is millionths already."""
    return books.with_columns(
        pl.col(_WORDS).cast(pl.Categorical),
        *[
            pl.col(name).to_physical().cast(pl.Int32 if name in _PRICES else pl.Int64)
            for name in BOOK_COLUMNS
        ],
    )


def _whole(books: pl.DataFrame) -> pl.DataFrame:
    return books.with_columns(pl.col(_WORDS).cast(pl.String), pl.col(BOOK_COLUMNS).cast(pl.Int64))
