"""What all shards of one adapter share."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from arb_platform.domain.markets import Market
from arb_platform.domain.streams import FeedOutput
from arb_platform.venues.backoff import Timing
from arb_platform.venues.dial import Endpoint
from arb_platform.venues.feed import Feed
from arb_platform.venues.meters import Meter
from arb_platform.venues.outbox import Outbox
from arb_platform.venues.rest_books import BookSource
from arb_platform.venues.touches import Touch, TouchHook, TouchKind

# Called with each raw frame, its receive time and the session's id, before the feed sees it.
FrameHook = Callable[[bytes, datetime, str], object]


class FollowingFeed(Feed, Protocol):
    """A feed whose subscription can change while it is connected."""

    def follow(self, markets: Sequence[Market]) -> Sequence[FeedOutput] | None:
        """Subscribe to ``markets`` too; the frames are queued like all others."""

    def unfollow(self, ids: Sequence[str], at: datetime) -> Sequence[FeedOutput] | None:
        """Drop these markets and their books; what was open about them ends."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """``new_feed`` makes a feed of this venue and depth; ``handshakes`` bounds how many connections
    are being opened at once; ``silence_seconds`` is how long a socket may be without market data.
    """

    venue: str
    endpoint: Endpoint
    new_feed: Callable[[Sequence[Market]], FollowingFeed]
    books: BookSource
    outbox: Outbox
    meter: Meter
    timing: Timing
    reconnect_delay: float
    silence_seconds: float
    handshakes: asyncio.Semaphore
    on_frame: FrameHook | None = None
    on_touch: TouchHook | None = None

    def touch(
        self, kind: TouchKind, shard: int, session_id: str, body: Any = None, *, at: datetime | None = None
    ) -> None:
        """Tell whoever keeps a recording what a feed is about to be told."""
        if self.on_touch is not None:
            self.on_touch(Touch(kind, shard, self.timing.clock() if at is None else at, session_id, body))
