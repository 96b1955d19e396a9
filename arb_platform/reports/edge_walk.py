"""How many contracts of both legs the visible levels hold while the next one earns more than its fees.

All arithmetic is in integers: prices and sizes in millionths, products in Int128.
"""

from typing import Final

import polars as pl

from arb_platform.domain.units import ONE
from arb_platform.reports.edge_fees import DEPTH, LEVELS, WIDE

BOOK_COLUMNS: Final = tuple(
    f"{side}{n}_{what}" for side in ("bid", "ask") for n in LEVELS for what in ("px", "sz")
)


def best_price(prefix: str, buy_yes: pl.Expr) -> pl.Expr:
    """What the first contract of a leg costs; a dollar where nobody offers any."""
    return _price(prefix, 1, buy_yes)


def leg(prefix: str, name: str, buy_yes: pl.Expr) -> list[pl.Expr]:
    """Prices and sizes at which the leg can be bought, best first; no level is size 0 at a dollar."""
    exprs = []
    for n in LEVELS:
        price = _price(prefix, n, buy_yes)
        size = pl.when(buy_yes).then(pl.col(f"{prefix}ask{n}_sz")).otherwise(pl.col(f"{prefix}bid{n}_sz"))
        exprs += [
            price.alias(f"{name}{n}"),
            pl.when(price == ONE)
            .then(0)
            .otherwise(size.fill_null(0))
            .cast(pl.Int64)
            .alias(f"{name}{n}_size"),
        ]
    return exprs


def _price(prefix: str, n: int, buy_yes: pl.Expr) -> pl.Expr:
    """Whoever bids for YES at b sells NO at 1 - b. A price of 0 or 1 is the venues' word for no quote."""
    ask, bid = pl.col(f"{prefix}ask{n}_px"), pl.col(f"{prefix}bid{n}_px")
    price = pl.when(buy_yes).then(ask).otherwise(ONE - bid)
    return pl.when((price > 0) & (price < ONE)).then(price).otherwise(ONE).cast(pl.Int64)


def walk(legs: pl.DataFrame) -> pl.DataFrame:
    """Walk both sides level by level while the next contract earns more than its fees.

    Adds size, gross_units (1e-12 dollars) and the fill of each level (``p1_fill`` .. ``k3_fill``).
    Where not even the first contract pays its fees, the first level is taken, to be refused by the
    caller.
    """
    cumulated = legs.with_columns(
        pl.sum_horizontal(f"{side}{m}_size" for m in range(1, n + 1)).alias(f"{side}{n}_cum")
        for side in ("p", "k") for n in LEVELS
    ).with_columns(pl.lit(0, dtype=pl.Int64).alias("p0_cum"), pl.lit(0, dtype=pl.Int64).alias("k0_cum"))  # fmt: skip
    overlaps = {}
    for i in LEVELS:
        for j in LEVELS:
            upper = pl.min_horizontal(f"p{i}_cum", f"k{j}_cum")
            lower = pl.max_horizontal(f"p{i - 1}_cum", f"k{j - 1}_cum")
            fees = _marginal(f"p{i}", "poly_rate", "poly_exponent") + _marginal(f"k{j}", "kalshi_rate")
            earns = ONE - pl.col(f"p{i}") - pl.col(f"k{j}") - fees > 0
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
        [f"o{i}{j}" for i, j in overlaps], [f"{side}{n}_cum" for side in ("p", "k") for n in range(DEPTH + 1)]
    )


def _marginal(price: str, rate: str, exponent: str | None = None) -> pl.Expr:
    """Fee of one more contract in millionths, close enough to decide where to stop; unknown counts as 0 here."""
    spread = pl.col(price) * (ONE - pl.col(price))
    plain = (pl.col(rate).fill_null(0) // 1000) * spread // 10**12
    if exponent is None:
        return plain
    curved = (pl.col(rate).fill_null(0) / 1000 * (spread / 10**12) ** pl.col(exponent)).floor().cast(pl.Int64)
    return pl.when(pl.col(exponent) == 1.0).then(plain).otherwise(curved)
