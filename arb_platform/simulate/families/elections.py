"""American elections: House, Senate and governor by party and by person, primaries, the White House, control."""

from collections.abc import Iterator
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
from arb_platform.simulate.families.statewide import BOTH, FEC, NEWS, PARTIES, governor, seat_topic, senate
from arb_platform.simulate.outcomes import Names
from arb_platform.simulate.truth import Claim, Link
from arb_platform.simulate.wording import (
    codes,
    eastern,
    long_date,
    midnight,
    people,
    shares,
    short_date,
    slug,
    weekday_of_month,
)

# States with their number of House districts.
STATES: Final = (
    ("Texas", "TX", 38), ("Ohio", "OH", 15), ("Georgia", "GA", 14), ("Pennsylvania", "PA", 17), ("Arizona", "AZ", 9),
    ("Michigan", "MI", 13), ("North Carolina", "NC", 14), ("Wisconsin", "WI", 8), ("Florida", "FL", 28), ("Nevada", "NV", 4),
    ("New York", "NY", 26), ("California", "CA", 52), ("Virginia", "VA", 11), ("Colorado", "CO", 8), ("Minnesota", "MN", 8),
    ("Iowa", "IA", 4), ("Maine", "ME", 2), ("New Jersey", "NJ", 12), ("Illinois", "IL", 17), ("Washington", "WA", 10),
    ("Oregon", "OR", 6), ("Tennessee", "TN", 9), ("Indiana", "IN", 9), ("Missouri", "MO", 8), ("Kansas", "KS", 4),
    ("Kentucky", "KY", 6), ("Louisiana", "LA", 6), ("Maryland", "MD", 8), ("Massachusetts", "MA", 9), ("Nebraska", "NE", 3),
)  # fmt: skip


def topics(rng: Random, now: datetime) -> Iterator[Topic]:
    day = _election_day(now.date())
    yield seat_topic(senate("Texas", "TX", day), rng, persons=True)
    yield _president(_presidential_day(now.date()), rng)
    yield _control(day, rng)
    for index, (state, code, districts) in enumerate(STATES):
        race = senate if index % 2 == 0 and index else governor
        yield seat_topic(race(state, code, day), rng, persons=False)
        yield _districts(state, code, range(1, districts + 1)[: 2 + index % 3], rng, day)
    for state, code, districts in STATES:
        for start in range(5, districts + 1, 4):
            yield _districts(state, code, range(start, min(start + 4, districts + 1)), rng, day)


def _election_day(today: date) -> date:
    for year in range(today.year, today.year + 3):
        day = weekday_of_month(date(year, 11, 2), 1, 1) if year % 2 == 0 else today
        if day > today:
            return day
    raise AssertionError("one of three years is even")


def _presidential_day(today: date) -> date:
    day = _election_day(today)
    return day if day.year % 4 == 0 else _election_day(date(day.year + 1, 1, 1))


def _districts(state: str, code: str, districts: range, rng: Random, day: date) -> Topic:
    polymarket: list[PolymarketDraft] = []
    kalshi: list[KalshiDraft] = []
    for district in districts:
        place = f"{code}-{district:02}"
        series = KalshiSeries(
            "KXHOUSERACE", "House race winner", "Elections", NEWS, ("US Elections", "House")
        )
        kalshi_event = KalshiEvent(
            series,
            f"{code}{district:02}-{day.year % 100}",
            f"{place} House race winner?",
            f"In {day.year}",
            eastern(date(day.year + 1, 11, 3), 10),
            mutually_exclusive=True,
            expected=eastern(day, 22),
        )
        event = PolymarketEvent(
            slug(f"{place} house election winner {day.year}"),
            f"{place} House Election Winner",
            "politics",
            ("Politics", "Elections", "House"),
            midnight(day),
            neg_risk=True,
        )
        rules = (
            f"This market will resolve according to the party of the candidate who wins the {place} congressional district seat in the U.S. House of Representatives in the {day.year} elections. The elections will take place on {long_date(day)}.\n\n"
            "A candidate's party will be determined by their ballot-listed or otherwise identifiable affiliation with that party at the time all of the House elections are conclusively called by this market's resolution sources. A candidate without a ballot-listed affiliation to either major party will be considered a member of the one with which they most recently expressed their intent to caucus.\n\n"
            f"This market will resolve based on the result of the election as indicated by a consensus of credible reporting. If there is ambiguity, this market will resolve based solely on the official results as reported by the United States government, specifically {FEC}."
        )
        chance = rng.choice((rng.uniform(0.03, 0.2), rng.uniform(0.8, 0.97), rng.uniform(0.35, 0.65)))
        for (party, letter, _), price in zip(PARTIES, (chance, 1 - chance), strict=True):
            claim = Claim(f"house {place}", Names.of(party, universe=BOTH), str(day.year), source="calls")
            polymarket.append(
                PolymarketDraft(
                    event, f"Will the {party} Party win the {place} House seat?", rules, claim, price, party
                )
            )
            kalshi.append(KalshiDraft(
                kalshi_event, letter, f"Will {party} win the House race for {place}?", f"{party} Party",
                f"If the {party} party candidate wins the {day.year} election for the House seat of {state} district {district}, then the market resolves to Yes.",
                "The market follows the certified result of the election. The affiliation is the one on the ballot; a candidate endorsed by two parties counts for the one first named on it.",
                claim, price, "structured", custom_strike={"Party": party}, early_close="This market will close and expire early once the outcome is known.",
            ))  # fmt: skip
    return Topic(f"house/{code}/{districts.start}", tuple(polymarket), tuple(kalshi))


def _presidency(day: date, close: datetime) -> KalshiEvent:
    year = day.year
    series = KalshiSeries(
        "KXPRESPERSON", "Presidential election winner", "Elections", NEWS, ("US Elections", "President")
    )
    return KalshiEvent(
        series,
        f"{year % 100}",
        f"{year} U.S. Presidential Election winner?",
        f"In {year}",
        close,
        mutually_exclusive=True,
        expected=eastern(day, 22),
    )


def _president(day: date, rng: Random) -> Topic:
    """The White House by person: election, nomination, and the popular vote that looks like the election."""
    year = day.year
    names = people(rng, 5)
    chances = shares(rng, 5, total=0.8)
    event = PolymarketEvent(
        f"presidential-election-winner-{year}",
        f"Presidential Election Winner {year}",
        "politics",
        ("Politics", "US Election"),
        midnight(day),
        neg_risk=True,
    )
    close = eastern(date(year + 1, 11, 7), 10)
    kalshi_event = _presidency(day, close)
    rules = (
        f"The {year} US Presidential Election is scheduled to take place on {long_date(day)}.\n\nThis market will resolve to the person who wins the {year} US Presidential Election.\n\n"
        "The resolution source for this market is the Associated Press, Fox News, and NBC. This market will resolve once all three sources call the race for the same candidate. If all three sources haven't called the race for the same candidate by the inauguration date, this market will resolve based on who is inaugurated."
    )
    polymarket, kalshi = [], []
    for name, chance in zip(names, chances, strict=True):
        wins = Claim("president", Names.of(name), str(year), source="calls")
        polymarket.append(
            PolymarketDraft(
                event, f"Will {name} win the {year} US Presidential Election?", rules, wins, chance, name
            )
        )
        kalshi.append(KalshiDraft(
            kalshi_event, codes(names)[name], f"Will {name} win the {year} U.S. Presidential Election?", name,
            f"If {name} is the next person inaugurated as President pursuant to the {year} presidential election, then the market resolves to Yes.",
            f"The person must be inaugurated on January 20, {year + 1}. If the winner of the election dies or withdraws before the inauguration, the market resolves to the person who was declared the winner by the source agencies.",
            wins, chance, "custom", custom_strike={"Candidate": name}, early_close="This market will close and expire early if a winner is declared.",
        ))  # fmt: skip
    more, others = _beside_the_presidency(names[:2], chances, year, close)
    links = (
        Link(
            "president",
            "president/popular vote",
            "overlap",
            "measure",
            "the electoral college decides one, the number of votes the other",
            resolution_source=False,
        ),
        Link(
            "president/nominee",
            "president",
            "superset",
            "nominee_or_winner",
            "the nominee may still lose the election",
            time_window=False,
        ),
    )
    return Topic(f"president/{year}", (*polymarket, *more), (*kalshi, *others), links)


def _beside_the_presidency(
    names: list[str], chances: list[float], year: int, close: datetime
) -> tuple[list[PolymarketDraft], list[KalshiDraft]]:
    """What looks like the presidency and is not: a nomination on one venue, the popular vote on the other."""
    popular = KalshiEvent(
        KalshiSeries("KXPOPVOTE", "Popular vote winner", "Elections", NEWS, ("US Elections",)),
        f"{year % 100}",
        f"Who will win the popular vote in {year}?",
        f"In {year}",
        close,
        mutually_exclusive=True,
    )
    nomination = PolymarketEvent(
        f"democratic-presidential-nominee-{year}",
        f"Democratic Presidential Nominee {year}",
        "politics",
        ("Politics", "Primaries"),
        midnight(date(year, 9, 1)),
        neg_risk=True,
    )
    polymarket, kalshi = [], []
    for name, chance in zip(names, chances, strict=False):
        nominee = Claim("president/nominee", Names.of(name), str(year), source="party")
        polymarket.append(
            PolymarketDraft(
                nomination,
                f"Will {name} win the {year} Democratic presidential nomination?",
                f'This market will resolve to "Yes" if {name} wins and accepts the {year} nomination of the Democratic Party for U.S. president. Otherwise, this market will resolve to "No".\n\nThe resolution source for this market is a consensus of official Democratic Party sources.\n\nAny replacement of the nominee before election day will not change the resolution of the market.',
                nominee,
                min(0.9, chance * 1.7),
                name,
            )
        )
        vote = Claim("president/popular vote", Names.of(name), str(year), source="calls")
        kalshi.append(KalshiDraft(popular, codes(names)[name], f"Will {name} win the popular vote in the {year} Presidential Election?", name, f"If {name} receives more votes than any other candidate nationwide in the {year} presidential election, then the market resolves to Yes.", "The number of votes is the one reported by the Federal Election Commission in its official results.", vote, chance * 0.98, "custom", custom_strike={"Candidate": name}))  # fmt: skip
    return polymarket, kalshi


def _control(day: date, rng: Random) -> Topic:
    """Which party holds each chamber; one venue also asks it the other way round."""
    polymarket, kalshi = [], []
    for chamber, code, sentence in (
        ("Senate", "CONTROLS", "has control of the Senate"),
        ("House", "CONTROLH", "has control of the House of Representatives"),
    ):
        chance = rng.uniform(0.35, 0.65)
        event = PolymarketEvent(
            f"which-party-will-win-the-{chamber.lower()}-in-{day.year}",
            f"Which party will win the {chamber} in {day.year}?",
            "politics",
            ("Politics", "Congress"),
            midnight(day),
        )
        series = KalshiSeries(
            code,
            f"{chamber} control",
            "Elections",
            (("Library of Congress", "https://www.congress.gov"),),
            ("Congress",),
        )
        kalshi_event = KalshiEvent(
            series,
            str(day.year),
            f"Which party will win the U.S. {chamber}?",
            f"In {day.year}",
            eastern(date(day.year + 1, 2, 1), 10),
            mutually_exclusive=True,
            expected=eastern(day, 23),
        )
        for (party, letter, plural), price in zip(PARTIES, (chance, 1 - chance), strict=True):
            claim = Claim(
                f"control of the {chamber}", Names.of(party, universe=BOTH), str(day.year), source="calls"
            )
            if party == "Republican":
                question = f"Will the {plural} control the {chamber} after the {day.year} elections?"
                rules = f'This market will resolve to "Yes" if the {party} Party controls the United States {chamber} following the {day.year} elections, scheduled for {long_date(day)}. Otherwise, this market will resolve to "No".\n\n{"Control is more than half of the voting seats, or half of them together with the Vice President" if chamber == "Senate" else "Control is more than half of the voting seats"}. Independents count for the party they caucus with.\n\nThe resolution source for this market is the Associated Press, Fox News, and NBC.'
                polymarket.append(PolymarketDraft(event, question, rules, claim, price, party))
            kalshi.append(KalshiDraft(
                kalshi_event, letter, f"Will the {party} party win the {chamber} in {day.year}?", f"{party} Party",
                f"If the {party} party {sentence} after the {day.year} elections, then the market resolves to Yes.",
                f"Control is measured on {short_date(date(day.year + 1, 2, 1))} by the party of the {'majority leader' if chamber == 'Senate' else 'Speaker'}.",
                claim, price, "structured", custom_strike={"Party": party},
            ))  # fmt: skip
    return Topic(f"control/{day.year}", tuple(polymarket), tuple(kalshi))
