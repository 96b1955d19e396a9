import json
from datetime import UTC, date, datetime

import polars as pl

from arb_platform.reports import matching
from arb_platform.reports.report import Period

PERIOD = Period.of(date(2026, 11, 20), datetime(2026, 11, 22, tzinfo=UTC))


def frame(broken=(), statuses=(), reviews=(), asked=0, cached=0, evaluations=(), settled=(), misses=()):
    return matching.build(PERIOD, {
        "candidates": pl.DataFrame({"pair_hash": [str(n) for n in range(len(broken))], "broken_rules": [list(names) for names in broken]}, schema={"pair_hash": pl.String, "broken_rules": pl.List(pl.String)}),
        "verdicts": pl.DataFrame({"pair_hash": [str(n) for n in range(len(statuses))], "judge": ["llm"] * len(statuses), "status": list(statuses)}, schema={"pair_hash": pl.String, "judge": pl.String, "status": pl.String}),
        "runs": pl.DataFrame({"asked": [asked], "cached": [cached]}),
        "reviews": pl.DataFrame({"decision": list(reviews)}, schema={"decision": pl.String}),
        "evaluations": pl.DataFrame(evaluations, schema={"file": pl.String, "stage": pl.String, "stratum": pl.String, **dict.fromkeys(matching.COUNTS, pl.Int64), "rules_version": pl.String, "model": pl.String}, orient="row"),
        "settlements": pl.DataFrame({"settled_alike": list(settled)}, schema={"settled_alike": pl.Boolean}),
        "misses": pl.DataFrame(misses, schema={"polymarket_id": pl.String, "kalshi_id": pl.String, "score": pl.Float64, "settled_alike": pl.Boolean, "reason": pl.String}, orient="row"),
    })  # fmt: skip


def built(**sources):
    return frame(**sources).row(0, named=True)


def test_candidates_rules_verdicts_and_reviews_are_counted():
    row = built(
        broken=[(), ("threshold", "period"), ("threshold",)],
        statuses=["accepted", "review", "rejected", "rejected", "failed"],
        reviews=["accept", "reject", "reject"],
        asked=5,
        cached=2,
    )
    assert (row["candidates"], row["broken_by_rules"]) == (3, 2)
    assert json.loads(row["broken_rules"]) == {"threshold": 2, "period": 1}
    assert [row[status] for status in matching.STATUSES] == [1, 1, 2, 1]
    # a failed question says nothing about its pair
    assert row["accepted_share"] == 0.25
    assert (row["human_accepted"], row["human_rejected"]) == (1, 2)
    assert (
        row["note"]
        == "1 questions failed and say nothing about their pairs; most often broken: threshold (2)"
    )


def test_an_empty_day_is_not_a_failed_day():
    assert built()["state"] == "empty"
    assert built(statuses=["failed", "failed"], asked=2)["state"] == "failed"
    assert built(statuses=["rejected"], asked=1)["state"] == "ok"
    assert built(statuses=["rejected"])["accepted_share"] == 0
    assert built(statuses=["failed"])["accepted_share"] is None


def test_what_was_measured_and_missed_are_rows_below_the_day():
    rows = frame(
        evaluations=[("gold.jsonl", "rules", "all", 9, 1, 2, 38, "rules-2", None), ("gold.jsonl", "rules", "date", 0, 0, 1, 9, "rules-2", None)],
        misses=[("0x1", "KX-1", 0.8, False, "never listed at the same time")],
    )  # fmt: skip
    assert rows["scope"].to_list() == ["day", "check", "check", "check"]
    whole, date_, missed = rows.rows(named=True)[1:]
    assert (whole["recall"], whole["let_through"]) == (0.9, 0.05)
    assert whole["recall_low"] < 0.9 < whole["recall_high"]
    assert (date_["recall"], date_["recall_low"]) == (None, None)  # no cases: unknown, and not zero
    assert (missed["stage"], missed["kalshi_id"]) == ("missed", "KX-1")
    assert missed["note"] == "settled unlike; never listed at the same time"
    assert matching.headline(rows) == "Nothing was matched in this period."


def test_accepted_pairs_that_settled_unlike_are_an_alarm_in_row_and_headline():
    rows = frame(broken=[()], settled=[True, False, True])
    day = rows.row(0, named=True)
    assert (day["settled_alike"], day["settled_unlike"], day["state"]) == (2, 1, "ok")
    assert day["note"].startswith("ALARM: 1 accepted pairs did not settle alike")
    assert "ALARM" in matching.headline(rows)
    assert "ALARM" not in matching.headline(frame(broken=[()], settled=[True]))
