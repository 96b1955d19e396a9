"""Polymarket on this machine: Gamma's listing, the CLOB's books and the market websocket on one port.

Written from the venue's documentation and recorded frames, and without a look at the platform's own
reading of them: the two are tests of each other.
"""

import asyncio
from random import Random
from typing import Final

from aiohttp import web

from arb_platform.domain.books import Level
from arb_platform.domain.markets import POLYMARKET
from arb_platform.simulate import polymarket_frames as frames
from arb_platform.simulate import polymarket_rest
from arb_platform.simulate.books import Books, Change, SimulatedBook
from arb_platform.simulate.faults import Faults
from arb_platform.simulate.playback import Playback
from arb_platform.simulate.polymarket_frames import Instrument
from arb_platform.simulate.polymarket_listing import PolymarketListing
from arb_platform.simulate.polymarket_replay import PolymarketReplay
from arb_platform.simulate.polymarket_socket import MarketClient
from arb_platform.simulate.recordings import Recording
from arb_platform.simulate.server import (
    Clock,
    Connection,
    Sleep,
    http_faults,
    keep_pace,
    utc_now,
)  # fmt: skip
from arb_platform.simulate.venue import SimulatedVenue
from arb_platform.simulate.walks import MarketCatalogue, WalkMap

# One change in so many brings the announcement of a market, again and again, as users observed.
_ANNOUNCE_EVERY: Final = 400


class PolymarketSimulator(SimulatedVenue):
    """A venue of the catalogue's markets, or of a recording's, or of both.

    ``rate`` is level changes a second over all markets that somebody follows; 0 leaves every change
    to :meth:`change`. ``books`` is the truth: the full-depth book of each market's first outcome.
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
        clock: Clock = utc_now,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        super().__init__(POLYMARKET, host=host, port=port, recording=recording, faults=faults)
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._rng = Random(f"{seed}/polymarket")
        self._clients: dict[str, dict[MarketClient, None]] = {}
        self._everybody: dict[MarketClient, None] = {}
        recorded = recording.markets(clock()) if recording else ()
        markets = (*recorded, *(catalogue.polymarket if catalogue else ()))
        walks = WalkMap(catalogue, seed=seed)
        self.books = Books(
            markets, fair_price=walks.polymarket, seed=seed, seconds=lambda: clock().timestamp()
        )
        self._replay: PolymarketReplay | None = None
        if recording is not None:
            self._replay = PolymarketReplay(
                recording, clients=lambda: self._everybody, milliseconds=self._ms, sleep=sleep
            )
        self._listing = PolymarketListing(
            markets, self.books, self._replay, faults=self.faults, milliseconds=self._ms
        )
        self._instruments = self._listing.instruments
        self._followed: list[str] = []
        self._uncross: tuple[str, int] | None = None
        self.changes = 0

    # Addresses and life

    @property
    def gamma_url(self) -> str:
        return f"http://{self.address}"

    @property
    def clob_url(self) -> str:
        return self.gamma_url

    @property
    def ws_url(self) -> str:
        return f"ws://{self.address}/ws/market"

    @property
    def playback(self) -> Playback | None:
        return self._replay.playback if self._replay else None

    async def start(self) -> None:
        application = web.Application(middlewares=[http_faults(self.faults)], client_max_size=4 * 2**20)
        application.router.add_routes(polymarket_rest.routes(self._listing))
        application.router.add_get("/ws/market", self._socket)
        background = [keep_pace(self.change, rate=self._rate, sleep=self._sleep, idle=self._idle)]
        if self._replay is not None:
            background.append(self._replay.playback.run())
        await self._server.start(application, background)

    # What the books do

    def book_of(self, market_id: str) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Bids and asks of the first outcome as they are now, full depth, best first."""
        if self._replay is not None and market_id in self._replay.markets:
            return self._replay.book_of(market_id)
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
        if self.faults.strikes("tick_size"):
            self.faults.record("tick_size", market_id=chosen)
            self.change_tick_size(chosen)
        if book.best_ask is not None and self.faults.strikes("crossed"):
            return self._cross(chosen, book)
        return self._apply(chosen, book.step(self._rng, self._clock().timestamp()))

    def change_tick_size(self, market_id: str) -> None:
        """Refine the grid of a market, or make it coarse again; a new book follows."""
        instrument, book = self._instruments[market_id], self.books.book(market_id)
        old = instrument.tick
        instrument.tick = book.tick = old // 10 if old > 1_000 else old * 10
        ms = self._ms()
        for frame in frames.tick_size_change(instrument, old, ms):
            self._tell(market_id, frame)
        book.fill(self._rng, self._clock().timestamp())
        for outcome in (0, 1):
            self._tell(market_id, frames.book_text(instrument, book, outcome, ms).event().encode())

    def resolve(self, market_id: str, winner: int = 0) -> None:
        """End a market; it is closed in the listing from now on."""
        instrument = self._instruments[market_id]
        instrument.resolved = True
        frame = frames.market_resolved(instrument, winner, self._ms())
        for client in self._everybody:
            if client.custom:
                client.connection.send_data(frame, market_id)
        self._refollow()

    def _cross(self, market_id: str, book: SimulatedBook) -> Change:
        assert book.best_ask is not None
        price = book.best_ask
        self.faults.record("crossed", market_id=market_id)
        self._uncross = (market_id, price)
        return self._apply(market_id, book.set("bid", price, 5_000_000))

    def _apply(self, market_id: str, change: Change) -> Change:
        """Tell everybody who follows the market what changed."""
        self.changes += 1
        instrument, book, ms = self._instruments[market_id], self.books.book(market_id), self._ms()
        detail = "top" if change.top else "deep"
        if change.traded:
            instrument.last_prices[0] = change.price
        clients = self._clients.get(market_id)
        if not clients:
            return change
        if not self.faults.quiet and self.faults.strikes("legacy"):
            self.faults.record("legacy", market_id=market_id)
            told = frames.legacy_price_change(instrument, change, ms)
        else:
            told = [frames.price_change(instrument, book, change, ms)]
        for client in clients:
            for frame in told:
                client.connection.send_data(frame, market_id, detail=detail)
        self._aftermath(instrument, book, change, ms)
        return change

    def _aftermath(self, instrument: Instrument, book: SimulatedBook, change: Change, ms: int) -> None:
        """A trade and the fresh books after it; the custom messages for those who asked for them."""
        if change.traded:
            self._tell(instrument.market_id, frames.last_trade_price(instrument, change, ms))
            for outcome in (0, 1):
                text = frames.book_text(instrument, book, outcome, ms).event(refresh=True)
                self._tell(instrument.market_id, text.encode())
        custom = [client for client in self._clients.get(instrument.market_id, ()) if client.custom]
        if custom and change.top:
            for frame in frames.best_bid_ask(instrument, book, ms):
                for client in custom:
                    client.connection.send_data(frame, instrument.market_id)
        if custom and self.changes % _ANNOUNCE_EVERY == 0:
            announced = frames.new_market(self._rng.choice(list(self._instruments.values())), ms)
            for client in custom:
                client.connection.send_data(announced)

    def _choose(self) -> str | None:
        followed = self._followed or list(self._listing.polled)
        return self._rng.choice(followed) if followed else None

    def _idle(self) -> bool:
        return not self._followed and not self._listing.polled

    def _tell(self, market_id: str, frame: bytes) -> None:
        for client in self._clients.get(market_id, ()):
            client.connection.send_data(frame, market_id)

    def _ms(self) -> int:
        return int((self._clock().timestamp() - self.faults.lag_seconds) * 1000)

    # The market channel

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        return await self._converse(request, self._talk)

    async def _talk(self, connection: Connection) -> None:
        connection.wire.oddity = self._oddity
        closing: set[asyncio.Task[None]] = set()

        def overflow() -> None:
            self.faults.record("overflow", connection=connection.name)
            closing.add(asyncio.create_task(connection.close(1011, "slow consumer")))

        connection.schedule(overflow)
        client = MarketClient(connection, self)
        self._everybody[client] = None
        try:
            await client.talk()
        finally:
            self._everybody.pop(client, None)
            await asyncio.gather(*closing, return_exceptions=True)

    def joined(self, client: MarketClient, assets: list[str]) -> None:
        for asset in assets:
            instrument = self._listing.by_token.get(asset)
            if instrument is not None:
                self._clients.setdefault(instrument.market_id, {})[client] = None
        self._refollow()

    def left(self, client: MarketClient, assets: list[str]) -> None:
        for market_id in {
            self._listing.by_token[asset].market_id for asset in assets if asset in self._listing.by_token
        }:
            tokens = self._instruments[market_id].tokens
            if not any(token in client.assets for token in tokens):
                self._clients.get(market_id, {}).pop(client, None)
        self._refollow()

    def first_books(self, client: MarketClient, assets: list[str]) -> None:
        """One array of all books; `[]` where there is none to send."""
        books = []
        for asset in assets:
            text = self._listing.book_text(asset)
            if text is None:
                continue
            if self.faults.strikes("no_first_book"):
                self.faults.record(
                    "no_first_book", market_id=text.market_id, connection=client.connection.name, detail=asset
                )
                continue
            books.append(text.event())
        client.connection.send(("[" + ",".join(books) + "]").encode())

    def tokens_of(self, market_id: str) -> tuple[str, ...]:
        instrument = self._instruments.get(market_id)
        return () if instrument is None else instrument.tokens

    def _refollow(self) -> None:
        recorded = self._replay.markets if self._replay else {}
        self._followed = [
            market_id
            for market_id, clients in self._clients.items()
            if clients and market_id not in recorded and not self._instruments[market_id].resolved
        ]

    def _oddity(self, word: str, market_id: str | None) -> bytes:
        instrument = self._instruments.get(market_id or "")
        market, asset = (instrument.market_id, instrument.tokens[0]) if instrument else ("0x0", "0")
        ms = str(self._ms())
        if word == "unknown":
            return frames.compact(
                {"market": market, "event_type": "market_mood", "mood": "calm", "timestamp": ms}
            )
        price, size = self.faults.rng.choice((("NaN", "10"), ("0.5", "-10"), ("1.7", "10"), ("0.5", "1e400")))
        change = {"asset_id": asset, "price": price, "size": size, "side": "BUY", "hash": "0",
                  "best_bid": "0.4", "best_ask": "0.6"}  # fmt: skip
        return frames.compact(
            {"market": market, "price_changes": [change], "timestamp": ms, "event_type": "price_change"}
        )
