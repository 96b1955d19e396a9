"""The reports over a real lake, and the days they compute, keep and leave alone."""

from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest

from arb_platform.domain.errors import SettingsError
from arb_platform.reports.registry import REPORTS, read_report, report_named, run_report
from arb_platform.storage.schema import TABLES
from arb_platform_tests.reports.world import DAY, NOON, NOW, PAIR, add_calls, open_lake


def day_row(frame, **wanted):
    row = frame.filter(pl.col("scope") == "day", *(pl.col(key) == value for key, value in wanted.items()))
    return row.row(0, named=True)


def test_every_report_has_a_table_of_its_columns_and_only_known_words_in_its_sql():
    for report in REPORTS.values():
        assert [*report.columns, "computed_at"] == list(TABLES[report.table].names)
        assert set(report.shown) <= set(report.columns)
        assert set(report.order) <= set(report.columns)
        assert all("$1" in sql and "$2" in sql for sql in report.sources.values())


def test_an_unknown_report_is_named_with_those_there_are():
    with pytest.raises(SettingsError, match="no report 'costs'; choose one of llm_cost, latency"):
        report_named("costs")


def test_llm_cost_of_a_whole_day(whole_day):
    row = day_row(whole_day[0]["llm_cost"])
    assert (row["calls"], row["timeout"], row["ok"], row["unknown_cost_calls"]) == (2, 1, 1, 1)
    assert row["cost_usd"] == Decimal("0.000271")
    assert (row["cache_hits"], row["cache_saved_usd"]) == (4, Decimal("0.001084"))


def test_latency_of_a_whole_day(whole_day):
    row = day_row(whole_day[0]["latency"], venue="kalshi", stage="exchange_to_handed")
    assert (row["samples"], row["missing"], row["p50_ms"], row["budget_met"]) == (2, 1, 32, True), (
        "a first book is no change"
    )
    assert day_row(whole_day[0]["latency"], venue="kalshi", stage="handed_to_durable")["p99_ms"] == 100
    assert day_row(whole_day[0]["latency"], venue="polymarket", stage="durable_to_queryable")["samples"] == 2


def test_continuity_of_a_whole_day(whole_day):
    row = day_row(whole_day[0]["continuity"], venue="kalshi")
    assert (row["gaps"], row["snapshots"], row["gaps_per_million_frames"]) == (1, 3, 20)
    assert row["vouched_share"] == pytest.approx(1 - 1 / 121)
    assert day_row(whole_day[0]["continuity"], venue="polymarket")["vouched_share"] == 1


def test_matching_of_a_whole_day(whole_day):
    row = day_row(whole_day[0]["matching"])
    assert (row["candidates"], row["accepted"], row["asked"], row["cached"]) == (1, 1, 1, 4)


def test_opportunities_of_a_whole_day(whole_day):
    frames, edges = whole_day
    assert edges.select("at", "until", "reason", "size").rows() == [
        (NOON + timedelta(seconds=1), NOON + timedelta(seconds=61), None, 80),
        (NOON + timedelta(minutes=29, seconds=30), NOON + timedelta(minutes=30, seconds=5), "stale", 80),
        (NOON + timedelta(minutes=30, seconds=5), None, "gap", 80),
    ]
    assert edges["pair_hash"].unique().to_list() == [PAIR.pair_hash]
    # 80 at .40 and .50: 8.00 less 80 x .05 x .24 = .96 and 80 x .07 x .25 = 1.40
    assert edges["net_total"][0] == Decimal("5.64")
    reasons = frames["opportunities"].filter(pl.col("scope") == "reason")
    assert dict(reasons.select("reason", "edges").rows()) == {"taken": 1, "stale": 1, "gap": 1}


def test_an_edge_is_a_window_from_open_to_closed(lake, whole_day):
    windows = lake.query("SELECT * FROM lake.opportunity_windows")
    opened, closed = NOON + timedelta(seconds=1), NOON + timedelta(seconds=61)
    assert windows.select("opened_at", "closed_at", "seconds", "changes").rows() == [(opened, closed, 60, 1)]
    assert windows["best_net_total"][0] == Decimal("5.64")


def test_changes_without_a_break_are_one_window_and_others_are_not(tmp_path):
    at = [NOON + timedelta(minutes=n) for n in range(6)]
    spans = [(0, 1, None), (1, 2, None), (2, 3, "stale"), (3, 4, None), (5, None, None)]
    rows = [
        {
            "pair_hash": "p",
            "direction": "d",
            "at": at[begin],
            "until": None if end is None else at[end],
            "reason": reason,
        }
        for begin, end, reason in spans
    ]
    with open_lake(tmp_path) as other:
        other.append("opportunities", pl.DataFrame(rows, schema_overrides={"reason": pl.String}))
        windows = other.query(
            "SELECT opened_at, closed_at, changes FROM lake.opportunity_windows ORDER BY opened_at"
        )
    assert windows.rows() == [(at[0], at[2], 2), (at[3], at[4], 1), (at[5], None, 1)]


def test_running_twice_replaces_and_does_not_add(lake, whole_day):
    for name, report in REPORTS.items():
        first = whole_day[0][name]
        assert first.equals(run_report(lake, name, now=NOW))
        assert lake.query(f"SELECT count(*) AS n FROM lake.{report.table}")["n"][0] == first.height
    assert lake.query("SELECT count(*) AS n FROM lake.opportunities")["n"][0] == 3


def test_a_day_that_settled_is_kept_and_a_running_day_is_computed_again(tmp_path):
    with open_lake(tmp_path) as lake:
        add_calls(lake)
        assert day_row(run_report(lake, "llm_cost", now=NOW))["calls"] == 2
        lake.run(lambda connection: connection.execute("DELETE FROM llm_calls WHERE status = 'timeout'"))
        assert day_row(run_report(lake, "llm_cost", now=NOW))["calls"] == 1
        # settled two days later, with a row for each quiet day between; what is deleted after that no longer changes it
        later = NOW + timedelta(days=2)
        frame = run_report(lake, "llm_cost", since=DAY.date(), now=later)
        states = frame.filter(pl.col("scope") == "day").select("day", "state").rows()
        assert states == [
            (date(2026, 11, 20), "ok"),
            (date(2026, 11, 21), "empty"),
            (date(2026, 11, 22), "empty"),
        ]
        assert read_report(lake, "llm_cost", since=date(2026, 11, 22)).height == 1
        lake.run(lambda connection: connection.execute("DELETE FROM llm_calls"))
        kept = run_report(lake, "llm_cost", since=DAY.date(), now=later).filter(pl.col("day") == DAY.date())
        assert day_row(kept)["calls"] == 1
        again = run_report(lake, "llm_cost", since=DAY.date(), now=later, recompute=True)
        assert day_row(again.filter(pl.col("day") == DAY.date()))["calls"] == 0


def test_every_report_runs_on_an_empty_lake(tmp_path):
    with open_lake(tmp_path) as lake:
        for name in REPORTS:
            frame = run_report(lake, name, now=NOW)
            assert frame["state"].to_list() == ["empty"]
            assert frame["note"][0]
