"""One attempt to get an answer from a language model, as the ledger keeps it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable

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
    # the batch it was sent in; None: it was asked by itself
    batch_id: str | None = None


# preparing: kept, and perhaps sent. submitted: the provider has it. The other two are over: collected, or
# failed as a whole, which costs nothing.
BatchState = Literal["preparing", "submitted", "collected", "failed"]


@dataclass(frozen=True, slots=True)
class CallBatch:
    """Many questions that a provider answers within a day at a lower price; ``batch_id`` is ours, ``remote_id`` theirs.

    ``estimated_usd`` counts as spent until the answers say what it really cost.
    """

    batch_id: str
    run_id: str
    provider: str
    model: str
    state: BatchState
    requests: int
    estimated_usd: Decimal
    prepared_at: datetime
    remote_id: str | None = None
    # the provider's own word
    remote_status: str | None = None
    answered: int | None = None
    ended_at: datetime | None = None
    error: str = ""

    @property
    def open(self) -> bool:
        return self.state in {"preparing", "submitted"}


class CallLedger(Protocol):
    """Where attempts are written down: before the money is spent and after."""

    def write(self, call: LLMCall) -> None:
        """Keep ``call`` durably, replacing an earlier row of the same ``call_id``."""

    def spent_usd(self, now: datetime) -> Decimal:
        """Dollars spent since midnight UTC of ``now``, by every process that shares this ledger."""


@runtime_checkable
class JournalLedger(CallLedger, Protocol):
    """A ledger that can make many calls durable at once, from another thread than the one that notes them."""

    @property
    def unsynced(self) -> bool:
        """Whether there is something for :meth:`sync` to do."""

    def note(self, call: LLMCall) -> None:
        """Keep ``call`` beyond the end of this process; a loss of power may take it until the next :meth:`sync`."""

    def sync(self) -> None:
        """Make everything durable that was noted so far; may wait for a disk, and may run in any thread."""
