"""Kalshi on this machine: REST market data and the signed websocket on one port.

Written from the venue's documentation and recorded frames, and without a look at the platform's own
reading of them: the two are tests of each other.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Final

from aiohttp import web

from arb_platform.domain.books import Level
from arb_platform.domain.markets import KALSHI
from arb_platform.simulate import kalshi_frames as frames
from arb_platform.simulate import kalshi_rest
from arb_platform.simulate.books import Books, Change, SimulatedBook
from arb_platform.simulate.faults import Faults
from arb_platform.simulate.kalshi_keys import Doorkeeper, generate_key_pair
from arb_platform.simulate.kalshi_listing import KalshiListing
from arb_platform.simulate.kalshi_replay import KalshiReplay
from arb_platform.simulate.kalshi_socket import (
    LIFECYCLE,
    ORDERBOOK,
    TICKER,
    TRADE,
    KalshiClient,
    Subscription,
)
from arb_platform.simulate.playback import Playback
from arb_platform.simulate.recordings import Recording
from arb_platform.simulate.server import (
    Clock,
    Connection,
    Sleep,
    http_faults,
    keep_pace,
    utc_now,
)
from arb_platform.simulate.venue import SimulatedVenue
from arb_platform.simulate.walks import ListedMarket, MarketCatalogue, WalkMap

__all__ = ["KalshiSimulator", "generate_key_pair"]

WS_PATH: Final = "/trade-api/ws/v2"
_PING_SECONDS: Final = 10.0


class KalshiSimulator(SimulatedVenue):
    """A venue of the catalogue's markets, or of a recording's, or of both.

    ``rate`` is level changes a second over all markets that somebody follows; 0 leaves every change
    to :meth:`change`. ``public_keys`` are PEM texts by key id; None lets any key in whose headers are
    complete and fresh. ``books`` is the truth: the full-depth YES book of each market.
    """

    def __init__(
        self,
        catalogue: MarketCatalogue | None,
        *,
        seed: int = 7,
        host: str = "127.0.0.1",
        port: int = 0,
        rate: float = 20.0,
        recording: Recording | None = None,
        faults: Faults | None = None,
        public_keys: Mapping[str, str] | None = None,
        ping_seconds: float = _PING_SECONDS,
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__(KALSHI, host=host, port=port, recording=recording, faults=faults)
        self._doorkeeper = Doorkeeper(public_keys)
        self._rate, self._ping_seconds = rate, ping_seconds
        self._clock, self._sleep = clock, sleep
        self._rng = Random(f"{seed}/kalshi")
        recorded = recording.markets(clock()) if recording else ()
        self._markets: dict[str, ListedMarket] = {
            market.market_id: market for market in (*recorded, *(catalogue.kalshi if catalogue else ()))
        }
        walks = WalkMap(catalogue, seed=seed)
        self.books = Books(
            self._markets.values(), fair_price=walks.kalshi, seed=seed, seconds=lambda: clock().timestamp()
        )
        self._replay = KalshiReplay(recording, self, sleep) if recording else None
        for ticker, book in self._replay.books.items() if self._replay else ():
            self.books.add(ticker, book)
        self._followers: dict[tuple[str, str], dict[Subscription, None]] = {}
        self._everything: dict[str, dict[Subscription, None]] = {}
        self._followed: list[str] = []
        self._polled: dict[str, None] = {}
        self._results: dict[str, str] = {}
        self._listing = KalshiListing(
            self._markets, self.books, self._results, faults=self.faults, polled=self._was_polled
        )
        self._uncross: tuple[str, int] | None = None
        self.changes = 0
        # handshakes that were refused, by reason
        self.refusals: list[str] = []

    # Addresses and life

    @property
    def rest_url(self) -> str:
        return f"http://{self.address}{kalshi_rest.ROOT}"

    @property
    def ws_url(self) -> str:
        return f"ws://{self.address}{WS_PATH}"

    @property
    def playback(self) -> Playback | None:
        return self._replay.playback if self._replay else None

    async def start(self) -> None:
        application = web.Application(middlewares=[http_faults(self.faults)])
        application.router.add_routes(kalshi_rest.routes(self._listing))
        application.router.add_get(WS_PATH, self._socket)
        background = [
            keep_pace(self.change, rate=self._rate, sleep=self._sleep, idle=self._idle),
            self._heartbeat(),
        ]
        if self._replay is not None:
            background.append(self._replay.playback.run())
        await self._server.start(application, background)

    # What the books do

    def book_of(self, market_id: str) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """YES bids and asks as they are now, full depth, best first."""
        return self.books.book_of(market_id)

    def change(self, market_id: str | None = None) -> Change | None:
        """Change one level of a followed market, or of ``market_id``, and tell the clients; None: nobody follows any."""
        if self._uncross is not None:
            crossed_id, price = self._uncross
            self._uncross = None
            return self._apply(crossed_id, self.books.book(crossed_id).set("bid", price, 0))
        chosen = market_id if market_id is not None else self._choose()
        if chosen is None:
            return None
        book = self.books.book(chosen)
        if book.best_ask is not None and self.faults.strikes("crossed"):
            return self._cross(chosen, book)
        return self._apply(chosen, book.step(self._rng, self._clock().timestamp()))

    def resolve(self, ticker: str, result: str = "yes") -> None:
        """End a market: determined on the lifecycle channel, gone from the open listing."""
        self._results[ticker] = result
        moment = int(self._clock().timestamp())
        message = {
            "event_type": "determined",
            "market_ticker": ticker,
            "result": result,
            "determination_ts": moment,
        }
        for subscription in self._everything.get(LIFECYCLE, ()):
            subscription.send(LIFECYCLE, frames.msg_tail(message), ticker)
        self._refollow()

    def _cross(self, ticker: str, book: SimulatedBook) -> Change:
        assert book.best_ask is not None
        price = book.best_ask
        self.faults.record("crossed", market_id=ticker)
        self._uncross = (ticker, price)
        return self._apply(ticker, book.set("bid", price, 5_000_000))

    def _apply(self, ticker: str, change: Change) -> Change:
        self.changes += 1
        moment = self.now()
        self.tell_change(ticker, change, moment)
        if change.traded:
            self.tell(TRADE, ticker, frames.trade_tail(ticker, change, moment))
        if change.top:
            self._tell_ticker(ticker, moment)
        return change

    def tell_change(self, ticker: str, change: Change, moment: datetime) -> None:
        """Send a change of a book that has already been made."""
        detail = "top" if change.top else "deep"
        tails: dict[bool, bytes] = {}
        followers = self._followers.get((ORDERBOOK, ticker), ())
        old = bool(followers) and self._old_form()
        for subscription in followers:
            mode = subscription.use_yes_price
            tail = tails.get(mode)
            if tail is None:
                tail = frames.cents_delta_tail(ticker, change, use_yes_price=mode) if old else None
                if tail is not None:
                    self.faults.record("legacy", market_id=ticker)
                else:
                    uuid = self._uuid(ticker)
                    tail = frames.delta_tail(ticker, uuid, change, moment, use_yes_price=mode)
                tails[mode] = tail
            subscription.send(ORDERBOOK, tail, ticker, detail=detail)

    def tell_snapshot(self, ticker: str) -> None:
        """Send a whole book to everybody who follows it."""
        for subscription in self._followers.get((ORDERBOOK, ticker), ()):
            subscription.send("orderbook_snapshot", self._snapshot(subscription, ticker), ticker)

    def tell(self, channel: str, ticker: str, tail: bytes) -> None:
        """Send a message to the followers of a market, and to those of the whole channel."""
        for subscription in self._followers.get((channel, ticker), ()):
            subscription.send(channel, tail, ticker)
        for subscription in self._everything.get(channel, ()):
            subscription.send(channel, tail, ticker)

    def _tell_ticker(self, ticker: str, moment: datetime) -> None:
        if (TICKER, ticker) in self._followers or self._everything.get(TICKER):
            self.tell(TICKER, ticker, self._ticker(ticker, moment))

    def _ticker(self, ticker: str, moment: datetime) -> bytes:
        book, document = self.books.book(ticker), self._markets[ticker].document
        return frames.ticker_tail(ticker, self._uuid(ticker), book, document, moment)

    def now(self) -> datetime:
        """The venue's time as its frames tell it."""
        return self._clock() - timedelta(seconds=self.faults.lag_seconds)

    def _uuid(self, ticker: str) -> str:
        known = self._replay.market_uuids.get(ticker) if self._replay else None
        return known or frames.market_uuid(ticker)

    def _choose(self) -> str | None:
        followed = self._followed or list(self._polled)
        return self._rng.choice(followed) if followed else None

    def _idle(self) -> bool:
        return not self._followed and not self._polled

    # The websocket

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        reason = self._doorkeeper.refusal(request.headers, method="GET", path=request.path, now=self._clock())
        if reason is not None:
            self.refusals.append(reason)
            raise kalshi_rest.refused(401, "authentication_error", reason)
        return await self._converse(request, self._talk)

    async def _talk(self, connection: Connection) -> None:
        client = KalshiClient(connection, self)
        connection.wire.oddity = self._oddity
        connection.overflowed = client.overflow

        def overflow() -> None:
            self.faults.record("overflow", connection=connection.name)
            client.overflow()

        connection.schedule(overflow)
        await client.talk()

    async def _heartbeat(self) -> None:
        """A ping frame with the body ``heartbeat`` every ten seconds."""
        while True:
            await self._sleep(self._ping_seconds)
            for connection in self.connections:
                await connection.ping(b"heartbeat")

    def knows(self, ticker: str) -> bool:
        return ticker in self._markets

    def follow(self, subscription: Subscription, tickers: Iterable[str]) -> None:
        if subscription.everything:
            self._everything.setdefault(subscription.channel, {})[subscription] = None
        for ticker in tickers:
            self._followers.setdefault((subscription.channel, ticker), {})[subscription] = None
        self._refollow()

    def unfollow(self, subscription: Subscription, tickers: Iterable[str]) -> None:
        self._everything.get(subscription.channel, {}).pop(subscription, None)
        for ticker in tickers:
            followers = self._followers.get((subscription.channel, ticker), {})
            followers.pop(subscription, None)
            if not followers:
                self._followers.pop((subscription.channel, ticker), None)
        self._refollow()

    def first_snapshots(self, subscription: Subscription, tickers: Iterable[str]) -> None:
        """The first book of each ticker, unless a fault withholds it; on the ticker channel its quotes."""
        for ticker in tickers:
            if subscription.channel == TICKER:
                subscription.send(TICKER, self._ticker(ticker, self.now()), ticker)
            elif self.faults.strikes("no_first_book"):
                name = subscription.client.connection.name
                self.faults.record("no_first_book", market_id=ticker, connection=name, detail=ticker)
            else:
                subscription.send("orderbook_snapshot", self._snapshot(subscription, ticker), ticker)
            if self._replay is not None and ticker in self._replay.books:
                self._replay.playback.started.set()

    def snapshots(self, subscription: Subscription, tickers: Iterable[str], number: int) -> None:
        """The answer to get_snapshot."""
        for ticker in tickers:
            if self.faults.strikes("no_snapshot"):
                name = subscription.client.connection.name
                self.faults.record("no_snapshot", market_id=ticker, connection=name)
                continue
            tail = self._snapshot(subscription, ticker)
            subscription.send("orderbook_snapshot", tail, ticker, number=number)

    def _snapshot(self, subscription: Subscription, ticker: str) -> bytes:
        book, mode = self.books.book(ticker), subscription.use_yes_price
        old = frames.cents_snapshot_tail(ticker, book, use_yes_price=mode) if self._old_form() else None
        if old is not None:
            self.faults.record("legacy", market_id=ticker)
            return old
        return frames.snapshot_tail(ticker, self._uuid(ticker), book, use_yes_price=mode)

    def _old_form(self) -> bool:
        return not self.faults.quiet and self.faults.strikes("legacy")

    def _refollow(self) -> None:
        recorded = self._replay.books if self._replay else {}
        tickers = dict.fromkeys(ticker for _, ticker in self._followers)
        self._followed = [
            ticker for ticker in tickers if ticker not in recorded and ticker not in self._results
        ]

    def _oddity(self, word: str, market_id: str | None) -> bytes:
        ticker = market_id or "KXNOTHING-26-A"
        if word == "unknown":
            return frames.compact(
                {"type": "market_mood", "sid": 1, "msg": {"market_ticker": ticker, "mood": "calm"}}
            )
        price, delta = self.faults.rng.choice(
            (("NaN", "1.00"), ("0.5000", "Infinity"), ("1.7000", "5.00"), (None, "1.00"))
        )
        message = {"market_ticker": ticker, "price_dollars": price, "delta_fp": delta, "side": "yes"}
        return frames.compact({"type": ORDERBOOK, "msg": message})

    def _was_polled(self, ticker: str) -> None:
        """A market whose book is read over REST moves, also without a websocket."""
        if self._replay is not None and ticker in self._replay.books:
            self._replay.playback.started.set()
        else:
            self._polled[ticker] = None
