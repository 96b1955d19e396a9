"""Statewide races: Senate and governor by party and by person, and the primary before."""

from dataclasses import dataclass
from datetime import date
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
    codes,
    eastern,
    long_date,
    midnight,
    people,
    shares,
    slug,
    weekday_of_month,
)

PARTIES: Final = (("Republican", "R", "Republicans"), ("Democratic", "D", "Democrats"))
BOTH: Final = frozenset({"Republican", "Democratic"})
NEWS: Final = (
    ("The Associated Press", "https://apnews.com"),
    ("The New York Times", "https://www.nytimes.com"),
    ("Fox News", "https://www.foxnews.com"),
)
FEC: Final = "the Federal Election Commission (https://www.fec.gov/)"


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


def senate(state: str, code: str, day: date) -> _Contest:
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


def governor(state: str, code: str, day: date) -> _Contest:
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


def seat_topic(contest: _Contest, rng: Random, *, persons: bool) -> Topic:
    """A statewide race by party; with ``persons`` also its candidates and the Republican primary."""
    winners = f"{contest.series}/party"
    chance = rng.uniform(0.2, 0.8)
    polymarket, kalshi = _parties(contest, winners, (chance, 1 - chance))
    if not persons:
        return Topic(f"seat/{contest.series}-{contest.code}", tuple(polymarket), tuple(kalshi))
    names = people(rng, 4)
    chances = shares(rng, 4, total=0.96)
    for more, others in (_primary(contest, names, chances), _by_person(contest, names, chances, chance)):
        polymarket += more
        kalshi += others
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
    return Topic(f"seat/{contest.series}-{contest.code}", tuple(polymarket), tuple(kalshi), links)


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
        f"The resolution sources for this market are the Associated Press, Fox News and NBC. This market will resolve once all three of them call the race for the same candidate. If they have not done so by the inauguration date, it will resolve based on the official certification as reported by {FEC if office == 'Senator' else 'the Secretary of State of ' + contest.place}."
    )
    close = eastern(date(contest.year + 1, 11, 3), 10)
    series = KalshiSeries(
        contest.series, f"{contest.place} {contest.seat} party", "Elections", NEWS, ("US Elections",)
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
    for (party, letter, plural), price in zip(PARTIES, chances, strict=True):
        claim = Claim(question, Names.of(party, universe=BOTH), str(contest.year), source="calls")
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


def _primary(
    contest: _Contest, names: list[str], chances: list[float]
) -> tuple[list[PolymarketDraft], list[KalshiDraft]]:
    """The Republican primary, on both venues."""
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
        NEWS,
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
            kalshi_event, codes(names)[name], f"Will {name} be the Republican nominee for the Senate in {contest.place}?", name,
            f"If {name} wins the nomination for the Republican Party to contest the {contest.year} {contest.place} Senate seat, then the market resolves to Yes.",
            "The nominee is the winner of the primary or of its runoff. If the winner withdraws before the general election, the market still resolves to the person who was first nominated.",
            claim, chance, "custom", custom_strike={"Candidate": name}, early_close="This market will close and expire early if the nominee is announced.",
        ))  # fmt: skip
    return polymarket, kalshi


def _by_person(
    contest: _Contest, names: list[str], chances: list[float], republican: float
) -> tuple[list[PolymarketDraft], list[KalshiDraft]]:
    """The general election by person, with fewer people on Kalshi."""
    person_event = PolymarketEvent(
        slug(f"who will win the {contest.polymarket_seat}"),
        f"Who will win the {contest.polymarket_seat}?",
        "politics",
        ("Politics", "Elections"),
        midnight(contest.day),
        neg_risk=True,
    )
    winner = f"{contest.series}/winner"
    polymarket = [
        PolymarketDraft(person_event, f"Will {name} win the {contest.year} {contest.place} Senate election?", f'This market will resolve to "Yes" if {name} wins the {contest.year} United States Senate election in {contest.place}, scheduled for {long_date(contest.day)}. Otherwise, this market will resolve to "No".\n\nIf {name} is not on the ballot, this market will resolve to "No" unless elected as a write-in candidate by the voters.\n\nThe resolution source for this market is a consensus of the Associated Press, Fox News and NBC calling the race.', Claim(winner, Names.of(name), str(contest.year), source="calls"), chance * republican, name)
        for name, chance in zip(names[:2], chances[:2], strict=True)
    ]  # fmt: skip
    person_series = KalshiSeries(
        f"{contest.series}P", f"{contest.place} Senate winner (person)", "Elections", NEWS, ("US Elections",)
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
    kalshi = [KalshiDraft(
        winners, codes(names)[name], f"Will {name} win the {contest.place} Senate race?", name,
        f"If {name} is sworn in as a Senator of {contest.place} pursuant to the {contest.year} election, then the market resolves to Yes.",
        "If no one has been sworn in by the last trading date, the market resolves according to the certified result of the election.",
        Claim(winner, Names.of(name), str(contest.year), source="calls"), chances[0] * republican, "custom", custom_strike={"Candidate": name},
    )]  # fmt: skip
    return polymarket, kalshi
