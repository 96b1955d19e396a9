"""The buffer between sockets and consumer."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.domain.books import BookSnapshot, Level
from arb_platform.domain.streams import QuarantinedFrame, StreamEvent, StreamSession
from arb_platform.venues.outbox import QUARANTINE_BYTES, Outbox
from arb_platform_tests.venues.fake_venue import START, STUB, market, run


def make_outbox(**options):
    ids = iter(range(10**9))
    return Outbox(STUB, clock=lambda: START + timedelta(hours=1), new_id=lambda: str(next(ids)), **options)


def snapshot(market_id, number):
    return BookSnapshot(
        market(market_id), (Level(number, 1),), (), None, START + timedelta(milliseconds=number), number
    )


def event(event_id, *, ended=False):
    return StreamEvent(event_id, STUB, "gap", START, START if ended else None)


def drain(outbox):
    return asyncio.run(outbox.take())


def test_order_is_kept_while_the_consumer_keeps_up():
    outbox = make_outbox(capacity=100)
    rows = [snapshot("a", 1), event("e"), snapshot("a", 2), snapshot("b", 3)]
    outbox.put(rows[:2])
    outbox.put(rows[2:])
    assert drain(outbox) == rows
    assert outbox.conflated == outbox.overflows == 0


def test_a_stalled_consumer_gets_the_latest_snapshot_of_each_market_and_an_overflow_row():
    outbox = make_outbox(capacity=10)
    session = StreamSession("s", STUB, 0, START)
    outbox.put([session, event("e")])
    for number in range(100):
        outbox.put([snapshot("ab"[number % 2], number)])
    batch = drain(outbox)
    overflow, *rest = batch
    latest = {row.market.market_id: row.sequence for row in rest if isinstance(row, BookSnapshot)}
    assert latest == {"a": 98, "b": 99}
    assert session in rest
    assert event("e") in rest
    assert overflow.kind == "overflow"
    assert overflow.started_at == START  # the first snapshot that was lost
    assert overflow.ended_at == START + timedelta(hours=1)
    kept = sum(isinstance(row, BookSnapshot) for row in rest)
    assert f"{100 - kept} snapshots of 2 markets" in overflow.detail
    assert outbox.conflated == 100 - kept


def test_conflation_ends_with_the_stall():
    outbox = make_outbox(capacity=4)
    outbox.put([snapshot("a", n) for n in range(20)])
    drain(outbox)
    rows = [snapshot("a", 21), snapshot("a", 22)]
    outbox.put(rows)
    assert drain(outbox) == rows


def test_the_rows_of_one_event_become_its_last_one_and_none_is_lost():
    outbox = make_outbox(capacity=4)
    outbox.put([event("x"), event("y"), event("x", ended=True), event("z")])
    assert drain(outbox) == [event("y"), event("x", ended=True), event("z")]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=300), st.integers(2, 20))
def test_whatever_comes_events_survive_and_the_last_snapshot_of_each_market_is_the_last(steps, capacity):
    outbox = make_outbox(capacity=capacity)
    last, events = {}, []
    for number, (name, is_event) in enumerate(steps):
        row = event(f"e{number}") if is_event else snapshot(name, number)
        outbox.put([row])
        events.append(row) if is_event else last.update({name: row})
    outbox.close()
    batch = drain(outbox)
    seen = {}
    for row in batch:
        if isinstance(row, BookSnapshot):
            assert row.sequence > seen.get(row.market.market_id, -1)  # never backwards
            seen[row.market.market_id] = row.sequence
    assert seen == {name: row.sequence for name, row in last.items()}
    assert [row for row in batch if isinstance(row, StreamEvent) and row.kind == "gap"] == events
    emitted = sum(not is_event for _, is_event in steps)
    assert outbox.conflated + sum(isinstance(row, BookSnapshot) for row in batch) == emitted


def test_the_buffer_stays_bounded_over_a_long_stall():
    outbox = make_outbox(capacity=1000)
    for number in range(20_000):
        outbox.put([snapshot(f"m{number % 300}", number)])
        assert len(outbox) <= 1000


def test_thousands_of_markets_are_not_conflated_again_and_again():
    outbox = make_outbox(capacity=100)
    outbox.put([snapshot(f"m{n}", n) for n in range(5000)])
    assert len(outbox) == 5000  # each is the only one of its market
    outbox.put([snapshot("m1", 6000)])
    assert len(outbox) == 5001  # and the next look comes only after as many again


def test_the_bytes_of_quarantined_frames_are_bounded_but_their_rows_stay():
    outbox = make_outbox(capacity=5)
    frame = QuarantinedFrame(STUB, START, "not JSON", b"x" * (QUARANTINE_BYTES // 2), "s")
    outbox.put([frame] * 5)
    batch = drain(outbox)
    assert len(batch) == 5
    assert sum(len(row.frame) for row in batch) <= QUARANTINE_BYTES
    cut = [row for row in batch if not row.frame]
    assert "bytes not kept" in cut[0].reason
    small = make_outbox(capacity=5)
    small.put([replace(frame, frame=b"x")] * 5)
    assert all(row.frame for row in drain(small))


def test_rows_that_must_be_kept_make_the_writers_wait_instead_of_filling_memory():
    async def scenario():
        outbox = make_outbox(capacity=10, kept_rows_limit=10)
        outbox.put([event(str(n)) for n in range(10)])
        assert outbox.full
        waiting = asyncio.create_task(outbox.room())
        await asyncio.sleep(0)
        assert not waiting.done()
        assert len(await outbox.take()) == 10
        await asyncio.wait_for(waiting, 1)
        assert not outbox.full

    run(scenario())


def test_close_gives_the_rest_and_then_the_end():
    async def scenario():
        outbox = make_outbox()
        outbox.put([event("e")])
        outbox.close()
        assert await outbox.take() == [event("e")]
        assert await outbox.take() == []

    run(scenario())


def test_a_waiting_reader_is_woken_by_the_first_row_and_by_the_end():
    async def scenario():
        outbox = make_outbox()
        reader = asyncio.create_task(outbox.take())
        await asyncio.sleep(0)
        assert not reader.done()
        outbox.put([event("e")])
        assert await asyncio.wait_for(reader, 1) == [event("e")]
        reader = asyncio.create_task(outbox.take())
        await asyncio.sleep(0)
        outbox.fail(RuntimeError("x"))
        assert await asyncio.wait_for(reader, 1) == []
        with pytest.raises(RuntimeError):
            raise outbox.failure

    run(scenario())
