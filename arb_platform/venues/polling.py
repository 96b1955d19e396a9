"""The polling adapters: the same stream as the websocket adapters, for who has no key or no websocket."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from random import Random
from typing import Final

from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.venues import endpoints
from arb_platform.venues.adapters import kalshi_rest_url
from arb_platform.venues.backoff import timing_of
from arb_platform.venues.kalshi import KalshiFeed
from arb_platform.venues.lookups import KalshiLookup, PolymarketLookup
from arb_platform.venues.polled import PolledStream
from arb_platform.venues.polymarket import PolymarketFeed
from arb_platform.venues.rest_books import KalshiRestBooks, PolymarketRestBooks
from arb_platform.venues.rest_client import RestClient
from arb_platform.venues.touches import TouchHook

# The client tries once more itself; after that the gap is told and the back-off is ours.
_ATTEMPTS: Final = 2


class PolymarketAdapter(PolledStream):
    """Polls ``POST /books``. ``api_key`` is accepted and not needed: the data is public."""

    venue = POLYMARKET

    def __init__(
        self,
        api_key: str | None = None,  # noqa: ARG002 part of the contract, not needed by the venue
        tracked_markets: Sequence[Market | str] | None = None,
        max_depth: int = 3,
        reconnect_delay: float = 5.0,
        *,
        poll_seconds: float = 2.0,
        on_touch: TouchHook | None = None,
        gamma_url: str = endpoints.POLYMARKET_GAMMA,
        clob_url: str = endpoints.POLYMARKET_CLOB,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
        monotonic: Callable[[], float] | None = None,
        rng: Random | None = None,
    ) -> None:
        timing = timing_of(clock=clock, sleep=sleep, monotonic=monotonic, rng=rng)
        gamma = RestClient(gamma_url, venue=POLYMARKET, timing=timing)
        clob = RestClient(clob_url, venue=POLYMARKET, timing=timing, attempts=_ATTEMPTS)
        super().__init__(
            tracked_markets=tracked_markets,
            new_feed=partial(PolymarketFeed, max_depth=max_depth),
            lookup=PolymarketLookup(gamma),
            books=PolymarketRestBooks(clob),
            clients=[gamma, clob],
            timing=timing,
            reconnect_delay=reconnect_delay,
            poll_seconds=poll_seconds,
            on_touch=on_touch,
        )


class KalshiAdapter(PolledStream):
    """Polls ``GET /markets/orderbooks``, which needs no key; ``api_key`` is accepted and not used.

    Kalshi's cache may hand out a book that is 15 s old.
    """

    venue = KALSHI

    def __init__(
        self,
        api_key: str | None = None,  # noqa: ARG002 part of the contract, not needed by the venue
        use_demo: bool = False,  # noqa: FBT001, FBT002 the contract's place for it
        tracked_markets: Sequence[Market | str] | None = None,
        max_depth: int = 3,
        reconnect_delay: float = 5.0,
        *,
        poll_seconds: float = 2.0,
        on_touch: TouchHook | None = None,
        rest_url: str | None = None,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
        monotonic: Callable[[], float] | None = None,
        rng: Random | None = None,
    ) -> None:
        timing = timing_of(clock=clock, sleep=sleep, monotonic=monotonic, rng=rng)
        url = kalshi_rest_url(rest_url, use_demo=use_demo)
        rest = RestClient(url, venue=KALSHI, timing=timing, attempts=_ATTEMPTS)
        super().__init__(
            tracked_markets=tracked_markets,
            new_feed=partial(KalshiFeed, max_depth=max_depth),
            lookup=KalshiLookup(rest),
            books=KalshiRestBooks(rest),
            clients=[rest],
            timing=timing,
            reconnect_delay=reconnect_delay,
            poll_seconds=poll_seconds,
            on_touch=on_touch,
        )
