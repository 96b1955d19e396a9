"""One attempt after another at one provider, each written down before and after, each within limits and budget."""

import asyncio
import logging
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Final

from arb_platform.domain.calls import LLMCall
from arb_platform.llm.budget import Budget, Reservation, estimated_usd
from arb_platform.llm.ledger import UsageTotals
from arb_platform.llm.prices import PRICE_VERSION, cost_usd
from arb_platform.llm.providers import ChatRequest, Message
from arb_platform.llm.replies import Outcome
from arb_platform.llm.secrets import redacted
from arb_platform.llm.shapes import ResponseSchema
from arb_platform.llm.transport import Connections, Endpoint, Lane, exchange
from arb_platform.llm.writing import Books

RETRIES: Final = 3
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 20.0
# A provider that asks for a longer pause is as good as down for this call.
_LONGEST_REQUESTED_WAIT: Final = 60.0
_REPAIR: Final = "That was not one valid JSON object of the requested form. Answer again with exactly one JSON object and nothing else."
_LARGEST_ANSWER_TOKENS: Final = 2000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, before a provider and a model are chosen; ``numbers`` counts attempts over all providers."""

    messages: tuple[Message, ...]
    temperature: float
    max_tokens: int
    schema: ResponseSchema | None
    pair_hash: str | None
    numbers: "count[int]"

    def request(self, model: str) -> ChatRequest:
        return ChatRequest(model, self.messages, self.temperature, self.max_tokens, self.schema)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Everything an attempt needs besides the question; one per client."""

    books: Books
    budget: Budget
    totals: UsageTotals
    keys: tuple[str, ...] = field(repr=False)
    run_id: str
    timeout_seconds: float
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    rng: random.Random

    async def persist(
        self, connections: Connections, endpoint: Endpoint, question: Question, *, model: str, fallback: bool
    ) -> Outcome:
        """Ask one provider until it answers, retries are used up, or asking again is pointless."""
        request = question.request(model)
        retries, repaired = 0, False
        while True:
            outcome = await self._attempt(connections, endpoint, request, question, fallback=fallback)
            if outcome.answer is not None:
                return outcome
            if outcome.repairable and not repaired:
                request, repaired = _repair(request, outcome), True
                continue
            if not outcome.retryable or retries >= RETRIES:
                return outcome
            if (outcome.wait_seconds or 0.0) > _LONGEST_REQUESTED_WAIT:
                return outcome
            if outcome.wait_seconds:
                endpoint.bucket.pause(outcome.wait_seconds)
            await self.sleep(max(self._back_off(retries), outcome.wait_seconds or 0.0))
            retries += 1

    def _back_off(self, retries: int) -> float:
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0**retries)
        return delay * (0.5 + self.rng.random() / 2)

    async def _attempt(
        self,
        connections: Connections,
        endpoint: Endpoint,
        request: ChatRequest,
        question: Question,
        *,
        fallback: bool,
    ) -> Outcome:
        async with connections.lane() as lane:
            await endpoint.bucket.acquire()
            now = self.clock()
            with self.budget.reserved(
                estimated_usd(endpoint.provider.name, request, now), now
            ) as reservation:
                call = LLMCall(
                    call_id=uuid.uuid4().hex,
                    run_id=self.run_id,
                    pair_hash=question.pair_hash,
                    provider=endpoint.provider.name,
                    model=request.model,
                    attempt=next(question.numbers),
                    started_at=now,
                    status="started",
                    fallback=fallback,
                )
                return await self._recorded(lane, endpoint, request, call, reservation)

    async def _recorded(
        self,
        lane: Lane,
        endpoint: Endpoint,
        request: ChatRequest,
        call: LLMCall,
        reservation: Reservation,
    ) -> Outcome:
        """Send, and complete the row of ``call`` whatever happens but a crash."""
        began, sent = self.monotonic(), False
        try:
            await self.books.start(call)
            began, sent = self.monotonic(), True
            outcome = await exchange(
                lane,
                endpoint,
                endpoint.provider.body(request),
                schema=request.schema,
                timeout_seconds=self.timeout_seconds,
                now=self.clock,
            )
        except asyncio.CancelledError:
            reservation.unseen = sent
            self._finish(call, Outcome("cancelled", "the caller gave up"), began)
            raise
        outcome = replace(outcome, error=redacted(outcome.error, self.keys))
        reservation.unseen = self._finish(call, outcome, began) is None and outcome.maybe_billed
        return outcome

    def _finish(self, call: LLMCall, outcome: Outcome, began: float) -> Decimal | None:
        usage = outcome.usage
        cost = cost_usd(call.provider, call.model, usage, call.started_at)
        finished = replace(
            call,
            status=outcome.status,
            latency_ms=(self.monotonic() - began) * 1000,
            http_status=outcome.http_status,
            prompt_tokens=usage.prompt_tokens if usage else None,
            cached_tokens=usage.cached_tokens if usage else None,
            completion_tokens=usage.completion_tokens if usage else None,
            cost_usd=cost,
            price_version=PRICE_VERSION if cost is not None else None,
            error=outcome.error,
        )
        self.books.finish(finished)
        self.totals.add(finished)
        if outcome.status != "ok":
            logger.warning(
                "%s %s, attempt %d: %s, %s",
                call.provider,
                call.model,
                call.attempt,
                outcome.status,
                outcome.error,
            )
        return cost


def _repair(request: ChatRequest, outcome: Outcome) -> ChatRequest:
    """The same question with a remark; its prefix stays the same, so that it is billed as cached."""
    if outcome.status == "truncated":
        more = min(_LARGEST_ANSWER_TOKENS, request.max_tokens * 2)
        return replace(request, max_tokens=max(request.max_tokens, more))
    remark = {"role": "user", "content": _REPAIR}
    return replace(request, messages=(*request.messages, remark))
