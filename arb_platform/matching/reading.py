"""From a venue's market to terms that can be compared: structured fields first, words second.

What a text does not tell stays empty. Headlines (title, subtitle, event title) say what the bet is;
rule texts are full of exceptions, examples and fallback dates, so only their first sentences are
read, and only where the headline is silent.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from arb_platform.domain.markets import Market
from arb_platform.domain.terms import CutOff, Period, Seat, Source, Subject, Threshold
from arb_platform.matching.dates import read_cut_offs, read_periods
from arb_platform.matching.facets import read_facets
from arb_platform.matching.normalise import canonical_numbers, fold, normalise, plain
from arb_platform.matching.quantities import read_thresholds, strike
from arb_platform.matching.sources import read_source, read_stations
from arb_platform.matching.subjects import seat_of, subject_of, teams_of

_TITLE_LIMIT: Final = 400
_OPENING_LIMIT: Final = 500
_READ_LIMIT: Final = 4_000


@dataclass(frozen=True, slots=True)
class Reading:
    """The terms of one market; an empty collection or None means that the text does not tell."""

    headline: str
    opening: str
    normal: str
    whole: str
    thresholds: tuple[Threshold, ...]
    opening_thresholds: tuple[Threshold, ...]
    periods: tuple[Period, ...]
    opening_periods: tuple[Period, ...]
    cut_offs: tuple[CutOff, ...]
    facets: dict[str, frozenset[str]]
    opening_facets: dict[str, frozenset[str]]
    subject: Subject | None
    teams: tuple[Subject, Subject] | None
    seat: Seat | None
    price_source: Source
    weather_source: Source
    stations: frozenset[str]
    numbered: dict[str, frozenset[str]]
    bet_types: frozenset[str]
    moment: str | None
    negated: bool
    names: frozenset[str]


def headline_of(market: Market) -> str:
    """Title, subtitle and event title as a reader sees them, each once, parted by bars."""
    parts: list[str] = []
    outcome = market.outcome if market.outcome.lower() not in ("yes", "no") else ""
    for text in (market.title, market.subtitle, market.event_title, outcome):
        part = plain(text, _TITLE_LIMIT)
        if part and part not in parts and part.lower() not in ("yes", "no"):
            parts.append(part)
    return " | ".join(parts) + " |"


@lru_cache(maxsize=16384)
def read(market: Market) -> Reading:
    """Everything the rules compare, read once per market."""
    shown = headline_of(market)
    headline = _spelled(shown)
    rules = plain(market.rules, _READ_LIMIT)
    opening = _spelled(_first_sentences(rules))
    near = market.close_time.date() if market.close_time else _told_year(rules)
    facets = read_facets(headline)
    if not facets.keys() & {"central bank"}:
        facets.pop("rate decision", None)
    written = read_thresholds(headline)
    struck = strike(market)
    normal = normalise(shown)
    return Reading(
        headline=headline,
        opening=opening,
        normal=normal,
        whole=f"{normal} {normalise(rules[:600])} {normalise(rules[600:1200])}",
        thresholds=(struck,) if struck else written,
        opening_thresholds=read_thresholds(opening),
        periods=read_periods(headline, near),
        opening_periods=read_periods(opening, near),
        cut_offs=read_cut_offs(headline) or read_cut_offs(opening),
        facets=facets,
        opening_facets=read_facets(opening),
        subject=subject_of(market),
        teams=teams_of(market),
        seat=seat_of(headline, facets),
        price_source=read_source(market, "price"),
        weather_source=read_source(market, "weather"),
        stations=read_stations(f"{shown} {rules} {market.resolution_source}"),
        numbered=_numbered(headline),
        bet_types=_bet_types(headline),
        moment=_moment(headline, opening),
        negated=_negated(headline),
        names=_names(shown),
    )


def _spelled(text: str) -> str:
    return canonical_numbers(fold(text))


def _first_sentences(rules: str) -> str:
    head = rules[:_OPENING_LIMIT]
    ends = [match.end() for match in re.finditer(r"[.!?](?= [A-Z])", head)]
    return head[: ends[1]] if len(ends) > 1 else head


def _told_year(rules: str) -> date | None:
    years = re.findall(r"\b20[1-9]\d\b", rules)
    return date(int(years[0]), 7, 1) if years else None


_NUMBERED: Final = re.compile(
    r"\b(group|stage|week|game|map|round|set|match ?day|season|episode|part|gta|district|session|super bowl|heat|leg) "
    r"([a-l]\b|\d{1,3}\b|[ivxl]{1,6}\b)|\btop[ -](\d{1,3})\b"
)


def _numbered(headline: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for noun, number, top in _NUMBERED.findall(headline):
        found.setdefault(noun or "top", set()).add(number or top)
    return {noun: frozenset(numbers) for noun, numbers in found.items()}


_BETS: Final = {
    "spread": re.compile(
        r"\bspread\b|\bhandicap\b|\bwins? by (?:over|more than|at least|\d)|\(?[+-]\d{1,2}\.5\)?|margin of victory"
    ),
    "total": re.compile(
        r"\bo/u\b|over/under|\btotal (?:points|goals|runs|maps|games|rounds|sets|corners)|\b(?:over|under) \d{1,3}\.5\b|"
        r"(?:points|goals|runs) scored|combined score"
    ),
    "part of the game": re.compile(
        r"\b(?:1st|first|2nd|second) half\b|\b[12]h\b|half-?time|\b(?:1st|2nd|3rd|4th|first|second|third|fourth) (?:quarter|period|inning|set|map)"
        r"|first (?:5|five) innings|\b(?:map|set|quarter|period|inning) [1-9]\b"
    ),
    "draw": re.compile(r"\bdraw\b(?! for)|\bend in a (?:tie|draw)\b|\| tie \|"),
    "both score": re.compile(r"both teams to score|\bbtts\b"),
    "regulation time": re.compile(r"in 90 minutes|regulation|regular time"),
    "first scorer": re.compile(r"first (?:goal|touchdown)|anytime (?:goal|touchdown)"),
}  # fmt: skip


def _bet_types(headline: str) -> frozenset[str]:
    return frozenset(kind for kind, pattern in _BETS.items() if pattern.search(headline))


_TOUCH: Final = re.compile(
    r"\b(?:reach(?:es)?|hits?|dips?|touch(?:es)?|surpass(?:es)?)\b|at any (?:time|point)|\bhow (?:high|low)\b|\b(?:high|low) in\b|"
    r"all[- ]time high|\bany [^.|]{0,60}candle|\b(?:max(?:imum)?|min(?:imum)?|highest|lowest) price|\bfalls? to\b|\bever\b"
)
_AT: Final = re.compile(
    r"\bclos(?:e|es|ing)\b|\bsettle[sd]?\b|\bsettlement\b|\bend of\b|\bprice (?:on|at)\b|\b(?:above|below|between|at) [^|]{1,40}? (?:on|at) |"
    r"\bat \d{1,2}(?::\d\d)? ?[ap]m\b|\bon (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
)


def _moment(headline: str, opening: str) -> str | None:
    """``touch`` when one moment in a span is enough, ``at`` when one moment alone counts."""
    for text in (headline, opening):
        if _TOUCH.search(text):
            return "touch"
        if _AT.search(text):
            return "at"
    return None


_NEGATION: Final = re.compile(
    r"\bnot\b|n't\b|\bnever\b|\bwithout\b|\bfails? to\b|\bloses?\b(?! to leave)|\bno (?=\w+ (?:deal|by|before|in))|\bavoids?\b"
)
_NO_NEGATION: Final = re.compile(r"no later than|(?:no|not) (?:more|less|fewer|lower|higher) than|no change|whether or not|not including")


def _negated(headline: str) -> bool:
    # Title, subtitle and event title say the same thing again, so the first part decides.
    first = _NO_NEGATION.sub(" ", headline.split(" | ", maxsplit=1)[0])
    return len(_NEGATION.findall(first)) % 2 == 1


_NAME: Final = re.compile(r"(?<![\w'])[A-Z][\w'.&-]*[\w]")
# Words that titles write with a capital without naming anything.
_COMMON: Final = frozenset(
    "will who what when which how win winner wins winners winning next be the is are does do can before after by on in of for at to and or "
    "vs above below over under between more less than yes no price prices high low highest lowest top end most first second third "
    "election elections race primary presidential president governor senate house seat seats party nominee nomination nominees general "
    "special mayor mayoral minister prime vice chancellor democratic republican control congress midterm midterms candidate "
    "rate rates decision meeting inflation index cpi pce core gdp report release jobs claims unemployment year month week "
    "championship champion champions final finals playoffs league cup season pro professional football basketball baseball hockey soccer tournament "
    "award awards best outstanding series actor actress song album movie film show chart number game match point points total "
    "out leave announce announced officially official say said market cap company ipo deal billion million thousand percent "
    "january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec "
    "monday tuesday wednesday thursday friday saturday sunday et est edt utc am pm up down maintain cut hike hold increase decrease "
    "major men women mens womens grand world national american team club group stage round place day daily weekly monthly annual "
    "temperature temp weather record hottest person people us uk eu united states state county city new north south east west "
    "yield treasury 10-year 2-year average initial jobless if any this that market resolves united outright majority popular vote "
    "government prize exactly least ever all time make made get gets take takes sign signed per into with from".split()
)


def _names(shown: str) -> frozenset[str]:
    """Normalised words of proper names in a headline; capitals of ordinary title words left out."""
    found: set[str] = set()
    for match in _NAME.finditer(shown):
        if fold(match.group()) in _COMMON:
            continue
        found.update(word for word in normalise(match.group()).split() if len(word) > 2 and word not in _COMMON)
    return frozenset(word for word in found if not word.isdigit())
