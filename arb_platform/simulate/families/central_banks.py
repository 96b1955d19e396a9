"""Rate decisions: bps buckets of the next meetings, the upper bound after them, cuts in a year."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
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
from arb_platform.simulate.truth import Claim
from arb_platform.simulate.wording import (
    MONTHS,
    bell,
    eastern,
    long_date,
    midnight,
    month_code,
    months_from,
    short_date,
    slug,
    weekday_of_month,
)


@dataclass(frozen=True, slots=True)
class _Bank:
    """A central bank: its meetings are on ``weekday`` of ``months``, the nth of the month."""

    name: str
    short: str
    rate: str
    source: tuple[str, str]
    series: str
    months: tuple[int, ...]
    weekday: int
    nth: int
    hour: int
    # expected change of a meeting in quarter points, and its deviation
    mean: float
    deviation: float


_BANKS: Final = (
    _Bank("Federal Reserve", "Fed", "target federal funds rate", ("Federal Reserve", "https://www.federalreserve.gov/monetarypolicy/openmarket.htm"), "KXFEDDECISION", (1, 3, 4, 6, 7, 9, 10, 12), 2, 3, 14, -0.5, 0.55),
    _Bank("European Central Bank", "ECB", "deposit facility rate", ("European Central Bank", "https://www.ecb.europa.eu/stats/policy_and_exchange_rates/key_ecb_interest_rates"), "KXECBDECISION", (2, 3, 4, 6, 7, 9, 10, 12), 3, 2, 8, -0.2, 0.45),
    _Bank("Bank of England", "Bank of England", "Bank Rate", ("Bank of England", "https://www.bankofengland.co.uk/monetary-policy"), "KXBOEDECISION", (2, 3, 5, 6, 8, 9, 11, 12), 3, 2, 7, -0.4, 0.5),
    _Bank("Bank of Canada", "Bank of Canada", "target for the overnight rate", ("Bank of Canada", "https://www.bankofcanada.ca/core-functions/monetary-policy/key-interest-rate"), "KXBOCDECISION", (1, 3, 4, 6, 7, 9, 10, 12), 2, 2, 10, -0.1, 0.45),
)  # fmt: skip


def topics(rng: Random, now: datetime) -> Iterator[Topic]:
    for bank in _BANKS:
        meetings = _meetings(bank, now.date())[:2]
        yield _decisions(bank, meetings, rng.uniform(-0.2, 0.2))
    yield _upper_bound(_meetings(_BANKS[0], now.date())[:2], rng)
    yield _cuts(now.year + 1, rng)


def _meetings(bank: _Bank, today: date) -> list[date]:
    days = [
        weekday_of_month(month, bank.weekday, bank.nth)
        for month in months_from(today, 12)
        if month.month in bank.months
    ]
    return [day for day in days if day > today]


def _decisions(bank: _Bank, meetings: list[date], shift: float) -> Topic:
    polymarket: list[PolymarketDraft] = []
    kalshi: list[KalshiDraft] = []
    for order, meeting in enumerate(meetings):
        polymarket += _polymarket_decision(bank, meeting, shift)
        kalshi += _kalshi_decision(bank, meeting, shift, alone=order == 0)
    return Topic(f"decision/{bank.series}/{meetings[0]}", tuple(polymarket), tuple(kalshi))


def _claim(bank: _Bank, meeting: date, span: Span) -> Claim:
    return Claim(f"{bank.series}/change", span, period=meeting.isoformat(), source=bank.short)


def _polymarket_decision(bank: _Bank, meeting: date, shift: float) -> list[PolymarketDraft]:
    month = f"{MONTHS[meeting.month - 1]} {meeting.year}"
    title = f"{bank.short} decision in {MONTHS[meeting.month - 1]}?"
    event = PolymarketEvent(
        slug(f"{bank.short} decision in {month}"),
        title,
        "economics",
        ("Economy", bank.short, "Interest rates"),
        midnight(meeting),
        neg_risk=True,
    )
    rules = (
        f"The {bank.short} interest rates are defined in this market by the {bank.rate}. Decisions on it are made by the {bank.name} at its scheduled meetings.\n\n"
        f"This market will resolve to the amount of basis points the {bank.rate} is changed by versus the level it was prior to the {bank.name}'s {month} meeting. "
        "If the rate is changed to a level not expressed in the displayed options, the change will be rounded up to the nearest 25 and will resolve to the relevant bracket "
        "(e.g. if there is a cut of 12.5 bps it will be considered to be 25 bps).\n\n"
        f"The resolution source for this market is the {bank.name}'s statement after its meeting scheduled for {long_date(meeting)} according to its official calendar: {bank.source[1]}.\n\n"
        f'This market may resolve as soon as the statement with relevant data is issued. If no statement is released by the end date of the next scheduled meeting, this market will resolve to the "No change" bracket.'
    )
    options = (
        (
            "50+ bps decrease",
            f"{bank.short} decreases interest rates by 50+ bps after {month} meeting?",
            Span(None, -2),
        ),
        (
            "25 bps decrease",
            f"{bank.short} decreases interest rates by 25 bps after {month} meeting?",
            Span(-1, -1),
        ),
        ("No change", f"No change in {bank.short} interest rates after {month} meeting?", Span(0, 0)),
        (
            "25+ bps increase",
            f"{bank.short} increases interest rates by 25+ bps after {month} meeting?",
            Span(1, None),
        ),
    )
    return [
        PolymarketDraft(
            event,
            question,
            rules,
            _claim(bank, meeting, span),
            bell(span, bank.mean + shift, bank.deviation),
            group,
            bank.source[1],
        )
        for group, question, span in options
    ]


def _kalshi_decision(bank: _Bank, meeting: date, shift: float, *, alone: bool) -> list[KalshiDraft]:
    month = f"{MONTHS[meeting.month - 1]} {meeting.year}"
    close = eastern(meeting, bank.hour)
    series = KalshiSeries(
        bank.series,
        f"{bank.short} decision",
        "Economics",
        (bank.source,),
        (bank.short, "Interest rates"),
        "custom",
    )
    event = KalshiEvent(
        series,
        month_code(meeting),
        f"{bank.short} decision in {month}?",
        f"On {short_date(meeting)}",
        close,
        mutually_exclusive=True,
        strike_date=close,
    )
    options = [
        ("C26", "Cut >25bps", "Cut rates by more than 25bps", Span(None, -2)),
        ("C25", "Cut 25bps", "Cut rates by 25bps", Span(-1, -1)),
        ("H0", f"{bank.short} maintains rate", "Hike rates by 0bps", Span(0, 0)),
        ("H25", "Hike 25bps", "Hike rates by 25bps", Span(1, 1)),
        ("H26", "Hike >25bps", "Hike rates by more than 25bps", Span(2, None)),
    ]
    secondary = (
        f"The change is measured in the {bank.rate} announced after the meeting scheduled to end on {short_date(meeting)}. If the {bank.name} announces a range, the upper bound is used. "
        "An emergency meeting before the scheduled one does not count towards this market; the change is measured from the level that holds on the day before the scheduled meeting."
    )
    return [
        KalshiDraft(
            event, code, f"Will the {bank.name} {action} at their {month} meeting?", label,
            f"If the {bank.name} does {action[0].lower()}{action[1:]} at the {month} meeting, then the market resolves to Yes.",
            secondary, _claim(bank, meeting, span), bell(span, bank.mean + shift, bank.deviation), "custom", custom_strike={"Rate": label},
        )
        for code, label, action, span in (options if alone else options[1:3])
    ]  # fmt: skip


def _upper_bound(meetings: list[date], rng: Random) -> Topic:
    """Cumulative thresholds of the level, listed with ">=" on one venue and ">" on the other."""
    mean = rng.choice((13, 14, 15))
    polymarket: list[PolymarketDraft] = []
    kalshi: list[KalshiDraft] = []
    for meeting in meetings:
        month = f"{MONTHS[meeting.month - 1]} {meeting.year}"
        event = PolymarketEvent(
            slug(f"fed rate upper bound {month}"),
            f"Fed rate after the {month} meeting?",
            "economics",
            ("Economy", "Fed"),
            midnight(meeting),
        )
        close = eastern(meeting, 13, 55)
        series = KalshiSeries(
            "KXFED", "Fed funds rate", "Economics", (_BANKS[0].source,), ("Fed", "Interest rates")
        )
        kalshi_event = KalshiEvent(
            series,
            month_code(meeting),
            f"Fed funds rate in {month}?",
            f"After {short_date(meeting)} meeting",
            close,
            strike_date=close,
        )
        for quarter in (mean - 1, mean):
            claim = Claim(
                "fed/upper bound", Span(quarter, None), meeting.isoformat(), source="Fed", words="at least"
            )
            price = bell(Span(quarter, None), mean - 0.3, 0.8)
            level, below = quarter / 4, (quarter - 1) / 4
            polymarket.append(PolymarketDraft(
                event, f"Fed funds rate upper bound at or above {level:.2f}% after {month} meeting?",
                f"This market will resolve to \"Yes\" if the upper bound of the target federal funds range is equal to or greater than {level:.2f}% following the Federal Reserve's {month} meeting, scheduled to end on {long_date(meeting)}. Otherwise, this market will resolve to \"No\".\n\nThe target range moves in steps of 25 basis points. If the meeting is postponed, this market will follow the rescheduled meeting.\n\nThe resolution source for this market is the FOMC statement published at {_BANKS[0].source[1]}.",
                claim, price, f"{level:.2f}%+",
            ))  # fmt: skip
            kalshi.append(KalshiDraft(
                kalshi_event, f"T{below:.2f}", f"Will the upper bound of the federal funds rate be above {below:.2f}% following the Fed's {short_date(meeting)} meeting?",
                f"Above {below:.2f}%",
                f"If the upper bound of the target federal funds rate published on the Federal Reserve's official website is above {below:.2f}% following the Federal Reserve's {short_date(meeting)} meeting, then the market resolves to Yes.",
                "The rate is the upper bound of the target range, quoted in quarter points. If the meeting is moved, the market's last trading date moves with it. Emergency decisions before the meeting count, as the level after the meeting is what is measured.",
                replace(claim, words="above"), price, "greater", floor_strike=below,
            ))  # fmt: skip
    return Topic(f"upper bound/{meetings[0]}", tuple(polymarket), tuple(kalshi))


def _cuts(year: int, rng: Random) -> Topic:
    """How many cuts in a year: exactly, against at least."""
    mean = rng.uniform(1.5, 3.0)
    event = PolymarketEvent(
        f"how-many-fed-rate-cuts-in-{year}",
        f"How many Fed rate cuts in {year}?",
        "economics",
        ("Economy", "Fed"),
        midnight(date(year, 12, 31)),
        neg_risk=True,
    )
    rules = (
        f"This market will resolve according to the exact amount of cuts of 25 basis points in {year} by the Fed (including any cuts made during the December meeting). "
        "A cut of 50 basis points counts as two cuts.\n\nEmergency rate cuts outside of the scheduled meetings will also count toward the total number of cuts.\n\n"
        "The resolution source for this market will be the FOMC statements; however, a consensus of credible reporting may also be used."
    )
    close = eastern(date(year, 12, 31), 23, 59)
    series = KalshiSeries(
        "KXRATECUTCOUNT", "Number of rate cuts", "Economics", (_BANKS[0].source,), ("Fed",), "annual"
    )
    kalshi_event = KalshiEvent(
        series, f"{year % 100}DEC31", f"Number of rate cuts in {year}?", f"In {year}", close
    )
    polymarket, kalshi = [], []
    for count in (1, 2, 3):
        exact, least = Span(count, count), Span(count, None)
        period = str(year)
        polymarket.append(
            PolymarketDraft(
                event,
                f"Will {count} Fed rate cut{'s' * (count > 1)} happen in {year}?",
                rules,
                Claim("fed/cuts", exact, period, source="Fed"),
                bell(exact, mean, 1.3),
                f"{count} ({count * 25} bps)",
            )
        )
        span, code, label = (
            (exact, f"E{count}", f"Exactly {count} cuts")
            if count == 2
            else (least, f"T{count}", f"At least {count} cuts")
        )
        kalshi.append(KalshiDraft(
            kalshi_event, code, f"Will the Fed cut rates {label.lower().removesuffix(' cuts')} times in {year}?", label,
            f"If the Federal Reserve cuts the target federal funds rate {label.lower().removesuffix(' cuts')} times of 25 basis points in {year}, then the market resolves to Yes.",
            "Each 25 basis points of decrease is one cut, whatever the number of meetings. Cuts at unscheduled meetings are counted.",
            Claim("fed/cuts", span, period, source="Fed"), bell(span, mean, 1.3), "functional" if count == 2 else "greater_or_equal", floor_strike=count,
        ))  # fmt: skip
    return Topic(f"cuts/{year}", tuple(polymarket), tuple(kalshi))
