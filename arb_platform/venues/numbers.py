"""Prices and sizes as the wire writes them, into integer millionths; capped memos make it one lookup."""

from collections.abc import Callable
from typing import Final

from arb_platform.domain.units import ONE, UNITS_PER_ONE, units

# Texts repeat endlessly on the wire. A full memo starts over: refilling it costs milliseconds.
_CAPACITY: Final = 100_000
_LONGEST: Final = 24
_UNITS_PER_CENT: Final = UNITS_PER_ONE // 100


class Memo(dict[str, int]):
    """Text to millionths; a text seen before costs one dictionary look-up.

    Reading a text that is not such a number raises ValueError.
    """

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[str], int]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: str) -> int:
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


PRICES: Final = Memo(price_units)
SIZES: Final = Memo(size_units)
CHANGES: Final = Memo(units)
