"""Batches what a stream says and lands it in the spool without holding up the event loop.

The stream's task only appends to lists. A thread builds the columns, writes the segment and syncs
it; while it does, the next batch fills. When the disk cannot take a batch it is kept and tried
again, the stream is no longer drained, and its outbox conflates: memory stays bounded.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Final, TypeVar

import pyarrow as pa

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.errors import StorageError
from arb_platform.domain.streams import QuarantinedFrame, StreamEvent, StreamOutput, StreamSession
from arb_platform.ingest.handover import Farewell
from arb_platform.ingest.lease import LeaseLost
from arb_platform.storage.spool import Spool
from arb_platform.storage.streams import event_rows, quarantine_rows, session_rows, snapshot_rows

_Row = TypeVar("_Row")

log = logging.getLogger(__name__)

BATCH_SECONDS: Final = 0.5
BATCH_ROWS: Final = 2_000
# The columns of so many rows hold the interpreter lock for a millisecond; after each such slice the
# event loop gets the time to do what has come meanwhile.
SLICE_ROWS: Final = 250
BREATH_SECONDS: Final = 0.003
# What may wait for the disk before the stream is no longer drained.
LARGEST_BACKLOG: Final = 20_000
RETRY_SECONDS: Final = 2.0


@dataclass(slots=True)
class Batch:
    """What waits to be landed, by kind; a session or event said twice is kept once, as it was last."""

    snapshots: list[tuple[BookSnapshot, datetime]] = field(default_factory=list)
    events: dict[str, StreamEvent] = field(default_factory=dict)
    sessions: dict[str, StreamSession] = field(default_factory=dict)
    quarantined: list[QuarantinedFrame] = field(default_factory=list)
    # by shard, the session of an earlier process that ours continues without a gap
    before: dict[int, str] = field(default_factory=dict)

    def add(self, output: StreamOutput, handed_at: datetime) -> None:
        match output:
            case BookSnapshot():
                self.snapshots.append((output, handed_at))
            case StreamEvent():
                self.events[output.event_id] = output
            case StreamSession():
                self.sessions[output.session_id] = self._continued(output)
            case QuarantinedFrame():
                self.quarantined.append(output)

    def _continued(self, session: StreamSession) -> StreamSession:
        before = self.before.get(session.shard) if session.reconnect_of is None else None
        return session if before is None else replace(session, reconnect_of=before)

    def __len__(self) -> int:
        return len(self.snapshots) + len(self.events) + len(self.sessions) + len(self.quarantined)


@dataclass(frozen=True, slots=True)
class _Part:
    """One segment's worth: how to build its rows, and how to forget them once they are durable."""

    table: str
    build: Callable[[], pa.Table]
    forget: Callable[[], None]


class Recorder:
    """Takes the outputs of one venue's stream and acknowledges them into the spool."""

    def __init__(
        self,
        spool: Spool,
        venue: str,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        batch_seconds: float = BATCH_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        sleep: Callable[[float], object] = time.sleep,
        fence: Callable[[], None] = lambda: None,
        continues: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        """``fence`` is called before each segment is written and raises LeaseLost when we may not;
        ``continues`` are the sessions of an earlier process, by shard, that the first ones of this go on from.
        """
        self._spool = spool
        self._venue = venue
        self._clock = clock
        self._batch_seconds = batch_seconds
        self._retry_seconds = retry_seconds
        self._sleep = sleep
        self._fence = fence
        self._batch = Batch(before=dict(continues))
        self._farewell: Farewell | None = None
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._ending = False
        self.snapshots = 0
        self.gaps = 0
        self.quarantined = 0
        self.acknowledged_rows = 0
        self.last_error = ""

    async def take(self, outputs: list[StreamOutput]) -> None:
        """Add what the stream just said; waits while too much is waiting for the disk."""
        handed_at = self._clock()
        if self._farewell is not None:
            outputs = self._farewell.note(outputs)
        for output in outputs:
            self._batch.add(output, handed_at)
            self._count(output)
        if len(self._batch) >= BATCH_ROWS:
            self._filled.set()
        if len(self._batch) >= LARGEST_BACKLOG and not self._ending:
            self._room.clear()
            await self._room.wait()

    @property
    def waiting(self) -> int:
        """Rows that are not durable yet."""
        return len(self._batch)

    def refresh(self, sessions: Iterable[StreamSession]) -> None:
        """Land the counts of connections that go on; one whose end waits to be landed stays ended."""
        for session in sessions:
            waiting = self._batch.sessions.get(session.session_id)
            if waiting is None or waiting.ended_at is None:
                self._batch.add(session, self._clock())

    def leave(self, farewell: Farewell) -> None:
        """From now on note in ``farewell`` what is recorded, for the process that goes on."""
        self._farewell = farewell

    def end(self) -> None:
        """No longer make the stream wait: it is closing, and its last words must get through to end it."""
        self._ending = True
        self._room.set()

    async def land(self, stop: asyncio.Event) -> None:
        """Land batches until ``stop`` is set, then whatever is left, and return.

        Raises StorageError only at the end, when the last batch cannot be written: until then a
        disk without room is waited for, because what is not acknowledged yet is still in memory.
        Raises LeaseLost at once: the shard is another process's now.
        """
        while not stop.is_set():
            await self._wait(stop)
            try:
                await self.flush()
            except LeaseLost:
                raise
            except StorageError as error:
                self._complain(error)
                await _pause(stop, self._retry_seconds)
        await self.flush()

    async def _wait(self, stop: asyncio.Event) -> None:
        if self._filled.is_set():
            return
        waiting = {asyncio.ensure_future(self._filled.wait()), asyncio.ensure_future(stop.wait())}
        _, left = await asyncio.wait(
            waiting, timeout=self._batch_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for task in left:
            task.cancel()

    async def flush(self) -> None:
        """Land what waits now, segment by segment; a row is forgotten only when it is durable."""
        self._filled.clear()
        for part in self._parts():
            self.acknowledged_rows += await asyncio.to_thread(self._write, part)
            part.forget()
        self.last_error = ""
        self._room.set()

    def _parts(self) -> Iterator[_Part]:
        batch = self._batch
        for _ in range(0, len(batch.snapshots), BATCH_ROWS):
            snapshots = batch.snapshots[:BATCH_ROWS]
            yield _Part(
                "book_snapshots",
                partial(self._sliced, snapshots),
                partial(batch.snapshots.__delitem__, slice(len(snapshots))),
            )
        if batch.quarantined:
            frames = list(batch.quarantined)
            yield _Part(
                "quarantined_frames",
                partial(quarantine_rows, frames),
                partial(batch.quarantined.__delitem__, slice(len(frames))),
            )
        if batch.events:
            events = dict(batch.events)
            yield _Part(
                "stream_events",
                partial(event_rows, list(events.values())),
                partial(_forget, batch.events, events),
            )
        if batch.sessions:
            sessions = dict(batch.sessions)
            yield _Part(
                "stream_sessions",
                partial(session_rows, list(sessions.values())),
                partial(_forget, batch.sessions, sessions),
            )

    def _sliced(self, snapshots: list[tuple[BookSnapshot, datetime]]) -> pa.Table:
        """The rows of a batch, made without holding up the event loop; called in a thread."""
        slices: list[pa.Table] = []
        for start in range(0, len(snapshots), SLICE_ROWS):
            if slices:
                self._sleep(BREATH_SECONDS)
            slices.append(snapshot_rows(snapshots[start : start + SLICE_ROWS]))
        return pa.concat_tables(slices)

    def _write(self, part: _Part) -> int:
        rows = part.build()
        self._fence()
        self._spool.write(self._venue, part.table, rows)
        return int(rows.num_rows)

    def _complain(self, error: StorageError) -> None:
        if str(error) != self.last_error:
            log.error("rows wait in memory: %s", error)
        self.last_error = str(error)

    def _count(self, output: StreamOutput) -> None:
        if isinstance(output, BookSnapshot):
            self.snapshots += 1
        elif isinstance(output, QuarantinedFrame):
            self.quarantined += 1
        elif isinstance(output, StreamEvent) and output.kind == "gap" and output.ended_at is None:
            self.gaps += 1


def _forget(waiting: dict[str, _Row], landed: dict[str, _Row]) -> None:
    """Drop what landed, unless it changed while it was being written."""
    for key, value in landed.items():
        if waiting.get(key) is value:
            del waiting[key]


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
