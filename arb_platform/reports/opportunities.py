"""Edges of accepted pairs by day and by what became of them; computes the `opportunities` table."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import polars as pl

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.reports import charts, lead_lag
from arb_platform.reports.accepted import ACCEPTED, FIRST_ACCEPTED, dated_pairs
from arb_platform.reports.drawing import alt
from arb_platform.reports.edge_books import doubts_between, shared_books
from arb_platform.reports.edges import COLUMNS as EDGE_COLUMNS
from arb_platform.reports.edges import Thresholds, find_edges
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
PAIRS_AT_ONCE: Final = 50

COLUMNS: Final[dict[str, pl.DataType]] = {
    "day": pl.Date(), "scope": pl.String(), "direction": pl.String(), "reason": pl.String(), "edges": pl.Int64(),
    "pairs": pl.Int64(), "net_edge_p50": pl.Float64(), "net_edge_max": pl.Decimal(38, 12), "size": pl.Decimal(38, 12),
    "net_usd": pl.Decimal(38, 12), "annualised_max": pl.Float64(), "state": pl.String(), "note": pl.String(),
}  # fmt: skip

SOURCES: Final = {
    "edges": """
        SELECT pair_hash, direction, size, net_edge, net_total, annualised, reason
        FROM lake.opportunities WHERE "at" >= $1 AND "at" < $2""",
    # A pair that ended within the day was one for a part of it only.
    "pairs": f"""
        SELECT count(DISTINCT pair_hash) AS pairs, count(DISTINCT pair_hash) FILTER (stops < $2) AS ended
        FROM ({ACCEPTED})""",
    # 0 and 1 are the venues' words for no quote; a bid of 1 or an ask of 0 is nobody's price.
    "landed": """
        SELECT venue, count(*) AS snapshots,
               count(*) FILTER (bid1_px <= 0 OR bid1_px >= 1 OR ask1_px <= 0 OR ask1_px >= 1) AS without_price
        FROM lake.book_snapshots
        WHERE day = CAST($1 AT TIME ZONE 'UTC' AS DATE) AND received_at >= $1 AND received_at < $2 GROUP BY venue""",
}


def prepare(lake: Lake, period: Period, thresholds: Thresholds | None = None) -> int:
    """Compute and replace the rows of `opportunities` of one day; returns how many there are."""
    frames = list(_edges(lake, period, thresholds or Thresholds()))
    rows = pl.concat(frames) if frames else pl.DataFrame(schema=EDGE_COLUMNS)
    tomorrow = period.start + timedelta(days=1)

    def replace(connection: Connection) -> None:
        connection.execute(
            'DELETE FROM opportunities WHERE "at" >= $1 AND "at" < $2', [period.start, tomorrow]
        )
        if rows.height:
            insert(connection, "opportunities", rows)

    lake.run(replace)
    return rows.height


def _edges(lake: Lake, period: Period, thresholds: Thresholds) -> Iterator[pl.DataFrame]:
    """Edges of all accepted pairs, some pairs at a time, so that what is worked on stays small."""
    pairs = dated_pairs(lake, period)
    since = period.start - max(_LOOK_BACK, timedelta(milliseconds=thresholds.stale_after_ms))
    doubts = doubts_between(lake, since, period.end)
    whole = period.end == period.start + timedelta(days=1)
    shares = [pairs[begin : begin + PAIRS_AT_ONCE] for begin in range(0, len(pairs), PAIRS_AT_ONCE)]
    for some, books in zip(shares, shared_books(lake, since, period.end, shares), strict=True):
        yield find_edges(
            some, books, doubts, start=period.start, end=period.end, whole=whole, thresholds=thresholds
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
    pairs, ended = (int(sources["pairs"][name].sum() or 0) for name in ("pairs", "ended"))
    missing = sorted({POLYMARKET, KALSHI} - set(sources["landed"]["venue"]))
    notes = _remarks(edges, sources, ended)
    if not pairs and not edges.height:
        return EMPTY, "; ".join(["no pair is accepted, so there is no edge to look for", *notes])
    if len(missing) == 2:
        return EMPTY, "; ".join(["no snapshot of either venue landed on this day", *notes])
    if missing:
        said = f"{pairs} pairs could not be checked: nothing landed from {missing[0]} on this day"
        return FAILED, "; ".join([said, *notes])
    if not edges.height:
        notes.insert(0, f"{pairs} pairs were checked and none showed an edge before fees")
    return OK, "; ".join(notes)


def _remarks(edges: pl.DataFrame, sources: Sources, ended: int) -> list[str]:
    """What else a reader must know of the day: fees nobody knows, prices that are none, pairs that ended."""
    said = []
    unknown = edges.filter(pl.col("reason") == "unknown_fee")["pair_hash"].n_unique()
    if unknown:
        said.append(f"the fees of {unknown} pairs are not known, so none of their edges counts as one")
    empty = int(sources["landed"]["without_price"].sum() or 0)
    if empty:
        said.append(f"{empty} books had 0 or 1 as a best price, which is no quote")
    if ended:
        said.append(
            f"{ended} pairs ended within the day: a market of theirs settled, went or changed its words"
        )
    return said


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


def chart(frame: pl.DataFrame, theme: Theme, width: int) -> "alt.TopLevelMixin":
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
    first_day=FIRST_ACCEPTED,
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
    sections=(lead_lag.REPORT,),
    trends=lambda frame: [("edges a day", day_trend(frame, "edges"))],
)
