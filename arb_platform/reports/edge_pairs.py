"""What has to be known of an accepted pair before its books are compared: legs, fees by date, end, risks."""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_CEILING
from typing import Any, Final

import polars as pl

from arb_platform.domain.fees import FeeSchedule, FeeTerms, schedules_between, terms_of
from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.reports.edge_fees import RATE_SCALE

_TIME: Final = pl.Datetime("us", "UTC")
PAIR_SCHEMA: Final[dict[str, Any]] = {
    "pair_hash": pl.String, "polymarket_id": pl.String, "kalshi_id": pl.String, "orientation": pl.String,
    "begins": _TIME, "stops": _TIME, "closes_at": _TIME, "ends_at": _TIME, "risk": pl.String,
    "poly_rate": pl.Int64, "kalshi_rate": pl.Int64, "poly_exponent": pl.Float64, "plain_fees": pl.Boolean,
    "fee_basis": pl.String, "fee_why": pl.String,
}  # fmt: skip

# An outcome that stands for whatever is not listed: what it covers changes when the venue adds one.
_OTHER: Final = frozenset({"other", "others", "another", "any other", "someone else", "anyone else", "none of the above", "field", "the field"})  # fmt: skip
_OTHER_IN_TITLE: Final = re.compile(
    r"\b(?:another|any other|some other|other) (?:candidate|person|party|team|player|company|country|outcome|option)s?\b"
    r"|\b(?:someone|anyone|somebody|anybody) else\b|\bnone of the (?:above|listed)\b",
    re.IGNORECASE,
)
# How a bet can end in neither a dollar nor nothing.
_ENDS: Final = {
    "half a dollar each": re.compile(r"\b50\s*(?:%|percent)?\s*[-–/:]\s*50\b", re.IGNORECASE),
    "a refund or void": re.compile(r"\b(?:void(?:ed|s)?|refund(?:ed|s)?)\b", re.IGNORECASE),
    "a fair or last price": re.compile(
        r"\b(?:fair(?: market)?|last(?: traded| fair)?) (?:price|value)\b", re.IGNORECASE
    ),
}


def pair_rows(
    pair_hash: str, polymarket: Market, kalshi: Market, orientation: str,
    *, start: datetime, end: datetime, terms: tuple[Sequence[FeeTerms], Sequence[FeeTerms]] = ((), ()),
    begins: datetime | None = None, stops: datetime | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """One row for each stretch of ``start`` to ``end`` in which neither leg's fees change.

    ``terms`` are the fee versions of both markets, the oldest first; without any, what the market
    says now holds. ``begins`` and ``stops`` bound the time in which the pair is a pair.
    """
    first = max(start, begins) if begins else start
    last = min(end, stops) if stops else end
    legs = [
        schedules_between(list(versions) or [terms_of(market)], first, max(first, last))
        for versions, market in zip(terms, (polymarket, kalshi), strict=True)
    ]
    moments = sorted({moment for leg in legs for moment, _ in leg})
    rows = []
    for moment, following in zip(moments, [*moments[1:], None], strict=True):
        poly, kal = ([schedule for since, schedule in leg if since <= moment][-1] for leg in legs)
        row = pair_row(pair_hash, polymarket, kalshi, orientation, (poly, kal))
        rows.append(row | {"begins": moment if moment != start else begins, "stops": following or stops})
    return rows


def pair_row(
    pair_hash: str,
    polymarket: Market,
    kalshi: Market,
    orientation: str,
    fees: tuple[FeeSchedule, FeeSchedule],
) -> dict[str, Any]:
    """What :func:`find_edges` has to know about one pair while its ``fees`` hold."""
    poly, kal = fees
    ends = [moment for moment in (polymarket.close_time, kalshi.close_time) if moment is not None]
    unknown = [f"{one.venue}: {one.why_unknown}" for one in fees if not one.known]
    return {
        "polymarket_title": polymarket.title, "kalshi_title": kalshi.title,
        "pair_hash": pair_hash, "polymarket_id": polymarket.market_id, "kalshi_id": kalshi.market_id,
        "orientation": orientation, "begins": None, "stops": None, "closes_at": min(ends, default=None),
        "ends_at": max(ends) if len(ends) == 2 else None, "risk": risk(polymarket, kalshi, orientation),
        "poly_rate": _rate(poly), "kalshi_rate": _rate(kal), "poly_exponent": float(poly.exponent),
        "plain_fees": poly.exponent == 1 and all(_is_exact(one) for one in fees), "poly_schedule": poly, "kalshi_schedule": kal, "fee_basis": f"{poly.basis}/{kal.basis}",
        "fee_why": "; ".join(unknown) or None,
    }  # fmt: skip


def risk(polymarket: Market, kalshi: Market, orientation: str) -> str | None:
    """Why a dollar may not come back whatever happens, in words; None where nothing speaks against it."""
    if orientation not in {"same", "inverted"}:
        return f"it is not known which side is which: orientation {orientation}"
    for market in (polymarket, kalshi):
        if market.market_type != "binary":
            return (
                f"{market.venue}: a {market.market_type} market pays something other than a dollar or nothing"
            )
        if _is_other(market):
            return f'{market.venue}: an "other" outcome covers whatever the venue does not list'
    return _unequal_ends(polymarket, kalshi)


def _is_other(market: Market) -> bool:
    named = {market.subtitle.strip().lower(), market.outcome.strip().lower()}
    # Outside of an event of which only one comes true, "another country" is only a country.
    return bool(named & _OTHER) or (
        market.mutually_exclusive is True and bool(_OTHER_IN_TITLE.search(market.title))
    )


def _unequal_ends(polymarket: Market, kalshi: Market) -> str | None:
    for end, words in _ENDS.items():
        able = [market.venue for market in (polymarket, kalshi) if words.search(market.rules)]
        if len(able) == 1:
            other = KALSHI if able[0] == POLYMARKET else POLYMARKET
            return f"{able[0]}'s rules can end in {end}, {other}'s do not say so"
    return None


def _rate(schedule: FeeSchedule) -> int | None:
    """The rate in 1e-9, rounded up where it is finer: enough to decide where to stop."""
    if schedule.rate is None:
        return None
    return int((schedule.rate * RATE_SCALE).to_integral_value(rounding=ROUND_CEILING))


def _is_exact(schedule: FeeSchedule) -> bool:
    return schedule.rate is None or (schedule.rate * RATE_SCALE) % 1 == 0


def facts(pairs: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """``pairs`` as columns, with their number in ``pair``."""
    rows = [{name: pair[name] for name in PAIR_SCHEMA} for pair in pairs]
    return pl.DataFrame(rows, schema=PAIR_SCHEMA, orient="row").with_row_index("pair")
