"""Asking a judge about candidate pairs: one code path for the command line and for Dagster."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from arb_platform.domain.calls import CallLedger
from arb_platform.domain.errors import BudgetExceeded, LLMError, ProvidersRefuse
from arb_platform.domain.pairs import Candidate, MarketPair, Verdict
from arb_platform.llm.budget import estimated_usd
from arb_platform.llm.client import LLMClient, utc_now
from arb_platform.llm.providers import ChatRequest
from arb_platform.llm.secrets import Secret
from arb_platform.matching.judge import Judge, Rules, sorted_out
from arb_platform.matching.prompt import ANSWER_TOKENS, RESPONSE_SCHEMA, messages, read_answer
from arb_platform.matching.rules import RULES_VERSION, broken_rules
from arb_platform.matching.verdicts import MIN_SCORE, decide, failed

BATCH_SIZE: Final = 20
CONCURRENCY: Final = 50
# Chance does not do that through retries and a fallback: the providers are down, and each question costs a minute.
FAILURES_IN_A_ROW: Final = 10
Progress = Callable[[int, int], None]


class LLMValidator:
    """Judges pairs with a language model; the hard rules and the evidence confirm or contradict it.

    A ``client`` replaces everything that would configure one. ``rules`` and ``rules_version`` are
    the registered hard rules unless a test brings its own.
    """

    name = "llm"

    def __init__(
        self,
        deepseek_api_key: str | Secret | None = None,
        openai_api_key: str | Secret | None = None,
        min_score: float = MIN_SCORE,
        primary_provider: str = "deepseek",
        enable_fallback: bool = True,  # noqa: FBT001, FBT002 - the owner's signature
        *,
        client: LLMClient | None = None,
        timeout_seconds: float = 30.0,
        deepseek_base_url: str | None = None,
        openai_base_url: str | None = None,
        deepseek_model: str | None = None,
        openai_model: str | None = None,
        deepseek_rpm: int = 60,
        openai_rpm: int = 500,
        ledger: CallLedger | None = None,
        budget_usd: Decimal | None = None,
        run_id: str = "",
        limits_dir: Path | None = None,
        rules: Rules = broken_rules,
        rules_version: str = RULES_VERSION,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.client = client or LLMClient(
            deepseek_api_key,
            openai_api_key,
            primary_provider,
            enable_fallback,
            timeout_seconds,
            deepseek_base_url=deepseek_base_url,
            openai_base_url=openai_base_url,
            deepseek_model=deepseek_model,
            openai_model=openai_model,
            deepseek_rpm=deepseek_rpm,
            openai_rpm=openai_rpm,
            ledger=ledger,
            budget_usd=budget_usd,
            run_id=run_id,
            limits_dir=limits_dir,
            clock=clock,
        )
        self.min_score = min_score
        self.rules_version = rules_version
        self.broken_rules = rules
        self._clock = clock

    @property
    def models(self) -> tuple[str, ...]:
        return self.client.models

    async def validate(self, pair: MarketPair) -> MarketPair:
        """``pair`` with similarity, rules and verdict filled in.

        When every provider fails (or there is no key) the similarity is 0.0 and the verdict's
        status is ``failed``: an outage is not a judgement and must not be kept as one. Raises
        BudgetExceeded when the day's money is spent.
        """
        broken = tuple(self.broken_rules(pair))
        try:
            verdict = await self._verdict(pair, broken)
        except ProvidersRefuse as error:
            verdict = self._failed(pair, error)
        return replace(pair, llm_similarity=verdict.similarity, hard_rules_passed=not broken, verdict=verdict)

    async def judge(self, candidate: Candidate) -> Verdict:
        return await self._verdict(candidate.pair, candidate.broken_rules)

    def spent_usd(self) -> Decimal:
        return self.client.spent_usd()

    def session(self) -> AbstractAsyncContextManager[Any]:
        return self.client

    def estimated_usd(self, pair: MarketPair) -> Decimal:
        """About the most one question about ``pair`` costs now; zero without a key."""
        model = next(iter(self.models), None)
        if model is None:
            return Decimal(0)
        return estimated_usd(self.client.provider_of(model), self.request(pair, model), self._clock())

    def request(self, pair: MarketPair, model: str) -> ChatRequest:
        """What is asked about ``pair``."""
        return ChatRequest(model, messages(pair), 0.0, ANSWER_TOKENS, RESPONSE_SCHEMA)

    def verdict(
        self, pair: MarketPair, broken: Sequence[str], answer: dict[str, Any], *, model: str, at: datetime
    ) -> Verdict:
        """What ``answer`` of ``model`` comes to. Raises LLMError when a value in it is off."""
        return decide(
            read_answer(answer, pair),
            pair,
            broken,
            self.min_score,
            at,
            model=model,
            rules_version=self.rules_version,
        )

    async def _verdict(self, pair: MarketPair, broken: Sequence[str]) -> Verdict:
        try:
            completion = await self.client.ask(
                messages(pair), 0.0, ANSWER_TOKENS, pair_hash=pair.pair_hash, response_schema=RESPONSE_SCHEMA
            )
            return self.verdict(pair, broken, completion.answer, model=completion.model, at=self._clock())
        except (BudgetExceeded, ProvidersRefuse):
            raise
        except LLMError as error:
            return self._failed(pair, error)

    def failed(self, pair: MarketPair, reason: str, *, model: str, at: datetime) -> Verdict:
        """What is kept of a question that nobody answered."""
        return failed(pair, reason, at, model=model, rules_version=self.rules_version)

    def _failed(self, pair: MarketPair, error: LLMError) -> Verdict:
        return self.failed(pair, str(error), model=next(iter(self.models), ""), at=self._clock())


@dataclass(frozen=True, slots=True)
class ValidationSummary:
    """What became of the candidates; every one is counted once.

    ``accepted``, ``rejected`` and ``review`` count new and cached verdicts alike, so that they add up
    with ``failed`` to ``asked`` + ``cached``.
    """

    asked: int
    cached: int
    accepted: int
    rejected: int
    review: int
    failed: int
    skipped_by_rules: int
    cost_usd: Decimal
    stopped_reason: str = ""
    # left over when it stopped early
    not_asked: int = 0
    # decided by the second model; they are among those asked
    escalated: int = 0
    # sent in a batch by this run, and pairs in batches whose answers are still to come, these among them
    submitted: int = 0
    in_batches: int = 0


async def validate_candidates(
    candidates: Sequence[Candidate],
    *,
    judge: Judge,
    known: Mapping[str, Verdict],
    on_batch: Callable[[list[Verdict]], None],
    batch_size: int = BATCH_SIZE,
    concurrency: int = CONCURRENCY,
    progress: Progress | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> ValidationSummary:
    """Ask about every candidate that rules allow and nobody has judged yet.

    ``on_batch`` gets verdicts in the order of their completion, ``batch_size`` at a time, and must
    have them durable when it returns: a crash repays what it has not seen. ``progress`` gets
    (done, total). When the budget is spent, the providers refuse us or nothing but failures comes back,
    this ends with ``stopped_reason`` and keeps what it has.
    """
    ahead = sorted_out(candidates, known, clock())
    run = _Run(judge, iter(ahead.to_ask), len(ahead.to_ask), on_batch, batch_size, progress)
    spent_before = judge.spent_usd()
    async with judge.session():
        await run.work(max(1, concurrency))
    statuses = run.statuses + Counter(verdict.status for verdict in ahead.cached)
    return ValidationSummary(
        asked=run.asked,
        cached=len(ahead.cached),
        accepted=statuses["accepted"],
        rejected=statuses["rejected"],
        review=statuses["review"],
        failed=statuses["failed"],
        skipped_by_rules=ahead.skipped_by_rules + run.skipped,
        cost_usd=judge.spent_usd() - spent_before,
        stopped_reason=run.stopped_reason,
        not_asked=len(ahead.to_ask) - run.asked - run.skipped,
    )


@dataclass(slots=True)
class _Run:
    judge: Judge
    waiting: Iterator[Candidate]
    total: int
    on_batch: Callable[[list[Verdict]], None]
    batch_size: int
    progress: Progress | None
    batch: list[Verdict] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    asked: int = 0
    skipped: int = 0
    failures_in_a_row: int = 0
    stopped_reason: str = ""

    async def work(self, concurrency: int) -> None:
        """One question first, so that a key that is refused costs one call and not fifty; then as many workers as
        may ask at once, so that memory does not grow with the candidates.
        """
        try:
            while not (self.asked or self.stopped_reason) and (first := next(self.waiting, None)):
                await self._look_at(first)
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, self.total)):
                    group.create_task(self._worker())
        except BaseExceptionGroup as errors:
            # one full disk stops all workers; its sentence is for the caller
            raise errors.exceptions[0] from None
        finally:
            # also when we are cancelled: what was paid for is kept
            self._flush()

    async def _worker(self) -> None:
        for candidate in self.waiting:
            if self.stopped_reason:
                return
            await self._look_at(candidate)

    async def _look_at(self, candidate: Candidate) -> None:
        # the rules are asked here and not all at once before: they may be newer than the candidates
        if self.judge.broken_rules(candidate.pair):
            self.skipped += 1
            self._tell()
            return
        try:
            verdict = await self.judge.judge(candidate)
        except (BudgetExceeded, ProvidersRefuse) as error:
            self.stopped_reason = self.stopped_reason or str(error)
        else:
            self._keep(verdict)

    def _keep(self, verdict: Verdict) -> None:
        self.asked += 1
        self.statuses[verdict.status] += 1
        self.failures_in_a_row = self.failures_in_a_row + 1 if verdict.status == "failed" else 0
        if self.failures_in_a_row == FAILURES_IN_A_ROW:
            self.stopped_reason = (
                f"{FAILURES_IN_A_ROW} questions in a row failed, the last so: {verdict.explanation}"
            )
        self.batch.append(verdict)
        if len(self.batch) >= self.batch_size:
            self._flush()
        self._tell()

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(self.asked + self.skipped, self.total)

    def _flush(self) -> None:
        if self.batch:
            self.on_batch(self.batch)
            # only now: what could not be kept is offered once more when the run ends
            self.batch = []
