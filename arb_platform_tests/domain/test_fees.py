"""Hand-computed vectors and bounds of both venues' fees.

Sources: Kalshi's fee_rounding page (100 @ 0.50 -> 1.75; 10 @ 0.50 -> 0.175, charged 0.18; 1 @ 0.50 ->
0.0175, charged 0.02) and Polymarket's trading/fees page (C x rate x p x (1-p), five decimals); every other
number is worked out in the comment beside it.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.domain.fees import (
    KALSHI_FILL_STEP,
    FeeSchedule,
    Fill,
    fill_fee,
    order_fee,
    polymarket_category_rate,
    schedule_of,
    schedules_between,
    terms_of,
)
from arb_platform.domain.markets import Market

AT = datetime(2026, 11, 20, tzinfo=UTC)
D = Decimal

POLYMARKET = Market(
    "polymarket", "0xabc", "fed-cut", "Will the Fed cut?", "", None, "", category="Economics",
    fee_type="economics_fees", fee_rate=D("0.05"), fee_exponent=D(1),
)  # fmt: skip
KALSHI = Market(
    "kalshi",
    "KXFED-26DEC-T4",
    "KXFED-26DEC-T4",
    "Fed cut?",
    "",
    None,
    "",
    fee_type="quadratic",
    fee_multiplier=D(1),
)


def taker(schedule: FeeSchedule, price: str, size: str) -> Decimal | None:
    return order_fee(schedule, [Fill(D(price), D(size))])


@pytest.mark.parametrize(
    ("size", "price", "fill", "order"),
    [
        ("100", "0.50", "1.7500", "1.75"),
        ("10", "0.50", "0.1750", "0.18"),
        ("1", "0.50", "0.0175", "0.02"),
        # 0.07 x 1 x 0.01 x 0.99 = 0.000693, up to 0.0007, up to a cent
        ("1", "0.01", "0.0007", "0.01"),
        # 0.07 x 33.33 x 0.37 x 0.63 = 0.54383561, up to 0.5439, up to 0.55
        ("33.33", "0.37", "0.5439", "0.55"),
        # 0.07 x 100 x 0.055 x 0.945 = 0.363825: a sub-cent price
        ("100", "0.055", "0.3639", "0.37"),
        ("100", "0", "0.0000", "0.00"),
        ("100", "1", "0.0000", "0.00"),
    ],
)
def test_kalshi_taker_fee_rounds_up_per_fill_and_then_per_order(size, price, fill, order):
    schedule = schedule_of(KALSHI, AT)
    assert fill_fee(schedule, Fill(D(price), D(size))) == D(fill)
    assert taker(schedule, price, size) == D(order)
    assert order_fee(schedule, [Fill(D(price), D(size))], cent_rounding=False) == D(fill)


def test_kalshi_rounds_an_order_once_and_not_each_fill_to_the_cent():
    # ten fills of 1 @ 0.50: 10 x 0.0175 = 0.175 -> 0.18; cents of each fill would come to 0.20
    fills = [Fill(D("0.50"), D(1))] * 10
    assert order_fee(schedule_of(KALSHI, AT), fills) == D("0.18")


def test_kalshi_multiplier_scales_the_rate_and_not_the_rounded_fee():
    # S&P series: 0.035 x 1 x 0.25 = 0.00875, up to 0.0088
    half = schedule_of(replace(KALSHI, fee_multiplier=D("0.5")), AT)
    assert fill_fee(half, Fill(D("0.50"), D(1))) == D("0.0088")


def test_kalshi_maker_pays_only_where_the_series_says_so():
    fill = Fill(D("0.50"), D(100))
    assert fill_fee(schedule_of(KALSHI, AT), fill, role="maker") == 0
    with_maker = schedule_of(replace(KALSHI, fee_type="quadratic_with_maker_fees"), AT)
    assert fill_fee(with_maker, fill, role="maker") == D("0.4375")  # 0.0175 x 100 x 0.25
    assert fill_fee(with_maker, fill) == D("1.75")


@pytest.mark.parametrize(
    "market",
    [
        replace(KALSHI, fee_type="flat"),
        replace(KALSHI, fee_type=None),
        replace(KALSHI, fee_multiplier=None),
        replace(KALSHI, fee_type="a type of next year"),
        replace(POLYMARKET, fee_rate=None, fee_exponent=None, category=None),
        replace(POLYMARKET, fee_rate=None, fee_exponent=None, category="a category of next year"),
        replace(POLYMARKET, venue="a third venue"),
    ],
)
def test_an_unknown_fee_is_none_with_a_reason_and_never_zero(market):
    schedule = schedule_of(market, AT)
    assert not schedule.known
    assert schedule.why_unknown
    assert schedule.basis == "none"
    assert taker(schedule, "0.50", "100") is None
    assert fill_fee(schedule, Fill(D("0.5"), D(1)), role="maker") is None


def test_a_partly_unknown_order_is_unknown_and_an_empty_one_is_free():
    assert order_fee(FeeSchedule("kalshi", None), []) == 0
    assert order_fee(schedule_of(KALSHI, AT), []) == 0


@pytest.mark.parametrize(
    ("rate", "exponent", "size", "price", "fee"),
    [
        # 100 x 0.05 x 0.25
        ("0.05", "1", "100", "0.5", "1.25"),
        # 7 x 0.04 x 0.33 x 0.67 = 0.0619080 -> 0.06190
        ("0.04", "1", "7", "0.33", "0.06190"),
        # 0.01 x 0.04 x 0.001 x 0.999 = 0.0000003996 -> below 0.00001
        ("0.04", "1", "0.01", "0.001", "0"),
        # 100 x 0.25 x (0.25)^2 = 1.5625
        ("0.25", "2", "100", "0.5", "1.5625"),
        # 100 x 0.07 x (0.25)^0.5 = 3.5
        ("0.07", "0.5", "100", "0.5", "3.5"),
        ("0.07", "1", "100", "0", "0"),
        ("0.07", "0", "100", "1", "0"),
    ],
)
def test_polymarket_taker_fee_is_cut_at_five_decimals(rate, exponent, size, price, fee):
    schedule = schedule_of(replace(POLYMARKET, fee_rate=D(rate), fee_exponent=D(exponent)), AT)
    assert schedule.basis == "market"
    assert taker(schedule, price, size) == D(fee)


def test_polymarket_makers_pay_nothing():
    assert fill_fee(schedule_of(POLYMARKET, AT), Fill(D("0.5"), D(100)), role="maker") == 0


def test_polymarket_without_fees_is_known_to_be_free():
    free = schedule_of(replace(POLYMARKET, fee_rate=D(0), fee_exponent=None), AT)
    assert free.basis == "market"
    assert taker(free, "0.5", "100") == 0


def test_a_polymarket_market_without_a_schedule_falls_back_to_its_category_and_says_so():
    bare = replace(POLYMARKET, fee_rate=None, fee_exponent=None)
    schedule = schedule_of(bare, AT)
    assert (schedule.rate, schedule.basis) == (D("0.05"), "category_table")
    assert not schedule_of(bare, AT, category_fallback=False).known
    # a rate whose exponent was not told is not a schedule
    assert schedule_of(replace(POLYMARKET, fee_exponent=None), AT).basis == "category_table"


def test_the_category_table_is_dated():
    assert polymarket_category_rate("Crypto", date(2026, 4, 30)) == D("0.072")
    assert polymarket_category_rate("crypto", date(2026, 5, 1)) == D("0.07")
    assert polymarket_category_rate("crypto", date(2025, 12, 31)) is None
    assert polymarket_category_rate("geopolitics", date(2026, 6, 1)) == 0
    assert polymarket_category_rate(None, date(2026, 6, 1)) is None


prices = st.decimals("0", "1", places=4)
sizes = st.decimals("0", "100000", places=2)
schedules = st.sampled_from([
    schedule_of(KALSHI, AT), schedule_of(POLYMARKET, AT), schedule_of(replace(KALSHI, fee_multiplier=D("0.5")), AT),
    schedule_of(replace(POLYMARKET, fee_rate=D("0.25"), fee_exponent=D(2)), AT),
])  # fmt: skip


@given(schedules, prices, sizes)
def test_a_fee_is_between_nothing_and_a_quarter_of_the_rate_and_one_step(schedule, price, size):
    fee = fill_fee(schedule, Fill(price, size))
    assert 0 <= fee <= schedule.rate * size / 4 + KALSHI_FILL_STEP
    exact = schedule.rate * size * (price * (1 - price)) ** schedule.exponent
    assert abs(fee - exact) < (KALSHI_FILL_STEP if schedule.venue == "kalshi" else D("0.00001"))
    assert (fee >= exact) if schedule.venue == "kalshi" else (fee <= exact)


@given(schedules, prices, sizes, sizes)
def test_more_contracts_never_cost_a_smaller_fee(schedule, price, one, other):
    small, large = sorted((one, other))
    assert fill_fee(schedule, Fill(price, small)) <= fill_fee(schedule, Fill(price, large))


@given(schedules, prices, sizes)
def test_a_price_and_its_complement_cost_the_same_fee(schedule, price, size):
    assert fill_fee(schedule, Fill(price, size)) == fill_fee(schedule, Fill(1 - price, size))


@given(schedules, prices, prices, sizes)
def test_a_fee_grows_towards_the_middle(schedule, one, other, size):
    nearer, farther = sorted((one, other), key=lambda price: abs(price - D("0.5")))
    assert fill_fee(schedule, Fill(nearer, size)) >= fill_fee(schedule, Fill(farther, size))


@given(st.lists(st.tuples(prices, sizes), max_size=5))
def test_an_order_costs_its_fills_and_less_than_a_cent_more(levels):
    fills = [Fill(price, size) for price, size in levels]
    schedule = schedule_of(KALSHI, AT)
    total = sum((fill_fee(schedule, fill) for fill in fills), D(0))
    assert 0 <= order_fee(schedule, fills) - total < D("0.01")


@pytest.mark.parametrize(("price", "size"), [("1.01", "1"), ("-0.01", "1"), ("0.5", "-1")])
def test_an_impossible_fill_is_refused(price, size):
    with pytest.raises(ValueError, match="not a fill"):
        Fill(D(price), D(size))


def test_versions_hold_from_their_moment_and_the_first_one_also_before():
    noon = AT + timedelta(hours=12)
    versions = [terms_of(KALSHI, AT), replace(terms_of(KALSHI), fee_multiplier=D("0.5"), valid_from=noon)]
    found = schedules_between(versions, AT - timedelta(days=1), AT + timedelta(days=1))
    assert [(since, schedule.rate) for since, schedule in found] == [
        (AT - timedelta(days=1), D("0.07")), (noon, D("0.035")),
    ]  # fmt: skip
    assert found[1][1].valid_from == noon
    late = schedules_between(versions, noon + timedelta(hours=1), AT + timedelta(days=1))
    assert [schedule.rate for _, schedule in late] == [D("0.035")]


def test_a_fee_that_stops_being_told_is_unknown_from_then_on():
    versions = [
        terms_of(KALSHI, AT),
        replace(terms_of(KALSHI), fee_type=None, valid_from=AT + timedelta(hours=1)),
    ]
    found = schedules_between(versions, AT, AT + timedelta(days=1))
    assert [schedule.known for _, schedule in found] == [True, False]


def test_the_dated_table_changes_at_midnight_within_a_long_period():
    bare = replace(terms_of(POLYMARKET), fee_rate=None, fee_exponent=None, category="Crypto")
    start = datetime(2026, 4, 29, 12, tzinfo=UTC)
    found = schedules_between([bare], start, start + timedelta(days=5))
    assert [(since, schedule.rate) for since, schedule in found] == [
        (start, D("0.072")), (datetime(2026, 5, 1, tzinfo=UTC), D("0.07")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "market",
    [
        replace(KALSHI, fee_multiplier=D(-1)),
        replace(POLYMARKET, fee_rate=D("-0.01")),
        replace(POLYMARKET, fee_exponent=D(-1)),
    ],
)
def test_a_negative_rate_is_nobodys_fee(market):
    assert not schedule_of(market, AT).known


def test_an_exponent_of_zero_is_a_flat_rate_and_not_the_usual_curve():
    flat = schedule_of(replace(POLYMARKET, fee_rate=D("0.02"), fee_exponent=D(0)), AT)
    assert taker(flat, "0.5", "10") == D("0.2")
