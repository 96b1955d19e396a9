"""Fees of both legs of many edges at once, in integer columns, equal to those of :mod:`arb_platform.domain.fees`."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import polars as pl

from arb_platform.domain.fees import FeeSchedule, Fill, order_fee
from arb_platform.domain.units import ONE, decimal

DEPTH: Final = 3
LEVELS: Final = range(1, DEPTH + 1)
RATE_SCALE: Final = 10**9
WIDE: Final = pl.Int128
# Polymarket cuts a fill's fee at 1e-5 dollars, Kalshi rounds it up at 1e-4; here in 1e-27 dollars
_POLY_STEP: Final = 10**22
_KALSHI_STEP: Final = 10**23


def with_exact_fees(edges: pl.DataFrame, pairs: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Add ``fee_units`` (1e-12 dollars), NULL where a leg's fee is unknown.

    Exponent 1 and rates of at most nine decimals, which is all either venue uses today, are computed
    in columns; the rest row by row. ``pair`` is a row's place in ``pairs``.
    """
    poly = pl.sum_horizontal(_raw_fee(f"p{n}", "poly_rate") // _POLY_STEP for n in LEVELS) * 10**7
    kalshi_steps = pl.sum_horizontal(ceil(_raw_fee(f"k{n}", "kalshi_rate"), _KALSHI_STEP) for n in LEVELS)
    kalshi = ceil(kalshi_steps, 100) * 10**10
    plain = pl.col("plain_fees")
    known = pl.col("poly_rate").is_not_null() & pl.col("kalshi_rate").is_not_null()
    priced = edges.with_columns(pl.when(known & plain).then(poly + kalshi).otherwise(None).alias("fee_units"))
    odd = priced.filter(known & ~plain)
    if odd.is_empty():
        return priced
    schedules = [(pair["poly_schedule"], pair["kalshi_schedule"]) for pair in pairs]
    fees = [_fee_units(row, *schedules[row["pair"]]) for row in odd.iter_rows(named=True)]
    return pl.concat(
        [priced.filter(~(known & ~plain)), odd.with_columns(pl.Series("fee_units", fees, dtype=WIDE))]
    )


def _raw_fee(level: str, rate: str) -> pl.Expr:
    """C x rate x p x (1-p) of the fill at ``level`` in 1e-27 dollars (1e-6, 1e-9, 1e-6 and 1e-6)."""
    price = pl.col(level).cast(WIDE)
    return pl.col(f"{level}_fill").cast(WIDE) * pl.col(rate).cast(WIDE) * price * (ONE - price)


def ceil(value: pl.Expr, step: pl.Expr | int) -> pl.Expr:
    """Integer division of what is not negative, rounding up (Int128 has no negation)."""
    return (value + (step - 1)) // step


def _fee_units(row: dict[str, Any], poly: FeeSchedule, kalshi: FeeSchedule) -> int | None:
    total = Decimal(0)
    for leg, schedule in (("p", poly), ("k", kalshi)):
        fills = [
            Fill(decimal(row[f"{leg}{n}"]), decimal(row[f"{leg}{n}_fill"]))
            for n in LEVELS
            if row[f"{leg}{n}_fill"]
        ]
        fee = order_fee(schedule, fills)
        if fee is None:
            return None
        total += fee
    return int(total * 10**12)
