"""Markets about markets: index, oil, gold and yields, on a date or at any time before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from arb_platform.simulate.drafts import (
    KalshiDraft,
    KalshiEvent,
    KalshiSeries,
    PolymarketDraft,
    PolymarketEvent,
    Topic,
)
from arb_platform.simulate.outcomes import Span
from arb_platform.simulate.truth import Claim, Link
from arb_platform.simulate.wording import (
    bell,
    day_code,
    eastern,
    long_date,
    midnight,
    month_day,
    number,
    short_date,
    slug,
)


@dataclass(frozen=True, slots=True)
class _Price:
    """A closing price, in steps of ``10 ** -decimals``."""

    name: str
    words: str
    series: str
    source: tuple[str, str]
    level: int
    gap: int
    decimals: int = 0
    before: str = ""
    after: str = ""
    multiplier: float = 1

    def show(self, steps: int) -> str:
        return f"{self.before}{number(steps / 10**self.decimals, self.decimals)}{self.after}"


_PRICES: Final = (
    _Price("S&P 500", "the S&P 500 index", "KXINX", ("S&P Dow Jones Indices", "https://www.spglobal.com/spdji"), 690000, 5000, 2, "", "", 0.5),
    _Price("WTI crude oil", "the front-month WTI contract", "KXWTI", ("CME Group", "https://www.cmegroup.com"), 6400, 200, 2, "$"),
    _Price("Gold", "the active-month COMEX gold contract", "KXGOLD", ("CME Group", "https://www.cmegroup.com"), 42000, 500, 1, "$"),
    _Price("10-year Treasury yield", "the 10-year par yield", "KXTNOTE", ("U.S. Department of the Treasury", "https://home.treasury.gov"), 412, 10, 2, "", "%"),
    _Price("2-year Treasury yield", "the 2-year par yield", "KXTNOTE2", ("U.S. Department of the Treasury", "https://home.treasury.gov"), 355, 10, 2, "", "%"),
)  # fmt: skip


def topics(rng: Random, now: datetime) -> Iterator[Topic]:
    today = now.date()
    for weeks in range(1, 500):
        friday = today + timedelta(days=(4 - today.weekday()) % 7 + 7 * (weeks - 1))
        if friday == today:
            continue
        for price in _PRICES:
            yield _close(price, friday, rng)


def _kalshi_events(price: _Price, day: date) -> tuple[KalshiEvent, KalshiEvent]:
    """Where it closes on the day, and how high it gets until then."""
    series = KalshiSeries(
        price.series,
        f"{price.name} on a date",
        "Financials",
        (price.source,),
        (price.name,),
        "weekly",
        fee_multiplier=price.multiplier,
        price_levels="tapered_deci_cent" if price.series == "KXINX" else "linear_cent",
    )
    close = eastern(day, 16)
    on_date = KalshiEvent(
        series,
        day_code(day),
        f"{price.name} on {short_date(day)}?",
        f"On {short_date(day)}",
        close,
        strike_date=close,
    )
    any_time = KalshiEvent(
        KalshiSeries(
            f"{price.series}MAX",
            f"How high will {price.name} get?",
            "Financials",
            (price.source,),
            (price.name,),
        ),
        day_code(day),
        f"How high will {price.name} get by {short_date(day)}?",
        f"By {short_date(day)}",
        close,
    )
    return on_date, any_time


def _close(price: _Price, day: date, rng: Random) -> Topic:
    level = price.level + rng.choice((-1, 0, 1)) * price.gap
    closes, touches = f"{price.series} close", f"{price.series} high"
    event = PolymarketEvent(
        slug(f"{price.name} above on {month_day(day)} {day.year}"),
        f"{price.name} above ___ on {month_day(day)}?",
        "finance",
        ("Finance", price.name),
        midnight(day),
    )
    on_date, any_time = _kalshi_events(price, day)
    polymarket, kalshi = [], []
    for index, steps in enumerate((level, level + price.gap)):
        span = Span(steps + 1, None)
        chance = bell(span, price.level, price.gap * 1.4)
        claim = Claim(closes, span, day_code(day), source=price.source[0])
        polymarket.append(PolymarketDraft(
            event, f"{price.name} above {price.show(steps)} on {month_day(day)}?",
            f'This market will resolve to "Yes" if the official closing value of {price.words} for {long_date(day)} is above {price.show(steps)}. Otherwise, this market will resolve to "No".\n\nThe value has {price.decimals} decimals in the source and is not rounded further. If {long_date(day)} is not a trading day, the value of the last trading day before it is used.\n\nThe resolution source for this market is {price.source[0]} ({price.source[1]}).',
            claim, chance, price.show(steps), price.source[1],
        ))  # fmt: skip
        kalshi.append(KalshiDraft(
            on_date, f"T{steps / 10**price.decimals:.{price.decimals}f}", f"Will {price.name} be above {price.show(steps)} on {short_date(day)}?", f"Above {price.show(steps)}",
            f"If the close value of {price.words} on {short_date(day)} is above {steps / 10**price.decimals:.{price.decimals}f} according to {price.source[0]}, then the market resolves to Yes.",
            "The close is the official one of the source for that day. If no value is published for the day, the most recently published value is used.",
            claim, chance, "greater", floor_strike=steps / 10**price.decimals,
        ))  # fmt: skip
        if index:
            kalshi.append(KalshiDraft(
                any_time, f"{steps / 10**price.decimals:.{price.decimals}f}", f"Will {price.name} go above {price.show(steps)} by {short_date(day)}?", f"Above {price.show(steps)}",
                f"If {price.words} is above {steps / 10**price.decimals:.{price.decimals}f} at any time between Issuance and {short_date(day)}, 4 PM ET, then the market resolves to Yes.",
                "Values during trading hours count as well as closes.",
                Claim(touches, span, day_code(day), source=price.source[0]), min(0.95, chance * 1.6), "greater", floor_strike=steps / 10**price.decimals, early_close="This market will close and expire early if the event occurs.",
            ))  # fmt: skip
    links = (
        Link(
            closes,
            touches,
            "subset",
            "touch_or_on_date",
            "closing above it touches it, but not the other way round",
            time_window=False,
        ),
    )
    return Topic(f"close/{price.series}/{day}", tuple(polymarket), tuple(kalshi), links)
