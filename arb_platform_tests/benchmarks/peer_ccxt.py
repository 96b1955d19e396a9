"""ccxt's Polymarket (``ccxt.prediction``), from the text of a frame to the book its user gets.

Its own ``Client`` decodes and dispatches; the user's ``await watch_order_book()`` is left out, which
would cost it a future and a turn of the event loop for each book.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ccxt.async_support.base.ws.client import Client
from ccxt.prediction.polymarket import polymarket

from arb_platform.domain.markets import Market
from arb_platform_tests.benchmarks.load import ONE, BookOf
from arb_platform_tests.benchmarks.naive import DEPTH

_BOOK = "orderbook::"


class _Client(Client):
    """Keeps the books that are resolved, as a future would."""

    def resolve(self, result: Any, message_hash: str) -> Any:
        if message_hash.startswith(_BOOK):
            self.options["books"].append(result.limit())
        return result


class CcxtPolymarket:
    """``like_us`` has it know the first token of each market only, and hand over only a top that changed."""

    def __init__(self, markets: Sequence[Market], *, like_us: bool = False) -> None:
        self._exchange = polymarket()
        self._exchange.outcomes_by_id = {
            token: {"outcome": token, "outcomeId": token, "market": market.market_id}
            for market in markets
            for token in (market.asset_ids[:1] if like_us else market.asset_ids)
        }
        self._books: list[Any] = []
        nothing = lambda *_: None  # noqa: E731
        self._client = _Client(
            "ws://unused", self._exchange.handle_message, nothing, nothing, nothing, {"options": {"books": self._books}}
        )  # fmt: skip
        self._like_us = like_us
        self._last: dict[str, Any] = {}

    def receive(self, frame: bytes, received_at: datetime) -> list[Any]:
        self._books.clear()
        self._client.handle_text_or_binary_message(frame)
        snapshots = []
        for book in self._books:
            # Levels are lists that change in place, so a top that is kept has to be copied.
            top = [tuple(level) for side in ("bids", "asks") for level in book[side][:DEPTH]]
            if self._like_us:
                if self._last.get(book["outcome"]) == top:
                    continue
                self._last[book["outcome"]] = top
            snapshots.append((book["outcome"], top, book["timestamp"], received_at))
        return snapshots

    def whole(self, market: Market) -> BookOf:
        book = self._exchange.orderbooks[market.asset_ids[0]]
        return tuple(
            [(round(price * ONE), round(size * ONE)) for price, size in book[side]]
            for side in ("bids", "asks")
        )
