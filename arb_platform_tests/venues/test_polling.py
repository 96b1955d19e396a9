"""Polling adapters: the same stream over REST."""

import pytest

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.errors import CredentialsError, TransportError
from arb_platform.domain.streams import StreamSession
from arb_platform.venues.polled import PolledStream
from arb_platform_tests.venues.fake_venue import (
    STUB,
    Consumer,
    FastTime,
    NoJitter,
    StubBooks,
    StubFeed,
    StubLookup,
    run,
)


class StubPolled(PolledStream):
    venue = STUB

    def __init__(self, markets, books, timing, **options):
        super().__init__(
            tracked_markets=markets,
            new_feed=StubFeed,
            lookup=StubLookup(),
            books=books,
            clients=(),
            timing=timing,
            reconnect_delay=5.0,
            poll_seconds=2.0,
            **options,
        )


class Rounds(StubBooks):
    """REST books that change from round to round: ``script(number)`` sets them before each answer."""

    def __init__(self, script):
        super().__init__()
        self._script = script

    async def fetch(self, ids):
        self._script(self, len(self.asked) + 1)
        return await super().fetch(ids)


def book(bid):
    return {"market": "a", "bid": bid, "ask": "0.90"}


def test_a_snapshot_is_emitted_only_when_the_visible_levels_changed():
    def script(books, number):
        books.books["a"] = book("0.40" if number < 5 else "0.41" if number < 9 else "0.42")

    async def scenario():
        books = Rounds(script)
        consumer = Consumer(StubPolled(["a"], books, FastTime(500).timing()))
        await consumer.until(lambda: len(consumer.of(BookSnapshot)) >= 3)
        assert consumer.adapter.connected
        assert consumer.adapter.assets_with_book == consumer.adapter.assets_subscribed == 1
        await consumer.close()
        assert [str(s.bids[0].price) for s in consumer.of(BookSnapshot)] == [
            "0.400000",
            "0.410000",
            "0.420000",
        ]
        started, ended = consumer.of(StreamSession)
        assert started.ended_at is None
        assert (ended.reason, ended.snapshots) == ("closed by us", 3)
        assert ended.frames >= 9

    run(scenario())


def test_a_failure_is_a_gap_with_an_end_and_a_new_epoch_and_never_an_empty_book():
    def script(books, number):
        books.failure = TransportError("no route") if 3 <= number <= 5 else None
        books.books["a"] = book("0.40")

    async def scenario():
        time = FastTime(500)
        books = Rounds(script)
        consumer = Consumer(StubPolled(["a"], books, time.timing(NoJitter())))
        await consumer.until(lambda: len(consumer.of(BookSnapshot)) >= 2)
        await consumer.close()
        before, after = consumer.of(BookSnapshot)
        assert before.bids == after.bids
        assert after.epoch > before.epoch
        assert all(s.bids and s.asks for s in consumer.of(BookSnapshot))
        whole = [gap for gap in consumer.events("gap") if gap.market_id is None]
        assert [gap.ended_at is None for gap in whole] == [True, False]
        assert "no route" in whole[0].detail
        assert consumer.adapter.reconnections == 1
        # five seconds, ten, twenty: minus the time that asking took
        assert [round(s) for s in time.slept if s > 4][:3] == [5, 10, 20]

    run(scenario())


def test_a_market_without_a_book_is_a_gap_of_that_market_until_it_has_one():
    def script(books, number):
        books.books = {"a": book("0.40")} if number != 3 else {}
        books.books["b"] = {"market": "b", "bid": "0.1", "ask": "0.2"}

    async def scenario():
        consumer = Consumer(StubPolled(["a", "b"], Rounds(script), FastTime(500).timing()))
        await consumer.until(lambda: bool([g for g in consumer.events("gap") if g.ended_at]))
        await consumer.close()
        opened, ended = [g for g in consumer.events("gap") if g.market_id == "a"][:2]
        assert opened.event_id == ended.event_id
        assert "without a book" in opened.detail

    run(scenario())


def test_markets_are_followed_and_dropped_while_polling():
    async def scenario():
        books = StubBooks()
        books.books = {m: {"market": m, "bid": "0.1", "ask": "0.2"} for m in "ab"}
        adapter = StubPolled(["a"], books, FastTime(500).timing())
        consumer = Consumer(adapter)
        await consumer.until(lambda: len(consumer.of(BookSnapshot)) == 1)
        await adapter.follow(["a", "b"])
        await consumer.until(lambda: len(consumer.of(BookSnapshot)) == 2)
        await adapter.unfollow(["a"])
        assert [m.market_id for m in adapter.markets] == ["b"]
        await consumer.until(lambda: [e.market_id for e in consumer.events("resync")] == ["a"])
        await consumer.close()

    run(scenario())


def test_a_refusal_ends_the_stream_with_its_sentence():
    async def scenario():
        books = StubBooks()
        books.failure = CredentialsError("not open to us")
        consumer = Consumer(StubPolled(["a"], books, FastTime(500).timing()))
        with pytest.raises(CredentialsError, match="not open"):
            await consumer.end()

    run(scenario())


def test_a_fault_of_ours_ends_the_stream():
    async def scenario():
        books = StubBooks()
        books.failure = KeyError("a fault of ours")
        consumer = Consumer(StubPolled(["a"], books, FastTime(500).timing()))
        with pytest.raises(KeyError):
            await consumer.end()

    run(scenario())


def test_no_gap_stays_open_after_close():
    async def scenario():
        consumer = Consumer(StubPolled(["a"], StubBooks(), FastTime(500).timing()))
        await consumer.until(lambda: bool(consumer.events("gap")))
        await consumer.close()
        down = StubBooks()
        down.failure = TransportError("no route")
        other = Consumer(StubPolled(["a"], down, FastTime(500).timing()))
        await other.until(lambda: bool(other.events("gap")))
        await other.close()
        for gaps in (consumer.events("gap"), other.events("gap")):
            assert gaps[0].event_id == gaps[-1].event_id
            assert gaps[-1].ended_at is not None

    run(scenario())
