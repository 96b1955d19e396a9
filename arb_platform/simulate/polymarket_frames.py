"""Polymarket's messages as bytes: books worst level first, millisecond timestamps as text, hashes by its recipe.

Shapes are those of the market channel of August 2026; the hash recipe reproduces recorded books.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from arb_platform.simulate.books import ONE, Change, SimulatedBook

_MEMO_CAPACITY: Final = 200_000
_memo: dict[int, str] = {}


def plain(units: int) -> str:
    """Millionths as Polymarket writes numbers: no zeros at the end.

    >>> plain(550000), plain(374340000), plain(0)
    ('0.55', '374.34', '0')
    """
    text = _memo.get(units)
    if text is None:
        whole, part = divmod(units, ONE)
        text = f"{whole}.{part:06}".rstrip("0").rstrip(".")
        if len(_memo) >= _MEMO_CAPACITY:
            _memo.clear()
        _memo[units] = text
    return text


@dataclass(slots=True)
class Instrument:
    """What the CLOB knows about a market besides its book; ``last_prices`` is by outcome, in millionths."""

    market_id: str
    tokens: tuple[str, str]
    min_order_size: str
    neg_risk: bool
    tick: int
    document: Mapping[str, Any] = field(repr=False)
    last_prices: list[int | None] = field(default_factory=lambda: [None, None])
    resolved: bool = False


def instrument_of(market_id: str, tick: int, document: Mapping[str, Any]) -> Instrument:
    """Read a Gamma market object; its token ids may be JSON inside a string."""
    tokens = document["clobTokenIds"]
    first, second = json.loads(tokens) if isinstance(tokens, str) else tokens
    least = document.get("orderMinSize", 5)
    return Instrument(
        market_id=market_id,
        tokens=(str(first), str(second)),
        min_order_size=f"{least:g}" if isinstance(least, int | float) else str(least),
        neg_risk=bool(document.get("negRisk")),
        tick=tick,
        document=document,
    )


def levels_text(ladder: Mapping[int, int], *, mirrored: bool, descending: bool) -> str:
    """JSON of levels, worst first on either side, as the venue sends them."""
    items = [(ONE - price if mirrored else price, size) for price, size in ladder.items()]
    items.sort(reverse=descending)
    return (
        "[" + ",".join(f'{{"price":"{plain(price)}","size":"{plain(size)}"}}' for price, size in items) + "]"
    )


@dataclass(frozen=True, slots=True)
class BookText:
    """One token's book, rendered once for its hash, the websocket and REST."""

    market_id: str
    token: str
    ms: int
    bids: str
    asks: str
    min_order_size: str
    tick_size: str
    neg_risk: bool
    last_trade_price: str

    @property
    def digest(self) -> str:
        """SHA-1 of the compact JSON with an empty hash (py-clob-client-v2's order book hash)."""
        return hashlib.sha1(self._rest("").encode()).hexdigest()  # noqa: S324 - the venue's own recipe

    def rest(self) -> str:
        """The answer of GET /book, keys in the venue's order."""
        return self._rest(self.digest)

    def event(self, *, refresh: bool = False) -> str:
        """The websocket's ``book``; a refresh after a trade leaves out tick size and last price."""
        tail = (
            "" if refresh else f'"tick_size":"{self.tick_size}","last_trade_price":"{self.last_trade_price}",'
        )
        return f'{self._head(self.digest)},{tail}"event_type":"book"}}'

    def _head(self, digest: str) -> str:
        return (
            f'{{"market":"{self.market_id}","asset_id":"{self.token}","timestamp":"{self.ms}","hash":"{digest}",'
            f'"bids":{self.bids},"asks":{self.asks}'
        )

    def _rest(self, digest: str) -> str:
        neg_risk = "true" if self.neg_risk else "false"
        return (
            f'{self._head(digest)},"min_order_size":"{self.min_order_size}","tick_size":"{self.tick_size}",'
            f'"neg_risk":{neg_risk},"last_trade_price":"{self.last_trade_price}"}}'
        )


def book_text(instrument: Instrument, book: SimulatedBook, outcome: int, ms: int) -> BookText:
    """The book of outcome 0, or its mirror for outcome 1."""
    mirrored = outcome == 1
    bids, asks = (book.asks, book.bids) if mirrored else (book.bids, book.asks)
    last = instrument.last_prices[outcome]
    return BookText(
        market_id=instrument.market_id,
        token=instrument.tokens[outcome],
        ms=ms,
        bids=levels_text(bids, mirrored=mirrored, descending=False),
        asks=levels_text(asks, mirrored=mirrored, descending=True),
        min_order_size=instrument.min_order_size,
        tick_size=plain(instrument.tick),
        neg_risk=instrument.neg_risk,
        last_trade_price="" if last is None else plain(last),
    )


def _bests(book: SimulatedBook) -> tuple[str, str, str, str]:
    """Best bid and ask of both outcomes; an empty side is written as 0 and 1."""
    bid, ask = book.best_bid, book.best_ask
    bid = 0 if bid is None else bid
    ask = ONE if ask is None else ask
    return plain(bid), plain(ask), plain(ONE - ask), plain(ONE - bid)


def price_change(instrument: Instrument, book: SimulatedBook, change: Change, ms: int) -> bytes:
    """One change of the first outcome's book, told for both tokens, with the tops after it."""
    bid, ask, other_bid, other_ask = _bests(book)
    price, mirror, size = plain(change.price), plain(ONE - change.price), plain(change.size)
    side, other_side = ("BUY", "SELL") if change.side == "bid" else ("SELL", "BUY")
    first, second = instrument.tokens
    seal = hashlib.sha1(f"{first}{side}{price}{size}{ms}".encode()).hexdigest()  # noqa: S324 - as the venue does
    other_seal = hashlib.sha1(f"{second}{other_side}{mirror}{size}{ms}".encode()).hexdigest()  # noqa: S324 - ditto
    return (
        f'{{"market":"{instrument.market_id}","price_changes":['
        f'{{"asset_id":"{first}","price":"{price}","size":"{size}","side":"{side}","hash":"{seal}",'
        f'"best_bid":"{bid}","best_ask":"{ask}"}},'
        f'{{"asset_id":"{second}","price":"{mirror}","size":"{size}","side":"{other_side}","hash":"{other_seal}",'
        f'"best_bid":"{other_bid}","best_ask":"{other_ask}"}}],'
        f'"timestamp":"{ms}","event_type":"price_change"}}'
    ).encode()


def legacy_price_change(instrument: Instrument, change: Change, ms: int) -> list[bytes]:
    """The same in the form of before 2025-09-15: one message for each token, without tops."""
    frames = []
    sides = ("BUY", "SELL") if change.side == "bid" else ("SELL", "BUY")
    for token, side, price in zip(instrument.tokens, sides, (change.price, ONE - change.price), strict=True):
        entry = {"price": plain(price), "side": side, "size": plain(change.size)}
        seal = hashlib.sha1(f"{token}{entry}{ms}".encode()).hexdigest()  # noqa: S324 - as the venue does
        frames.append(
            compact({
                "asset_id": token, "changes": [entry], "event_type": "price_change",
                "market": instrument.market_id, "timestamp": str(ms), "hash": seal,
            })
        )  # fmt: skip
    return frames


def last_trade_price(instrument: Instrument, change: Change, ms: int) -> bytes:
    """A trade against the level that changed, on the first outcome's token."""
    seal = hashlib.sha256(f"{instrument.tokens[0]}{change}{ms}".encode()).hexdigest()
    return compact({
        "market": instrument.market_id, "asset_id": instrument.tokens[0], "price": plain(change.price),
        "size": plain(change.traded), "fee_rate_bps": "0", "side": "SELL" if change.side == "bid" else "BUY",
        "timestamp": str(ms), "event_type": "last_trade_price", "transaction_hash": f"0x{seal}",
    })  # fmt: skip


def best_bid_ask(instrument: Instrument, book: SimulatedBook, ms: int) -> list[bytes]:
    """The tops of both tokens, for those who asked for the custom features."""
    bid, ask, other_bid, other_ask = _bests(book)
    gap = (ONE if book.best_ask is None else book.best_ask) - (book.best_bid or 0)
    return [
        compact({
            "market": instrument.market_id, "asset_id": token, "best_bid": low, "best_ask": high,
            "spread": plain(max(0, gap)), "timestamp": str(ms), "event_type": "best_bid_ask",
        })
        for token, low, high in zip(instrument.tokens, (bid, other_bid), (ask, other_ask), strict=True)
    ]  # fmt: skip


def tick_size_change(instrument: Instrument, old_tick: int, ms: int) -> list[bytes]:
    """One message for each token; ``instrument.tick`` is the new grid."""
    return [
        compact({
            "asset_id": token, "event_type": "tick_size_change", "market": instrument.market_id,
            "new_tick_size": plain(instrument.tick), "old_tick_size": plain(old_tick), "timestamp": str(ms),
        })
        for token in instrument.tokens
    ]  # fmt: skip


def new_market(instrument: Instrument, ms: int) -> bytes:
    """The announcement of a market, which goes to everybody who asked for the custom features."""
    document = instrument.document
    return compact({
        "id": document.get("id", ""), "question": document.get("question", ""), "market": instrument.market_id,
        "slug": document.get("slug", ""), "description": document.get("description", ""),
        "assets_ids": list(instrument.tokens), "outcomes": _outcomes(document), "timestamp": str(ms),
        "event_type": "new_market", "condition_id": instrument.market_id, "active": True,
        "clob_token_ids": list(instrument.tokens), "order_price_min_tick_size": plain(instrument.tick),
    })  # fmt: skip


def market_resolved(instrument: Instrument, winner: int, ms: int) -> bytes:
    """The end of a market: outcome ``winner`` pays."""
    return compact({
        "id": instrument.document.get("id", ""), "market": instrument.market_id,
        "assets_ids": list(instrument.tokens), "winning_asset_id": instrument.tokens[winner],
        "winning_outcome": _outcomes(instrument.document)[winner], "timestamp": str(ms),
        "event_type": "market_resolved",
    })  # fmt: skip


def _outcomes(document: Mapping[str, Any]) -> list[str]:
    outcomes = document.get("outcomes", ["Yes", "No"])
    return json.loads(outcomes) if isinstance(outcomes, str) else list(outcomes)


def compact(message: Any) -> bytes:
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
