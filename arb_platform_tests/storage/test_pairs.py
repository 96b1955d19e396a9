from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from arb_platform.domain.errors import StorageError
from arb_platform.domain.pairs import Candidate, Evidence, FieldMatches
from arb_platform.storage.markets import save_listing
from arb_platform.storage.pairs import (
    Review,
    ValidationRun,
    load_candidates,
    load_reviews,
    load_verdicts,
    save_candidates,
    save_review,
    save_validation_run,
    save_verdicts,
    valid_verdicts,
)  # fmt: skip
from arb_platform_tests.storage.samples import NOON, listing, market, pair, verdict

NOW = datetime.now(UTC)


def propose(lake, *pairs, at=NOON, **fields):
    save_listing(lake, listing(*(one.polymarket for one in pairs), at=at))
    save_listing(lake, listing(*(one.kalshi for one in pairs), at=at))
    save_candidates(lake, [Candidate(one, 0.5, **fields) for one in pairs], at)


def matched(lake):
    return lake.query("SELECT pair_hash, decided_by FROM matched_pairs ORDER BY ALL").rows()


def test_candidates_come_back_with_their_markets_best_first(lake):
    one, two = pair(1), pair(2)
    propose(lake, one, two)
    better = Candidate(two, 0.9, {"cosine": 0.9, "tokens": ["a", "b"]}, ("bucket or cumulative", "polarity"))
    save_candidates(lake, [better], NOON + timedelta(days=1))
    assert load_candidates(lake) == [better, Candidate(one, 0.5)]
    assert load_candidates(lake, unbroken_only=True) == [Candidate(one, 0.5)]
    times = lake.query("SELECT first_proposed_at, proposed_at FROM candidate_pairs WHERE score = 0.9").row(0)
    assert times == (NOON, NOON + timedelta(days=1))
    save_candidates(lake, [], NOON)


def test_a_candidate_whose_market_changed_or_is_gone_is_another_pair(lake):
    propose(lake, pair(1), pair(2), pair(3))
    save_listing(lake, listing(pair(1).kalshi, market("KX-2", rules="Other."), at=NOW))
    assert [one.pair for one in load_candidates(lake)] == [pair(1)]


def test_a_verdict_comes_back_as_it_was_and_is_kept_once(lake):
    given = verdict(
        pair(), "review", similarity=0.1 + 0.2, relation="subset", orientation="inverted", field_matches=FieldMatches(True, False, True),
        evidence=(Evidence("kalshi", "“Yes” if\n"), Evidence("polymarket", 'a "b"')), objections=("release month", "no evidence"),
    )  # fmt: skip
    save_verdicts(lake, [given])
    save_verdicts(lake, [given])
    save_verdicts(lake, [])
    assert load_verdicts(lake) == [given]
    assert lake.query("SELECT evidence->>'$[1].quote' AS quote FROM verdicts").item() == 'a "b"'


def test_only_a_verdict_of_this_model_prompt_and_rules_that_still_holds_saves_a_call(lake):
    asked = {"model": "deepseek-flash", "prompt_version": "p1", "rules_version": "r1"}
    good = verdict(pair(1))
    newer = verdict(pair(1), "rejected", at=NOON + timedelta(hours=1))
    save_verdicts(lake, [good, verdict(pair(2), "failed"), verdict(pair(3), days=1), newer])
    assert valid_verdicts(lake, **asked, now=NOON) == {
        good.pair_hash: good,
        pair(3).pair_hash: verdict(pair(3), days=1),
    }
    assert valid_verdicts(lake, **asked, now=NOON + timedelta(days=2)) == {good.pair_hash: newer}
    for key in asked:
        assert valid_verdicts(lake, **{**asked, key: "other"}, now=NOON) == {}


def test_the_newest_verdict_of_a_pair_speaks_for_it(lake):
    old, new, other = (
        verdict(pair(1), "review"),
        verdict(pair(1), at=NOON + timedelta(hours=1)),
        verdict(pair(2), "review"),
    )
    save_verdicts(lake, [new, old, other])
    assert load_verdicts(lake) == [new, other]
    assert load_verdicts(lake, "review") == [other]
    assert len(load_verdicts(lake, "review", history=True)) == 2


def test_only_an_accepted_verdict_that_holds_makes_a_matched_pair(lake):
    pairs = [pair(n) for n in range(1, 8)]
    propose(lake, *pairs)
    accepted = verdict(pairs[0], at=NOW)
    save_verdicts(
        lake,
        [
            accepted,
            verdict(pairs[1], "review", at=NOW, similarity=0.99),
            verdict(pairs[2], "rejected", at=NOW),
            verdict(pairs[3], "failed", at=NOW),
            verdict(pairs[4], at=NOW - timedelta(days=31)),
            verdict(pairs[5], at=NOW, judge="offline"),
        ],
    )
    assert matched(lake) == [(pairs[0].pair_hash, "llm:deepseek-flash")]
    row = lake.query("SELECT * FROM matched_pairs").row(0, named=True)
    assert (row["polymarket_id"], row["kalshi_id"], row["orientation"], row["similarity"]) == (
        "0x1",
        "KX-1",
        "same",
        0.97,
    )
    assert row["decided_at"] == NOW


def test_a_newer_verdict_takes_the_match_back_and_a_failure_or_an_offline_one_does_not(lake):
    propose(lake, pair(1))
    save_verdicts(lake, [verdict(pair(1), at=NOW - timedelta(hours=3))])
    later = NOW - timedelta(hours=2)
    save_verdicts(
        lake, [verdict(pair(1), "failed", at=later), verdict(pair(1), "rejected", at=later, judge="offline")]
    )
    assert len(matched(lake)) == 1
    save_verdicts(lake, [verdict(pair(1), "review", at=NOW - timedelta(hours=1))])
    assert matched(lake) == []


def test_a_person_overrules_the_model_until_the_pair_means_something_else(lake):
    one, two = pair(1), pair(2)
    propose(lake, one, two)
    save_verdicts(lake, [verdict(one, "rejected", at=NOW), verdict(two, at=NOW)])
    save_review(lake, one.pair_hash, "accept", "same release", "ann", NOW - timedelta(days=400))
    save_review(lake, two.pair_hash, "reject", "other station", "bob", NOW)
    assert matched(lake) == [(one.pair_hash, "human:ann")]
    save_review(lake, two.pair_hash, "accept", "no, it is the same", "ann", NOW + timedelta(seconds=1))
    assert len(matched(lake)) == 2
    assert [review.reviewer for review in load_reviews(lake)] == ["ann", "bob", "ann"]
    assert load_reviews(lake)[1] == Review(two.pair_hash, "reject", "other station", "bob", NOW)
    save_listing(lake, listing(replace(one.kalshi, rules="Edited."), two.kalshi, at=NOW))
    assert matched(lake) == [(two.pair_hash, "human:ann")]


def test_a_review_of_nothing_or_with_another_word_is_refused(lake):
    with pytest.raises(StorageError, match="arb review list"):
        save_review(lake, "0" * 64, "accept", "", "ann", NOW)
    with pytest.raises(StorageError, match="accept or reject"):
        save_review(lake, "0" * 64, "maybe", "", "ann", NOW)


def test_a_validation_run_is_one_row_however_often_it_is_saved(lake):
    run = ValidationRun("r", NOON, NOON, "llm", "m", 10, 3, 7, 1, 1, 1, 0, Decimal("0.001"))
    save_validation_run(lake, run)
    save_validation_run(lake, replace(run, stopped_reason="budget"))
    assert lake.query("SELECT cached, cost_usd, stopped_reason FROM validation_runs").rows() == [
        (7, Decimal("0.001"), "budget")
    ]
