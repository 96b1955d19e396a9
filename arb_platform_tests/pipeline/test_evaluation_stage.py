"""Measuring a labelled file keeps its figures and asks a model only where that is meant."""

import json

import pytest

from arb_platform.pipeline import now, open_writer
from arb_platform.pipeline.evaluation import GOLD, asks_a_model, evaluate_file
from arb_platform.reports.registry import run_report
from arb_platform.settings import load_settings
from arb_platform_tests.matching.test_evaluation import COLUMNS, SIDES
from arb_platform_tests.pipeline.conftest import asked


@pytest.fixture
def own(tmp_path):
    return load_settings(ARB_DATA_DIR=str(tmp_path))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in (SIDES, COLUMNS)))
    return path


def test_candidates_and_rules_are_measured_and_kept_by_stratum(own, file):
    labelled, found = evaluate_file(own, file)
    assert [one.stage for one in found] == ["candidates", "rules"]
    assert len(labelled.pairs) == 2
    rows = asked(
        own,
        "SELECT file, stage, stratum, identical_passed, other_refused, model FROM evaluations ORDER BY ALL",
    )
    assert ("pairs.jsonl", "rules", "all", 1, 1, None) in rows
    assert ("pairs.jsonl", "rules", "identity: tech", 1, 0, None) in rows
    assert ("pairs.jsonl", "candidates", "all", 1, 0, None) in rows or (
        "pairs.jsonl",
        "candidates",
        "all",
        1,
        1,
        None,
    ) in rows


def test_the_report_keeps_the_figures_of_each_day_with_their_intervals(own, file):
    evaluate_file(own, file)
    evaluate_file(own, file)  # the last one of the day counts
    with open_writer(own) as lake:
        report = run_report(lake, "matching", now=now())
    (row,) = report.filter((report["stage"] == "rules") & (report["stratum"] == "all")).to_dicts()
    assert (row["scope"], row["file"], row["recall"], row["let_through"]) == (
        "check",
        "pairs.jsonl",
        1.0,
        0.0,
    )
    assert 0 < row["recall_low"] < 0.5
    assert 0.5 < row["let_through_high"] < 1
    assert report.filter(report["scope"] == "day").height == 1


def test_a_model_is_asked_only_with_a_key_that_may_be_used_here(own):
    keyed = load_settings(ARB_DATA_DIR=str(own.data_dir), DEEPSEEK_API_KEY="k")
    assert not asks_a_model(own)
    assert not asks_a_model(keyed)  # the demo does not spend real money
    assert asks_a_model(load_settings(DEEPSEEK_API_KEY="k", ARB_PROFILE="live"))
    assert asks_a_model(load_settings(DEEPSEEK_API_KEY="k", ARB_DEEPSEEK_BASE_URL="http://127.0.0.1:9"))


def test_verdicts_are_measured_behind_the_rules_and_paid_for_once(copied, file):
    settings = copied()
    _, found = evaluate_file(settings, file)
    verdicts = found[-1]
    assert verdicts.stage == "verdicts"
    assert verdicts.total.other_refused == 1  # the rules refused it; nobody was asked
    calls = asked(settings, "SELECT count(*) FROM llm_calls WHERE run_id LIKE 'evaluate-%'")
    assert calls[0][0] >= 1
    evaluate_file(settings, file)
    assert asked(settings, "SELECT count(*) FROM llm_calls WHERE run_id LIKE 'evaluate-%'") == calls
    assert asked(settings, "SELECT DISTINCT stage, model IS NULL FROM evaluations ORDER BY 1") == [
        ("candidates", True), ("rules", True), ("verdicts", False),
    ]  # fmt: skip
    _, without = evaluate_file(settings, file, verdicts=False)
    assert [one.stage for one in without] == ["candidates", "rules"]


def test_the_gold_set_is_where_the_program_looks_for_it():
    assert GOLD.exists()
