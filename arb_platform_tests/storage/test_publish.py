from datetime import timedelta

import duckdb
import polars as pl
import pytest

from arb_platform.storage.lake import Lake
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.publish import PUBLISHED_DAYS, publish
from arb_platform.storage.spool import Spool
from arb_platform.storage.streams import event_rows
from arb_platform_tests.storage.samples import NOON, event, rows

DAY = timedelta(days=1)


def land(lake, table, *segments):
    spool = Spool(lake.location.root)
    for segment in segments:
        spool.write("kalshi", table, segment)
    Promoter(lake, spool).promote()


def published(location, sql):
    with duckdb.connect(str(location.root / "published.duckdb"), read_only=True) as plain:
        return plain.sql(sql).fetchall()


@pytest.fixture
def week(lake):
    """Three snapshots on each of five days, and a review."""
    days = [rows(3, session=f"s-{age}", at=NOON - age * DAY) for age in range(5)]
    land(lake, "book_snapshots", *days)
    lake.append("reviews", pl.DataFrame({"pair_hash": ["a"], "decided_at": [NOON - 90 * DAY]}))
    return lake


def test_only_the_last_days_of_what_grows_with_the_streams_are_copied(week, location):
    done = publish(location)
    assert (done.first_day, done.refreshed) == ((NOON - (PUBLISHED_DAYS - 1) * DAY).date(), True)
    assert published(location, "SELECT DISTINCT session_id FROM book_snapshots ORDER BY 1") == [
        ("s-0",),
        ("s-1",),
    ]
    assert published(location, "SELECT count(*) FROM reviews") == [(1,)]  # old, and no stream's
    assert publish(location, days=4).first_day == (NOON - 3 * DAY).date()
    assert published(location, "SELECT count(*) FROM book_snapshots") == [(12,)]


def test_a_snapshot_that_cannot_be_trusted_in_the_lake_cannot_be_in_the_copy(week, location):
    gaps = [
        event("open", start=NOON - 4 * DAY, session="s-0"),
        event("over", start=NOON - 4 * DAY, end=NOON - 3 * DAY, session="s-3"),
    ]
    land(week, "stream_events", event_rows(gaps))
    trusted = "SELECT DISTINCT session_id FROM books_trusted WHERE day >= DATE '2026-11-19'"
    publish(location)
    assert published(location, "SELECT event_id FROM stream_events") == [("open",)]
    assert published(location, trusted) == week.query(trusted).rows() == [("s-1",)]


def test_nothing_is_copied_when_nothing_changed(week, location):
    file = publish(location).path
    before = file.stat()
    assert not publish(location).refreshed
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    week.append("reviews", pl.DataFrame({"pair_hash": ["b"]}))
    assert publish(location).refreshed
    assert published(location, "SELECT count(*) FROM reviews") == [(2,)]


def test_a_file_that_does_not_say_what_it_was_copied_from_is_written_anew(lake, location):
    file = publish(location).path
    file.write_bytes(b"not a database")
    assert publish(location).refreshed
    with duckdb.connect(str(file)) as plain:
        plain.execute("DROP TABLE published_from")
    assert publish(location).refreshed
    file.unlink()
    assert publish(location).refreshed
    assert not publish(location).refreshed
    assert published(location, "SELECT count(*) FROM reviews") == [(0,)]


def test_a_lake_without_snapshots_is_copied_whole(location):
    with Lake.open(location) as lake:
        land(lake, "stream_events", event_rows([event(end=NOON - 90 * DAY)]))
    assert publish(location).first_day is None
    assert published(location, "SELECT count(*) FROM stream_events") == [(1,)]


def test_tables_and_columns_keep_their_descriptions(week, location):
    publish(location)
    described = published(
        location,
        "SELECT count(*) FILTER (comment IS NULL) FROM duckdb_columns() WHERE table_name = 'book_snapshots'",
    )
    assert described == [(0,)]
