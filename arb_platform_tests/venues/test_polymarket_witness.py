"""Sampled REST books against Polymarket's live books: shapes after docs.polymarket.com (market channel, GET /book)."""

import json
from datetime import timedelta

from arb_platform.venues.polymarket import PolymarketFeed
from arb_platform.venues.polymarket_witness import AGAIN, ROUND, ROUNDS
from arb_platform_tests.venues.wire import CONDITION, NOW, NOW_MS, YES, events, polymarket, snapshots, top

TOPS = (("0.5", "10"), ("0.4", "5"), ("0.3", "5"))
DEEP = (*TOPS, ("0.1", "7"))


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def book(seconds, bids=DEEP, *, market=CONDITION, asset=YES):
    sides = {"bids": bids, "asks": (("0.6", "10"),)}
    levels = {side: [{"price": price, "size": size} for price, size in rows] for side, rows in sides.items()}
    stamp = str(NOW_MS + round(seconds * 1000))
    return {"market": market, "asset_id": asset, "timestamp": stamp, "hash": "", **levels}


def whole(seconds, bids=DEEP):
    return json.dumps({"event_type": "book", **book(seconds, bids)})


def change(seconds, price, size, *, best_bid="0.5", market=CONDITION, asset=YES):
    element = {
        "asset_id": asset,
        "price": price,
        "size": size,
        "side": "BUY",
        "best_bid": best_bid,
        "best_ask": "0.6",
    }
    stamp = str(NOW_MS + round(seconds * 1000))
    return json.dumps(
        {"market": market, "price_changes": [element], "timestamp": stamp, "event_type": "price_change"}
    )


class Stream:
    """A feed with one live book, and time that passes in ticks of a second."""

    def __init__(self, others=0):
        self.feed = PolymarketFeed([polymarket(), *(polymarket(number) for number in range(1, others + 1))])
        self.feed.connected("s1", NOW)
        self.outputs = []
        self.hear(0, whole(0))

    def hear(self, seconds, frame):
        self.outputs += self.feed.receive(frame, at(seconds))

    def ticks(self, first, last):
        """The books that were asked for, with the second."""
        asked = []
        for second in range(first, last + 1):
            self.outputs += self.feed.tick(at(second))
            asked += [(second, asset) for asset in self.feed.books_wanted()]
        return asked

    def answer(self, seconds, made, bids):
        self.outputs += self.feed.receive_book(book(made, bids), at(seconds))

    def sampled(self, first=1):
        """Let time pass until the book is asked for; the second at which it is."""
        for second in range(first, first + 100):
            if self.ticks(second, second):
                return second
        raise AssertionError("nobody asked for the book")

    @property
    def gaps(self):
        return events(self.outputs, "gap")


CHANGED = (*TOPS, ("0.1", "9"))


def test_every_book_is_asked_for_once_in_four_rounds_and_a_round_asks_for_a_quarter():
    stream = Stream(others=7)
    for number in range(1, 8):
        one = polymarket(number)
        frame = {"event_type": "book", **book(0, market=one.market_id, asset=one.asset_ids[0])}
        stream.hear(0, json.dumps(frame))
    asked = stream.ticks(1, 120)
    seconds = sorted({second for second, _ in asked})
    assert seconds == list(range(15, 121, int(ROUND.total_seconds())))
    rounds = [{asset for when, asset in asked if when == second} for second in seconds]
    assert all(len(one) == 2 for one in rounds)
    assert len(set.union(*rounds[:ROUNDS])) == 8
    assert rounds[:ROUNDS] == rounds[ROUNDS:]


def test_a_rest_book_that_agrees_says_nothing_and_nothing_is_asked_again():
    stream = Stream()
    second = stream.sampled()
    before = len(stream.outputs)
    stream.answer(second + 0.1, second, DEEP)
    assert stream.ticks(second + 1, second + 10) == []
    assert stream.outputs[before:] == []


def test_a_change_that_was_lost_below_the_top_is_a_gap_since_the_last_agreement_and_the_book_is_rebuilt():
    stream = Stream()
    second = stream.sampled()
    stream.answer(second + 0.1, second + 0.05, DEEP)
    # a change of 0.1 to 9 is lost at 20, and messages that say nothing of it go on
    stream.hear(21, change(21, "0.5", "11"))
    assert top(stream.feed.snapshot_of(CONDITION))[0][0] == ("0.5", "11")
    truth = (("0.5", "11"), *CHANGED[1:])
    first = stream.sampled(22)
    stream.answer(first + 0.1, first, truth)
    assert stream.gaps == []
    assert stream.ticks(first + 1, first + 4) == [(first + 4, YES)]
    stream.answer(first + 4.1, first + 4, truth)
    (gap,) = stream.gaps
    assert (gap.started_at, gap.ended_at, gap.market_id) == (at(second), at(first + 4.1), CONDITION)
    assert "bid 100000" in gap.detail
    assert stream.feed.snapshot_of(CONDITION) is None
    assert stream.feed.books_wanted() == [YES]
    stream.answer(first + 5, first + 4.5, truth)
    snapshot = stream.feed.snapshot_of(CONDITION)
    assert (snapshot.epoch, top(snapshot)[0]) == (2, [("0.5", "11"), ("0.4", "5"), ("0.3", "5")])
    assert [event.kind for event in events(stream.outputs)] == ["gap", "resync", "resync"]


def test_a_lost_size_of_the_best_level_is_found_although_its_price_is_right():
    stream = Stream()
    second = stream.sampled()
    truth = (("0.5", "99"), *DEEP[1:])
    stream.answer(second + 0.1, second, truth)
    again = stream.sampled(second + 1)
    stream.answer(again + 0.1, again, truth)
    (gap,) = stream.gaps
    assert gap.started_at == NOW


def test_a_change_that_the_rest_book_does_not_have_yet_is_no_contradiction():
    stream = Stream()
    second = stream.sampled()
    stream.hear(second, change(second, "0.1", "9"))
    stream.answer(second + 0.1, second - 0.5, DEEP)
    # and one of the very same millisecond may be in it or not
    stream.answer(second + 0.2, second, DEEP)
    assert stream.ticks(second + 1, second + 10) == []
    assert stream.gaps == []


def test_an_answer_that_agrees_in_between_clears_what_was_suspected():
    stream = Stream()
    second = stream.sampled()
    for bids in (CHANGED, DEEP, CHANGED):
        stream.answer(second + 0.1, second, bids)
        second = stream.sampled(second + 1)
    assert stream.gaps == []
    stream.answer(second + 0.1, second, CHANGED)
    assert len(stream.gaps) == 1


def test_a_change_that_the_rest_book_has_before_the_socket_is_no_contradiction():
    stream = Stream()
    second = stream.sampled()
    stream.answer(second + 0.1, second, CHANGED)
    stream.hear(second + 0.5, change(second - 0.1, "0.1", "9"))
    again = stream.sampled(second + 1)
    assert again - second <= AGAIN.total_seconds() + 1
    stream.answer(again + 0.1, again, CHANGED)
    assert stream.ticks(again + 1, again + 10) == []
    assert stream.gaps == []


def test_a_level_that_goes_on_changing_between_two_answers_is_no_contradiction():
    stream = Stream()
    second = stream.sampled()
    for round_number in range(5):
        size = str(20 + round_number)
        stream.answer(second + 0.1, second, (*TOPS, ("0.1", size)))
        stream.hear(second + 0.5, change(second - 0.1, "0.1", size))
        second = stream.sampled(second + 1)
    assert stream.gaps == []


def test_a_rest_book_from_before_the_sockets_whole_book_proves_nothing():
    stream = Stream()
    second = stream.sampled()
    stream.hear(second, whole(second, CHANGED))
    before = len(stream.outputs)
    stream.answer(second + 0.1, second - 1, DEEP)
    assert stream.ticks(second + 1, second + 10) == []
    assert stream.outputs[before:] == []


def test_a_socket_that_lags_behind_the_rest_books_has_lost_nothing():
    stream = Stream()
    second = stream.sampled()
    for _ in range(4):
        stream.answer(second + 0.1, second, CHANGED)
        # The socket is alive and ten seconds late.
        stream.hear(second + 0.5, change(second - 10, "0.5", str(second)))
        second = stream.sampled(second + 1)
    assert stream.gaps == []
    # It comes to the time of the first answer, and the change was not there.
    stream.hear(second, change(second - 0.5, "0.5", "500"))
    stream.answer(second + 0.1, second, (("0.5", "500"), *CHANGED[1:]))
    assert len(stream.gaps) == 1


def test_a_reconnect_forgets_what_was_suspected():
    stream = Stream()
    second = stream.sampled()
    stream.answer(second + 0.1, second, CHANGED)
    stream.feed.disconnected(at(second + 1), "lost")
    stream.feed.connected("s2", at(second + 2))
    stream.hear(second + 2.5, whole(second + 2.5, CHANGED))
    assert stream.ticks(second + 3, second + 12) == []
    stream.answer(second + 12, second + 11, CHANGED)
    assert stream.gaps == []
    assert len(snapshots(stream.outputs)) == 2
