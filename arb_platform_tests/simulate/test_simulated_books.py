from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from arb_platform.simulate.books import ONE, Books, SimulatedBook
from arb_platform.simulate.walks import FairPrice, WalkMap, Wander
from arb_platform_tests.simulate.handmade import handmade

START = 1_795_500_000.0


def _book(tick: int, base: float, seed: int = 1) -> SimulatedBook:
    fair = FairPrice(base=base, shared=Wander(f"{seed}/a"), own=Wander(f"{seed}/b"))
    book = SimulatedBook(tick=tick, fair=fair)
    book.fill(Random(seed), START)
    return book


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    tick=st.sampled_from([100, 1_000, 10_000]),
    base=st.floats(0.01, 0.99),
    pace=st.floats(0.001, 5.0),
)
def test_a_simulated_book_stays_on_its_grid_and_never_crosses(seed, tick, base, pace):
    book, rng, seconds = _book(tick, base, seed), Random(seed), START
    for _ in range(120):
        seconds += pace
        change = book.step(rng, seconds)
        assert change.size != change.before
        assert change.size >= 0
        bids, asks = book.levels()
        assert all(0 < level.price_units < ONE and level.price_units % tick == 0 for level in (*bids, *asks))
        assert all(level.size_units > 0 and level.size_units % 10_000 == 0 for level in (*bids, *asks))
        assert not bids or not asks or bids[0].price_units < asks[0].price_units


def test_changes_add_up_to_the_book():
    book, rng = _book(10_000, 0.4), Random(3)
    bids, asks = dict(book.bids), dict(book.asks)
    for step in range(2_000):
        change = book.step(rng, START + step * 0.3)
        ladder = bids if change.side == "bid" else asks
        assert ladder.get(change.price, 0) == change.before
        ladder[change.price] = change.before + change.delta
        if not ladder[change.price]:
            del ladder[change.price]
    assert (bids, asks) == (book.bids, book.asks)


def test_the_quotes_follow_the_fair_price():
    book, rng, off = _book(10_000, 0.5), Random(5), []
    assert book.fair is not None
    for step in range(3_000):
        seconds = START + step * 0.2
        book.step(rng, seconds)
        if book.best_bid and book.best_ask:
            off.append(abs((book.best_bid + book.best_ask) / 2 / ONE - book.fair.at(seconds)))
    assert sum(off) / len(off) < 0.02


def test_a_change_says_whether_it_touches_the_top():
    book = SimulatedBook(tick=10_000)
    book.replace([(400_000, ONE), (390_000, ONE)], [(420_000, ONE)])
    assert book.set("bid", 390_000, 5).top is False
    assert book.set("bid", 410_000, 5).top is True
    assert book.set("bid", 410_000, 0).top is True
    assert book.set("ask", 420_000, 7).top is True


def test_two_processes_with_one_seed_see_the_same_walk_and_another_seed_does_not():
    moments = [START + step * 7.3 for step in range(50)]
    first, second, other = Wander("7/x"), Wander("7/x"), Wander("8/x")
    assert [first.at(m) for m in moments] == [second.at(m) for m in reversed(moments)][::-1]
    assert [first.at(m) for m in moments] != [other.at(m) for m in moments]


def _correlation(one: list[float], other: list[float]) -> float:
    mean_one, mean_other = sum(one) / len(one), sum(other) / len(other)
    top = sum((a - mean_one) * (b - mean_other) for a, b in zip(one, other, strict=True))
    spread = sum((a - mean_one) ** 2 for a in one) * sum((b - mean_other) ** 2 for b in other)
    return top / spread**0.5


def test_pairs_move_together_complements_apart_and_strangers_as_they_like():
    catalogue = handmade()
    walks = WalkMap(catalogue, seed=7)
    moments = [START + step * 5.0 for step in range(400)]
    found = []
    for polymarket, kalshi in zip(catalogue.polymarket, catalogue.kalshi, strict=True):
        one, other = walks.polymarket(polymarket), walks.kalshi(kalshi)
        found.append(_correlation([one.at(m) for m in moments], [other.at(m) for m in moments]))
    assert min(found[:3]) > 0.8
    assert found[3] < -0.8
    assert abs(found[4]) < 0.5


def test_books_are_made_when_asked_for_and_unknown_ids_are_a_key_error():
    catalogue = handmade()
    walks = WalkMap(catalogue, seed=7)
    books = Books(catalogue.kalshi, fair_price=walks.kalshi, seed=7, seconds=lambda: START)
    ticker = catalogue.kalshi[0].market_id
    assert ticker in books
    assert books.known(ticker) is None
    bids, asks = books.book_of(ticker)
    assert len(bids) > 5
    assert len(asks) > 5
    assert list(bids) == sorted(bids, reverse=True)
    assert "NOBODY" not in books
