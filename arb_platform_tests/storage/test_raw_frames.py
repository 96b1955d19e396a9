"""Raw frames on disk: segments, damage, a full disk, retention, and a writer that is killed."""

import errno
import subprocess
import sys
import threading
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

from arb_platform.domain.errors import SettingsError
from arb_platform.storage.raw_frames import (
    FRAME,
    BrokenSegment,
    RawRow,
    RawWriter,
    drop_days_before,
    find_segments,
    read_segment,
    rows_of,
    some_segments,
    write_all,
)
from arb_platform_tests.storage.raw_writer import ROWS
from arb_platform_tests.storage.samples import NOON

RUN = "0123456789abcdef" * 2
LIMIT = 30


def frame(number=0, *, at=NOON, body=None):
    body = f'{{"n":{number}}}'.encode() if body is None else body
    return RawRow(FRAME, 2, at + timedelta(microseconds=number), "s-1", body)


def writer(root, **options):
    return RawWriter(root, "kalshi", run=RUN, metadata={"max_depth": 3}, **options)


def read_all(root):
    return [row for segment in find_segments(root)[0] for row in rows_of(read_segment(segment)[1])]


def test_frames_come_back_as_they_went_in_to_the_microsecond_and_the_byte(tmp_path):
    rows = [frame(n) for n in range(1000)] + [frame(1000, body=b"\xff\x00 not text"), frame(1001, body=b"")]
    tape = writer(tmp_path)
    assert all(tape.put(row) for row in rows)
    tape.close()
    assert read_all(tmp_path) == rows
    assert (tape.segments, tape.rows, tape.lost, tape.trouble) == (1, len(rows), 0, "")
    (segment,) = find_segments(tmp_path)[0]
    assert segment.path.parent == tmp_path / "raw" / "kalshi" / "2026-11-20"
    metadata, table = read_segment(segment)
    assert (metadata["venue"], metadata["max_depth"]) == ("kalshi", 3)
    assert set(table["venue"].to_pylist()) == {"kalshi"}
    assert pq.ParquetFile(segment.path).metadata.row_group(0).column(5).compression == "ZSTD"


def test_a_full_segment_is_written_while_the_stream_goes_on(tmp_path):
    written = threading.Event()

    def write(descriptor, content):
        write_all(descriptor, content)
        written.set()

    tape = writer(tmp_path, segment_bytes=10_000, write_bytes=write)
    for number in range(100):
        tape.put(frame(number))
    assert written.wait(LIMIT)
    tape.close()
    assert tape.segments > 1
    assert read_all(tmp_path) == [frame(number) for number in range(100)]


def test_segments_that_waited_for_the_disk_follow_each_other_without_a_pause(tmp_path):
    room, last = threading.Event(), threading.Event()

    def write(descriptor, content):
        if not room.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        write_all(descriptor, content)
        if len(list(tmp_path.rglob("*.raw.parquet"))) == 4:
            last.set()

    tape = writer(tmp_path, write_bytes=write, retry_seconds=0.01)
    for number in range(5):
        tape.put(frame(number))
        tape.cut()
    room.set()
    assert last.wait(LIMIT / 2)
    tape.close()
    assert tape.segments == 5


def test_what_is_not_full_is_written_when_its_time_has_come(tmp_path):
    written = threading.Event()

    def write(descriptor, content):
        write_all(descriptor, content)
        written.set()

    tape = writer(tmp_path, segment_seconds=0.02, write_bytes=write)
    tape.put(frame())
    assert written.wait(LIMIT)
    tape.close()


def test_a_full_disk_is_counted_and_nothing_is_lost_while_there_is_memory(tmp_path):
    refused, room = threading.Event(), threading.Event()

    def write(descriptor, content):
        if not room.is_set():
            refused.set()
            raise OSError(errno.ENOSPC, "No space left on device")
        write_all(descriptor, content)

    tape = writer(tmp_path, write_bytes=write, retry_seconds=0.01)
    tape.put(frame(0))
    tape.cut()
    assert refused.wait(LIMIT)
    tape.put(frame(1))
    while not tape.trouble:
        pass
    assert tape.trouble == "raw frames: No space left on device"
    assert find_segments(tmp_path)[0] == []
    room.set()
    tape.close()
    assert tape.failures >= 1
    assert (tape.lost, tape.trouble) == (0, "")
    assert read_all(tmp_path) == [frame(0), frame(1)]
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_disk_that_stays_full_costs_frames_that_are_counted_and_bounded_memory(tmp_path):
    def write(_descriptor, _content):
        raise OSError(errno.ENOSPC, "No space left on device")

    tape = writer(tmp_path, write_bytes=write, retry_seconds=0.01, memory_bytes=10_000, segment_bytes=1_000)
    kept = sum(tape.put(frame(number)) for number in range(1_000))
    assert 0 < kept < 60
    assert not tape.roomy
    tape.close()
    assert tape.lost == 1_000
    assert "1000 rows were lost" in tape.trouble


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-20], "checksum"),
        (lambda content: content[:50] + b"\x00" + content[51:], "checksum"),
        (lambda _: b"", "checksum"),
    ],
)
def test_a_damaged_segment_is_never_taken_for_a_whole_one(tmp_path, damage, reason):
    tape = writer(tmp_path)
    tape.put(frame())
    tape.close()
    (segment,) = find_segments(tmp_path)[0]
    assert read_segment(segment)
    segment.path.write_bytes(damage(segment.path.read_bytes()))
    with pytest.raises(BrokenSegment, match=reason):
        read_segment(segment)


def test_files_that_are_no_segments_are_named_and_unfinished_ones_ignored(tmp_path):
    tape = writer(tmp_path)
    tape.put(frame())
    tape.close()
    folder = find_segments(tmp_path)[0][0].path.parent
    (folder / "mine.raw.parquet").write_text("hello")
    (folder / "0001.raw.parquet.tmp").write_text("half")
    (tmp_path / "files.parquet").write_text("the lake's own")
    segments, foreign = find_segments(tmp_path)
    assert len(segments) == 1
    assert [path.name for path, _ in foreign] == ["mine.raw.parquet"]


def test_a_folder_without_raw_frames_says_how_to_get_some(tmp_path):
    with pytest.raises(SettingsError, match="ARB_RAW_FRAMES=on"):
        some_segments(tmp_path)


def test_retention_takes_whole_days_and_nothing_else(tmp_path):
    for days in range(3):
        tape = RawWriter(tmp_path, "kalshi", run=f"{days:032x}", metadata={})
        tape.put(frame(at=NOON - timedelta(days=days)))
        tape.close()
    (tmp_path / "raw" / "kalshi" / "notes").mkdir()
    assert drop_days_before(tmp_path, date(2026, 11, 19)) == 1
    assert sorted(path.name for path in (tmp_path / "raw" / "kalshi").iterdir()) == [
        "2026-11-19",
        "2026-11-20",
        "notes",
    ]
    assert drop_days_before(tmp_path, date(2026, 11, 19)) == 0
    assert drop_days_before(tmp_path / "nowhere", date(2026, 11, 19)) == 0


def test_every_finished_segment_of_a_killed_recording_is_readable(tmp_path):
    command = [sys.executable, "-m", "arb_platform_tests.storage.raw_writer", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            if int(line) >= 5:
                break
        child.kill()
    segments, foreign = find_segments(tmp_path)
    assert not foreign
    assert [segment.number for segment in segments] == list(range(len(segments)))
    assert len(segments) >= 5
    bodies = [row.body for row in read_all(tmp_path)]
    assert bodies == [str(number).encode() for number in range(len(bodies))]
    assert len(bodies) >= 5 * ROWS
