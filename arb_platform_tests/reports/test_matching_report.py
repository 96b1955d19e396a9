import json
from datetime import UTC, date, datetime

import polars as pl

from arb_platform.reports import matching
from arb_platform.reports.report import Period

PERIOD = Period.of(date(2026, 11, 20), datetime(2026, 11, 22, tzinfo=UTC))


def built(broken=(), statuses=(), reviews=(), asked=0, cached=0):
    return matching.build(PERIOD, {
        "candidates": pl.DataFrame({"pair_hash": [str(n) for n in range(len(broken))], "broken_rules": [list(names) for names in broken]}, schema={"pair_hash": pl.String, "broken_rules": pl.List(pl.String)}),
        "verdicts": pl.DataFrame({"pair_hash": [str(n) for n in range(len(statuses))], "judge": ["llm"] * len(statuses), "status": list(statuses)}, schema={"pair_hash": pl.String, "judge": pl.String, "status": pl.String}),
        "runs": pl.DataFrame({"asked": [asked], "cached": [cached]}),
        "reviews": pl.DataFrame({"decision": list(reviews)}, schema={"decision": pl.String}),
    }).row(0, named=True)  # fmt: skip


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
