"""Full-depth books that follow a moving fair price, one change at a time, in exact millionths.

A simulator's books are the truth its tests compare with, so they are folded here by plain means and
share nothing with the books of the platform.
"""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Final, Literal, NamedTuple

from arb_platform.domain.books import Level
from arb_platform.simulate.walks import FairPrice, ListedMarket

ONE: Final = 1_000_000
# Both venues trade in hundredths of a contract.
_SIZE_STEP: Final = 10_000
_DEEPEST: Final = 32
# the share of changes that are trades
_TRADES: Final = 0.03
_Side = Literal["bid", "ask"]


class Change(NamedTuple):
    """One level of the first outcome's book after a change; ``traded`` is the size an order took."""

    side: _Side
    price: int
    before: int
    size: int
    traded: int = 0
    # whether the best price of the side or the size at it changed
    top: bool = False

    @property
    def delta(self) -> int:
        return self.size - self.before


class SimulatedBook:
    """Both sides of a market's first outcome: size by price. The other outcome is the mirror."""

    __slots__ = ("asks", "bids", "fair", "last_price", "tick", "touched")

    def __init__(self, *, tick: int, fair: FairPrice | None = None) -> None:
        self.tick = tick
        self.fair = fair
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.last_price: int | None = None
        # wall-clock seconds of the last change
        self.touched = 0.0

    @property
    def best_bid(self) -> int | None:
        return max(self.bids) if self.bids else None

    @property
    def best_ask(self) -> int | None:
        return min(self.asks) if self.asks else None

    def levels(self) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Bids and asks, full depth, best first."""
        bids = tuple(Level(price, self.bids[price]) for price in sorted(self.bids, reverse=True))
        return bids, tuple(Level(price, self.asks[price]) for price in sorted(self.asks))

    def replace(self, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> None:
        self.bids = {price: size for price, size in bids if size > 0}
        self.asks = {price: size for price, size in asks if size > 0}

    def set(self, side: _Side, price: int, size: int, *, traded: int = 0) -> Change:
        """Make ``size`` the size at ``price`` (0 or less removes the level) and say what changed."""
        ladder, best = (self.bids, max) if side == "bid" else (self.asks, min)
        before = ladder.get(price, 0)
        top = not ladder or price == best(price, best(ladder))
        if size > 0:
            ladder[price] = size
        else:
            ladder.pop(price, None)
        if traded:
            self.last_price = price
        return Change(side, price, before, max(size, 0), traded, top)

    def fill(self, rng: Random, seconds: float) -> None:
        """A whole new book around the fair price of the moment."""
        bid, ask = self._targets(seconds, spread=rng.choice((1, 1, 1, 2, 3)))
        self.bids = dict(self._ladder(rng, bid, -self.tick))
        self.asks = dict(self._ladder(rng, ask, self.tick))
        self.last_price = bid if bid > 0 else ask
        self.touched = seconds

    def step(self, rng: Random, seconds: float) -> Change:
        """One change: towards the fair price where the quotes are off it, else somewhere in the depth."""
        self.touched = seconds
        bid, ask = self._targets(seconds, spread=1)
        best_bid, best_ask = self.best_bid, self.best_ask
        if best_bid is not None and best_bid > bid + self.tick:
            return self._take(rng, "bid", best_bid)
        if best_ask is not None and best_ask < ask - self.tick:
            return self._take(rng, "ask", best_ask)
        if bid > 0 and (best_bid is None or best_bid < bid) and rng.random() < 0.5:
            return self.set("bid", bid, _size(rng, 0))
        if ask < ONE and (best_ask is None or best_ask > ask) and rng.random() < 0.5:
            return self.set("ask", ask, _size(rng, 0))
        return self._rest(rng, bid, ask)

    def _take(self, rng: Random, side: _Side, price: int) -> Change:
        """The best level goes away, bought or withdrawn."""
        size = (self.bids if side == "bid" else self.asks)[price]
        return self.set(side, price, 0, traded=size if rng.random() < 0.4 else 0)

    def _trade(self, rng: Random, side: _Side, price: int) -> Change:
        """An order takes a part of the best level, which stays where it is."""
        size = (self.bids if side == "bid" else self.asks)[price]
        taken = min(size, max(_SIZE_STEP, int(size * rng.random()) // _SIZE_STEP * _SIZE_STEP))
        return self.set(side, price, size - taken, traded=taken)

    def _rest(self, rng: Random, bid: int, ask: int) -> Change:
        """A resting order appears, changes or goes, most of it near the top; now and then somebody trades."""
        side: _Side = "bid" if rng.random() < 0.5 else "ask"
        if rng.random() < _TRADES:
            best = self.best_bid if side == "bid" else self.best_ask
            if best is not None:
                return self._trade(rng, side, best)
        away = min(int(rng.expovariate(0.35)), _DEEPEST)
        price = bid - away * self.tick if side == "bid" else ask + away * self.tick
        if not 0 < price < ONE:
            side, price = ("ask", ask) if side == "bid" else ("bid", bid)
            away = 0
        if not 0 < price < ONE:
            raise ValueError("a tick of this size leaves no room for a book")
        ladder = self.bids if side == "bid" else self.asks
        before = ladder.get(price, 0)
        # Somebody stays at the best price: an empty top is a move of the fair price, not of chance.
        if before and away and len(ladder) > 3 and rng.random() < 0.35:
            return self.set(side, price, 0)
        size = _size(rng, away)
        return self.set(side, price, size if size != before else size + _SIZE_STEP)

    def _targets(self, seconds: float, *, spread: int) -> tuple[int, int]:
        """Where the best bid and ask belong: the grid points around the fair price, ``spread`` ticks out."""
        fair = self.fair.at(seconds) * ONE if self.fair is not None else ONE / 2
        middle = min(ONE // self.tick - 1, max(1, round(fair / self.tick)))
        return (middle - spread) * self.tick, min(ONE, (middle + spread) * self.tick)

    def _ladder(self, rng: Random, start: int, step: int) -> Iterator[tuple[int, int]]:
        price, away = start, 0
        while 0 < price < ONE and away < _DEEPEST:
            if away < 3 or rng.random() < 0.8:
                yield price, _size(rng, away)
            price, away = price + step, away + 1


class Books:
    """One venue's books by market id, each made when it is first asked for."""

    def __init__(
        self,
        markets: Iterable[ListedMarket],
        *,
        fair_price: Callable[[ListedMarket], FairPrice],
        seed: int,
        seconds: Callable[[], float],
    ) -> None:
        self._markets = {market.market_id: market for market in markets}
        self._fair_price = fair_price
        self._seed = seed
        self._seconds = seconds
        self._books: dict[str, SimulatedBook] = {}

    def __contains__(self, market_id: object) -> bool:
        return market_id in self._markets or market_id in self._books

    def known(self, market_id: str) -> SimulatedBook | None:
        """The book if somebody asked for it before."""
        return self._books.get(market_id)

    def add(self, market_id: str, book: SimulatedBook) -> None:
        """Take a book that is moved from outside, by a recording."""
        self._books[market_id] = book

    def book(self, market_id: str) -> SimulatedBook:
        """The book of a market; raises KeyError for a market the venue does not list."""
        book = self._books.get(market_id)
        if book is None:
            market = self._markets[market_id]
            book = SimulatedBook(tick=market.tick_units, fair=self._fair_price(market))
            book.fill(Random(f"{self._seed}/book/{market_id}"), self._seconds())
            self._books[market_id] = book
        return book

    def book_of(self, market_id: str) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Bids and asks of the first outcome as they are now, full depth, best first."""
        return self.book(market_id).levels()


def _size(rng: Random, away: int) -> int:
    """A size in millionths: round orders and odd ones, larger away from the top."""
    contracts = rng.lognormvariate(4.2 + min(away, 12) * 0.12, 1.1)
    if rng.random() < 0.6:
        return max(5, round(contracts / 5) * 5) * ONE
    return max(1, round(contracts * 100)) * _SIZE_STEP
