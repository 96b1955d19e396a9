"""Two providers of language models on one loopback port, which know the simulated catalogue's truth.

DeepSeek's and OpenAI's chat APIs differ in their usage fields, their error bodies and their caching;
both are imitated from their documentation (2026), so that a client can be developed without a key.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Final

from aiohttp import web

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.simulate.catalogue import Catalogue
from arb_platform.simulate.llm_answers import Judge
from arb_platform.simulate.llm_batches import LARGEST_FILE, BatchService
from arb_platform.simulate.llm_billing import PRICES, Invoice, PrefixCache, Usage
from arb_platform.simulate.llm_chat import Chat, Refused, completion, error_body, error_response, read_chat
from arb_platform.simulate.llm_faults import DEMO_FAULTS, Fault, LLMFaults

# Invented keys, good for these two simulated providers only.
DEEPSEEK_KEY: Final = "sk-simulated-deepseek"
OPENAI_KEY: Final = "sk-simulated-openai"
_LOG_CAPACITY: Final = 200_000


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds until the answer, log-normal around ``median``; ``Latency(0.8)`` is what people measure."""

    median: float = 0.08
    spread: float = 0.35

    def draw(self, rng: Random) -> float:
        return self.median * rng.lognormvariate(0, self.spread) if self.median else 0.0


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request as the simulator saw it; ``status`` is None when no answer was sent."""

    at: datetime
    provider: str
    model: str
    status: int | None
    fault: str
    polymarket_id: str | None
    kalshi_id: str | None
    usage: Usage | None = None


class LLMSimulator:
    """Serves ``POST {base}/chat/completions`` for two providers, and keeps what they would bill.

    ``error_rate`` is how often the model misjudges a pair, ``faults`` how often the service fails;
    ``script`` holds faults (or None for a good answer) of the next requests, before chance decides.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        seed: int = 7,
        host: str = "127.0.0.1",
        port: int = 0,
        latency: Latency = Latency(),
        error_rate: float = 0.03,
        faults: LLMFaults = DEMO_FAULTS,
        provider_faults: Mapping[str, LLMFaults] | None = None,
        obey_injections: bool = False,
        keep_alive_seconds: float | None = None,
        max_in_flight: int | None = None,
        batch_seconds: float = 20.0,
        keys: Mapping[str, frozenset[str]] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        known = {venue: catalogue.market_ids(venue) for venue in (POLYMARKET, KALSHI)}
        self.judge = Judge(
            catalogue.truth, known=known, seed=seed, error_rate=error_rate, obey_injections=obey_injections
        )
        self.invoice = Invoice()
        self.requests: deque[RequestRecord] = deque(maxlen=_LOG_CAPACITY)
        self.script: deque[Fault | None] = deque()
        self.faults = dict.fromkeys(PRICES, faults) | dict(provider_faults or {})
        self.in_flight = 0
        self._seed = seed
        self._host, self._port = host, port
        self._latency = latency
        self._keep_alive_seconds = keep_alive_seconds
        self._max_in_flight = max_in_flight
        self._keys = {"deepseek": frozenset({DEEPSEEK_KEY}), "openai": frozenset({OPENAI_KEY})} | dict(
            keys or {}
        )
        self._clock, self._sleep = clock, sleep
        self._caches = {provider: PrefixCache(provider) for provider in PRICES}
        self._arrivals = 0
        self._stopping = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.batches = BatchService(
            self._answer_line,
            check_key=lambda request: self._check_key("openai", request),
            seconds=batch_seconds,
            clock=clock,
        )

    @property
    def deepseek_base_url(self) -> str:
        return f"http://{self._host}:{self._port}/deepseek"

    @property
    def openai_base_url(self) -> str:
        return f"http://{self._host}:{self._port}/openai/v1"

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen; with port 0 the system chooses one, which the base addresses then name."""
        self._stopping = asyncio.Event()
        application = web.Application(client_max_size=LARGEST_FILE)
        application.router.add_get("/health", self._health)
        application.router.add_get("/invoice", self._show_invoice)
        for provider, bases in {"deepseek": ("/deepseek", "/deepseek/v1"), "openai": ("/openai/v1",)}.items():
            for base in bases:
                application.router.add_post(f"{base}/chat/completions", self._completions_of(provider))
                application.router.add_get(f"{base}/models", self._models_of(provider))
        self.batches.add_routes(application.router, "/openai/v1")
        runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, self._host, self._port).start()
        self._runner = runner
        self._port = runner.addresses[0][1]

    async def stop(self) -> None:
        """Answer nobody any more; hanging requests are let go."""
        self._stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "requests": self._arrivals, "in_flight": self.in_flight})

    async def _show_invoice(self, _request: web.Request) -> web.Response:
        return web.json_response(self.invoice.document())

    def _models_of(self, provider: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def models(request: web.Request) -> web.Response:
            try:
                self._check_key(provider, request)
            except Refused as refusal:
                return error_response(refusal)
            listed = [{"id": model, "object": "model", "owned_by": provider} for model in PRICES[provider]]
            return web.json_response({"object": "list", "data": listed})

        return models

    def _completions_of(self, provider: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def completions(request: web.Request) -> web.StreamResponse:
            self.in_flight += 1
            try:
                return await self._complete(provider, request)
            finally:
                self.in_flight -= 1

        return completions

    async def _complete(self, provider: str, request: web.Request) -> web.StreamResponse:
        self._arrivals += 1
        rng = Random(f"{self._seed}/request/{self._arrivals}")
        at = self._clock()
        chat: Chat | None = None
        fault: Fault | None = None
        try:
            self._check_key(provider, request)
            chat = read_chat(provider, await request.read())
            chat.pair = self.judge.read([content for _, content in chat.messages])
            fault = self.script.popleft() if self.script else self.faults[provider].draw(rng)
            if self._max_in_flight is not None and self.in_flight > self._max_in_flight:
                fault = "rate_limited"
            if fault is not None:
                self._refuse(fault)
        except Refused as refusal:
            self._log(at, provider, chat, status=refusal.status, fault=fault or "")
            return error_response(refusal, self._error_headers(provider, refusal.status))
        if fault in ("timeout", "reset"):
            self._log(at, provider, chat, status=None, fault=fault)
            return await self._vanish(request, fault)
        return await self._answer(request, chat, fault, rng, at)

    def _check_key(self, provider: str, request: web.Request) -> None:
        kind, _, key = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or key not in self._keys[provider]:
            shown = f"****{key[-4:]}" if key else "none"
            raise Refused(
                401,
                f"Authentication Fails, Your api key: {shown} is invalid",
                "authentication_error",
                code="invalid_api_key",
            )

    def _refuse(self, fault: Fault) -> None:
        match fault:
            case "rate_limited":
                raise Refused(429, "Rate limit reached for requests", "requests", code="rate_limit_exceeded")
            case "server_error":
                raise Refused(500, "The server had an error while processing your request", "server_error")
            case "overloaded":
                raise Refused(
                    503, "The server is overloaded due to high traffic", "service_unavailable_error"
                )
            case "payment_required":
                raise Refused(402, "Insufficient Balance", "unknown_error", code="invalid_request_error")
            case _:
                return

    def _error_headers(self, provider: str, status: int) -> dict[str, str]:
        after = self.faults[provider].retry_after_seconds
        return {"Retry-After": f"{after:g}"} if status == 429 and after is not None else {}

    async def _vanish(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        """Say nothing until the other side gives up, or cut the connection at once."""
        if fault == "timeout":
            await self._stopping.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    async def _answer(
        self, request: web.Request, chat: Chat, fault: Fault | None, rng: Random, at: datetime
    ) -> web.StreamResponse:
        seconds = self._latency.draw(rng) * (3 if chat.thinking else 1)
        if fault == "html":
            await self._sleep(seconds)
            self._log(at, chat.provider, chat, status=200, fault=fault)
            return web.Response(
                text="<html><body><h1>502 Bad Gateway</h1></body></html>", content_type="text/html"
            )
        cached = self._caches[chat.provider].cached_tokens(chat.prompt)
        body, usage = completion(
            chat, self._content(chat, fault, rng), fault, cached, number=self._arrivals, at=at
        )
        response = await self._send(request, chat.provider, body, seconds)
        self._caches[chat.provider].remember(chat.prompt)
        self.invoice.charge(at, chat.provider, chat.model, usage)
        self._log(at, chat.provider, chat, status=200, fault=fault or "", usage=usage)
        return response

    def _answer_line(self, body: bytes) -> tuple[int, bytes]:
        """One request of a batch: its status and its body; answered ones are billed at half price."""
        self._arrivals += 1
        rng = Random(f"{self._seed}/request/{self._arrivals}")
        at, chat, fault = self._clock(), None, None
        try:
            chat = read_chat("openai", body)
            chat.pair = self.judge.read([content for _, content in chat.messages])
            fault = self.script.popleft() if self.script else self.faults["openai"].draw(rng)
            if fault is not None:
                # nobody waits on a connection here, so what cuts one is the service's error
                self._refuse("server_error" if fault in ("timeout", "reset", "html") else fault)
        except Refused as refusal:
            self._log(at, "openai", chat, status=refusal.status, fault=fault or "")
            return refusal.status, error_body(refusal)
        cached = self._caches["openai"].cached_tokens(chat.prompt)
        answer, usage = completion(chat, self._content(chat, fault, rng), fault, cached, number=self._arrivals, at=at)  # fmt: skip
        self._caches["openai"].remember(chat.prompt)
        self.invoice.charge(at, "openai", chat.model, usage, batch=True)
        self._log(at, "openai", chat, status=200, fault=fault or "", usage=usage)
        return 200, answer

    def _content(self, chat: Chat, fault: Fault | None, rng: Random) -> str:
        answer = self.judge.answer(chat.model, chat.pair)
        if chat.wanted is not None:
            answer = {name: value for name, value in answer.items() if name in chat.wanted}
        if fault == "wrong_types":
            answer = {
                **answer,
                "similarity": "very high",
                "field_matches": ["time_window"],
                "evidence": "see above",
            }
        text = json.dumps(answer, ensure_ascii=False)
        if fault == "blank":
            return rng.choice(("", "\n\n   "))
        return (
            f"Here is my assessment:\n```json\n{text}\n```\nLet me know if you need more."
            if fault == "prose"
            else text
        )

    async def _send(
        self, request: web.Request, provider: str, body: bytes, seconds: float
    ) -> web.StreamResponse:
        """Wait, then answer; DeepSeek may send blank lines while it waits."""
        pause = self._keep_alive_seconds if provider == "deepseek" else None
        if pause is None or seconds <= pause:
            await self._sleep(seconds)
            return web.Response(body=body, content_type="application/json")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while seconds > 0:
            await self._sleep(min(pause, seconds))
            seconds -= pause
            await response.write(b"\n")
        await response.write(body)
        await response.write_eof()
        return response

    def _log(
        self,
        at: datetime,
        provider: str,
        chat: Chat | None,
        *,
        status: int | None,
        fault: str,
        usage: Usage | None = None,
    ) -> None:
        ids = {} if chat is None else chat.pair.ids
        model = "" if chat is None else chat.model
        self.requests.append(
            RequestRecord(at, provider, model, status, fault, ids.get(POLYMARKET), ids.get(KALSHI), usage)
        )
