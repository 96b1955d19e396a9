"""What a competent person writes in an afternoon: json, Decimal, a dict for each side, sorted() for the top.

The baseline of every ratio. It is right (its books are compared with the generator's), keeps one
book per token and emits the top three of each token that a message touched.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from arb_platform_tests.benchmarks.load import ONE, BookOf

DEPTH = 3
Levels = tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class NaiveSnapshot:
    market_id: str
    bids: Levels
    asks: Levels
    exchange_time: datetime | None
    received_at: datetime


class NaiveBook:
    def __init__(self) -> None:
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}

    def top(self) -> tuple[Levels, Levels]:
        return (
            tuple(sorted(self.bids.items(), reverse=True)[:DEPTH]),
            tuple(sorted(self.asks.items())[:DEPTH]),
        )

    def whole(self) -> BookOf:
        """(price, size) in millionths, best first: what the generator's books are compared with."""
        bids, asks = sorted(self.bids.items(), reverse=True), sorted(self.asks.items())
        return (
            [(int(p * ONE), int(s * ONE)) for p, s in bids],
            [(int(p * ONE), int(s * ONE)) for p, s in asks],
        )


class NaivePolymarket:
    """``own`` names the only tokens of which books are kept; ``only_changes`` emits only a top that changed.

    Both are our design, and off by default; with them the comparison is like for like.
    """

    def __init__(self, *, own: frozenset[str] | None = None, only_changes: bool = False) -> None:
        self.books: dict[str, NaiveBook] = {}
        self._own = own
        self._only_changes = only_changes
        self._last: dict[str, tuple[Levels, Levels]] = {}

    def receive(self, frame: bytes | str, received_at: datetime) -> list[NaiveSnapshot]:
        message = json.loads(frame)
        snapshots: list[NaiveSnapshot] = []
        for event in message if isinstance(message, list) else [message]:
            touched = self._apply(event)
            exchange_time = datetime.fromtimestamp(int(event["timestamp"]) / 1000, UTC)
            for asset in touched:
                top = self.books[asset].top()
                if self._only_changes:
                    if self._last.get(asset) == top:
                        continue
                    self._last[asset] = top
                snapshots.append(NaiveSnapshot(asset, *top, exchange_time, received_at))
        return snapshots

    def _apply(self, event: dict) -> dict[str, None]:
        touched: dict[str, None] = {}
        if event["event_type"] == "book":
            asset = event["asset_id"]
            if self._own is None or asset in self._own:
                book = self.books[asset] = NaiveBook()
                book.bids = {Decimal(level["price"]): Decimal(level["size"]) for level in event["bids"]}
                book.asks = {Decimal(level["price"]): Decimal(level["size"]) for level in event["asks"]}
                touched[asset] = None
        elif event["event_type"] == "price_change":
            for change in event["price_changes"]:
                asset = change["asset_id"]
                if self._own is not None and asset not in self._own:
                    continue
                book = self.books[asset]
                levels = book.bids if change["side"] == "BUY" else book.asks
                price, size = Decimal(change["price"]), Decimal(change["size"])
                if size == 0:
                    levels.pop(price, None)
                else:
                    levels[price] = size
                touched[asset] = None
        return touched


class NaiveKalshi:
    """``only_changes`` emits only a top that changed: like for like with us."""

    def __init__(self, *, only_changes: bool = False) -> None:
        self.books: dict[str, NaiveBook] = {}
        self._only_changes = only_changes
        self._last: dict[str, tuple[Levels, Levels]] = {}

    def receive(self, frame: bytes | str, received_at: datetime) -> list[NaiveSnapshot]:
        event = json.loads(frame)
        kind, message = event["type"], event.get("msg", {})
        if kind == "orderbook_snapshot":
            book = self.books[message["market_ticker"]] = NaiveBook()
            for price, size in message.get("yes_dollars_fp", ()):
                book.bids[Decimal(price)] = Decimal(size)
            for price, size in message.get("no_dollars_fp", ()):
                book.asks[1 - Decimal(price)] = Decimal(size)
            exchange_time = None
        elif kind == "orderbook_delta":
            book = self.books[message["market_ticker"]]
            price, change = Decimal(message["price_dollars"]), Decimal(message["delta_fp"])
            levels = book.bids if message["side"] == "yes" else book.asks
            price = price if message["side"] == "yes" else 1 - price
            size = levels.get(price, Decimal(0)) + change
            if size > 0:
                levels[price] = size
            else:
                levels.pop(price, None)
            exchange_time = datetime.fromtimestamp(message["ts_ms"] / 1000, UTC)
        else:
            return []
        top = book.top()
        if self._only_changes:
            if self._last.get(message["market_ticker"]) == top:
                return []
            self._last[message["market_ticker"]] = top
        return [NaiveSnapshot(message["market_ticker"], *top, exchange_time, received_at)]
