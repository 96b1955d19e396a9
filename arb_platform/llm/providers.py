"""The providers we can ask, as dated entries: one more entry is one more provider.

A provider speaks OpenAI's chat form (`POST <base>/chat/completions`). What differs is here: base
address, models and when they retire, how a request asks for JSON, where usage tells cached tokens.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeGuard

from arb_platform.domain.errors import SettingsError
from arb_platform.llm.shapes import ResponseSchema

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Model:
    """A model by the provider's name; ``retires`` is the first day on which it no longer answers."""

    name: str
    retires: date | None = None
    # reasoning models count hidden tokens too and refuse the older name of the limit
    token_limit_field: str = "max_tokens"  # noqa: S105 - a field's name, no password
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One question, before it takes a provider's form."""

    model: str
    messages: Sequence[Message]
    temperature: float
    max_tokens: int
    schema: ResponseSchema | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider billed them; ``cached_tokens`` is the part of ``prompt_tokens`` it had seen before."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class BatchTerms:
    """What a provider offers for many questions that may take a day: a part of the price, and limits of one batch."""

    price_factor: Decimal
    most_requests: int
    most_bytes: int


@dataclass(frozen=True, slots=True)
class Provider:
    """``models`` are in order of preference; ``requests_per_minute`` is our own limit, not theirs."""

    name: str
    key_variable: str
    base_url: str
    models: tuple[Model, ...]
    requests_per_minute: int
    json_form: Callable[[ChatRequest], dict[str, Any]]
    cached_tokens: Callable[[Mapping[str, Any]], Any]
    batch: BatchTerms | None = None

    def body(self, request: ChatRequest) -> dict[str, Any]:
        """The JSON body of ``request`` in this provider's form."""
        model = next((model for model in self.models if model.name == request.model), Model(request.model))
        return {
            "model": request.model,
            "messages": [dict(message) for message in request.messages],
            "temperature": request.temperature,
            model.token_limit_field: request.max_tokens,
            "stream": False,
            **self.json_form(request),
            **(model.extra or {}),
        }

    def usage(self, reply: Mapping[str, Any]) -> Usage | None:
        """What ``reply`` says was billed, or None where it does not say so in whole numbers."""
        told = reply.get("usage")
        if not isinstance(told, Mapping):
            return None
        prompt, completion = told.get("prompt_tokens"), told.get("completion_tokens")
        cached = self.cached_tokens(told)
        if not (_is_count(prompt) and _is_count(completion) and _is_count(cached) and cached <= prompt):
            return None
        return Usage(prompt, cached, completion)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _deepseek_json(_request: ChatRequest) -> dict[str, Any]:
    # https://api-docs.deepseek.com/guides/json_mode: JSON mode knows no schema; thinking is on by
    # default and would be billed as output.
    return {"response_format": {"type": "json_object"}, "thinking": {"type": "disabled"}}


def _openai_json(request: ChatRequest) -> dict[str, Any]:
    # https://platform.openai.com/docs/guides/structured-outputs
    if request.schema is None:
        return {"response_format": {"type": "json_object"}}
    strict = {"name": request.schema.name, "strict": True, "schema": request.schema.on_the_wire()}
    return {"response_format": {"type": "json_schema", "json_schema": strict}}


def _deepseek_cached(usage: Mapping[str, Any]) -> Any:
    return usage.get("prompt_cache_hit_tokens", 0)


def _openai_cached(usage: Mapping[str, Any]) -> Any:
    details = usage.get("prompt_tokens_details")
    return (details.get("cached_tokens") or 0) if isinstance(details, Mapping) else 0


# The oldest model comes first: the owner asked for these two by name, and the successor takes over
# by itself on the day of the retirement. Dates as known on 2026-11-23.
PROVIDERS: Final[dict[str, Provider]] = {
    "deepseek": Provider(
        name="deepseek",
        key_variable="DEEPSEEK_API_KEY",
        base_url="https://api.deepseek.com",
        models=(
            # retired by a third party's note; DeepSeek's own change log no longer names it
            Model("deepseek-chat", retires=date(2026, 7, 24)),
            Model("deepseek-flash"),
        ),
        requests_per_minute=60,
        json_form=_deepseek_json,
        cached_tokens=_deepseek_cached,
    ),
    "openai": Provider(
        name="openai",
        key_variable="OPENAI_API_KEY",
        base_url="https://api.openai.com/v1",
        models=(
            Model("gpt-4o", retires=date(2027, 1, 14)),
            # named by OpenAI as gpt-4o's successor; a reasoning model whose reasoning can be off
            Model(
                "gpt-6-luna",
                token_limit_field="max_completion_tokens",  # noqa: S106 - a field's name, no password
                extra={"reasoning_effort": "none"},
            ),
        ),
        requests_per_minute=500,
        json_form=_openai_json,
        cached_tokens=_openai_cached,
        # https://platform.openai.com/docs/guides/batch: half price, 50,000 requests and 200 MB
        batch=BatchTerms(Decimal("0.5"), 50_000, 200_000_000),
    ),
}


def provider_named(name: str) -> Provider:
    """The registered provider, or SettingsError naming those there are."""
    try:
        return PROVIDERS[name]
    except KeyError:
        raise SettingsError(
            f"there is no language model provider {name!r}; choose one of {', '.join(PROVIDERS)}"
        ) from None


def default_model(provider: str, today: date) -> str:
    """The first model of ``provider`` that still answers on ``today``."""
    entry = provider_named(provider)
    for model in entry.models:
        if model.retires is None or today < model.retires:
            return model.name
    raise SettingsError(
        f"every model we know of {provider} is retired; name one with ARB_{provider.upper()}_MODEL"
    )


def located(model: str) -> tuple[str, str]:
    """(provider, model) of ``model``, which is a name in the registry or ``provider/name``. Raises SettingsError."""
    provider, slash, name = model.partition("/")
    if slash and provider in PROVIDERS and name:
        return provider, name
    for entry in PROVIDERS.values():
        if any(model == known.name for known in entry.models):
            return entry.name, model
    raise SettingsError(
        f"no provider is known to have the model {model!r}; write it as provider/model, with a provider of {', '.join(PROVIDERS)}"
    )


def retirements_within(days: int, today: date) -> list[tuple[str, str, date]]:
    """Models that retire in ``days`` days or less: (provider, model, first day without it)."""
    return [
        (provider.name, model.name, model.retires)
        for provider in PROVIDERS.values()
        for model in provider.models
        if model.retires is not None and 0 < (model.retires - today).days <= days
    ]
