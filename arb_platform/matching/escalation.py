"""A second, better model for the pairs the first one left in doubt, with a budget of its own."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Final

from arb_platform.domain.errors import BudgetExceeded, ProvidersRefuse
from arb_platform.domain.pairs import Candidate, MarketPair, Verdict
from arb_platform.matching.validation import LLMValidator
from arb_platform.matching.verdicts import text_findings

# Each costs retries of up to a minute; then the model is down and not unlucky.
_FAILURES_IN_A_ROW: Final = 3


class EscalatingJudge:
    """Asks ``first``, and ``second`` about what would otherwise wait for a person.

    Suspicious text is not escalated: no model can clear it, so the money would be wasted. When the second
    has no budget, no answer or refuses us, the first one's verdict stands. ``keep_doubt`` gets the first
    verdict where the second decides, so that both can be kept.
    """

    name = "llm"

    def __init__(
        self,
        first: LLMValidator,
        second: LLMValidator,
        *,
        keep_doubt: Callable[[Verdict], None] = lambda _: None,
    ) -> None:
        self.first = first
        self.second = second
        self.escalated = 0
        # why the second model is not asked any more
        self.stopped_reason = ""
        self._keep_doubt = keep_doubt
        self._paid: dict[str, Verdict] = {}
        self._failures = 0

    @property
    def models(self) -> tuple[str, ...]:
        """The second's first: where it spoke, its word counts."""
        return tuple(dict.fromkeys((*self.second.models, *self.first.models)))

    def broken_rules(self, pair: MarketPair) -> Sequence[str]:
        return self.first.broken_rules(pair)

    def doubts(self, pair: MarketPair, verdict: Verdict) -> bool:
        """Whether ``verdict`` is one that the second model is asked about."""
        return (
            verdict.status == "review" and verdict.model not in self.second.models and not text_findings(pair)
        )

    def resume(self, paid: Mapping[str, Verdict]) -> None:
        """Verdicts of the first by pair hash, left in doubt by an earlier run: only the second is asked about them."""
        self._paid |= paid

    def resumes(self, pair_hash: str) -> bool:
        """Whether the first has been paid for this pair, so that only the second is to be asked."""
        return pair_hash in self._paid

    def estimated_usd(self, pair: MarketPair) -> Decimal:
        """About the most the next question about ``pair`` costs; whether a second follows, the first one's answer tells."""
        asked = self.second if pair.pair_hash in self._paid else self.first
        return asked.estimated_usd(pair)

    async def judge(self, candidate: Candidate) -> Verdict:
        paid = self._paid.get(candidate.pair_hash)
        verdict = await self.first.judge(candidate) if paid is None else paid
        if self.stopped_reason or not self.doubts(candidate.pair, verdict):
            return verdict
        try:
            second = await self.second.judge(candidate)
        except (BudgetExceeded, ProvidersRefuse) as error:
            self.stopped_reason = str(error)
            return verdict
        if second.status == "failed":
            self._failures += 1
            if self._failures >= _FAILURES_IN_A_ROW:
                self.stopped_reason = "; ".join(second.objections)
            return verdict
        self._failures = 0
        self.escalated += 1
        self._keep_doubt(verdict)
        return second

    def spent_usd(self) -> Decimal:
        return self.first.spent_usd() + self.second.spent_usd()

    @asynccontextmanager
    async def session(self) -> AsyncIterator[None]:
        async with self.first.session(), self.second.session():
            yield
