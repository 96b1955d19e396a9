"""cryptofeed's pieces put together as its Coinbase feed does: yapic.json, Decimal, its order book in C.

It has no Polymarket feed. Its ``await callback(book)`` is a plain call here.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from cryptofeed.defines import ASK, BID
from cryptofeed.types import OrderBook
from yapic import json

from arb_platform.domain.markets import Market
from arb_platform_tests.benchmarks.load import ONE, BookOf
from arb_platform_tests.benchmarks.naive import DEPTH


class CryptofeedPieces:
    """``like_us`` keeps the book of each market's first token only, and hands over only a top that changed."""

    def __init__(self, markets: Sequence[Market], *, like_us: bool = False) -> None:
        self._own = {token for one in markets for token in (one.asset_ids[:1] if like_us else one.asset_ids)}
        self._books: dict[str, OrderBook] = {}
        self._like_us = like_us
        self._last: dict[str, Any] = {}

    def receive(self, frame: bytes, received_at: datetime) -> list[Any]:
        message = json.loads(frame, parse_float=Decimal)
        snapshots: list[Any] = []
        for event in message if isinstance(message, list) else [message]:
            if event["event_type"] == "book":
                self._book(event, snapshots, received_at)
            elif event["event_type"] == "price_change":
                self._changes(event, snapshots, received_at)
        return snapshots

    def _book(self, event: Any, snapshots: list[Any], received_at: datetime) -> None:
        token = event["asset_id"]
        if token not in self._own:
            return
        bids, asks = (
            {Decimal(level["price"]): Decimal(level["size"]) for level in event[side]}
            for side in ("bids", "asks")
        )
        if token in self._books:
            self._books[token].book.bids = bids
            self._books[token].book.asks = asks
        else:
            self._books[token] = OrderBook("POLYMARKET", token, bids=bids, asks=asks)
        self._hand(token, event, None, snapshots, received_at)

    def _changes(self, event: Any, snapshots: list[Any], received_at: datetime) -> None:
        deltas: dict[str, dict[str, list[tuple[Decimal, Decimal]]]] = {}
        for change in event["price_changes"]:
            token = change["asset_id"]
            if token not in self._own:
                continue
            side = BID if change["side"] == "BUY" else ASK
            price, size = Decimal(change["price"]), Decimal(change["size"])
            levels = self._books[token].book[side]
            if size != 0:
                levels[price] = size
            elif price in levels:
                del levels[price]
            deltas.setdefault(token, {BID: [], ASK: []})[side].append((price, size))
        for token, delta in deltas.items():
            self._hand(token, event, delta, snapshots, received_at)

    def _hand(self, token: str, event: Any, delta: Any, snapshots: list[Any], received_at: datetime) -> None:
        book = self._books[token]
        book.timestamp = int(event["timestamp"]) / 1000
        book.raw = event
        book.delta = delta
        sides = book.book.bids, book.book.asks
        top = [side.index(place) for side in sides for place in range(min(DEPTH, len(side)))]
        if self._like_us:
            if self._last.get(token) == top:
                return
            self._last[token] = top
        snapshots.append((token, top, book.timestamp, received_at))

    def whole(self, market: Market) -> BookOf:
        book = self._books[market.asset_ids[0]].book
        return tuple(
            [(int(price * ONE), int(size * ONE)) for price, size in map(side.index, range(len(side)))]
            for side in (book.bids, book.asks)
        )
