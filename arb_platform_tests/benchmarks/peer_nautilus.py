"""nautilus_trader's Python Polymarket adapter: its own data client, handed frames as its socket hands them.

What it sends to the data engine ends here, so the engine's part and a second book in its cache are left out.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from nautilus_trader.adapters.polymarket.common.parsing import parse_instrument
from nautilus_trader.adapters.polymarket.config import PolymarketDataClientConfig
from nautilus_trader.adapters.polymarket.data import PolymarketDataClient
from nautilus_trader.adapters.polymarket.schemas.book import PolymarketBookSnapshot
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.model.data import OrderBookDeltas, QuoteTick
from nautilus_trader.model.identifiers import InstrumentId, TraderId

from arb_platform.domain.markets import Market
from arb_platform_tests.benchmarks.load import ONE, BookOf
from arb_platform_tests.benchmarks.naive import DEPTH


class _Client(PolymarketDataClient):
    """As shipped it sorts the list of all subscribed quotes at each change: 2 ms with 200 of them. Not here."""

    quoted: frozenset[InstrumentId] = frozenset()

    def subscribed_quote_ticks(self) -> frozenset[InstrumentId]:
        return self.quoted


class _FirstTokenOnly(_Client):
    """Passes by what it has no instrument for; as shipped it writes an error for each."""

    own: frozenset[str] = frozenset()
    of_token: Mapping[str, InstrumentId] = {}

    def _handle_ws_message(self, msg: Any) -> None:
        if not isinstance(msg, PolymarketBookSnapshot) or msg.asset_id in self.own:
            super()._handle_ws_message(msg)

    def _handle_quotes(self, ws_message: Any) -> None:
        for change in ws_message.price_changes:
            if change.asset_id in self.own:
                instrument = self._cache.instrument(self.of_token[change.asset_id])
                self._handle_quote(instrument=instrument, ws_message=ws_message, price_change=change)


class NautilusPolymarket:
    """Hands over best quotes, or with ``top`` the first three levels of each book that a message changed.

    ``like_us`` keeps books of each market's first token only, and hands over only a top that changed.
    """

    def __init__(self, markets: Sequence[Market], *, top: bool = True, like_us: bool = False) -> None:
        clock = LiveClock()
        trader = TraderId("BENCH-001")
        bus = MessageBus(trader_id=trader, clock=clock)
        cache = Cache()
        self._loop = asyncio.new_event_loop()
        kind = _FirstTokenOnly if like_us else _Client
        self._client = kind(
            loop=self._loop, http_client=None, msgbus=bus, cache=cache, clock=clock,
            instrument_provider=InstrumentProvider(), config=PolymarketDataClientConfig(), name=None,
        )  # fmt: skip
        self._ids: dict[str, InstrumentId] = {}
        for market in markets:
            for token in market.asset_ids[:1] if like_us else market.asset_ids:
                instrument = parse_instrument(_document(market), token, "Yes", 0)
                cache.add_instrument(instrument)
                self._ids[token] = instrument.id
                self._client._add_subscription_order_book_deltas(instrument.id)
        if not top:
            self._client.quoted = frozenset(self._ids.values())
        if like_us:
            self._client.own = frozenset(self._ids)
            self._client.of_token = self._ids
        self._like_us = like_us
        self._last: dict[InstrumentId, Any] = {}
        self._touched: dict[InstrumentId, None] = {}
        self._quotes: list[Any] = []
        bus.register(endpoint="DataEngine.process", handler=self._levels if top else self._quote)

    def _quote(self, data: Any) -> None:
        if isinstance(data, QuoteTick):
            self._quotes.append(data)

    def _levels(self, data: Any) -> None:
        if isinstance(data, OrderBookDeltas):
            self._touched[data.instrument_id] = None

    def receive(self, frame: bytes, received_at: datetime) -> list[Any]:
        self._quotes.clear()
        self._touched.clear()
        self._client._handle_raw_ws_message(frame)
        snapshots = list(self._quotes)
        for instrument_id in self._touched:
            book = self._client._local_books[instrument_id]
            top = [
                (level.price, level.size()) for side in (book.bids(), book.asks()) for level in side[:DEPTH]
            ]
            if self._like_us:
                if self._last.get(instrument_id) == top:
                    continue
                self._last[instrument_id] = top
            snapshots.append((instrument_id, top, received_at))
        return snapshots

    def whole(self, market: Market) -> BookOf:
        book = self._client._local_books[self._ids[market.asset_ids[0]]]
        return tuple(
            [(round(float(level.price) * ONE), round(level.size() * ONE)) for level in side]
            for side in (book.bids(), book.asks())
        )


def _document(market: Market) -> dict[str, Any]:
    """What the adapter reads of a CLOB market; the finer of the two ticks holds both."""
    return {
        "condition_id": market.market_id, "question": market.title, "minimum_tick_size": "0.001", "minimum_order_size": 5,
        "end_date_iso": "2027-01-01T00:00:00Z", "maker_base_fee": 0, "taker_base_fee": 0,
    }  # fmt: skip
