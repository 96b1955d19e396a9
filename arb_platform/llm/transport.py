"""One HTTP exchange with a provider: fixed host, no redirects, one clock over the whole of it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from arb_platform.domain.errors import SettingsError
from arb_platform.llm.limits import TokenBucket
from arb_platform.llm.providers import Provider
from arb_platform.llm.replies import HTTP_OK, Outcome, read_failure, read_reply
from arb_platform.llm.shapes import ResponseSchema

_LARGEST_REPLY_BYTES: Final = 2_000_000
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


# scheme, and whether the host is this machine
Kind = tuple[str, bool]


class Endpoint:
    """A provider as this program reaches it: address, key, model override and bucket."""

    __slots__ = ("_key", "address", "bucket", "kind", "model_override", "provider", "url")

    def __init__(
        self, provider: Provider, *, key: str, base_url: str | None, model: str | None, bucket: TokenBucket
    ) -> None:
        self.provider = provider
        self.url = _chat_url(base_url or provider.base_url, provider)
        # taken apart once and not for every request
        self.address = httpx.URL(self.url)
        self.kind: Kind = (self.address.scheme, self.address.host in LOOPBACK)
        self.model_override = model
        self.bucket = bucket
        self._key = key

    def __repr__(self) -> str:
        return f"Endpoint({self.provider.name!r}, host={urlsplit(self.url).hostname!r})"

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}


def _chat_url(base_url: str, provider: Provider) -> str:
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(
            f"the base address of {provider.name} is no http(s) address; correct ARB_{provider.name.upper()}_BASE_URL"
        )
    return base_url.rstrip("/") + "/chat/completions"


class Connections:
    """The sockets of one event loop: as many lanes as calls may be under way, each with sockets of its own.

    One httpx client with 50 connections looks through all of them for every request, which costs more
    than the request; so each lane has a client that holds one connection per host.
    """

    def __init__(self, *, max_concurrency: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.users = 0
        self._free_lanes = asyncio.Semaphore(max_concurrency)
        self._idle: list[Lane] = []
        self._tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def lane(self) -> AsyncIterator["Lane"]:
        """Wait until one more call may be under way. The lane last used comes first: its connection is warm."""
        async with self._free_lanes:
            lane = self._idle.pop() if self._idle else Lane(self)
            try:
                yield lane
            finally:
                self._idle.append(lane)

    def tls(self) -> ssl.SSLContext:
        """Loading the certificates takes 20 ms, so all lanes share them."""
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        return self._tls

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()


class _NoCookies(httpx.Cookies):
    """Providers know us by a key; looking for cookies in every answer costs a tenth of the request."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """None is kept."""


class _Client(httpx.AsyncClient):
    _none = _NoCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        return self._none

    @cookies.setter
    def cookies(self, _cookies: object) -> None:
        raise TypeError("no cookie is sent to a provider")


class Lane:
    """One call at a time."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._clients: dict[Kind, httpx.AsyncClient] = {}

    def client_for(self, kind: Kind) -> httpx.AsyncClient:
        # A proxy of the environment is for the outside; a simulator on loopback is reached directly.
        if kind not in self._clients:
            scheme, loopback = kind
            # plain http has nothing to verify; https always has
            verify = False if scheme == "http" else self._connections.tls()
            self._clients[kind] = _Client(
                follow_redirects=False,
                timeout=None,  # exchange() times the whole of it
                trust_env=not loopback,
                verify=verify,
            )
        return self._clients[kind]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()


class ConnectionPool:
    """Connections that live as long as somebody uses them, per event loop.

    Nothing is left open when the last call ends, so a program that never closes its client, or
    that calls ``asyncio.run`` twice, works; ``lease`` keeps them open over a run of many calls.
    """

    def __init__(self, *, max_concurrency: int) -> None:
        self._max_concurrency = max_concurrency
        self._current: Connections | None = None

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[Connections]:
        current = self._current
        if current is None or current.loop is not asyncio.get_running_loop():
            current = self._current = Connections(max_concurrency=self._max_concurrency)
        current.users += 1
        try:
            yield current
        finally:
            current.users -= 1
            if current.users == 0:
                if self._current is current:
                    self._current = None
                await current.close()


async def exchange(
    lane: Lane,
    endpoint: Endpoint,
    body: dict[str, Any],
    *,
    schema: ResponseSchema | None,
    timeout_seconds: float,
    now: Callable[[], datetime],
) -> Outcome:
    """Send ``body`` and read the answer; every failure that is not ours is an Outcome."""
    try:
        # httpx's own timeouts are per read: a server that drips blank lines would never trip them.
        async with asyncio.timeout(timeout_seconds):
            status, headers, text = await _post(lane.client_for(endpoint.kind), endpoint, body)
    except TimeoutError:
        return Outcome("timeout", f"no answer within {timeout_seconds:g} s", maybe_billed=True)
    except httpx.ConnectError as error:
        return Outcome("connection_error", f"cannot connect: {error}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Outcome("connection_error", f"{type(error).__name__}: {error}", maybe_billed=True)
    if text is None:
        return Outcome("wrong_shape", "the reply is larger than 2 MB", http_status=status, maybe_billed=True)
    if status != HTTP_OK:
        return read_failure(status, headers, text, now())
    return read_reply(endpoint.provider, text, schema)


async def _post(
    http: httpx.AsyncClient, endpoint: Endpoint, body: dict[str, Any]
) -> tuple[int, httpx.Headers, str | None]:
    """Status, headers and text of the reply; the text is None when it is larger than we read."""
    received = bytearray()
    # ASCII with escapes: market text may hold a lone surrogate, which UTF-8 cannot carry
    content = json.dumps(body).encode("ascii")
    async with http.stream("POST", endpoint.address, content=content, headers=endpoint.headers()) as reply:
        async for chunk in reply.aiter_bytes():
            received += chunk
            if len(received) > _LARGEST_REPLY_BYTES:
                return reply.status_code, reply.headers, None
        return reply.status_code, reply.headers, received.decode("utf-8", "replace")
