"""Asking a question of the first provider that gives a usable answer, and writing down every attempt."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

from arb_platform.domain.calls import CallLedger
from arb_platform.domain.errors import LLMError, ProvidersRefuse, SettingsError
from arb_platform.llm.attempts import Attempts, Question
from arb_platform.llm.budget import Budget
from arb_platform.llm.ledger import MemoryLedger, UsageTotals
from arb_platform.llm.limits import FileStore, TokenBucket
from arb_platform.llm.providers import PROVIDERS, Message, default_model, provider_named
from arb_platform.llm.secrets import Secret, key_text
from arb_platform.llm.shapes import ResponseSchema, as_schema
from arb_platform.llm.transport import ConnectionPool, Endpoint
from arb_platform.llm.writing import Books

# A key, an account or its balance: the next question would be refused in the same way.
_NOT_ASKED_AGAIN: Final = frozenset({401, 402, 403})


@dataclass(frozen=True, slots=True)
class Completion:
    """An answer and who gave it."""

    answer: dict[str, Any]
    provider: str
    model: str
    fallback: bool


def utc_now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)


class LLMClient:
    """Two providers behind one question; safe to share between tasks.

    ``timeout_seconds`` counts one attempt from the first byte sent to the last one received; waiting
    for the rate limit comes before it. ``clock`` gives aware wall time (prices and budgets depend
    on it), ``monotonic`` seconds for limits and latency. With ``limits_dir`` the requests per minute
    are shared by every process that names the same directory.
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
        budget_variable: str = "ARB_LLM_BUDGET_USD",
        run_id: str = "",
        max_concurrency: int = 50,
        limits_dir: Path | None = None,
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
        self._clock = clock
        keys = {"deepseek": key_text(deepseek_api_key), "openai": key_text(openai_api_key)}
        addresses = {"deepseek": deepseek_base_url, "openai": openai_base_url}
        models = {"deepseek": deepseek_model, "openai": openai_model}
        rates = {"deepseek": deepseek_rpm, "openai": openai_rpm}
        book: CallLedger = MemoryLedger() if ledger is None else ledger
        self._totals = UsageTotals()
        self._attempts = Attempts(
            books=Books(book),
            budget=Budget(budget_usd, book, variable=budget_variable),
            totals=self._totals,
            keys=tuple(key for key in keys.values() if key),
            run_id=run_id,
            timeout_seconds=timeout_seconds,
            clock=clock,
            monotonic=monotonic,
            sleep=sleep,
            rng=rng or random.Random(),  # noqa: S311 - jitter is no secret
        )
        self._endpoints = {
            name: Endpoint(
                PROVIDERS[name],
                key=key,
                base_url=addresses[name],
                model=models[name],
                bucket=TokenBucket(
                    rates[name],
                    clock=monotonic,
                    sleep=sleep,
                    store=FileStore(limits_dir / f"{name}.bucket") if limits_dir else None,
                ),
            )
            for name, key in keys.items()
            if key
        }
        self._pool = ConnectionPool(max_concurrency=max_concurrency)
        self._lease = contextlib.AsyncExitStack()
        self._refusals: dict[str, str] = {}

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
        """Like :meth:`complete`, telling also which model answered.

        A provider that refuses our key or account (401, 402, 403) is not asked again by this client. Raises
        LLMError, BudgetExceeded, or ProvidersRefuse when no provider is left.
        """
        route = self._route()
        if not route:
            raise LLMError(self._no_key())
        if self._refusals.keys() >= {endpoint.provider.name for endpoint in route}:
            raise ProvidersRefuse(
                f"{'; '.join(self._refusals.values())}. Mend the key or the account, then run this again."
            )
        schema = as_schema(response_schema)
        question = Question(_with_json(messages), temperature, max_tokens, schema, pair_hash, count(1))
        failures = []
        async with self._pool.lease() as connections:
            for position, endpoint in enumerate(route):
                if endpoint.provider.name in self._refusals:
                    continue
                model = self._model(endpoint)
                outcome = await self._attempts.persist(
                    connections, endpoint, question, model=model, fallback=position > 0
                )
                if outcome.answer is not None:
                    return Completion(outcome.answer, endpoint.provider.name, model, position > 0)
                failures.append(f"{endpoint.provider.name} ({model}): {outcome.status}, {outcome.error}")
                if outcome.http_status in _NOT_ASKED_AGAIN:
                    self._refusals[endpoint.provider.name] = (
                        f"{endpoint.provider.name} refuses {endpoint.provider.key_variable}: {outcome.error}"
                    )
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


def _with_json(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Both providers refuse JSON mode unless the word json occurs in the messages."""
    if not messages:
        raise SettingsError("there is no message to send")
    if "json" in json.dumps([message.get("content") for message in messages], default=str).lower():
        return tuple(messages)
    return ({"role": "system", "content": "Answer with one JSON object."}, *messages)
