from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.reports import continuity
from arb_platform.reports.intervals import clipped, seconds, union
from arb_platform.reports.report import Period

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
PERIOD = Period.of(date(2026, 11, 20), datetime(2026, 11, 22, tzinfo=UTC))
TIME = pl.Datetime("us", "UTC")
SCHEMAS = {
    "sessions": {"session_id": pl.String, "venue": pl.String, "shard": pl.Int32, "connected_at": TIME, "ended_at": TIME, "frames": pl.Int64, "continues": pl.String},
    "events": {"venue": pl.String, "market_id": pl.String, "session_id": pl.String, "kind": pl.String, "started_at": TIME, "ended_at": TIME},
    "quarantined": {"venue": pl.String, "frames": pl.Int64},
    "landed": {"venue": pl.String, "session_id": pl.String, "snapshots": pl.Int64, "markets": pl.Int64, "last_received": TIME},
    "markets": {"venue": pl.String, "markets": pl.Int64},
}  # fmt: skip


def at(minutes: float) -> datetime:
    return MIDNIGHT + timedelta(minutes=minutes)


def session(begin, end, *, name="s1", shard=0, frames=1000, continues=None):
    return {"session_id": name, "venue": "kalshi", "shard": shard, "connected_at": at(begin), "ended_at": None if end is None else at(end), "frames": frames, "continues": continues}  # fmt: skip


def event(kind, begin, end, *, market=None, name="s1"):
    return {"venue": "kalshi", "market_id": market, "session_id": name, "kind": kind, "started_at": at(begin), "ended_at": None if end is None else at(end)}  # fmt: skip


def landed(*, name="s1", markets=10, last=100.0, snapshots=500):
    return {"venue": "kalshi", "session_id": name, "snapshots": snapshots, "markets": markets, "last_received": at(last)}  # fmt: skip


def built(sessions=(), events=(), landed=(), quarantined=()):
    markets = [{"venue": "kalshi", "markets": max(row["markets"] for row in landed)}] if landed else []
    rows = {
        "sessions": sessions,
        "events": events,
        "landed": landed,
        "quarantined": quarantined,
        "markets": markets,
    }
    return continuity.build(
        PERIOD,
        {
            name: pl.DataFrame(list(rows[name]), schema=schema, orient="row")
            for name, schema in SCHEMAS.items()
        },
    )


def vouched(*args):
    return built(*args)["vouched_share"][0]


def test_a_clean_stream_is_vouched_for_entirely():
    row = built([session(0, 100)], [], [landed()]).row(0, named=True)
    assert (row["state"], row["vouched_share"], row["gaps_per_million_frames"]) == ("ok", 1, 0)
    assert (row["frames"], row["snapshots"], row["markets"]) == (1000, 500, 10)
    assert row["streamed_seconds"] == 6000
    assert row["streamed_share"] == pytest.approx(100 / 1440)


def test_a_gap_of_one_market_costs_that_market_only():
    assert vouched([session(0, 100)], [event("gap", 10, 20, market="m1")], [landed()]) == pytest.approx(0.99)
    assert vouched([session(0, 100)], [event("gap", 10, 20)], [landed()]) == pytest.approx(0.90)


def test_overlapping_gaps_are_not_counted_twice():
    events = [event("gap", 10, 20), event("silence", 15, 20), event("gap", 12, 22, market="m1")]
    # all ten markets blind from 10 to 20, one of them until 22
    assert vouched([session(0, 100)], events, [landed()]) == pytest.approx(1 - (10 * 10 + 2) / 1000)


def test_time_between_two_connections_is_not_vouched_for():
    two = [session(0, 40), session(50, 100, name="s2")]
    assert vouched(two, [], [landed(), landed(name="s2")]) == pytest.approx(0.9)


def test_a_crossed_book_does_not_blind():
    assert vouched([session(0, 100)], [event("crossed", 1, 90)], [landed()]) == 1


def test_a_book_is_not_vouched_for_while_it_is_rebuilt_as_in_books_trusted():
    assert vouched([session(0, 100)], [event("resync", 1, 90)], [landed()]) == pytest.approx(0.11)


def test_a_gap_that_goes_on_counts_to_the_end_of_the_connection():
    assert vouched([session(0, 100)], [event("gap", 50, None)], [landed()]) == pytest.approx(0.5)


def test_a_session_whose_process_died_counts_to_its_last_snapshot():
    row = built([session(0, None)], [], [landed(last=30)]).row(0, named=True)
    assert row["streamed_seconds"] == 30 * 60


@pytest.mark.parametrize(("continues", "share"), [("s1", 1), (None, pytest.approx(0.65))])
def test_a_connection_that_took_over_vouches_for_what_did_not_change_since(continues, share):
    sessions = [session(0, 50), session(50, 100, name="s2", continues=continues)]
    assert vouched(sessions, [], [landed(), landed(name="s2", markets=3)]) == share


def test_events_are_counted_by_kind_and_gaps_per_million_frames():
    events = [event("gap", 1, 2), event("gap", 3, 4), event("reconnect", 5, 6), event("quarantine", 7, 7)]
    row = built([session(0, 100)], events, [landed()], [{"venue": "kalshi", "frames": 3}]).row(0, named=True)
    assert (row["gaps"], row["reconnects"], row["quarantines"], row["quarantined_frames"]) == (2, 1, 1, 3)
    assert row["gaps_per_million_frames"] == 2000


def test_yesterdays_part_of_a_session_is_not_todays():
    row = built([session(-60, 60)], [event("gap", -30, -10)], [landed()]).row(0, named=True)
    assert (row["sessions"], row["gaps"], row["streamed_seconds"], row["vouched_share"]) == (0, 0, 3600, 1)
    assert row["gaps_per_million_frames"] is None


def test_an_empty_day_is_not_a_failed_day():
    assert built().select("state", "note").row(0) == ("empty", "no stream ran on this day")
    failed = built([session(0, 100)]).row(0, named=True)
    assert failed["state"] == "failed"
    assert failed["vouched_share"] is None
    assert "no snapshot landed" in failed["note"]


moments = st.integers(0, 60).map(lambda n: MIDNIGHT + timedelta(seconds=n))
intervals = st.lists(st.tuples(moments, moments), max_size=8)


@given(intervals)
def test_a_union_has_exactly_the_seconds_that_any_interval_has(pairs):
    marked = {
        n
        for a, b in pairs
        for n in range(int((a - MIDNIGHT).total_seconds()), int((b - MIDNIGHT).total_seconds()))
    }
    assert seconds(pairs) == len(marked)
    merged = union(pairs)
    assert all(one[1] < other[0] for one, other in pairwise(merged))
    assert seconds(clipped(pairs, MIDNIGHT, MIDNIGHT + timedelta(seconds=30))) == len(
        [n for n in marked if n < 30]
    )
