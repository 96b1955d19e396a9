"""Kalshi's websocket messages as bytes: dollar strings with four decimals, sizes with two; cents on demand.

Everything after ``sid`` and ``seq`` is the same for every client, so it is rendered once as a *tail*.
Shapes are those of the AsyncAPI document of 2026 and of recorded frames of August 2026.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from arb_platform.simulate.books import ONE, Change, SimulatedBook

_CENT: Final = ONE // 100
_MEMO_CAPACITY: Final = 200_000
_memo: dict[tuple[int, int], str] = {}


def dollars(units: int) -> str:
    """Millionths as a price.

    >>> dollars(460000)
    '0.4600'
    """
    return _fixed(units, 4)


def count(units: int) -> str:
    """Millionths as a size or a signed change.

    >>> count(-9120000)
    '-9.12'
    """
    return _fixed(units, 2)


def _fixed(units: int, decimals: int) -> str:
    """At least ``decimals`` decimals, more where the number has them."""
    key = (units, decimals)
    text = _memo.get(key)
    if text is None:
        whole, part = divmod(abs(units), ONE)
        digits = f"{part:06}".rstrip("0").ljust(decimals, "0")
        text = f"{'-' if units < 0 else ''}{whole}.{digits}"
        if len(_memo) >= _MEMO_CAPACITY:
            _memo.clear()
        _memo[key] = text
    return text


@cache
def market_uuid(ticker: str) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256(ticker.encode()).digest()[:16], version=4))


def snapshot_tail(ticker: str, market_id: str, book: SimulatedBook, *, use_yes_price: bool) -> bytes:
    """Ascending levels of both sides' bids; the key of an empty side is absent (recorded so)."""
    message: dict[str, Any] = {"market_ticker": ticker, "market_id": market_id}
    no_prices = {price if use_yes_price else ONE - price: size for price, size in book.asks.items()}
    for name, ladder in (("yes_dollars_fp", book.bids), ("no_dollars_fp", no_prices)):
        if ladder:
            message[name] = [[dollars(price), count(ladder[price])] for price in sorted(ladder)]
    return msg_tail(message)


def delta_tail(
    ticker: str, market_id: str, change: Change, moment: datetime, *, use_yes_price: bool
) -> bytes:
    """A signed change of one level; asks of YES are bids of NO at the complement."""
    side, price = "yes", change.price
    if change.side == "ask":
        side, price = "no", change.price if use_yes_price else ONE - change.price
    return (
        f'"msg":{{"market_ticker":"{ticker}","market_id":"{market_id}","price_dollars":"{dollars(price)}",'
        f'"delta_fp":"{count(change.delta)}","side":"{side}","ts":"{stamp(moment)}",'
        f'"ts_ms":{milliseconds(moment)}}}}}'
    ).encode()


def cents_snapshot_tail(ticker: str, book: SimulatedBook, *, use_yes_price: bool) -> bytes | None:
    """The form of before 2026-03-12, or None where a price is no whole cent or a size no whole number."""
    if not all(_whole(price, size) for side in (book.bids, book.asks) for price, size in side.items()):
        return None
    no_prices = {price if use_yes_price else ONE - price: size for price, size in book.asks.items()}
    sides = {
        name: [[price // _CENT, size // ONE] for price, size in sorted(ladder.items())] or None
        for name, ladder in (("yes", book.bids), ("no", no_prices))
    }
    return msg_tail({"market_ticker": ticker, **sides})


def cents_delta_tail(ticker: str, change: Change, *, use_yes_price: bool) -> bytes | None:
    """The same for a change."""
    if not _whole(change.price, change.delta):
        return None
    side, price = "yes", change.price
    if change.side == "ask":
        side, price = "no", change.price if use_yes_price else ONE - change.price
    message = {"market_ticker": ticker, "price": price // _CENT, "delta": change.delta // ONE, "side": side}
    return msg_tail(message)


def _whole(price: int, size: int) -> bool:
    return price % _CENT == 0 and size % ONE == 0


def trade_tail(ticker: str, change: Change, moment: datetime) -> bytes:
    """An order that took ``change.traded`` at the level; its ``ts`` is in seconds."""
    # Who sells to a YES bid takes NO.
    taker = "no" if change.side == "bid" else "yes"
    seed = hashlib.sha256(f"{ticker}{change}{moment}".encode()).digest()[:16]
    return msg_tail({
        "trade_id": str(uuid.UUID(bytes=seed, version=4)), "market_ticker": ticker,
        "yes_price_dollars": dollars(change.price), "no_price_dollars": dollars(ONE - change.price),
        "count_fp": count(change.traded), "taker_side": taker, "taker_outcome_side": taker,
        "taker_book_side": "ask" if taker == "no" else "bid", "is_block_trade": False,
        "ts": milliseconds(moment) // 1000, "ts_ms": milliseconds(moment),
    })  # fmt: skip


def ticker_tail(
    ticker: str, market_id: str, book: SimulatedBook, document: Mapping[str, Any], moment: datetime
) -> bytes:
    """The ticker channel's message; bid 0 and ask 1 mean that nobody quotes."""
    bid, ask = book.best_bid, book.best_ask
    return msg_tail({
        "market_ticker": ticker, "market_id": market_id,
        "price_dollars": "" if book.last_price is None else dollars(book.last_price),
        "yes_bid_dollars": dollars(bid or 0), "yes_ask_dollars": dollars(ONE if ask is None else ask),
        "yes_bid_size_fp": count(book.bids[bid] if bid is not None else 0),
        "yes_ask_size_fp": count(book.asks[ask] if ask is not None else 0),
        "volume_fp": document.get("volume_fp", "0.00"), "open_interest_fp": document.get("open_interest_fp", "0.00"),
        "dollar_volume": 0, "ts": milliseconds(moment) // 1000, "ts_ms": milliseconds(moment), "time": stamp(moment),
    })  # fmt: skip


def msg_tail(message: Any) -> bytes:
    """``"msg":...}`` with the brace that ends the frame."""
    return b'"msg":' + compact(message) + b"}"


def compact(message: Any) -> bytes:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def stamp(moment: datetime) -> str:
    # isoformat costs a fifth of strftime, and this is written into every change
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
