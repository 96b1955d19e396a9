"""What a stream tells besides books: sessions, events, quarantined frames.

Absence is not emptiness: every moment in which a book cannot be vouched for is a row.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from arb_platform.domain.books import BookSnapshot

# The words analysts filter by; they are part of the contract.
EventKind = Literal[
    "gap", "silence", "resync", "quarantine", "overflow", "crossed", "clock_skew", "reconnect"
]
EVENT_KINDS: Final[tuple[EventKind, ...]] = (
    "gap", "silence", "resync", "quarantine", "overflow", "crossed", "clock_skew", "reconnect",
)  # fmt: skip

# The owner's requirement: p50 <= 200 ms from market update to handler.
LATENCY_BUDGET_MS: Final = 200


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Something happened to a book or a connection, from ``started_at`` to ``ended_at``.

    An event that goes on has ``ended_at`` None; the same ``event_id`` is sent again when it ends.
    ``market_id`` is None when the whole connection is meant.
    """

    event_id: str
    venue: str
    kind: EventKind
    started_at: datetime
    ended_at: datetime | None
    market_id: str | None = None
    session_id: str = ""
    epoch: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class QuarantinedFrame:
    """A frame we could not read, or of a kind nobody knows, kept as it came."""

    venue: str
    received_at: datetime
    reason: str
    frame: bytes
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class StreamSession:
    """One connection, from handshake to end; sent once when it starts and again when it ended."""

    session_id: str
    venue: str
    shard: int
    connected_at: datetime
    ended_at: datetime | None = None
    reason: str = ""
    frames: int = 0
    snapshots: int = 0
    reconnect_of: str | None = None


FeedOutput = BookSnapshot | StreamEvent | QuarantinedFrame
StreamOutput = FeedOutput | StreamSession
