"""The venues there are. A third one is a venue file, its adapters, and one entry here."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from arb_platform.domain.markets import KALSHI, POLYMARKET, Listing
from arb_platform.venues.adapters import KalshiWebsocketAdapter, PolymarketWebsocketAdapter
from arb_platform.venues.kalshi import KalshiFeed
from arb_platform.venues.polled import PolledStream
from arb_platform.venues.polling import KalshiAdapter, PolymarketAdapter
from arb_platform.venues.polymarket import PolymarketFeed
from arb_platform.venues.rest import list_markets
from arb_platform.venues.sharded import ShardedStream
from arb_platform.venues.wiring import FollowingFeed


@dataclass(frozen=True, slots=True)
class Venue:
    """What a venue is made of. ``listing`` takes the keywords of ``rest.list_markets``."""

    name: str
    feed: Callable[..., FollowingFeed]
    websocket_adapter: type[ShardedStream]
    polling_adapter: type[PolledStream]
    listing: Callable[..., Awaitable[Listing]]


VENUES: Final[dict[str, Venue]] = {
    POLYMARKET: Venue(
        POLYMARKET,
        PolymarketFeed,
        PolymarketWebsocketAdapter,
        PolymarketAdapter,
        partial(list_markets, POLYMARKET),
    ),
    KALSHI: Venue(
        KALSHI,
        KalshiFeed,
        KalshiWebsocketAdapter,
        KalshiAdapter,
        partial(list_markets, KALSHI),
    ),
}
