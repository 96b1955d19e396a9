from datetime import timedelta

import polars as pl
import pytest

from arb_platform.storage.promoter import store_rows
from arb_platform.storage.streams import event_rows, snapshot_rows
from arb_platform_tests.storage.samples import NOON, event, market, snapshot


def second(n):
    return NOON + timedelta(seconds=n)


def trusted(lake, snapshots, events):
    """The sequences that books_trusted shows."""
    rows = snapshot_rows([(one, one.received_at) for one in snapshots])

    def store(connection):
        connection.execute("DELETE FROM book_snapshots")
        connection.execute("DELETE FROM stream_events")
        store_rows(connection, "book_snapshots", rows)
        store_rows(connection, "stream_events", event_rows(events))

    lake.run(store)
    return lake.query("SELECT sequence FROM books_trusted ORDER BY received_at, sequence")[
        "sequence"
    ].to_list()


def test_a_crossed_book_is_not_trusted_and_a_one_sided_one_is(shared_lake):
    books = [snapshot(1), snapshot(2, bid=510_000), snapshot(3, bid=None), snapshot(4, ask=None)]
    assert trusted(shared_lake, books, []) == [1, 3, 4]


@pytest.mark.parametrize("kind", ["gap", "silence", "resync"])
def test_what_fell_into_a_doubt_of_its_market_is_not_trusted_but_what_ended_it_is(shared_lake, kind):
    books = [snapshot(n, at=second(n)) for n in range(6)]
    assert trusted(shared_lake, books, [event(kind=kind, start=second(2), end=second(4))]) == [0, 1, 4, 5]


@pytest.mark.parametrize("kind", ["reconnect", "quarantine", "overflow", "crossed", "clock_skew"])
def test_other_events_take_nothing_away(shared_lake, kind):
    assert trusted(shared_lake, [snapshot(1)], [event(kind=kind)]) == [1]


def test_a_doubt_is_about_its_market_or_connection_only(shared_lake):
    other = market("KX-2")
    books = [
        snapshot(1),
        snapshot(2, of=other),
        snapshot(3, session="s-2"),
        snapshot(4, of=market("KX-1", "polymarket")),
    ]
    assert trusted(shared_lake, books, []) == [1, 2, 3, 4]
    assert trusted(shared_lake, books, [event(end=second(1))]) == [2, 3]
    assert trusted(shared_lake, books, [event(market_id=None, end=second(1))]) == [3]
    assert trusted(shared_lake, books, [event(market_id="KX-2", session="", end=second(1))]) == [1, 3, 4]


def test_a_doubt_that_goes_on_ends_with_its_epoch_or_its_connection(shared_lake):
    books = [
        snapshot(1),
        snapshot(2, at=second(9)),
        snapshot(3, at=second(9), epoch=2),
        snapshot(4, at=second(9), session="s-2"),
    ]
    assert trusted(shared_lake, books, [event(start=second(1), epoch=1)]) == [1, 3, 4]
    assert trusted(shared_lake, books, [event(start=second(1), epoch=None)]) == [1, 4]


def test_the_view_stays_usable_with_many_snapshots_and_events(lake):
    count = 200_000
    frame = pl.DataFrame({"sequence": pl.arange(0, count, eager=True)}).with_columns(
        pl.lit(NOON.date()).alias("day"), pl.lit("kalshi").alias("venue"), (pl.col("sequence") % 500).cast(pl.String).alias("market_id"),
        (pl.lit(NOON) + pl.duration(milliseconds=pl.col("sequence") * 10)).alias("received_at"), pl.lit("s-1").alias("session_id"),
        pl.lit(1, pl.Int32).alias("epoch"), (pl.col("sequence") % 10 == 0).alias("crossed"),
    )  # fmt: skip
    lake.append("book_snapshots", frame)
    events = pl.DataFrame({"n": pl.arange(0, 2000, eager=True)}).select(
        pl.col("n").cast(pl.String).alias("event_id"), pl.lit("kalshi").alias("venue"), pl.lit("s-1").alias("session_id"),
        (pl.col("n") % 500).cast(pl.String).alias("market_id"), pl.lit("gap").alias("kind"),
        (pl.lit(NOON) + pl.duration(seconds=pl.col("n"))).alias("started_at"),
        (pl.lit(NOON) + pl.duration(seconds=pl.col("n") + 5)).alias("ended_at"),
    )  # fmt: skip
    lake.append("stream_events", events)
    answer = lake.query("EXPLAIN SELECT count(*) FROM books_trusted")
    assert "NESTED_LOOP" not in str(answer.rows()), "the view compares every snapshot with every event"
    assert 0 < lake.query("SELECT count(*) FROM books_trusted").item() < count * 0.9
