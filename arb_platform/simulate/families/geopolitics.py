"""Ceasefires, agreements, visits: by a deadline, announced or in force, between two countries or others."""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import count
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
from arb_platform.simulate.families.unfinished import YES
from arb_platform.simulate.truth import Claim, Link
from arb_platform.simulate.wording import (
    hazard,
    last_minute,
    long_date,
    month_day,
    month_end,
    months_from,
    short_date,
    slug,
)

_NEWS: Final = (
    ("Reuters", "https://www.reuters.com"),
    ("The Associated Press", "https://apnews.com"),
    ("BBC", "https://www.bbc.com/news"),
)
# Two sides, what they may sign, and how likely that is in a year.
_SIDES: Final = (
    ("Russia", "Ukraine", "ceasefire", 0.5), ("Thailand", "Cambodia", "peace treaty", 0.4), ("Armenia", "Azerbaijan", "peace treaty", 0.8),
    ("Israel", "Syria", "security agreement", 0.5), ("the US", "Iran", "nuclear agreement", 0.5), ("the US", "India", "trade agreement", 0.9),
    ("India", "Pakistan", "water agreement", 0.2), ("Ethiopia", "Egypt", "dam agreement", 0.2), ("the EU", "Mercosur", "trade agreement", 0.7),
    ("Serbia", "Kosovo", "normalization agreement", 0.15), ("Venezuela", "Guyana", "border agreement", 0.1), ("Sudan", "the RSF", "ceasefire", 0.4),
)  # fmt: skip


def topics(rng: Random, now: datetime) -> Iterator[Topic]:
    """Every pair of sides for the coming quarters, without end."""
    for ahead in count(1):
        ends = [month_end(month) for month in months_from(now.date(), 3 * ahead + 3) if month.month % 3 == 0]
        for one, other, what, rate in _SIDES:
            yield _agreement(
                one, other, what, ends[ahead - 1 : ahead + 1], rate * rng.uniform(0.7, 1.3), today=now.date()
            )
        if ahead > 300:
            return


def _agreement(one: str, other: str, what: str, ends: list[date], rate: float, *, today: date) -> Topic:
    end = ends[0]
    key = f"{one} {other} {what}"
    signs, announces = f"{key} signed", f"{key} announced"
    sides = f"{one.removeprefix('the ')} x {other.removeprefix('the ')}"
    event = PolymarketEvent(
        slug(f"{sides} {what} by {end}"),
        f"{sides} {what} by...?",
        "geopolitics",
        ("Geopolitics", "World"),
        last_minute(ends[-1]),
    )
    polymarket = [
        PolymarketDraft(
            event, f"{sides} {what} by {long_date(day)}?",
            f'This market will resolve to "Yes" if {one} and {other} sign a {what} by {long_date(day)}, 11:59 PM ET. Otherwise, this market will resolve to "No".\n\nThe document has to be signed by representatives of both sides, or confirmed in writing by both governments. An announcement that an agreement has been reached in principle, a temporary pause, or a statement of one side alone will not qualify.\n\nIt is enough that the document is signed within the time frame, even if it is in force only later.\n\nThe primary resolution source for this market will be official information from both sides; however, a consensus of credible reporting will also be used.',
            Claim(signs, YES, by=last_minute(day), source="news"), hazard((day - today).days, rate), month_day(day), end=last_minute(day),
        )
        for day in ends
    ]  # fmt: skip
    after = months_from(end, 2)[1]
    before = short_date(after)
    close = last_minute(end)
    code = "".join(word[0] for word in f"{one} {other} {what}".replace("the ", "").upper().split())
    series = KalshiSeries("KXAGREEMENT", "Agreements between states", "World", _NEWS, ("World",))
    signing = KalshiEvent(
        series,
        f"{code}-{after.year % 100}{after:%b}01".upper(),
        f"Will {one} and {other} sign a {what} before {before}?",
        f"Before {before}",
        close,
    )
    saying = KalshiEvent(
        KalshiSeries("KXAGREEMENTANN", "Announced agreements", "World", _NEWS, ("World",)),
        f"{code}-{after.year % 100}{after:%b}01".upper(),
        f"Will {one} and {other} announce a {what} before {before}?",
        f"Before {before}",
        close,
    )
    early = "This market will close and expire early if the event occurs."
    chance = hazard((end - today).days, rate)
    kalshi = (
        KalshiDraft(signing, "", f"Will {one} and {other} sign a {what} before {before}?", f"Before {before}", f"If {one} and {other} have both signed a {what} before {before}, then the market resolves to Yes.", "Written confirmation by both governments is equal to a signature. By that date the document need not be ratified or in force. Declarations of an agreement in principle are not sufficient.", Claim(signs, YES, by=close, source="news"), chance, early_close=early),
        KalshiDraft(saying, "", f"Will {one} and {other} announce a {what} before {before}?", f"Before {before}", f"If {one} and {other} announce that they have reached a {what} before {before}, then the market resolves to Yes.", "An agreement in principle is sufficient, even if it is not signed.", Claim(announces, YES, by=close, source="news"), min(0.95, chance * 1.5), early_close=early),
    )  # fmt: skip
    links = (
        Link(
            signs,
            announces,
            "subset",
            "announce_or_do",
            "a signed agreement is announced, an announced one need not be signed",
        ),
    )
    return Topic(f"agreement/{key}/{end}", tuple(polymarket), kalshi, links)
