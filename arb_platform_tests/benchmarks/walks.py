"""Seeded order books that change like real ones, without anything of the platform in them."""

from bisect import bisect_left, insort
from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple

ONE: Final = 1_000_000
_CENT_OF_SIZE: Final = 10_000
_DEEPEST, _SHALLOWEST = 45, 15
# The mean distance from the best level, in levels: then about 58 % of changes touch the first
# three, as on recorded 15-minute markets of August 2026.
_MEAN_DISTANCE: Final = 3.4
_ROUND_SIZES: Final = (5, 10, 15, 20, 25, 40, 50, 75, 100, 150, 200, 250, 300, 500, 1_000, 2_500, 5_000)
# Sizes that traders use again and again.
_ODD_SIZES: Final = 200
# Of an order's size: a round one, one seen before, or a new one. Then 3 to 6 % of the changes of
# a recorded market are numbers that were not seen before, as in the same recordings.
_ROUND_SHARE, _NEW_SHARE = 0.8, 0.03


class Side:
    """One side: ``sign`` is 1 for bids and -1 for asks, ``keys`` are signed prices, best last.

    A level is made of orders, because it is orders that come and go.
    """

    __slots__ = ("keys", "levels", "orders", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.keys: list[int] = []
        self.levels: dict[int, int] = {}
        self.orders: dict[int, list[int]] = {}

    def come(self, price: int, size: int) -> int:
        """An order more; returns the change."""
        if price not in self.levels:
            insort(self.keys, price * self.sign)
        self.levels[price] = self.levels.get(price, 0) + size
        self.orders.setdefault(price, []).append(size)
        return size

    def go(self, price: int) -> int:
        """The oldest order less, and with the last one the level; returns the change."""
        size = self.orders[price].pop(0)
        self.levels[price] -= size
        if not self.orders[price]:
            del self.orders[price], self.levels[price]
            del self.keys[bisect_left(self.keys, price * self.sign)]
        return -size

    @property
    def best(self) -> int:
        return self.keys[-1] * self.sign

    def ordered(self) -> list[tuple[int, int]]:
        """(price, size), best first."""
        return [(key * self.sign, self.levels[key * self.sign]) for key in reversed(self.keys)]


class Step(NamedTuple):
    """One changed level of YES: its new size and the signed change, in millionths."""

    bid: bool
    price: int
    size: int
    change: int


class WalkedBook:
    """A whole book of YES that never crosses and never runs out of levels."""

    def __init__(self, rng: Random, tick: int, odd: Sequence[int]) -> None:
        self._rng = rng
        self._tick = tick
        self._odd = odd
        self.bids, self.asks = Side(1), Side(-1)
        ticks = ONE // tick
        middle = rng.randint(ticks // 3, 2 * ticks // 3)
        for distance in range(1, 31):
            self.bids.come((middle - distance) * tick, self._size())
            self.asks.come((middle + distance) * tick, self._size())

    def step(self) -> Step:
        """One order comes or goes; some come at a better price than any before."""
        rng = self._rng
        bid = rng.random() < 0.5
        side, other = (self.bids, self.asks) if bid else (self.asks, self.bids)
        distance = min(int(rng.expovariate(1 / _MEAN_DISTANCE)), len(side.keys) - 1)
        price = side.keys[-1 - distance] * side.sign
        if rng.random() < 0.5 and (len(side.keys) > _SHALLOWEST or len(side.orders[price]) > 1):
            change = side.go(price)
        else:
            better = price + side.sign * self._tick
            if (
                rng.random() < 0.4
                and len(side.keys) < _DEEPEST
                and (other.best - better) * side.sign > 0 < better < ONE
            ):
                price = better
            change = side.come(price, self._size())
        return Step(bid, price, side.levels.get(price, 0), change)

    def _size(self) -> int:
        chance = self._rng.random()
        if chance < _ROUND_SHARE:
            return self._rng.choice(_ROUND_SIZES) * ONE
        return new_size(self._rng) if chance > 1 - _NEW_SHARE else self._rng.choice(self._odd)


def odd_sizes(rng: Random) -> list[int]:
    """Sizes with cents that come again and again."""
    return [new_size(rng) for _ in range(_ODD_SIZES)]


def new_size(rng: Random) -> int:
    """A size that probably never was before, in millionths."""
    return max(int(rng.lognormvariate(5, 1.2) * 100), 1) * _CENT_OF_SIZE
