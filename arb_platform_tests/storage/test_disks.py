"""Disks that fill up, cannot be written or lose the catalogue, for real where we may mount one."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from arb_platform.domain.errors import ArbError, DiskFull, StorageError
from arb_platform.storage.attach import LakeLocation
from arb_platform.storage.lake import Lake
from arb_platform.storage.maintenance import maintain
from arb_platform.storage.promoter import Promoter, Promotion
from arb_platform.storage.publish import publish
from arb_platform.storage.spool import Spool
from arb_platform_tests.storage.maintainer import CONTENT
from arb_platform_tests.storage.samples import rows
from arb_platform_tests.storage.test_promoter import counted

WHY_NOT = "a disk of our own cannot be mounted here (that takes root)"


@pytest.fixture
def disk(tmp_path, location):
    """A lake on a file system of 8 MB, and a way to mount that again as something else."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options):
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=False, capture_output=True
        )

    if mount("size=8m").returncode:
        pytest.skip(WHY_NOT)
    shutil.copytree(location.root, place, dirs_exist_ok=True)
    yield LakeLocation.local(place), mount
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextlib.contextmanager
def full(location, *, room=0):
    """So many bytes left, as long as it lasts."""
    ballast = location.root / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    os.truncate(ballast, ballast.stat().st_size - room)
    assert abs(shutil.disk_usage(location.root).free - room) < 8192
    yield
    ballast.unlink()


def fill(lake, commits=3):
    for number in range(commits):
        spool = Spool(lake.location.root)
        spool.write("kalshi", "book_snapshots", rows(50, start=number * 50, session="there"))
        Promoter(lake, spool).promote()


def test_wherever_the_disk_fills_up_the_segment_stays_and_is_promoted_once_when_there_is_room(disk):
    location, _ = disk
    spool, refused = Spool(location.root), []
    with Lake.open(location) as lake:
        fill(lake)
        spool.write("kalshi", "book_snapshots", rows(4000))
        promoter = Promoter(lake, spool)
        # SQLite may need room for readers too, and says so in riddles.
        with full(location), contextlib.suppress(DiskFull):
            assert counted(lake) == (150, 150)
        for room in range(0, 1_000_000, 24_576):
            with full(location, room=room):
                try:
                    assert promoter.promote() == Promotion(1, 4000, 0)
                except DiskFull:
                    refused.append(room)
                    assert len(spool.pending()[0]) == 1
                else:
                    break
            assert counted(lake) == (150, 150)
        assert counted(lake) == (4150, 4150)
    assert len(refused) > 1
    assert spool.pending() == ([], [])
    print(f"refused with up to {refused[-1]} bytes left")


def test_maintenance_and_publication_on_a_full_disk_change_nothing_and_succeed_with_room(disk):
    location, _ = disk
    with Lake.open(location) as lake:
        fill(lake)
        published = publish(location).path
        content, before = lake.query(CONTENT).row(0), published.read_bytes()
        fill(lake, 1)
        content = lake.query(CONTENT).row(0)
        now = datetime.now(UTC)
        with full(location):
            with pytest.raises(DiskFull):
                maintain(lake, retention_days=3650, now=now)
            with pytest.raises(StorageError, match=r"still stands|free some space"):
                publish(location)
            assert published.read_bytes() == before
        assert maintain(lake, retention_days=3650, now=now + timedelta(days=3)).files_after < 10
        assert lake.query(CONTENT).row(0) == content
        assert publish(location).refreshed


def test_on_a_read_only_disk_writing_is_one_sentence_and_nothing_is_lost(disk):
    location, mount = disk
    with Lake.open(location) as lake:
        fill(lake)
        Spool(location.root).write("kalshi", "book_snapshots", rows(10))
        lake.close()  # or a file is open for writing; it is attached again when it is needed
        assert mount("remount,ro").returncode == 0
        for act in (
            lambda: Spool(location.root).write("kalshi", "book_snapshots", rows(1)),
            lambda: Promoter(lake, Spool(location.root)).promote(),
            lambda: maintain(lake, retention_days=30, now=datetime.now(UTC)),
            lambda: publish(location),
            lambda: Lake.open(location),
            # SQLite keeps its index of the log beside the catalogue for readers too.
            lambda: Lake.open(location, read_only=True),
            lambda: lake.query("SELECT count(*) FROM book_snapshots"),
        ):
            with pytest.raises(ArbError, match=r"must be writable|make .* writable") as caught:
                act()
            assert "\n" not in str(caught.value)
        assert mount("remount,rw").returncode == 0
        assert Promoter(lake, Spool(location.root)).promote() == Promotion(1, 10, 0)


ATTEMPTS = """
import json, os, pathlib, sys
from arb_platform.domain.errors import ArbError
from arb_platform.storage.analyst import write_analyst_sql
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.spool import Spool
from arb_platform_tests.storage.samples import rows

def attempt(folder):
    location = LakeLocation.local(pathlib.Path(folder))
    for act in (
        lambda: Lake.open(location).close(),
        lambda: Spool(location.root).write("kalshi", "book_snapshots", rows(1)),
        lambda: write_analyst_sql(location),
    ):
        try:
            act()
        except ArbError as error:
            yield str(error)

allowed = list(attempt(sys.argv[1]))  # everything is imported now: nobody else may read this interpreter
if os.geteuid() == 0:  # nothing is forbidden to root
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
print(json.dumps([allowed, list(attempt(sys.argv[2]))]))
"""


def test_a_folder_that_may_not_be_written_is_a_sentence_for_each_who_tries(tmp_path):
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to everybody else
        Path(folder).chmod(0o555)
        code = [sys.executable, "-c", ATTEMPTS, str(tmp_path), folder]
        ran = subprocess.run(code, capture_output=True, text=True, check=True)
        Path(folder).chmod(0o755)
    allowed, said = json.loads(ran.stdout)
    assert (len(allowed), len(said)) == (0, 3)
    assert all("writ" in sentence and "\n" not in sentence for sentence in said)


@pytest.mark.parametrize("restored", ["moved back", "from a copy"])
def test_a_catalogue_that_is_gone_under_a_running_writer_does_not_take_segments_with_it(
    lake, location, restored
):
    spool = Spool(location.root)
    promoter = Promoter(lake, spool)
    fill(lake)
    kept = location.root.parent / "kept"
    kept.mkdir()
    parts = [part.rename(kept / part.name) for part in location.root.glob("catalog.sqlite*")]
    spool.write("kalshi", "book_snapshots", rows(10))
    for _ in range(2):
        with pytest.raises(StorageError, match="is gone"):
            promoter.promote()
    assert len(spool.pending()[0]) == 1
    bring = Path.rename if restored == "moved back" else shutil.copy
    for part in parts:
        bring(part, location.root / part.name)
    assert promoter.promote() == Promotion(1, 10, 0)
    with Lake.open(location, read_only=True) as another:
        assert counted(another) == (160, 160)
