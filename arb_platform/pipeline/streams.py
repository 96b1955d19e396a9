"""Streams of order books: which adapter, which markets, and recording them into the lake."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from arb_platform import api
from arb_platform.domain.errors import ArbError, CredentialsError, LakeUnavailable
from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.ingest.heartbeat import Heartbeat
from arb_platform.ingest.raw import RawTape
from arb_platform.ingest.session import Adapter, StreamSummary, record
from arb_platform.ingest.watchlist import is_list, named, named_markets, named_of, watchlist
from arb_platform.pipeline.ground import refuse_real_venue, venue_named
from arb_platform.settings import Settings
from arb_platform.storage.lake import Lake
from arb_platform.venues.adapters import KalshiWebsocketAdapter, PolymarketWebsocketAdapter
from arb_platform.venues.polling import KalshiAdapter

# A stream that was cut comes back soon; the adapters back off from here.
_RECONNECT_DELAY: Final = 1.0
# A stream for so many seconds counts them from its first book, which a busy machine may wait for this long.
_PATIENCE_SECONDS: Final = 10.0
# How often a stream looks whether it should follow other markets.
_FOLLOW_SECONDS: Final = 20.0

log = logging.getLogger(__name__)


def adapter_for(
    settings: Settings,
    venue: str,
    *,
    markets: Sequence[Market | str] | None,
    max_depth: int = 3,
    tape: RawTape | None = None,
) -> Adapter:
    """The best adapter these settings allow: websocket, or polling for Kalshi without a key."""
    refuse_real_venue(settings, venue)
    make = _ADAPTERS[venue]
    return make(settings, list(markets) if markets is not None else None, max_depth, tape)


def _polymarket_adapter(
    settings: Settings, markets: Sequence[Market | str] | None, max_depth: int, tape: RawTape | None
) -> Adapter:
    return PolymarketWebsocketAdapter(
        tracked_markets=markets,
        max_depth=max_depth,
        reconnect_delay=_RECONNECT_DELAY,
        ws_url=settings.polymarket_ws_url,
        gamma_url=settings.polymarket_gamma_url,
        clob_url=settings.polymarket_clob_url,
        silence_seconds=settings.silence_seconds,
        on_frame=None if tape is None else tape.on_frame,
        on_touch=None if tape is None else tape.on_touch,
    )


def _kalshi_adapter(
    settings: Settings, markets: Sequence[Market | str] | None, max_depth: int, tape: RawTape | None
) -> Adapter:
    key, private_key = settings.kalshi_api_key, api.kalshi_private_key(settings)
    if key is None and private_key is None:
        return KalshiAdapter(
            tracked_markets=markets,
            max_depth=max_depth,
            reconnect_delay=_RECONNECT_DELAY,
            rest_url=settings.kalshi_rest,
            on_touch=None if tape is None else tape.on_touch,
        )
    if key is None or private_key is None:
        raise CredentialsError(
            "Kalshi's websocket needs both KALSHI_API_KEY (the key id) and KALSHI_PRIVATE_KEY_PATH or "
            "KALSHI_PRIVATE_KEY (its RSA key); set the other one, or unset both to poll instead."
        )
    return KalshiWebsocketAdapter(
        key.get_secret_value(),
        tracked_markets=markets,
        max_depth=max_depth,
        reconnect_delay=_RECONNECT_DELAY,
        private_key=private_key,
        ws_url=settings.kalshi_ws,
        rest_url=settings.kalshi_rest,
        silence_seconds=settings.silence_seconds,
        on_frame=None if tape is None else tape.on_frame,
        on_touch=None if tape is None else tape.on_touch,
    )


_ADAPTERS: Final = {POLYMARKET: _polymarket_adapter, KALSHI: _kalshi_adapter}


def markets_to_stream(
    settings: Settings, venue: str, *, only: str | None = None
) -> Sequence[Market | str] | None:
    """What ``venue`` is asked to stream: ``only`` (comma-separated ids) or ``ARB_TRACK``.

    A list is followed to the letter, also by a venue of which it names nothing. None lets the
    adapter take the most traded markets, which is what a lake without a listing gets.
    """
    if only is None and not is_list(settings.track):
        return _watched(settings, venue)
    names = named(only) if only is not None else named_of(settings.track, venue)
    try:
        with Lake.open(api.lake_location(settings), read_only=True) as lake:
            return named_markets(lake, venue, names)
    except LakeUnavailable:
        return names


def _watched(settings: Settings, venue: str) -> list[Market] | None:
    try:
        with Lake.open(api.lake_location(settings), read_only=True) as lake:
            return watchlist(lake, venue, settings.track)
    except LakeUnavailable:
        return None


async def stream_venue(
    settings: Settings,
    venue: str,
    *,
    stop: asyncio.Event,
    seconds: float | None = None,
    markets: str | None = None,
    max_depth: int = 3,
    run_id: str = "",
    shard: int = 0,
    on_beat: Callable[[Heartbeat], None] = lambda _: None,
    renew: bool = False,
) -> StreamSummary:
    """Stream ``venue`` into the lake until ``stop`` is set or ``seconds`` have passed since its first book.

    With ``renew`` it takes over from whoever streams it now, without a gap.
    """
    venue_named(venue)
    followed = await asyncio.to_thread(markets_to_stream, settings, venue, only=markets)
    async with _taped(settings, venue, max_depth) as tape:
        adapter = adapter_for(settings, venue, markets=followed, max_depth=max_depth, tape=tape)
        timer = None if seconds is None else _Timer(seconds, stop)
        following = (
            asyncio.create_task(keep_following(settings, venue, adapter))
            if markets is None and not is_list(settings.track)
            else None
        )
        try:
            return await record(
                adapter, api.lake_location(settings), stop=stop, run_id=run_id, shard=shard,
                on_beat=on_beat if timer is None else timer.watching(on_beat),
                trouble=lambda: "" if tape is None else tape.trouble, renew=renew,
            )  # fmt: skip
        finally:
            if timer is not None:
                timer.cancel()
            if following is not None:
                following.cancel()


class _Timer:
    """Sets ``stop`` ``seconds`` after the first heartbeat with a snapshot, or after a stream's first one is given up."""

    def __init__(self, seconds: float, stop: asyncio.Event) -> None:
        self._seconds = seconds
        self._stop = stop
        self._started = False
        self._pending = self._after(seconds + _PATIENCE_SECONDS)

    def watching(self, on_beat: Callable[[Heartbeat], None]) -> Callable[[Heartbeat], None]:
        """``on_beat``, and the timer started by the first beat that tells of a book."""

        def beat(told: Heartbeat) -> None:
            on_beat(told)
            if told.snapshots and not self._started:
                self._started = True
                self.cancel()
                self._pending = self._after(self._seconds)

        return beat

    def cancel(self) -> None:
        self._pending.cancel()

    def _after(self, seconds: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._stop.set)


@asynccontextmanager
async def _taped(settings: Settings, venue: str, max_depth: int) -> AsyncIterator[RawTape | None]:
    """With ``ARB_RAW_FRAMES=on`` a tape that keeps every frame for replay, written out at the end."""
    if settings.raw_frames == "off":
        yield None
        return
    tape = RawTape(settings.root, venue, max_depth=max_depth)
    try:
        yield tape
    finally:
        await asyncio.to_thread(tape.close)


async def keep_following(
    settings: Settings,
    venue: str,
    adapter: Adapter,
    *,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Add and drop markets as listings, candidates and accepted pairs change, without reconnecting."""
    while True:
        await sleep(_FOLLOW_SECONDS)
        try:
            wanted = await asyncio.to_thread(_watched, settings, venue)
            if wanted is None:
                continue
            ids = {market.market_id for market in wanted}
            followed = {market.market_id for market in adapter.markets}
            await adapter.unfollow(sorted(followed - ids))
            await adapter.follow([market for market in wanted if market.market_id not in followed])
        except ArbError as error:
            # The stream goes on with what it has; the next look may work.
            log.warning("the watchlist could not be refreshed: %s", error)
