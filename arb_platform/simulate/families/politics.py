"""Offices and laws by a deadline: leaving against announcing it, next to go against gone, staying against leaving."""

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
from arb_platform.simulate.families.unfinished import NEWS, YES, unfinished
from arb_platform.simulate.outcomes import Names, Span
from arb_platform.simulate.truth import Claim, Link
from arb_platform.simulate.wording import (
    CREDIBLE,
    bell,
    codes,
    day_code,
    eastern,
    hazard,
    last_minute,
    long_date,
    midnight,
    month_day,
    people,
    shares,
    short_date,
    slug,
)

_OFFICES: Final = (
    "Secretary of Defense", "Attorney General", "Secretary of State", "Secretary of the Treasury", "Secretary of Labor", "Secretary of Energy",
    "Director of the FBI", "Secretary of Homeland Security", "Secretary of Commerce", "Secretary of Transportation", "Secretary of Agriculture",
)  # fmt: skip
_COUNTRIES: Final = (
    "Prime Minister of the United Kingdom",
    "Prime Minister of Japan",
    "President of France",
    "Prime Minister of Canada",
    "Chancellor of Germany",
    "Prime Minister of Spain",
    "Prime Minister of Israel",
    "President of South Korea",
)


def topics(rng: Random, now: datetime) -> Iterator[Topic]:
    today = now.date()
    names = people(rng, 400)
    yield _leaves(names[0], _OFFICES[0], today, rng)
    yield _next_to_go(names[1:5], today, rng)
    yield _approval(today + timedelta(days=10), rng)
    yield unfinished(today)
    for name, office in zip(names[5:], (*_OFFICES[1:], *_COUNTRIES), strict=False):
        yield _leaves(name, office, today, rng)
    for weeks in range(2, 400):
        yield _approval(today + timedelta(days=10 + 7 * weeks), rng)


def _out_or_not(
    name: str, office: str, days: tuple[date, date], rate: float, *, today: date
) -> list[PolymarketDraft]:
    """Out by either day, and still there on the first."""
    (new_year, june), gone = days, f"{name} leaves"
    chance = hazard((new_year - today).days, rate)
    first = name.rsplit(maxsplit=1)[-1]
    event = PolymarketEvent(
        slug(f"{name} out as {office} by"),
        f"{name} out as {office} by...?",
        "politics",
        ("Politics", "Cabinet"),
        last_minute(june),
    )
    rules = (
        f'This market will resolve to "Yes" if {name} ceases to be {office} for any period of time by {{deadline}}, 11:59 PM ET. Otherwise, this market will resolve to "No".\n\n'
        f"An announcement of {first}'s resignation or removal before this market's end date will not by itself resolve this market to \"Yes\"; the office has to be left within the time frame. A temporary transfer of duties for medical reasons does not count.\n\n"
        f"The primary resolution source for this market will be official information from the government; however, a consensus of credible reporting may also be used."
    )
    stays = f'This market will resolve to "Yes" if {name} holds the office of {office} without interruption through {long_date(new_year)}, 11:59 PM ET. Otherwise, this market will resolve to "No".\n\nA temporary transfer of duties for medical reasons will not be considered an interruption.\n\n{CREDIBLE}'
    polymarket = [
        PolymarketDraft(
            event,
            f"{name} out as {office} by {long_date(day)}?",
            rules.format(deadline=long_date(day)),
            Claim(gone, YES, by=last_minute(day), source="news"),
            hazard((day - today).days, rate),
            month_day(day),
            end=last_minute(day),
        )
        for day in (new_year, june)
    ]
    polymarket.append(
        PolymarketDraft(
            PolymarketEvent(
                slug(f"will {name} remain {office}"),
                f"Will {name} remain {office}?",
                "politics",
                ("Politics",),
                last_minute(new_year),
            ),
            f"Will {name} remain {office} through {long_date(new_year)}?",
            stays,
            Claim(gone, Names.without("yes"), by=last_minute(new_year), source="news"),
            1 - chance,
        )
    )
    return polymarket


def _leaves(name: str, office: str, today: date, rng: Random) -> Topic:
    """Out by New Year on both venues; announced is not gone, staying is the complement, June is later."""
    year = today.year + (today.month > 10)
    new_year, june = date(year, 12, 31), date(year + 1, 6, 30)
    gone, said = f"{name} leaves", f"{name} announces"
    rate = rng.uniform(0.2, 1.2)
    chance = hazard((new_year - today).days, rate)
    polymarket = _out_or_not(name, office, (new_year, june), rate, today=today)
    close = last_minute(new_year)
    code, before = f"{(year + 1) % 100}JAN01", f"Jan 1, {year + 1}"
    leave = KalshiEvent(
        KalshiSeries("KXLEAVEOFFICE", "Leaving office", "Politics", NEWS, ("Cabinet",)),
        f"{code}{slug(name).replace('-', '').upper()[:12]}",
        f"Will {name} leave office before {before}?",
        f"Before {before}",
        close,
    )
    announce = KalshiEvent(
        KalshiSeries("KXANNOUNCEOUT", "Announcing to leave office", "Politics", NEWS, ("Cabinet",)),
        f"{code}{slug(name).replace('-', '').upper()[:12]}",
        f"Will {name} announce leaving before {before}?",
        f"Before {before}",
        close,
    )
    early = "This market will close and expire early if the event occurs."
    kalshi = [
        KalshiDraft(leave, "", f"Will {name} leave {office} before {before}?", f"Before {before}", f"If {name} leaves or is removed from the position of {office} before {before}, then the market resolves to Yes.", "The person must have left the position by that time; an announcement of a future departure is not sufficient. Delegating duties for a medical procedure is not considered leaving.", Claim(gone, YES, by=last_minute(new_year), source="news"), chance, early_close=early),
        KalshiDraft(announce, "", f"Will {name} announce leaving {office} before {before}?", f"Before {before}", f"If {name} announces to leave the position of {office}, or the removal of {name} from it is announced, before {before}, then the market resolves to Yes.", "The announcement has to be made in the window; the date on which the departure takes effect does not matter.", Claim(said, YES, by=last_minute(new_year), source="news"), min(0.95, chance * 1.4), early_close=early),
    ]  # fmt: skip
    links = (
        Link(
            gone,
            said,
            "subset",
            "announce_or_do",
            "who has left has announced it, but may announce it and still be there",
        ),
    )
    return Topic(f"office/{name}", tuple(polymarket), tuple(kalshi), links)


def _next_to_go(names: list[str], today: date, rng: Random) -> Topic:
    """The first of several to leave, against leaving at all."""
    year = today.year + (today.month > 6)
    day = date(year, 12, 31)
    event = PolymarketEvent(
        f"next-to-leave-the-cabinet-before-{year + 1}",
        f"Who will be next to leave the Cabinet before {year + 1}?",
        "politics",
        ("Politics", "Cabinet"),
        last_minute(day),
        neg_risk=True,
    )
    rules = f'This market will resolve to the member of the Cabinet who next ceases to hold the office, between market creation and {long_date(day)}, 11:59 PM ET. If nobody does, this market will resolve to "Other".\n\nIf two members leave on the same day, the one whose departure was reported first counts. Acting officials are not members of the Cabinet for this market.\n\n{CREDIBLE}'
    series = KalshiSeries("KXCABOUT", "Next to leave the Cabinet", "Politics", NEWS, ("Cabinet",))
    nexts = KalshiEvent(
        series,
        day_code(day),
        "Who will be the next person to leave the Cabinet?",
        f"Before {year + 1}",
        last_minute(day),
        mutually_exclusive=True,
    )
    outs = KalshiEvent(
        KalshiSeries("KXCABLEAVE", "Leaving the Cabinet", "Politics", NEWS, ("Cabinet",)),
        day_code(day),
        f"Who will leave the Cabinet before {year + 1}?",
        f"Before {year + 1}",
        last_minute(day),
    )
    polymarket, kalshi = [], []
    for index, (name, chance) in enumerate(zip(names, shares(rng, len(names), total=0.7), strict=True)):
        claim = Claim("next to leave", Names.of(name), str(year), source="news")
        polymarket.append(
            PolymarketDraft(
                event,
                f"Will {name} be the next to leave the Cabinet before {year + 1}?",
                rules,
                claim,
                chance,
                name,
            )
        )
        kalshi.append(KalshiDraft(nexts, codes(names)[name], f"Will {name} be the next person to leave the Cabinet?", name, f"If {name} is the next person to leave the Cabinet before Jan 1, {year + 1}, then the market resolves to Yes.", "The order is decided by the time at which the departure takes effect; on the same day by the time of the first report. Acting officials do not count.", claim, chance, "custom", custom_strike={"Person": name}))  # fmt: skip
        if index < 2:
            kalshi.append(KalshiDraft(outs, codes(names)[name], f"Will {name} leave the Cabinet before {year + 1}?", name, f"If {name} leaves the Cabinet before Jan 1, {year + 1}, then the market resolves to Yes.", "The number of members who leave before does not matter. Acting officials do not count.", Claim("leaves", Names.of(name), str(year), source="news"), min(0.9, chance * 2), "custom", custom_strike={"Person": name}))  # fmt: skip
    links = (
        Link(
            "next to leave",
            "leaves",
            "subset",
            "race_or_standalone",
            "the next to leave also leaves, but others may leave after",
        ),
    )
    return Topic(f"next/{year}", tuple(polymarket), tuple(kalshi), links)


def _approval(day: date, rng: Random) -> Topic:
    """A polling average in tenths: buckets on one venue, thresholds of another week beside them."""
    mean = 420 + rng.choice((-10, -5, 0, 5))
    event = PolymarketEvent(
        slug(f"presidential approval {day}"),
        f"Presidential approval rating on {month_day(day)}?",
        "politics",
        ("Politics", "Polls"),
        midnight(day),
        neg_risk=True,
    )
    rules = f"This market will resolve according to the approval rating of the President in the Silver Bulletin average for {long_date(day)}, in percent with one decimal.\n\nThe value is read from the chart once the value for the next day has been published, so that the value of this day is final. Later changes of the average will not be considered.\n\nThe resolution source for this market is Silver Bulletin (https://www.natesilver.net)."
    series = KalshiSeries(
        "KXAPRPOTUS",
        "Presidential approval",
        "Politics",
        (("Silver Bulletin", "https://www.natesilver.net"),),
        ("Polls",),
        "weekly",
    )
    kalshi_event = KalshiEvent(
        series,
        day_code(day),
        f"Presidential approval rating on {short_date(day)}?",
        f"On {short_date(day)}",
        eastern(day, 23, 59),
        strike_date=eastern(day, 10),
    )
    spans = (
        (Span(None, mean - 6), f"{(mean - 6) / 10:.1f}% or lower"),
        (Span(mean - 5, mean + 4), f"between {(mean - 5) / 10:.1f}% and {(mean + 4) / 10:.1f}%"),
        (Span(mean + 5, None), f"{(mean + 5) / 10:.1f}% or higher"),
    )
    polymarket = [
        PolymarketDraft(
            event,
            f"Will the President's approval rating be {label} on {month_day(day)}?",
            rules,
            Claim("approval", span, day_code(day), source="Silver Bulletin"),
            bell(span, mean, 8),
            label,
        )
        for span, label in spans
    ]
    kalshi = [
        KalshiDraft(
            kalshi_event,
            f"T{step / 10:.1f}",
            f"Will the President's approval rating be above {step / 10:.1f}% on {short_date(day)}?",
            f"Above {step / 10:.1f}%",
            f"If the approval rating of the President according to Silver Bulletin is above {step / 10:.1f}% for {short_date(day)}, then the market resolves to Yes.",
            "The value has the one decimal of the source. It is read at 10 AM ET of the following day.",
            Claim("approval", Span(step + 1, None), day_code(day), source="Silver Bulletin"),
            bell(Span(step + 1, None), mean, 8),
            "greater",
            floor_strike=step / 10,
        )
        for step in (mean - 6, mean + 4)
    ]
    return Topic(f"approval/{day}", tuple(polymarket), tuple(kalshi))
