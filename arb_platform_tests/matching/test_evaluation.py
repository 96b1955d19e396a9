import json
from pathlib import Path

import pytest

import arb_platform_tests
from arb_platform.domain.errors import SettingsError
from arb_platform.domain.wilson import Proportion
from arb_platform.matching.candidates import propose
from arb_platform.matching.evaluation import (
    Confusion,
    evaluate,
    evaluate_candidates,
    evaluate_rules,
    load_labelled,
    markets_of,
)

FIXTURES = Path(arb_platform_tests.__file__).parents[2] / "shared" / "fixtures"
FILES = {
    "dev": FIXTURES / "pairs" / "dev.jsonl",
    "labelled titles": FIXTURES / "catalog" / "labeled_pairs_dev.jsonl",
}

SIDES = {
    "pair_id": "p1",
    "category": "tech",
    "a": {"venue": "kalshi", "title": "Will Stripe IPO before Jul 2027?", "yes_sub_title": "Stripe"},
    "b": {
        "venue": "polymarket",
        "title": "Stripe IPO by June 30, 2027?",
        "close_time": "2027-06-30T23:59:00Z",
    },
    "label": "match",
}
COLUMNS = {
    "kalshi_id": "KXHOUSE-TX7", "polymarket_id": "0x1", "kalshi_title": "Will Democratic win the House race for TX-7?",
    "polymarket_title": "Will the Democratic Party win the FL-07 House seat?", "label": "false_match", "polarity": "unknown",
    "kalshi_close_time": "2027-11-03T15:00:00Z", "polymarket_close_time": None,
}  # fmt: skip


def written(tmp_path, *lines):
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return path


def test_both_shapes_are_read_into_oriented_pairs(tmp_path):
    file = load_labelled(written(tmp_path, SIDES, COLUMNS))
    first, second = file.pairs
    assert (first.pair.polymarket.title, first.pair.kalshi.subtitle) == (
        "Stripe IPO by June 30, 2027?",
        "Stripe",
    )
    assert (first.identical, second.identical) == (True, False)
    assert second.pair.kalshi.market_id == "KXHOUSE-TX7"
    assert second.pair.polymarket.close_time is None


def test_an_inverted_pair_is_not_an_identity(tmp_path):
    file = load_labelled(written(tmp_path, COLUMNS | {"label": "true_match", "polarity": "inverted"}))
    assert not file.pairs[0].identical


def test_a_broken_line_is_kept_with_its_reason_and_the_rest_is_read(tmp_path):
    path = written(
        tmp_path, SIDES, "<html>502</html>", {"label": "match"}, COLUMNS | {"label": "perhaps"}, ""
    )
    file = load_labelled(path)
    assert len(file.pairs) == 1
    assert [skipped.line for skipped in file.skipped] == [2, 3, 4]


def test_two_pairs_of_one_id_are_both_counted(tmp_path):
    file = load_labelled(written(tmp_path, SIDES, SIDES | {"label": "no_match"}))
    assert [labelled.pair_id for labelled in file.pairs] == ["p1", "p1#2"]
    assert evaluate_rules(file).total == Confusion(identical_passed=1, other_passed=1)


def test_a_file_that_is_none_says_what_to_do(tmp_path):
    with pytest.raises(SettingsError, match=r"Name a \.jsonl file"):
        load_labelled(tmp_path / "missing.jsonl")
    with pytest.raises(SettingsError, match="holds no labelled pair"):
        load_labelled(written(tmp_path, "no json"))


def test_the_confusion_matrix_is_counted_by_stratum_with_every_mistake(tmp_path):
    file = load_labelled(written(tmp_path, SIDES, COLUMNS))
    wrong = evaluate("upside down", file, {"p1": ("no",), file.pairs[1].pair_id: ()})
    assert wrong.total == Confusion(identical_refused=1, other_passed=1)
    assert set(wrong.strata) == {"identity: tech", "all"}
    assert [(mistake.identical, mistake.reasons) for mistake in wrong.mistakes] == [
        (True, ("no",)),
        (False, ()),
    ]
    right = evaluate_rules(file)
    assert right.total == Confusion(identical_passed=1, other_refused=1)
    assert right.mistakes == ()


def test_candidates_that_miss_a_pair_are_counted(tmp_path):
    file = load_labelled(written(tmp_path, SIDES, COLUMNS))
    assert evaluate_candidates(file, propose(*markets_of(file))).total.recall == Proportion(1, 1)
    assert evaluate_candidates(file, []).total.recall == Proportion(0, 1)


def test_wilsons_interval_is_that_of_the_literature():
    # Newcombe 1998, table I: 81 of 263 gives .2553 to .3662; 0 of 20 gives 0 to .1611.
    low, high = Proportion(81, 263).interval
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    low, high = Proportion(0, 20).interval
    assert (low, round(high, 4)) == (0.0, 0.1611)


def test_no_cases_are_unknown_and_not_zero():
    assert Proportion(0, 0).value is None
    assert Proportion(0, 0).interval is None
    assert str(Proportion(0, 0)) == "no cases"


@pytest.mark.parametrize("name", FILES)
def test_the_labelled_fixtures_are_within_the_targets(name):
    if not FILES[name].exists():
        pytest.skip(f"{FILES[name]} is not here: the labelled pairs are not part of this repository")
    file = load_labelled(FILES[name])
    rules = evaluate_rules(file)
    candidates = evaluate_candidates(file, propose(*markets_of(file)))
    print(f"{name}: refused {rules.total.refused_identical}, let through {rules.total.let_through}")
    print(f"{name}: candidate recall {candidates.total.recall}")
    assert file.skipped == ()
    assert rules.total.refused_identical.value <= 0.03
    assert rules.total.let_through.value <= 0.15
    assert candidates.total.recall.value >= 0.99
