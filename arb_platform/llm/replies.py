"""From the bytes of an HTTP reply to an answer, or to the name of what is wrong with it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from arb_platform.domain.calls import CallStatus
from arb_platform.llm.providers import Provider, Usage
from arb_platform.llm.shapes import ResponseSchema

HTTP_OK: Final = 200
_TOO_MANY: Final = 429
# Asking again changes nothing: our request, key, account or permission is at fault.
_NOT_RETRIED: Final = frozenset({400, 401, 402, 403, 404, 405, 413, 422})
_RETRIED_ERRORS: Final = frozenset({408, *range(500, 600)})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt gave: an ``answer`` when ``status`` is ok, else why not.

    ``retryable`` says that the same request may succeed later; ``repairable`` that the provider is
    well but its answer was not, so that asking once more with a remark is worth it.
    """

    status: CallStatus
    error: str = ""
    answer: dict[str, Any] | None = None
    http_status: int | None = None
    usage: Usage | None = None
    wait_seconds: float | None = None
    # whether the provider may charge for this attempt although it did not say what
    maybe_billed: bool = False

    @property
    def retryable(self) -> bool:
        if self.status in {"timeout", "connection_error", "rate_limited"}:
            return True
        return self.status == "http_error" and (self.http_status or 0) in _RETRIED_ERRORS

    @property
    def repairable(self) -> bool:
        return self.status in {"blank_content", "truncated", "not_json", "wrong_shape"}


def read_failure(http_status: int, headers: Mapping[str, str], body: str, now: datetime) -> Outcome:
    """What an HTTP status other than 200 means."""
    said = error_message(body)
    if http_status == _TOO_MANY:
        wait = wait_seconds(headers, now)
        return Outcome("rate_limited", f"HTTP 429: {said}", http_status=http_status, wait_seconds=wait)
    status: CallStatus = "refused" if http_status in _NOT_RETRIED else "http_error"
    return Outcome(
        status,
        f"HTTP {http_status}: {said}",
        http_status=http_status,
        wait_seconds=wait_seconds(headers, now),
    )


def read_reply(provider: Provider, body: str, schema: ResponseSchema | None) -> Outcome:
    """What the body of an HTTP 200 means; never raises on bad input."""
    envelope = _decoded(body)
    if not isinstance(envelope, dict):
        # a proxy's HTML page arrives here, too
        return Outcome("not_json", "the reply is not a JSON object", http_status=HTTP_OK, maybe_billed=True)
    usage = provider.usage(envelope)
    status, error, answer = _read_choice(envelope, schema)
    return Outcome(status, error, answer, HTTP_OK, usage, maybe_billed=usage is None)


def _read_choice(
    envelope: dict[str, Any], schema: ResponseSchema | None
) -> tuple[CallStatus, str, dict[str, Any] | None]:
    choice = _first_choice(envelope)
    if choice is None:
        return "wrong_shape", "the reply has no choices[0].message", None
    message, finish = choice
    content = message.get("content")
    if finish == "length":
        return "truncated", "the answer was cut at the token limit", None
    if message.get("refusal") or finish == "content_filter":
        return "wrong_shape", "the model declined to answer", None
    if not isinstance(content, str) or not content.strip():
        return "blank_content", "the answer is blank", None
    answer = _decoded(content)
    if answer is None:
        return "not_json", "the answer is not one JSON document", None
    if not isinstance(answer, dict):
        return "wrong_shape", "the answer is JSON but not an object", None
    faults = schema.faults(answer) if schema else []
    return ("wrong_shape", "; ".join(faults[:3]), None) if faults else ("ok", "", answer)


def _first_choice(envelope: dict[str, Any]) -> tuple[dict[str, Any], Any] | None:
    choices = envelope.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, dict) else None
    return (
        (message, first.get("finish_reason"))
        if isinstance(first, dict) and isinstance(message, dict)
        else None
    )


def _decoded(text: str) -> Any:
    """The JSON in ``text``; None where it is none. NaN and infinities are none either."""
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_no_key_twice)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values for one key are two answers, and choosing one of them would be a guess."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key occurs twice")
    return document


def error_message(body: str) -> str:
    """What an error body of either provider says, or that it says nothing; not redacted."""
    document = _decoded(body)
    error = document.get("error") if isinstance(document, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else "no reason given"


def wait_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the provider asks us to wait, or None.

    Retry-After (seconds or a date), else the largest x-ratelimit-reset-* of a limit that is used up.
    """
    told = headers.get("retry-after")
    if told is not None:
        asked = _retry_after(told.strip(), now)
        if asked is not None:
            return asked
    resets = [
        seconds
        for name, value in headers.items()
        if name.lower().startswith(_RESET)
        and headers.get(name.lower().replace("reset", "remaining"), "0").strip() == "0"
        and (seconds := _duration(value.strip())) is not None
    ]
    return max(resets, default=None)


def _retry_after(value: str, now: datetime) -> float | None:
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    # RFC 9110: an HTTP date without a zone is UTC
    return max(0.0, ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds())


_RESET: Final = "x-ratelimit-reset"
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _duration(value: str) -> float | None:
    """OpenAI's form of a duration: ``1s``, ``6m0s``, ``20ms``; a bare number is seconds."""
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        return float(value)
    if not re.fullmatch(r"(\d{1,9}(\.\d{1,9})?(ms|s|m|h|d))+", value):
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", value)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
