"""One attempt to get an answer from a language model, as the ledger keeps it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

# ok: a usable answer. Everything else names what was wrong; `started` left alone means a crash.
CallStatus = Literal[
    "started", "ok", "timeout", "connection_error", "rate_limited", "refused", "http_error",
    "blank_content", "truncated", "not_json", "wrong_shape", "cancelled",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class LLMCall:
    """One row of the ledger; the same ``call_id`` is written when it starts and when it ended.

    ``cost_usd`` is None when the model has no known price or the answer carried no usage: unknown
    is not zero. ``latency_ms`` is the whole call as its caller saw it.
    """

    call_id: str
    run_id: str
    pair_hash: str | None
    provider: str
    model: str
    attempt: int
    started_at: datetime
    status: CallStatus
    fallback: bool
    latency_ms: float | None = None
    http_status: int | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: Decimal | None = None
    price_version: str | None = None
    error: str = ""


class CallLedger(Protocol):
    """Where attempts are written down: before the money is spent and after."""

    def write(self, call: LLMCall) -> None:
        """Keep ``call`` durably, replacing an earlier row of the same ``call_id``."""

    def spent_usd(self, now: datetime) -> Decimal:
        """Dollars spent since midnight UTC of ``now``, by every process that shares this ledger."""
