"""Which words of a market's text the other market's text does not have: what a person looks at first.

The two venues never word a contract alike, so an edit script would mark everything. A word counts as shared
wherever it stands in the other text; small words that decide nothing are never marked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from arb_platform.domain.markets import Market, iso_utc
from arb_platform.domain.pairs import MarketPair
from arb_platform.matching.sanitise import clean_market

_WORD: Final = re.compile(r"[^\W_]+(?:[.,:'’][^\W_]+)*%?|[<>≤≥]=?")
_COMMON: Final = frozenset(
    ("a", "an", "and", "are", "as", "at", "be", "been", "by", "for", "from", "has", "have", "if", "in", "is", "it", "its",
     "of", "on", "or", "s", "that", "the", "then", "this", "to", "was", "were", "which", "will", "with", "market", "markets",
     "resolve", "resolves", "otherwise", "yes", "no", "any", "such")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; ``differs`` when its words are not in the other text."""

    text: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """One side of a pair as people see it: its title line, when it closes and who decides, its rules."""

    venue: str
    title: tuple[Piece, ...]
    terms: tuple[Piece, ...]
    rules: tuple[Piece, ...]


def side_by_side(pair: MarketPair) -> tuple[Shown, Shown]:
    """Both sides with what only they say marked; their words are made harmless for a terminal first."""
    first, second = clean_market(pair.polymarket).market, clean_market(pair.kalshi).market
    return _shown(first, second), _shown(second, first)


def marked(text: str, other: str) -> tuple[Piece, ...]:
    """``text`` in pieces, those without a match in ``other`` marked; joined they are ``text`` again."""
    known = {_folded(word) for word in _WORD.findall(other)}
    pieces: list[Piece] = []
    for piece in _split(text, known):
        if pieces and pieces[-1].differs == piece.differs:
            pieces[-1] = Piece(pieces[-1].text + piece.text, piece.differs)
        else:
            pieces.append(piece)
    return tuple(pieces)


def _shown(market: Market, other: Market) -> Shown:
    title, terms = _title(market), _terms(market)
    everything = f"{_title(other)}\n{_terms(other)}\n{other.rules}"
    return Shown(
        market.venue,
        marked(title, everything),
        marked(terms, _terms(other)),
        marked(market.rules, everything),
    )


def _title(market: Market) -> str:
    return f"{market.title} {market.subtitle}".strip()


def _terms(market: Market) -> str:
    return f"closes {iso_utc(market.close_time) or 'at no stated time'}; {market.resolution_source or 'no source named'}"


def _split(text: str, known: set[str]) -> Iterator[Piece]:
    """Words and what is between them; a blank between two marked words is marked with them."""
    end, marking = 0, False
    for word in _WORD.finditer(text):
        differs = _differs(word.group(), known)
        gap = text[end : word.start()]
        if gap:
            yield Piece(gap, differs and marking and gap == " ")
        yield Piece(word.group(), differs)
        end, marking = word.end(), differs
    if end < len(text):
        yield Piece(text[end:], differs=False)


def _differs(word: str, known: set[str]) -> bool:
    folded = _folded(word)
    return folded not in known and folded not in _COMMON


def _folded(word: str) -> str:
    """As words are compared: no case, no plural or genitive, no separators inside numbers."""
    plain = word.casefold().replace("’", "'").removesuffix("'s")
    if plain[:1].isdigit():
        return plain.replace(",", "")
    return plain[:-1] if len(plain) > 3 and plain.endswith("s") and not plain.endswith("ss") else plain
