"""Inflation: at least on Polymarket, above on Kalshi, in its four measures and the months before and after."""

from dataclasses import dataclass
from datetime import date, timedelta
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
    MONTHS,
    bell,
    eastern,
    long_date,
    midnight,
    month_code,
    months_from,
    number,
    slug,
)

BLS: Final = ("Bureau of Labor Statistics", "https://www.bls.gov")
BEA: Final = ("Bureau of Economic Analysis", "https://www.bea.gov")


@dataclass(frozen=True, slots=True)
class Measure:
    """A monthly figure, in steps of ``10 ** -decimals``; ``mean`` and ``deviation`` count steps."""

    key: str
    series: str
    polymarket_name: str
    kalshi_name: str
    source: tuple[str, str]
    mean: int
    deviation: float
    decimals: int = 1
    unit: str = "%"
    scale: int = 1

    def show(self, steps: int) -> str:
        return f"{number(steps * self.scale / 10**self.decimals, self.decimals)}{self.unit}"


CPI: Final = Measure("cpi y/y", "KXCPIYOY", "annual inflation", "CPI inflation", BLS, 28, 2.0)
CORE: Final = Measure(
    "core cpi y/y", "KXCPICOREYOY", "annual core inflation", "core CPI inflation", BLS, 30, 1.5
)
MONTHLY: Final = Measure("cpi m/m", "KXCPI", "monthly inflation", "CPI", BLS, 3, 1.2)
CORE_MONTHLY: Final = Measure("core cpi m/m", "KXCPICORE", "monthly core inflation", "core CPI", BLS, 3, 0.9)
PCE: Final = Measure("core pce y/y", "KXPCECORE", "annual core PCE", "core PCE inflation", BEA, 28, 1.4)
UNEMPLOYMENT: Final = Measure(
    "unemployment", "KXU3", "the unemployment rate", "the unemployment rate", BLS, 44, 1.2
)
PAYROLLS: Final = Measure(
    "payrolls", "KXPAYROLLS", "jobs added", "nonfarm payrolls", BLS, 90, 55, 0, "", 1000
)


def release_day(month: date, day: int) -> date:
    """Figures of a month come in the next one."""
    return months_from(month, 2)[1] + timedelta(days=day - 1)


def inflation(measures: tuple[Measure, ...], months: list[date], rng: Random, *, words: str) -> Topic:
    """Polymarket says at least, Kalshi says above, one step apart: mostly the same bet in other words."""
    polymarket: list[PolymarketDraft] = []
    kalshi: list[KalshiDraft] = []
    for measure in measures:
        for month in months:
            middle = measure.mean + rng.choice((-1, 0, 1))
            polymarket += _at_least(measure, month, middle, words)
            kalshi += _above(measure, month, middle, words)
    links = tuple(
        Link(one.key, other.key, "disjoint", "measure", f"{one.polymarket_name} against {other.kalshi_name}")
        for one in measures
        for other in measures
        if one is not other
    )
    return Topic(f"inflation/{measures[0].key}/{months[0]}", tuple(polymarket), tuple(kalshi), links)


def claim_of(measure: Measure, month: date, span: Span, words: str = "") -> Claim:
    return Claim(measure.key, span, period=month_code(month), source=measure.source[0], words=words)


def _at_least(measure: Measure, month: date, middle: int, words: str) -> list[PolymarketDraft]:
    name, year = MONTHS[month.month - 1], month.year
    release = release_day(month, 11)
    event = PolymarketEvent(
        slug(f"{measure.key} {name} {year} us"),
        f"{name} Inflation US - {measure.polymarket_name.capitalize()}",
        "economics",
        ("Economy", "Inflation"),
        midnight(release),
    )
    agency = f"the {measure.source[0]} ({measure.source[1]})"
    drafts = []
    for span, group, said in (
        (Span(middle - 1, None), f"≥{measure.show(middle - 1)}", f"be {measure.show(middle - 1)} or more"),
        (Span(middle, None), f"≥{measure.show(middle)}", f"be {measure.show(middle)} or more"),
        (Span(middle, middle), measure.show(middle), f"be exactly {measure.show(middle)}"),
    ):
        rules = (
            f'This market will resolve to "Yes" if {measure.polymarket_name} in the United States {words} {name} {year}, as first released by {agency}, will {said}. Otherwise, this market will resolve to "No".\n\n'
            f"The figure is the percentage change of the index {'for all items' if 'core' not in measure.key else 'without food and energy'}, {'before' if 'y/y' in measure.key else 'after'} seasonal adjustment, as published with one decimal. The release is scheduled for {long_date(release)}, 8:30 AM ET. Later revisions will not be considered.\n\n"
            f"If no figure for {name} {year} is published by the date of the next scheduled release, this market will resolve based on the last figure that was published.\n\nThe resolution source for this market is the report of {agency}."
        )
        drafts.append(
            PolymarketDraft(
                event,
                f"Will {measure.polymarket_name} {said} in {name} {year}?",
                rules,
                claim_of(measure, month, span, "at least" if span.high is None else ""),
                bell(span, middle, measure.deviation),
                group,
                measure.source[1],
            )
        )
    return drafts


def _above(measure: Measure, month: date, middle: int, words: str) -> list[KalshiDraft]:
    release = release_day(month, 11)
    close = eastern(release, 8, 25)
    name = f"{MONTHS[month.month - 1][:3]} {month.year}"
    series = KalshiSeries(
        measure.series, f"{measure.kalshi_name}", "Economics", (measure.source,), ("Inflation",), "monthly"
    )
    event = KalshiEvent(
        series,
        month_code(month),
        f"{measure.kalshi_name[0].upper()}{measure.kalshi_name[1:]} in {name}?",
        f"In {name}",
        close,
        strike_date=close,
        expected=eastern(release, 10),
    )
    drafts = []
    for step in (middle - 2, middle - 1, middle):
        span = Span(step + 1, None)
        floor = step / 10**measure.decimals
        period = f"for the year ending in {name}" if "y/y" in measure.key else f"in {name}"
        drafts.append(KalshiDraft(
            event, f"T{floor:.1f}", f"Will the rate of {measure.kalshi_name} be above {measure.show(step)} {period}?", f"Above {measure.show(step)}",
            f"If the rate of {measure.kalshi_name} {words} {name} is above {measure.show(step)} according to the {measure.source[0]}, then the market resolves to Yes.",
            f"The figure is the {'one-year change, not' if 'y/y' in measure.key else 'one-month change,'} seasonally adjusted, with the one decimal that the report prints. Revisions after the first release are not considered. If the release is delayed, the market closes at the rescheduled time.",
            claim_of(measure, month, span, "above"), bell(span, middle, measure.deviation), "greater", floor_strike=floor,
        ))  # fmt: skip
    return drafts
