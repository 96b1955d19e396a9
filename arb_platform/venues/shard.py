"""A shard: up to some hundreds of assets on one socket, kept connected for as long as it runs."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from arb_platform.domain.markets import Market
from arb_platform.domain.streams import FeedOutput, StreamEvent, StreamSession
from arb_platform.venues.backoff import Backoff
from arb_platform.venues.connection import Connection
from arb_platform.venues.dial import HandshakeFailed, dial
from arb_platform.venues.push import PushConnection
from arb_platform.venues.wiring import Wiring

log = logging.getLogger(__name__)

# A polite close frame is sent, but nobody waits long for its answer.
_GOODBYE_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class _Ended:
    reason: str
    good: bool
    wait: float | None = None


class Shard:
    """Drives one feed across reconnects, with back-off."""

    def __init__(self, number: int, markets: Sequence[Market], wiring: Wiring) -> None:
        self.number = number
        wiring.touch("feed", number, "", markets)
        self.feed = wiring.new_feed(markets)
        self.connected = False
        self._wiring = wiring
        self._connection: Connection | None = None
        self._last_session: str | None = None
        self._outage: StreamEvent | None = None
        self._attempts = 0

    @property
    def assets(self) -> int:
        """Assets subscribed on this socket; a Polymarket market has two."""
        return sum(map(assets_of, self.feed.markets))

    @property
    def session_so_far(self) -> StreamSession | None:
        """The connection that goes on, with what it has brought; None between two."""
        return None if self._connection is None else self._connection.so_far

    def follow(self, markets: Sequence[Market]) -> None:
        """Add markets to the live subscription."""
        self._wiring.touch("follow", self.number, self._session_id, markets)
        self._tell(self.feed.follow(markets))

    def unfollow(self, market_ids: Sequence[str]) -> None:
        """Drop markets from the live subscription."""
        at = self._wiring.timing.clock()
        self._wiring.touch("unfollow", self.number, self._session_id, market_ids, at=at)
        self._tell(self.feed.unfollow(market_ids, at))

    async def run(self) -> None:
        """Connect, stream, reconnect: until cancelled.

        Raises CredentialsError when the venue refuses us, and whatever a fault of ours raises.
        """
        try:
            await self._keep_connected()
        finally:
            self._end_outage("stopped while it lasted")

    async def _keep_connected(self) -> None:
        timing = self._wiring.timing
        backoff = Backoff(self._wiring.reconnect_delay, rng=timing.rng)
        while True:
            began = timing.monotonic()
            ended = await self._connect()
            if ended.good:
                backoff.was_good_for(timing.monotonic() - began)
            delay = backoff.next_delay()
            if ended.wait is not None:
                delay = max(delay, ended.wait)
            circles = f"; {backoff.short} short connections in a row, so the next is waited for longer"
            self._note_outage(ended.reason + circles if backoff.looping else ended.reason)
            log.warning(
                "%s: socket %d ended (%s); the next one in %.1f s",
                self._wiring.venue,
                self.number,
                ended.reason,
                delay,
            )
            await timing.sleep(delay)

    async def _connect(self) -> _Ended:
        try:
            async with self._wiring.handshakes:
                socket = await dial(self._wiring.endpoint, self._wiring.timing)
        except HandshakeFailed as failed:
            return _Ended(str(failed), good=False, wait=failed.wait)
        try:
            return await self._drive(socket)
        finally:
            await _hang_up(socket)

    async def _drive(self, socket: PushConnection) -> _Ended:
        timing = self._wiring.timing
        session = StreamSession(
            session_id=f"{self._wiring.venue}-{self.number}-{timing.identifier()}",
            venue=self._wiring.venue,
            shard=self.number,
            connected_at=timing.clock(),
            reconnect_of=self._last_session,
        )
        if self._last_session is not None:
            self._wiring.meter.reconnections += 1
        self._last_session = session.session_id
        connection = Connection(
            socket, self.feed, session=session, wiring=self._wiring, on_good_frame=self._back
        )
        self._connection, self.connected = connection, True
        reason = "closed by us"
        try:
            reason = await connection.run()
            return _Ended(reason, good=self.feed.good_frames > 0)
        except Exception as fault:
            reason = f"a fault of ours: {type(fault).__name__}: {fault}"
            raise
        finally:
            self._connection, self.connected = None, False
            connection.end(reason)

    def _tell(self, outputs: Sequence[FeedOutput] | None) -> None:
        self._emit(outputs or ())
        if self._connection is not None:
            self._connection.collect()

    def _note_outage(self, reason: str) -> None:
        """One ``reconnect`` row from the loss to the first good frame after it."""
        self._attempts += 1
        if self._outage is None:
            self._attempts = 1
            self._outage = StreamEvent(
                event_id=f"{self._wiring.venue}-{self.number}:reconnect:{self._wiring.timing.identifier()}",
                venue=self._wiring.venue,
                kind="reconnect",
                started_at=self._wiring.timing.clock(),
                ended_at=None,
                session_id=self._last_session or "",
                detail=reason,
            )
        else:
            self._outage = replace(self._outage, detail=f"attempt {self._attempts}: {reason}")
        self._say(self._outage)

    def _back(self) -> None:
        self._end_outage(f"back after {self._attempts} attempts")

    def _end_outage(self, how: str) -> None:
        if self._outage is not None:
            ended_at = self._wiring.timing.clock()
            self._say(replace(self._outage, ended_at=ended_at, detail=f"{self._outage.detail}; {how}"))
            self._outage = None

    @property
    def _session_id(self) -> str:
        return "" if self._connection is None else self._connection.session.session_id

    def _say(self, event: StreamEvent) -> None:
        self._wiring.touch("said", self.number, event.session_id, [event])
        self._emit([event])

    def _emit(self, outputs: Sequence[FeedOutput]) -> None:
        if outputs:
            self._wiring.meter.count(outputs)
            self._wiring.outbox.put(outputs)


def assets_of(market: Market) -> int:
    """How many assets a market takes on a socket."""
    return len(market.asset_ids) or 1


def shards_of(markets: Sequence[Market], size: int) -> list[list[Market]]:
    """Markets in order, as many as fit into ``size`` assets each; a market is never split."""
    groups: list[list[Market]] = []
    room = 0
    for market in markets:
        if not groups or assets_of(market) > room:
            groups.append([])
            room = size
        groups[-1].append(market)
        room -= assets_of(market)
    return groups


async def _hang_up(socket: PushConnection) -> None:
    with suppress(TimeoutError, OSError):
        await asyncio.wait_for(socket.close(), _GOODBYE_SECONDS)
    socket.transport.abort()
