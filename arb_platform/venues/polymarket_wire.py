"""Polymarket's market channel as typed messages, every generation of it.

Source of the shapes: docs.polymarket.com, market channel; frames recorded in August 2026; the
message kinds of 2024 and the owner's simplified book are read too. Only the fields that are needed
are named; msgspec skips the others.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from arb_platform.domain.errors import WireError
from arb_platform.venues.exchange_clock import milliseconds
from arb_platform.venues.journal import KEPT_BYTES, LARGEST_FRAME
from arb_platform.venues.numbers import PRICES, SIZES

Levels = list[tuple[int, int]]
Timestamp = str | int | None

PRICE_CHANGE: Final = "price_change"
_IDS: Final = re.compile(rb'"(?:market|asset_id)"\s*:\s*"([^"\\]{1,100})"')

# What decoding can raise on hostile bytes: malformed JSON, wrong shapes, text that is not UTF-8, deep nesting.
UNREADABLE: Final = (ValueError, RecursionError, OverflowError)


class WireLevel(Struct, gc=False):
    price: str
    size: str


class Change(Struct, gc=False):
    """One element of ``price_changes`` (since 2025-09-15): the new absolute size of a level."""

    asset_id: str
    price: str
    size: str
    side: str
    best_bid: str | None = None
    best_ask: str | None = None


class LegacyChange(Struct, gc=False):
    price: str
    size: str
    side: str


class SeedBook(Struct, gc=False):
    """The book of the owner's simplified shape: ``[["0.55", "100"], ...]``."""

    bids: list[tuple[str, str]] = []
    asks: list[tuple[str, str]] = []


class Book(Struct, gc=False, tag_field="event_type", tag="book"):
    market: str = ""
    asset_id: str | None = None
    timestamp: Timestamp = None
    hash: str = ""
    bids: list[WireLevel] | None = None
    asks: list[WireLevel] | None = None
    # the two spellings of older captures
    buys: list[WireLevel] | None = None
    sells: list[WireLevel] | None = None
    book: SeedBook | None = None
    min_order_size: str | None = None
    tick_size: str | None = None
    neg_risk: bool | None = None
    last_trade_price: str | None = None

    def levels(self) -> tuple[Levels, Levels]:
        """(price, size) millionths of bids and asks, in wire order. Raises ValueError on a bad number."""
        if self.book is not None:
            return _read(self.book.bids), _read(self.book.asks)
        bids = self.bids if self.bids is not None else self.buys
        asks = self.asks if self.asks is not None else self.sells
        if bids is None and asks is None:
            raise ValueError("a book without bids and asks")
        return _read_levels(bids or ()), _read_levels(asks or ())


class Changes(Struct, gc=False):
    """A price_change of today; any other message reads as one without ``price_changes``.

    Over 99 of 100 frames are one, and the venue writes the discriminator last: choosing a type by
    it reads a frame twice.
    """

    event_type: str = ""
    market: str = ""
    timestamp: int | None = None
    price_changes: list[Change] | None = None


class PriceChange(Struct, gc=False, tag_field="event_type", tag=PRICE_CHANGE):
    """New shape: ``price_changes``. 2024: ``asset_id`` and ``changes``. Before that: one change on the envelope."""

    market: str = ""
    timestamp: Timestamp = None
    price_changes: list[Change] | None = None
    asset_id: str | None = None
    changes: list[LegacyChange] | None = None
    price: str | None = None
    size: str | None = None
    side: str | None = None

    def of_today(self) -> Changes:
        """The message in today's shape. Raises ValueError for no change in any generation's, or a bad timestamp."""
        changes = self.price_changes
        if changes is None and self.asset_id is not None:
            if self.changes is not None:
                changes = [Change(self.asset_id, one.price, one.size, one.side) for one in self.changes]
            elif self.price is not None and self.size is not None and self.side is not None:
                changes = [Change(self.asset_id, self.price, self.size, self.side)]
        if changes is None:
            raise ValueError("a price_change without changes")
        return Changes(PRICE_CHANGE, self.market, milliseconds(self.timestamp), changes)


class TickSizeChange(Struct, gc=False, tag_field="event_type", tag="tick_size_change"):
    asset_id: str
    market: str = ""
    old_tick_size: str | float | None = None
    new_tick_size: str | float | None = None
    timestamp: Timestamp = None


class LastTradePrice(Struct, gc=False, tag_field="event_type", tag="last_trade_price"):
    asset_id: str
    market: str = ""
    price: str = ""
    timestamp: Timestamp = None


class BestBidAsk(Struct, gc=False, tag_field="event_type", tag="best_bid_ask"):
    asset_id: str
    market: str = ""
    best_bid: str | None = None
    best_ask: str | None = None
    timestamp: Timestamp = None


class NewMarket(Struct, gc=False, tag_field="event_type", tag="new_market"):
    """Global and sent many times over: a hint for the catalogue, told once per market."""

    market: str = ""
    condition_id: str = ""
    timestamp: Timestamp = None


class MarketResolved(Struct, gc=False, tag_field="event_type", tag="market_resolved"):
    market: str = ""
    assets_ids: list[str] = []
    winning_asset_id: str | None = None
    winning_outcome: str | None = None
    timestamp: Timestamp = None


Event = Book | PriceChange | TickSizeChange | LastTradePrice | BestBidAsk | NewMarket | MarketResolved
_KINDS: Final = frozenset(
    {
        "book",
        "price_change",
        "tick_size_change",
        "last_trade_price",
        "best_bid_ask",
        "new_market",
        "market_resolved",
    }
)

# A frame is one event or an array of events; the elements of an array are decoded one by one.
decode_frame: Final = msgspec.json.Decoder(Event | list[Raw]).decode
# Not strict: the timestamp is a number written as a text, and converting it here costs a tenth of int().
decode_changes: Final = msgspec.json.Decoder(Changes, strict=False).decode
_events: Final[msgspec.json.Decoder[Event]] = msgspec.json.Decoder(Event)


class _Envelope(Struct, gc=False):
    event_type: Any = None


class _LooseChange(Struct, gc=False):
    market: str = ""
    timestamp: int | None = None
    price_changes: list[Raw] | None = None


_decode_any: Final = msgspec.json.Decoder().decode
_decode_envelope: Final = msgspec.json.Decoder(_Envelope).decode
_decode_loose: Final = msgspec.json.Decoder(_LooseChange, strict=False).decode
_decode_change: Final = msgspec.json.Decoder(Change).decode


def named_ids(part: bytes | str) -> set[str]:
    """The market and token ids in the readable beginning of a broken message."""
    start = part[:KEPT_BYTES]
    start = start.encode("utf-8", "surrogatepass") if isinstance(start, str) else bytes(start)
    return {found.decode("utf-8", "replace") for found in _IDS.findall(start)}


def is_json(part: bytes | str) -> bool:
    """False for what began like a message and is cut off or damaged; true as well for what never was one."""
    start = part[:64].lstrip()[:1]
    if start not in ("{", "[", b"{", b"["):
        return True
    if len(part) > LARGEST_FRAME:
        return False
    try:
        _decode_any(part)
    except UNREADABLE:
        return False
    return True


class UnknownKind(WireError):
    """A message of a kind that nobody knows: kept, counted, and nothing is broken by it."""


def read_event(element: bytes | str | Raw) -> Event:
    """One event. Raises UnknownKind for a new kind, WireError for anything that cannot be read."""
    try:
        return _events.decode(element)
    except UNREADABLE as error:
        kind = _kind_of(element)
        if kind is not None and kind not in _KINDS:
            raise UnknownKind(f"unknown event type: {kind[:80]}") from None
        raise WireError(f"not readable: {error}") from None


def salvage(element: bytes | str | Raw) -> tuple[Changes, list[bytes]] | None:
    """A price_change of which single changes cannot be read: the good ones, and the others as they came.

    None for any other message.
    """
    try:
        if _kind_of(element) != PRICE_CHANGE:
            return None
        loose = _decode_loose(element)
    except UNREADABLE:
        return None
    good: list[Change] = []
    bad: list[bytes] = []
    for raw in loose.price_changes or ():
        try:
            good.append(_decode_change(raw))
        except UNREADABLE:
            bad.append(bytes(raw))
    return (Changes(PRICE_CHANGE, loose.market, loose.timestamp, good), bad) if bad else None


def _kind_of(element: bytes | str | Raw) -> str | None:
    try:
        kind = _decode_envelope(element).event_type
    except UNREADABLE:
        return None
    return kind if isinstance(kind, str) else None


def rest_book(document: Any) -> Book:
    """The answer of ``GET /book`` in the shape of a book message. Raises WireError."""
    try:
        return msgspec.convert({**document, "event_type": "book"}, Book)
    except (*UNREADABLE, TypeError) as error:
        raise WireError(f"not a Polymarket book: {error}") from None


class _Hashed(Struct):
    """What the hash of a book covers, in this order."""

    market: str
    asset_id: str | None
    timestamp: Timestamp
    hash: str
    bids: list[WireLevel]
    asks: list[WireLevel]
    min_order_size: str
    tick_size: str
    neg_risk: bool
    last_trade_price: str


def book_hash(book: Book, *, min_order_size: str | None, neg_risk: bool | None) -> str | None:
    """SHA-1 of the book as the venue computes it, or None where an input is unknown.

    The compact JSON of ten fields in this order, hash empty, levels in wire order. The socket
    leaves out ``min_order_size`` and ``neg_risk``; the caller knows them from the listing. A book
    after a trade leaves out more, and then nothing can be proved.
    """
    size = book.min_order_size if book.min_order_size is not None else min_order_size
    risk = book.neg_risk if book.neg_risk is not None else neg_risk
    complete = book.bids is not None and book.asks is not None
    if (
        size is None
        or risk is None
        or book.tick_size is None
        or book.last_trade_price is None
        or not complete
    ):
        return None
    assert book.bids is not None
    assert book.asks is not None
    hashed = _Hashed(
        book.market, book.asset_id, book.timestamp, "", book.bids, book.asks, size, book.tick_size, risk,
        book.last_trade_price,
    )  # fmt: skip
    return hashlib.sha1(msgspec.json.encode(hashed), usedforsecurity=False).hexdigest()


def _read_levels(levels: Iterable[WireLevel]) -> Levels:
    return [(PRICES[level.price], SIZES[level.size]) for level in levels]


def _read(levels: Iterable[tuple[str, str]]) -> Levels:
    return [(PRICES[price], SIZES[size]) for price, size in levels]
