"""Structured keys of the families whose titles differ in one token of ten."""

import re
from typing import Final

from arb_platform.matching.normalise import MONTH_NAMES
from arb_platform.matching.vocabulary import STATES

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


def structured_keys(spelled: str) -> list[str]:
    """Keys of a headline in the shared spelling: (office, place, party), (measure, month, number).

    >>> structured_keys("will democratic win the house seat for tx17")
    ['house TX-17 democratic']
    """
    words = spelled.split()
    return [*_election_keys(spelled, words), *_release_keys(spelled, words)]


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


def _release_keys(spelled: str, words: list[str]) -> list[str]:
    measure = next((name for name in _MEASURES if name in spelled), None)
    months = [word for word in words if word in _MONTHS]
    if measure is None or len(months) != 1:
        return []
    numbers = {word.rstrip("%") for word in words if _NUMBER.match(word) and not _YEAR.match(word)}
    return [f"{measure} {months[0]} {number}" for number in sorted(numbers)]
