"""The order book against an oracle that is a dictionary and `sorted`."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.domain.books import ASK, BID, Ladder, Level, OrderBook

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
            # Looking in between must not disturb what is shown later.
            (book.bid_side if side == BID else book.ask_side).top()
            continue
        levels.pop(price, None)
        if left > 0:
            levels[price] = left
    assert book.bids() == expected(oracle[BID], BID)
    assert book.asks() == expected(oracle[ASK], ASK)
    assert book.bid_side.top() == expected(oracle[BID], BID, visible)
    assert book.ask_side.top() == expected(oracle[ASK], ASK, visible)
    assert book.best_bid == max(oracle[BID], default=None)
    assert book.best_ask == min(oracle[ASK], default=None)


@pytest.mark.parametrize("side", [BID, ASK])
@pytest.mark.parametrize("visible", [1, 3, 4])
def test_the_visible_levels_follow_tens_of_thousands_of_changes(side, visible):
    random = Random(20261124)
    ladder = Ladder(side, visible)
    oracle: dict[int, int] = {}
    for _ in range(30_000):
        price = int(random.gauss(500, 30)) * 1_000
        size = random.choice([0, 0, 1, 2, 3])
        ladder.set(price, size)
        oracle.pop(price, None)
        if size:
            oracle[price] = size
        if random.random() < 0.5:
            assert ladder.top() == expected(oracle, side, visible)


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
    shown = ladder.top()
    ladder.set(10, 7)
    ladder.set(40, 5)
    assert ladder.top() is shown
    # the negative control: the third level is visible
    ladder.set(20, 6)
    assert ladder.top() is not shown


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
