"""`arb evaluate` and `arb markets --diff` as people use them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from arb_platform import pipeline
from arb_platform.cli import main
from arb_platform.domain.markets import Listing
from arb_platform.settings import load_settings
from arb_platform.storage.markets import save_listing
from arb_platform_tests.matching.test_evaluation import COLUMNS, SIDES
from arb_platform_tests.storage.samples import market

THEN = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def arb(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARB_DATA_DIR", str(tmp_path))

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in (SIDES, COLUMNS)) + "\nno json\n")
    return path


def test_evaluate_prints_the_matrix_by_stratum_with_intervals_and_mistakes(arb, file):
    wrong = file.with_name("wrong.jsonl")
    wrong.write_text(json.dumps(SIDES | {"label": "no_match", "negative_type": "date"}))
    status, out, _ = arb("evaluate", str(file))
    assert status == 0
    assert "2 pairs, 1 of them identical; 1 lines could not be read" in out
    assert "candidates: share" in out
    assert "identity: tech" in out
    assert "1/1 = 100.0% (20.7%..100.0%)" in out
    assert "line 3: JSONDecodeError" in out
    assert "let through p1: Stripe IPO by June 30, 2027?" in arb("evaluate", str(wrong))[1]
    assert "and 1 more" in arb("evaluate", str(wrong), "--mistakes", "0")[1]


def test_evaluate_as_json_has_counts_shares_and_mistakes(arb, file):
    document = json.loads(arb("evaluate", str(file), "--json")[1])
    rules = document["stages"]["rules"]
    assert (document["pairs"], document["identical"], len(document["skipped"])) == (2, 1, 1)
    assert rules["total"]["recall"]["value"] == 1.0
    assert rules["strata"]["all"]["let_through"]["value"] == 0.0
    assert rules["strata"]["all"]["recall"] == {"value": None, "low": None, "high": None}
    assert rules["mistakes"] == []


def test_a_file_that_is_none_is_one_sentence(arb, tmp_path):
    status, _, err = arb("evaluate", str(tmp_path / "missing.jsonl"))
    assert status == 1
    assert "Name a .jsonl file" in err


def test_diff_shows_what_changed_between_the_versions_of_a_rule_text(arb, tmp_path):
    first = market("KX-1", rules="Yes if it rains. The source is the NWS. It ends at noon.", close_time=THEN)
    second = replace(
        first, rules="Yes if it rains. The source is Wunderground. It ends at noon.", volume=None
    )
    third = replace(second, close_time=THEN + timedelta(days=1))
    with pipeline.open_writer(load_settings(ARB_DATA_DIR=str(tmp_path))) as lake:
        for hours, one in enumerate((first, second, third)):
            at = THEN + timedelta(hours=hours)
            save_listing(lake, Listing("kalshi", (one, market("KX-2")), 1, at, at, True, "end"))
        at = THEN + timedelta(hours=9)
        save_listing(lake, Listing("kalshi", (market("KX-2"),), 1, at, at, True, "end"))
    status, out, _ = arb("markets", "--diff", "KX-1")
    assert status == 0
    lines = [line.rstrip() for line in out.splitlines()]
    assert "- The source is the NWS." in lines
    assert "+ The source is Wunderground." in lines
    assert "  It ends at noon." in lines
    assert "- close_time: 2026-11-20T12:00:00+00:00" in lines
    assert "+ close_time: 2026-11-21T12:00:00+00:00" in lines
    assert lines.index("changed 2026-11-20 13:00 UTC") < lines.index("changed 2026-11-20 14:00 UTC")
    assert "no longer listed since 2026-11-20 21:00 UTC" in lines
    assert "its words have not changed" in arb("markets", "--diff", "KX-2")[1]
    versions = json.loads(arb("markets", "--diff", "KX-1", "--json")[1])
    assert [version["gone"] for version in versions] == [False, False, True]
    assert len({version["content_hash"] for version in versions}) == 3


def test_diff_of_a_market_that_nobody_listed_says_what_to_do(arb, tmp_path):
    pipeline.open_writer(load_settings(ARB_DATA_DIR=str(tmp_path))).close()
    status, _, err = arb("markets", "--diff", "KX-NONE")
    assert status == 1
    assert "no market 'KX-NONE' is in the lake; list the venues first" in err
