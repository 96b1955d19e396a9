import json
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from arb_platform.domain.errors import StorageError
from arb_platform.storage.backup import back_up, restore
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.spool import Spool
from arb_platform_tests.storage import samples
from arb_platform_tests.storage.address import word
from arb_platform_tests.storage.kills import nursery, start
from arb_platform_tests.storage.samples import NOON, rows
from arb_platform_tests.storage.test_promoter import counted
from arb_platform_tests.storage.writer import ROWS

EVERYTHING = "SELECT count(*), sum(hash(t)::HUGEINT) FROM {} t"
TABLES = ("book_snapshots", "stream_events", "market_versions", "verdicts", "llm_calls", "ingest_segments")


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A lake with a little of everything, a deletion, and one segment that waits in the spool."""
    location = LakeLocation.local(tmp_path_factory.mktemp("full"))
    with Lake.open(location) as lake:
        samples.fill(lake)
        with lake.transaction() as connection:
            connection.execute(
                "DELETE FROM book_snapshots WHERE sequence = (SELECT min(sequence) FROM book_snapshots)"
            )
    Spool(location.root).write("kalshi", "book_snapshots", rows(7, session="waiting"))
    return location


@pytest.fixture(scope="module")
def backed(full, tmp_path_factory):
    """The folder of a backup of ``full``, what it said at last, and its progress."""
    folder, steps = tmp_path_factory.mktemp("backed") / "copy", []
    manifest = back_up(full, folder, now=NOON, progress=lambda *at: steps.append(at))
    return folder, manifest, steps


def content(location):
    with Lake.open(location, read_only=True) as lake:
        return {table: lake.query(EVERYTHING.format(table)).row(0) for table in TABLES}


def test_a_restored_lake_is_the_one_that_was_backed_up_and_drains_what_waited(full, backed, tmp_path):
    folder, manifest, steps = backed
    assert steps[-1] == (manifest.files, manifest.files)
    there = LakeLocation.local(tmp_path / "again")
    assert restore(folder, there) == manifest
    assert content(there) == content(full)
    with Lake.open(there) as lake:
        before = counted(lake)[0]
        Promoter(lake, Spool(there.root)).promote()
        assert counted(lake)[0] == before + 7


def test_a_backup_beside_a_writer_is_consistent_and_loses_nothing_that_was_acknowledged(location, tmp_path):
    with nursery("writer", location, "60") as process:
        start(process, "s")
        process.stdout.readline()
        while process.stdout.readline() != "10\n":
            pass
        back_up(location, tmp_path / "copy", now=NOON)
        while process.stdout.readline() != "gone\n":
            pass
    there = LakeLocation.local(tmp_path / "again")
    restore(tmp_path / "copy", there)
    with Lake.open(there) as lake:
        Promoter(lake, Spool(there.root)).promote()
        total, different = counted(lake)
    assert total == different
    assert 11 * ROWS <= total <= 60 * ROWS
    assert total % ROWS == 0
    with Lake.open(location, read_only=True) as lake:
        assert counted(lake) == (60 * ROWS, 60 * ROWS)


def test_a_lake_that_is_there_is_not_overwritten(full, backed):
    before = content(full)
    with pytest.raises(StorageError, match="move it away first"):
        restore(backed[0], full)
    assert content(full) == before


def test_a_folder_in_use_is_not_backed_up_into(full, tmp_path):
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "mine").write_text("")
    with pytest.raises(StorageError, match="not empty"):
        back_up(full, tmp_path / "copy", now=NOON)


@pytest.mark.parametrize("damage", ["manifest", "file", "row"])
def test_a_damaged_backup_is_noticed(backed, tmp_path, damage):
    shutil.copytree(backed[0], tmp_path / "copy")
    manifest = tmp_path / "copy" / "backup.json"
    if damage == "manifest":
        manifest.unlink()
    elif damage == "file":
        next((tmp_path / "copy" / "files").rglob("*.parquet")).unlink()
    else:
        document = json.loads(manifest.read_text())
        document["rows"]["verdicts"] += 1
        manifest.write_text(json.dumps(document))
    with pytest.raises(StorageError, match=r"no backup|cannot be read|differs from the backup in verdicts"):
        restore(tmp_path / "copy", LakeLocation.local(tmp_path / "again"))


def test_a_lake_on_postgresql_is_sent_to_its_own_tools(location, tmp_path):
    with pytest.raises(StorageError, match="pg_dump"):
        back_up(replace(location, catalog="postgres:dbname=x"), tmp_path / "copy", now=NOON)
    assert not (tmp_path / "copy").exists()


def test_a_backup_that_is_killed_is_no_backup(full, tmp_path):
    code = """
import os, sys
from datetime import datetime, UTC
from pathlib import Path
from arb_platform.storage.backup import back_up
from arb_platform_tests.storage.address import location_of
back_up(location_of(sys.argv[1]), Path(sys.argv[2]), now=datetime.now(UTC), progress=lambda done, total: os._exit(9))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, word(full), str(tmp_path / "copy")], check=False, timeout=60
    )
    assert done.returncode == 9
    with pytest.raises(StorageError, match="not finished"):
        restore(tmp_path / "copy", LakeLocation.local(tmp_path / "again"))
    shutil.rmtree(tmp_path / "copy")
    assert back_up(full, tmp_path / "copy", now=NOON).files > 0  # the killed one left no lock behind
