"""Edges between the two books of an accepted pair: what both legs cost, less fees, and why not.

Buying an outcome on one venue and its opposite on the other pays one dollar whatever happens. At
each change of either book both directions are looked at; an edge that stays the same is one row
from ``at`` to ``until``, so nothing is counted twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import polars as pl

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.domain.units import ONE, units
from arb_platform.reports.edge_fees import WIDE, ceil, with_exact_fees
from arb_platform.reports.edge_pairs import facts
from arb_platform.reports.edge_walk import BOOK_COLUMNS, best_price, leg, walk

# totals are size (millionths) times price (millionths)
TOTAL: Final = pl.Decimal(38, 12)
EACH: Final = pl.Decimal(18, 12)
_SIDES: Final = (("p_", POLYMARKET, "polymarket_id"), ("k_", KALSHI, "kalshi_id"))
_BEST: Final = ("bid1_px", "ask1_px")
_STANDING: Final = (
    "exchange_time",
    "received_at",
    "crossed",
    "trusted",
    "session_ended_at",
    "doubted_from",
)

COLUMNS: Final[dict[str, pl.DataType]] = {
    "pair_hash": pl.String(), "at": pl.Datetime("us", "UTC"), "until": pl.Datetime("us", "UTC"),
    "direction": pl.String(), "polymarket_id": pl.String(), "kalshi_id": pl.String(),
    "size": pl.Decimal(18, 6), "polymarket_px": pl.Decimal(9, 6), "kalshi_px": pl.Decimal(9, 6),
    "gross_edge": EACH, "fees": EACH, "net_edge": EACH,
    "gross_total": TOTAL, "fees_total": TOTAL, "net_total": TOTAL, "fee_basis": pl.String(),
    "days_locked": pl.Float64(), "annualised": pl.Float64(), "book_age_ms": pl.Float64(), "skew_ms": pl.Float64(),
    "reason": pl.String(), "why": pl.String(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When an edge is refused. Books are silent while nothing changes, so ages are minutes, not ms."""

    stale_after_ms: int = 120_000
    max_skew_ms: int = 60_000
    min_size: Decimal = Decimal(1)
    min_net_edge: Decimal = Decimal("0.005")


def find_edges(
    pairs: Sequence[dict[str, Any]],
    books: pl.DataFrame,
    doubts: pl.DataFrame,
    *,
    start: datetime,
    end: datetime | None = None,
    whole: bool = False,
    thresholds: Thresholds | None = None,
) -> pl.DataFrame:
    """Edges of ``pairs`` from ``start`` to before ``end``, taken (reason NULL) or refused, as ``COLUMNS``.

    ``books``: venue, market_id, session_id, exchange_time, received_at, sequence, crossed, trusted,
    session_ended_at and bid1_px .. ask3_sz in integer millionths, NULL where there is no level.
    Books from before ``start`` are needed as the state to begin with: an edge that stands at
    ``start`` begins a row there. ``doubts``: session_id, market_id (NULL: the whole connection) and
    started_at of every event after which a book stands for nothing until its next snapshot.
    ``whole`` says that nothing of the time before ``end`` is still to come; what stands then ends
    there. The order of rows is free.
    """
    limits = thresholds or Thresholds()
    known = facts(pairs)
    if known.is_empty() or books.is_empty():
        return pl.DataFrame(schema=COLUMNS)
    # Everything that may tell two snapshots of one moment apart, or their order would be left to chance.
    ordered = books.sort("received_at", "sequence", "session_id", *BOOK_COLUMNS, nulls_last=True)
    shown = _with_doubts(ordered, doubts)
    states = _states(known, shown, start, end, whole=whole, limits=limits)
    parts = [_direction(states, shown, side, limits) for side in ("yes", "no")]
    edges = _finished(with_exact_fees(pl.concat(parts), pairs), limits)
    return _runs(edges).select(list(COLUMNS)).sort("pair_hash", "at", "direction")


def _with_doubts(books: pl.DataFrame, doubts: pl.DataFrame) -> pl.DataFrame:
    """Add ``doubted_from``: when the book that a snapshot shows stopped being known; NULL if it did not."""
    starts = doubts.select("session_id", "market_id", "started_at").sort("started_at")
    # An event without a session is about its market wherever that is streamed.
    anywhere = pl.col("session_id") == ""
    kinds = (
        (starts.filter(pl.col("market_id").is_not_null() & ~anywhere), ["session_id", "market_id"]),
        (starts.filter(pl.col("market_id").is_null() & ~anywhere).drop("market_id"), ["session_id"]),
        (starts.filter(pl.col("market_id").is_not_null() & anywhere).drop("session_id"), ["market_id"]),
    )
    known = books
    for number, (events, by) in enumerate(kinds):
        name = f"doubt{number}"
        known = known.join_asof(
            events.with_columns(pl.col("started_at").alias(name)),
            left_on="received_at",
            right_on="started_at",
            by=by,
            strategy="forward",
            check_sortedness=False,
        ).drop("started_at", strict=False)
    names = [f"doubt{number}" for number in range(len(kinds))]
    return known.with_columns(doubted_from=pl.min_horizontal(names)).drop(*names)


def _states(
    known: pl.DataFrame, books: pl.DataFrame, start: datetime, end: datetime | None,
    *, whole: bool, limits: Thresholds,
) -> pl.DataFrame:  # fmt: skip
    """One row per pair and moment at which either book changed, with where both books then are in ``books``.

    ``until`` is the next such moment; ``sure_until`` is before it where a book grew stale, lost its
    connection or came into doubt in between.
    """
    numbered = books.select("venue", "market_id", "received_at").with_row_index("row")
    bounds = known.select("pair", "stops", pl.max_horizontal("begins", pl.lit(start, pl.Datetime("us", "UTC"))).alias("first"))  # fmt: skip
    moments = [bounds.select("pair", pl.col("first").alias("at"))]
    sides = {}
    for prefix, venue, key in _SIDES:
        mine = numbered.filter(pl.col("venue") == venue)
        sides[prefix] = (
            known.select("pair", key)
            .join(mine, left_on=key, right_on="market_id")
            .select("pair", pl.col("received_at").alias("at"), pl.col("row").alias(f"{prefix}row"))
            .sort("at", f"{prefix}row")
        )
        moments.append(sides[prefix].select("pair", "at"))
    states = (
        pl.concat(moments).join(bounds, on="pair")
        .filter((pl.col("at") >= pl.col("first")) & (pl.col("at") < pl.col("stops")).fill_null(value=True))
        .drop("first").unique(["pair", "at"]).sort("at", "pair")
    )  # fmt: skip
    if end is not None:
        states = states.filter(pl.col("at") < end)
    for side in sides.values():
        states = states.join_asof(side, on="at", by="pair", strategy="backward", check_sortedness=False)
    both = states.filter(pl.col("p_row").is_not_null() & pl.col("k_row").is_not_null()).sort("pair", "at")
    told = [both]
    for prefix, _, _ in _SIDES:
        there = books[both[f"{prefix}row"]].select(*_BEST, *_STANDING)
        told.append(there.rename({name: prefix + name for name in there.columns}))
    return _ends(pl.concat(told, how="horizontal"), end, whole=whole, limits=limits).join(known.drop("stops"), on="pair", maintain_order="left")  # fmt: skip


def _ends(states: pl.DataFrame, end: datetime | None, *, whole: bool, limits: Thresholds) -> pl.DataFrame:
    """Add ``number``, ``until`` and ``sure_until``; what would happen after ``end`` has not happened."""
    time = pl.Datetime("us", "UTC")
    last = pl.lit(end if whole else None, time)
    horizon = pl.lit(end, time) if end is not None else pl.col("at").max()
    next_at = pl.col("at").shift(-1).over("pair", order_by="at")
    stale_at = _born() + pl.duration(milliseconds=limits.stale_after_ms)
    lost = [
        pl.when(pl.col(name) > pl.col("at")).then(pl.col(name))
        for prefix, _, _ in _SIDES
        for name in (f"{prefix}doubted_from", f"{prefix}session_ended_at")
    ]
    cut = pl.min_horizontal(stale_at, *lost)
    stops = pl.when(pl.col("stops") <= horizon).then("stops")
    ended = states.with_row_index("number").with_columns(until=pl.min_horizontal(next_at, stops, last))
    cut_before = (cut <= horizon) & ((cut < pl.col("until")) | pl.col("until").is_null())
    return ended.with_columns(sure_until=pl.when(cut_before).then(cut).otherwise("until")).drop("stops")


def _direction(states: pl.DataFrame, books: pl.DataFrame, poly_side: str, limits: Thresholds) -> pl.DataFrame:
    """States in which buying ``poly_side`` on Polymarket and its opposite on Kalshi costs less than a dollar."""
    buys_yes = pl.lit(value=poly_side == "yes")
    inverted = pl.col("orientation") == "inverted"
    kalshi_yes = inverted if poly_side == "yes" else ~inverted
    live = states.filter(best_price("p_", buys_yes) + best_price("k_", kalshi_yes) < ONE)
    levels = [live.drop([prefix + name for prefix, _, _ in _SIDES for name in _BEST])]
    for prefix, _, _ in _SIDES:
        there = books[live[f"{prefix}row"]].select(BOOK_COLUMNS)
        levels.append(there.rename({name: prefix + name for name in there.columns}))
    legs = pl.concat(levels, how="horizontal").with_columns(
        *leg("p_", "p", buys_yes),
        *leg("k_", "k", kalshi_yes),
        pl.concat_str(
            pl.lit(f"polymarket_{poly_side}+kalshi_"),
            pl.when(kalshi_yes).then(pl.lit("yes")).otherwise(pl.lit("no")),
        ).alias("direction"),
    ).drop([prefix + name for prefix, _, _ in _SIDES for name in BOOK_COLUMNS])  # fmt: skip
    walked = walk(legs).filter(pl.col("size") > 0)
    return walked.with_columns(_refusal(limits).alias("reason"))


def _refusal(limits: Thresholds) -> pl.Expr:
    """Reasons that do not depend on the fee's amount, the gravest first; NULL when there is none."""
    dead, lost = (
        pl.any_horizontal(
            (pl.col(f"{prefix}{name}") <= pl.col("at")).fill_null(value=False) for prefix, _, _ in _SIDES
        )
        for name in ("session_ended_at", "doubted_from")
    )
    over = (pl.col("closes_at") <= pl.col("at")).fill_null(value=False)
    return (
        pl.when(pl.col("p_crossed") | pl.col("k_crossed")).then(pl.lit("crossed"))
        .when(~(pl.col("p_trusted") & pl.col("k_trusted")) | lost).then(pl.lit("gap"))
        .when(dead | (_age_ms() > limits.stale_after_ms)).then(pl.lit("stale"))
        .when(_skew_ms() > limits.max_skew_ms).then(pl.lit("skewed"))
        .when(pl.col("risk").is_not_null() | over).then(pl.lit("resolution_risk"))
        .when(pl.col("poly_rate").is_null() | pl.col("kalshi_rate").is_null()).then(pl.lit("unknown_fee"))
        .when(pl.col("size") < units(limits.min_size)).then(pl.lit("too_small"))
        .otherwise(None)
    )  # fmt: skip


def _born() -> pl.Expr:
    """When the older book changed, by its venue's clock where it tells."""
    return pl.min_horizontal(
        pl.coalesce(f"{prefix}exchange_time", f"{prefix}received_at") for prefix, _, _ in _SIDES
    )


def _age_ms() -> pl.Expr:
    """Age of the older book; negative ages are clock skew and count as 0."""
    return ((pl.col("at") - _born()).dt.total_microseconds() / 1000).clip(lower_bound=0.0)


def _skew_ms() -> pl.Expr:
    return (pl.col("p_received_at") - pl.col("k_received_at")).dt.total_microseconds().abs() / 1000


def _finished(edges: pl.DataFrame, limits: Thresholds) -> pl.DataFrame:
    """Columns of the contract, from integers to DECIMAL; per-contract figures are cut at 1e-9 dollars."""
    size = pl.col("size").cast(WIDE)
    # 1e-12 dollars over 1e-6 contracts is 1e-6 dollars a contract; x 1000 for 1e-9
    gross_each = (pl.col("gross_units") * 1000) // size
    fees_each = ceil(pl.col("fee_units") * 1000, size)
    net_each = gross_each - fees_each
    poor = pl.col("reason").is_null() & (net_each < int(limits.min_net_edge * 10**9))
    # Rounded, for the last bit of a quotient depends on how many rows are divided at once.
    days = ((pl.col("ends_at") - pl.col("at")).dt.total_seconds() / 86_400).round(6)
    cost = (10**9 - gross_each + fees_each).cast(pl.Float64)
    yearly = (net_each.cast(pl.Float64) / cost * 365 / days).round(9)
    annual = pl.when((days > 0) & (cost > 0)).then(yearly)
    priced = edges.with_columns(
        pl.when(poor).then(pl.lit("below_threshold")).otherwise("reason").alias("reason")
    )
    return priced.select(
        "pair", "number", "sure_until", "pair_hash", "at", "until", "direction", "polymarket_id", "kalshi_id",
        _scaled(size, 6, pl.Decimal(18, 6)).alias("size"),
        _scaled(pl.col("p1"), 6, pl.Decimal(9, 6)).alias("polymarket_px"),
        _scaled(pl.col("k1"), 6, pl.Decimal(9, 6)).alias("kalshi_px"),
        _scaled(gross_each, 9, EACH).alias("gross_edge"),
        _scaled(fees_each, 9, EACH).alias("fees"),
        _scaled(net_each, 9, EACH).alias("net_edge"),
        _scaled(pl.col("gross_units"), 12, TOTAL).alias("gross_total"),
        _scaled(pl.col("fee_units"), 12, TOTAL).alias("fees_total"),
        _scaled(pl.col("gross_units") - pl.col("fee_units"), 12, TOTAL).alias("net_total"),
        "fee_basis", days.alias("days_locked"), annual.otherwise(None).alias("annualised"),
        _age_ms().alias("book_age_ms"), _skew_ms().alias("skew_ms"), "reason", _why().alias("why"),
    )  # fmt: skip


def _why() -> pl.Expr:
    over = pl.format("trading ended at {} UTC", pl.col("closes_at").dt.strftime("%Y-%m-%d %H:%M"))
    return (
        pl.when(pl.col("reason") == "resolution_risk").then(pl.coalesce("risk", over))
        .when(pl.col("reason") == "unknown_fee").then("fee_why")
        .otherwise(None)
    )  # fmt: skip


def _runs(edges: pl.DataFrame) -> pl.DataFrame:
    """States that follow each other and show the same edge as one row, with the end of the last.

    Only what could be taken ends early where it can no longer be vouched for; it begins anew with
    the next good book.
    """
    ordered = edges.sort("direction", "pair", "number").with_columns(
        until=pl.when(pl.col("reason").is_null()).then("sure_until").otherwise("until")
    )
    same = pl.struct("direction", "pair_hash", "size", "gross_total", "polymarket_px", "kalshi_px", "reason", "fees_total")  # fmt: skip
    follows = (pl.col("number") == pl.col("number").shift(1) + 1) & (pl.col("at") == pl.col("until").shift(1))
    begins = (~follows | (same.ne_missing(same.shift(1)))).fill_null(value=True)
    numbered = ordered.with_columns(begins.cum_sum().alias("run"))
    last = numbered.group_by("run", maintain_order=True).agg(pl.col("until").last())
    return numbered.filter(begins).drop("until").join(last, on="run", maintain_order="left")


def _scaled(value: pl.Expr, places: int, kind: pl.Decimal) -> pl.Expr:
    """``value`` units of 10^-places as a DECIMAL, exactly."""
    unit = pl.lit(Decimal(1).scaleb(-places), dtype=pl.Decimal(38, places))
    return (value.cast(pl.Decimal(38, places)) * unit).cast(kind)
