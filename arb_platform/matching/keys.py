"""Structured keys of the families whose titles differ in one token of ten."""

import re
from decimal import Decimal
from typing import Final

from arb_platform.domain.markets import Market
from arb_platform.matching.dates import read_periods
from arb_platform.matching.normalise import MONTH_NAMES, fold, plain
from arb_platform.matching.vocabulary import SHARED_NICKNAMES, STATES, TEAM_CITIES

_DISTRICT: Final = re.compile(r"^[a-z]{2}(?:\d{2}|al)$")
_STATE_CODES: Final = frozenset(STATES.values())
_STATEWIDE: Final = ("lieutenant governor", "governor", "senate", "attorney general", "secretary of state")
_PARTIES: Final = ("democratic", "republican")
_MEASURES: Final = (
    "core cpi", "cpi", "core pce", "pce", "ppi", "gdp", "unemployment", "payrolls", "jobless claims", "retail sales",
    "fed", "ecb", "boe", "boj", "boc", "eggs", "egg",
)  # fmt: skip
_MONTHS: Final = frozenset(MONTH_NAMES[1:])
_YEAR: Final = re.compile(r"^20[1-9]\d$")
_NUMBER: Final = re.compile(r"^\d+(?:\.\d+)?%?$")


def structured_keys(market: Market, spelled: str) -> list[str]:
    """Keys of a headline in the shared spelling: (office, place, party), (measure, month, number), (cities, day).

    ``spelled`` is the market's headline in the shared spelling: "will democratic win the house seat
    for tx17" has the key "house TX-17 democratic".
    """
    words = spelled.split()
    return [
        *_election_keys(spelled, words),
        *_release_keys(spelled, words),
        *_game_keys(market, spelled, words),
    ]


def _election_keys(spelled: str, words: list[str]) -> list[str]:
    parties = [party for party in _PARTIES if party in words]
    if len(parties) != 1:
        return []
    stage = " nominee" if "nominee" in words or "primary" in words else ""
    if stage:
        # A nominee is a person: the party and the place do not tell which.
        return []
    districts = [word for word in words if _DISTRICT.match(word) and word[:2] in _STATE_CODES]
    if districts:
        return [f"house {district[:2].upper()}-{district[2:].upper()} {parties[0]}" for district in districts]
    office = next((name for name in _STATEWIDE if name in spelled), None)
    state = next((code for name, code in _STATES_LONGEST_FIRST if name in spelled), None)
    return [f"{office} {state.upper()} {parties[0]}"] if office and state else []


_STATES_LONGEST_FIRST: Final = sorted(STATES.items(), key=lambda item: -len(item[0]))


_CITIES: Final = sorted(
    {*TEAM_CITIES.values(), *(city for cities in SHARED_NICKNAMES.values() for city in cities)}
    | {"toronto", "columbus", "vegas", "chicago", "portland", "charlotte", "detroit", "boston"}
)


def _game_keys(market: Market, spelled: str, words: list[str]) -> list[str]:
    """The cities that play, also with the day where the text names it; each city a nickname may mean."""
    if "vs" not in words and "at" not in words:
        return []
    told = frozenset(city for city in _CITIES if city in spelled)
    options = [told]
    for word in words:
        cities = SHARED_NICKNAMES.get(word)
        if cities and not any(f"{city} {word}" in spelled for city in cities):
            # "Panthers vs Hurricanes" names Carolina once, and the Panthers may be Florida's.
            options = [option | {city} for option in options for city in cities]
    games = [" + ".join(sorted(option)) for option in options if 1 <= len(option) <= 2]
    days = _days(market) if games else []
    return [f"game {game}{day}" for game in games for day in ("", *days)]


def _days(market: Market) -> list[str]:
    near = market.close_time.date() if market.close_time else None
    text = fold(plain(f"{market.title} {market.rules}", _OPENING))
    return [f" {told}" for told in read_periods(text, near) if told.kind == "date"]


_OPENING: Final = 400


def _release_keys(spelled: str, words: list[str]) -> list[str]:
    measure = next((name for name in _MEASURES if name in spelled), None)
    months = [word for word in words if word in _MONTHS]
    if measure is None or len(months) != 1:
        return []
    numbers = [word for word in words if _NUMBER.match(word) and not _YEAR.match(word)]
    told = {number.rstrip("%") for number in numbers} | {
        _beyond(number, 1 if ">" in words else -1)
        for number in numbers
        if (">" in words or "<" in words) and ("%" in number or "." in number)
    }
    return [f"{measure} {months[0]} {number}" for number in sorted(told)]


def _beyond(number: str, direction: int) -> str:
    """The next published percentage: "> 2.9" is ">= 3.0" on a one-decimal grid."""
    value = Decimal(number.rstrip("%"))
    exponent = value.as_tuple().exponent
    step = Decimal(1).scaleb(-max(1, -exponent if isinstance(exponent, int) else 1))
    return format((value + direction * step).normalize(), "f")
