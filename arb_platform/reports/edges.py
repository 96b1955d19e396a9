"""Edges between the two books of an accepted pair: what both legs cost, less fees, and why not.

Buying an outcome on one venue and its opposite on the other pays one dollar whatever happens. At
each change of either book both directions are looked at; an edge that stays the same is one row
from ``at`` to ``until``, so nothing is counted twice. All arithmetic is in integers: prices and
sizes in millionths, products in Int128.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import polars as pl

from arb_platform.domain.fees import FeeSchedule, schedule_of
from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.domain.units import ONE, units
from arb_platform.reports.edge_fees import DEPTH, LEVELS, RATE_SCALE, WIDE, ceil, with_exact_fees

BOOK_COLUMNS: Final = tuple(
    f"{side}{n}_{what}" for side in ("bid", "ask") for n in LEVELS for what in ("px", "sz")
)
# totals are size (millionths) times price (millionths)
TOTAL: Final = pl.Decimal(38, 12)
EACH: Final = pl.Decimal(18, 12)

COLUMNS: Final[dict[str, pl.DataType]] = {
    "pair_hash": pl.String(), "at": pl.Datetime("us", "UTC"), "until": pl.Datetime("us", "UTC"),
    "direction": pl.String(), "polymarket_id": pl.String(), "kalshi_id": pl.String(),
    "size": pl.Decimal(18, 6), "polymarket_px": pl.Decimal(9, 6), "kalshi_px": pl.Decimal(9, 6),
    "gross_edge": EACH, "fees": EACH, "net_edge": EACH,
    "gross_total": TOTAL, "fees_total": TOTAL, "net_total": TOTAL, "fee_basis": pl.String(),
    "days_locked": pl.Float64(), "annualised": pl.Float64(), "book_age_ms": pl.Float64(), "skew_ms": pl.Float64(),
    "reason": pl.String(),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When an edge is refused. Books are silent while nothing changes, so ages are minutes, not ms."""

    stale_after_ms: int = 120_000
    max_skew_ms: int = 60_000
    min_size: Decimal = Decimal(1)
    min_net_edge: Decimal = Decimal("0.005")


def pair_row(
    pair_hash: str, polymarket: Market, kalshi: Market, orientation: str, at: datetime
) -> dict[str, Any]:
    """What :func:`find_edges` has to know about one pair: its legs, fees, end, and what speaks against it."""
    poly, kal = schedule_of(polymarket, at), schedule_of(kalshi, at)
    ends = [moment for moment in (polymarket.close_time, kalshi.close_time) if moment is not None]
    return {
        "pair_hash": pair_hash, "polymarket_id": polymarket.market_id, "kalshi_id": kalshi.market_id,
        "orientation": orientation, "ends_at": max(ends) if len(ends) == 2 else None,
        "risk": _risk(polymarket, kalshi, orientation), "poly_rate": _rate(poly), "kalshi_rate": _rate(kal),
        "poly_exponent": float(poly.exponent), "poly_schedule": poly, "kalshi_schedule": kal,
        "fee_basis": f"{poly.basis}/{kal.basis}",
    }  # fmt: skip


def _risk(polymarket: Market, kalshi: Market, orientation: str) -> bool:
    """True where a dollar may not come back: not binary, orientation unknown, an "other" outcome."""
    other = {"other", "another", "any other", "field", "the field"}
    words = {polymarket.subtitle.strip().lower(), kalshi.subtitle.strip().lower()}
    binary = polymarket.market_type == "binary" and kalshi.market_type == "binary"
    return not binary or orientation not in {"same", "inverted"} or bool(words & other)


def _rate(schedule: FeeSchedule) -> int | None:
    return None if schedule.rate is None else int(schedule.rate * RATE_SCALE)


PAIR_SCHEMA: Final[dict[str, Any]] = {
    "pair_hash": pl.String, "polymarket_id": pl.String, "kalshi_id": pl.String, "orientation": pl.String,
    "ends_at": pl.Datetime("us", "UTC"), "risk": pl.Boolean, "poly_rate": pl.Int64, "kalshi_rate": pl.Int64,
    "poly_exponent": pl.Float64, "poly_schedule": pl.Object, "kalshi_schedule": pl.Object, "fee_basis": pl.String,
}  # fmt: skip


def find_edges(
    pairs: Sequence[dict[str, Any]],
    books: pl.DataFrame,
    doubts: pl.DataFrame,
    *,
    start: datetime,
    thresholds: Thresholds | None = None,
) -> pl.DataFrame:
    """Edges of ``pairs`` that begin at or after ``start``, taken (reason NULL) or refused, as ``COLUMNS``.

    ``books``: venue, market_id, session_id, exchange_time, received_at, sequence, crossed, trusted,
    session_ended_at and bid1_px .. ask3_sz in integer millionths, NULL where there is no level.
    Books from before ``start`` are needed as the state to begin with. ``doubts``: session_id,
    market_id (NULL: the whole connection) and started_at of every event after which a book stands
    for nothing until its next snapshot. The order of rows is free.
    """
    limits = thresholds or Thresholds()
    facts = pl.DataFrame(list(pairs), schema=PAIR_SCHEMA, orient="row").drop(
        "poly_schedule", "kalshi_schedule"
    )
    if facts.is_empty() or books.is_empty():
        return pl.DataFrame(schema=COLUMNS)
    states = _states(facts, _with_doubts(books, doubts))
    parts = [
        _direction(states, poly_side, limits).filter(pl.col("at") >= start) for poly_side in ("yes", "no")
    ]
    edges = with_exact_fees(pl.concat(parts), pairs)
    return _finished(edges, limits).sort("pair_hash", "at", "direction")


def _with_doubts(books: pl.DataFrame, doubts: pl.DataFrame) -> pl.DataFrame:
    """Add ``doubted_from``: when the book that a snapshot shows stopped being known; NULL if it did not."""
    starts = doubts.select("session_id", "market_id", "started_at").sort("started_at")
    of_market = starts.filter(pl.col("market_id").is_not_null()).with_columns(market_from="started_at")
    of_session = (
        starts.filter(pl.col("market_id").is_null()).drop("market_id").with_columns(session_from="started_at")
    )
    known = books.sort("received_at", "sequence")
    for events, by in ((of_market, ["session_id", "market_id"]), (of_session, ["session_id"])):
        known = known.join_asof(
            events,
            left_on="received_at",
            right_on="started_at",
            by=by,
            strategy="forward",
            check_sortedness=False,
        ).drop("started_at", strict=False)
    return known.with_columns(doubted_from=pl.min_horizontal("market_from", "session_from")).drop(
        "market_from", "session_from", "session_id"
    )


def _states(facts: pl.DataFrame, books: pl.DataFrame) -> pl.DataFrame:
    """One row per pair and moment at which either book changed, with both books as they then stood."""
    sides = {}
    for prefix, venue, key in (("p_", POLYMARKET, "polymarket_id"), ("k_", KALSHI, "kalshi_id")):
        mine = books.filter(pl.col("venue") == venue).drop("venue")
        renamed = mine.rename({name: prefix + name for name in mine.columns if name != "market_id"})
        sides[prefix] = (
            facts.select("pair_hash", key)
            .join(renamed, left_on=key, right_on="market_id")
            .drop(key)
            .with_columns(pl.col(f"{prefix}received_at").alias("at"))
            .sort("at", f"{prefix}sequence")
        )
    moments = (
        pl.concat(side.select("pair_hash", "at") for side in sides.values()).unique().sort("at", "pair_hash")
    )
    for side in sides.values():
        moments = moments.join_asof(
            side, on="at", by="pair_hash", strategy="backward", check_sortedness=False
        )
    both = moments.filter(pl.col("p_received_at").is_not_null() & pl.col("k_received_at").is_not_null())
    return both.join(facts, on="pair_hash").sort("pair_hash", "at")


def _direction(states: pl.DataFrame, poly_side: str, limits: Thresholds) -> pl.DataFrame:
    """Edges of buying ``poly_side`` on Polymarket and its opposite on Kalshi, equal ones run together."""
    kalshi_yes = (
        (pl.col("orientation") == "inverted") if poly_side == "yes" else (pl.col("orientation") != "inverted")
    )
    legs = states.with_columns(
        *_leg("p_", "p", pl.lit(value=poly_side == "yes")),
        *_leg("k_", "k", kalshi_yes),
        pl.concat_str(
            pl.lit(f"polymarket_{poly_side}+kalshi_"),
            pl.when(kalshi_yes).then(pl.lit("yes")).otherwise(pl.lit("no")),
        ).alias("direction"),
    ).drop([prefix + name for prefix in ("p_", "k_") for name in BOOK_COLUMNS])
    walked = _walk(legs)
    live = (pl.col("size") > 0) & (pl.col("p1") + pl.col("k1") < ONE)
    reasoned = walked.with_columns(_refusal(limits).alias("reason"), live.alias("live"))
    key = pl.struct(
        "pair_hash",
        "live",
        pl.when(pl.col("live")).then(pl.struct("size", "gross_units", "p1", "k1", "reason")),
    )
    runs = reasoned.with_columns(key.rle_id().alias("run")).filter(pl.col("run").is_first_distinct())
    next_at = pl.col("at").shift(-1).over("pair_hash", order_by="at")
    return runs.with_columns(next_at.alias("until")).filter("live").drop("live", "run")


def _leg(prefix: str, name: str, buy_yes: pl.Expr) -> list[pl.Expr]:
    """Prices and sizes at which the leg can be bought, best first; no level is size 0 at a dollar.

    Whoever bids for YES at b sells NO at 1 - b.
    """
    exprs = []
    for n in LEVELS:
        price = (
            pl.when(buy_yes).then(pl.col(f"{prefix}ask{n}_px")).otherwise(ONE - pl.col(f"{prefix}bid{n}_px"))
        )
        size = pl.when(buy_yes).then(pl.col(f"{prefix}ask{n}_sz")).otherwise(pl.col(f"{prefix}bid{n}_sz"))
        exprs += [
            price.fill_null(ONE).cast(pl.Int64).alias(f"{name}{n}"),
            pl.when(price.is_null())
            .then(0)
            .otherwise(size.fill_null(0))
            .cast(pl.Int64)
            .alias(f"{name}{n}_size"),
        ]
    return exprs


def _walk(legs: pl.DataFrame) -> pl.DataFrame:
    """Walk both sides level by level while the next contract earns more than its fees.

    Adds size, gross_units (1e-12 dollars) and the fill of each level (``p1_fill`` .. ``k3_fill``).
    Where not even the first contract pays its fees, the first level is taken, to be refused below.
    """
    cumulated = legs.with_columns(
        pl.sum_horizontal(f"{leg}{m}_size" for m in range(1, n + 1)).alias(f"{leg}{n}_cum")
        for leg in ("p", "k") for n in range(DEPTH + 1)
        if n > 0
    ).with_columns(pl.lit(0, dtype=pl.Int64).alias("p0_cum"), pl.lit(0, dtype=pl.Int64).alias("k0_cum"))  # fmt: skip
    overlaps = {}
    for i in LEVELS:
        for j in LEVELS:
            upper = pl.min_horizontal(f"p{i}_cum", f"k{j}_cum")
            lower = pl.max_horizontal(f"p{i - 1}_cum", f"k{j - 1}_cum")
            earns = (
                ONE
                - pl.col(f"p{i}")
                - pl.col(f"k{j}")
                - _marginal(f"p{i}", "poly_rate", "poly_exponent")
                - _marginal(f"k{j}", "kalshi_rate")
                > 0
            )
            taken = earns if (i, j) != (1, 1) else pl.lit(value=True)
            overlaps[i, j] = pl.when(taken).then((upper - lower).clip(lower_bound=0)).otherwise(0)
    priced = cumulated.with_columns(expr.alias(f"o{i}{j}") for (i, j), expr in overlaps.items())
    gross = [pl.col(f"o{i}{j}").cast(WIDE) * (ONE - pl.col(f"p{i}") - pl.col(f"k{j}")) for i, j in overlaps]
    return priced.with_columns(
        pl.sum_horizontal(f"o{i}{j}" for i, j in overlaps).alias("size"),
        pl.sum_horizontal(gross).alias("gross_units"),
        *[pl.sum_horizontal(f"o{i}{j}" for j in LEVELS).alias(f"p{i}_fill") for i in LEVELS],
        *[pl.sum_horizontal(f"o{i}{j}" for i in LEVELS).alias(f"k{j}_fill") for j in LEVELS],
    ).drop(
        [f"o{i}{j}" for i, j in overlaps], [f"{leg}{n}_cum" for leg in ("p", "k") for n in range(DEPTH + 1)]
    )


def _marginal(price: str, rate: str, exponent: str | None = None) -> pl.Expr:
    """Fee of one more contract in millionths, close enough to decide where to stop; unknown counts as 0 here."""
    spread = pl.col(price) * (ONE - pl.col(price))
    plain = (pl.col(rate).fill_null(0) // 1000) * spread // 10**12
    if exponent is None:
        return plain
    curved = (pl.col(rate).fill_null(0) / 1000 * (spread / 10**12) ** pl.col(exponent)).floor().cast(pl.Int64)
    return pl.when(pl.col(exponent) == 1.0).then(plain).otherwise(curved)


def _refusal(limits: Thresholds) -> pl.Expr:
    """Reasons that do not depend on the fee's amount, the gravest first; NULL when there is none."""
    dead = [
        (pl.col(f"{side}session_ended_at") <= pl.col("at")).fill_null(value=False) for side in ("p_", "k_")
    ]
    lost = [(pl.col(f"{side}doubted_from") <= pl.col("at")).fill_null(value=False) for side in ("p_", "k_")]
    return (
        pl.when(pl.col("p_crossed") | pl.col("k_crossed")).then(pl.lit("crossed"))
        .when(~(pl.col("p_trusted") & pl.col("k_trusted")) | lost[0] | lost[1]).then(pl.lit("gap"))
        .when(dead[0] | dead[1] | (_age_ms() > limits.stale_after_ms)).then(pl.lit("stale"))
        .when(_skew_ms() > limits.max_skew_ms).then(pl.lit("skewed"))
        .when("risk").then(pl.lit("resolution_risk"))
        .when(pl.col("poly_rate").is_null() | pl.col("kalshi_rate").is_null()).then(pl.lit("unknown_fee"))
        .when(pl.col("size") < units(limits.min_size)).then(pl.lit("too_small"))
        .otherwise(None)
    )  # fmt: skip


def _age_ms() -> pl.Expr:
    """Age of the older book, by its venue's clock where it tells; negative ages are clock skew and count as 0."""
    born = [pl.coalesce(f"{side}exchange_time", f"{side}received_at") for side in ("p_", "k_")]
    age = (pl.col("at") - pl.min_horizontal(born)).dt.total_microseconds() / 1000
    return age.clip(lower_bound=0.0)


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
    days = (pl.col("ends_at") - pl.col("at")).dt.total_seconds() / 86_400
    cost = (10**9 - gross_each + fees_each).cast(pl.Float64)
    annual = pl.when((days > 0) & (cost > 0)).then(net_each.cast(pl.Float64) / cost * 365 / days)
    return edges.with_columns(pl.when(poor).then(pl.lit("below_threshold")).otherwise("reason").alias("reason")).select(
        "pair_hash", "at", "until", "direction", "polymarket_id", "kalshi_id",
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
        _age_ms().alias("book_age_ms"), _skew_ms().alias("skew_ms"), "reason",
    )  # fmt: skip


def _scaled(value: pl.Expr, places: int, kind: pl.Decimal) -> pl.Expr:
    """``value`` units of 10^-places as a DECIMAL, exactly."""
    unit = pl.lit(Decimal(1).scaleb(-places), dtype=pl.Decimal(38, places))
    return (value.cast(pl.Decimal(38, places)) * unit).cast(kind)
