"""Numbers off the wire: quick where they are plain, and the same as the slow way everywhere."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arb_platform.domain.units import units
from arb_platform.venues.numbers import CHANGES, MIRRORED_PRICES, PRICES, SIZES, Memo

plain = st.builds(
    "{}{}{}".format, st.sampled_from(["", "0", "00", "7", "123456789012"]), st.sampled_from(["", "."]), st.text("0123456789", max_size=8)
)  # fmt: skip


def read(text, reader):
    try:
        return reader(text)
    except ValueError:
        return "no number"


@given(st.one_of(plain, st.text("0123456789.-+e_ ٣", max_size=9), st.text(max_size=5)))
@example("0.55")
@example("1_0")
@example(" 5")
@example("٣")
@example("1.0000000")
@example("1.0000001")
@example("nan")
def test_the_quick_way_reads_what_the_slow_way_reads_and_nothing_else(text):
    assert read(text, Memo(units, most=10**18).__getitem__) == read(text, units)


def test_a_memo_remembers_what_it_read_and_nothing_that_is_no_number():
    asked = []
    memo = Memo(lambda text: asked.append(text) or units(text), most=400_000)
    assert [memo["0.5"], memo["0.5"]] == [500_000, 500_000]
    for _ in range(2):
        with pytest.raises(ValueError, match="number"):
            memo["half"]
    assert memo["0.4"] == 400_000
    # what is plain and within bounds is not asked for
    assert asked == ["0.5", "half", "half"]
    assert dict(memo) == {"0.5": 500_000, "0.4": 400_000}


def test_prices_sizes_and_changes_have_limits_of_their_own():
    assert (PRICES["0.25"], MIRRORED_PRICES["0.25"], SIZES["1.5"], CHANGES["-2"]) == (250_000, 750_000, 1_500_000, -2_000_000)  # fmt: skip
    for memo, text in ((PRICES, "1.01"), (MIRRORED_PRICES, "-0.1"), (SIZES, "-1"), (CHANGES, "inf")):
        with pytest.raises(ValueError, match=r"outside|negative|number"):
            memo[text]
