import contextlib
import errno
import os
import subprocess
import zlib
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from arb_platform.domain.errors import DiskFull, StorageError
from arb_platform.storage.spool import Spool, durable_at
from arb_platform_tests.storage.samples import NOON, rows


def everything_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_segment_is_whole_durable_and_named_after_its_moment_and_contents(tmp_path):
    spool = Spool(tmp_path, clock=lambda: NOON)
    segment = spool.write("kalshi", "book_snapshots", rows(5))
    assert segment.path.parent == tmp_path / "spool" / "kalshi" / "book_snapshots"
    assert (segment.rows, segment.landed_at, segment.checksum) == (
        5,
        NOON,
        zlib.crc32(segment.path.read_bytes()),
    )
    assert pq.read_table(segment.path).equals(rows(5))
    found, foreign = spool.pending()
    assert ([one.segment_id for one in found], foreign) == ([segment.segment_id], [])
    assert found[0].landed_at == NOON


def test_landing_is_the_moment_of_the_acknowledgement_and_not_of_the_rename(tmp_path):
    moments = iter([NOON, NOON + timedelta(milliseconds=7)])
    segment = Spool(tmp_path, clock=lambda: next(moments)).write("kalshi", "book_snapshots", rows(1))
    assert segment.landed_at == NOON + timedelta(milliseconds=7)
    [found], _ = Spool(tmp_path).pending()
    assert (found.landed_at, durable_at(found)) == (NOON, NOON + timedelta(milliseconds=7))
    os.utime(found.path)  # somebody copied the spool: the file's time says nothing any more
    assert durable_at(found) == NOON


def test_segments_wait_in_the_order_they_became_durable(tmp_path):
    for second in (3, 1, 2):
        Spool(tmp_path, clock=lambda second=second: NOON + timedelta(seconds=second)).write(
            "kalshi", "book_snapshots", rows(1)
        )
    found, _ = Spool(tmp_path).pending()
    assert [(one.landed_at - NOON).seconds for one in found] == [1, 2, 3]


@contextlib.contextmanager
def small_disk(folder):
    """A file system of 64 KB when we may mount one."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(spool, kept):
    for start in range(1000):
        kept.append(spool.write("kalshi", "book_snapshots", rows(50, start=start * 50)))


def test_a_full_disk_acknowledges_nothing_and_loses_nothing(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        if disk is None:
            pytest.skip(
                "a small tmpfs cannot be mounted here; the injected full disk below is the test that counts"
            )
        print("real full disk: tmpfs of 64 KB")
        spool, kept = Spool(disk), []
        with pytest.raises(DiskFull, match="free some space"):
            fill(spool, kept)
        assert kept
        assert sorted(everything_in(disk)) == sorted(segment.path for segment in kept)
        assert all(zlib.crc32(segment.path.read_bytes()) == segment.checksum for segment in kept)
        kept[0].path.unlink()
        assert spool.write("kalshi", "book_snapshots", rows(1)).path.exists()  # room again: it goes on


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_in_the_middle_of_a_segment_leaves_no_piece_of_it(tmp_path, code):
    print("injected full disk:", errno.errorcode[code])

    def half(descriptor, content):
        os.write(descriptor, content[: len(content) // 2])
        raise OSError(code, os.strerror(code))

    with pytest.raises(DiskFull):
        Spool(tmp_path, write_bytes=half).write("kalshi", "book_snapshots", rows(5))
    assert everything_in(tmp_path) == []


def test_another_failure_of_the_disk_is_one_sentence_and_not_a_full_disk(tmp_path):
    def broken(descriptor, content):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(StorageError, match="cannot be written") as caught:
        Spool(tmp_path, write_bytes=broken).write("kalshi", "book_snapshots", rows(5))
    assert not isinstance(caught.value, DiskFull)
    assert everything_in(tmp_path) == []


def test_a_spool_that_cannot_be_created_says_what_to_do(tmp_path):
    (tmp_path / "spool").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match="make the data directory writable"):
        Spool(tmp_path).write("kalshi", "book_snapshots", rows(1))


@pytest.mark.parametrize(
    ("venue", "table"),
    [("../etc", "book_snapshots"), ("kalshi", "a/b"), ("torn", "book_snapshots"), ("", "x")],
)
def test_a_venue_or_table_that_is_no_folder_name_is_refused(tmp_path, venue, table):
    with pytest.raises(StorageError, match="no place"):
        Spool(tmp_path).write(venue, table, rows(1))


def test_only_unfinished_files_of_long_dead_writers_are_swept(tmp_path):
    spool = Spool(tmp_path)
    kept = spool.write("kalshi", "book_snapshots", rows(1))
    old, new = (kept.path.parent / f"{name}-x.parquet.tmp" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    assert spool.sweep(older_than=timedelta(hours=1)) == 1
    assert sorted(everything_in(tmp_path)) == sorted([kept.path, new])
    assert spool.pending()[1] == []  # unfinished is not foreign


def test_an_unfinished_file_that_is_finished_while_others_are_swept_is_no_reason_to_stop(
    tmp_path, monkeypatch
):
    spool = Spool(tmp_path)
    segment = spool.write("kalshi", "book_snapshots", rows(1))
    unfinished = segment.path.with_suffix(".parquet.tmp")
    os.link(segment.path, unfinished)
    os.utime(unfinished, (0, 0))
    listed = [unfinished.with_name("1-gone.parquet.tmp"), *spool._files()]
    monkeypatch.setattr(spool, "_files", lambda: iter(listed))
    assert spool.sweep(older_than=timedelta(hours=1)) == 1
    assert segment.path.exists()


def test_the_root_may_be_the_lake_or_the_spool_itself(tmp_path):
    assert Spool(tmp_path).directory == Spool(tmp_path / "spool").directory


def test_the_clock_of_a_segment_is_utc_whatever_zone_it_came_in(tmp_path):
    zone = datetime.fromisoformat("2026-11-20T07:00:00-05:00")
    segment = Spool(tmp_path, clock=lambda: zone).write("kalshi", "book_snapshots", rows(1))
    [found], _ = Spool(tmp_path).pending()
    assert (found.landed_at, found.landed_at.tzinfo, segment.landed_at) == (NOON, UTC, NOON)
