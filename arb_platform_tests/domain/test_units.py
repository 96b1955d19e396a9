"""Exact numbers: every decimal of the venues is an integer of a millionth, and nothing else is."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.domain.units import decimal, units

representable = st.integers(min_value=-(10**18) + 1, max_value=10**18 - 1)


@given(representable)
def test_a_number_comes_back_as_it_went_in(value):
    assert units(str(decimal(value))) == value
    assert units(decimal(value)) == value


@given(st.integers(min_value=0, max_value=9999))
def test_one_minus_a_price_is_exact_where_a_float_is_not(tick):
    price = Decimal(tick) / 10_000
    assert 1_000_000 - units(price) == units(1 - price)


@given(st.text(max_size=80))
def test_any_text_is_a_number_or_a_value_error(text):
    try:
        value = units(text)
    except ValueError:
        return
    assert Decimal(text).scaleb(6) == value


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "1e400",
        "1e-400",
        "9" * 200,
        "0.1234567",
        "1_000",
        "",
        " ",
        "٣",
        "0x1",
        "1e18",
    ],
)
def test_what_cannot_be_held_exactly_is_refused(text):
    with pytest.raises(ValueError):
        units(text)


@pytest.mark.parametrize("value", [0.5, True, None, b"1", [1]])
def test_floats_and_other_things_are_refused(value):
    with pytest.raises(ValueError):
        units(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.55", 550_000),
        ("97.22", 97_220_000),
        ("0", 0),
        ("-54.00", -54_000_000),
        ("1E-3", 1_000),
        ("0.000001", 1),
    ],
)
def test_samples(text, expected):
    assert units(text) == expected
    # and again, from the memo
    assert units(text) == expected
