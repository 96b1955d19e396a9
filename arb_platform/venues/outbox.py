"""The bounded buffer between the sockets and whoever consumes a stream.

Putting never waits, so a slow consumer cannot make a socket fall behind. When the consumer
stalls, only the latest snapshot of each market is kept and that is told as an ``overflow`` event;
events and sessions are always kept.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.streams import QuarantinedFrame, StreamEvent, StreamOutput

CAPACITY: Final = 20_000
# Frames of up to 32 MiB must not pile up while nobody reads: beyond this their bytes are left out.
QUARANTINE_BYTES: Final = 16 * 1024 * 1024
# Rows that may not be conflated. Beyond this the sockets are no longer read, so that TCP tells the venue.
KEPT_ROWS_LIMIT: Final = 100_000


class Outbox:
    """Many writers, one reader. ``capacity`` is how many outputs wait before snapshots are conflated."""

    def __init__(
        self,
        venue: str,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
        capacity: int = CAPACITY,
        kept_rows_limit: int = KEPT_ROWS_LIMIT,
    ) -> None:
        self._venue = venue
        self._clock = clock
        self._new_id = new_id
        self._capacity = capacity
        self._kept_rows_limit = kept_rows_limit
        self._waiting: list[StreamOutput] = []
        self._conflate_at = capacity
        self._lost: dict[str, int] = {}
        self._lost_since: datetime | None = None
        self._frames_cut = 0
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False
        self.failure: BaseException | None = None
        self.conflated = 0
        self.overflows = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, outputs: Sequence[StreamOutput]) -> None:
        """Hand over ``outputs`` in order; never waits."""
        self._waiting.extend(outputs)
        if len(self._waiting) >= self._conflate_at:
            self._conflate()
        self._arrived.set()

    async def room(self) -> None:
        """Wait while rows that must not be conflated fill the whole buffer."""
        await self._room.wait()

    @property
    def full(self) -> bool:
        """True while a writer should wait for :meth:`room` before it reads on."""
        return not self._room.is_set()

    def close(self) -> None:
        """Nothing more will come: the reader gets what waits and then the end."""
        self._closed = True
        self._arrived.set()
        self._room.set()

    def fail(self, failure: BaseException) -> None:
        """Close, and keep the first ``failure`` for the reader to raise once it has taken the rest."""
        if self.failure is None:
            self.failure = failure
        self.close()

    async def take(self) -> list[StreamOutput]:
        """Everything that waits, as soon as something does. Empty only after :meth:`close`."""
        if not self._waiting and not self._closed:
            await self._arrived.wait()
        self._arrived.clear()
        batch = self._waiting
        self._waiting = []
        self._conflate_at = self._capacity
        self._room.set()
        if self._lost_since is not None:
            batch.insert(0, self._overflow(self._lost_since))
        return batch

    def _conflate(self) -> None:
        kept: list[StreamOutput] = []
        snapshots: set[str] = set()
        events: set[str] = set()
        quarantined = 0
        # Backwards, so that the first one met of a market is its latest.
        for output in reversed(self._waiting):
            if isinstance(output, BookSnapshot):
                if output.market.market_id in snapshots:
                    self._lose(output)
                    continue
                snapshots.add(output.market.market_id)
            elif isinstance(output, StreamEvent):
                # The later row of an event carries everything the earlier one said.
                if output.event_id in events:
                    continue
                events.add(output.event_id)
            elif isinstance(output, QuarantinedFrame):
                quarantined += len(output.frame)
                if quarantined > QUARANTINE_BYTES:
                    output = self._without_bytes(output)  # noqa: PLW2901 the row stays, its bytes go
            kept.append(output)
        kept.reverse()
        self._waiting = kept
        # Thousands of markets may fill the buffer with one snapshot each: look again only after as
        # many more have come, so that conflating costs a constant time per output.
        self._conflate_at = max(self._capacity, 2 * len(kept))
        if len(kept) - len(snapshots) >= self._kept_rows_limit:
            self._room.clear()

    def _lose(self, snapshot: BookSnapshot) -> None:
        market_id = snapshot.market.market_id
        self._lost[market_id] = self._lost.get(market_id, 0) + 1
        self.conflated += 1
        if self._lost_since is None or snapshot.received_at < self._lost_since:
            self._lost_since = snapshot.received_at

    def _without_bytes(self, frame: QuarantinedFrame) -> QuarantinedFrame:
        if not frame.frame:
            return frame
        self._frames_cut += 1
        return QuarantinedFrame(
            frame.venue,
            frame.received_at,
            f"{frame.reason} ({len(frame.frame)} bytes not kept: the consumer stalled)",
            b"",
            frame.session_id,
        )

    def _overflow(self, since: datetime) -> StreamEvent:
        lost, self._lost = self._lost, {}
        self._lost_since = None
        self.overflows += 1
        detail = f"{sum(lost.values())} snapshots of {len(lost)} markets conflated while the consumer stalled"
        return StreamEvent(
            event_id=f"{self._venue}:overflow:{self._new_id()}",
            venue=self._venue,
            kind="overflow",
            started_at=since,
            ended_at=self._clock(),
            detail=detail,
        )
