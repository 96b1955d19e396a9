from datetime import UTC, date, datetime
from decimal import Decimal
from typing import get_args

import polars as pl
import pytest

from arb_platform.domain.calls import CallStatus
from arb_platform.reports import llm_cost
from arb_platform.reports.report import Period

PERIOD = Period.of(date(2026, 11, 20), datetime(2026, 11, 22, tzinfo=UTC))
CALLS = {
    "pair_hash": pl.String, "provider": pl.String, "model": pl.String, "status": pl.String, "latency_ms": pl.Float64,
    "prompt_tokens": pl.Int64, "cached_tokens": pl.Int64, "completion_tokens": pl.Int64,
    "cost_usd": pl.Decimal(18, 12), "fallback": pl.Boolean,
}  # fmt: skip
RUNS = {"judge": pl.String, "asked": pl.Int64, "cached": pl.Int64, "stopped_reason": pl.String}


def call(pair="p1", status="ok", *, cost: str | None = "0.000123456789", provider="deepseek", fallback=False):
    usage = (
        {"prompt_tokens": 1000, "cached_tokens": 900, "completion_tokens": 100} if cost is not None else {}
    )
    return {
        "pair_hash": pair, "provider": provider, "model": f"{provider}-flash", "status": status, "latency_ms": 250.0,
        "cost_usd": None if cost is None else Decimal(cost), "fallback": fallback, **usage,
    }  # fmt: skip


def run(asked=0, cached=0, stopped_reason=None, judge="llm"):
    return {"judge": judge, "asked": asked, "cached": cached, "stopped_reason": stopped_reason}


def built(calls=(), runs=(), earlier=("0", 0)):
    sources = {
        "calls": pl.DataFrame(list(calls), schema=CALLS, orient="row"),
        "runs": pl.DataFrame(list(runs), schema=RUNS, orient="row"),
        "earlier": pl.DataFrame({"cost_usd": [Decimal(earlier[0])], "pairs": [earlier[1]]}),
    }
    return llm_cost.build(PERIOD, sources)


def day(frame):
    return frame.filter(pl.col("scope") == "day").row(0, named=True)


def test_money_is_summed_exactly():
    frame = built([call(f"p{n}", cost="0.000000000001") for n in range(3)] + [call("p9", cost="0.1")] * 3)
    assert day(frame)["cost_usd"] == Decimal("0.300000000003")
    # what binary fractions would have said
    assert 0.1 + 0.1 + 0.1 != 0.3


def test_rows_by_model_add_up_to_the_day():
    frame = built(
        [call("a"), call("b"), call("b", "timeout", cost=None), call("b", provider="openai", fallback=True)]
    )
    models = frame.filter(pl.col("scope") == "model")
    assert models.select("provider", "calls", "ok", "failures", "timeout").rows() == [
        ("deepseek", 3, 2, 1, 1),
        ("openai", 1, 1, 0, 0),
    ]
    total = day(frame)
    assert total["cost_usd"] == sum(models["cost_usd"])
    assert (total["calls"], total["fallback_calls"], total["fallback_share"]) == (4, 1, 0.25)
    assert total["total_tokens"] == 3 * 1100
    assert total["cached_share"] == 0.9


def test_every_kind_of_failure_has_its_column_and_none_is_counted_as_an_answer():
    kinds = [status for status in get_args(CallStatus) if status not in {"ok", "started"}]
    row = day(
        built([call(status=kind, cost=None) for kind in kinds] + [call(status="started", cost=None), call()])
    )
    assert all(row[kind] == 1 for kind in kinds)
    assert (row["failures"], row["unfinished"], row["ok"]) == (len(kinds), 1, 1)


def test_a_call_of_unknown_cost_is_counted_apart_and_is_not_free():
    row = day(built([call(cost="0.5"), call("p2", cost=None)]))
    assert (row["cost_usd"], row["unknown_cost_calls"]) == (Decimal("0.5"), 1)
    assert "1 calls of unknown cost" in row["note"]
    assert day(built([call()]))["unknown_cost_calls"] == 0
    assert day(built([call()]))["note"] == ""


def test_cost_per_pair_counts_a_pair_once_and_includes_failed_attempts():
    row = day(built([call("a", "not_json", cost="0.02"), call("a", cost="0.02"), call("b", cost="0.02")]))
    assert row["validated_pairs"] == 2
    assert row["cost_per_validated_pair_usd"] == Decimal("0.03")
    assert day(built([call(status="timeout", cost=None)]))["cost_per_validated_pair_usd"] is None


def test_a_cache_hit_is_worth_what_a_pair_costs_that_day():
    row = day(built([call("a", cost="0.02"), call("b", cost="0.04")], [run(2, 5), run(0, 7)]))
    assert (row["cache_hits"], row["cache_saved_usd"]) == (12, Decimal("0.36"))


def test_a_day_of_hits_only_takes_the_price_of_the_last_month_or_says_unknown():
    row = day(built(runs=[run(0, 10)], earlier=("0.5", 100)))
    assert row["cache_saved_usd"] == Decimal("0.05")
    assert (row["state"], row["note"]) == ("ok", "no call was needed: 10 pairs came from the cache")
    assert day(built(runs=[run(0, 10)]))["cache_saved_usd"] is None
    assert day(built())["cache_saved_usd"] == 0


def test_hits_of_the_offline_judge_save_nothing():
    row = day(built([call(cost="0.02")], [run(1, 5), run(0, 100, judge="offline")]))
    assert (row["cache_hits"], row["cache_saved_usd"]) == (5, Decimal("0.10"))


@pytest.mark.parametrize(
    ("calls", "runs", "state", "words"),
    [
        ([], [], "empty", "no validation ran"),
        ([], [run(asked=7, stopped_reason="the daily budget is spent")], "failed", "7 pairs were to be asked and no call was made; a run stopped: the daily budget"),
        ([], [run(stopped_reason="the daily budget is spent")], "failed", "no call was made; a run stopped: the daily budget"),
        ([], [run(asked=7, judge="offline")], "empty", "only a judge without a language model ran"),
        ([call(status="timeout", cost=None)], [run(asked=1)], "failed", "none of 1 calls gave a usable answer"),
        ([call(status="timeout", cost=None), call()], [run(asked=1)], "ok", ""),
    ],
)  # fmt: skip
def test_an_empty_day_is_not_a_failed_day(calls, runs, state, words):
    row = day(built(calls, runs))
    assert row["state"] == state
    assert words in row["note"]


def test_the_headline_says_what_was_spent():
    assert "No language model was called" in llm_cost.headline(built())
    said = llm_cost.headline(built([call(cost="0.25"), call("b", cost=None)], [run(2, 2)]))
    assert said.startswith(
        "$0.2500 for 2 validated pairs in 2 calls, and 1 calls of unknown cost; 2 verdicts"
    )


def test_every_frame_has_exactly_the_columns_of_the_table():
    for frame in (built(), built([call()])):
        assert dict(frame.schema) == llm_cost.COLUMNS
