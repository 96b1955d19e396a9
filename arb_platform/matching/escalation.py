"""A second, better model for the pairs the first one left in doubt, with a budget of its own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

from arb_platform.domain.errors import BudgetExceeded
from arb_platform.domain.pairs import Candidate, MarketPair, Verdict
from arb_platform.matching.validation import LLMValidator
from arb_platform.matching.verdicts import text_findings


class EscalatingJudge:
    """Asks ``first``, and ``second`` about what would otherwise wait for a person.

    Suspicious text is not escalated: no model can clear it, so the money would be wasted. When the
    second has no budget or no answer, the first one's verdict stands.
    """

    name = "llm"

    def __init__(self, first: LLMValidator, second: LLMValidator) -> None:
        self._first = first
        self._second = second
        self.escalated = 0

    @property
    def models(self) -> tuple[str, ...]:
        return (*self._first.models, *self._second.models)

    def broken_rules(self, pair: MarketPair) -> Sequence[str]:
        return self._first.broken_rules(pair)

    async def judge(self, candidate: Candidate) -> Verdict:
        verdict = await self._first.judge(candidate)
        if verdict.status != "review" or text_findings(candidate.pair):
            return verdict
        try:
            second = await self._second.judge(candidate)
        except BudgetExceeded:
            return verdict
        self.escalated += 1
        return verdict if second.status == "failed" else second

    def spent_usd(self) -> Decimal:
        return self._first.spent_usd() + self._second.spent_usd()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        async with self._first.session(), self._second.session():
            yield
