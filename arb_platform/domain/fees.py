"""Trading fees of both venues as dated data, in exact Decimal.

A fee that is not known is None, never 0: an edge with an unknown fee must not look like a free one.

Polymarket (docs.polymarket.com, trading/fees, 2026): a taker pays C x rate x (p(1-p))^exponent in
USDC, cut to five decimals; makers pay nothing. ``rate`` and ``exponent`` come with each market
(``feeSchedule``); the table of categories below is only a dated fallback, and flagged as one.

Kalshi (fee schedule and fee_rounding page, 2026): a taker pays 0.07 x multiplier x C x P x (1-P),
rounded up to 0.0001 for each fill; an ordinary member's order is then rounded up to the cent as a
whole. A maker pays 0.0175 in place of 0.07, and only where ``fee_type`` is
``quadratic_with_maker_fees``. The amounts of ``flat`` are not published.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from typing import Final, Literal

from arb_platform.domain.markets import KALSHI, POLYMARKET, Market

Role = Literal["taker", "maker"]
Basis = Literal["market", "category_table", "none"]

_ONE: Final = Decimal(1)
_CENT: Final = Decimal("0.01")
POLYMARKET_STEP: Final = Decimal("0.00001")
KALSHI_FILL_STEP: Final = Decimal("0.0001")
KALSHI_TAKER: Final = Decimal("0.07")
KALSHI_MAKER: Final = Decimal("0.0175")
QUADRATIC: Final = "quadratic"
QUADRATIC_WITH_MAKER: Final = "quadratic_with_maker_fees"
_NO_MAKER_FEE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Fill:
    """Part of an order filled at one price: ``size`` contracts at ``price`` dollars."""

    price: Decimal
    size: Decimal

    def __post_init__(self) -> None:
        if not (0 <= self.price <= 1) or self.size < 0:
            raise ValueError(f"not a fill: {self.size} at {self.price}")


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """What a venue said that a market charges, in the venue's words, from ``valid_from`` on; None is unknown."""

    venue: str
    category: str | None = None
    fee_type: str | None = None
    fee_rate: Decimal | None = None
    fee_exponent: Decimal | None = None
    fee_multiplier: Decimal | None = None
    valid_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """What one market charges, from ``valid_from`` until the next schedule of the same market.

    The fee of a fill is ``size x rate x (p(1-p))^exponent``, rounded by its venue's rule.
    ``basis`` says where the numbers come from; ``rate`` None means that nobody knows.
    """

    venue: str
    rate: Decimal | None
    exponent: Decimal = _ONE
    maker_rate: Decimal | None = None
    basis: Basis = "market"
    why_unknown: str = ""
    valid_from: datetime | None = None

    @property
    def known(self) -> bool:
        return self.rate is not None


@dataclass(frozen=True, slots=True)
class CategoryRate:
    """Polymarket's taker rate of a category from ``valid_from`` on."""

    rate: Decimal
    valid_from: date


# The table of docs.polymarket.com/trading/fees as it stood in 2026; crypto was 0.072 until about
# May 2026. Before ``valid_from`` nothing is known here: old markets say feesEnabled themselves.
_TABLE_FROM: Final = date(2026, 1, 1)
_CATEGORIES: Final[dict[str, tuple[CategoryRate, ...]]] = {
    "crypto": (CategoryRate(Decimal("0.072"), _TABLE_FROM), CategoryRate(Decimal("0.07"), date(2026, 5, 1))),
    **{
        name: (CategoryRate(Decimal(rate), _TABLE_FROM),)
        for name, rate in {
            "sports": "0.03", "finance": "0.04", "politics": "0.04", "economics": "0.05", "culture": "0.05",
            "weather": "0.05", "other": "0.05", "general": "0.05", "mentions": "0.04", "tech": "0.04",
            "geopolitics": "0", "world": "0",
        }.items()
    },
}  # fmt: skip


def polymarket_category_rate(category: str | None, on: date) -> Decimal | None:
    """The fallback table's taker rate of ``category`` on a day, or None when the table does not say."""
    entry = _category_entry(category, on)
    return None if entry is None else entry.rate


def _category_entry(category: str | None, on: date) -> CategoryRate | None:
    rates = _CATEGORIES.get((category or "").strip().lower(), ())
    valid = [entry for entry in rates if entry.valid_from <= on]
    return valid[-1] if valid else None


def terms_of(market: Market, valid_from: datetime | None = None) -> FeeTerms:
    """What the venue says of ``market`` now."""
    return FeeTerms(
        market.venue, market.category, market.fee_type, market.fee_rate, market.fee_exponent,
        market.fee_multiplier, valid_from,
    )  # fmt: skip


def schedule_of(market: Market | FeeTerms, at: datetime, *, category_fallback: bool = True) -> FeeSchedule:
    """The schedule of ``market`` at a moment; unknown (rate None, and why) where the venue did not tell.

    ``fee_rate`` of a Polymarket market is 0 where the venue says ``feesEnabled: false``. A rate below
    0 is no rate anybody charges: unknown.
    """
    terms = terms_of(market) if isinstance(market, Market) else market
    if terms.venue == POLYMARKET:
        return _polymarket_schedule(terms, at.astimezone(UTC).date(), category_fallback=category_fallback)
    if terms.venue == KALSHI:
        return _kalshi_schedule(terms)
    return FeeSchedule(terms.venue, None, basis="none", why_unknown=f"no fee rule for venue {terms.venue}")


def schedules_between(
    versions: Sequence[FeeTerms], start: datetime, end: datetime
) -> list[tuple[datetime, FeeSchedule]]:
    """The schedules in force from ``start`` to before ``end``, each with the moment from which it counts.

    ``versions`` are one market's, the oldest first. The first also holds for the time before it was
    heard of: a market is listed before it is streamed. The moments are rising and begin with
    ``start``; one at midnight stands wherever the dated table may change.
    """
    moments = {start}
    moments |= {one.valid_from for one in versions[1:] if one.valid_from and start < one.valid_from < end}
    midnight = datetime.combine(start.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    while midnight < end:
        moments.add(midnight)
        midnight += timedelta(days=1)
    found: list[tuple[datetime, FeeSchedule]] = []
    for moment in sorted(moments):
        schedule = schedule_of(version_at(versions, moment), moment)
        if not found or schedule != found[-1][1]:
            found.append((moment, schedule))
    return found


def version_at(versions: Sequence[FeeTerms], at: datetime) -> FeeTerms:
    """The newest of one market's ``versions`` (oldest first, at least one) that holds at a moment."""
    holding = [one for one in versions if one.valid_from is None or one.valid_from <= at]
    return holding[-1] if holding else versions[0]


def _polymarket_schedule(terms: FeeTerms, on: date, *, category_fallback: bool) -> FeeSchedule:
    rate, exponent = terms.fee_rate, terms.fee_exponent
    negative = [number for number in (rate, exponent) if number is not None and number < 0]
    if not negative and rate is not None and (rate == 0 or exponent is not None):
        curve = _ONE if exponent is None else exponent
        return FeeSchedule(POLYMARKET, rate, curve, Decimal(0), valid_from=terms.valid_from)
    entry = _category_entry(terms.category, on) if category_fallback and not negative else None
    if entry is not None:
        since = datetime.combine(entry.valid_from, time(), UTC)
        return FeeSchedule(POLYMARKET, entry.rate, _ONE, Decimal(0), basis="category_table", valid_from=since)
    why = f"the market has no fee schedule and the table has no category {terms.category!r}"
    if negative:
        why = f"a rate of {rate} with exponent {exponent} is no schedule"
    return FeeSchedule(POLYMARKET, None, basis="none", why_unknown=why, valid_from=terms.valid_from)


def _kalshi_schedule(terms: FeeTerms) -> FeeSchedule:
    multiplier = terms.fee_multiplier
    known = terms.fee_type in {QUADRATIC, QUADRATIC_WITH_MAKER}
    if not known or multiplier is None or multiplier < 0:
        said = f"fee_type {terms.fee_type!r}, multiplier {multiplier}"
        why = f"no published amounts for {said}"
        return FeeSchedule(KALSHI, None, basis="none", why_unknown=why, valid_from=terms.valid_from)
    maker = KALSHI_MAKER * multiplier if terms.fee_type == QUADRATIC_WITH_MAKER else _NO_MAKER_FEE
    return FeeSchedule(KALSHI, KALSHI_TAKER * multiplier, _ONE, maker, valid_from=terms.valid_from)


def fill_fee(schedule: FeeSchedule, fill: Fill, *, role: Role = "taker") -> Decimal | None:
    """Fee of one fill in dollars, rounded as the venue rounds a fill; None when unknown.

    >>> fill_fee(FeeSchedule("kalshi", Decimal("0.07")), Fill(Decimal("0.50"), Decimal(1)))
    Decimal('0.0175')
    """
    rate = schedule.rate if role == "taker" else schedule.maker_rate
    if rate is None:
        return None
    with localcontext() as context:
        context.prec = 60
        spread = fill.price * (_ONE - fill.price)
        raw = fill.size * rate * (_power(spread, schedule.exponent))
        if schedule.venue == KALSHI:
            return raw.quantize(KALSHI_FILL_STEP, rounding=ROUND_CEILING)
        return raw.quantize(POLYMARKET_STEP, rounding=ROUND_FLOOR)


def order_fee(
    schedule: FeeSchedule, fills: Iterable[Fill], *, role: Role = "taker", cent_rounding: bool = True
) -> Decimal | None:
    """Fee of a whole order in dollars; None when unknown.

    ``cent_rounding``: Kalshi charges ordinary members whole cents of the order's total (never of
    each contract); direct members pay the fills' 0.0001 steps.

    >>> order_fee(FeeSchedule("kalshi", Decimal("0.07")), [Fill(Decimal("0.50"), Decimal(10))])
    Decimal('0.18')
    """
    total = Decimal(0)
    for fill in fills:
        fee = fill_fee(schedule, fill, role=role)
        if fee is None:
            return None
        total += fee
    if schedule.venue == KALSHI and cent_rounding:
        return total.quantize(_CENT, rounding=ROUND_CEILING)
    return total


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    # 0 ** 0 is undefined in Decimal; at a price of 0 or 1 nothing is at stake, whatever the exponent.
    return Decimal(0) if base == 0 else base**exponent
