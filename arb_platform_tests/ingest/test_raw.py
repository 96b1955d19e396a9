"""The tape between an adapter and the raw frames on disk."""

import errno
import threading
from dataclasses import replace
from datetime import timedelta

from arb_platform.domain.streams import QuarantinedFrame, StreamEvent, StreamSession
from arb_platform.ingest.raw import RawTape
from arb_platform.storage import raw_bodies
from arb_platform.storage.raw_frames import find_segments, read_segment, rows_of, write_all
from arb_platform.venues.touches import Touch
from arb_platform_tests.storage.samples import NOON, market

RUN = "a" * 32
SESSION = StreamSession("s-1", "kalshi", 3, NOON)
LIMIT = 30


def tape_in(root, **options):
    return RawTape(root, "kalshi", max_depth=3, run=RUN, **options)


def open_session(tape):
    tape.on_touch(Touch("feed", 3, NOON, "", [market("KX-1"), market("KX-2")]))
    tape.on_touch(Touch("connected", 3, NOON, "s-1", SESSION))


def rows_in(root):
    return [row for segment in find_segments(root)[0] for row in rows_of(read_segment(segment)[1])]


def test_everything_a_feed_is_told_is_written_in_order_with_its_shard(tmp_path):
    silence = StreamEvent("e-1", "kalshi", "silence", NOON, None, session_id="s-1")
    lost = QuarantinedFrame("kalshi", NOON, "too large", b"\xff", "s-1")
    ended = replace(SESSION, ended_at=NOON, reason="closed", frames=1)
    tape = tape_in(tmp_path)
    open_session(tape)
    tape.on_frame(b"frame", NOON, "s-1")
    tape.on_touch(Touch("tick", 3, NOON, "s-1"))
    tape.on_touch(Touch("books", 3, NOON, "s-1", [{"ticker": "KX-1", "size": 0.1}]))
    tape.on_touch(Touch("follow", 3, NOON, "s-1", [market("KX-3", title="\ud800?")]))
    tape.on_touch(Touch("unfollow", 3, NOON, "s-1", ["KX-1"]))
    tape.on_touch(Touch("said", 3, NOON, "s-1", [silence, lost]))
    tape.on_touch(Touch("disconnected", 3, NOON, "s-1", ended))
    tape.close()
    rows = rows_in(tmp_path)
    assert [row.kind for row in rows] == [
        "feed", "connected", "frame", "tick", "books", "follow", "unfollow", "said", "disconnected"
    ]  # fmt: skip
    assert {row.shard for row in rows} == {3}
    by_kind = {row.kind: row.body for row in rows}
    assert raw_bodies.load_markets(by_kind["feed"]) == [market("KX-1"), market("KX-2")]
    assert raw_bodies.load_session(by_kind["connected"]) == SESSION
    assert by_kind["frame"] == b"frame"
    assert raw_bodies.load_books(by_kind["books"]) == [{"ticker": "KX-1", "size": 0.1}]
    assert raw_bodies.load_markets(by_kind["follow"]) == [market("KX-3", title="\ud800?")]
    assert raw_bodies.load_ids(by_kind["unfollow"]) == ["KX-1"]
    assert raw_bodies.load_said(by_kind["said"]) == [silence, lost]
    assert raw_bodies.load_session(by_kind["disconnected"]) == ended


def test_a_new_day_begins_a_segment_that_says_again_what_is_followed(tmp_path):
    tape = tape_in(tmp_path)
    open_session(tape)
    tape.on_touch(Touch("follow", 3, NOON, "s-1", [market("KX-3")]))
    tape.on_touch(Touch("unfollow", 3, NOON, "s-1", ["KX-1"]))
    tape.on_frame(b"tomorrow", NOON + timedelta(days=1), "s-1")
    tape.close()
    first, second = find_segments(tmp_path)[0]
    assert (first.path.parent.name, second.path.parent.name) == ("2026-11-20", "2026-11-21")
    resume, frame = rows_of(read_segment(second)[1])
    assert (resume.kind, frame.kind) == ("resume", "frame")
    markets, session = raw_bodies.load_resumed(resume.body)
    assert ([one.market_id for one in markets], session) == (["KX-2", "KX-3"], SESSION)


def test_after_a_loss_the_recording_says_how_much_and_goes_on(tmp_path):
    refused, room = threading.Event(), threading.Event()
    written = threading.Event()

    def write(descriptor, content):
        if not room.is_set():
            refused.set()
            raise OSError(errno.ENOSPC, "No space left on device")
        write_all(descriptor, content)
        written.set()

    tape = tape_in(tmp_path, write_bytes=write, retry_seconds=0.01, memory_bytes=20_000, segment_bytes=2_000)
    open_session(tape)
    for number in range(200):
        tape.on_frame(b"%d" % number, NOON + timedelta(milliseconds=number), "s-1")
    assert refused.wait(LIMIT)
    lost = tape.writer.lost
    assert 0 < lost < 200
    assert "lost" in tape.trouble
    room.set()
    tape.writer.cut()
    while not tape.writer.roomy:
        assert written.wait(LIMIT)
    tape.on_frame(b"after", NOON + timedelta(seconds=1), "s-1")
    tape.close()
    rows = rows_in(tmp_path)
    hole = next(number for number, row in enumerate(rows) if row.kind == "lost")
    assert raw_bodies.load(rows[hole].body) == {"rows": lost}
    assert [row.kind for row in rows[hole + 1 :]] == ["resume", "frame"]
    assert len([row for row in rows[:hole] if row.kind == "frame"]) == 200 - lost


def test_a_loss_before_the_end_is_said_at_the_end(tmp_path):
    room = threading.Event()

    def write(descriptor, content):
        if not room.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        write_all(descriptor, content)

    tape = tape_in(tmp_path, write_bytes=write, retry_seconds=0.01, memory_bytes=3_000)
    open_session(tape)
    for number in range(50):
        tape.on_frame(b"x", NOON + timedelta(milliseconds=number), "s-1")
    room.set()
    tape.close()
    assert tape.writer.lost > 0
    assert rows_in(tmp_path)[0].kind == "feed"
