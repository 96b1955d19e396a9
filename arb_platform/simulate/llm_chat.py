"""The chat completions protocol as the two providers speak it: requests, answers and error bodies."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from arb_platform.simulate.llm_answers import AskedPair
from arb_platform.simulate.llm_billing import PRICES, Usage, count_tokens
from arb_platform.simulate.llm_faults import Fault

_THINKING_TOKENS: Final = 220


@dataclass(slots=True)
class Chat:
    """A request that was understood."""

    provider: str
    model: str
    messages: list[tuple[str, str]]
    max_tokens: int
    thinking: bool
    wanted: frozenset[str] | None
    pair: AskedPair = field(default_factory=AskedPair)

    @property
    def prompt(self) -> bytes:
        return "".join(f"<{role}>{content}" for role, content in self.messages).encode(
            "utf-8", "surrogatepass"
        )


class Refused(Exception):
    """The request gets an error body; ``kind`` and ``code`` are the provider's own words."""

    def __init__(self, status: int, message: str, kind: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.kind, self.code = status, kind, code


def read_chat(provider: str, body: bytes) -> Chat:
    """The request, or Refused in the provider's words."""
    try:
        document = json.loads(body)
        messages = [
            (str(message["role"]), _content_text(message["content"])) for message in document["messages"]
        ]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Refused(400, f"Failed to parse the request body: {error!r}", "invalid_request_error") from None
    model = document.get("model")
    if model not in PRICES[provider]:
        status = 400 if provider == "deepseek" else 404
        raise Refused(
            status, f"The model `{model}` does not exist", "invalid_request_error", code="model_not_found"
        )
    if not messages or document.get("stream"):
        raise Refused(
            422, "messages must not be empty, and streaming is not simulated", "invalid_request_error"
        )
    form = document.get("response_format") or {}
    if (
        form.get("type") == "json_object"
        and "json" not in "".join(content for _, content in messages).lower()
    ):
        raise Refused(
            400,
            "Prompt must contain the word 'json' in some form to use 'response_format' of type 'json_object'",
            "invalid_request_error",
        )
    schema = (form.get("json_schema") or {}).get("schema") or {}
    wanted = frozenset(schema["properties"]) if schema.get("properties") else None
    limit = document.get("max_tokens") or document.get("max_completion_tokens") or 4096
    thinking = provider == "deepseek" and (document.get("thinking") or {}).get("type") != "disabled"
    return Chat(provider, model, messages, int(limit), thinking, wanted)


def _content_text(content: Any) -> str:
    """A message's text, also when it comes as a list of parts."""
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content)


def completion(
    chat: Chat, content: str, fault: Fault | None, cached: int, *, number: int, at: datetime
) -> tuple[bytes, Usage]:
    """The chat completion object and what it used."""
    thinking = _THINKING_TOKENS if chat.thinking else 0
    room = max(0, chat.max_tokens - thinking)
    encoded = content.encode("utf-8", "surrogatepass")
    if fault == "truncated":
        room = min(room, count_tokens(encoded) // 2)
    cut = count_tokens(encoded) > room
    if cut:
        content = encoded[: room * 4].decode("utf-8", "ignore")
    completion = min(chat.max_tokens, thinking + min(room, count_tokens(encoded)))
    usage = Usage(count_tokens(chat.prompt), cached, completion, min(thinking, chat.max_tokens))
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if chat.thinking:
        message["reasoning_content"] = "The two texts must be compared field by field. " * 18
    document = {
        "id": f"chatcmpl-simulated-{number}",
        "object": "chat.completion",
        "created": int(at.timestamp()),
        "model": chat.model,
        "choices": [
            {"index": 0, "message": message, "logprobs": None, "finish_reason": "length" if cut else "stop"}
        ],
        "usage": usage.document(chat.provider),
        "system_fingerprint": "fp_simulated",
    }
    return json.dumps(document).encode(), usage


def error_response(refusal: Refused, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=error_body(refusal), status=refusal.status, headers=headers, content_type="application/json"
    )


def error_body(refusal: Refused) -> bytes:
    """The error object in the providers' form."""
    error = {"message": str(refusal), "type": refusal.kind, "param": None, "code": refusal.code}
    return json.dumps({"error": error}).encode()
