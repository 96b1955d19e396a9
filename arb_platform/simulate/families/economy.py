"""Official statistics: jobs, growth, claims and prices beside inflation, on both venues' grids."""

from collections.abc import Iterator
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
from arb_platform.simulate.families.inflation import (
    BEA,
    BLS,
    CORE,
    CORE_MONTHLY,
    CPI,
    MONTHLY,
    PAYROLLS,
    PCE,
    UNEMPLOYMENT,
    claim_of,
    inflation,
    release_day,
)
from arb_platform.simulate.outcomes import Span
from arb_platform.simulate.truth import Claim
from arb_platform.simulate.wording import (
    MONTHS,
    bell,
    day_code,
    eastern,
    long_date,
    midnight,
    month_code,
    months_from,
    number,
    short_date,
    slug,
    weekday_of_month,
)

_DOL: Final = ("Department of Labor", "https://www.dol.gov/ui/data.pdf")


def topics(rng: Random, now: datetime) -> Iterator[Topic]:
    months = months_from(now.date(), 3)
    yield inflation((CPI, CORE), months[:2], rng, words="for the twelve months ending in")
    yield inflation((MONTHLY, CORE_MONTHLY), months[:2], rng, words="in")
    yield _unemployment(months[:2])
    yield _growth(now.date())
    yield inflation((PCE,), months[:2], rng, words="for the twelve months ending in")
    yield _payrolls(months[:2])
    for week in range(1, 5):
        yield _claims(weekday_of_month(months[0], 5, 1) + timedelta(weeks=4 + week), rng)
    yield _eggs(months[1], rng)
    for month in months_from(months[2], 9):
        yield inflation((CPI, CORE), [month], rng, words="for the twelve months ending in")
        yield _payrolls([month])


def _unemployment(months: list[date]) -> Topic:
    """Single values on Polymarket, cumulative thresholds on Kalshi; the ends of both lists meet."""
    polymarket: list[PolymarketDraft] = []
    kalshi: list[KalshiDraft] = []
    measure = UNEMPLOYMENT
    for month in months:
        name, release = (
            f"{MONTHS[month.month - 1]} {month.year}",
            weekday_of_month(release_day(month, 1), 4, 1),
        )
        event = PolymarketEvent(
            slug(f"us unemployment rate {name}"),
            f"{MONTHS[month.month - 1]} unemployment rate?",
            "economics",
            ("Economy", "Jobs"),
            midnight(release),
            neg_risk=True,
        )
        rules = f"This market will resolve according to the seasonally adjusted unemployment rate (U-3) for {name} in the Employment Situation Summary of the Bureau of Labor Statistics, scheduled for {long_date(release)}.\n\nThe rate is published with one decimal; this market will resolve to the bracket that contains it. Revisions made after the first release will not be considered.\n\nThe resolution source for this market is the Bureau of Labor Statistics: https://www.bls.gov/news.release/empsit.nr0.htm."
        for span, label in (
            (Span(None, 43), "4.3% or lower"),
            (Span(44, 44), "4.4%"),
            (Span(45, 45), "4.5%"),
            (Span(46, None), "4.6% or higher"),
        ):
            polymarket.append(
                PolymarketDraft(
                    event,
                    f"Will the {name} unemployment rate be {label}?",
                    rules,
                    claim_of(measure, month, span),
                    bell(span, measure.mean, measure.deviation),
                    label,
                    BLS[1],
                )
            )
        close = eastern(release, 8, 25)
        series = KalshiSeries("KXU3", "Unemployment rate", "Economics", (BLS,), ("Jobs",), "monthly")
        kalshi_event = KalshiEvent(
            series,
            month_code(month),
            f"Unemployment rate in {short_date(month)[:3]} {month.year}?",
            f"In {name}",
            close,
            strike_date=close,
        )
        for step in (43, 44, 45):
            span = Span(step + 1, None)
            kalshi.append(KalshiDraft(
                kalshi_event, f"T{step / 10:.1f}", f"Will the unemployment rate (U-3) be above {measure.show(step)} in {name}?", f"Above {measure.show(step)}",
                f"If the seasonally adjusted unemployment rate (U-3) reported by the Bureau of Labor Statistics for {name} is above {measure.show(step)}, then the market resolves to Yes.",
                "The value is the one of the first release of the Employment Situation, rounded to one decimal by the agency. Expiration follows the release if it is delayed.",
                claim_of(measure, month, span), bell(span, measure.mean, measure.deviation), "greater", floor_strike=step / 10,
            ))  # fmt: skip
    return Topic(f"unemployment/{months[0]}", tuple(polymarket), tuple(kalshi))


def _payrolls(months: list[date]) -> Topic:
    polymarket: list[PolymarketDraft] = []
    kalshi: list[KalshiDraft] = []
    measure = PAYROLLS
    for month in months:
        name, release = (
            f"{MONTHS[month.month - 1]} {month.year}",
            weekday_of_month(release_day(month, 1), 4, 1),
        )
        event = PolymarketEvent(
            slug(f"how many jobs added in {name}"),
            f"How many jobs added in {MONTHS[month.month - 1]}?",
            "economics",
            ("Economy", "Jobs"),
            midnight(release),
        )
        rules = f"This market will resolve according to the change of total nonfarm payroll employment, seasonally adjusted, for {name} as first printed in the Employment Situation Summary of the Bureau of Labor Statistics, scheduled for {long_date(release)}.\n\nThe figure is published in thousands. The number is a multiple of one thousand. Revisions in later reports will not be considered.\n\nThe resolution source for this market is the Bureau of Labor Statistics."
        close = eastern(release, 8, 25)
        series = KalshiSeries("KXPAYROLLS", "Jobs numbers", "Economics", (BLS,), ("Jobs",), "monthly")
        kalshi_event = KalshiEvent(
            series, month_code(month), f"Jobs numbers in {name}?", f"In {name}", close, strike_date=close
        )
        for span, label in (
            (Span(None, 49), "fewer than 50k"),
            (Span(50, 99), "50–100k"),
            (Span(101, None), "more than 100k"),
        ):
            polymarket.append(
                PolymarketDraft(
                    event,
                    f"Will the US add {label} jobs in {name}?",
                    rules,
                    claim_of(measure, month, span),
                    bell(span, measure.mean, measure.deviation),
                    label,
                )
            )
        for step in (50, 100):
            span = Span(step + 1, None)
            kalshi.append(KalshiDraft(
                kalshi_event, f"T{step * 1000}", f"Will above {number(step * 1000)} jobs be added in {name}?", f"Above {number(step * 1000)}",
                f"If the increase of total nonfarm payroll employment in {name} is above {number(step * 1000)} according to the first release of the Bureau of Labor Statistics, then the market resolves to Yes.",
                "The increase is the seasonally adjusted change from the previous month in the same report. A decrease is not an increase above any number.",
                claim_of(measure, month, span), bell(span, measure.mean, measure.deviation), "greater", floor_strike=step * 1000,
            ))  # fmt: skip
    return Topic(f"payrolls/{months[0]}", tuple(polymarket), tuple(kalshi))


def _growth(today: date) -> Topic:
    """Quarterly growth: brackets of half a point against thresholds, and the wrong quarter beside it."""
    polymarket: list[PolymarketDraft] = []
    kalshi: list[KalshiDraft] = []
    first = (today.month - 1) // 3
    for ahead in (0, 1):
        year, quarter = today.year + (first + ahead) // 4, (first + ahead) % 4 + 1
        release = release_day(date(year, quarter * 3, 1), 29)
        event = PolymarketEvent(
            f"us-gdp-growth-in-q{quarter}-{year}",
            f"US GDP growth in Q{quarter} {year}?",
            "economics",
            ("Economy", "GDP"),
            midnight(release),
            neg_risk=True,
        )
        rules = f"This market will resolve according to the seasonally adjusted annual rate of growth of real gross domestic product in Q{quarter} {year} in the Advance Estimate of the Bureau of Economic Analysis, scheduled for {long_date(release)}.\n\nThe figure is published with one decimal. A figure on the border between two brackets counts for the higher one. Later estimates will not be considered.\n\nThe resolution source for this market is the Bureau of Economic Analysis: https://www.bea.gov/data/gdp/gross-domestic-product."
        close = eastern(release, 8, 25)
        series = KalshiSeries("KXGDP", "GDP growth", "Economics", (BEA,), ("GDP",), "quarterly")
        kalshi_event = KalshiEvent(
            series,
            day_code(release),
            f"GDP growth in Q{quarter} {year}?",
            f"In Q{quarter} {year}",
            close,
            strike_date=close,
        )
        period = f"{year}Q{quarter}"
        for span, label in (
            (Span(None, 9), "less than 1.0%"),
            (Span(10, 19), "between 1.0% and 2.0%"),
            (Span(20, 29), "between 2.0% and 3.0%"),
            (Span(30, None), "3.0% or more"),
        ):
            polymarket.append(
                PolymarketDraft(
                    event,
                    f"Will US GDP growth in Q{quarter} {year} be {label}?",
                    rules,
                    Claim("gdp", span, period, source="BEA"),
                    bell(span, 21, 9),
                    label,
                )
            )
        for step in (9, 19, 29):
            span = Span(step + 1, None)
            kalshi.append(KalshiDraft(
                kalshi_event, f"T{step / 10:.1f}", f"Will real GDP increase by more than {step / 10:.1f}% in Q{quarter} {year}?", f"Above {step / 10:.1f}%",
                f"If the increase of real GDP in Q{quarter} {year} is above {step / 10:.1f}% in the advance estimate, then the market resolves to Yes.",
                "The increase is the seasonally adjusted annual rate that the Bureau of Economic Analysis prints with one decimal in its first release for the quarter.",
                Claim("gdp", span, period, source="BEA"), bell(span, 21, 9), "greater", floor_strike=step / 10,
            ))  # fmt: skip
    return Topic(f"gdp/{today.year}/{first}", tuple(polymarket), tuple(kalshi))


def _claims(saturday: date, rng: Random) -> Topic:
    release = saturday + timedelta(days=5)
    level = rng.choice((215, 220, 225, 230))
    span, price = Span(level * 1000 + 1, None), rng.uniform(0.3, 0.7)
    claim = Claim("initial claims", span, period=day_code(saturday), source="DOL")
    event = PolymarketEvent(
        slug(f"initial jobless claims {saturday}"),
        f"Initial jobless claims for week ending {long_date(saturday)}?",
        "economics",
        ("Economy", "Jobs"),
        midnight(release),
    )
    rules = f'This market will resolve to "Yes" if seasonally adjusted initial claims for unemployment insurance for the week ending {long_date(saturday)} exceed {number(level * 1000)} in the advance figure. Otherwise, this market will resolve to "No".\n\nThe release is scheduled for {long_date(release)}, 8:30 AM ET. Revisions will not be considered.\n\nThe resolution source for this market is the Unemployment Insurance Weekly Claims Report of the U.S. Department of Labor.'
    close = eastern(release, 8, 25)
    kalshi_event = KalshiEvent(
        KalshiSeries("KXJOBLESSCLAIMS", "Initial jobless claims", "Economics", (_DOL,), ("Jobs",), "weekly"),
        day_code(release),
        f"Jobless claims week ending {short_date(saturday)}?",
        f"Week ending {short_date(saturday)}",
        close,
        strike_date=close,
    )
    return Topic(
        f"claims/{saturday}",
        (PolymarketDraft(event, f"Initial jobless claims above {level}k for week ending {long_date(saturday)}?", rules, claim, price, f">{level}k", _DOL[1]),),
        tuple(
            KalshiDraft(kalshi_event, f"{at * 1000}", f"Will initial jobless claims be above {number(at * 1000)} for the week ending {short_date(saturday)}?", f"Above {number(at * 1000)}", f"If initial jobless claims for the week ending {short_date(saturday)} are above {at * 1000}, then the market resolves to Yes.", "The figure is the seasonally adjusted advance figure of the weekly report of the Department of Labor; revisions are not considered.", Claim("initial claims", Span(at * 1000 + 1, None), period=day_code(saturday), source="DOL"), price - (at - level) * 0.03, "greater", floor_strike=at * 1000)
            for at in (level, level + 5)
        ),
    )  # fmt: skip


def _eggs(month: date, rng: Random) -> Topic:
    """The same series read from two places: FRED only mirrors the agency."""
    price, release, name = (
        rng.uniform(0.3, 0.7),
        release_day(month, 12),
        f"{MONTHS[month.month - 1]} {month.year}",
    )
    claim = Claim("egg price", Span(301, None), period=month_code(month), source="BLS")
    event = PolymarketEvent(
        slug(f"egg prices {name}"),
        f"Egg prices in {MONTHS[month.month - 1]}?",
        "economics",
        ("Economy", "Prices"),
        midnight(release),
    )
    rules = f'This market will resolve to "Yes" if the average price of a dozen grade A large eggs in U.S. cities for {name} is above $3.00. Otherwise, this market will resolve to "No".\n\nThe resolution source for this market is the series APU0000708111 at FRED (https://fred.stlouisfed.org), which carries the figures of the Bureau of Labor Statistics. Prices are published with three decimals and rounded to cents here.'
    close = eastern(release, 8, 25)
    kalshi_event = KalshiEvent(
        KalshiSeries("KXEGGS", "Egg prices", "Economics", (BLS,), ("Prices",), "monthly"),
        month_code(month),
        f"Egg prices in {name}?",
        f"In {name}",
        close,
    )
    return Topic(
        f"eggs/{month}",
        (PolymarketDraft(event, f"Egg prices above $3.00 in {name}?", rules, claim, price, ">$3.00"),),
        (KalshiDraft(kalshi_event, "T3.00", f"Will the price of a dozen eggs be above $3.00 in {name}?", "Above $3.00", f"If the average price of a dozen Grade A large eggs for {name} according to the Bureau of Labor Statistics is above $3.00, then the market resolves to Yes.", "The value is rounded to the nearest cent. The first release for the month is used.", claim, price, "greater", floor_strike=3.0),),
    )  # fmt: skip
