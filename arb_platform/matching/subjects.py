"""Whose fate decides: the person, party, team or company that a market's Yes is about."""

import re
from typing import Final

from arb_platform.domain.markets import KALSHI, Market
from arb_platform.domain.terms import Seat, Subject
from arb_platform.matching.dates import read_periods
from arb_platform.matching.facets import says
from arb_platform.matching.normalise import canonical_numbers, fold, normalise, plain
from arb_platform.matching.quantities import read_thresholds
from arb_platform.matching.vocabulary import SHARED_NICKNAMES, SHORT_NAMES, STATE_CODES, STATES
from arb_platform.matching.word_lists import EMPTY_NAME_WORDS, WEAK_NAME_WORDS

_VERBS: Final = (
    r"(?:win|wins|be|become|qualify|qualifies|reach|reaches|lead|finish|place|make|leave|announce|advance|get|have|resign|"
    r"hit|dip|close|run|drop|endorse|nominate|sign|say|visit|meet|attend|release|launch|acquire|buy|sell|file|go|"
    r"ipo|lose|play|join|return|remain|stay|host|perform|retire|receive|earn|control|cut|hike|raise|hold|maintain|"
    r"report|beat|defeat|agree|invade|strike|capture|enter|pass|approve|declare|testify|appear|speak|fight|star|score|"
    r"end|default|trade|sue|pardon|fire|veto|recognize|normalize|withdraw|rank|top|debut|gross|not|fall|rise|exceed|pick|take|keep|step)"
)
_WILL: Final = re.compile(r"\bwill (?:the )?(?P<name>.{2,80}?) " + _VERBS + r"\b")
_HEAD: Final = re.compile(
    r"^(?:the )?(?P<name>[^|:?]{2,60}?) (?:out|ipo|arrested|charged|indicted|wins?|cuts?|to win|resigns?|leaves?|announces?|"
    r"divorced?|extradited|convicted|sentenced|pardoned|impeached|fired|confirmed|nominated|acquired|named|hikes?|holds?)\b"
)
_VERSUS: Final = re.compile(
    r"(?:^|[:|] ?)(?P<one>[^|:]{2,40}?) (?:vs\.?|v\.?|versus|@) (?P<two>[^|:?]{2,40}?)(?= winner| \||[:?]| - | \(| on | o/u|$)"
)
_AT: Final = re.compile(
    r"(?:^|[:|] ?)(?P<one>[^|:]{2,40}?) at (?P<two>[^|:?]{2,40}?)(?= winner| total| spread|: )"
)
# Kalshi writes no sign between the teams of a game but "at" and "vs".
_WINNER_OUTCOMES: Final = frozenset(
    {"yes", "no", "over", "under", "up", "down", "odd", "even", "other", "draw", "tie"}
)
_PLAIN_OUTCOMES: Final = frozenset({"yes", "no", ""})
_DISTRICT: Final = re.compile(r"\b([a-z]{2})-?(\d{1,2}|al)\b(?!\d)")
_ELECTED: Final = frozenset(
    {"house", "senate", "governor", "lieutenant governor", "attorney general", "secretary of state"}
)


def subject_of(market: Market) -> Subject | None:
    """What the outcome names: subtitle first, then the title's own subject; None where it cannot tell."""
    subtitle = fold(plain(market.subtitle, 200))
    title = fold(plain(market.title, 400))
    versus = teams_of(market)
    if versus and market.venue != KALSHI:
        named = _first_outcome(market)
        return as_subject(named, as_outcome=True) if named else None
    if subtitle and _is_name(subtitle):
        return as_subject(subtitle, as_outcome=True)
    name = _name_in(title)
    return as_subject(name) if name else None


def teams_of(market: Market) -> tuple[Subject, Subject] | None:
    """Both sides of a game, in the order of the title; None when the title is not one of a game."""
    for text in (market.title, market.event_title):
        folded = fold(plain(text, 400))
        match = _VERSUS.search(folded) or _AT.search(folded)
        if match:
            one, two = as_subject(match["one"]), as_subject(match["two"])
            if one is not None and two is not None:
                return one, two
    return None


def _first_outcome(market: Market) -> str:
    chosen = fold(plain(market.outcome, 100))
    if chosen not in _WINNER_OUTCOMES:
        return chosen
    first = fold(plain(market.outcomes[0], 100)) if market.outcomes else ""
    if first not in _WINNER_OUTCOMES:
        return first
    named = _WILL.search(fold(plain(market.title, 400)))
    return named["name"] if named else ""


def as_subject(name: str, *, as_outcome: bool = False) -> Subject | None:
    """The name with the words that tell it from others; None when nothing of it does."""
    words = frozenset(normalise(name).split()) - EMPTY_NAME_WORDS
    return Subject(name.strip(" ?.,'\""), words, as_outcome) if words else None


def _name_in(title: str) -> str:
    for pattern in (_WILL, _HEAD):
        match = pattern.search(title)
        if match and _is_name(match["name"]):
            # Who pardons whom: the bet is about the other one, whom a headline may name alone.
            return "" if _DONE_TO_SOMEBODY.match(title, match.end("name")) else match["name"]
    return ""


_DONE_TO_SOMEBODY: Final = re.compile(
    r" (?:pardon|fire|endorse|nominate|appoint|replace|sue|impeach)s? (?!to\b|from\b)\w"
)


def _is_name(text: str) -> bool:
    if text.strip("?. ") in _PLAIN_OUTCOMES or re.match(
        r"(?:there|it|anyone|any|no one|nobody|who|what|how|the)\b", text
    ):
        return False
    numbers = canonical_numbers(text)
    if read_thresholds(numbers + " |") or re.fullmatch(r"[\d\s.,%$+<>=°cf-]+", numbers):
        return False
    if read_periods(text, None) and len(text.split()) <= 5:
        return False
    return not any(says(facet, text) for facet in ("rate decision", "measure", "tenor", "asset"))


_ACT: Final = (
    r"(?:strikes?|attacks?|invades?|bombs?|pardons?|visits?|sues?|acquires?|buys?|recogni[sz]es?|arrests?|endorses?|fires?|nominates?|beats?|defeats?|"
    r"annexes|annex|sanctions?|blockades?|withdraws? from|impeaches|impeach|extradites?)"
)
_AGENT: Final = re.compile(
    rf"(?:^(?!will )|\bwill )(?:the )?(?P<name>[a-z][a-z.'-]*(?: [a-z.'-]+){{0,2}}?) {_ACT} (?!down|out|by|for|in|on|off|price)(?:the )?[a-z]"
)


def agent_of(title: str) -> Subject | None:
    """Who acts on somebody else in ``title`` (folded); None where the sentence has another form."""
    match = _AGENT.search(title)
    if match is None or _NOBODY.match(match["name"]):
        return None
    return Subject(match["name"], frozenset(normalise(match["name"]).split()))


_NOBODY: Final = re.compile(r"(?:who|which|what|how|anyone|any|will|when|next|first)\b")


def same_subject(one: Subject, other: Subject) -> bool:
    """Whether two names can be one: everything that one says beyond the other must be absent there.

    "Atlanta" can be "Atlanta Braves", "J Smith" can be "John Smith"; "Jair Bolsonaro" is not
    "Flavio Bolsonaro".
    """
    for mine, theirs in ((one, other), (other, one)):
        for word in mine.words:
            for city in SHARED_NICKNAMES.get(word, ()):
                # "New York R" can be the Rangers, "New York I" cannot.
                initials = {part for part in theirs.words if len(part) == 1}
                if set(city.split()) <= theirs.words and (not initials or word[0] in initials):
                    return True
    # A word that both say is used up: the initial Y is not the "York" of both.
    mine_rest, theirs_rest = one.words - other.words, other.words - one.words
    mine_only = {word for word in mine_rest if not _among(word, theirs_rest)}
    theirs_only = {word for word in theirs_rest if not _among(word, mine_rest)}
    if mine_only and theirs_only:
        return False
    return len(mine_only) < len(one.words)


def mentioned(subject: Subject, words: frozenset[str]) -> bool:
    """Whether a text of these ``words`` speaks of the subject: one word of its name that is not a common one."""
    telling = (subject.words - WEAK_NAME_WORDS) or subject.words
    return any(_among(word, words) for word in telling)


def fully_mentioned(subject: Subject, words: frozenset[str]) -> bool:
    """Whether a text of these ``words`` says every word of the name."""
    return all(_among(word, words) for word in subject.words)


def _among(word: str, words: set[str] | frozenset[str]) -> bool:
    return word in words or any(similar_word(word, other) for other in words)


def similar_word(one: str, other: str) -> bool:
    """Whether two words of a name can be one: an initial, a short form, one letter mistyped."""
    if len(one) == 1 or len(other) == 1:
        return one[0] == other[0] and one.isalpha() and other.isalpha()
    if SHORT_NAMES.get(one) == other or SHORT_NAMES.get(other) == one:
        return True
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) > 1:
        return False
    return len(shorter) >= 5 and shorter.isalpha() and longer.isalpha() and _one_edit(shorter, longer)


def _one_edit(shorter: str, longer: str) -> bool:
    """Whether a single letter inserted or changed makes one word the other (a typo in a name)."""
    for position, (mine, theirs) in enumerate(zip(shorter, longer, strict=False)):
        if mine != theirs:
            if len(shorter) == len(longer):
                return shorter[position + 1 :] == longer[position + 1 :]
            return shorter[position:] == longer[position + 1 :]
    return True


def seat_of(text: str, facets: dict[str, frozenset[str]]) -> Seat | None:
    """The elected seat that ``text`` (folded) names: a district or a state with an office."""
    party = _party(text)
    for state, number in _DISTRICT.findall(text):
        if state in STATE_CODES:
            place = f"{state.upper()}-{number.upper() if number == 'al' else number.zfill(2)}"
            return Seat("house", place, party)
    offices = facets.get("office", frozenset()) & _ELECTED
    if len(offices) != 1:
        return None
    return Seat(next(iter(offices)), _state(text), party)


def named_state(text: str) -> str | None:
    """The code of the one US state that ``text`` (folded) names; None for none or several."""
    named = {STATES[name].upper() for name in _STATE.findall(text)}
    return named.pop() if len(named) == 1 else None


def _state(text: str) -> str:
    match = _STATE.search(text)
    return STATES[match.group()].upper() if match else ""


_STATE: Final = re.compile(r"\b(?:" + "|".join(sorted(STATES, key=len, reverse=True)) + r")\b")


def _party(text: str) -> str | None:
    democratic = re.search(r"\bdem(?:ocrat(?:s|ic)?)?s?\b", text)
    republican = re.search(r"\b(?:republicans?|gop)\b", text)
    if bool(democratic) == bool(republican):
        return None
    return "Democratic" if democratic else "Republican"
