"""A quote counts when it is literally in the text it is said to be from."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.domain.pairs import Evidence, MarketPair
from arb_platform.matching.sanitise import clean_market, plain_text

# "the market" is in every text and proves nothing.
_SHORTEST_QUOTE: Final = 8
_FEWEST_WORDS: Final = 2
# Models set straight quotes and plain dashes where the venue's editor set typographic ones.
_TYPOGRAPHY: Final = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "‑": "-"}
)


def folded(text: str) -> str:
    """Text as quotes are compared: cleaned, one space for any white space, typography flattened; case is kept."""
    return _flat(plain_text(text))


def _flat(plain: str) -> str:
    return " ".join(plain.translate(_TYPOGRAPHY).split())


def objections(evidence: Sequence[Evidence], pair: MarketPair) -> tuple[str, ...]:
    """Why ``evidence`` does not carry an acceptance: quotes that are not there, a side without a quote."""
    found: list[str] = []
    for market in (pair.polymarket, pair.kalshi):
        passages = _passages(market)
        quotes = [item.quote for item in evidence if item.venue == market.venue]
        false = [quote for quote in quotes if not _occurs(quote, passages)]
        found += [f"evidence: a quote is not in the text of {market.venue}" for _ in false[:1]]
        if not any(quote not in false and _weighs(quote) for quote in quotes):
            found.append(f"evidence: no quote from the text of {market.venue}")
    if any(item.venue not in {POLYMARKET, KALSHI} for item in evidence):
        found.append("evidence: a quote from neither venue")
    return tuple(found)


@lru_cache(maxsize=2048)
def _passages(market: Market) -> tuple[str, ...]:
    """What may be quoted: each field by itself, so that no quote can be stitched over two."""
    shown = clean_market(market).market
    fields = (shown.title, shown.subtitle, shown.event_title, shown.rules, shown.resolution_source)
    return tuple(_flat(field) for field in fields if field)


def _occurs(quote: str, passages: Sequence[str]) -> bool:
    wanted = folded(quote)
    return bool(wanted) and any(wanted in passage for passage in passages)


def _weighs(quote: str) -> bool:
    words = re.findall(r"\w+", folded(quote))
    return len(words) >= _FEWEST_WORDS and len(folded(quote)) >= _SHORTEST_QUOTE
