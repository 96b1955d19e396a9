"""Who waits for a person: doubts, and decided pairs whose words changed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from arb_platform import pipeline
from arb_platform.domain.pairs import Candidate, MarketPair
from arb_platform.settings import load_settings
from arb_platform.storage.markets import save_listing
from arb_platform.storage.pairs import save_candidates, save_review, save_verdicts
from arb_platform_tests.storage.samples import listing, pair, verdict

MORNING = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path):
    return load_settings(data_dir=tmp_path)


def propose(lake, *pairs, at=MORNING, broken=()):
    save_listing(lake, listing(*(one.polymarket for one in pairs), at=at))
    save_listing(lake, listing(*(one.kalshi for one in pairs), at=at))
    save_candidates(lake, [Candidate(one, 0.5, broken_rules=broken) for one in pairs], at)


def waiting(settings):
    return {one.candidate.pair_hash: one for one in pipeline.waiting_pairs(settings)}


def reworded(old: MarketPair) -> MarketPair:
    return replace(old, kalshi=replace(old.kalshi, rules="Yes if it happens by 2027-01-31."))


def test_a_decision_outlives_the_next_verdicts_and_ends_with_the_words_it_was_about(settings):
    old, later = pair(1), MORNING + timedelta(hours=1)
    with pipeline.open_writer(settings) as lake:
        propose(lake, old)
        save_verdicts(lake, [verdict(old, "review", at=MORNING)])
        assert set(waiting(settings)) == {old.pair_hash}
        save_review(lake, old.pair_hash, "accept", "the same release", "ann", later)
        assert waiting(settings) == {}
        # asked again by another model and prompt, in doubt again: a person has said it
        save_verdicts(lake, [verdict(old, "review", at=later + timedelta(hours=1), prompt_version="p2")])
        assert waiting(settings) == {}
        new = reworded(old)
        propose(lake, new, at=later + timedelta(hours=2))
        save_verdicts(lake, [verdict(new, "rejected", at=later + timedelta(hours=3))])
    (one,) = waiting(settings).values()
    assert one.candidate.pair_hash == new.pair_hash
    assert one.earlier == "ann accepted it on 2026-11-25, before its words changed: the same release"
    with pipeline.open_writer(settings) as lake:
        save_review(lake, new.pair_hash, "reject", "another month", "ann", later + timedelta(hours=4))
    assert waiting(settings) == {}


def test_a_decided_pair_comes_back_also_when_a_rule_now_keeps_it_from_being_asked(settings):
    old = pair(1)
    with pipeline.open_writer(settings) as lake:
        propose(lake, old)
        save_review(lake, old.pair_hash, "accept", "the same", "ann", MORNING)
        propose(lake, reworded(old), at=MORNING + timedelta(hours=1), broken=("other month",))
    (one,) = waiting(settings).values()
    assert (one.verdict, one.by_rules, one.similarity) == (None, ("other month",), 0.0)


def test_nobody_waits_whose_verdict_is_clear_or_whose_market_is_another_now(settings):
    pairs = [pair(number) for number in range(4)]
    with pipeline.open_writer(settings) as lake:
        propose(lake, *pairs)
        told = zip(pairs, ("accepted", "rejected", "failed", "review"), strict=True)
        save_verdicts(lake, [verdict(one, status, at=MORNING) for one, status in told])
        assert set(waiting(settings)) == {pairs[3].pair_hash}
        propose(lake, *pairs[:3], reworded(pairs[3]), at=MORNING + timedelta(hours=1))
    assert waiting(settings) == {}


def test_the_most_similar_pair_comes_first_with_reasons_apart(settings):
    pairs = [pair(number) for number in range(3)]
    doubts = [
        verdict(one, "review", at=MORNING, similarity=0.8 + number / 20, objections=("rule: other station", "relation is unknown"))
        for number, one in enumerate(pairs)
    ]  # fmt: skip
    with pipeline.open_writer(settings) as lake:
        propose(lake, *pairs)
        save_verdicts(lake, doubts)
    queue = pipeline.waiting_pairs(settings)
    assert [one.candidate.pair_hash for one in queue] == [one.pair_hash for one in reversed(pairs)]
    assert (queue[0].by_rules, queue[0].by_others) == (("other station",), ("relation is unknown",))
