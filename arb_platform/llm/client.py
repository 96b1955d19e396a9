"""Asking a question of the first provider that gives a usable answer, and writing down every attempt."""

import asyncio
import contextlib
import json
import logging
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any, Final, Self

from arb_platform.domain.calls import CallLedger, LLMCall
from arb_platform.domain.errors import LLMError, SettingsError
from arb_platform.llm.budget import Budget, Reservation, estimated_usd
from arb_platform.llm.ledger import MemoryLedger, UsageTotals
from arb_platform.llm.limits import TokenBucket
from arb_platform.llm.prices import PRICE_VERSION, cost_usd
from arb_platform.llm.providers import PROVIDERS, ChatRequest, Message, default_model, provider_named
from arb_platform.llm.replies import Outcome
from arb_platform.llm.secrets import Secret, key_text, redacted
from arb_platform.llm.shapes import ResponseSchema, as_schema
from arb_platform.llm.transport import ConnectionPool, Connections, Endpoint, exchange

RETRIES: Final = 3
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 20.0
# A provider that asks for a longer pause is as good as down for this call.
_LONGEST_REQUESTED_WAIT: Final = 60.0
_REPAIR: Final = "That was not one valid JSON object of the requested form. Answer again with exactly one JSON object and nothing else."
_LARGEST_ANSWER_TOKENS: Final = 2000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer and who gave it."""

    answer: dict[str, Any]
    provider: str
    model: str
    fallback: bool


@dataclass(frozen=True, slots=True)
class _Question:
    messages: tuple[Message, ...]
    temperature: float
    max_tokens: int
    schema: ResponseSchema | None
    pair_hash: str | None
    # attempts are numbered over both providers
    numbers: "count[int]"

    def request(self, model: str) -> ChatRequest:
        return ChatRequest(model, self.messages, self.temperature, self.max_tokens, self.schema)


def utc_now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)


class LLMClient:
    """Two providers behind one question; safe to share between tasks.

    ``timeout_seconds`` counts one attempt from the first byte sent to the last one received; waiting
    for the rate limit comes before it. ``clock`` gives aware wall time (prices and budgets depend
    on it), ``monotonic`` seconds for limits and latency.
    """

    def __init__(
        self,
        deepseek_api_key: str | Secret | None = None,
        openai_api_key: str | Secret | None = None,
        primary_provider: str = "deepseek",
        enable_fallback: bool = True,  # noqa: FBT001, FBT002 - the owner's signature
        timeout_seconds: float = 30.0,
        *,
        deepseek_base_url: str | None = None,
        openai_base_url: str | None = None,
        deepseek_model: str | None = None,
        openai_model: str | None = None,
        deepseek_rpm: int = PROVIDERS["deepseek"].requests_per_minute,
        openai_rpm: int = PROVIDERS["openai"].requests_per_minute,
        ledger: CallLedger | None = None,
        budget_usd: Decimal | None = None,
        run_id: str = "",
        max_concurrency: int = 50,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        provider_named(primary_provider)
        if timeout_seconds <= 0 or max_concurrency <= 0 or min(deepseek_rpm, openai_rpm) <= 0:
            raise SettingsError(
                "timeout_seconds, max_concurrency and the requests per minute must be above 0"
            )
        self._primary = primary_provider
        self._enable_fallback = enable_fallback
        self._timeout_seconds = timeout_seconds
        self._run_id = run_id
        self._clock, self._monotonic, self._sleep = clock, monotonic, sleep
        self._rng = rng or random.Random()  # noqa: S311 - jitter is no secret
        self._ledger: CallLedger = MemoryLedger() if ledger is None else ledger
        self._budget = Budget(budget_usd, self._ledger)
        self._totals = UsageTotals()
        keys = {"deepseek": key_text(deepseek_api_key), "openai": key_text(openai_api_key)}
        addresses = {"deepseek": deepseek_base_url, "openai": openai_base_url}
        models = {"deepseek": deepseek_model, "openai": openai_model}
        rates = {"deepseek": deepseek_rpm, "openai": openai_rpm}
        self._keys = tuple(key for key in keys.values() if key)
        self._endpoints = {
            name: Endpoint(
                PROVIDERS[name],
                key=key,
                base_url=addresses[name],
                model=models[name],
                bucket=TokenBucket(rates[name], clock=monotonic, sleep=sleep),
            )
            for name, key in keys.items()
            if key
        }
        self._pool = ConnectionPool(list(self._endpoints.values()), max_concurrency=max_concurrency)
        self._lease = contextlib.AsyncExitStack()

    def __repr__(self) -> str:
        return f"LLMClient(primary_provider={self._primary!r}, providers={list(self._endpoints)})"

    async def __aenter__(self) -> Self:
        await self._lease.enter_async_context(self._pool.lease())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close what ``async with`` keeps open; calls may go on afterwards and open their own."""
        await self._lease.aclose()

    @property
    def models(self) -> tuple[str, ...]:
        """The models that may answer today, the preferred one first; empty without a key."""
        return tuple(self._model(endpoint) for endpoint in self._route())

    async def complete(
        self,
        messages: Sequence[Message],
        temperature: float = 0.0,
        max_tokens: int = 500,
        *,
        pair_hash: str | None = None,
        response_schema: ResponseSchema | Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The answer as a JSON object. Raises LLMError when no provider gave one."""
        completion = await self.ask(
            messages, temperature, max_tokens, pair_hash=pair_hash, response_schema=response_schema
        )
        return completion.answer

    async def ask(
        self,
        messages: Sequence[Message],
        temperature: float = 0.0,
        max_tokens: int = 500,
        *,
        pair_hash: str | None = None,
        response_schema: ResponseSchema | Mapping[str, Any] | None = None,
    ) -> Completion:
        """Like :meth:`complete`, telling also which model answered. Raises LLMError or BudgetExceeded."""
        route = self._route()
        if not route:
            raise LLMError(self._no_key())
        schema = as_schema(response_schema)
        question = _Question(_with_json(messages), temperature, max_tokens, schema, pair_hash, count(1))
        failures = []
        async with self._pool.lease() as connections:
            for position, endpoint in enumerate(route):
                outcome = await self._persist(connections, endpoint, question, fallback=position > 0)
                model = self._model(endpoint)
                if outcome.answer is not None:
                    return Completion(outcome.answer, endpoint.provider.name, model, position > 0)
                failures.append(f"{endpoint.provider.name} ({model}): {outcome.status}, {outcome.error}")
        raise LLMError(f"no language model gave a usable answer. {'; '.join(failures)}. {self._advice()}")

    def get_total_cost(self) -> float:
        """Dollars this client was billed, as far as the price is known."""
        return float(self._totals.cost_usd)

    def spent_usd(self) -> Decimal:
        """The same as :meth:`get_total_cost`, exact."""
        return self._totals.cost_usd

    def provider_of(self, model: str) -> str:
        """Which provider answers as ``model``. Raises SettingsError when none does."""
        for endpoint in self._endpoints.values():
            if self._model(endpoint) == model:
                return endpoint.provider.name
        raise SettingsError(f"no provider with a key answers as {model!r}")

    def get_usage_summary(self) -> dict[str, Any]:
        """Calls answered, tokens and dollars by provider; ``attempts`` counts failed ones, too."""
        return self._totals.summary()

    def _route(self) -> list[Endpoint]:
        order = sorted(self._endpoints.values(), key=lambda endpoint: endpoint.provider.name != self._primary)
        if self._enable_fallback:
            return order
        return [endpoint for endpoint in order if endpoint.provider.name == self._primary]

    def _no_key(self) -> str:
        needed = " or ".join(
            provider.key_variable
            for provider in PROVIDERS.values()
            if self._enable_fallback or provider.name == self._primary
        )
        return f"no key for a language model: set {needed}, or validate with the offline judge"

    def _advice(self) -> str:
        if len(self._route()) > 1:
            return "See table llm_calls for every attempt, and try again later."
        missing = " and ".join(p.key_variable for n, p in PROVIDERS.items() if n not in self._endpoints)
        hint = f" A key in {missing} would give a fallback." if missing and self._enable_fallback else ""
        return f"See table llm_calls for every attempt, and try again later.{hint}"

    def _model(self, endpoint: Endpoint) -> str:
        return endpoint.model_override or default_model(endpoint.provider.name, self._clock().date())

    async def _persist(
        self, connections: Connections, endpoint: Endpoint, question: _Question, *, fallback: bool
    ) -> Outcome:
        """Ask one provider until it answers, retries are used up, or asking again is pointless."""
        request = question.request(self._model(endpoint))
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
            await self._sleep(max(self._back_off(retries), outcome.wait_seconds or 0.0))
            retries += 1

    def _back_off(self, retries: int) -> float:
        delay = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0**retries)
        return delay * (0.5 + self._rng.random() / 2)

    async def _attempt(
        self,
        connections: Connections,
        endpoint: Endpoint,
        request: ChatRequest,
        question: _Question,
        *,
        fallback: bool,
    ) -> Outcome:
        async with connections.slots:
            await endpoint.bucket.acquire()
            now = self._clock()
            with self._budget.reserved(
                estimated_usd(endpoint.provider.name, request, now), now
            ) as reservation:
                call = LLMCall(
                    call_id=uuid.uuid4().hex,
                    run_id=self._run_id,
                    pair_hash=question.pair_hash,
                    provider=endpoint.provider.name,
                    model=request.model,
                    attempt=next(question.numbers),
                    started_at=now,
                    status="started",
                    fallback=fallback,
                )
                self._ledger.write(call)
                return await self._recorded(connections, endpoint, request, call, reservation)

    async def _recorded(
        self,
        connections: Connections,
        endpoint: Endpoint,
        request: ChatRequest,
        call: LLMCall,
        reservation: Reservation,
    ) -> Outcome:
        """Send, and complete the row of ``call`` whatever happens but a crash."""
        began = self._monotonic()
        try:
            outcome = await exchange(
                connections,
                endpoint,
                endpoint.provider.body(request),
                schema=request.schema,
                timeout_seconds=self._timeout_seconds,
                now=self._clock,
            )
        except asyncio.CancelledError:
            reservation.unseen = True
            self._finish(call, Outcome("cancelled", "the caller gave up"), began)
            raise
        outcome = replace(outcome, error=redacted(outcome.error, self._keys))
        reservation.unseen = self._finish(call, outcome, began) is None and outcome.maybe_billed
        return outcome

    def _finish(self, call: LLMCall, outcome: Outcome, began: float) -> Decimal | None:
        usage = outcome.usage
        cost = cost_usd(call.provider, call.model, usage, call.started_at)
        finished = replace(
            call,
            status=outcome.status,
            latency_ms=(self._monotonic() - began) * 1000,
            http_status=outcome.http_status,
            prompt_tokens=usage.prompt_tokens if usage else None,
            cached_tokens=usage.cached_tokens if usage else None,
            completion_tokens=usage.completion_tokens if usage else None,
            cost_usd=cost,
            price_version=PRICE_VERSION if cost is not None else None,
            error=outcome.error,
        )
        self._ledger.write(finished)
        self._totals.add(finished)
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


def _with_json(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Both providers refuse JSON mode unless the word json occurs in the messages."""
    if not messages:
        raise SettingsError("there is no message to send")
    if "json" in json.dumps([message.get("content") for message in messages], default=str).lower():
        return tuple(messages)
    return ({"role": "system", "content": "Answer with one JSON object."}, *messages)


def _repair(request: ChatRequest, outcome: Outcome) -> ChatRequest:
    """The same question with a remark; its prefix stays the same, so that it is billed as cached."""
    if outcome.status == "truncated":
        more = min(_LARGEST_ANSWER_TOKENS, request.max_tokens * 2)
        return replace(request, max_tokens=max(request.max_tokens, more))
    remark = {"role": "user", "content": _REPAIR}
    return replace(request, messages=(*request.messages, remark))
