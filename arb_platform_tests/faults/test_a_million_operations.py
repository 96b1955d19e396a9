"""A million random operations, faults among them, against dictionaries: the books alone, and as each venue's feed keeps them.

Every run draws a fresh seed, which a failure shows; put it in place of ``fresh_seed()`` to have the run again.
"""

from random import Random

import pytest

from arb_platform.domain.books import BID, OrderBook
from arb_platform.domain.units import ONE
from arb_platform_tests.faults.runs import fresh_seed
from arb_platform_tests.faults.worlds import CENT, Kalshi, Polymarket, best

BOOKS, ON_POLYMARKET, ON_KALSHI = 500_000, 250_000, 250_000
# The usual depth, whose code is written out, and one that shows every level.
DEPTHS = (3, 64)
BOOK_DEPTHS = (1, 3, 4, 64)


def test_it_is_a_million():
    assert BOOKS + ON_POLYMARKET + ON_KALSHI >= 1_000_000


@pytest.mark.parametrize("depth", BOOK_DEPTHS)
def test_books(depth):
    seed = fresh_seed()
    random = Random(seed)
    book, bids, asks = OrderBook(depth), {}, {}
    for number in range(BOOKS // len(BOOK_DEPTHS)):
        side, price = random.choice(("bid", "ask")), int(random.gauss(50, 8)) * CENT
        levels = bids if side == BID else asks
        draw = random.random()
        if draw < 0.6:
            size = random.choice((0, 0, 1, 2, 3)) * ONE
            book.set(side, price, size)
        elif draw < 0.9999:
            change = random.randint(-2, 3) * ONE
            size = levels.get(price, 0) + change
            assert book.add(side, price, change) == size, seed
        else:
            bids, asks = ({random.randrange(100) * CENT: ONE for _ in range(20)} for _ in "ba")
            book.replace(random.sample(list(bids.items()), len(bids)), asks.items())
            continue
        if size > 0:
            levels[price] = size
        else:
            levels.pop(price, None)
        if number % (64 if depth == 64 else 8) == 0:
            shown = book.bid_side.top, book.ask_side.top
            assert shown == best(bids, asks, depth), (seed, number)
            assert (book.best_bid, book.best_ask) == (max(bids, default=None), min(asks, default=None)), seed
    assert (book.bids(), book.asks()) == best(bids, asks, None), seed


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("venue", "operations"), [(Polymarket, ON_POLYMARKET), (Kalshi, ON_KALSHI)])
def test_feeds(venue, operations, depth):
    world = venue(fresh_seed(), depth)
    world.connect()
    while world.operations < operations / len(DEPTHS):
        world.steps(100)
    # not by vouching for nothing, and not by comparing nothing
    assert world.compared > operations / 40, world.seed
    assert world.feed.gaps > 5, world.seed
    assert world.feed.unreadable_frames > 5, world.seed


@pytest.mark.parametrize("venue", [Polymarket, Kalshi])
def test_a_book_that_is_another_would_be_found_out(venue):
    world = venue(fresh_seed(), 64)
    world.connect()
    bids, _ = world.books[0]
    for price in bids:
        bids[price] += 1
    with pytest.raises(AssertionError):
        world.steps(100)
