"""Oscars, Emmys, Grammys and player awards: who wins, who is only nominated, and the category beside."""

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
    codes,
    eastern,
    long_date,
    midnight,
    people,
    shares,
    slug,
    weekday_of_month,
)

_TITLES: Final = (
    "The Long Way Down", "Paper Lanterns", "A Quiet Harbor", "Meridian", "The Salt Road", "Nightjar", "Glass Orchard", "What the River Kept",
    "Second Sunday", "Ember Days", "The Cartographer", "Low Tide", "Northern Line", "House of Kites", "Saltwater Hymn", "The Last Ferry",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Award:
    """One category; the number of the ceremony in a year is ``year - zeroth``."""

    show: str
    series: str
    category: str
    academy: tuple[str, str]
    zeroth: int
    month: int
    nominations: str
    persons: bool = False


_ACADEMY: Final = ("The Academy of Motion Picture Arts and Sciences", "https://www.oscars.org")
_TELEVISION: Final = ("Television Academy", "https://www.televisionacademy.com")
_RECORDING: Final = ("Recording Academy", "https://www.grammy.com")
_GLOBES: Final = ("Golden Globes", "https://goldenglobes.com")
_AWARDS: Final = (
    _Award("Academy Awards", "KXOSCARPIC", "Best Picture", _ACADEMY, 1928, 3, "January"),
    _Award("Academy Awards", "KXOSCARDIR", "Best Director", _ACADEMY, 1928, 3, "January", persons=True),
    _Award("Primetime Emmy Awards", "KXEMMYDRAMA", "Outstanding Drama Series", _TELEVISION, 1948, 9, "July"),
    _Award("Grammy Awards", "KXGRAMAOTY", "Album of the Year", _RECORDING, 1958, 2, "November"),
    _Award("Golden Globe Awards", "KXGLOBEDRAMA", "Best Motion Picture - Drama", _GLOBES, 1943, 1, "December"),
    _Award("Academy Awards", "KXOSCARACTO", "Best Actor", _ACADEMY, 1928, 3, "January", persons=True),
    _Award("Academy Awards", "KXOSCARACTR", "Best Actress", _ACADEMY, 1928, 3, "January", persons=True),
    _Award("Primetime Emmy Awards", "KXEMMYCOMEDY", "Outstanding Comedy Series", _TELEVISION, 1948, 9, "July"),
    _Award("Grammy Awards", "KXGRAMSOTY", "Song of the Year", _RECORDING, 1958, 2, "November"),
)  # fmt: skip


def topics(rng: Random, now: datetime) -> Iterator[Topic]:
    for years in range(3):
        for award in _AWARDS:
            day = weekday_of_month(date(now.year + 1 + years, award.month, 1), 6, 2)
            yield _winner(award, day, rng)


def _winner(award: _Award, day: date, rng: Random) -> Topic:
    number = day.year - award.zeroth
    ceremony = f"{_ordinal(number)} {award.show}"
    contenders = people(rng, 4) if award.persons else rng.sample(_TITLES, 4)
    chances, code = shares(rng, 4, total=0.85), codes(contenders)
    won, named = f"{award.series} winner", f"{award.series} nominee"
    event = PolymarketEvent(
        slug(f"{ceremony} {award.category} winner {day.year}"),
        f"{ceremony}: {award.category} Winner",
        "culture",
        ("Culture", "Awards"),
        midnight(day),
        neg_risk=True,
    )
    rules = (
        f'This market will resolve to "Yes" if the listed {"person" if award.persons else "title"} wins {award.category} at the {ceremony}, scheduled for {long_date(day)}. Otherwise, this market will resolve to "No".\n\n'
        'In the event of a tie, this market will resolve in favor of the listed contender whose name comes first in alphabetical order. If the listed contender is not nominated in this category, the market will resolve to "No".\n\n'
        f"The resolution source for this market is a live broadcast of the ceremony or official information from {award.academy[0]}."
    )
    kalshi_event, nominees = _kalshi_events(award, day, ceremony)
    polymarket, kalshi = [], []
    for index, (name, chance) in enumerate(zip(contenders, chances, strict=True)):
        said = name if award.persons else f"'{name}'"
        claim = Claim(won, Names.of(name), str(day.year), source=award.academy[0])
        polymarket.append(
            PolymarketDraft(
                event, f"Will {said} win {award.category} at the {ceremony}?", rules, claim, chance, name
            )
        )
        if index < 3:
            kalshi.append(KalshiDraft(kalshi_event, code[name], f"Will {name} win {award.category} at the {ceremony}?", name, f"If {name} wins {award.category} at the {ceremony}, then the market resolves to Yes.", "If the ceremony is postponed, the market stays open until the award is given. In the case of a tie, the market resolves to the contender first in alphabetical order.", claim, chance, "custom", custom_strike={"Nominee": name}, early_close="This market will close and expire early if the event occurs."))  # fmt: skip
        if index < 2:
            kalshi.append(KalshiDraft(nominees, code[name], f"Will {name} be nominated for {award.category} at the {ceremony}?", name, f"If {name} is nominated for {award.category} at the {ceremony}, then the market resolves to Yes.", f"The nominations are expected to be announced in {award.nominations}. A nomination that is later withdrawn still counts.", Claim(named, Names.of(name), str(day.year), source=award.academy[0]), min(0.95, chance + 0.4), "custom", custom_strike={"Nominee": name}))  # fmt: skip
    links = (
        Link(
            won,
            named,
            "subset",
            "nominee_or_winner",
            "who wins was nominated, most nominees do not win",
            time_window=False,
        ),
    )
    return Topic(f"award/{award.series}/{day.year}", tuple(polymarket), tuple(kalshi), links)


def _kalshi_events(award: _Award, day: date, ceremony: str) -> tuple[KalshiEvent, KalshiEvent]:
    """The event of the winner and the one of the nominations."""
    close = eastern(date(day.year, day.month, 28), 10)
    series = KalshiSeries(
        award.series,
        f"{award.show}: {award.category}",
        "Entertainment",
        (award.academy,),
        ("Awards",),
        "annual",
    )
    kalshi_event = KalshiEvent(
        series,
        f"{day.year % 100}",
        f"{award.show.rstrip('s')} for {award.category} {day.year}?",
        f"In {day.year}",
        close,
        mutually_exclusive=True,
        expected=eastern(day, 23, 30),
    )
    nominees = KalshiEvent(
        KalshiSeries(
            f"{award.series}NOM",
            f"{award.show} nominations",
            "Entertainment",
            (award.academy,),
            ("Awards",),
            "annual",
        ),
        f"{day.year % 100}",
        f"{award.category} nominations at the {ceremony}?",
        f"In {day.year}",
        eastern(date(day.year, day.month, 1), 10),
    )
    return kalshi_event, nominees


def _ordinal(number: int) -> str:
    """``99th``, ``101st``"""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
