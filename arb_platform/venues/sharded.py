"""A stream over as many websockets as its markets need."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.errors import ListingError, SettingsError
from arb_platform.domain.markets import Market
from arb_platform.domain.streams import StreamSession
from arb_platform.venues.backoff import Backoff, Timing
from arb_platform.venues.dial import Endpoint
from arb_platform.venues.rest_books import BookSource
from arb_platform.venues.rest_client import RestClient, checked_url
from arb_platform.venues.shard import Shard, assets_of, shards_of
from arb_platform.venues.stream import VenueStream
from arb_platform.venues.touches import TouchHook
from arb_platform.venues.tracking import Lookup, incomplete, resolve
from arb_platform.venues.wiring import FollowingFeed, FrameHook, Wiring

log = logging.getLogger(__name__)

# Above about 500 assets a Polymarket socket never gets its first books (observed 2026).
LARGEST_SHARD: Final = 500
_HANDSHAKES_AT_ONCE: Final = 8


class ShardedStream(VenueStream):
    """The common half of the websocket adapters: shards, and changing what they follow."""

    def __init__(
        self,
        *,
        tracked_markets: Sequence[Market | str] | None,
        endpoint: Endpoint,
        new_feed: Callable[[Sequence[Market]], FollowingFeed],
        lookup: Lookup,
        books: BookSource,
        clients: Sequence[RestClient],
        timing: Timing,
        reconnect_delay: float,
        silence_seconds: float,
        shard_size: int,
        on_frame: FrameHook | None,
        on_touch: TouchHook | None = None,
    ) -> None:
        checked_url(endpoint.url, ("ws", "wss"))
        if not 2 <= shard_size <= LARGEST_SHARD:
            raise SettingsError(f"shard_size must be 2 to {LARGEST_SHARD} assets a socket, not {shard_size}")
        if reconnect_delay <= 0 or silence_seconds <= 0:
            raise SettingsError("reconnect_delay and silence_seconds must be more than 0 seconds")
        super().__init__(tracked_markets=tracked_markets, timing=timing, clients=clients)
        self._lookup = lookup
        self._shard_size = shard_size
        self._shards: dict[Shard, asyncio.Task[None]] = {}
        self._next_shard = 0
        self._opened = False
        self._completing: asyncio.Task[None] | None = None
        self._added: list[Market | str] = []
        self._wiring = Wiring(
            venue=self.venue,
            endpoint=endpoint,
            new_feed=new_feed,
            books=books,
            outbox=self._outbox,
            meter=self._meter,
            timing=timing,
            reconnect_delay=reconnect_delay,
            silence_seconds=silence_seconds,
            handshakes=asyncio.Semaphore(_HANDSHAKES_AT_ONCE),
            on_frame=on_frame,
            on_touch=on_touch,
        )

    async def follow(self, markets: Sequence[Market | str]) -> None:
        """Stream these markets too, without reconnecting; a full shard makes a new socket."""
        if not self._opened:
            self._added.extend(markets)
            return
        followed = {market.market_id for market in self.markets}
        found = await resolve(markets, self._lookup)
        self._place([market for market in found if market.market_id not in followed])
        self._complete_later()

    async def unfollow(self, market_ids: Sequence[str]) -> None:
        """Stop streaming these markets; a socket that has nothing left is closed."""
        dropped = set(market_ids)
        for shard in list(self._shards):
            mine = [market.market_id for market in shard.feed.markets if market.market_id in dropped]
            if mine and len(mine) == len(shard.feed.markets):
                self._shards.pop(shard).cancel()
            elif mine:
                shard.unfollow(mine)

    @property
    def markets(self) -> list[Market]:
        """What is followed now."""
        return [market for shard in self._shards for market in shard.feed.markets]

    @property
    def connected(self) -> bool:
        """True while every socket is connected; see ``sockets_connected`` for how many are."""
        return bool(self._shards) and all(shard.connected for shard in self._shards)

    @property
    def sockets(self) -> int:
        """How many sockets the followed markets need."""
        return len(self._shards)

    @property
    def sockets_connected(self) -> int:
        return sum(shard.connected for shard in self._shards)

    @property
    def assets_subscribed(self) -> int:
        """Assets followed; a Polymarket market has two."""
        return sum(shard.assets for shard in self._shards)

    @property
    def assets_with_book(self) -> int:
        """Assets whose book can be vouched for now."""
        return sum(
            assets_of(market)
            for shard in self._shards
            for market in shard.feed.markets
            if shard.feed.snapshot_of(market.market_id) is not None
        )

    @property
    def books(self) -> list[BookSnapshot]:
        """The last snapshot of each book that can be vouched for now."""
        found = (shard.feed.snapshot_of(m.market_id) for shard in self._shards for m in shard.feed.markets)
        return [snapshot for snapshot in found if snapshot is not None]

    @property
    def sessions_so_far(self) -> list[StreamSession]:
        """The connections that go on, with what they have brought."""
        return [session for shard in self._shards if (session := shard.session_so_far) is not None]

    async def _run(self) -> None:
        markets = await resolve(self._tracked, self._lookup)
        if not markets and self._tracked is None:
            raise ListingError(
                f"{self.venue} lists no tradable market at all; check the venue's address in the settings."
            )
        self._opened = True
        self._place(markets)
        self._complete_later()
        added, self._added = self._added, []
        if added:
            await self.follow(added)

    def _complete_later(self) -> None:
        if self._completing is None and any(map(incomplete, self.markets)):
            self._completing = self._spawn(self._complete())

    async def _complete(self) -> None:
        """Look up again, ever less often, the markets that cannot be subscribed yet because a lookup failed."""
        backoff = Backoff(self._wiring.reconnect_delay, rng=self._timing.rng)
        while unknown := [market.market_id for market in self.markets if incomplete(market)]:
            await self._timing.sleep(backoff.next_delay())
            found = [market for market in await resolve(unknown, self._lookup) if not incomplete(market)]
            followed = {market.market_id for market in self.markets if incomplete(market)}
            found = [market for market in found if market.market_id in followed]
            await self.unfollow([market.market_id for market in found])
            self._place(found)
        self._completing = None

    def _place(self, markets: Sequence[Market]) -> None:
        """Put markets where there is room, the rest on new sockets."""
        left = list(markets)
        for shard in self._shards:
            room = self._shard_size - shard.assets
            fitting = shards_of(left, room)[0] if left and assets_of(left[0]) <= room else []
            if fitting:
                shard.follow(fitting)
                left = left[len(fitting) :]
        for group in shards_of(left, self._shard_size):
            shard = Shard(self._next_shard, group, self._wiring)
            self._next_shard += 1
            self._shards[shard] = self._spawn(shard.run())
