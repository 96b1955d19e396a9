"""The gold set is what its page says it is."""

import json
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

import arb_platform
from arb_platform.domain.pairs import Relation
from arb_platform.matching.evaluation import evaluate_rules, load_labelled

ROOT = Path(arb_platform.__file__).parents[1] / "data" / "gold"
FILE = ROOT / "pairs.jsonl"
PAIRS = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
# The failure modes of matchers that this set must have, and some more.
STRATA = {
    "source_station", "bucket_vs_cumulative", "inclusive_threshold", "window_seam", "event_vs_announcement", "race_vs_standalone",
    "negation", "placeholder", "sibling", "threshold", "date", "measure", "by_vs_on", "stage", "entity", "source", "bet_type",
    "outcome", "party", "candidate", "market_type",
}  # fmt: skip
SIDE = {"venue", "title", "event_title", "description", "close_time", "outcomes", "resolution_source"}


def words(pair):
    return tuple(pair[side].get(name, "") for side in "ab" for name in ("title", "yes_sub_title", "groupItemTitle", "description"))  # fmt: skip


def test_there_are_more_than_five_hundred_pairs_and_more_than_170_identities():
    assert len(PAIRS) >= 500
    assert sum(pair["relation"] == "identity" for pair in PAIRS) >= 170


def test_every_stratum_is_there_and_none_is_a_single_case():
    counts = Counter(pair["negative_type"] for pair in PAIRS if pair["negative_type"])
    assert set(counts) == STRATA
    assert min(counts.values()) >= 4
    assert (
        min(counts[name] for name in ("date", "entity", "stage", "negation", "event_vs_announcement")) >= 25
    )
    assert len({pair["category"] for pair in PAIRS if pair["label"] == "match"}) >= 8


def test_every_pair_has_every_field_and_they_agree_with_each_other():
    for pair in PAIRS:
        check(pair)


@pytest.mark.parametrize(
    "change",
    [{"relation": "related"}, {"relation": "overlap"}, {"reason": " "}, {"negative_type": "date"}, {"orientation": "inverted"},
     {"field_matches": {"time_window": True}}, {"label": "no_match"}],
    ids=str,
)  # fmt: skip
def test_a_pair_that_contradicts_itself_would_be_noticed(change):
    identity = next(pair for pair in PAIRS if pair["relation"] == "identity")
    check(identity)
    with pytest.raises(AssertionError):
        check(identity | change)


def check(pair):
    assert (pair["a"]["venue"], pair["b"]["venue"]) == ("polymarket", "kalshi")
    assert set(pair["a"]) >= SIDE
    assert SIDE | {"yes_sub_title"} <= set(pair["b"])
    assert pair["relation"] in get_args(Relation)
    fields = pair["field_matches"]
    assert set(fields) == {"time_window", "outcome_definition", "resolution_source"}
    assert all(type(value) is bool for value in fields.values())
    assert pair["reason"].strip()
    identity = pair["relation"] == "identity"
    assert (pair["label"] == "match") is identity is (pair["negative_type"] is None) is all(fields.values())
    told = {"complement": "inverted", "disjoint": "unknown", "unknown": "unknown"}.get(
        pair["relation"], "same"
    )
    assert pair["orientation"] == ("unknown" if pair["negative_type"] == "market_type" else told)


def test_no_pair_is_there_twice():
    assert len({words(pair) for pair in PAIRS}) == len({pair["pair_id"] for pair in PAIRS}) == len(PAIRS)


def test_both_registers_are_those_of_the_venues():
    assert all(
        "market" in pair["a"]["description"].lower() or "esolves" in pair["a"]["description"]
        for pair in PAIRS
    )
    assert sum("resolves to Yes" in pair["b"]["description"] for pair in PAIRS) == len(PAIRS)


def test_the_page_tells_the_counts_of_the_file():
    page = (ROOT / "README.md").read_text()
    counts = Counter(pair["negative_type"] for pair in PAIRS)
    assert f"{len(PAIRS)} pairs, {counts[None]} of them identical" in page
    for name in STRATA:
        assert f"| {name} | {counts[name]} |" in page, name


def test_nothing_of_it_is_from_the_shared_fixtures():
    fixtures = Path(arb_platform.__file__).parents[2] / "shared" / "fixtures" / "pairs" / "dev.jsonl"
    if not fixtures.exists():
        pytest.skip(f"{fixtures} is not here")
    theirs = {words(json.loads(line)) for line in fixtures.read_text().splitlines()}
    assert not theirs & {words(pair) for pair in PAIRS}


def test_every_line_is_read_and_the_rules_are_within_their_targets():
    file = load_labelled(FILE)
    assert (len(file.pairs), file.skipped) == (len(PAIRS), ())
    rules = evaluate_rules(file)
    print(f"gold: refused {rules.total.refused_identical}, let through {rules.total.let_through}")
    assert rules.total.refused_identical.value <= 0.03
    assert rules.total.let_through.value <= 0.15
    assert all((counts.let_through.value or 0) <= 0.5 for counts in rules.strata.values())
