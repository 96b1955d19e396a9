from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from arb_platform.reports import latency
from arb_platform.reports.report import Period

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PERIOD = Period.of(DAY, datetime(2026, 11, 22, tzinfo=UTC))
TIME = pl.Datetime("us", "UTC")
SNAPSHOTS = {
    "venue": pl.String, "exchange_time": TIME, "received_at": TIME, "handed_at": TIME, "landed_at": TIME,
    "promoted_at": TIME,
}  # fmt: skip


def row(at=NOON, *, venue="kalshi", network=10.0, handed=1.0, durable=40.0, queryable=900.0):
    """One snapshot received at ``at``; the stages in ms, None where the time is not known."""
    ms = lambda value: timedelta(milliseconds=value)  # noqa: E731
    return {
        "venue": venue,
        "exchange_time": None if network is None else at - ms(network),
        "received_at": at,
        "handed_at": at + ms(handed),
        "landed_at": at + ms(handed + durable),
        "promoted_at": None if queryable is None else at + ms(handed + durable + queryable),
    }


def built(*rows, sessions=("kalshi",)):
    sources = {
        "snapshots": pl.DataFrame(list(rows), schema=SNAPSHOTS, orient="row"),
        "sessions": pl.DataFrame({"venue": list(sessions)}, schema={"venue": pl.String}),
    }
    return latency.build(PERIOD, sources)


def figure(frame, stage, *, scope="day", venue="kalshi"):
    rows = frame.filter((pl.col("stage") == stage) & (pl.col("scope") == scope) & (pl.col("venue") == venue))
    return rows.row(0, named=True)


def test_stages_are_told_apart_and_add_up_to_the_total():
    frame = built(row())
    p50 = {stage: figure(frame, stage)["p50_ms"] for stage in latency.STAGES}
    assert p50 == {
        "exchange_to_received": 10, "received_to_handed": 1, "handed_to_durable": 40, "durable_to_queryable": 900,
        "exchange_to_handed": 11, "received_to_queryable": 941, "total": 951,
    }  # fmt: skip


def test_percentiles_are_exact_and_come_from_all_rows_not_from_hours():
    rng = np.random.default_rng(5)
    ages = np.round(rng.exponential(20, 1000), 3)
    # uneven hours: an average of hourly percentiles would give something else
    hours = [NOON if index < 900 else NOON + timedelta(hours=1) for index in range(1000)]
    frame = built(*[row(at, handed=float(age)) for at, age in zip(hours, ages, strict=True)])
    whole = figure(frame, "received_to_handed")
    for name, q in (("p50_ms", 50), ("p95_ms", 95), ("p99_ms", 99), ("max_ms", 100)):
        assert whole[name] == pytest.approx(np.percentile(ages, q), abs=0.002)
    hourly = frame.filter((pl.col("scope") == "hour") & (pl.col("stage") == "received_to_handed"))
    assert hourly["samples"].to_list() == [900, 100]
    assert hourly["hour"].to_list() == [NOON, NOON + timedelta(hours=1)]
    assert hourly["p99_ms"].mean() != pytest.approx(whole["p99_ms"], abs=0.002)


def test_negative_ages_are_clamped_counted_and_shown_as_clock_skew():
    frame = built(row(network=-9.0), row(network=5.0), row(network=7.0))
    network = figure(frame, "exchange_to_received")
    assert (network["samples"], network["clamped"], network["skew_ms"]) == (3, 1, 9)
    assert network["p50_ms"] == 5
    assert "clocks disagree by at least 9.0 ms" in network["note"]
    honest = figure(built(row(network=5.0)), "exchange_to_received")
    assert (honest["clamped"], honest["skew_ms"]) == (0, 0)
    assert "clocks" not in honest["note"]


def test_the_network_is_named_as_not_ours():
    frame = built(row())
    assert not figure(frame, "exchange_to_received")["ours"]
    assert "not ours" in figure(frame, "exchange_to_received")["note"]
    assert figure(frame, "received_to_handed")["ours"]
    assert "not ours" not in figure(frame, "received_to_handed")["note"]


def test_the_budget_is_about_the_median_up_to_the_handler():
    fast = built(row(network=100.0), row(network=150.0), row(network=5000.0))
    handed = figure(fast, "exchange_to_handed")
    assert (handed["budget_ms"], handed["over_budget"], handed["budget_met"]) == (200, 1, True)
    assert handed["over_budget_share"] == pytest.approx(1 / 3)
    slow = built(row(network=300.0), row(network=150.0), row(network=5000.0))
    assert figure(slow, "exchange_to_handed")["budget_met"] is False
    assert "OVER 200 ms" in latency.headline(slow)
    assert "within 200 ms" in latency.headline(fast)
    # 200 ms exactly is within
    assert figure(built(row(network=199.0)), "exchange_to_handed")["over_budget"] == 0
    assert figure(fast, "handed_to_durable")["budget_ms"] is None


def test_a_time_that_is_not_known_is_missing_and_not_zero():
    frame = built(row(network=None), row(queryable=None), row())
    assert (
        figure(frame, "exchange_to_received")["samples"],
        figure(frame, "exchange_to_received")["missing"],
    ) == (2, 1)
    queryable = figure(frame, "durable_to_queryable")
    assert (queryable["samples"], queryable["missing"]) == (2, 1)
    assert "1 rows without this figure" in queryable["note"]
    never = figure(built(row(network=None)), "exchange_to_handed")
    assert (never["samples"], never["p50_ms"], never["budget_met"]) == (0, None, None)
    assert "no row has both" in never["note"]


def test_an_empty_day_is_not_a_failed_day():
    empty = built(sessions=())
    assert empty["state"].to_list() == ["empty"]
    assert "no stream ran" in empty["note"][0]
    failed = built(sessions=("kalshi",))
    assert failed.select("venue", "state").rows() == [("kalshi", "failed")]
    assert "no snapshot landed" in failed["note"][0]


def test_one_venue_down_all_day_is_said_beside_the_other():
    frame = built(row(), sessions=("kalshi", "polymarket"))
    assert frame.filter(pl.col("venue") == "polymarket")["state"].to_list() == ["failed"]
    assert set(frame.filter(pl.col("venue") == "kalshi")["state"]) == {"ok"}


def test_every_frame_has_exactly_the_columns_of_the_table():
    for frame in (built(row()), built(sessions=()), built()):
        assert dict(frame.schema) == latency.COLUMNS
        assert set(frame["day"]) == {DAY}
