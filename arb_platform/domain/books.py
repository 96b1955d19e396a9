"""Levels, the order book, and the snapshot of its top.

All prices and sizes here are integer millionths (see :mod:`arb_platform.domain.units`); the API
shows them as Decimal. A book keeps its full depth; depth is cut where a snapshot is emitted.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, Self

from arb_platform.domain.markets import Market
from arb_platform.domain.units import ONE, decimal

Side = Literal["bid", "ask"]
BID: Final[Side] = "bid"
ASK: Final[Side] = "ask"

VISIBLE: Final = 3
_BELOW_ALL: Final = -(10**30)
_ABOVE_ALL: Final = 10**30
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


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


# (price, size) in millionths: a level on its way, at a quarter of a Level's price.
Pair = tuple[int, int]
Pairs = tuple[Pair, ...]


class Ladder:
    """One side of a book: the size at each price, and the prices in order.

    ``visible`` is how many levels ``top`` shows; a change below those costs next to nothing.
    """

    __slots__ = ("_bids", "_edge", "_prices", "_visible", "_window", "_written_out", "sizes", "top")

    def __init__(self, side: Side, visible: int = VISIBLE) -> None:
        if visible < 1:
            raise ValueError(f"at least one level must be visible, not {visible}")
        self._bids = side == BID
        self._visible = visible
        self._written_out = VISIBLE if visible == VISIBLE else None
        # Where the visible levels are, best first: the best bid is the last price, the best ask the first.
        self._window = slice(None, -visible - 1, -1) if self._bids else slice(visible)
        # By price; to be read only.
        self.sizes: dict[int, int] = {}
        self._prices: list[int] = []
        # The visible levels, best first; the very same tuple for as long as no change touches them.
        self.top: Pairs = ()
        # A price is visible if it is at or above this one among bids, or below it among asks.
        self._edge = 0
        self._look()

    def __len__(self) -> int:
        return len(self._prices)

    def replace(self, levels: Iterable[Pair]) -> None:
        """Forget everything and take these (price, size) levels, in whatever order they come."""
        # A venue that repeats a price in one snapshot means the last one, as both do on updates.
        self.sizes = {price: size for price, size in dict(levels).items() if size > 0}
        self._prices = sorted(self.sizes)
        shown = self.top
        self._look()
        if self.top == shown:
            self.top = shown

    def set(self, price: int, size: int) -> None:
        """Make ``size`` the size at ``price``; 0 or less removes the level."""
        sizes = self.sizes
        if size > 0:
            known = sizes.get(price)
            if known is not None:
                if known != size:
                    sizes[price] = size
                    if (price >= self._edge) is self._bids:
                        self._resize(price, size)
                return
            insort(self._prices, price)
            sizes[price] = size
        elif price in sizes:
            del sizes[price]
            prices = self._prices
            del prices[bisect_left(prices, price)]
        else:
            return
        if (price >= self._edge) is not self._bids:
            return
        visible = self._prices[self._window]
        if len(visible) == self._written_out:
            # The usual depth, at a third of the price of the general case.
            first, second, third = visible
            self.top = ((first, sizes[first]), (second, sizes[second]), (third, sizes[third]))
            self._edge = third if self._bids else third + 1
        else:
            self._look()

    def _resize(self, price: int, size: int) -> None:
        """A visible level has another size, which is what most changes do: the others are kept as they are."""
        top = self.top
        if len(top) != self._written_out:
            self._look()
            return
        first, second, third = top
        if price == first[0]:
            self.top = ((price, size), second, third)
        elif price == second[0]:
            self.top = (first, (price, size), third)
        else:
            self.top = (first, second, (price, size))

    def add(self, price: int, change: int) -> int:
        """Add a signed ``change`` at ``price`` and return the resulting size.

        A negative result means that we missed something: the level is removed and the caller,
        who sees the negative number, must rebuild the book.
        """
        size = self.sizes.get(price, 0) + change
        self.set(price, size)
        return size

    def _look(self) -> None:
        """Take the visible levels anew, and note from which price on a change will touch them."""
        prices = self._prices[self._window]
        self.top = tuple((price, self.sizes[price]) for price in prices)
        if len(prices) < self._visible:
            self._edge = _BELOW_ALL if self._bids else _ABOVE_ALL
        else:
            self._edge = prices[-1] if self._bids else prices[-1] + 1

    def levels(self, depth: int | None = None) -> tuple[Level, ...]:
        """The ``depth`` best levels, or all, best first."""
        count = len(self._prices) if depth is None else max(depth, 0)
        prices = self._prices[: -count - 1 : -1] if self._bids else self._prices[:count]
        return tuple(Level(price, self.sizes[price]) for price in prices)

    @property
    def best(self) -> int | None:
        """Price of the best level, or None on an empty side."""
        return self._prices[-1 if self._bids else 0] if self._prices else None


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


class SnapshotFields(NamedTuple):
    """What a snapshot is made of, as the lake stores it: no object is made that nobody asked for."""

    market: Market
    bid_pairs: Pairs
    ask_pairs: Pairs
    # microseconds since 1970
    exchange_us: int | None
    received_at: datetime
    sequence: int
    epoch: int
    crossed: bool
    session_id: str


class BookSnapshot(SnapshotFields):
    """The visible top of one book at one moment.

    ``bids`` and ``asks`` are best first. ``exchange_time`` is the venue's clock and may be None
    (a Kalshi snapshot carries none); ``received_at`` is ours, taken when the frame came off the
    socket. ``sequence`` counts what this book emitted on this connection; ``epoch`` counts how
    often the book started anew, and no change is ever applied across two epochs.
    """

    __slots__ = ()

    def __new__(  # noqa: PLR0917 the order of a row
        cls,
        market: Market,
        bids: Pairs,
        asks: Pairs,
        exchange_time: datetime | None,
        received_at: datetime,
        sequence: int,
        epoch: int = 1,
        crossed: bool = False,  # noqa: FBT001, FBT002 a field
        session_id: str = "",
    ) -> Self:
        exchange_us = None if exchange_time is None else (exchange_time - _EPOCH) // timedelta(microseconds=1)
        return super().__new__(
            cls, market, bids, asks, exchange_us, received_at, sequence, epoch, crossed, session_id
        )

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.market, self.bids, self.asks, self.exchange_time, *self[4:])

    @property
    def bids(self) -> tuple[Level, ...]:
        return tuple(map(Level._make, self.bid_pairs))

    @property
    def asks(self) -> tuple[Level, ...]:
        return tuple(map(Level._make, self.ask_pairs))

    @property
    def exchange_time(self) -> datetime | None:
        us = self.exchange_us
        return None if us is None else _EPOCH + timedelta(microseconds=us)
