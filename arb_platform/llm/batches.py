"""OpenAI's Batch API: a file of questions goes up, a file of answers comes back within a day, at half price.

https://platform.openai.com/docs/guides/batch. Nothing here is asked twice without looking first: a batch carries
our own name for it, so one whose creation was not answered can be found again.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from arb_platform.domain.errors import LLMError, ProvidersRefuse, SettingsError
from arb_platform.llm.providers import ChatRequest, Provider
from arb_platform.llm.replies import HTTP_OK, Outcome, error_message, read_failure, read_reply, wait_seconds
from arb_platform.llm.secrets import redacted
from arb_platform.llm.shapes import ResponseSchema
from arb_platform.llm.transport import LOOPBACK

ENDPOINT: Final = "/v1/chat/completions"
_WINDOW: Final = "24h"
_LABEL: Final = "arb_batch"
_DONE: Final = frozenset({"completed", "failed", "expired", "cancelled"})
_RETRIED: Final = frozenset({408, 429, *range(500, 600)})
_RETRIES: Final = 3
_FIRST_DELAY: Final = 0.5
_LONGEST_WAIT: Final = 60.0
_LONGEST_LINE: Final = 2_000_000
_PAGES: Final = 50


@dataclass(frozen=True, slots=True)
class RemoteBatch:
    """A batch as the provider tells it; ``status`` is its own word."""

    remote_id: str
    status: str
    label: str | None
    input_file: str | None = None
    output_file: str | None = None
    error_file: str | None = None
    answered: int | None = None
    ended_at: datetime | None = None
    error: str = ""

    @property
    def done(self) -> bool:
        """Whether nothing more will come: completed, or ended with what there is."""
        return self.status in _DONE


class BatchClient:
    """Sends and fetches batches of one provider. Use as ``async with``.

    Raises LLMError when the provider cannot be reached or says no, ProvidersRefuse when it refuses the key or
    the account; both in a sentence without the key. ``timeout_seconds`` counts one exchange.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        key: str,
        base_url: str | None = None,
        timeout_seconds: float = 120.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
    ) -> None:
        if provider.batch is None:
            raise SettingsError(f"{provider.name} takes no batches; validate with the mode live.")
        self.provider = provider
        self._key = key
        self._base = (base_url or provider.base_url).rstrip("/")
        self._timeout = timeout_seconds
        self._clock, self._sleep = clock, sleep
        self._rng = rng or random.Random()  # noqa: S311 - jitter is no secret
        loopback = urlsplit(self._base).hostname in LOOPBACK
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"},
            follow_redirects=False,
            timeout=None,  # noqa: S113 - _exchange() times the whole of it
            trust_env=not loopback,
        )

    def __repr__(self) -> str:
        return f"BatchClient({self.provider.name!r}, host={urlsplit(self._base).hostname!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def submit(self, label: str, content: bytes) -> RemoteBatch:
        """Send a file of request lines as a new batch named ``label``.

        A creation whose answer did not arrive is looked for before it is tried again.
        """
        file = await self._document("POST", "/files", data={"purpose": "batch"}, files={"file": (f"{label}.jsonl", content, "application/jsonl")})  # fmt: skip
        wanted = {
            "input_file_id": _text(file, "id"),
            "endpoint": ENDPOINT,
            "completion_window": _WINDOW,
            "metadata": {_LABEL: label},
        }
        try:
            return _remote(await self._document("POST", "/batches", json=wanted, retries=0))
        except ProvidersRefuse:
            raise
        except LLMError:
            found = await self.find(label)
            if found is not None:
                return found
            raise

    async def find(self, label: str) -> RemoteBatch | None:
        """The batch that carries ``label``, if the provider has it."""
        after: dict[str, str] = {}
        for _ in range(_PAGES):
            page = await self._document("GET", "/batches", params={"limit": "100", **after})
            listed = page.get("data")
            batches = (
                [_remote(one) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            )
            for batch in batches:
                if batch.label == label:
                    return batch
            if not page.get("has_more") or not batches:
                return None
            after = {"after": batches[-1].remote_id}
        return None

    async def look(self, remote_id: str) -> RemoteBatch:
        """How a batch stands."""
        return _remote(await self._document("GET", f"/batches/{remote_id}"))

    async def lines(self, file_id: str) -> AsyncIterator[bytes]:
        """The lines of a file of the provider, as they come. Raises LLMError when it breaks off."""
        try:
            async with self._http.stream("GET", f"{self._base}/files/{file_id}/content") as reply:
                if reply.status_code != HTTP_OK:
                    await reply.aread()
                    raise self._refusal(reply)
                rest = b""
                async for chunk in reply.aiter_bytes():
                    *whole, rest = (rest + chunk).split(b"\n")
                    if len(rest) > _LONGEST_LINE:
                        raise LLMError(
                            f"{self.provider.name} sent a line of more than 2 MB; nothing of it was kept."
                        )
                    for line in whole:
                        yield line
                if rest:
                    yield rest
        except httpx.HTTPError as error:
            raise self._unreached(error) from None

    async def forget(self, *files: str | None) -> None:
        """Delete files at the provider, as far as it lets us: what is read is not needed there any more."""
        for file_id in files:
            if file_id is not None:
                try:
                    await self._document("DELETE", f"/files/{file_id}", retries=0)
                except LLMError:
                    continue

    async def _document(
        self, method: str, path: str, *, retries: int = _RETRIES, **content: Any
    ) -> Mapping[str, Any]:
        for attempt in range(retries + 1):
            try:
                reply = await self._exchange(method, path, content)
            except httpx.HTTPError as error:
                if attempt == retries:
                    raise self._unreached(error) from None
                await self._sleep(self._delay(attempt))
                continue
            wait = wait_seconds(reply.headers, self._clock()) or 0.0
            if reply.status_code in _RETRIED and attempt < retries and wait <= _LONGEST_WAIT:
                await self._sleep(max(self._delay(attempt), wait))
                continue
            return self._read(reply)
        raise AssertionError("the last attempt returns or raises")

    async def _exchange(self, method: str, path: str, content: dict[str, Any]) -> httpx.Response:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._http.request(method, self._base + path, **content)
        except TimeoutError:
            raise httpx.ReadTimeout(f"no answer within {self._timeout:g} s") from None

    def _read(self, reply: httpx.Response) -> Mapping[str, Any]:
        if reply.status_code != HTTP_OK:
            raise self._refusal(reply)
        try:
            document = json.loads(reply.content)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise LLMError(
                f"{self.provider.name} answered about a batch with something that is no JSON object; is a proxy between us? "
                "The batch is looked at again the next time."
            )
        return document

    def _refusal(self, reply: httpx.Response) -> LLMError:
        said = redacted(error_message(reply.text), [self._key])
        if reply.status_code in {401, 402, 403}:
            return ProvidersRefuse(
                f"{self.provider.name} refuses {self.provider.key_variable}: HTTP {reply.status_code}: {said}. "
                "Mend the key or the account, then run this again."
            )
        return LLMError(f"{self.provider.name} refuses a batch request: HTTP {reply.status_code}: {said}.")

    def _unreached(self, error: httpx.HTTPError) -> LLMError:
        said = redacted(f"{type(error).__name__}: {error}", [self._key])
        return LLMError(f"{self.provider.name} cannot be reached for batches ({said}); run this again later.")

    def _delay(self, attempt: int) -> float:
        return _FIRST_DELAY * 2.0**attempt * (0.5 + self._rng.random() / 2)


def request_line(provider: Provider, call_id: str, request: ChatRequest) -> bytes:
    """One line of the file that goes up; its answer comes back under ``call_id``."""
    body = provider.body(request)
    # a batch has no streams, and the provider checks every key
    body.pop("stream", None)
    line = {"custom_id": call_id, "method": "POST", "url": ENDPOINT, "body": body}
    return json.dumps(line).encode("ascii") + b"\n"


def read_line(
    provider: Provider, line: bytes, schema: ResponseSchema | None, now: datetime
) -> tuple[str, Outcome] | None:
    """(call_id, outcome) of a line of an output or error file; None where it is none."""
    try:
        document = json.loads(line)
        call_id, response = document["custom_id"], document.get("response")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not isinstance(call_id, str):
        return None
    if not isinstance(response, dict):
        return call_id, _not_executed(document.get("error"))
    status = response.get("status_code")
    if not isinstance(status, int):
        return call_id, Outcome("wrong_shape", "the line has no status code", maybe_billed=True)
    body = json.dumps(response.get("body"))
    if status != HTTP_OK:
        return call_id, read_failure(status, {}, body, now)
    return call_id, read_reply(provider, body, schema)


def _not_executed(error: Any) -> Outcome:
    """A request that ended with its batch before anybody looked at it; it is not billed."""
    said = error.get("message") if isinstance(error, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    status: Any = "cancelled" if code == "batch_cancelled" else "timeout"
    return Outcome(status, f"{code or 'no answer'}: {said or 'the batch ended before it was asked'}")


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    if not isinstance(value, str) or not value:
        raise LLMError(
            f"the provider's answer about a batch has no {key}; it is looked at again the next time."
        )
    return value


def _remote(document: Mapping[str, Any]) -> RemoteBatch:
    counts, metadata, errors = (document.get(key) for key in ("request_counts", "metadata", "errors"))
    answered = counts.get("completed") if isinstance(counts, dict) else None
    ended = next(
        (document[key] for key in ("completed_at", "expired_at", "cancelled_at", "failed_at") if isinstance(document.get(key), int)),
        None,
    )  # fmt: skip
    data = errors.get("data") if isinstance(errors, dict) else None
    said = (
        [str(one.get("message")) for one in data if isinstance(one, dict)] if isinstance(data, list) else []
    )
    return RemoteBatch(
        remote_id=_text(document, "id"),
        status=_text(document, "status"),
        label=metadata.get(_LABEL) if isinstance(metadata, dict) else None,
        input_file=document.get("input_file_id"),
        output_file=document.get("output_file_id"),
        error_file=document.get("error_file_id"),
        answered=answered if isinstance(answered, int) else None,
        ended_at=None if ended is None else datetime.fromtimestamp(ended, UTC),
        error=redacted("; ".join(said[:3]), []),
    )
