import contextlib
import os
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest

from arb_platform.domain.errors import StorageError
from arb_platform.storage import maintenance
from arb_platform.storage.lake import Lake
from arb_platform.storage.lock import FileGuard
from arb_platform.storage.maintenance import maintain
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.schema import SCHEMA_VERSION
from arb_platform.storage.spool import Spool
from arb_platform.storage.streams import snapshot_rows
from arb_platform_tests.storage.kills import kills, nursery, patience, randomness, start
from arb_platform_tests.storage.maintainer import CONTENT
from arb_platform_tests.storage.samples import market, snapshot

NOW = datetime.now(UTC)


def fill(lake, *, commits=6, each=50, at=NOW, start=0):
    """Small commits whose rows are in the order of arrival, so that many markets are mixed."""
    spool = Spool(lake.location.root)
    promoter = Promoter(lake, spool)
    for commit in range(commits):
        first = start + commit * each
        books = [
            snapshot(n, of=market(f"KX-{n * 7 % 11}"), at=at + timedelta(milliseconds=n))
            for n in range(first, first + each)
        ]
        spool.write("kalshi", "book_snapshots", snapshot_rows([(book, book.received_at) for book in books]))
        promoter.promote()


def data_files(lake):
    return lake.query("SELECT data_file FROM ducklake_list_files('lake', 'book_snapshots')")[
        "data_file"
    ].to_list()


def test_small_files_become_one_sorted_file_with_the_same_rows(lake):
    fill(lake)
    before, old = lake.query(CONTENT).row(0), data_files(lake)
    report = maintain(lake, retention_days=30, now=NOW)
    assert lake.query(CONTENT).row(0) == before
    assert (len(old), len(data_files(lake))) == (6, 1)
    assert report.files_after < report.files_before
    assert (report.dropped, report.snapshots_expired, report.files_removed, report.orphans_removed) == (
        {},
        0,
        0,
        0,
    )
    markets = lake.query("SELECT market_id FROM read_parquet($1)", data_files(lake))["market_id"].to_list()
    assert (len(markets), markets) == (300, sorted(markets))


def test_files_that_a_reader_may_still_need_stay_for_a_while_and_go_later(lake):
    fill(lake)
    old = data_files(lake)
    maintain(lake, retention_days=30, now=NOW)

    def on_disk():
        return set(lake.query("SELECT file FROM glob($1)", [f"{lake.location.data}**/*.parquet"])["file"])

    assert set(old) <= on_disk()
    report = maintain(lake, retention_days=30, now=NOW + timedelta(days=2))
    assert report.snapshots_expired > 0
    assert report.files_removed >= len(old)
    assert not set(old) & on_disk()
    assert set(data_files(lake)) <= on_disk()
    assert lake.query("SELECT count(*) FROM book_snapshots").item() == 300


def test_days_beyond_retention_are_dropped_whole_and_nothing_else(lake):
    fill(lake, commits=1, at=NOW - timedelta(days=40))
    fill(lake, commits=1, start=50)
    with lake.transaction() as connection:
        connection.execute(
            "INSERT INTO reviews (pair_hash, decided_at) VALUES ('old', TIMESTAMPTZ '2020-01-01')"
        )
    report = maintain(lake, retention_days=30, now=NOW)
    assert report.dropped == {"book_snapshots": 50}
    assert lake.query("SELECT min(sequence), count(*) FROM book_snapshots").row(0) == (50, 50)
    assert lake.query("SELECT count(*) FROM reviews").item() == 1
    assert (
        lake.query("SELECT count(*) FROM ingest_segments").item() == 2
    )  # the ledger's days are those of landing


def test_a_compaction_that_changed_a_table_would_be_noticed_and_nothing_removed(lake, monkeypatch):
    fill(lake)
    removed = []
    contents = iter(range(100))
    monkeypatch.setattr(maintenance, "_content", lambda *_: maintenance._Content(next(contents), 0))
    monkeypatch.setattr(maintenance, "_expire_snapshots", lambda *_: removed.append(1))
    with pytest.raises(StorageError, match="nothing was removed"):
        maintain(lake, retention_days=30, now=NOW)
    assert removed == []


def test_never_two_at_once(lake, monkeypatch):
    monkeypatch.setattr(
        maintenance,
        "maintenance_guard",
        lambda location: FileGuard(
            location.root / "maintenance.lock", purpose="maintenance", timeout_seconds=0.1
        ),
    )
    with (
        FileGuard(lake.location.root / "maintenance.lock", purpose="another").hold(),
        pytest.raises(StorageError, match="maintenance has been going on"),
    ):
        maintain(lake, retention_days=30, now=NOW)


def test_landing_and_reading_go_on_beside_maintenance(lake, location):
    fill(lake)
    stop, failures = threading.Event(), []

    def keep_maintaining():
        try:
            with Lake.open(location) as other:
                while not stop.is_set():
                    maintain(other, retention_days=30, now=NOW)
        except Exception as error:  # noqa: BLE001 reported below
            failures.append(error)

    thread = threading.Thread(target=keep_maintaining)
    thread.start()
    for commit in range(6):
        fill(lake, commits=1, start=300 + commit * 50)
        assert lake.query("SELECT count(*) FROM book_snapshots").item() == 350 + commit * 50
    stop.set()
    thread.join(60)
    assert failures == []
    assert lake.query("SELECT count(*), count(DISTINCT sequence) FROM book_snapshots").row(0) == (600, 600)


def test_maintaining_an_empty_lake_is_nothing_to_do(lake):
    report = maintain(lake, retention_days=30, now=NOW)
    assert report.dropped == {}
    assert report.rows <= SCHEMA_VERSION  # the only rows there are: one a migration


def ended(process):
    """The milliseconds that the maintenance took; None when it was killed before its end."""
    took = None
    while (line := process.stdout.readline()) != "gone\n":
        if line.startswith("done ") and line.endswith("\n"):
            took = int(line.split()[1])
    return took


def begin(process, rounds):
    """Start a maintenance after ``rounds`` commits: its process id and what the table holds."""
    start(process, str(rounds))
    pid = int(process.stdout.readline())
    content = tuple(int(number) for number in process.stdout.readline().split())
    assert process.stdout.readline() == "maintaining\n"
    return pid, content


@pytest.mark.timeout(patience(5))
def test_kill_9_in_the_middle_of_maintenance_changes_nothing_and_the_next_one_succeeds(location):
    moments, interrupted, timer = randomness(), 0, threading.Event()
    with nursery("maintainer", location) as process, Lake.open(location, read_only=True) as reader:
        begin(process, 3)
        milliseconds = ended(process)
        for _ in range(kills(5)):
            pid, content = begin(process, 3)
            timer.wait(moments.uniform(0, milliseconds / 1000))  # never set: the moment of the kill
            with contextlib.suppress(ProcessLookupError):  # it was quicker
                os.kill(pid, signal.SIGKILL)
            interrupted += ended(process) is None
            assert reader.query(CONTENT).row(0) == content
        _, content = begin(process, 1)
        assert ended(process)
        assert reader.query(CONTENT).row(0) == content
    assert interrupted > kills(5) / 2
    assert content[0] == 50 * (3 + 3 * kills(5) + 1)
    print(f"{interrupted} of {kills(5)} maintenances of about {milliseconds} ms were killed")
    with Lake.open(location, read_only=True) as lake:
        assert len(data_files(lake)) == 1
