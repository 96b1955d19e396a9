"""A renewed stream: two processes' worth of adapters on real sockets, one record without a gap and without a double."""

import asyncio
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.streams import StreamSession
from arb_platform.ingest import succession
from arb_platform.ingest.handover import (
    Continuation,
    Farewell,
    HandoverFailed,
    LastBook,
    Successor,
    last_books,
    waiting_successor,
)
from arb_platform.ingest.lease import Lease, LeaseLost, ShardBusy, held, holder_of
from arb_platform.ingest.session import record
from arb_platform.simulate.kalshi import KalshiSimulator
from arb_platform.simulate.kalshi_keys import generate_key_pair
from arb_platform.simulate.polymarket import PolymarketSimulator
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.venues.adapters import KalshiWebsocketAdapter, PolymarketWebsocketAdapter
from arb_platform_tests.faults.runs import CONDITIONS, TICKERS, until
from arb_platform_tests.ingest.test_session import ScriptedAdapter
from arb_platform_tests.simulate.handmade import handmade
from arb_platform_tests.storage.samples import NOON, market, snapshot

RATE = 400.0
LIMIT = 60


class Venue:
    """A simulator of one venue, and adapters that stream it."""

    def __init__(self, name):
        self.name = name
        private, public = generate_key_pair()
        self._private = private
        if name == "kalshi":
            self.simulator = KalshiSimulator(handmade(), seed=11, rate=RATE, public_keys={"k": public})
        else:
            self.simulator = PolymarketSimulator(handmade(), seed=11, rate=RATE)

    def adapter(self):
        common = {"reconnect_delay": 0.05, "rng": Random()}  # which names the sessions
        if self.name == "kalshi":
            return KalshiWebsocketAdapter(
                "k", tracked_markets=TICKERS, private_key=self._private, ws_url=self.simulator.ws_url,
                rest_url=self.simulator.rest_url, **common,
            )  # fmt: skip
        return PolymarketWebsocketAdapter(
            None, CONDITIONS, ws_url=self.simulator.ws_url, gamma_url=self.simulator.gamma_url,
            clob_url=self.simulator.clob_url, **common,
        )  # fmt: skip


class Onlooker:
    """Streams beside the recorded runs from before the first until after the last: what really happened."""

    def __init__(self, adapter):
        self.adapter = adapter
        self.seen = {}
        self.task = asyncio.create_task(self._look())

    async def _look(self):
        async for book in self.adapter.stream_orderbooks():
            self.seen.setdefault(book.market.market_id, []).append(
                (book.exchange_us, book.bid_pairs, book.ask_pairs)
            )

    async def end(self):
        await self.adapter.close()
        await self.task


def whole(adapter):
    return adapter.connected and 0 < adapter.assets_with_book == adapter.assets_subscribed


def recorded(location, name):
    """Rows of one venue as (exchange microseconds, bids, asks) by market, in the order of their arrival."""
    levels = ", ".join(f"{side}{level}_{part}" for side in ("bid", "ask") for level in (1, 2, 3) for part in ("px", "sz"))  # fmt: skip
    with Lake.open(location, read_only=True) as lake:
        rows = lake.query(
            f"SELECT market_id, epoch_us(exchange_time), {levels} FROM book_snapshots WHERE venue = ? ORDER BY received_at",
            [name],
        ).rows()
        trusted = lake.query("SELECT count(*) FROM books_trusted").item()
        events = lake.query("SELECT kind, detail FROM stream_events").rows()
        sessions = lake.query(
            "SELECT session_id, reason, reconnect_of, frames FROM stream_sessions ORDER BY connected_at"
        ).rows()
    books = {}
    for market_id, at, *numbers in rows:
        units = [None if one is None else int(one * 1_000_000) for one in numbers]
        pairs = [(units[n], units[n + 1]) for n in range(0, 12, 2)]
        sides = [tuple(pair for pair in pairs[at:end] if pair[0] is not None) for at, end in ((0, 3), (3, 6))]
        books.setdefault(market_id, []).append((at, *sides))
    return books, len(rows), trusted, events, sessions


async def hand_over_while_it_streams(name, location):
    """Two runs, one after the other without a gap; what an onlooker saw, and the sizes of what was dropped."""
    venue = Venue(name)
    await venue.simulator.start()
    try:
        onlooker = Onlooker(venue.adapter())
        await until(lambda: whole(onlooker.adapter), "the onlooker has every book")
        first, second, stop = venue.adapter(), venue.adapter(), asyncio.Event()
        old = asyncio.create_task(record(first, location, stop=asyncio.Event(), run_id="old"))
        await until(lambda: whole(first) and first.snapshots > 40, "the first run streams")
        (going_on,) = first.sessions_so_far
        assert (going_on.frames > 5, going_on.ended_at) == (True, None)
        generation = holder_of(location.root, name).generation
        new = asyncio.create_task(record(second, location, stop=stop, run_id="new", renew=True))
        one = await asyncio.wait_for(old, LIMIT)
        await until(lambda: held(location.root, name), "the second run holds the lease")
        assert holder_of(location.root, name).owner == "new"
        assert holder_of(location.root, name).generation == generation + 1
        before = second.snapshots
        await until(lambda: second.snapshots > before + 40, "the second run streams on")
        stop.set()
        two = await asyncio.wait_for(new, LIMIT)
        await onlooker.end()
        return onlooker.seen, one, two, second.snapshots
    finally:
        await venue.simulator.stop()


@pytest.mark.parametrize("name", ["polymarket", "kalshi"])
def test_a_renewal_records_every_change_once_and_opens_no_gap(tmp_path, name):
    location = LakeLocation.local(tmp_path)
    seen, one, two, came = asyncio.run(hand_over_while_it_streams(name, location))
    books, rows, trusted, events, sessions = recorded(location, name)
    assert events == []
    assert rows == trusted == one.snapshots + two.snapshots
    assert two.snapshots < came  # the overlap was there and was taken out
    assert len(books) == 5
    for market_id, changes in books.items():
        truth = seen[market_id]
        # the first one answers the subscription; from there on nothing is missing and nothing comes twice
        at = truth.index(changes[1])
        assert changes[1:] == truth[at : at + len(changes) - 1], market_id
    (old_id, why, _, _), (_, _, continues, _) = sessions
    assert why == "handed over to run new"
    assert continues == old_id


def test_a_renewal_where_nobody_streams_just_streams(tmp_path):
    location = LakeLocation.local(tmp_path)

    async def work():
        adapter = ScriptedAdapter([snapshot(1)], [snapshot(2)])
        stop = asyncio.Event()
        recording = asyncio.create_task(record(adapter, location, stop=stop, renew=True))
        await adapter.said.wait()
        stop.set()
        return await recording

    assert asyncio.run(asyncio.wait_for(work(), LIMIT)).promoted_rows == 2


def test_a_predecessor_that_does_not_let_go_keeps_the_shard_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(succession, "LET_GO_SECONDS", 0.2)
    location = LakeLocation.local(tmp_path)

    async def work():
        await record(ready(ScriptedAdapter([snapshot(1)])), location, stop=asyncio.Event(), renew=True)

    with Lease(tmp_path, "kalshi", owner="old code"):
        with pytest.raises(HandoverFailed, match="did not let go"):
            asyncio.run(asyncio.wait_for(work(), LIMIT))
        assert holder_of(tmp_path, "kalshi").owner == "old code"
    assert not location.spool.exists()
    assert waiting_successor(tmp_path, "kalshi", 0) is None


def ready(adapter):
    adapter.assets_with_book = adapter.assets_subscribed
    return adapter


def test_a_successor_that_is_stopped_while_it_waits_leaves_the_other_alone(tmp_path):
    async def work():
        stop = asyncio.Event()
        adapter = ready(ScriptedAdapter([snapshot(1)]))
        recording = asyncio.create_task(
            record(adapter, LakeLocation.local(tmp_path), stop=stop, run_id="next", renew=True)
        )
        await until(lambda: waiting_successor(tmp_path, "kalshi", 0) == "next", "it is ready")
        stop.set()
        return await recording

    with Lease(tmp_path, "kalshi", owner="old"):
        assert asyncio.run(asyncio.wait_for(work(), LIMIT)).snapshots == 0
        assert holder_of(tmp_path, "kalshi").owner == "old"


def test_there_is_one_successor_at_a_time_and_a_dead_one_is_none(tmp_path):
    with Successor(tmp_path, "kalshi", 0, owner="a") as first:
        assert waiting_successor(tmp_path, "kalshi", 0) is None
        with pytest.raises(HandoverFailed, match="a is taking over already"):
            Successor(tmp_path, "kalshi", 0, owner="b").__enter__()
        first.ready()
        assert waiting_successor(tmp_path, "kalshi", 0) == "a"
    (tmp_path / "streams" / "kalshi-0.ready").write_text(json.dumps({"owner": "killed"}))
    assert waiting_successor(tmp_path, "kalshi", 0) is None


def book(sequence, bid, *, at_us=None, seconds=0, market_id="KX-1"):
    told = None if at_us is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
    sides = snapshot(bid=bid)
    return BookSnapshot(
        market(market_id), sides.bid_pairs, sides.ask_pairs, told, NOON + timedelta(seconds=seconds), sequence
    )


def farewell(*books):
    return Farewell("new", 4, NOON + timedelta(seconds=10), last_books(books))


def sizes(outputs):
    return [one.bid_pairs[0][0] for one in outputs]


@pytest.mark.parametrize(
    ("last", "held", "kept"),
    [
        # it saw what the predecessor saw, and one change more
        (book(9, 400, at_us=3000, seconds=3), [book(1, 100, at_us=1000), book(2, 400, at_us=3000, seconds=3), book(3, 500, at_us=4000, seconds=4)], [500]),
        # it is behind: everything it has is recorded already
        (book(9, 400, at_us=3000, seconds=3), [book(1, 100, at_us=1000), book(2, 300, at_us=2000, seconds=2)], []),
        # its first book carries no time, or another one
        (book(9, 400, at_us=3000, seconds=3), [book(1, 400, seconds=4), book(2, 500, at_us=4000, seconds=5)], [500]),
        (book(9, 400, at_us=3000, seconds=3), [book(1, 400, at_us=2999, seconds=4), book(2, 500, at_us=4000, seconds=5)], [500]),
        # the predecessor never saw the last changes
        (book(9, 400, at_us=3000, seconds=3), [book(1, 700, at_us=5000, seconds=5), book(2, 400, at_us=6000, seconds=6)], [700, 400]),
        # the book came back to what it was
        (book(9, 400, at_us=3000, seconds=3), [book(1, 400, at_us=1000), book(2, 300, at_us=2000), book(3, 400, at_us=3000, seconds=3), book(4, 900, at_us=3500, seconds=4)], [900]),
        # polled books have no time at all: ours is what is left
        (book(9, 400, seconds=3), [book(1, 100, seconds=1), book(2, 400, seconds=4), book(3, 500, seconds=6)], [500]),
        (book(9, 400, seconds=3), [book(1, 100, seconds=1), book(2, 300, seconds=2)], []),
    ],
)  # fmt: skip
def test_what_the_predecessor_recorded_is_taken_out_and_nothing_else(last, held, kept):
    assert sizes(Continuation(farewell(last)).kept(held)) == kept


def test_a_successor_that_is_behind_goes_on_from_where_the_other_ended():
    continuation = Continuation(farewell(book(9, 400, at_us=3000, seconds=3)))
    assert continuation.kept([book(1, 100, at_us=1000)]) == []
    assert not continuation.done
    coming = [book(2, 300, at_us=2000, seconds=4), book(3, 400, at_us=3000, seconds=4), book(4, 500, at_us=4000, seconds=5)]  # fmt: skip
    assert sizes(continuation.later(coming)) == [500]
    assert continuation.done
    assert continuation.dropped == 3


def test_markets_the_predecessor_did_not_have_and_words_that_are_no_books_go_through():
    session = StreamSession("s-2", "kalshi", 0, NOON)
    held = [session, book(1, 100, at_us=1000, market_id="OTHER")]
    assert Continuation(farewell(book(9, 400, at_us=3000))).kept(held) == held


def test_a_farewell_is_taken_once_and_only_by_the_next_generation(tmp_path):
    (tmp_path / "streams").mkdir()
    said = farewell(book(9, 400, at_us=3000))
    said.sessions[0] = "s-1"
    said.write(tmp_path, "kalshi", 0)
    assert Farewell.take(tmp_path, "kalshi", 0, generation=7) is None
    said.write(tmp_path, "kalshi", 0)
    taken = Farewell.take(tmp_path, "kalshi", 0, generation=5)
    assert taken == said
    assert isinstance(next(iter(taken.books.values())), LastBook)
    assert Farewell.take(tmp_path, "kalshi", 0, generation=5) is None
    (tmp_path / "streams" / "kalshi-0.farewell").write_text("torn")
    assert Farewell.take(tmp_path, "kalshi", 0, generation=5) is None


def test_a_stream_whose_lease_was_deleted_writes_no_more_and_says_why(tmp_path):
    location = LakeLocation.local(tmp_path)

    class Endless(ScriptedAdapter):
        async def stream(self):
            yield [snapshot(1)]
            await until(
                lambda: list(location.spool.rglob("*.parquet")) or stored(location), "the first row is safe"
            )
            (tmp_path / "streams" / "kalshi-0.lease").unlink()
            with Lease(tmp_path, "kalshi", owner="another"):
                yield [snapshot(2)]
                await self._closed.wait()

    with pytest.raises(LeaseLost, match="deleted or replaced"):
        asyncio.run(asyncio.wait_for(record(Endless(), location, stop=asyncio.Event()), LIMIT))
    assert stored(location) == [(1,)]


def stored(location):
    with Lake.open(location, read_only=True) as lake:
        return lake.query("SELECT sequence FROM book_snapshots").rows()


def test_each_holder_has_the_next_generation_and_says_which_code_it_runs(tmp_path):
    for generation in (1, 2, 3):
        with Lease(tmp_path, "kalshi", owner="run") as lease:
            lease.check()
            holder = holder_of(tmp_path, "kalshi")
            assert (holder.generation, holder.pid, holder.owner) == (generation, os.getpid(), "run")
            assert len(holder.code) == 16
            with pytest.raises(ShardBusy) as busy:
                Lease(tmp_path, "kalshi", sleep=lambda _: None).__enter__()
            assert replace(busy.value.holder) == holder
    assert holder_of(tmp_path, "kalshi") is None
    with pytest.raises(LeaseLost):
        lease.check()
