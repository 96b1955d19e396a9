"""Requests to the venues' REST APIs: polite, retried, and suspicious of what comes back."""

import asyncio
import logging
import socket as sockets
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address
from itertools import count
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec

from arb_platform.domain.errors import CredentialsError, SettingsError, TransportError, WireError
from arb_platform.venues.backoff import Backoff, Timing, retry_after

log = logging.getLogger(__name__)

# Kalshi publishes no limit for requests without a key; ten a second is what it bears (venue notes, 2026).
REQUESTS_PER_SECOND: Final = 10.0
CONCURRENCY: Final = 4
TIMEOUT_SECONDS: Final = 15.0
ATTEMPTS: Final = 5
_FIRST_DELAY: Final = 0.5
_DELAY_CAP: Final = 30.0
# Whoever waits longer than this for a venue that says 429 is told so.
_LONG_WAIT: Final = 5.0
_TOO_MANY: Final = 429
_REFUSED: Final = (401, 403)
_MISSING: Final = 404
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")

# Numbers that a venue writes without quotes stay exact; a float has already lost what we must keep.
_json: Final = msgspec.json.Decoder(float_hook=Decimal)

Params = Mapping[str, Any] | Sequence[tuple[str, Any]] | None


class NotFound(TransportError):
    """The venue does not know what was asked for (HTTP 404)."""


class RateLimiter:
    """Turns spaced evenly, so that no second ever sees more than ``per_second`` of them."""

    def __init__(self, per_second: float, timing: Timing) -> None:
        self._gap = 1.0 / per_second
        self._timing = timing
        self._next = float("-inf")

    async def turn(self) -> None:
        now = self._timing.monotonic()
        at = max(now, self._next)
        self._next = at + self._gap
        if at > now:
            await self._timing.sleep(at - now)

    def pause(self, seconds: float) -> None:
        """Give out no turn for ``seconds``: a venue that says 429 means all of us."""
        self._next = max(self._next, self._timing.monotonic() + seconds)


class _Again(NamedTuple):
    """An attempt failed in a way that may pass; ``wait`` is what the venue asked for, in seconds."""

    reason: str
    wait: float | None
    # the venue is there and says that we ask too often
    busy: bool = False


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    params: Params
    body: Any


class RestClient:
    """One venue's REST API below ``base_url``.

    Every method raises TransportError when the venue could not be reached or kept failing,
    NotFound for 404, CredentialsError for 401 and 403, and WireError when something else than JSON
    came back.
    """

    def __init__(
        self,
        base_url: str,
        *,
        venue: str,
        timing: Timing | None = None,
        per_second: float = REQUESTS_PER_SECOND,
        concurrency: int = CONCURRENCY,
        timeout: float = TIMEOUT_SECONDS,
        attempts: int = ATTEMPTS,
        patience: float = 0.0,
    ) -> None:
        """``patience`` is for how many seconds a venue that keeps saying 429 is asked again beyond ``attempts``."""
        self.base_url = checked_url(base_url, ("http", "https")).rstrip("/")
        self.venue = venue
        self.requests = 0
        self.retries = 0
        self._timing = timing or Timing()
        self._limiter = RateLimiter(per_second, self._timing)
        self._slots = asyncio.Semaphore(concurrency)
        self._timeout = timeout
        self._attempts = attempts
        self._patience = patience
        self._client: httpx.AsyncClient | None = None

    async def get(self, path: str, params: Params = None) -> Any:
        """The decoded JSON of ``base_url + path``."""
        return await self._fetch(_Request("GET", path, params, None))

    async def post(self, path: str, body: Any) -> Any:
        """The decoded JSON answer to ``body`` posted as JSON; only for requests that change nothing."""
        return await self._fetch(_Request("POST", path, None, body))

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _fetch(self, request: _Request) -> Any:
        backoff = Backoff(_FIRST_DELAY, rng=self._timing.rng, cap=_DELAY_CAP)
        garbled = False
        patient_until = self._timing.monotonic() + self._patience
        for attempt in count(1):
            try:
                outcome = await self._attempt(request)
            except WireError as error:
                # Half an answer or a proxy's page passes, a wrong address does not: one more look tells.
                if garbled or attempt == self._attempts:
                    raise
                garbled = True
                outcome = _Again(str(error), None)
            if not isinstance(outcome, _Again):
                return outcome
            if attempt >= self._attempts and not (outcome.busy and self._timing.monotonic() < patient_until):
                break
            delay = backoff.next_delay() if outcome.wait is None else outcome.wait
            self.retries += 1
            level = logging.WARNING if outcome.busy and delay >= _LONG_WAIT else logging.INFO
            log.log(
                level, "%s: %s failed (%s); again in %.1f s", self.venue, request.path, outcome.reason, delay
            )
            await self._timing.sleep(delay)
        raise TransportError(
            f"{self.venue}: {request.method} {self.base_url}{request.path} failed {attempt} times, last with: "
            f"{outcome.reason}. Check the network and the venue's address, then try again."
        )

    async def _attempt(self, request: _Request) -> Any:
        async with self._slots:
            await self._limiter.turn()
            self.requests += 1
            try:
                response = await self._http().request(
                    request.method,
                    self.base_url + request.path,
                    params=_query(request.params),
                    json=request.body,
                )
            except httpx.RequestError as error:
                return _Again(why(_cause(error)), None)
        return self._read(request, response)

    def _read(self, request: _Request, response: httpx.Response) -> Any:
        status = response.status_code
        if response.is_success:
            return decode_json(
                response.content, self._where(request), response.headers.get("content-type", "")
            )
        wait = retry_after(response.headers.get("retry-after"), self._timing.clock())
        if status == _TOO_MANY:
            self._limiter.pause(wait or 0.0)
            return _Again("HTTP 429, too many requests", wait, busy=True)
        if status >= 500:
            return _Again(f"HTTP {status}", wait)
        if status == _MISSING:
            raise NotFound(f"{self._where(request)} answered HTTP 404: the venue does not know it.")
        if status in _REFUSED:
            raise CredentialsError(
                f"{self._where(request)} answered HTTP {status}: this address is not open to us. "
                f"Check the address of the venue in the settings, and whether this network may reach it."
            )
        raise TransportError(f"{self._where(request)} answered HTTP {status}: {_start(response.content)}")

    def _where(self, request: _Request) -> str:
        return f"{self.venue}: {request.method} {self.base_url}{request.path}"

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=self._timeout,
                # A simulator on this machine is never behind the proxy that the environment names.
                mounts={f"all://{host}": None for host in _LOOPBACK},
                headers={"Accept": "application/json", "User-Agent": "arb-platform"},
            )
        return self._client


def decode_json(content: bytes, where: str, content_type: str) -> Any:
    """Decoded JSON with exact numbers (Decimal, never float). Raises WireError for anything else."""
    try:
        return _json.decode(content)
    except (msgspec.DecodeError, ValueError, RecursionError):
        kind = content_type.split(";", maxsplit=1)[0] or "no content type"
        raise WireError(
            f"{where} answered {kind} where JSON was due: {_start(content)} "
            f"A login page, a block page or a wrong address answers like this; open the address in a browser."
        ) from None


def checked_url(url: str, schemes: Sequence[str]) -> str:
    """``url`` itself, or SettingsError when it has no host or none of ``schemes``."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise SettingsError(
            f"not an address that begins with {' or '.join(s + '://' for s in schemes)}: {url!r}"
        )
    return url


def is_loopback(url: str) -> bool:
    """True for an address on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _query(params: Params) -> list[tuple[str, Any]] | None:
    if params is None:
        return None
    pairs = params.items() if isinstance(params, Mapping) else params
    return [(name, str(value).lower() if isinstance(value, bool) else value) for name, value in pairs]


def why(error: BaseException) -> str:
    """What went wrong on the network, in words an operator can act on."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: the certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if isinstance(error, sockets.gaierror):
        return f"DNS: the name could not be resolved ({error.strerror})"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _cause(error: BaseException) -> BaseException:
    """What the network or TLS raised below the layers of the HTTP client."""
    below = error.__cause__ or error.__context__
    while below is not None:
        if isinstance(below, OSError):
            return below
        below = below.__cause__ or below.__context__
    return error


def _start(content: bytes) -> str:
    text = " ".join(content[:200].decode("utf-8", "replace").split())
    return repr(text[:120])
