"""Levels, the order book, and the snapshot of its top.

All prices and sizes here are integer millionths (see :mod:`arb_platform.domain.units`); the API
shows them as Decimal. A book keeps its full depth; depth is cut where a snapshot is emitted.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
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
# Half the price of calling the class; the field types are right by construction.
_new: Final = tuple.__new__


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


class Ladder:
    """One side of a book.

    Sizes are kept by key, and keys ascending, so that the best level is the last one on either
    side: the key of a bid is its price, the key of an ask its negated price. ``visible`` is how
    many levels :meth:`top` shows; a change below those costs nothing later, and one that only
    resizes a visible level costs that level.
    """

    __slots__ = ("_edge", "_keys", "_moved", "_resized", "_sign", "_sizes", "_top", "_visible")

    def __init__(self, side: Side, visible: int = VISIBLE) -> None:
        if visible < 1:
            raise ValueError(f"at least one level must be visible, not {visible}")
        self._sign = 1 if side == BID else -1
        self._visible = visible
        self._sizes: dict[int, int] = {}
        self._keys: list[int] = []
        self._top: tuple[Level, ...] = ()
        # Key of the last visible level. While ``_moved`` is set, the true edge may be elsewhere, and
        # ``_top`` is looked at anew anyway.
        self._edge = _NO_EDGE
        self._moved = False
        # The one visible level that changed its size since, where that is all that happened.
        self._resized: int | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def replace(self, levels: Iterable[tuple[int, int]]) -> None:
        """Forget everything and take these (price, size) levels, in whatever order they come."""
        sign = self._sign
        # A venue that repeats a price in one snapshot means the last one, as both do on updates.
        sizes = {price * sign: size for price, size in levels}
        if sizes and min(sizes.values()) <= 0:
            sizes = {key: size for key, size in sizes.items() if size > 0}
        self._sizes = sizes
        self._keys = sorted(sizes)
        self._moved = True

    def set(self, price: int, size: int) -> None:
        """Make ``size`` the size at ``price``; 0 or less removes the level."""
        key = price * self._sign
        sizes = self._sizes
        if key in sizes:
            if size > 0:
                sizes[key] = size
                if key >= self._edge:
                    self._resize(key)
                return
            del sizes[key]
            del self._keys[bisect_left(self._keys, key)]
        elif size > 0:
            insort(self._keys, key)
            sizes[key] = size
        else:
            return
        if key >= self._edge:
            self._moved = True

    def add(self, price: int, change: int) -> int:
        """Add a signed ``change`` at ``price`` and return the resulting size.

        A negative result means that we missed something: the level is removed and the caller,
        who sees the negative number, must rebuild the book.
        """
        key = price * self._sign
        sizes = self._sizes
        if key in sizes:
            size = sizes[key] + change
            if size > 0:
                sizes[key] = size
                if key >= self._edge:
                    self._resize(key)
                return size
            del sizes[key]
            del self._keys[bisect_left(self._keys, key)]
        elif change > 0:
            size = change
            insort(self._keys, key)
            sizes[key] = size
        else:
            return change
        if key >= self._edge:
            self._moved = True
        return size

    def top(self) -> tuple[Level, ...]:
        """The visible levels, best first; the very same tuple for as long as they do not change."""
        if self._moved:
            visible = self._keys[-self._visible :]
            self._edge = visible[0] if len(visible) == self._visible else _NO_EDGE
            visible.reverse()
            top = self._levels(visible)
            if top != self._top:
                self._top = top
            self._moved = False
            self._resized = None
        elif self._resized is not None:
            self._show_resized(self._resized)
            self._resized = None
        return self._top

    def levels(self, depth: int | None = None) -> tuple[Level, ...]:
        """The ``depth`` best levels, or all, best first."""
        if depth is None:
            return self._levels(self._keys[::-1])
        return self._levels(self._keys[: -depth - 1 : -1]) if depth > 0 else ()

    @property
    def best(self) -> int | None:
        """Price of the best level, or None on an empty side."""
        return self._keys[-1] * self._sign if self._keys else None

    def _resize(self, key: int) -> None:
        if self._resized is None:
            self._resized = key
        elif self._resized != key:
            self._moved = True

    def _show_resized(self, key: int) -> None:
        keys = self._keys
        place = 0 if keys[-1] == key else len(keys) - 1 - bisect_left(keys, key)
        old = self._top
        size = self._sizes[key]
        if old[place][1] != size:
            level = _new(Level, (key * self._sign, size))
            self._top = (*old[:place], level, *old[place + 1 :])

    def _levels(self, keys: list[int]) -> tuple[Level, ...]:
        sign, sizes, new = self._sign, self._sizes, _new
        return tuple([new(Level, (key * sign, sizes[key])) for key in keys])


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
