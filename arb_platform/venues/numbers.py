"""Prices and sizes as the wire writes them, into integer millionths; capped memos make it one lookup."""

from collections.abc import Callable
from typing import Final

from arb_platform.domain.units import ONE, UNITS_PER_ONE, units

# Texts repeat endlessly on the wire. A full memo starts over: refilling it costs milliseconds.
_CAPACITY: Final = 100_000
_LONGEST: Final = 24
_UNITS_PER_CENT: Final = UNITS_PER_ONE // 100
_DECIMALS: Final = 6
_SCALES: Final[tuple[int, ...]] = tuple(10 ** (_DECIMALS - written) for written in range(_DECIMALS + 1))


class Memo(dict[str, int]):
    """Texts to millionths: ``memo[text]`` reads a text only once. Raises ValueError for what is not one.

    Plain texts of at most ``most`` are read here, at a third of the price; all others by ``read``.
    """

    __slots__ = ("_most", "_read")

    def __init__(self, read: Callable[[str], int], *, most: int) -> None:
        super().__init__()
        self._read = read
        self._most = most

    def __missing__(self, text: str) -> int:
        whole, _, decimals = text.partition(".")
        digits = whole + decimals
        value = -1
        if digits.isdecimal() and digits.isascii() and len(whole) <= 11 and len(decimals) <= _DECIMALS:
            value = int(digits) * _SCALES[len(decimals)]
        if not 0 <= value <= self._most:
            value = self._read(text)
        if len(text) <= _LONGEST:
            if len(self) >= _CAPACITY:
                self.clear()
            self[text] = value
        return value


def price_units(value: str | int) -> int:
    """Millionths of a price in dollars. Raises ValueError outside 0..1 and for what is no number."""
    price = units(value)
    if not 0 <= price <= ONE:
        raise ValueError(f"a price outside 0..1: {str(value)[:40]}")
    return price


def size_units(value: str | int) -> int:
    """Millionths of a size. Raises ValueError for a negative one and for what is no number."""
    size = units(value)
    if size < 0:
        raise ValueError(f"a negative size: {str(value)[:40]}")
    return size


def cents(value: int) -> int:
    """Millionths of a price in whole cents, as Kalshi wrote them before 2026-03-12."""
    if not 0 <= value <= 100:
        raise ValueError(f"a price outside 0..100 cents: {str(value)[:40]}")
    return value * _UNITS_PER_CENT


_NO_BOUND: Final = 10**18

PRICES: Final = Memo(price_units, most=ONE)
SIZES: Final = Memo(size_units, most=_NO_BOUND)
CHANGES: Final = Memo(units, most=_NO_BOUND)


class MirroredPrices(dict[str, int]):
    """The price of a bid for NO, as that of the ask for YES that it is."""

    __slots__ = ()

    def __missing__(self, text: str) -> int:
        price = ONE - PRICES[text]
        if len(self) < _CAPACITY:
            self[text] = price
        return price


MIRRORED_PRICES: Final = MirroredPrices()
