"""Levels, the order book, and the snapshot of its top.

All prices and sizes here are integer millionths (see :mod:`arb_platform.domain.units`); the API
shows them as Decimal. A book keeps its full depth; depth is cut where a snapshot is emitted.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from arb_platform.domain.markets import Market
from arb_platform.domain.units import ONE, decimal

Side = Literal["bid", "ask"]
BID: Final[Side] = "bid"
ASK: Final[Side] = "ask"


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


class _Ladder:
    """One side of a book: sizes by price, and the prices in ascending order."""

    __slots__ = ("prices", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[int, int] = {}
        self.prices: list[int] = []

    def replace(self, levels: Iterable[tuple[int, int]]) -> None:
        # A venue that repeats a price in one snapshot means the last one, as both do on updates.
        self.sizes = {price: size for price, size in levels if size > 0}
        self.prices = sorted(self.sizes)

    def set(self, price: int, size: int) -> None:
        if size > 0:
            if price not in self.sizes:
                insort(self.prices, price)
            self.sizes[price] = size
        elif self.sizes.pop(price, None) is not None:
            del self.prices[bisect_left(self.prices, price)]


class OrderBook:
    """Both sides of one outcome, whole.

    ``set`` is Polymarket's way (a new absolute size), ``add`` is Kalshi's (a signed change).
    """

    __slots__ = ("_asks", "_bids")

    def __init__(self) -> None:
        self._bids = _Ladder()
        self._asks = _Ladder()

    def replace(self, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> None:
        """Forget everything and take these levels, in whatever order they come."""
        self._bids.replace(bids)
        self._asks.replace(asks)

    def clear(self) -> None:
        self.replace((), ())

    def set(self, side: Side, price: int, size: int) -> None:
        """Make ``size`` the size at ``price``; 0 removes the level."""
        self._ladder(side).set(price, size)

    def add(self, side: Side, price: int, change: int) -> int:
        """Add a signed ``change`` at ``price`` and return the resulting size.

        A negative result means that we missed something: the level is removed and the caller,
        who sees the negative number, must rebuild the book.
        """
        ladder = self._ladder(side)
        size = ladder.sizes.get(price, 0) + change
        ladder.set(price, size)
        return size

    def bids(self, depth: int | None = None) -> tuple[Level, ...]:
        """Bid levels, best (highest) first."""
        ladder = self._bids
        prices = ladder.prices if depth is None else ladder.prices[-depth:] if depth else []
        return tuple(Level(price, ladder.sizes[price]) for price in reversed(prices))

    def asks(self, depth: int | None = None) -> tuple[Level, ...]:
        """Ask levels, best (lowest) first."""
        ladder = self._asks
        prices = ladder.prices if depth is None else ladder.prices[:depth]
        return tuple(Level(price, ladder.sizes[price]) for price in prices)

    @property
    def best_bid(self) -> int | None:
        prices = self._bids.prices
        return prices[-1] if prices else None

    @property
    def best_ask(self) -> int | None:
        prices = self._asks.prices
        return prices[0] if prices else None

    @property
    def crossed(self) -> bool:
        """True when somebody would buy at or above the price at which somebody sells."""
        bids, asks = self._bids.prices, self._asks.prices
        return bool(bids and asks and bids[-1] >= asks[0])

    def _ladder(self, side: Side) -> _Ladder:
        return self._bids if side == BID else self._asks


@dataclass(frozen=True, slots=True)
class BookSnapshot:
    """The visible top of one book at one moment.

    ``bids`` and ``asks`` are best first. ``exchange_time`` is the venue's clock and may be None
    (a Kalshi snapshot carries none); ``received_at`` is ours, taken when the frame came off the
    socket. ``sequence`` counts what this book emitted on this connection; ``epoch`` counts how
    often the book started anew, and no change is ever applied across two epochs.
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
