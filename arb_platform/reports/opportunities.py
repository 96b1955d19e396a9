"""Edges of accepted pairs by day and by what became of them; computes the `opportunities` table."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import altair as alt
import polars as pl

from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.reports import charts
from arb_platform.reports.edges import BOOK_COLUMNS, Thresholds, find_edges, pair_row
from arb_platform.reports.edges import COLUMNS as EDGE_COLUMNS
from arb_platform.reports.report import (
    DAY_SCOPE,
    EMPTY,
    FAILED,
    OK,
    Period,
    Report,
    Sources,
    Theme,
    as_columns,
    day_trend,
    shaped,
)  # fmt: skip
from arb_platform.storage.lake import Connection, Lake, insert

TAKEN: Final = "taken"
# Books that were last seen before midnight still stand after it.
_LOOK_BACK: Final = timedelta(hours=1)
_PAIRS_AT_ONCE: Final = 100

COLUMNS: Final[dict[str, pl.DataType]] = {
    "day": pl.Date(), "scope": pl.String(), "direction": pl.String(), "reason": pl.String(), "edges": pl.Int64(),
    "pairs": pl.Int64(), "net_edge_p50": pl.Float64(), "net_edge_max": pl.Decimal(38, 12), "size": pl.Decimal(38, 12),
    "net_usd": pl.Decimal(38, 12), "annualised_max": pl.Float64(), "state": pl.String(), "note": pl.String(),
}  # fmt: skip

SOURCES: Final = {
    "edges": """
        SELECT pair_hash, direction, size, net_edge, net_total, annualised, reason
        FROM lake.opportunities WHERE "at" >= $1 AND "at" < $2""",
    "pairs": """
        SELECT count(*) AS pairs FROM lake.matched_pairs WHERE decided_at < $2 AND $1 <= $2""",
    "landed": """
        SELECT venue, count(*) AS snapshots FROM lake.book_snapshots
        WHERE day = CAST($1 AT TIME ZONE 'UTC' AS DATE) AND received_at >= $1 AND received_at < $2 GROUP BY venue""",
}

_PAIRS_SQL: Final = """
    SELECT m.pair_hash, m.orientation, v.* FROM lake.matched_pairs m
    JOIN lake.markets v ON (v.venue = 'polymarket' AND v.market_id = m.polymarket_id)
                        OR (v.venue = 'kalshi' AND v.market_id = m.kalshi_id)
    ORDER BY m.pair_hash, v.venue"""

_UNITS: Final = ", ".join(f"CAST(s.{name} * 1000000 AS BIGINT) AS {name}" for name in BOOK_COLUMNS)
_BOOKS_SQL: Final = f"""
    SELECT s.venue, s.market_id, s.session_id, s.exchange_time, s.received_at, s.sequence, s.crossed,
           t.session_id IS NOT NULL AS trusted, e.ended_at AS session_ended_at, {_UNITS}
    FROM lake.book_snapshots s
    LEFT JOIN (SELECT DISTINCT venue, market_id, session_id, sequence, received_at FROM lake.books_trusted
               WHERE day >= CAST($1 AT TIME ZONE 'UTC' AS DATE) AND day <= CAST($2 AT TIME ZONE 'UTC' AS DATE)
                 AND market_id IN (SELECT unnest($3::VARCHAR[]))) t
        USING (venue, market_id, session_id, sequence, received_at)
    LEFT JOIN lake.stream_sessions e USING (session_id)
    WHERE s.day >= CAST($1 AT TIME ZONE 'UTC' AS DATE) AND s.day <= CAST($2 AT TIME ZONE 'UTC' AS DATE)
      AND s.received_at >= $1 AND s.received_at < $2 AND s.market_id IN (SELECT unnest($3::VARCHAR[]))"""

# After these a book stands for nothing until its next snapshot.
_DOUBTS_SQL: Final = """
    SELECT session_id, market_id, started_at FROM lake.stream_events
    WHERE kind IN ('gap', 'silence', 'overflow', 'reconnect') AND started_at >= $1 AND started_at < $2"""


def prepare(lake: Lake, period: Period, thresholds: Thresholds | None = None) -> int:
    """Compute and replace the rows of `opportunities` of one day; returns how many there are."""
    frames = list(_edges(lake, period, thresholds))
    rows = pl.concat(frames) if frames else pl.DataFrame(schema=EDGE_COLUMNS)
    tomorrow = period.start + timedelta(days=1)

    def replace(connection: Connection) -> None:
        connection.execute(
            'DELETE FROM opportunities WHERE "at" >= $1 AND "at" < $2', [period.start, tomorrow]
        )
        insert(connection, "opportunities", rows)

    lake.run(replace)
    return rows.height


def _edges(lake: Lake, period: Period, thresholds: Thresholds | None) -> Iterator[pl.DataFrame]:
    """Edges of all accepted pairs, some pairs at a time, so that memory does not grow with their number."""
    pairs = _pairs(lake, period)
    doubts = lake.query(_DOUBTS_SQL, [period.start - _LOOK_BACK, period.end])
    for begin in range(0, len(pairs), _PAIRS_AT_ONCE):
        some = pairs[begin : begin + _PAIRS_AT_ONCE]
        markets = sorted({pair[key] for pair in some for key in ("polymarket_id", "kalshi_id")})
        books = lake.query(_BOOKS_SQL, [period.start - _LOOK_BACK, period.end, markets])
        yield find_edges(some, books, doubts, start=period.start, thresholds=thresholds)


def _pairs(lake: Lake, period: Period) -> list[dict[str, Any]]:
    legs: dict[str, dict[str, Market]] = {}
    orientations: dict[str, str] = {}
    for row in lake.query(_PAIRS_SQL).iter_rows(named=True):
        orientations[row["pair_hash"]] = row["orientation"]
        legs.setdefault(row["pair_hash"], {})[row["venue"]] = _market(row)
    return [
        pair_row(pair_hash, both[POLYMARKET], both[KALSHI], orientations[pair_hash], period.start)
        for pair_hash, both in legs.items()
        if POLYMARKET in both and KALSHI in both
    ]


def _market(row: dict[str, Any]) -> Market:
    """As much of a market as an edge depends on."""
    wanted = (
        "venue", "market_id", "symbol", "title", "rules", "close_time", "resolution_source", "category", "subtitle",
        "status", "market_type", "fee_type", "fee_rate", "fee_exponent", "fee_multiplier",
    )  # fmt: skip
    values = {name: row[name] for name in wanted}
    return Market(
        **{**values, "subtitle": values["subtitle"] or "", "market_type": values["market_type"] or "binary"}
    )


def build(period: Period, sources: Sources) -> pl.DataFrame:
    """Rows of one day: edges by direction and reason, and one row (scope ``day``) that says how it stands."""
    edges = _with_best(sources["edges"].with_columns(pl.col("reason").fill_null(TAKEN)))
    figures = [
        pl.len().cast(pl.Int64).alias("edges"),
        pl.col("pair_hash").n_unique().cast(pl.Int64).alias("pairs"),
        pl.col("net_edge").cast(pl.Float64).median().alias("net_edge_p50"),
        pl.col("net_edge").max().alias("net_edge_max"),
        pl.col("best_size").cast(pl.Decimal(38, 12)).sum().alias("size"),
        pl.col("best_net").sum().alias("net_usd"),
        pl.col("annualised").max().alias("annualised_max"),
    ]
    by_reason = edges.group_by("direction", "reason").agg(figures).with_columns(
        pl.lit("reason").alias("scope"), pl.lit(OK).alias("state"), pl.lit("").alias("note")
    )  # fmt: skip
    day = shaped([_day(edges, sources)], COLUMNS)
    return (
        pl.concat([as_columns(by_reason, COLUMNS), day])
        .with_columns(pl.lit(period.day).alias("day"))
        .sort("scope", "direction", "reason", nulls_last=True)
    )


def _with_best(edges: pl.DataFrame) -> pl.DataFrame:
    """Add ``best_size`` and ``best_net``: set at the best moment of each pair, direction and reason only.

    The same liquidity shows at every change of a book; summing all moments would count it again and again.
    """
    ranked = edges.sort("net_total", "size", descending=True, nulls_last=True)
    best = pl.struct("pair_hash", "direction", "reason").is_first_distinct()
    return ranked.with_columns(
        pl.when(best).then("size").alias("best_size"), pl.when(best).then("net_total").alias("best_net")
    )


def _day(edges: pl.DataFrame, sources: Sources) -> dict[str, Any]:
    taken = edges.filter(pl.col("reason") == TAKEN)
    state, note = _state(edges, sources)
    return {
        "scope": DAY_SCOPE, "edges": edges.height, "pairs": edges["pair_hash"].n_unique(),
        "net_edge_max": taken["net_edge"].max(), "annualised_max": taken["annualised"].max(),
        "state": state, "note": note,
    }  # fmt: skip


def _state(edges: pl.DataFrame, sources: Sources) -> tuple[str, str]:
    pairs = int(sources["pairs"]["pairs"].sum() or 0)
    venues = set(sources["landed"]["venue"])
    missing = sorted({POLYMARKET, KALSHI} - venues)
    if edges.height:
        return OK, ""
    if not pairs:
        return EMPTY, "no pair is accepted, so there is no edge to look for"
    if len(missing) == 2:
        return EMPTY, "no snapshot of either venue landed on this day"
    if missing:
        return FAILED, f"{pairs} pairs could not be checked: nothing landed from {missing[0]}"
    return OK, f"{pairs} pairs were checked and none showed an edge before fees"


def headline(frame: pl.DataFrame) -> str:
    """Edges that could be taken, the best of them, and the commonest reason against the others."""
    rows = frame.filter(pl.col("scope") == "reason")
    if rows.is_empty():
        return "No edge was seen in this period."
    taken = rows.filter(pl.col("reason") == TAKEN)
    refused = (
        rows.filter(pl.col("reason") != TAKEN).group_by("reason").agg(pl.col("edges").sum()).sort("edges")
    )
    best = taken["net_edge_max"].max()
    said = f"{int(taken['edges'].sum() or 0)} edges could be taken"
    said += f", the best at {float(best) * 100:.2f} cents a contract after fees" if best is not None else ""  # type: ignore[arg-type]
    if refused.height:
        said += f"; {int(refused['edges'].sum())} were refused, most often {refused['reason'][-1]}"
    return said + "."


def chart(frame: pl.DataFrame, theme: Theme, width: int) -> alt.TopLevelMixin:
    """Edges a day by reason; what could be taken counts as `taken`."""
    counted = frame.filter(pl.col("scope") == "reason").group_by("day", "reason").agg(pl.col("edges").sum())
    return charts.bars(
        counted.sort("day", "reason"),
        theme,
        width,
        y="edges",
        series="reason",
        y_title="edges a day",
        days=frame["day"],
    )


REPORT: Final = Report(
    name="opportunities",
    table="report_opportunities",
    title="Opportunities",
    description="Edges between the books of accepted pairs, after fees: what could be taken, and why the rest was refused.",
    sources=SOURCES,
    first_day="SELECT CAST(min(decided_at) AT TIME ZONE 'UTC' AS DATE) AS first FROM lake.matched_pairs",
    columns=COLUMNS,
    build=build,
    chart=chart,
    headline=headline,
    shown=(
        "day",
        "direction",
        "reason",
        "edges",
        "pairs",
        "net_edge_p50",
        "net_edge_max",
        "size",
        "net_usd",
        "annualised_max",
        "note",
    ),
    order=("day", "scope", "direction", "reason"),
    prepare=prepare,
    trends=lambda frame: [("edges a day", day_trend(frame, "edges"))],
)
