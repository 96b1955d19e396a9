"""A judge without a key: shows the flow and ranks the queue, and never accepts anything.

Word overlap reached a precision of .64 at best in our measurements, so its verdicts are `review`
or `rejected` and its relation is always unknown.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from arb_platform.domain.markets import Market
from arb_platform.domain.pairs import Candidate, FieldMatches, MarketPair, Verdict
from arb_platform.llm.client import utc_now
from arb_platform.matching.prompt import PROMPT_VERSION
from arb_platform.matching.rules import RULES_VERSION, broken_rules
from arb_platform.matching.sanitise import clean_market
from arb_platform.matching.verdicts import time_to_live

MODEL: Final = "word-overlap"
_REVIEW_FROM: Final = 0.5
_COMMON: Final = frozenset(
    ("a", "an", "and", "are", "as", "at", "be", "before", "by", "for", "from", "if", "in", "is", "it", "its", "of",
     "on", "or", "than", "the", "then", "this", "to", "will", "with", "yes", "no")
)  # fmt: skip


class OfflineJudge:
    """Rules and a small score; ``review`` or ``rejected``, never ``accepted``."""

    name = "offline"
    models = (MODEL,)

    def __init__(
        self,
        *,
        rules: Callable[[MarketPair], Sequence[str]] = broken_rules,
        rules_version: str = RULES_VERSION,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.broken_rules = rules
        self.rules_version = rules_version
        self._clock = clock

    async def judge(self, candidate: Candidate) -> Verdict:
        pair, now = candidate.pair, self._clock()
        broken = candidate.broken_rules
        similarity = 0.0 if broken else word_overlap(pair)
        objections = [f"rule: {reason}" for reason in broken]
        objections.append("judged offline: only a language model or a person can accept")
        return Verdict(
            pair_hash=pair.pair_hash,
            similarity=similarity,
            relation="unknown",
            orientation="unknown",
            field_matches=FieldMatches(),
            explanation=f"{similarity:.0%} of the words of both titles agree",
            evidence=(),
            judge=self.name,
            model=MODEL,
            prompt_version=PROMPT_VERSION,
            rules_version=self.rules_version,
            status="review" if similarity >= _REVIEW_FROM else "rejected",
            decided_at=now,
            valid_until=now + time_to_live(pair, now),
            objections=tuple(objections),
        )

    def spent_usd(self) -> Decimal:
        return Decimal(0)

    def session(self) -> AbstractAsyncContextManager[Any]:
        return nullcontext()


def word_overlap(pair: MarketPair) -> float:
    """Shared words of both titles over all their words (Dice), common words left out."""
    first, second = _words(pair.polymarket), _words(pair.kalshi)
    if not first or not second:
        return 0.0
    return 2 * len(first & second) / (len(first) + len(second))


def _words(market: Market) -> set[str]:
    shown = clean_market(market).market
    text = f"{shown.title} {shown.subtitle}".lower()
    return set(re.findall(r"[a-z0-9]+(?:\.[0-9]+)?", text)) - _COMMON
