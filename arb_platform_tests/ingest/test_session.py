"""One streaming job on a real lake, fed by an adapter that says what a test wrote down."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from arb_platform.domain.errors import CredentialsError, StorageError
from arb_platform.domain.streams import QuarantinedFrame, StreamSession
from arb_platform.ingest import session
from arb_platform.ingest.heartbeat import alive, read_heartbeat
from arb_platform.ingest.lease import Lease, ShardBusy
from arb_platform.ingest.recorder import LARGEST_BACKLOG
from arb_platform.ingest.session import record
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform_tests.storage.samples import NOON, event, snapshot

LIMIT = 60


class ScriptedAdapter:
    """Says ``batches``, then waits for ``close`` unless it ``ends``; then says its last words."""

    venue = "kalshi"
    connected = True
    assets_subscribed = 2
    assets_with_book = 1
    frames = 5
    frames_per_second = 2.5
    reconnections = 1
    lag_p50_ms = 1.0
    lag_p99_ms = None

    def __init__(self, *batches, last=(), ends=False, error=None):
        self._batches = batches
        self._last = list(last)
        self._ends = ends
        self._error = error
        self._closed = asyncio.Event()
        self.said = asyncio.Event()

    async def stream(self):
        for batch in self._batches:
            yield list(batch)
        self.said.set()
        if self._error is not None:
            raise self._error
        if not self._ends:
            await self._closed.wait()
        if self._last:
            yield self._last

    async def close(self):
        self._closed.set()


@pytest.fixture
def location(tmp_path):
    return LakeLocation.local(tmp_path)


def run(work):
    return asyncio.run(asyncio.wait_for(work, LIMIT))


def ask(location, sql):
    with Lake.open(location, read_only=True) as lake:
        return lake.query(sql).rows()


def test_what_was_streamed_until_the_stop_is_in_the_lake_with_the_last_words(location):
    async def work():
        ended = StreamSession("s-1", "kalshi", 0, NOON, NOON, "closed", 5, 2)
        adapter = ScriptedAdapter(
            [StreamSession("s-1", "kalshi", 0, NOON), snapshot(1)],
            [snapshot(2), event(), QuarantinedFrame("kalshi", NOON, "not JSON", b"{")],
            last=[ended],
        )
        stop, beats = asyncio.Event(), []
        recording = asyncio.create_task(
            record(adapter, location, stop=stop, run_id="r-1", on_beat=beats.append)
        )
        await adapter.said.wait()
        assert alive(location.root, "kalshi")
        stop.set()
        return await recording, beats

    summary, beats = run(work())
    assert (summary.snapshots, summary.gaps, summary.quarantined) == (2, 1, 1)
    # the session's end may land beside its beginning or over it
    assert summary.promoted_rows == summary.acknowledged_rows >= 5
    assert ask(location, "SELECT sequence FROM book_snapshots ORDER BY 1") == [(1,), (2,)]
    assert ask(location, "SELECT reason, frames FROM stream_sessions") == [("closed", 5)]
    assert ask(location, "SELECT count(*) FROM quarantined_frames") == [(1,)]
    assert not list(location.spool.rglob("*.parquet"))
    assert not alive(location.root, "kalshi")
    last = read_heartbeat(location.root, "kalshi")
    assert last == beats[-1]
    assert (last.run_id, last.pid, last.promoted_rows) == ("r-1", os.getpid(), summary.promoted_rows)
    assert (last.assets, last.assets_with_book, last.reconnections) == (2, 1, 1)


def test_the_counts_of_a_connection_that_goes_on_are_landed_now_and_then(location, monkeypatch):
    monkeypatch.setattr(session, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(session, "BEATS_TO_SESSIONS", 2)
    began = StreamSession("s-1", "kalshi", 0, NOON)

    class Counting(ScriptedAdapter):
        sessions_so_far = (replace(began, frames=5, snapshots=3),)

    async def work():
        stop, landed = asyncio.Event(), asyncio.Event()
        adapter = Counting(
            [began], last=[replace(began, ended_at=NOON, reason="closed", frames=9, snapshots=4)]
        )
        recording = asyncio.create_task(
            record(
                adapter, location, stop=stop, on_beat=lambda beat: beat.promoted_rows >= 2 and landed.set()
            )
        )
        await landed.wait()
        going_on = await asyncio.to_thread(ask, location, COUNTS)
        stop.set()
        await recording
        return going_on

    assert run(work()) == [(5, 3, None)]
    assert ask(location, COUNTS) == [(9, 4, "closed")]


COUNTS = "SELECT frames, snapshots, nullif(reason, '') FROM stream_sessions"


def test_an_adapter_that_ends_by_itself_ends_the_job(location):
    summary = run(record_until_it_ends(ScriptedAdapter, location, [snapshot(1)], ends=True))
    assert summary.promoted_rows == 1


async def record_until_it_ends(adapter, location, *batches, **options):
    return await record(adapter(*batches, **options), location, stop=asyncio.Event())


def test_a_venue_that_refuses_us_ends_the_job_and_what_came_before_is_kept(location):
    with pytest.raises(CredentialsError, match="no such key"):
        run(
            record_until_it_ends(
                ScriptedAdapter, location, [snapshot(1)], error=CredentialsError("no such key")
            )
        )
    assert ask(location, "SELECT count(*) FROM book_snapshots") == [(1,)]
    assert not alive(location.root, "kalshi")


def test_a_shard_that_is_streamed_already_is_left_alone(location):
    with Lease(location.root, "kalshi", owner="first"), pytest.raises(ShardBusy, match="first"):
        run(record_until_it_ends(ScriptedAdapter, location, [snapshot(1)], ends=True))
    assert not location.spool.exists()


def test_a_bug_in_landing_ends_the_job_and_is_not_waited_for(location):
    worthless = snapshot(1, bid=None, ask=2_000_000_000)  # a price of 2000 dollars is our bug
    with pytest.raises(ValueError, match="2000"):
        run(record_until_it_ends(ScriptedAdapter, location, [worthless]))


def test_a_job_whose_spool_cannot_be_written_ends_when_it_is_asked_to(location):
    location.spool.mkdir(parents=True)
    (location.spool / "kalshi").write_text("a file where a folder should be")

    async def work():
        adapter = ScriptedAdapter([snapshot(1)] * LARGEST_BACKLOG, last=[snapshot(2)])
        stop, trouble = asyncio.Event(), asyncio.Event()
        recording = asyncio.create_task(
            record(adapter, location, stop=stop, on_beat=lambda beat: beat.trouble and trouble.set())
        )
        await trouble.wait()
        stop.set()
        await recording

    with pytest.raises(StorageError, match="cannot be written"):
        run(work())


def test_a_corrupt_segment_in_the_spool_is_set_aside_and_does_not_stop_the_stream(location):
    folder = location.spool / "kalshi" / "book_snapshots"
    folder.mkdir(parents=True)
    (folder / f"{1:016d}-{'a' * 32}-{'0' * 8}.parquet").write_bytes(b"torn")
    summary = run(record_until_it_ends(ScriptedAdapter, location, [snapshot(1)], ends=True))
    assert summary.promoted_rows == 1
    assert ask(location, "SELECT kind, detail LIKE '%moved to spool/torn%' FROM stream_events") == [
        ("quarantine", True)
    ]
    assert len(list((location.spool / "torn").iterdir())) == 1


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from arb_platform.ingest.session import record
from arb_platform.storage.lake import LakeLocation
from arb_platform_tests.ingest.test_session import ScriptedAdapter
from arb_platform_tests.storage.samples import snapshot

async def work():
    adapter = ScriptedAdapter([snapshot(n) for n in range(700)])
    await record(adapter, LakeLocation.local(Path(sys.argv[1])), stop=asyncio.Event(), on_beat=die)

def die(beat):
    if beat.spooled_rows:
        print(beat.spooled_rows, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(work())
"""


def test_what_was_acknowledged_survives_kill_9_exactly_once(location):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(location.root)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == -9
    acknowledged = int(done.stdout)
    run(record_until_it_ends(ScriptedAdapter, location, [snapshot(1, session="s-2")], ends=True))
    found = ask(
        location, "SELECT count(*), count(DISTINCT sequence) FROM book_snapshots WHERE session_id = 's-1'"
    )
    assert found == [(acknowledged, acknowledged)]
