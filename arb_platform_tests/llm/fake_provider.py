"""A language model provider on loopback: a real HTTP server that plays a script and keeps what it was asked."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Reply:
    """One HTTP answer; ``drip`` sends blank lines for ever instead of a body, ``gate`` holds it back."""

    body: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drip: bool = False
    cut: bool = False
    gate: asyncio.Event | None = None


def chat(
    content: Any,
    *,
    finish: str = "stop",
    prompt: int = 1000,
    cached: int | None = 800,
    completion: int = 100,
    openai: bool = False,
    usage: bool = True,
) -> Reply:
    """A chat completion in the form of the provider (usage names differ); a dict becomes JSON content."""
    text = content if isinstance(content, str) or content is None else json.dumps(content)
    told: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    if cached is not None and openai:
        told["prompt_tokens_details"] = {"cached_tokens": cached}
    elif cached is not None:
        told |= {"prompt_cache_hit_tokens": cached, "prompt_cache_miss_tokens": prompt - cached}
    document: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
    }
    if usage:
        document["usage"] = told
    return Reply(json.dumps(document))


def error(status: int, message: str = "no", headers: dict[str, str] | None = None) -> Reply:
    return Reply(json.dumps({"error": {"message": message}}), status, headers or {})


Script = Callable[[dict[str, Any]], Reply | Awaitable[Reply]]


class FakeProvider:
    """Answers `POST /chat/completions` by ``script``; ``asked`` are the bodies, ``keys`` the Authorization headers."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.arrived = asyncio.Event()
        self.base_url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        self.keys.append(request.headers.get("Authorization", ""))
        self.arrived.set()
        reply = self._script(body)
        if not isinstance(reply, Reply):
            reply = await reply
        if reply.gate is not None:
            await reply.gate.wait()
        if reply.drip:
            return await _drip(request)
        if reply.cut:
            request.transport.close()
        # blank lines may precede the body while the model waits (DeepSeek's documentation)
        return web.Response(
            text="\n\n" + reply.body,
            status=reply.status,
            headers=reply.headers,
            content_type="application/json",
        )


async def _drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    try:
        while True:
            await response.write(b"\n")
            await asyncio.sleep(0.005)
    except ConnectionError:
        return response


def in_turn(*replies: Reply) -> Script:
    """One reply after the other; the last one again and again."""
    left = list(replies)
    return lambda _body: left.pop(0) if len(left) > 1 else left[0]


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[FakeProvider]:
    fake = FakeProvider(script)
    app = web.Application(client_max_size=10_000_000)
    app.router.add_post("/v1/chat/completions", fake.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        fake.base_url = f"http://{host}:{port}/v1"
        yield fake
    finally:
        await runner.cleanup()


class FakeTime:
    """Monotonic seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)
