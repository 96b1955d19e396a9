"""Prices and sizes as the wire writes them, into integer millionths; capped memos make it one lookup."""

from typing import Final

from arb_platform.domain.units import ONE, UNITS_PER_ONE, units

# Texts repeat endlessly on the wire. A full memo starts over: refilling it costs milliseconds.
_CAPACITY: Final = 100_000
_LONGEST: Final = 24
_UNITS_PER_CENT: Final = UNITS_PER_ONE // 100

# Text to millionths, for texts seen before: plain dictionaries, because the hot path reads them by
# subscript and calls the function of the same meaning on a KeyError.
PRICES: Final[dict[str, int]] = {}
SIZES: Final[dict[str, int]] = {}
CHANGES: Final[dict[str, int]] = {}


def price_of(text: str) -> int:
    """:func:`price_units`, remembered in PRICES."""
    known = PRICES.get(text)
    return _remember(PRICES, text, price_units(text)) if known is None else known


def size_of(text: str) -> int:
    """:func:`size_units`, remembered in SIZES."""
    known = SIZES.get(text)
    return _remember(SIZES, text, size_units(text)) if known is None else known


def change_of(text: str) -> int:
    """A signed change of a size in millionths, remembered in CHANGES. Raises ValueError."""
    known = CHANGES.get(text)
    return _remember(CHANGES, text, units(text)) if known is None else known


def _remember(memo: dict[str, int], text: str, value: int) -> int:
    if len(text) <= _LONGEST:
        if len(memo) >= _CAPACITY:
            memo.clear()
        memo[text] = value
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
