"""One websocket from handshake to hang-up, driving a feed."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from arb_platform.domain.errors import TransportError, WireError
from arb_platform.domain.streams import QuarantinedFrame, StreamOutput, StreamSession
from arb_platform.venues.backoff import Backoff
from arb_platform.venues.dial import MAX_FRAME_BYTES
from arb_platform.venues.feed import Feed
from arb_platform.venues.push import PushConnection
from arb_platform.venues.touches import TouchKind
from arb_platform.venues.wiring import Wiring
from arb_platform.venues.witness import watch

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 1.0
# No two frames have one moment, for an event ends right before the first snapshot that is good again.
_APART: Final = timedelta(microseconds=1)
_SET_BACK: Final = timedelta(seconds=1)
# Books per request round; a feed that lost everything asks for a shard's worth at once.
_FETCH_AT_ONCE: Final = 250
_FETCH_DELAY: Final = 1.0
# A book that is broken must not wait for long because the samples before it failed.
_FETCH_DELAY_CAP: Final = 10.0


class Connection:
    """Drives ``feed`` over ``socket`` until there is a reason to replace it."""

    def __init__(
        self,
        socket: PushConnection,
        feed: Feed,
        *,
        session: StreamSession,
        wiring: Wiring,
        on_good_frame: Callable[[], None],
    ) -> None:
        self.session = session
        self._socket = socket
        self._feed = feed
        self._wiring = wiring
        self._on_good_frame = on_good_frame
        self._clock = wiring.timing.clock
        self._next_moment = session.connected_at
        self._good = False
        self._paused = asyncio.Event()
        self._replace = asyncio.Event()
        self._outgoing: deque[str] = deque()
        self._outgoing_ready = asyncio.Event()
        self._wanted: dict[str, None] = {}
        self._books_wanted = asyncio.Event()
        self._frames = 0
        self._snapshots = 0

    async def run(self) -> str:
        """Stream until the connection ends or should be replaced, and return why.

        Whatever else is raised is a fault of ours and is not caught here.
        """
        self._emit([self.session])
        self._touch("connected", self.session, at=self.session.connected_at)
        self._hand_over(self._feed.connected(self.session.session_id, self.session.connected_at))
        self.collect()
        jobs: list[Coroutine[Any, Any, str]] = [
            self._read(), self._write(), self._tick(), self._fetch(), self._pause(), self._replaced(),
            watch(self._feed, self.session, self._wiring),
        ]  # fmt: skip
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            reasons = [
                task.result() for task in done
            ]  # all of them: a fault of ours must not hide behind a reason
            return reasons[0]
        finally:
            self._socket.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def so_far(self) -> StreamSession:
        """The session with what it has brought by now."""
        return replace(self.session, frames=self._frames, snapshots=self._snapshots)

    def end(self, reason: str) -> None:
        """Tell the feed and the consumer that this connection is over."""
        at = self._wiring.timing.clock()
        ended = replace(self.so_far, ended_at=at, reason=reason)
        self._touch("disconnected", ended, at=at)
        self._emit(self._feed.disconnected(at, reason))
        self._emit([ended])

    def collect(self) -> None:
        """Fetch from the feed what it wants sent and looked up; call it after every touch of the feed."""
        frames = self._feed.frames_to_send()
        if frames:
            self._outgoing.extend(frames)
            self._outgoing_ready.set()
        wanted = self._feed.books_wanted()
        if wanted:
            self._wanted.update(dict.fromkeys(wanted))
            self._books_wanted.set()
        if self._feed.reconnect_reason is not None:
            self._replace.set()

    async def _read(self) -> str:
        self._socket.start(self._receive)
        await self._socket.ended()
        return self._goodbye()

    def _receive(self, frames: Sequence[bytes]) -> None:
        """The messages of one read, called while its bytes are there: nothing here may wait."""
        wiring, feed = self._wiring, self._feed
        received_at = self._moment()
        self._frames += len(frames)
        wiring.meter.frames += len(frames)
        outputs: list[StreamOutput] = []
        try:
            for frame in frames:
                if wiring.on_frame is not None:
                    wiring.on_frame(frame, received_at, self.session.session_id)
                outputs += feed.receive(frame, received_at)
                received_at += _APART
                if feed.wants_something:
                    self.collect()
        finally:
            self._next_moment = received_at
            self._hand_over(outputs)
        if wiring.outbox.full:
            self._socket.transport.pause_reading()
            self._paused.set()
        if not self._good and feed.good_frames > 0:
            self._good = True
            self._on_good_frame()

    def _moment(self) -> datetime:
        """Now, or right after the last moment where the clock is coarse or was set back by less than a second."""
        at = self._clock()
        if at < self._next_moment < at + _SET_BACK:
            at = self._next_moment
        self._next_moment = at + _APART
        return at

    async def _pause(self) -> str:
        """Read on once the consumer has made room for rows that must not be dropped."""
        while True:
            await self._paused.wait()
            await self._wiring.outbox.room()
            self._paused.clear()
            self._socket.transport.resume_reading()

    async def _replaced(self) -> str:
        await self._replace.wait()
        return self._feed.reconnect_reason or "the feed wanted a new connection"

    def _goodbye(self) -> str:
        """Why the connection is closed, in words; a frame beyond the limit is a row besides."""
        protocol = self._socket.protocol
        if protocol.close_sent is not None and protocol.close_sent.code == CloseCode.MESSAGE_TOO_BIG:
            reason = f"a frame larger than {MAX_FRAME_BYTES} bytes"
            lost = QuarantinedFrame(self._wiring.venue, self._clock(), reason, b"", self.session.session_id)
            self._touch("said", [lost])
            self._hand_over([lost])
            return reason
        if protocol.close_rcvd is None:
            return "the connection was lost without a goodbye (1006)"
        return f"the venue closed it: {protocol.close_rcvd.code} {protocol.close_rcvd.reason}".rstrip()

    async def _write(self) -> str:
        """Send what the feed queued, in order; a venue that does not read must not stop the reading."""
        while True:
            await self._outgoing_ready.wait()
            self._outgoing_ready.clear()
            while self._outgoing:
                try:
                    await self._socket.send(self._outgoing.popleft())
                except ConnectionClosed:
                    return self._goodbye()

    async def _tick(self) -> str:
        timing = self._wiring.timing
        while True:
            await timing.sleep(TICK_SECONDS)
            now = self._moment()
            self._touch("tick", at=now)
            self._hand_over(self._feed.tick(now))
            self.collect()

    async def _fetch(self) -> str:
        """Bring the books that the feed asks for; what failed is asked again after a while."""
        timing = self._wiring.timing
        backoff = Backoff(_FETCH_DELAY, rng=timing.rng, cap=_FETCH_DELAY_CAP)
        while True:
            await self._books_wanted.wait()
            ids = list(self._wanted)[:_FETCH_AT_ONCE]
            try:
                books = await self._wiring.books.fetch(ids)
            except (TransportError, WireError) as error:
                self._wiring.meter.books_failed += len(ids)
                log.warning(
                    "%s: books could not be fetched and are asked for again: %s", self._wiring.venue, error
                )
                await timing.sleep(backoff.next_delay())
                continue
            backoff.reset()
            for asset in ids:
                self._wanted.pop(asset, None)
            if not self._wanted:
                self._books_wanted.clear()
            self._wiring.meter.books_missing += len(ids) - len(books)
            self._receive_books(list(books.values()))

    def _receive_books(self, books: Sequence[Any]) -> None:
        received_at = self._moment()
        self._wiring.meter.books_fetched += len(books)
        self._touch("books", books, at=received_at)
        for book in books:
            self._hand_over(self._feed.receive_book(book, received_at))
        self.collect()

    def _touch(self, kind: TouchKind, body: Any = None, *, at: datetime | None = None) -> None:
        self._wiring.touch(kind, self.session.shard, self.session.session_id, body, at=at)

    def _hand_over(self, outputs: Sequence[StreamOutput]) -> None:
        if outputs:
            self._snapshots += self._emit(outputs)

    def _emit(self, outputs: Sequence[StreamOutput]) -> int:
        snapshots = self._wiring.meter.count(outputs)
        self._wiring.outbox.put(outputs)
        return snapshots
