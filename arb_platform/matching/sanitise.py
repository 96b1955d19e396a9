"""Market text is written by strangers: make it plain, and say what was odd about it.

Cleaning alone does not protect: a clean sentence can still give the model orders. Whatever is
found here keeps a verdict from being accepted (see :mod:`arb_platform.matching.validation`), so a
false alarm costs a person's glance and never a wrong match.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.matching.injection import suspicions

LONGEST_TITLE: Final = 400
LONGEST_RULES: Final = 8000
LONGEST_SOURCE: Final = 600
LONGEST_ID: Final = 120
_MOST_OUTCOMES: Final = 20
_VENUES: Final = (POLYMARKET, KALSHI)

_BIDI: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Unicode tag characters spell ASCII invisibly; variation selectors can carry bytes.
_TAGS: Final = re.compile("[\U000e0000-\U000e0fff]")
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f]")
_ZERO_WIDTH: Final = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]"
)
_INVISIBLE: Final = re.compile("|".join(part.pattern for part in (_BIDI, _TAGS, _SELECTORS, _ZERO_WIDTH)))
_ZERO_WIDTH_IN_WORD: Final = re.compile(rf"(?<=\w){_ZERO_WIDTH.pattern}+(?=\w)")
# An editor leaves one at the start of a paragraph; a run of them is a message.
_ZERO_WIDTH_RUN: Final = re.compile(rf"{_ZERO_WIDTH.pattern}{{3,}}")
_MOST_ZERO_WIDTH: Final = 8
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_UNASSIGNED: Final = frozenset({"Co", "Cs", "Cn"})
# accents that Zalgo text piles up
_COMBINING_RUN: Final = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3,}")


@dataclass(frozen=True, slots=True)
class CleanText:
    """Text as we show it and quote from it, and in short words what was odd about it."""

    text: str
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CleanMarket:
    """A market whose words are clean, and the findings of all of its fields ("rules: ...")."""

    market: Market
    findings: tuple[str, ...]


def clean(text: str, *, longest: int, prose: bool = True) -> CleanText:
    """Plain NFKC text of at most ``longest`` characters.

    ``prose`` False is for identifiers and addresses, which are no sentences: only their characters
    are looked at.
    """
    # outcomes and sources are the same words in thousands of markets
    return (_clean_short if len(text) <= _SHORT else _cleaned)(text, longest, prose)


_SHORT: Final = 120


def _cleaned(text: str, longest: int, prose: bool) -> CleanText:  # noqa: FBT001 - one call a field
    findings = list(_character_findings(text))
    plain = plain_text(text)
    if len(plain) > longest:
        findings.append(f"cut to {longest} characters")
        plain = plain[:longest]
    if prose:
        findings += suspicions(plain)
    return CleanText(plain, tuple(dict.fromkeys(findings)))


_clean_short = lru_cache(maxsize=4096)(_cleaned)


def plain_text(text: str) -> str:
    """NFKC without characters that nobody sees; lines are kept, other white space becomes a space."""
    if not text.isascii():
        # normalising may bring back what was hidden inside a compatibility character
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)))
    if not text.replace("\n", "").isprintable():
        text = "".join(" " if _unprintable(char) else char for char in text)
    lines = (" ".join(line.split()) for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


# A market stands in many candidate pairs, and each pair looks at its words three times.
@lru_cache(maxsize=2048)
def clean_market(market: Market) -> CleanMarket:
    """``market`` with its words cleaned, as the prompt shows it and evidence is checked against."""
    titles = {
        name: clean(getattr(market, name), longest=LONGEST_TITLE)
        for name in ("title", "subtitle", "event_title", "outcome")
    }
    rules = clean(market.rules, longest=LONGEST_RULES)
    source = clean(market.resolution_source, longest=LONGEST_SOURCE)
    market_id = clean(market.market_id, longest=LONGEST_ID, prose=False)
    outcomes = [clean(outcome, longest=LONGEST_TITLE) for outcome in market.outcomes[:_MOST_OUTCOMES]]
    named = [*titles.items(), ("rules", rules), ("resolution_source", source), ("market_id", market_id)]
    named += [("outcomes", outcome) for outcome in outcomes]
    findings = [f"{name}: {finding}" for name, part in named for finding in part.findings]
    findings += _named_venues(market)
    cleaned = replace(
        market,
        market_id=market_id.text,
        rules=rules.text,
        resolution_source=source.text,
        outcomes=tuple(outcome.text for outcome in outcomes),
        title=titles["title"].text,
        subtitle=titles["subtitle"].text,
        event_title=titles["event_title"].text,
        outcome=titles["outcome"].text,
    )
    return CleanMarket(cleaned, tuple(dict.fromkeys(findings)))


def _named_venues(market: Market) -> list[str]:
    """A text that names the other venue may be about this comparison; its own name is in disclaimers."""
    words = f"{market.title} {market.subtitle} {market.event_title} {market.rules} {market.outcome}".lower()
    return [f"names {venue}" for venue in _VENUES if venue != market.venue and venue in words]


def _unprintable(char: str) -> bool:
    return char != "\n" and not char.isprintable()


def _character_findings(text: str) -> list[str]:
    if text.isascii():
        return ["control characters"] if _CONTROLS.search(text) else []
    tests = (
        ("bidirectional controls", _BIDI.search(text) is not None),
        ("invisible tag characters", _TAGS.search(text) is not None),
        ("hidden characters inside words", _ZERO_WIDTH_IN_WORD.search(text) is not None),
        ("many hidden characters", _hides_much(text)),
        ("control characters", _CONTROLS.search(text) is not None),
        ("unassigned characters", any(unicodedata.category(char) in _UNASSIGNED for char in text)),
        ("piled up accents", _COMBINING_RUN.search(unicodedata.normalize("NFD", text)) is not None),
    )
    return [name for name, found in tests if found]


def _hides_much(text: str) -> bool:
    hidden = len(_ZERO_WIDTH.findall(text))
    return (
        _ZERO_WIDTH_RUN.search(text) is not None
        or hidden > _MOST_ZERO_WIDTH
        or len(_SELECTORS.findall(text)) > _MOST_ZERO_WIDTH
    )
