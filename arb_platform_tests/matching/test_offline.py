"""The judge without a key ranks and never accepts."""

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

import arb_platform_tests
from arb_platform.domain.pairs import Candidate, MarketPair, Verdict
from arb_platform.matching.offline import OfflineJudge, word_overlap
from arb_platform.matching.validation import validate_candidates
from arb_platform_tests.matching.judged_pairs import KALSHI_FED, NOW, PAIR, POLYMARKET_FED, numbered

PAIRS = Path(arb_platform_tests.__file__).parents[2] / "shared" / "fixtures" / "pairs" / "dev.jsonl"


def judged(candidate: Candidate, **options: object) -> Verdict:
    return asyncio.run(OfflineJudge(clock=lambda: NOW, **options).judge(candidate))


def test_the_same_words_are_for_review_and_never_accepted() -> None:
    twin = MarketPair(POLYMARKET_FED, replace(KALSHI_FED, title=POLYMARKET_FED.title, subtitle=""))
    verdict = judged(Candidate(twin, 1.0))
    assert (verdict.similarity, verdict.status, verdict.judge) == (1.0, "review", "offline")
    assert verdict.objections == ("judged offline: only a language model or a person can accept",)


def test_a_broken_rule_rejects() -> None:
    verdict = judged(Candidate(PAIR, 1.0, broken_rules=("threshold: 3 against 4",)))
    assert (verdict.similarity, verdict.status) == (0.0, "rejected")


def test_different_words_reject() -> None:
    other = replace(KALSHI_FED, title="Will it rain in Seattle?", subtitle="Rain")
    assert word_overlap(MarketPair(POLYMARKET_FED, other)) == 0.0
    assert judged(Candidate(MarketPair(POLYMARKET_FED, other), 1.0)).status == "rejected"
    assert word_overlap(MarketPair(POLYMARKET_FED, replace(other, title="", subtitle=""))) == 0.0


def test_it_goes_the_same_way_as_the_language_model_and_costs_nothing() -> None:
    kept: list[Verdict] = []
    summary = asyncio.run(
        validate_candidates(
            [numbered(n) for n in range(5)],
            judge=OfflineJudge(clock=lambda: NOW),
            known={},
            on_batch=kept.extend,
            clock=lambda: NOW,
        )
    )
    assert (summary.asked, summary.accepted, summary.cost_usd) == (5, 0, Decimal(0))
    assert {verdict.status for verdict in kept} <= {"review", "rejected"}


def test_none_of_the_labelled_pairs_is_accepted() -> None:
    if not PAIRS.exists():
        pytest.skip(f"no labelled pairs at {PAIRS}")
    for line in PAIRS.read_text().splitlines():
        row = json.loads(line)
        sides = [
            replace(
                base,
                title=row[key]["title"],
                rules=row[key]["description"],
                subtitle=row[key].get("yes_sub_title", ""),
            )
            for key, base in (("a", POLYMARKET_FED), ("b", KALSHI_FED))
        ]
        assert judged(Candidate(MarketPair(*sides), 1.0)).status != "accepted"
