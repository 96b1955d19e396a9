from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.domain.terms import Period, Threshold, compare_thresholds


def threshold(text):
    operator, _, rest = text.partition(" ")
    value, _, unit = rest.partition(" ")
    low, _, high = value.partition("..")
    return Threshold(operator, Decimal(low), unit, Decimal(high) if high else None)


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        (">= 3.0 %", "> 2.9 %", "same"),
        (">= 3 %", "> 2.9", "same"),
        (">= 4 %", "> 3 %", "different"),
        ("> 2.8 %", ">= 2.8 %", "inclusive"),
        (">= 2000", "> 1999", "same"),
        ("< 31 °", "<= 30 °F", "same"),
        (">= 74300 $", "> 74299.99", "same"),
        ("> 70 $", ">= 71 $", "different"),
        ("> 25 bps", ">= 50 bps", "same"),
        ("= 25 bps", "= 0.25 %", "same"),
        (">= 50 $", "< 50 $", "opposite"),
        ("> 2.9 %", "<= 2.9 %", "opposite"),
        ("= 2.8 %", ">= 2.8 %", "bucket"),
        ("between 42..43 °F", "between 42..43", "same"),
        ("between 42..43 °F", "between 44..45", "different"),
        ("between 74250..74500 $", "between 74250..74499.99 $", "same"),
        ("> 5 %", "> 5 $", "different"),
        ("> 20 °F", "> 20 °C", "different"),
    ],
)
def test_thresholds_relate_as_on_the_grid_they_are_published_on(one, other, relation):
    assert compare_thresholds(threshold(one), threshold(other)) == relation
    assert compare_thresholds(threshold(other), threshold(one)) == relation


@given(
    st.sampled_from([">", ">=", "<", "<=", "="]),
    st.decimals(-1000, 1000, places=2),
    st.sampled_from(["", "%", "$", "bps"]),
)
def test_a_threshold_is_the_same_as_itself_and_not_as_the_next_one(operator, value, unit):
    one = Threshold(operator, value, unit)
    assert compare_thresholds(one, one) == "same"
    assert compare_thresholds(one, Threshold(operator, value + 1000, unit)) == "different"


def test_a_reason_names_a_threshold_in_full():
    assert str(threshold("between 42..43 °F")) == "between 42 and 43 °F"
    assert str(threshold(">= 3.0 %")) == ">= 3.0 %"


def period(kind, start, end):
    return Period(kind, date.fromisoformat(start) if start else None, date.fromisoformat(end))


DEADLINE = period("deadline", None, "2027-01-01")
YEAR = period("year", "2026-01-01", "2027-01-01")
EDITION = period("edition", "2026-01-01", "2027-01-01")
JUNE = period("month", "2026-06-01", "2026-07-01")
DAY = period("date", "2026-06-17", "2026-06-18")
SEASON = period("edition", "2026-01-01", "2028-01-01")


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        (DEADLINE, YEAR, True),
        (DEADLINE, period("deadline", None, "2027-07-01"), False),
        (DAY, JUNE, True),
        (DAY, period("month", "2026-07-01", "2026-08-01"), False),
        (JUNE, YEAR, False),
        (JUNE, EDITION, False),
        (DAY, EDITION, True),
        (DAY, YEAR, False),
        (EDITION, YEAR, True),
        (SEASON, period("edition", "2027-01-01", "2028-01-01"), True),
        (SEASON, period("edition", "2029-01-01", "2030-01-01"), False),
        (period("week", "2026-06-17", "2026-06-18"), DAY, True),
        (period("window", "2026-06-01", "2026-06-09"), period("window", "2026-06-08", "2026-06-16"), False),
        (period("window", "2026-06-01", "2026-06-09"), DAY, False),
    ],
)
def test_periods_agree_whichever_comes_first(one, other, agree):
    assert one.agrees_with(other) is agree
    assert other.agrees_with(one) is agree
