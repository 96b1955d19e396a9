"""From a venue's market to terms that can be compared: structured fields first, words second.

What a text does not tell stays empty. Headlines (title, subtitle, event title) say what the bet is;
rule texts are full of exceptions, examples and fallback dates, so only their first sentences are
read, and only where the headline is silent.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Final

from arb_platform.domain.markets import Market
from arb_platform.domain.terms import CutOff, Period, Seat, Source, Subject, Threshold
from arb_platform.matching.dates import read_cut_offs, read_periods
from arb_platform.matching.facets import read_facets, read_opening, says
from arb_platform.matching.normalise import canonical_numbers, fold, normalise, normalise_once, plain
from arb_platform.matching.quantities import counted, read_thresholds, strike
from arb_platform.matching.sources import UNTOLD, WEATHER, read_source, read_stations
from arb_platform.matching.subjects import agent_of, named_state, seat_of, subject_of, teams_of
from arb_platform.matching.word_lists import GRAMMAR_WORDS, TITLE_WORDS
from arb_platform.matching.wording import Telling, beginnings, read_telling

_TITLE_LIMIT: Final = 400
_OPENING_LIMIT: Final = 500
_READ_LIMIT: Final = 4_000


@dataclass(frozen=True, slots=True)
class Reading:
    """The terms of one market; an empty collection or None means that the text does not tell."""

    market: Market
    headline: str
    opening: str
    normal: str
    # every word of headline and rules, as written and in the shared spelling; and their beginnings
    said: frozenset[str]
    # the numbers among them that are no part of a date
    numbers: frozenset[str]
    stems: frozenset[str]
    hole: str | None
    thresholds: tuple[Threshold, ...]
    opening_thresholds: tuple[Threshold, ...]
    periods: tuple[Period, ...]
    opening_periods: tuple[Period, ...]
    cut_offs: tuple[CutOff, ...]
    facets: dict[str, frozenset[str]]
    opening_facets: dict[str, frozenset[str]]
    # what the headline says that tells bets apart, and how the words of headline and rules begin
    telling: tuple[Telling, ...]
    begun: frozenset[str]
    # conditions that change the bet wherever only one side makes them: in the headline, and anywhere
    conditions: frozenset[str]
    conditions_told: frozenset[str]
    state: str | None
    announced: bool
    subject: Subject | None
    agent: Subject | None
    teams: tuple[Subject, Subject] | None
    seat: Seat | None
    price_source: Source
    weather_source: Source
    stations: frozenset[str]
    numbered: dict[str, frozenset[str]]
    county: str | None
    bet_types: frozenset[str]
    moment: str | None
    negated: bool
    names: frozenset[str]
    words: frozenset[str]
    anyone: bool
    single_game: bool


# What a rule does: Polymarket's reading, Kalshi's reading -> the reason it objects, or None.
Comparison = Callable[[Reading, Reading], str | None]


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
    opening = _TERM.sub(" ", _spelled(_first_sentences(rules)))
    near = market.close_time.date() if market.close_time else _told_year(rules)
    facets = read_facets(headline)
    if not facets.keys() & {"central bank"}:
        facets.pop("rate decision", None)
    written = read_thresholds(headline)
    struck = strike(market) or counted(market)
    written = (struck,) if struck else written
    if "Rotten Tomatoes" in facets.get("chart", ()):
        # A percentage that is published whole: its grid is that of a count.
        written = tuple(replace(threshold, unit="") for threshold in written)
    normal = normalise(shown)
    spelled = f"{normal} {normalise_once(rules[:600])} {normalise_once(rules[600:1200])}"
    said = _said(spelled, f"{shown} {rules[:1200]}")
    return Reading(
        market=market,
        headline=headline,
        opening=opening,
        normal=normal,
        said=said,
        numbers=frozenset(_NUMBER.findall(_DATED.sub(" ", spelled))),
        stems=frozenset(word[:STEM] for word in said),
        hole=_hole(market),
        thresholds=written,
        opening_thresholds=read_thresholds(opening),
        periods=read_periods(headline, near),
        opening_periods=read_periods(opening, near),
        cut_offs=read_cut_offs(headline) or read_cut_offs(opening),
        facets=facets,
        opening_facets=read_opening(opening),
        telling=read_telling(shown, normal),
        begun=beginnings(said),
        conditions=_conditions(headline),
        conditions_told=_conditions(f"{headline} {fold(rules[:1200])}"),
        state=named_state(headline),
        announced=says("announcement", _binding(opening)),
        subject=subject_of(market),
        agent=agent_of(fold(plain(market.title, _TITLE_LIMIT))),
        teams=teams_of(market),
        seat=seat_of(headline, facets),
        price_source=read_source(market, "price") if "asset" in facets else UNTOLD,
        weather_source=read_source(market, "weather") if WEATHER.search(headline) else UNTOLD,
        stations=read_stations(f"{shown} {rules} {market.resolution_source}"),
        numbered=_numbered(headline) | _named_numbers(shown),
        county=_county(headline),
        bet_types=_bet_types(headline),
        moment=_moment(headline, opening),
        negated=_negated(headline),
        names=_names(shown),
        words=frozenset(word for word in normal.split() if word[0].isalpha()) - GRAMMAR_WORDS,
        anyone=bool(_ANYONE.search(headline)),
        single_game=bool(_SINGLE_GAME.search(headline)),
    )


# "An announcement alone does not count" speaks of announcing in order to say that it is not the bet.
_NOT_ENOUGH: Final = re.compile(r"\b(?:alone|only once|not enough|not count|not qualify|not suffice)\b")


def _binding(opening: str) -> str:
    return ". ".join(part for part in opening.split(". ") if not _NOT_ENOUGH.search(part))


_DATED: Final = re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec) \d{1,2}\b")
_NUMBER: Final = re.compile(r"\b\d+(?:\.\d+)?")

# Words that begin alike are forms of one: Hungary, Hungarian.
STEM: Final = 5
_SAID: Final = re.compile(r"[\w.%$']+")


def _said(spelled: str, shown: str) -> frozenset[str]:
    written = {word.strip(".'") for word in _SAID.findall(fold(shown))}
    return (frozenset(spelled.split()) | written) - {""}


_PLACEHOLDER: Final = re.compile(
    r"\|\|[^|]{0,40}\|\||\{\{[^}]{0,40}\}\}|<[A-Z_ ]{3,30}>|\[(?:INSERT|TBD|DATE|NAME)[^\]]{0,30}\]|\bTBD\b|\bTBA\b"
)


def _hole(market: Market) -> str | None:
    if not plain(market.title):
        return "no title"
    for text in (market.title, market.subtitle, market.event_title, market.rules):
        match = _PLACEHOLDER.search(plain(text))
        if match:
            return repr(match.group())
    return None


# The term of an office is not the time of the event that fills it.
_TERM: Final = re.compile(
    r"\bterm (?:beginning|starting|that (?:begins|starts))[^.;|]{0,40}|\binaugurated[^.;|]{0,60}"
)
# Grok 6, Gemini 4, Shrek 5: a name with a small number after it, which no month or comparison is.
_NAMED_NUMBER: Final = re.compile(
    r"\b([A-Z][A-Za-z]{2,15}) (\d{1,2})\b(?![%°,:/.+-]|(?:st|nd|rd|th)\b| ?(?:bps|am|pm|AM|PM|or|to|points|million|billion|trillion)\b)"
)
_NO_NAME: Final = re.compile(r"^(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|^(?:top|over|under|above|below|between|before|after|least|most|than|exactly|reach|hit|cut|hike|win|wins|the|and|first|last|next|quarter|season|episode|week|day)$")  # fmt: skip


def _named_numbers(shown: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name, number in _NAMED_NUMBER.findall(shown):
        if not _NO_NAME.match(name.lower()):
            found.setdefault(name.lower(), set()).add(number)
    return {name: frozenset(numbers) for name, numbers in found.items()}


_COUNTY: Final = re.compile(r"\b(?:in|of) ((?:[a-z'-]+ ){1,3})(?:county|borough|parish|precinct)\b")


def _county(headline: str) -> str | None:
    match = _COUNTY.search(headline)
    return match[1].strip() if match else None


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
    r"\b(group|stage|week|game|map|round|set|match ?day|season|episode|part|gta|district|session|flight|mission|chapter|volume|phase|super bowl|heat|leg) "
    r"([a-l]\b|\d{1,3}\b|[ivxl]{1,6}\b)|\btop[ -](\d{1,3})\b"
)


# GPT-6, TX-17, F-35: the same name with another number is another thing.
_VERSIONED: Final = re.compile(r"\b([a-z]{1,12})-(\d{1,3}(?:\.\d)?)\b(?![-/])")


def _numbered(headline: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for noun, number, top in _NUMBERED.findall(headline):
        found.setdefault(noun or "top", set()).add(number or top)
    for name, number in _VERSIONED.findall(headline):
        found.setdefault(name, set()).add(number.lstrip("0"))
    return {noun: frozenset(numbers) for noun, numbers in found.items()}


_CONDITIONS: Final = {
    "emergency": re.compile(r"\bemergency (?:rate|fed|fomc|meeting|cut|hike)|\bunscheduled\b|inter-?meeting|\b(?:outside|between) (?:of )?(?:a |its |any )?(?:regularly )?scheduled|fed emergency"),
    "majority": re.compile(r"\b(?:outright|absolute|overall|working) majority\b|\bmajority of (?:the )?seats\b|\b(?:wins?|secures?|gets?) (?:a |the )?majority\b"),
    "landfall": re.compile(r"\blandfall\b"),
    "unanimous": re.compile(r"\bunanimous(?:ly)?\b|\bno dissents?\b"),
    "in a row": re.compile(r"\bconsecutive\b|\bin a row\b|\bback[- ]to[- ]back\b|\bstraight (?:meetings?|months?|wins?|games?|titles?)\b"),
    "record": re.compile(r"\brecord (?:high|low)\b|\ball[- ]time (?:high|low)\b|\bnew (?:high|low)\b"),
}  # fmt: skip


_CONDITION_WORDS: Final = re.compile(
    r"emergency|schedul|inter-?meeting|majority|landfall|unanimous|dissent|consecutive|in a row|back[- ]to|straight|record|all[- ]time|new (?:high|low)"
)


def _conditions(text: str) -> frozenset[str]:
    if not _CONDITION_WORDS.search(text):
        return frozenset()
    return frozenset(name for name, pattern in _CONDITIONS.items() if pattern.search(text))


_BETS: Final = {
    "spread": re.compile(
        r"\bspread\b|\bhandicap\b|\bwins? by (?:over|more than|at least|\d)|\(?[+-]\d{1,2}\.5\)?|margin of victory"
    ),
    "total": re.compile(
        r"\bo/u\b|over/under|\btotal (?:points|goals|runs|maps|games|rounds|sets|corners)|"
        r"(?<!by )\b(?:over|under) \d{1,3}\.5\b|(?:points|goals|runs) scored|combined score"
    ),
    "part of the game": re.compile(
        r"\b(?:1st|first|2nd|second) half\b|\b[12]h\b|half-?time|\b(?:1st|2nd|3rd|4th|first|second|third|fourth) (?:quarter|period|inning|set|map)"
        r"|first (?:5|five) innings|\b(?:map|set|quarter|period|inning) [1-9]\b"
    ),
    "draw": re.compile(r"\bdraw\b(?! for)|\bend in a (?:tie|draw)\b|\| tie \|"),
    "both score": re.compile(r"both teams to score|\bbtts\b"),
    "regulation time": re.compile(r"in 90 minutes|regulation|regular time"),
    "method": re.compile(r"method of (?:victory|win)|\bby (?:ko|tko|knockout|submission|decision|stoppage|points decision|dq)\b|\bko/tko\b"),
    "distance": re.compile(r"\bgo(?:es)? the distance\b|\bfull distance\b|\bends? in round\b|\bround (?:betting|of finish)\b"),
    "overtime": re.compile(r"\b(?:go(?:es)? to|ends? in|decided in) (?:overtime|extra (?:time|innings)|penalt)|\bovertime\?"),
    "exact score": re.compile(r"\b(?:exact|correct|final) score\b"),
    "corners or cards": re.compile(r"\bcorners?\b(?! office)|\b(?:yellow|red) cards?\b"),
    "first scorer": re.compile(r"first (?:goal|touchdown)|anytime (?:goal|touchdown)"),
}  # fmt: skip


def _bet_types(headline: str) -> frozenset[str]:
    return frozenset(kind for kind, pattern in _BETS.items() if pattern.search(headline))


_TOUCH: Final = re.compile(
    r"\bgo(?:es)? (?:above|below|over|under)\b|\bclimbs? (?:to|above)\b|\b(?:reach(?:es)?|hits?|dips?|touch(?:es)?|surpass(?:es)?)\b|at any (?:time|point)|\bhow (?:high|low)\b|\b(?:high|low) in\b|"
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


_ANYONE: Final = re.compile(r"\bwill (?:anyone|anybody|any (?!of )\w+|someone|no one|nobody)\b")
_SINGLE_GAME: Final = re.compile(
    r"\bwin on (?:20\d\d|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)|\b(?:win|wins) the (?:game|match)\b|\b(?:beat|defeat)s?\b"
)


_NEGATION: Final = re.compile(
    r"\bnot\b|n't\b|\bnever\b|\bwithout\b|\bfails? to\b|\bloses?\b(?! to leave)|\bno (?=\w+ (?:deal|by|before|in))|^no (?!change|later|more|less|fewer|one\b|\.|\d)|\bavoids?\b"
)
_NO_NEGATION: Final = re.compile(
    r"no later than|(?:no|not) (?:more|less|fewer|lower|higher) than|no change|whether or not|not including"
)


def _negated(headline: str) -> bool:
    # Title, subtitle and event title say the same thing again, so the first part decides.
    first = _NO_NEGATION.sub(" ", headline.split(" | ", maxsplit=1)[0])
    return len(_NEGATION.findall(first)) % 2 == 1


_NAME: Final = re.compile(r"(?<![\w'])[A-Z][\w'.&-]*[\w]")


def _names(shown: str) -> frozenset[str]:
    """Folded words of proper names in a headline; capitals of ordinary title words left out."""
    found: set[str] = set()
    for match in _NAME.finditer(shown):
        if fold(match.group()) in TITLE_WORDS:
            continue
        found.update(word for word in _NAME_WORD.findall(fold(match.group())) if word not in TITLE_WORDS)
    return frozenset(found)


_NAME_WORD: Final = re.compile(r"[a-z][a-z0-9]+")
