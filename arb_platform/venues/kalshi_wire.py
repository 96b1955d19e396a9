"""Kalshi's websocket v2 as typed messages, every generation of it.

Source of the shapes: docs.kalshi.com (AsyncAPI), frames recorded in August 2026; cents left the API
on 2026-03-12 and are read too, as is the owner's simplified snapshot. Where a message has several
units, ``*_fp`` is believed before ``*_dollars`` and that before cents.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from arb_platform.domain.errors import WireError
from arb_platform.domain.units import units
from arb_platform.venues.numbers import CHANGES, PRICES, SIZES, cents, price_units, size_units

Levels = list[tuple[int, int]]
_SIDES: Final = ("yes", "no")
UNREADABLE: Final = (ValueError, RecursionError, OverflowError, TypeError)


class Snapshot(Struct, gc=False):
    market_ticker: str
    market_id: str | None = None
    yes_dollars_fp: list[tuple[str, str]] | None = None
    no_dollars_fp: list[tuple[str, str]] | None = None
    yes_dollars: list[tuple[str, str | int]] | None = None
    no_dollars: list[tuple[str, str | int]] | None = None
    yes: list[tuple[int, int]] | None = None
    no: list[tuple[int, int]] | None = None

    def levels(self) -> tuple[Levels, Levels]:
        """(price, size) millionths of the YES and the NO side as sent. Raises ValueError on a bad number.

        A side that is absent or null is empty; near the close both are.
        """
        return (
            _side(self.yes_dollars_fp, self.yes_dollars, self.yes),
            _side(self.no_dollars_fp, self.no_dollars, self.no),
        )


class Delta(Struct, gc=False):
    market_ticker: str
    side: str
    price_dollars: str | None = None
    delta_fp: str | None = None
    price: int | None = None
    delta: int | None = None
    ts_ms: int | None = None

    def change(self) -> tuple[int, int]:
        """(price, signed change) in millionths. Raises ValueError on a bad or missing number or side."""
        if self.side not in _SIDES:
            raise ValueError(f"a side that is neither yes nor no: {self.side[:40]!r}")
        if self.price_dollars is not None:
            price = PRICES[self.price_dollars]
        elif self.price is not None:
            price = cents(self.price)
        else:
            raise ValueError("a delta without a price")
        if self.delta_fp is not None:
            return price, CHANGES[self.delta_fp]
        if self.delta is None:
            raise ValueError("a delta without a change")
        return price, units(self.delta)


class Subscribed(Struct, gc=False):
    channel: str
    sid: int


class Fault(Struct, gc=False):
    code: int
    msg: str = ""
    market_ticker: str | None = None


class Lifecycle(Struct, gc=False):
    market_ticker: str = ""
    event_type: str = ""
    result: str | None = None


class _Message(Struct, gc=False, kw_only=True):
    sid: int | None = None
    seq: int | None = None
    id: int | None = None


class SnapshotMessage(_Message, gc=False, kw_only=True, tag_field="type", tag="orderbook_snapshot"):
    msg: Snapshot


class DeltaMessage(_Message, gc=False, kw_only=True, tag_field="type", tag="orderbook_delta"):
    msg: Delta


class SubscribedMessage(_Message, gc=False, kw_only=True, tag_field="type", tag="subscribed"):
    msg: Subscribed


class OkMessage(_Message, gc=False, kw_only=True, tag_field="type", tag="ok"):
    """The list of tickers is in ``msg``, in older answers beside it; we keep our own list."""


class UnsubscribedMessage(_Message, gc=False, kw_only=True, tag_field="type", tag="unsubscribed"):
    pass


class ErrorMessage(_Message, gc=False, kw_only=True, tag_field="type", tag="error"):
    msg: Fault


class TickerMessage(_Message, gc=False, kw_only=True, tag_field="type", tag="ticker"):
    pass


class TradeMessage(_Message, gc=False, kw_only=True, tag_field="type", tag="trade"):
    pass


class LifecycleMessage(_Message, gc=False, kw_only=True, tag_field="type", tag="market_lifecycle_v2"):
    msg: Lifecycle


class EventLifecycleMessage(_Message, gc=False, kw_only=True, tag_field="type", tag="event_lifecycle"):
    pass


class EventFeeMessage(_Message, gc=False, kw_only=True, tag_field="type", tag="event_fee_update"):
    pass


Message = (
    SnapshotMessage
    | DeltaMessage
    | SubscribedMessage
    | OkMessage
    | UnsubscribedMessage
    | ErrorMessage
    | TickerMessage
    | TradeMessage
    | LifecycleMessage
    | EventLifecycleMessage
    | EventFeeMessage
)

_decoder: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)
decode_frame: Final = _decoder.decode
_KINDS: Final = frozenset(
    {
        "orderbook_snapshot", "orderbook_delta", "subscribed", "ok", "unsubscribed", "error", "ticker", "trade",
        "market_lifecycle_v2", "event_lifecycle", "event_fee_update",
    }
)  # fmt: skip


class Envelope(Struct, gc=False):
    """What is left of a message whose content cannot be read: its place in the sequence."""

    type: Any = None
    sid: int | None = None
    seq: int | None = None
    msg: Raw = Raw()

    @property
    def known(self) -> bool:
        return self.type in _KINDS if isinstance(self.type, str) else False


class _Named(Struct, gc=False):
    market_ticker: str = ""


_envelopes: Final = msgspec.json.Decoder(Envelope)
_names: Final = msgspec.json.Decoder(_Named)


def read_envelope(frame: bytes | str) -> Envelope:
    """The envelope of a frame. Raises WireError if there is none."""
    try:
        return _envelopes.decode(frame)
    except UNREADABLE as error:
        raise WireError(f"not readable: {error}") from None


def ticker_of(message: Raw) -> str:
    """The market that an unreadable message is about, "" if it does not say."""
    try:
        return _names.decode(message).market_ticker
    except UNREADABLE:
        return ""


def rest_levels(book: Any) -> tuple[Levels, Levels]:
    """(price, size) of YES and NO of a decoded ``/orderbook`` of any year. Raises ValueError."""
    fields = {**book}
    # Over REST the fp book calls its sides yes_dollars and no_dollars, and its sizes are texts.
    return tuple(  # type: ignore[return-value]
        _side(None, fields.get(f"{side}_dollars"), fields.get(side)) for side in ("yes", "no")
    )


def _side(
    fp: list[tuple[str, str]] | None,
    dollars: list[tuple[str, str | int]] | None,
    in_cents: list[tuple[int, int]] | None,
) -> Levels:
    if fp is not None:
        return [(PRICES[price], SIZES[size]) for price, size in fp]
    if dollars is not None:
        return [(price_units(price), size_units(size)) for price, size in dollars]
    return [(cents(price), size_units(size)) for price, size in in_cents or ()]
