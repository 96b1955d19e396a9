"""What an operator is warned about: each warning seen red and green."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from arb_platform.defs.budget import Today, ahead, warnings
from arb_platform.defs.review_table import queue_metadata
from arb_platform.domain.pairs import Candidate, MarketPair
from arb_platform.pipeline import Waiting
from arb_platform.pipeline.models import models_in_use
from arb_platform.settings import load_settings
from arb_platform_tests.storage.samples import market, verdict

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
CALM = Today(answered=100, primary_calls=100)


def settings(**changes):
    return load_settings(**{"deepseek_api_key": "a", "openai_api_key": "b"} | changes)


@pytest.mark.parametrize(
    ("today", "changes", "keys"),
    [
        (CALM, {}, set()),
        (Today(), {}, set()),
        (replace(CALM, spent=Decimal("7.99")), {}, set()),
        (replace(CALM, spent=Decimal(8)), {}, {"budget-0.8"}),
        (replace(CALM, spent=Decimal(10)), {}, {"budget-0.8", "budget-1"}),
        (replace(CALM, spent=Decimal(8)), {"llm_budget_usd": 0}, set()),
        (replace(CALM, escalation_spent=Decimal(2)), {}, set()),
        (replace(CALM, escalation_spent=Decimal("1.7")), {"escalation_model": "gpt-4o"}, {"escalation-budget-0.8"}),
        (replace(CALM, fallback_calls=100), {}, set()),
        (replace(CALM, fallback_calls=101), {}, {"fallback"}),
        (replace(CALM, failed=25), {}, set()),
        (replace(CALM, failed=26), {}, {"failures"}),
        (Today(failed=19, primary_calls=19), {}, set()),
        (Today(failed=20, primary_calls=20), {}, {"failures"}),
    ],
)  # fmt: skip
def test_money_a_first_provider_that_is_down_and_many_failures_are_warned_about(today, changes, keys):
    found = warnings(today, settings(**changes))
    assert set(found) == keys
    assert all("today" in text for text in found.values())


@pytest.mark.parametrize(
    ("models", "now", "keys"),
    [
        ({"gpt-4o": "openai"}, datetime(2026, 11, 1, tzinfo=UTC), set()),
        ({"gpt-4o": "openai"}, datetime(2026, 11, 16, tzinfo=UTC), {"retires-gpt-4o"}),
        ({"gpt-6-luna": "openai"}, datetime(2026, 11, 16, tzinfo=UTC), set()),
        ({"gpt-9": "openai"}, NOW, {"price-gpt-9"}),
        ({"deepseek-flash": "deepseek"}, NOW, set()),
        ({"deepseek-v4-flash": "deepseek"}, datetime(2026, 8, 3, tzinfo=UTC), {"price-deepseek-v4-flash"}),
        ({"deepseek-v4-flash": "deepseek"}, datetime(2026, 10, 1, tzinfo=UTC), set()),
        ({}, NOW, set()),
    ],
)
def test_a_retirement_is_told_sixty_days_ahead_and_a_price_that_nobody_knows_at_once(models, now, keys):
    assert set(ahead(models, now)) == keys


def test_the_models_in_use_are_those_with_a_key_and_the_second_one():
    assert models_in_use(settings(), NOW) == {"deepseek-flash": "deepseek", "gpt-4o": "openai"}
    assert models_in_use(settings(openai_api_key=None), NOW) == {"deepseek-flash": "deepseek"}
    second = settings(openai_model="gpt-6-luna", escalation_model="openai/gpt-4o")
    assert models_in_use(second, NOW)["gpt-4o"] == "openai"
    assert models_in_use(settings(escalation_model="oracle"), NOW).keys() == {"deepseek-flash", "gpt-4o"}
    assert models_in_use(load_settings(), NOW) == {}
    assert models_in_use(settings(), NOW + timedelta(days=90))["gpt-6-luna"] == "openai"


def test_the_queue_of_an_asset_is_a_table_in_which_a_strangers_words_stay_words():
    hostile = MarketPair(
        market("0x1", "polymarket", title="![x](http://evil/p.png) | <img src=x>"),
        market("KX-1", rules="Yes if [it](http://evil) happens *now* by 2027."),
    )
    said = verdict(hostile, "review", at=NOW, objections=("rule: other year", "relation is unknown"))
    told = queue_metadata([Waiting(Candidate(hostile, 0.5), said, "ann accepted it")])
    assert told["waiting_for_a_person"] == 1
    row = told["review_queue"].value.splitlines()[2]
    assert len(re.findall(r"(?<!\\)\|", row)) == 6
    assert not re.search(r"(?<!\\)(?:<|!\[|\]\()", row)
    for words in (
        "rule: other year",
        "relation is unknown",
        "ann accepted it",
        "**2027**",
        hostile.pair_hash[:12],
    ):
        assert words in row
    assert queue_metadata([])["review_queue"].value == "Nothing waits for a decision."
