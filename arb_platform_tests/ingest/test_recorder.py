"""Batches into real segments: what is acknowledged, what waits, what a full disk does."""

import asyncio
import errno
import logging
import threading
from dataclasses import replace
from datetime import timedelta

import pyarrow.parquet as pq
import pytest

from arb_platform.domain.errors import DiskFull
from arb_platform.domain.streams import QuarantinedFrame, StreamSession
from arb_platform.ingest.lease import LeaseLost
from arb_platform.ingest.recorder import BATCH_ROWS, LARGEST_BACKLOG, Recorder
from arb_platform.storage.spool import Spool, write_all
from arb_platform_tests.storage.samples import NOON, event, snapshot

FRAME = QuarantinedFrame("kalshi", NOON, "not JSON", b"{", "s-1")
SESSION = StreamSession("s-1", "kalshi", 0, NOON)
ENDED = StreamSession("s-1", "kalshi", 0, NOON, NOON + timedelta(minutes=1), "closed", 10, 7)


class Disk:
    """Writes bytes for real while ``full`` is not set; ``tried`` is set by every attempt."""

    def __init__(self):
        self.full = False
        self.tried = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def write(self, descriptor, content):
        self.tried.set()
        assert self.may_go_on.wait(30)
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        write_all(descriptor, content)

    async def attempt(self):
        """Wait until somebody writes."""
        assert await asyncio.to_thread(self.tried.wait, 30)
        self.tried.clear()


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def spool(tmp_path, disk):
    return Spool(tmp_path, write_bytes=disk.write)


def recorder_for(spool, **options):
    return Recorder(
        spool, "kalshi", clock=lambda: NOON, **{"batch_seconds": 0.01, "retry_seconds": 0.01, **options}
    )


def landed(spool, table):
    """All rows of a table in the spool, as they would be promoted."""
    segments, foreign = spool.pending()
    assert not foreign
    return [
        row
        for segment in segments
        if segment.table == table
        for row in pq.ParquetFile(segment.path).read().to_pylist()
    ]


def land_all(recorder, *batches):
    """Take the batches and land them, as a stream that ends right after them."""

    async def run():
        for outputs in batches:
            await recorder.take(outputs)
        over = asyncio.Event()
        over.set()
        await recorder.land(over)

    asyncio.run(run())


def test_every_kind_of_output_lands_in_its_own_table(spool):
    recorder = recorder_for(spool)
    land_all(recorder, [snapshot(1), snapshot(2), event()], [FRAME, SESSION])
    assert [row["sequence"] for row in landed(spool, "book_snapshots")] == [1, 2]
    assert [row["event_id"] for row in landed(spool, "stream_events")] == ["e-1"]
    assert [row["frame"] for row in landed(spool, "quarantined_frames")] == [b"{"]
    assert [row["session_id"] for row in landed(spool, "stream_sessions")] == ["s-1"]
    assert recorder.acknowledged_rows == 5


def test_a_snapshot_carries_the_moment_it_was_handed_over(spool):
    land_all(recorder_for(spool), [snapshot(1, at=NOON - timedelta(seconds=1))])
    assert landed(spool, "book_snapshots")[0]["handed_at"] == NOON


def test_snapshots_gaps_and_quarantined_frames_are_counted_when_they_come(spool):
    recorder = recorder_for(spool)
    over = event(end=NOON + timedelta(seconds=1))
    land_all(recorder, [snapshot(1), event(), over, event("e-2", "silence"), FRAME, FRAME])
    assert (recorder.snapshots, recorder.gaps, recorder.quarantined) == (1, 1, 2)


def test_a_session_or_event_said_twice_lands_once_as_it_was_last(spool):
    land_all(recorder_for(spool), [SESSION, event()], [ENDED, event(end=NOON)])
    assert [row["reason"] for row in landed(spool, "stream_sessions")] == ["closed"]
    assert [row["ended_at"] for row in landed(spool, "stream_events")] == [NOON]


def test_a_batch_is_cut_into_segments_that_do_not_stall_the_socket(spool):
    many = [snapshot(n) for n in range(2 * BATCH_ROWS + 1)]
    land_all(recorder_for(spool), many)
    segments, _ = spool.pending()
    sizes = [pq.ParquetFile(segment.path).metadata.num_rows for segment in segments]
    assert sorted(sizes) == [1, BATCH_ROWS, BATCH_ROWS]
    assert sorted(row["sequence"] for row in landed(spool, "book_snapshots")) == list(range(len(many)))


def test_nothing_to_say_is_no_segment(spool):
    land_all(recorder_for(spool), [])
    assert spool.pending() == ([], [])


def test_a_full_batch_does_not_wait_for_its_time(spool, disk):
    async def run():
        recorder, over = recorder_for(spool, batch_seconds=3600.0), asyncio.Event()
        landing = asyncio.create_task(recorder.land(over))
        await recorder.take([snapshot(1)] * BATCH_ROWS)
        await disk.attempt()
        over.set()
        await landing

    asyncio.run(asyncio.wait_for(run(), 30))


def test_an_event_that_ends_while_it_is_being_written_lands_again(spool, disk):
    async def run():
        recorder, over = recorder_for(spool), asyncio.Event()
        disk.may_go_on.clear()
        await recorder.take([event()])
        landing = asyncio.create_task(recorder.land(over))
        await disk.attempt()
        await recorder.take([event(end=NOON)])
        disk.may_go_on.set()
        over.set()
        await landing

    asyncio.run(run())
    assert sorted(str(row["ended_at"]) for row in landed(spool, "stream_events")) == [str(NOON), "None"]


def test_what_a_full_disk_refuses_waits_in_memory_and_lands_once_when_there_is_room(spool, disk, caplog):
    async def run():
        recorder, over = recorder_for(spool), asyncio.Event()
        disk.full = True
        landing = asyncio.create_task(recorder.land(over))
        await recorder.take([snapshot(1), event()])
        await disk.attempt()
        await disk.attempt()  # it tries again by itself
        assert "free some space" in recorder.last_error
        assert recorder.acknowledged_rows == 0
        await recorder.take([snapshot(2)])
        disk.full = False
        await disk.attempt()
        over.set()
        await landing
        return recorder

    with caplog.at_level(logging.ERROR):
        recorder = asyncio.run(run())
    assert sorted(row["sequence"] for row in landed(spool, "book_snapshots")) == [1, 2]
    assert (recorder.acknowledged_rows, recorder.last_error) == (3, "")
    assert len(caplog.records) == 1, "the same trouble is told once, not every two seconds"


def test_rows_that_can_never_be_written_are_an_error_at_the_end(spool, disk):
    disk.full = True
    with pytest.raises(DiskFull, match="free some space"):
        land_all(recorder_for(spool), [snapshot(1)])


def test_a_stream_waits_when_too_much_waits_for_the_disk(spool, disk):
    async def run():
        recorder, over = recorder_for(spool), asyncio.Event()
        disk.full = True
        landing = asyncio.create_task(recorder.land(over))
        await recorder.take([snapshot(1)] * (LARGEST_BACKLOG - 1))
        waiting = asyncio.create_task(recorder.take([snapshot(2)]))
        await disk.attempt()
        await disk.attempt()
        assert not waiting.done()
        disk.full = False
        await waiting
        over.set()
        await landing
        return recorder.acknowledged_rows

    assert asyncio.run(asyncio.wait_for(run(), 60)) == LARGEST_BACKLOG


def test_a_stream_that_ends_on_a_full_disk_is_not_held_up_for_ever(spool, disk):
    async def run():
        recorder = recorder_for(spool)
        waiting = asyncio.create_task(recorder.take([snapshot(1)] * LARGEST_BACKLOG))
        await asyncio.sleep(0)
        assert not waiting.done()
        recorder.end()
        await waiting
        await recorder.take([ENDED])

    asyncio.run(asyncio.wait_for(run(), 30))


def test_counts_of_a_connection_that_goes_on_do_not_take_back_its_end(spool):
    recorder = recorder_for(spool)

    async def run():
        await recorder.take([SESSION])
        recorder.refresh([replace(SESSION, frames=4)])
        await recorder.flush()
        await recorder.take([ENDED])
        recorder.refresh([replace(SESSION, frames=9)])
        await recorder.flush()

    asyncio.run(run())
    assert [(row["frames"], row["reason"]) for row in landed(spool, "stream_sessions")] == [
        (4, ""),
        (10, "closed"),
    ]


def test_a_recorder_that_lost_its_lease_ends_instead_of_waiting(spool):
    def lost():
        raise LeaseLost("another has it")

    with pytest.raises(LeaseLost):
        land_all(recorder_for(spool, fence=lost), [snapshot(1)])
    assert landed(spool, "book_snapshots") == []


def test_the_first_session_of_each_socket_goes_on_from_the_one_that_was_handed_over(spool):
    recorder = recorder_for(spool, continues={0: "s-0"})
    again = replace(SESSION, session_id="s-2", reconnect_of="s-1")
    land_all(recorder, [SESSION, again, replace(SESSION, session_id="s-9", shard=1)])
    assert {row["session_id"]: row["reconnect_of"] for row in landed(spool, "stream_sessions")} == {
        "s-1": "s-0", "s-2": "s-1", "s-9": None,
    }  # fmt: skip
