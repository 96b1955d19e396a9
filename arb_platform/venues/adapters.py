"""The websocket adapters: order books as the venues push them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import urlsplit

from arb_platform.domain.errors import CredentialsError
from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.venues import endpoints
from arb_platform.venues.backoff import Timing, timing_of
from arb_platform.venues.dial import Endpoint
from arb_platform.venues.kalshi import KalshiFeed
from arb_platform.venues.lookups import KalshiLookup, PolymarketLookup
from arb_platform.venues.polymarket import PolymarketFeed
from arb_platform.venues.rest_books import KalshiRestBooks, PolymarketRestBooks
from arb_platform.venues.rest_client import RestClient
from arb_platform.venues.sharded import ShardedStream
from arb_platform.venues.signing import KalshiSigner
from arb_platform.venues.touches import TouchHook
from arb_platform.venues.wiring import FrameHook

_POLYMARKET_REFUSED: Final = (
    "Polymarket's market data needs no key, so this network is probably not let in; "
    "check ARB_POLYMARKET_WS_URL and from where you connect."
)
_KALSHI_REFUSED: Final = (
    "Kalshi does not accept the key; check KALSHI_API_KEY (the key id), KALSHI_PRIVATE_KEY_PATH or "
    "KALSHI_PRIVATE_KEY (its RSA key), that KALSHI_USE_DEMO fits them, and the clock of this machine."
)
_KALSHI_NO_KEY: Final = (
    "Kalshi's websocket needs a key id and its RSA private key: set KALSHI_API_KEY and KALSHI_PRIVATE_KEY_PATH "
    "(or KALSHI_PRIVATE_KEY), or use the polling KalshiAdapter, which needs none."
)


class PolymarketWebsocketAdapter(ShardedStream):
    """Polymarket's market channel. ``api_key`` is accepted and not needed: the data is public."""

    venue = POLYMARKET

    def __init__(
        self,
        api_key: str | None = None,  # noqa: ARG002 part of the contract, not needed by the venue
        tracked_markets: Sequence[Market | str] | None = None,
        max_depth: int = 3,
        reconnect_delay: float = 5.0,
        *,
        ws_url: str = endpoints.POLYMARKET_WS,
        gamma_url: str = endpoints.POLYMARKET_GAMMA,
        clob_url: str = endpoints.POLYMARKET_CLOB,
        silence_seconds: float = 120.0,
        shard_size: int = 200,
        on_frame: FrameHook | None = None,
        on_touch: TouchHook | None = None,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
        monotonic: Callable[[], float] | None = None,
        rng: Random | None = None,
    ) -> None:
        timing = timing_of(clock=clock, sleep=sleep, monotonic=monotonic, rng=rng)
        gamma = RestClient(gamma_url, venue=POLYMARKET, timing=timing)
        clob = RestClient(clob_url, venue=POLYMARKET, timing=timing)
        super().__init__(
            tracked_markets=tracked_markets,
            endpoint=Endpoint(ws_url, dict, _POLYMARKET_REFUSED),
            new_feed=partial(PolymarketFeed, max_depth=max_depth),
            lookup=PolymarketLookup(gamma),
            books=PolymarketRestBooks(clob),
            clients=[gamma, clob],
            timing=timing,
            reconnect_delay=reconnect_delay,
            silence_seconds=silence_seconds,
            shard_size=shard_size,
            on_frame=on_frame,
            on_touch=on_touch,
        )


class KalshiWebsocketAdapter(ShardedStream):
    """Kalshi's order book channel, which needs a key also for public books.

    ``api_key`` is the key id, ``private_key`` its RSA key as PEM text or the path of a file.
    Raises CredentialsError without both.
    """

    venue = KALSHI

    def __init__(
        self,
        api_key: str | None = None,
        use_demo: bool = False,  # noqa: FBT001, FBT002 the contract's place for it
        tracked_markets: Sequence[Market | str] | None = None,
        max_depth: int = 3,
        reconnect_delay: float = 5.0,
        *,
        private_key: str | Path | None = None,
        ws_url: str | None = None,
        rest_url: str | None = None,
        silence_seconds: float = 120.0,
        shard_size: int = 200,
        on_frame: FrameHook | None = None,
        on_touch: TouchHook | None = None,
        clock: Callable[[], datetime] | None = None,
        sleep: Callable[[float], Awaitable[object]] | None = None,
        monotonic: Callable[[], float] | None = None,
        rng: Random | None = None,
    ) -> None:
        if not api_key or not private_key:
            raise CredentialsError(_KALSHI_NO_KEY)
        timing = timing_of(clock=clock, sleep=sleep, monotonic=monotonic, rng=rng)
        url = ws_url or (endpoints.KALSHI_DEMO_WS if use_demo else endpoints.KALSHI_WS)
        rest = RestClient(kalshi_rest_url(rest_url, use_demo=use_demo), venue=KALSHI, timing=timing)
        signer = KalshiSigner(api_key, str(private_key))
        super().__init__(
            tracked_markets=tracked_markets,
            endpoint=Endpoint(url, partial(_signed, signer, url, timing), _KALSHI_REFUSED),
            new_feed=partial(KalshiFeed, max_depth=max_depth),
            lookup=KalshiLookup(rest),
            books=KalshiRestBooks(rest),
            clients=[rest],
            timing=timing,
            reconnect_delay=reconnect_delay,
            silence_seconds=silence_seconds,
            shard_size=shard_size,
            on_frame=on_frame,
            on_touch=on_touch,
        )


def kalshi_rest_url(rest_url: str | None, *, use_demo: bool) -> str:
    """The given address, or the venue's own for production or its demo environment."""
    return rest_url or (endpoints.KALSHI_DEMO_REST if use_demo else endpoints.KALSHI_REST)


def _signed(signer: KalshiSigner, url: str, timing: Timing) -> Mapping[str, str]:
    # The signature covers the path without the query and is good for one handshake.
    return signer.headers("GET", urlsplit(url).path, timing.clock())
