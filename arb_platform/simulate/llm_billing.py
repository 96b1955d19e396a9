"""The providers' side of the money: tokens, the prefix cache, and an invoice to check a ledger against.

The prices are written down here on purpose and not taken from the platform's own price source: an
invoice that is computed by the code under test would always agree with it.
"""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

_MILLION: Final = Decimal(1_000_000)
_BYTES_PER_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars for a million tokens: cached prompt, uncached prompt, completion."""

    cached: Decimal
    prompt: Decimal
    completion: Decimal
    # doubled 01-04 and 06-10 UTC, Monday to Friday (DeepSeek's price page, September 2026)
    peak_hours: bool = False

    def usd(self, usage: "Usage", at: datetime) -> Decimal:
        total = (
            self.cached * usage.cached_tokens
            + self.prompt * (usage.prompt_tokens - usage.cached_tokens)
            + self.completion * usage.completion_tokens
        ) / _MILLION
        return total * 2 if self.peak_hours and _is_peak(at.astimezone(UTC)) else total


PRICES: Final[dict[str, dict[str, Price]]] = {
    "deepseek": {
        "deepseek-flash": Price(Decimal("0.003"), Decimal("0.15"), Decimal("0.60"), peak_hours=True)
    },
    "openai": {
        "gpt-6-luna": Price(Decimal("0.01"), Decimal("0.10"), Decimal("0.50")),
        "gpt-4o": Price(Decimal("1.25"), Decimal("2.50"), Decimal(10)),
    },
}


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answered request; ``cached_tokens`` are part of ``prompt_tokens``."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int = 0

    def document(self, provider: str) -> dict[str, Any]:
        """The ``usage`` object in the provider's own words."""
        document: dict[str, Any] = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning_tokens},
        }
        if provider == "deepseek":
            document["prompt_cache_hit_tokens"] = self.cached_tokens
            document["prompt_cache_miss_tokens"] = self.prompt_tokens - self.cached_tokens
        return document


@dataclass(frozen=True, slots=True)
class Charge:
    """One answered request as the provider bills it."""

    at: datetime
    provider: str
    model: str
    usage: Usage
    usd: Decimal
    batch: bool = False


@dataclass(slots=True)
class Invoice:
    """Everything billed so far; requests that were refused or cut off cost nothing."""

    charges: list[Charge] = field(default_factory=list)

    def charge(self, at: datetime, provider: str, model: str, usage: Usage, *, batch: bool = False) -> Charge:
        usd = PRICES[provider][model].usd(usage, at)
        # https://platform.openai.com/docs/guides/batch: "50% cost discount"
        charge = Charge(at, provider, model, usage, usd / 2 if batch else usd, batch)
        self.charges.append(charge)
        return charge

    @property
    def calls(self) -> int:
        return len(self.charges)

    @property
    def usd(self) -> Decimal:
        return sum((charge.usd for charge in self.charges), Decimal(0))

    @property
    def tokens(self) -> int:
        return sum(charge.usage.prompt_tokens + charge.usage.completion_tokens for charge in self.charges)

    def document(self) -> dict[str, Any]:
        """The invoice as JSON; dollars are text, so that they stay exact."""
        lines = {}
        for provider, model in sorted({(charge.provider, charge.model) for charge in self.charges}):
            mine = [charge for charge in self.charges if (charge.provider, charge.model) == (provider, model)]
            lines[f"{provider}/{model}"] = {
                "calls": len(mine),
                "prompt_tokens": sum(charge.usage.prompt_tokens for charge in mine),
                "cached_tokens": sum(charge.usage.cached_tokens for charge in mine),
                "completion_tokens": sum(charge.usage.completion_tokens for charge in mine),
                "usd": str(sum((charge.usd for charge in mine), Decimal(0))),
            }
        return {"calls": self.calls, "tokens": self.tokens, "usd": str(self.usd), "lines": lines}


class PrefixCache:
    """Which prompt beginnings were seen, in blocks of 64 tokens (OpenAI: 128, from 1,024 tokens on)."""

    def __init__(self, provider: str, *, capacity: int = 50_000) -> None:
        self.block_tokens = 64 if provider == "deepseek" else 128
        self.smallest = 0 if provider == "deepseek" else 1024
        self._capacity = capacity
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def cached_tokens(self, prompt: bytes) -> int:
        """Tokens of ``prompt`` that an earlier prompt began with."""
        if count_tokens(prompt) < self.smallest:
            return 0
        hits = 0
        for digest in self._digests(prompt):
            if digest not in self._seen:
                break
            hits += 1
        return hits * self.block_tokens

    def remember(self, prompt: bytes) -> None:
        for digest in self._digests(prompt):
            self._seen[digest] = None
            self._seen.move_to_end(digest)
        while len(self._seen) > self._capacity:
            self._seen.popitem(last=False)

    def _digests(self, prompt: bytes) -> list[bytes]:
        size = self.block_tokens * _BYTES_PER_TOKEN
        running = hashlib.sha256()
        digests = []
        for start in range(0, len(prompt) - size + 1, size):
            running.update(prompt[start : start + size])
            digests.append(running.digest())
        return digests


def count_tokens(text: bytes) -> int:
    """About four bytes are a token; the same estimate is billed, so ledger and invoice can agree."""
    return -(-len(text) // _BYTES_PER_TOKEN)


def _is_peak(at: datetime) -> bool:
    return at.weekday() < 5 and (1 <= at.hour < 4 or 6 <= at.hour < 10)
