"""kalshi-simple-ws-orderbook: its manager, with the decoding of its feed before it.

It reads whole cents and whole contracts, which the venue no longer sends: today's names are turned
into those first, with hundredths of a contract as its unit, so that its books can be compared.
"""

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import datetime
from typing import Any

from orderbook_manager import OrderbookManager

from arb_platform.domain.markets import Market
from arb_platform_tests.benchmarks.load import BookOf
from arb_platform_tests.benchmarks.naive import DEPTH

_CENT = 10_000
_SIDES = ("yes", "no")


class KalshiSimpleOrderbook:
    """``like_us`` hands over only a top that changed."""

    def __init__(self, markets: Sequence[Market], *, like_us: bool = False) -> None:
        self._manager = OrderbookManager()
        self._like_us = like_us
        self._last: dict[str, Any] = {}

    def receive(self, frame: bytes, received_at: datetime) -> list[Any]:
        event = json.loads(frame)
        kind, message = event["type"], event.get("msg", {})
        if kind == "orderbook_delta":
            message["price"] = _hundredths(message["price_dollars"])
            message["delta"] = _hundredths(message["delta_fp"])
            self._manager.handle_delta(message)
        elif kind == "orderbook_snapshot":
            for side in _SIDES:
                levels = message.get(f"{side}_dollars_fp", ())
                message[side] = [(_hundredths(price), _hundredths(size)) for price, size in levels]
            # It prints a line for each.
            with redirect_stdout(io.StringIO()):
                self._manager.handle_snapshot(message)
        else:
            return []
        ticker = message["market_ticker"]
        top = [self._manager.get_depth(ticker, side, DEPTH) for side in _SIDES]
        if self._like_us:
            if self._last.get(ticker) == top:
                return []
            self._last[ticker] = top
        return [(ticker, top, message.get("ts_ms"), received_at)]

    def whole(self, market: Market) -> BookOf:
        yes, no = (self._manager.get_depth(market.market_id, side, 1_000) for side in _SIDES)
        return (
            [(price * _CENT, size * _CENT) for price, size in yes],
            [((100 - price) * _CENT, size * _CENT) for price, size in no],
        )


def _hundredths(text: str) -> int:
    return round(float(text) * 100)
