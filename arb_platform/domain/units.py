"""Exact numbers: prices and sizes are integers of a millionth.

Polymarket's finest tick is 0.0001 and its sizes have up to six decimals (USDC's own precision);
Kalshi's are 0.0001 and 0.01. A millionth holds all of them, and the unscaled value of the lake's
DECIMAL(9,6) and DECIMAL(18,6) is that same integer, so nothing is converted on the way down.
"""

import re
from decimal import Decimal, InvalidOperation, localcontext
from typing import Final

UNITS_PER_ONE: Final = 1_000_000
ONE: Final = UNITS_PER_ONE
_DECIMALS: Final = 6
_MEMO_CAPACITY: Final = 100_000
# DECIMAL(18,6) in the lake holds less than this; anything larger is not a size of this world.
_LARGEST_UNITS: Final = 10**18

# What nearly every text on the wire looks like; it needs no Decimal, which costs four times as much.
_PLAIN: Final = re.compile(r"(-?[0-9]{1,11})(?:\.([0-9]{1,6}))?", re.ASCII).fullmatch

# Texts repeat endlessly on the wire ("0.01", "100"), so a capped memo turns parsing into a lookup.
_memo: dict[str, int] = {}


def units(text: str | int | Decimal) -> int:
    """Exact integer millionths of a decimal number.

    >>> units("0.55"), units("97.22"), units(2)
    (550000, 97220000, 2000000)

    Raises ValueError for anything that is not a finite decimal number with at most six decimals,
    floats included: a float has already lost what we would have to keep.
    """
    if isinstance(text, str):
        known = _memo.get(text)
        if known is not None:
            return known
        plain = _PLAIN(text)
        value = _parse(text) if plain is None else int(plain[1] + (plain[2] or "").ljust(_DECIMALS, "0"))
    else:
        value = _parse(text)
    if isinstance(text, str) and len(text) <= 24:
        if len(_memo) >= _MEMO_CAPACITY:
            _memo.clear()
        _memo[text] = value
    return value


def _parse(text: str | int | Decimal) -> int:
    if isinstance(text, bool) or not isinstance(text, str | int | Decimal):
        raise ValueError(f"not an exact number: {text!r}")
    if isinstance(text, str) and (len(text) > 64 or "_" in text or not text.isascii()):
        raise ValueError(f"not a decimal number: {text[:64]!r}")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"not a decimal number: {text!r}") from None
    if not number.is_finite() or abs(number.adjusted()) > 30:
        if number.is_finite() and number == 0:
            return 0
        raise ValueError(f"not a number we can hold: {text!r}")
    with localcontext() as context:
        context.prec = 80
        scaled = number.scaleb(_DECIMALS)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"more than {_DECIMALS} decimals: {text!r}")
        value = int(scaled)
    if abs(value) >= _LARGEST_UNITS:
        raise ValueError(f"too large: {text!r}")
    return value


def decimal(value: int) -> Decimal:
    """The number that ``value`` millionths are, as an exact Decimal.

    >>> decimal(550000)
    Decimal('0.550000')
    """
    return Decimal(value).scaleb(-_DECIMALS)
