import os
import random
import signal
import threading
import zlib
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arb_platform.domain.errors import StorageError
from arb_platform.domain.streams import StreamSession
from arb_platform.storage.lake import Lake
from arb_platform.storage.promoter import Promoter, Promotion
from arb_platform.storage.spool import Spool
from arb_platform.storage.streams import event_rows, session_rows
from arb_platform_tests.storage.kills import kills, nursery, patience, randomness, start
from arb_platform_tests.storage.samples import NOON, event, rows
from arb_platform_tests.storage.writer import ROWS

CHECK = "SELECT count(*), count(DISTINCT (session_id, sequence)) FROM book_snapshots"


def counted(lake):
    return lake.query(CHECK).row(0)


def test_promoted_rows_carry_their_segment_and_the_moment_they_were_durable(lake, location):
    spool = Spool(location.root, clock=lambda: NOON)
    segment = spool.write("kalshi", "book_snapshots", rows(3))
    promoter = Promoter(lake, spool, clock=lambda: NOON + timedelta(seconds=2))
    assert promoter.promote() == Promotion(1, 3, 0)
    assert lake.query("SELECT DISTINCT segment_id, landed_at FROM book_snapshots").rows() == [
        (segment.segment_id, NOON)
    ]
    ledger = lake.query(
        "SELECT segment_id, venue, table_name, row_count, landed_at, promoted_at FROM ingest_segments"
    )
    assert ledger.rows() == [
        (segment.segment_id, "kalshi", "book_snapshots", 3, NOON, NOON + timedelta(seconds=2))
    ]
    assert not segment.path.exists()
    assert promoter.promote() == Promotion()
    assert promoter.total == Promotion(1, 3, 0)


class Crash(BaseException):
    pass


def test_a_crash_between_commit_and_unlink_neither_loses_nor_doubles(lake, location):
    def crash():
        raise Crash

    spool = Spool(location.root)
    segment = spool.write("kalshi", "book_snapshots", rows(4))
    with pytest.raises(Crash):
        Promoter(lake, spool, before_unlink=crash).promote()
    assert segment.path.exists()
    spool.write("kalshi", "book_snapshots", rows(2, start=4))
    assert Promoter(lake, spool).promote() == Promotion(1, 2, 0)
    assert counted(lake) == (6, 6)
    assert spool.pending() == ([], [])


def test_without_the_ledger_the_same_crash_would_double(lake, location):
    def crash():
        raise Crash

    spool = Spool(location.root)
    spool.write("kalshi", "book_snapshots", rows(4))
    with pytest.raises(Crash):
        Promoter(lake, spool, before_unlink=crash).promote()
    with lake.transaction() as connection:
        connection.execute("DELETE FROM ingest_segments")
    Promoter(lake, spool).promote()
    assert counted(lake) == (8, 4)


def test_a_commit_that_fails_leaves_the_segments_and_the_next_one_takes_them(lake, location):
    spool = Spool(location.root)
    spool.write("kalshi", "book_snapshots", rows(4))
    with Lake.open(location, read_only=True) as read_only, pytest.raises(StorageError, match="reading only"):
        Promoter(read_only, spool).promote()
    assert len(spool.pending()[0]) == 1
    assert Promoter(lake, spool).promote() == Promotion(1, 4, 0)


def spoiled(content, number):
    """The bytes of a segment, spoiled in one of many ways, under the name of the whole one."""
    randomness = random.Random(number)
    cut = randomness.randrange(len(content))
    match number % 5:
        case 0:
            return content[:cut]
        case 1:
            return content[:cut] + bytes([content[cut] ^ (1 << randomness.randrange(8))]) + content[cut + 1 :]
        case 2:
            return content + randomness.randbytes(1 + cut)
        case 3:
            return content[:cut] + bytes(len(content) - cut)
        case _:
            return randomness.randbytes(len(content))


def foreign(folder, number):
    """A file that is none of ours, or has our name and checksum and another content."""
    kinds = [b"", b"hello", b"PAR1", b"PAR1" + bytes(20) + b"PAR1", b"\xff" * 100]
    content = kinds[number % len(kinds)]
    if number % 2:
        names = [
            "x.parquet",
            "caf\udce9.parquet",
            ".hidden",
            "n" * 200 + ".parquet",
            "1-2-3.parquet",
            "sub/deep.parquet",
        ]
        path = folder / names[number // 2 % len(names)].replace(".parquet", f"{number}.parquet").replace(
            ".hidden", f".h{number}"
        )
    else:
        path = folder / f"{number:016d}-{number:032x}-{zlib.crc32(content):08x}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def own_name(folder, number, table):
    """A whole Parquet file with our name and checksum, of other columns."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    content = sink.getvalue().to_pybytes()
    (folder / f"{number:016d}-{number:032x}-{zlib.crc32(content):08x}.parquet").write_bytes(content)


def test_two_hundred_torn_corrupt_and_foreign_files_are_set_aside_and_everything_else_lands(lake, location):
    spool = Spool(location.root)
    folder = spool.directory / "kalshi" / "book_snapshots"
    for number in range(120):
        segment = spool.write("kalshi", "book_snapshots", rows(2))
        segment.path.write_bytes(spoiled(segment.path.read_bytes(), number))
    for number in range(75):
        foreign(folder, number)
    (spool.directory / "somewhere.txt").write_text("lost")
    own_name(folder, 900, pa.table({"unknown": [1]}))
    own_name(folder, 901, rows(1).set_column(0, "day", pa.array(["yesterday"])))
    unknown_table = spool.directory / "kalshi" / "no_such_table"
    unknown_table.mkdir()
    own_name(unknown_table, 902, rows(1))
    os.mkfifo(folder / f"{1:016d}-{903:032x}-{0:08x}.parquet")  # reading it would wait for ever
    good = [spool.write("kalshi", "book_snapshots", rows(3, start=10 * n)) for n in range(10)]
    done = Promoter(lake, spool).promote()
    assert done == Promotion(10, 30, 200)
    assert counted(lake) == (30, 30)
    assert set(lake.query("SELECT DISTINCT segment_id FROM book_snapshots")["segment_id"]) == {
        s.segment_id for s in good
    }
    events = lake.query("SELECT kind, detail FROM stream_events")
    assert events.height == 200
    assert set(events["kind"]) == {"quarantine"}
    assert events["detail"].str.contains("moved to spool/torn").all()
    assert len(list((spool.directory / "torn").iterdir())) == 200
    assert Promoter(lake, spool).promote() == Promotion()


def test_a_crash_between_the_row_and_the_move_does_not_repeat_the_row(lake, location, monkeypatch):
    spool = Spool(location.root)
    spool.write("kalshi", "book_snapshots", rows(1)).path.write_bytes(b"torn")
    monkeypatch.setattr("pathlib.Path.rename", lambda *_: (_ for _ in ()).throw(Crash))
    with pytest.raises(Crash):
        Promoter(lake, spool).promote()
    monkeypatch.undo()
    assert Promoter(lake, spool).promote() == Promotion(torn=1)
    assert lake.query("SELECT count(*) FROM stream_events").item() == 1


def test_a_session_and_an_event_are_one_row_whose_end_stays(lake, location):
    spool, promoter = Spool(location.root), None
    promoter = Promoter(lake, spool)
    begun = StreamSession("s-1", "kalshi", 0, NOON)
    ended = StreamSession("s-1", "kalshi", 0, NOON, NOON + timedelta(hours=1), "closed", 10, 5)
    late = event(end=NOON + timedelta(seconds=3))
    for session, gap in ((begun, event()), (ended, late), (begun, event())):
        spool.write("kalshi", "stream_sessions", session_rows([session]))
        spool.write("kalshi", "stream_events", event_rows([gap]))
        promoter.promote()
    assert lake.query("SELECT ended_at, frames FROM stream_sessions").rows() == [(ended.ended_at, 10)]
    assert lake.query("SELECT ended_at FROM stream_events").rows() == [(late.ended_at,)]
    for session in (begun, StreamSession("s-2", "kalshi", 0, NOON), ended):  # and in one go
        spool.write("kalshi", "stream_sessions", session_rows([session]))
    promoter.promote()
    assert lake.query("SELECT session_id, frames FROM stream_sessions ORDER BY ALL").rows() == [
        ("s-1", 10),
        ("s-2", 0),
    ]


def test_the_thread_promotes_until_it_is_stopped_and_counts_what_fails(lake, location):
    spool, stop, seen = Spool(location.root), threading.Event(), threading.Event()
    promoter = Promoter(lake, spool, before_unlink=seen.set)
    thread = threading.Thread(target=promoter.run, args=(stop, 0.01))
    thread.start()
    spool.write("kalshi", "book_snapshots", rows(3))
    assert seen.wait(20)
    stop.set()
    thread.join(20)
    spool.write("kalshi", "book_snapshots", rows(3, start=3))
    stop.set()
    promoter.run(stop)  # stopped already: once more, so that nothing waits
    assert counted(lake) == (6, 6)
    with Lake.open(location, read_only=True) as read_only:
        spool.write("kalshi", "book_snapshots", rows(1, start=9))
        failing = Promoter(read_only, spool)
        failing.run(stop)
    assert (failing.failures, "reading only" in failing.last_error) == (1, True)


def kill_after(process, session, enough):
    """Segments acknowledged before the writer of ``session`` was killed: what it printed in whole lines."""
    start(process, session)
    pid = int(process.stdout.readline())
    acknowledged = 0
    while (line := process.stdout.readline()) != "gone\n":
        if not line.removesuffix("\n").isdigit():
            continue  # cut off by the kill
        acknowledged = int(line) + 1
        if acknowledged == enough:
            os.kill(pid, signal.SIGKILL)
    return acknowledged


@pytest.mark.timeout(patience(10))
def test_kill_9_at_any_moment_loses_nothing_acknowledged_and_doubles_nothing(location):
    moments, killed = randomness(), kills(10)
    with nursery("writer", location) as process:
        acknowledged = {
            f"s-{kill}": kill_after(process, f"s-{kill}", moments.randrange(1, 20)) for kill in range(killed)
        }
    with Lake.open(location) as lake:
        spool = Spool(location.root)
        waiting = len(spool.pending()[0])
        Promoter(lake, spool).promote()
        total, different = counted(lake)
        assert total == different
        stored = dict(
            lake.query(
                "SELECT session_id, count(*) // ? FROM book_snapshots GROUP BY ALL", [ROWS]
            ).iter_rows()
        )
        # One more than was printed: durable, and killed before it could say so.
        assert all(count <= stored[session] <= count + 1 for session, count in acknowledged.items()), (
            acknowledged,
            stored,
        )
        assert lake.query("SELECT count(*) FROM stream_events").item() == 0
    print(
        f"{killed} kills, {sum(acknowledged.values())} segments acknowledged, {waiting} were waiting, {total} rows"
    )


def test_two_writer_processes_and_a_reader_never_see_an_error_or_half_a_segment(location):
    asked, segments = 0, 30
    with (
        nursery("writer", location, str(segments)) as one,
        nursery("writer", location, str(segments)) as other,
        Lake.open(location, read_only=True) as reader,
    ):
        for number, process in enumerate((one, other)):
            start(process, f"s-{number}")
        while counted(reader)[0] < 2 * segments * ROWS:
            for (count,) in reader.query(
                "SELECT count(*) FROM book_snapshots GROUP BY segment_id"
            ).iter_rows():
                assert count == ROWS
            asked += 1
        for process in (one, other):
            lines = [process.stdout.readline() for _ in range(segments + 3)]
            assert lines[-2:] == ["failures 0 \n", "gone\n"]
        assert counted(reader) == (2 * segments * ROWS, 2 * segments * ROWS)
    assert asked > 3
