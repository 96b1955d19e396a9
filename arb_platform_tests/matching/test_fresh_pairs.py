"""What a fresh eye asks of rules and candidates, sitting by sitting."""

from pathlib import Path

import pytest

import arb_platform_tests
from arb_platform.matching.candidates import propose
from arb_platform.matching.evaluation import evaluate_candidates, evaluate_rules, load_labelled, markets_of

FRESH = load_labelled(Path(arb_platform_tests.__file__).parents[1] / "data" / "gold" / "fresh.jsonl")


@pytest.fixture(scope="module")
def judged():
    return evaluate_rules(FRESH)


def test_every_line_is_read_and_every_sitting_has_both_kinds():
    assert FRESH.skipped == ()
    strata = [one.stratum for one in FRESH.pairs]
    assert min(strata.count(name) for name in set(strata)) > 30
    assert len(set(strata)) == 6


@pytest.mark.parametrize("sitting", [1, 2, 3])
def test_the_rules_are_within_their_targets(judged, sitting):
    identical = judged.strata[f"identity: sitting {sitting}"].refused_identical
    others = judged.strata[f"sitting {sitting}"].let_through
    assert identical.value <= 0.03, [one for one in judged.mistakes if one.identical]
    assert others.value <= 0.15, [one for one in judged.mistakes if not one.identical]


def test_identical_pairs_are_proposed():
    assert evaluate_candidates(FRESH, propose(*markets_of(FRESH))).total.recall.value >= 0.99
