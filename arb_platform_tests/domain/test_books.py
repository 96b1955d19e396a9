"""The order book against an oracle that is a dictionary and `sorted`."""

import copy
import pickle
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.domain.books import ASK, BID, BookSnapshot, Ladder, Level, OrderBook
from arb_platform.domain.markets import Market

A_MARKET = Market(
    venue="kalshi", market_id="A", symbol="A", title="", rules="", close_time=None, resolution_source=""
)
prices = st.integers(min_value=0, max_value=30).map(lambda tick: tick * 10_000)
sizes = st.integers(min_value=0, max_value=3).map(lambda size: size * 1_000_000)
sides = st.sampled_from([BID, ASK])
sets = st.tuples(st.just("set"), sides, prices, sizes)
adds = st.tuples(st.just("add"), sides, prices, st.integers(min_value=-3, max_value=3))
looks = st.tuples(st.just("look"), sides, st.just(0), st.just(0))
operations = st.lists(st.one_of(sets, adds, looks), max_size=60)


def expected(levels: dict[int, int], side: str, depth: int | None = None) -> tuple[tuple[int, int], ...]:
    return tuple(sorted(levels.items(), reverse=side == BID))[:depth]


@given(operations, st.integers(min_value=1, max_value=5))
def test_any_operations_leave_the_book_of_the_oracle(steps, visible):
    book = OrderBook(visible)
    oracle: dict[str, dict[int, int]] = {BID: {}, ASK: {}}
    for kind, side, price, amount in steps:
        levels = oracle[side]
        if kind == "set":
            book.set(side, price, amount)
            left = amount
        elif kind == "add":
            left = levels.get(price, 0) + amount
            assert book.add(side, price, amount) == left
        else:
            ladder = book.bid_side if side == BID else book.ask_side
            assert ladder.top == expected(levels, side, visible)
            continue
        levels.pop(price, None)
        if left > 0:
            levels[price] = left
    assert book.bids() == expected(oracle[BID], BID)
    assert book.asks() == expected(oracle[ASK], ASK)
    assert book.bid_side.top == expected(oracle[BID], BID, visible)
    assert book.ask_side.top == expected(oracle[ASK], ASK, visible)
    assert book.best_bid == max(oracle[BID], default=None)
    assert book.best_ask == min(oracle[ASK], default=None)


@given(st.lists(st.tuples(prices, sizes), max_size=20), st.integers(min_value=0, max_value=25))
def test_levels_are_sorted_and_at_most_as_many_as_asked_whatever_the_order_on_the_wire(levels, depth):
    book = OrderBook()
    book.replace(levels, levels)
    bids, asks = book.bids(depth), book.asks(depth)
    assert len(bids) <= depth
    assert len(asks) <= depth
    assert list(bids) == sorted(bids, reverse=True)
    assert list(asks) == sorted(asks)
    assert all(size > 0 for _, size in bids + asks)
    # a price that is repeated means the last one
    assert dict(book.bids()) == {price: size for price, size in dict(levels).items() if size}


def test_the_top_stays_the_same_object_while_nothing_visible_changes():
    ladder = Ladder(BID, 3)
    ladder.replace([(price, 5) for price in (10, 20, 30, 40)])
    shown = ladder.top
    ladder.set(10, 7)
    ladder.set(40, 5)
    assert ladder.top is shown
    # the negative control: the third level is visible
    ladder.set(20, 6)
    assert ladder.top is not shown


def test_a_negative_result_is_told_and_removes_the_level():
    book = OrderBook()
    book.set(BID, 500_000, 10)
    assert book.add(BID, 500_000, -11) == -1
    assert book.bids() == ()
    assert book.add(ASK, 600_000, -1) == -1
    assert book.asks() == ()


def test_crossed_and_locked_books_are_crossed():
    book = OrderBook()
    book.set(BID, 540_000, 1)
    assert not book.crossed
    book.set(ASK, 550_000, 1)
    assert not book.crossed
    book.set(BID, 550_000, 1)
    assert book.crossed


def test_a_level_shows_decimals_and_its_mirror_is_exact():
    level = Level(70_000, 97_220_000)
    assert (level.price, level.size) == (Decimal("0.07"), Decimal("97.22"))
    assert level.mirrored() == Level(930_000, 97_220_000)


def test_a_ladder_without_a_visible_level_is_refused():
    with pytest.raises(ValueError, match="at least one level"):
        Ladder(BID, 0)


def test_a_snapshot_shows_levels_and_times_of_the_numbers_that_it_keeps():
    at = datetime(2026, 8, 14, 17, 27, 12, 337_001, tzinfo=UTC)
    made = BookSnapshot(A_MARKET, ((70_000, 5_000_000),), (), at, at, 3, epoch=2, session_id="s")
    assert (made.bids[0].price, made.bids[0].size, made.asks) == (Decimal("0.07"), Decimal(5), ())
    assert made.exchange_time == at
    assert pickle.loads(pickle.dumps(made)) == copy.copy(made) == made
    nothing_told = BookSnapshot(A_MARKET, (), (), None, at, 1)
    assert nothing_told.exchange_time is None
    assert nothing_told != made
