from datetime import UTC, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb_platform.domain.books import BookSnapshot, Level
from arb_platform.domain.streams import QuarantinedFrame, StreamSession
from arb_platform.storage.schema import TABLES
from arb_platform.storage.streams import event_rows, quarantine_rows, session_rows, snapshot_rows
from arb_platform_tests.storage.samples import NOON, event, market, snapshot

LEVELS = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(1, 10**18 - 1)).map(lambda pair: Level(*pair)), max_size=5
).map(tuple)


@given(bids=LEVELS, asks=LEVELS)
@settings(max_examples=60, deadline=None)
def test_units_arrive_as_the_same_exact_decimals(bids, asks):
    book = BookSnapshot(market(), bids, asks, None, NOON, 1)
    [row] = snapshot_rows([(book, NOON)]).to_pylist()
    for side, levels in (("bid", bids), ("ask", asks)):
        for depth in range(3):
            level = levels[depth] if depth < len(levels) else None
            shown = (row[f"{side}{depth + 1}_px"], row[f"{side}{depth + 1}_sz"])
            assert shown == ((None, None) if level is None else (level.price, level.size))


def test_many_rows_keep_their_own_values_and_types():
    books = [
        (snapshot(n, bid=None if n % 3 == 0 else n * 1000, at=NOON + timedelta(seconds=n)), NOON)
        for n in range(100)
    ]
    table = snapshot_rows(books)
    assert table.schema.field("bid1_px").type == TABLES["book_snapshots"].arrow_schema().field("bid1_px").type
    for n, row in enumerate(table.to_pylist()):
        assert (row["sequence"], row["received_at"]) == (n, NOON + timedelta(seconds=n))
        assert row["bid1_px"] == (None if n % 3 == 0 else Decimal(n).scaleb(-3))


def test_duckdb_reads_what_arrow_wrote_without_a_cast(tmp_path):
    rows = snapshot_rows([(snapshot(), NOON)])
    kinds = dict(duckdb.sql("DESCRIBE SELECT * FROM rows").select("column_name", "column_type").fetchall())
    assert (kinds["bid1_px"], kinds["bid1_sz"], kinds["received_at"]) == (
        "DECIMAL(9,6)",
        "DECIMAL(18,6)",
        "TIMESTAMP WITH TIME ZONE",
    )
    assert rows.column_names == [
        name for name in TABLES["book_snapshots"].names if name not in {"landed_at", "segment_id"}
    ]


def test_the_day_is_the_utc_day_of_the_receipt():
    late = datetime.fromisoformat("2026-11-20T23:30:00-05:00")
    assert snapshot_rows([(snapshot(at=late), late)]).column("day").to_pylist() == [
        late.astimezone(UTC).date()
    ]
    before = datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert snapshot_rows([(snapshot(at=before), before)]).column("day").to_pylist() == [before.date()]


def test_a_time_without_a_zone_is_refused():
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        snapshot_rows([(snapshot(), naive)])


def test_a_price_that_is_no_price_is_our_bug_and_not_a_wrong_row():
    with pytest.raises(ValueError, match="does not fit"):
        snapshot_rows([(snapshot(bid=10**9), NOON)])


def test_no_rows_are_a_table_of_no_rows():
    assert [len(rows([])) for rows in (snapshot_rows, event_rows, session_rows, quarantine_rows)] == [
        0,
        0,
        0,
        0,
    ]


def test_frames_keep_their_bytes_and_texts_lose_only_what_utf8_cannot_hold():
    [frame] = quarantine_rows(
        [QuarantinedFrame("kalshi", NOON, "bad \ud800 text", b"\x00\xff", "s")]
    ).to_pylist()
    assert (frame["frame"], frame["reason"]) == (b"\x00\xff", "bad � text")
    [session] = session_rows([StreamSession("s", "kalshi", 2, NOON)]).to_pylist()
    assert (session["shard"], session["ended_at"], session["reconnect_of"]) == (2, None, None)
    [gap] = event_rows([event(end=NOON)]).to_pylist()
    assert (gap["kind"], gap["ended_at"], gap["epoch"]) == ("gap", NOON, 1)
