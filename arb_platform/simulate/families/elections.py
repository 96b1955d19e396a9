"""American elections: House, Senate and governor by party and by person, primaries, the White House, control."""

from collections.abc import Iterator
from dataclasses import dataclass
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
from arb_platform.simulate.outcomes import Names
from arb_platform.simulate.truth import Claim, Link
from arb_platform.simulate.wording import (
    eastern,
    initials,
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
_PARTIES: Final = (("Republican", "R", "Republicans"), ("Democratic", "D", "Democrats"))
_BOTH: Final = frozenset({"Republican", "Democratic"})
_NEWS: Final = (
    ("The Associated Press", "https://apnews.com"),
    ("The New York Times", "https://www.nytimes.com"),
    ("Fox News", "https://www.foxnews.com"),
)
_FEC: Final = "the Federal Election Commission (https://www.fec.gov/)"


@dataclass(frozen=True, slots=True)
class _Contest:
    """One seat: how Polymarket and Kalshi call it, and Kalshi's tickers for the seat and for its primaries."""

    place: str
    short: str
    seat: str
    polymarket_seat: str
    year: int
    day: date
    series: str
    code: str
    nominee_series: str


def topics(rng: Random, now: datetime) -> Iterator[Topic]:
    day = _election_day(now.date())
    yield _seat(_senate("Texas", "TX", day), rng, persons=True)
    yield _president(_presidential_day(now.date()), rng)
    yield _control(day, rng)
    for index, (state, code, districts) in enumerate(STATES):
        yield (
            _seat(_governor(state, code, day) if index % 2 else _senate(state, code, day), rng, persons=False)
            if index
            else _seat(_governor(state, code, day), rng, persons=False)
        )
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


def _senate(state: str, code: str, day: date) -> _Contest:
    return _Contest(
        state,
        code,
        "Senate race",
        f"{state} Senate race in {day.year}",
        day.year,
        day,
        f"SENATE{code}",
        f"{day.year % 100}",
        f"KXSENATE{code}",
    )


def _governor(state: str, code: str, day: date) -> _Contest:
    return _Contest(
        state,
        code,
        "governorship",
        f"{state} governor race in {day.year}",
        day.year,
        day,
        f"GOVPARTY{code}",
        f"{day.year % 100}",
        f"KXGOV{code}NOM",
    )


def _seat(contest: _Contest, rng: Random, *, persons: bool) -> Topic:
    """A statewide race by party; with ``persons`` also its candidates and the Republican primary."""
    winners = f"{contest.series}/party"
    chance = rng.uniform(0.2, 0.8)
    polymarket, kalshi = _parties(contest, winners, (chance, 1 - chance))
    if not persons:
        return Topic(f"seat/{contest.series}-{contest.code}", tuple(polymarket), tuple(kalshi))
    names = people(rng, 4)
    more, others = _candidates(contest, names, shares(rng, 4, total=0.96), chance)
    links = (
        Link(
            f"{contest.series}/winner",
            f"{contest.series}/nominee",
            "subset",
            "nominee_or_winner",
            "winning the election needs the nomination first",
            time_window=False,
        ),
        Link(
            f"{contest.series}/nominee",
            f"{contest.series}/winner",
            "superset",
            "nominee_or_winner",
            "a nominee may still lose the election",
            time_window=False,
        ),
        Link(
            winners,
            f"{contest.series}/winner",
            "overlap",
            "race_or_standalone",
            "a party's seat against one person's",
            any_outcome=True,
        ),
    )
    return Topic(f"seat/{contest.series}-{contest.code}", (*polymarket, *more), (*kalshi, *others), links)


def _parties(
    contest: _Contest, question: str, chances: tuple[float, float]
) -> tuple[list[PolymarketDraft], list[KalshiDraft]]:
    office = "Senator" if "Senate" in contest.seat else "Governor"
    event = PolymarketEvent(
        slug(f"{contest.polymarket_seat} winner"),
        f"{contest.place} {office} election winner",
        "politics",
        ("Politics", "Elections", contest.place),
        midnight(contest.day),
        neg_risk=True,
    )
    rules = (
        f"This market will resolve according to the party of the candidate who wins the {contest.year} {contest.place} {office.lower()} election, scheduled to be held on {long_date(contest.day)}, including any potential runoff.\n\n"
        "A candidate's party will be determined by the ballot-listed or otherwise identifiable affiliation with that party at the time the election is called. A candidate without such an affiliation will be considered a member of the party with which they most recently stated an intent to caucus.\n\n"
        f"The resolution sources for this market are the Associated Press, Fox News and NBC. This market will resolve once all three of them call the race for the same candidate. If they have not done so by the inauguration date, it will resolve based on the official certification as reported by {_FEC if office == 'Senator' else 'the Secretary of State of ' + contest.place}."
    )
    close = eastern(date(contest.year + 1, 11, 3), 10)
    series = KalshiSeries(
        contest.series, f"{contest.place} {contest.seat} party", "Elections", _NEWS, ("US Elections",)
    )
    kalshi_event = KalshiEvent(
        series,
        contest.code,
        f"{contest.place} {contest.seat} winner?"
        if office == "Senator"
        else f"{contest.place} governorship party?",
        f"In {contest.year}",
        close,
        mutually_exclusive=True,
        expected=eastern(contest.day, 22),
    )
    polymarket, kalshi = [], []
    for (party, letter, plural), price in zip(_PARTIES, chances, strict=True):
        claim = Claim(question, Names.of(party, universe=_BOTH), str(contest.year), source="calls")
        polymarket.append(
            PolymarketDraft(
                event, f"Will the {plural} win the {contest.polymarket_seat}?", rules, claim, price, party
            )
        )
        title = f"Will the {party} party win the {contest.seat} in {contest.place}{'?' if office == 'Senator' else ''}"
        kalshi.append(KalshiDraft(
            kalshi_event, letter, title, f"{party} party",
            f"If a representative of the {party} party is sworn in as {office.lower() if office == 'Governor' else 'a ' + office} of {contest.place} pursuant to the {contest.year} election, then the market resolves to Yes.",
            "The party is the one with which the winner was affiliated on the ballot. A change of affiliation after the election does not change the outcome. If no one has been sworn in by the last trading date, the market resolves according to the certified result.",
            claim, price, "structured", custom_strike={"Party": party}, early_close="This market will close and expire early once the winner has been declared by the source agencies.",
        ))  # fmt: skip
    return polymarket, kalshi


def _candidates(
    contest: _Contest, names: list[str], chances: list[float], republican: float
) -> tuple[list[PolymarketDraft], list[KalshiDraft]]:
    """Republican primary on both venues; the general election by person, each venue with other people."""
    primary = weekday_of_month(date(contest.year, 5, 1), 1, 3)
    event = PolymarketEvent(
        slug(f"{contest.place} republican senate primary {contest.year}"),
        f"{contest.place} Republican Senate Primary Winner",
        "politics",
        ("Politics", "Primaries"),
        midnight(primary),
        neg_risk=True,
    )
    rules = (
        f'This market will resolve according to the winner of the Republican primary for United States Senator from {contest.place}, including any runoff.\n\nIf no {contest.year} {contest.place} Republican Senate primary takes place, this market will resolve to "Other".\n\n'
        "The resolution source for this market will be the first announcement of the results from the state's Republican party, however an overwhelming consensus of credible reporting may suffice.\n\nAny replacement of the nominee before election day will not change the resolution of the market."
    )
    series = KalshiSeries(
        f"{contest.nominee_series}R",
        f"{contest.place} Senate Republican nominee",
        "Elections",
        _NEWS,
        ("Primaries",),
    )
    kalshi_event = KalshiEvent(
        series,
        contest.code,
        f"{contest.place} Republican Senate nominee?",
        f"In {contest.year}",
        eastern(contest.day, 10),
        mutually_exclusive=True,
        expected=eastern(primary, 22),
    )
    person_event = PolymarketEvent(
        slug(f"who will win the {contest.polymarket_seat}"),
        f"Who will win the {contest.polymarket_seat}?",
        "politics",
        ("Politics", "Elections"),
        midnight(contest.day),
        neg_risk=True,
    )
    polymarket, kalshi = [], []
    for name, chance in zip(names, chances, strict=True):
        claim = Claim(f"{contest.series}/nominee", Names.of(name), str(contest.year), source="primary")
        polymarket.append(
            PolymarketDraft(
                event,
                f"Will {name} be the Republican nominee for Senate in {contest.place}?",
                rules,
                claim,
                chance,
                name,
            )
        )
        kalshi.append(KalshiDraft(
            kalshi_event, initials(name), f"Will {name} be the Republican nominee for the Senate in {contest.place}?", name,
            f"If {name} wins the nomination for the Republican Party to contest the {contest.year} {contest.place} Senate seat, then the market resolves to Yes.",
            "The nominee is the winner of the primary or of its runoff. If the winner withdraws before the general election, the market still resolves to the person who was first nominated.",
            claim, chance, "custom", custom_strike={"Candidate": name}, early_close="This market will close and expire early if the nominee is announced.",
        ))  # fmt: skip
    winner = f"{contest.series}/winner"
    polymarket += [
        PolymarketDraft(person_event, f"Will {name} win the {contest.year} {contest.place} Senate election?", f'This market will resolve to "Yes" if {name} wins the {contest.year} United States Senate election in {contest.place}, scheduled for {long_date(contest.day)}. Otherwise, this market will resolve to "No".\n\nIf {name} is not on the ballot, this market will resolve to "No" unless elected as a write-in.\n\nThe resolution source for this market is a consensus of the Associated Press, Fox News and NBC calling the race.', Claim(winner, Names.of(name), str(contest.year), source="calls"), chance * republican, name)
        for name, chance in zip(names[:2], chances[:2], strict=True)
    ]  # fmt: skip
    person_series = KalshiSeries(
        f"{contest.series}P", f"{contest.place} Senate winner (person)", "Elections", _NEWS, ("US Elections",)
    )
    winners = KalshiEvent(
        person_series,
        contest.code,
        f"{contest.place} Senate race: who will win?",
        f"In {contest.year}",
        eastern(date(contest.year + 1, 11, 3), 10),
        mutually_exclusive=True,
        expected=eastern(contest.day, 22),
    )
    name = names[0]
    kalshi.append(KalshiDraft(
        winners, initials(name), f"Will {name} win the {contest.place} Senate race?", name,
        f"If {name} is sworn in as a Senator of {contest.place} pursuant to the {contest.year} election, then the market resolves to Yes.",
        "If no one has been sworn in by the last trading date, the market resolves according to the certified result of the election.",
        Claim(winner, Names.of(name), str(contest.year), source="calls"), chances[0] * republican, "custom", custom_strike={"Candidate": name},
    ))  # fmt: skip
    return polymarket, kalshi


def _districts(state: str, code: str, districts: range, rng: Random, day: date) -> Topic:
    polymarket: list[PolymarketDraft] = []
    kalshi: list[KalshiDraft] = []
    for district in districts:
        place = f"{code}-{district:02}"
        series = KalshiSeries(
            "KXHOUSERACE", "House race winner", "Elections", _NEWS, ("US Elections", "House")
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
            f"This market will resolve based on the result of the election as indicated by a consensus of credible reporting. If there is ambiguity, this market will resolve based solely on the official results as reported by the United States government, specifically {_FEC}."
        )
        chance = rng.choice((rng.uniform(0.03, 0.2), rng.uniform(0.8, 0.97), rng.uniform(0.35, 0.65)))
        for (party, letter, _), price in zip(_PARTIES, (chance, 1 - chance), strict=True):
            claim = Claim(f"house {place}", Names.of(party, universe=_BOTH), str(day.year), source="calls")
            polymarket.append(
                PolymarketDraft(
                    event, f"Will the {party} Party win the {place} House seat?", rules, claim, price, party
                )
            )
            kalshi.append(KalshiDraft(
                kalshi_event, letter, f"Will {party} win the House race for {place}?", f"{party} Party",
                f"If the {party} party candidate wins the {day.year} election for the House seat of {state} district {district}, then the market resolves to Yes.",
                "The outcome follows the certified result. The affiliation is the one on the ballot; a candidate endorsed by two parties counts for the one first named on it.",
                claim, price, "structured", custom_strike={"Party": party}, early_close="This market will close and expire early once the outcome is known.",
            ))  # fmt: skip
    return Topic(f"house/{code}/{districts.start}", tuple(polymarket), tuple(kalshi))


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
    series = KalshiSeries(
        "KXPRESPERSON", "Presidential election winner", "Elections", _NEWS, ("US Elections", "President")
    )
    kalshi_event = KalshiEvent(
        series,
        f"{year % 100}",
        f"{year} U.S. Presidential Election winner?",
        f"In {year}",
        close,
        mutually_exclusive=True,
        expected=eastern(day, 22),
    )
    popular = KalshiEvent(
        KalshiSeries("KXPOPVOTE", "Popular vote winner", "Elections", _NEWS, ("US Elections",)),
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
    rules = (
        f"The {year} US Presidential Election is scheduled to take place on {long_date(day)}.\n\nThis market will resolve to the person who wins the {year} US Presidential Election.\n\n"
        "The resolution source for this market is the Associated Press, Fox News, and NBC. This market will resolve once all three sources call the race for the same candidate. If all three sources haven't called the race for the same candidate by the inauguration date, this market will resolve based on who is inaugurated."
    )
    polymarket, kalshi = [], []
    for index, (name, chance) in enumerate(zip(names, chances, strict=True)):
        wins = Claim("president", Names.of(name), str(year), source="calls")
        polymarket.append(
            PolymarketDraft(
                event, f"Will {name} win the {year} US Presidential Election?", rules, wins, chance, name
            )
        )
        kalshi.append(KalshiDraft(
            kalshi_event, initials(name), f"Will {name} win the {year} U.S. Presidential Election?", name,
            f"If {name} is the next person inaugurated as President pursuant to the {year} presidential election, then the market resolves to Yes.",
            f"The person must be inaugurated on January 20, {year + 1}. If the winner of the election dies or withdraws before the inauguration, the market resolves to the person who was declared the winner by the source agencies.",
            wins, chance, "custom", custom_strike={"Candidate": name}, early_close="This market will close and expire early if a winner is declared.",
        ))  # fmt: skip
        if index < 2:
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
            kalshi.append(KalshiDraft(popular, initials(name), f"Will {name} win the popular vote in the {year} Presidential Election?", name, f"If {name} receives more votes than any other candidate nationwide in the {year} presidential election, then the market resolves to Yes.", "The number of votes is the one reported by the Federal Election Commission in its official results.", vote, chance * 0.98, "custom", custom_strike={"Candidate": name}))  # fmt: skip
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
    return Topic(f"president/{year}", tuple(polymarket), tuple(kalshi), links)


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
        for (party, letter, plural), price in zip(_PARTIES, (chance, 1 - chance), strict=True):
            claim = Claim(
                f"control of the {chamber}", Names.of(party, universe=_BOTH), str(day.year), source="calls"
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
