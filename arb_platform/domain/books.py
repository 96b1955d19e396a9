"""Levels, the order book, and the snapshot of its top.

All prices and sizes here are integer millionths (see :mod:`arb_platform.domain.units`); the API
shows them as Decimal. A book keeps its full depth; depth is cut where a snapshot is emitted.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from arb_platform.domain.markets import Market
from arb_platform.domain.units import ONE, decimal

Side = Literal["bid", "ask"]
BID: Final[Side] = "bid"
ASK: Final[Side] = "ask"

VISIBLE: Final = 3
# Below every key that a price can have, so that an edge there lets every change through.
_NO_EDGE: Final = -(10**30)


class Level(NamedTuple):
    """One price level: ``price`` in dollars and ``size`` in contracts, exact."""

    price_units: int
    size_units: int

    @property
    def price(self) -> Decimal:
        return decimal(self.price_units)

    @property
    def size(self) -> Decimal:
        return decimal(self.size_units)

    def mirrored(self) -> "Level":
        """The same order seen from the other outcome: a bid for NO at p is an ask for YES at 1 - p."""
        return Level(ONE - self.price_units, self.size_units)


# Half the price of calling the class; the field types are right by construction.
_new: Final[Callable[..., Level]] = tuple.__new__


class Ladder:
    """One side of a book.

    Levels are kept by key, and keys ascending, so that the best level is the last one on either
    side: the key of a bid is its price, the key of an ask its negated price. ``visible`` is how
    many levels :meth:`top` shows; a change below those costs nothing later.
    """

    __slots__ = ("_by_key", "_edge", "_keys", "_moved", "_sign", "_top", "_visible")

    def __init__(self, side: Side, visible: int = VISIBLE) -> None:
        if visible < 1:
            raise ValueError(f"at least one level must be visible, not {visible}")
        self._sign = 1 if side == BID else -1
        self._visible = visible
        self._by_key: dict[int, Level] = {}
        self._keys: list[int] = []
        self._top: tuple[Level, ...] = ()
        # Key of the last visible level. It may be out of date while ``_moved`` is set, and then the
        # top is looked at anyway.
        self._edge = _NO_EDGE
        self._moved = False

    def __len__(self) -> int:
        return len(self._keys)

    def replace(self, levels: Iterable[tuple[int, int]]) -> None:
        """Forget everything and take these (price, size) levels, in whatever order they come."""
        sign = self._sign
        # A venue that repeats a price in one snapshot means the last one, as both do on updates.
        by_key = {price * sign: Level(price, size) for price, size in levels}
        for key in [key for key, level in by_key.items() if level.size_units <= 0]:
            del by_key[key]
        self._by_key = by_key
        self._keys = sorted(by_key)
        self._moved = True

    def set(self, price: int, size: int) -> None:
        """Make ``size`` the size at ``price``; 0 or less removes the level."""
        key = price * self._sign
        by_key = self._by_key
        if size > 0:
            if key not in by_key:
                insort(self._keys, key)
            by_key[key] = _new(Level, (price, size))
        elif key in by_key:
            del by_key[key]
            del self._keys[bisect_left(self._keys, key)]
        if key >= self._edge:
            self._moved = True

    def add(self, price: int, change: int) -> int:
        """Add a signed ``change`` at ``price`` and return the resulting size.

        A negative result means that we missed something: the level is removed and the caller,
        who sees the negative number, must rebuild the book.
        """
        known = self._by_key.get(price * self._sign)
        size = change if known is None else known[1] + change
        self.set(price, size)
        return size

    def top(self) -> tuple[Level, ...]:
        """The visible levels, best first; the very same tuple for as long as they do not change."""
        if self._moved:
            self._moved = False
            keys, by_key = self._keys, self._by_key
            if self._visible == 3 and len(keys) >= 3:
                # The usual depth, written out: a third of the price of the general case.
                self._edge = edge = keys[-3]
                top: tuple[Level, ...] = (by_key[keys[-1]], by_key[keys[-2]], by_key[edge])
            else:
                top = self.levels(self._visible)
                self._edge = keys[-self._visible] if len(top) == self._visible else _NO_EDGE
            if top != self._top:
                self._top = top
        return self._top

    def levels(self, depth: int | None = None) -> tuple[Level, ...]:
        """The ``depth`` best levels, or all, best first."""
        count = len(self._keys) if depth is None else max(depth, 0)
        return tuple(map(self._by_key.__getitem__, self._keys[: -count - 1 : -1]))

    @property
    def best(self) -> int | None:
        """Price of the best level, or None on an empty side."""
        return self._keys[-1] * self._sign if self._keys else None


class OrderBook:
    """Both sides of one outcome, whole.

    ``set`` is Polymarket's way (a new absolute size), ``add`` is Kalshi's (a signed change). Feeds
    reach for ``bid_side`` and ``ask_side`` themselves.
    """

    __slots__ = ("ask_side", "bid_side")

    def __init__(self, visible: int = VISIBLE) -> None:
        self.bid_side = Ladder(BID, visible)
        self.ask_side = Ladder(ASK, visible)

    def replace(self, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> None:
        """Forget everything and take these levels, in whatever order they come."""
        self.bid_side.replace(bids)
        self.ask_side.replace(asks)

    def clear(self) -> None:
        self.replace((), ())

    def set(self, side: Side, price: int, size: int) -> None:
        """Make ``size`` the size at ``price``; 0 removes the level."""
        self._side(side).set(price, size)

    def add(self, side: Side, price: int, change: int) -> int:
        """Add a signed ``change`` at ``price`` and return the resulting size; see :meth:`Ladder.add`."""
        return self._side(side).add(price, change)

    def bids(self, depth: int | None = None) -> tuple[Level, ...]:
        """Bid levels, best (highest) first."""
        return self.bid_side.levels(depth)

    def asks(self, depth: int | None = None) -> tuple[Level, ...]:
        """Ask levels, best (lowest) first."""
        return self.ask_side.levels(depth)

    @property
    def best_bid(self) -> int | None:
        return self.bid_side.best

    @property
    def best_ask(self) -> int | None:
        return self.ask_side.best

    @property
    def crossed(self) -> bool:
        """True when somebody would buy at or above the price at which somebody sells."""
        bid, ask = self.best_bid, self.best_ask
        return bid is not None and ask is not None and bid >= ask

    def _side(self, side: Side) -> Ladder:
        return self.bid_side if side == BID else self.ask_side


class BookSnapshot(NamedTuple):
    """The visible top of one book at one moment.

    ``bids`` and ``asks`` are best first. ``exchange_time`` is the venue's clock and may be None
    (a Kalshi snapshot carries none); ``received_at`` is ours, taken when the frame came off the
    socket. ``sequence`` counts what this book emitted on this connection; ``epoch`` counts how
    often the book started anew, and no change is ever applied across two epochs.

    A named tuple, because one is made for every visible change: a frozen dataclass of nine fields
    costs four times as much.
    """

    market: Market
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    exchange_time: datetime | None
    received_at: datetime
    sequence: int
    epoch: int = 1
    crossed: bool = False
    session_id: str = ""
