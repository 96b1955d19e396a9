"""One websocket from handshake to hang-up, driving a feed."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from arb_platform.domain.errors import TransportError, WireError
from arb_platform.domain.streams import QuarantinedFrame, StreamOutput, StreamSession
from arb_platform.venues.backoff import Backoff
from arb_platform.venues.dial import MAX_FRAME_BYTES
from arb_platform.venues.feed import Feed
from arb_platform.venues.wiring import Wiring
from arb_platform.venues.witness import watch

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 1.0
# Books per request round; a feed that lost everything asks for a shard's worth at once.
_FETCH_AT_ONCE: Final = 250
_FETCH_DELAY: Final = 1.0


class Connection:
    """Drives ``feed`` over ``socket`` until there is a reason to replace it."""

    def __init__(
        self,
        socket: ClientConnection,
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
        self._good = False
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
        self._hand_over(self._feed.connected(self.session.session_id, self.session.connected_at))
        self.collect()
        jobs: list[Coroutine[Any, Any, str]] = [self._read(), self._write(), self._tick(), self._fetch()]
        jobs.append(watch(self._feed, self.session, self._wiring))
        tasks = [asyncio.create_task(job) for job in jobs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            reasons = [task.result() for task in done]  # all of them: a fault of ours must not hide behind a reason
            return reasons[0]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def end(self, reason: str) -> None:
        """Tell the feed and the consumer that this connection is over."""
        at = self._wiring.timing.clock()
        self._emit(self._feed.disconnected(at, reason))
        self._emit(
            [
                replace(
                    self.session, ended_at=at, reason=reason, frames=self._frames, snapshots=self._snapshots
                )
            ]
        )

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

    async def _read(self) -> str:
        receive = self._socket.recv
        outbox = self._wiring.outbox
        clock = self._wiring.timing.clock
        while True:
            try:
                # Bytes, so that a frame that is not UTF-8 reaches the feed and its quarantine.
                frame = await receive(decode=False)
            except ConnectionClosed as closed:
                return self._closed(closed)
            self._receive(frame, clock())
            if outbox.full:
                await outbox.room()
            if self._feed.reconnect_reason is not None:
                return self._feed.reconnect_reason

    def _receive(self, frame: bytes, received_at: datetime) -> None:
        wiring = self._wiring
        self._frames += 1
        wiring.meter.frames += 1
        if wiring.on_frame is not None:
            wiring.on_frame(frame, received_at, self.session.session_id)
        outputs = self._feed.receive(frame, received_at)
        if outputs:
            self._hand_over(outputs)
        if not self._good and self._feed.good_frames > 0:
            self._good = True
            self._on_good_frame()
        self.collect()

    def _closed(self, closed: ConnectionClosed) -> str:
        if closed.sent is not None and closed.sent.code == CloseCode.MESSAGE_TOO_BIG:
            reason = f"a frame larger than {MAX_FRAME_BYTES} bytes"
            at = self._wiring.timing.clock()
            lost = QuarantinedFrame(self._wiring.venue, at, reason, b"", self.session.session_id)
            self._hand_over([lost])
            return reason
        if closed.rcvd is None:
            return "the connection was lost without a goodbye (1006)"
        return f"the venue closed it: {closed.rcvd.code} {closed.rcvd.reason}".rstrip()

    async def _write(self) -> str:
        """Send what the feed queued, in order; a venue that does not read must not stop the reading."""
        while True:
            await self._outgoing_ready.wait()
            self._outgoing_ready.clear()
            while self._outgoing:
                try:
                    await self._socket.send(self._outgoing.popleft())
                except ConnectionClosed as closed:
                    return self._closed(closed)

    async def _tick(self) -> str:
        timing = self._wiring.timing
        while True:
            await timing.sleep(TICK_SECONDS)
            self._hand_over(self._feed.tick(timing.clock()))
            self.collect()
            reason = self._feed.reconnect_reason
            if reason is not None:
                return reason

    async def _fetch(self) -> str:
        """Bring the books that the feed asks for; what failed is asked again after a while."""
        timing = self._wiring.timing
        backoff = Backoff(_FETCH_DELAY, rng=timing.rng)
        while True:
            await self._books_wanted.wait()
            ids = list(self._wanted)[:_FETCH_AT_ONCE]
            try:
                books = await self._wiring.books.fetch(ids)
            except (TransportError, WireError) as error:
                self._wiring.meter.books_failed += len(ids)
                log.warning("books_not_fetched", extra={"venue": self._wiring.venue, "reason": str(error)})
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
        received_at = self._wiring.timing.clock()
        self._wiring.meter.books_fetched += len(books)
        for book in books:
            self._hand_over(self._feed.receive_book(book, received_at))
        self.collect()

    def _hand_over(self, outputs: Sequence[StreamOutput]) -> None:
        if outputs:
            self._snapshots += self._emit(outputs)

    def _emit(self, outputs: Sequence[StreamOutput]) -> int:
        snapshots = self._wiring.meter.count(outputs)
        self._wiring.outbox.put(outputs)
        return snapshots
