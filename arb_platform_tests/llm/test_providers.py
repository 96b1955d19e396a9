"""The dated registry: which model answers on which day, and what usage says."""

from datetime import date
from typing import Any

import pytest

from arb_platform.domain.errors import SettingsError
from arb_platform.llm.prices import knows_price
from arb_platform.llm.providers import (
    PROVIDERS,
    Usage,
    default_model,
    located,
    provider_named,
    retirements_within,
)
from arb_platform_tests.llm.test_prices import WEDNESDAY_NOON


@pytest.mark.parametrize(
    ("provider", "today", "model"),
    [
        ("deepseek", date(2026, 7, 23), "deepseek-chat"),
        ("deepseek", date(2026, 7, 24), "deepseek-flash"),
        ("openai", date(2026, 11, 25), "gpt-4o"),
        ("openai", date(2027, 1, 13), "gpt-4o"),
        ("openai", date(2027, 1, 14), "gpt-6-luna"),
    ],
)
def test_the_default_model_changes_on_the_day_of_a_retirement(provider: str, today: date, model: str) -> None:
    assert default_model(provider, today) == model


def test_retirements_are_seen_ahead_and_not_behind() -> None:
    assert retirements_within(60, date(2026, 11, 25)) == [("openai", "gpt-4o", date(2027, 1, 14))]
    assert retirements_within(49, date(2026, 11, 25)) == []
    assert retirements_within(60, date(2027, 1, 14)) == []


def test_an_unknown_provider_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(SettingsError, match="deepseek, openai"):
        provider_named("nobody")


def test_every_model_that_is_not_retired_has_a_price() -> None:
    today = WEDNESDAY_NOON.date()
    for provider in PROVIDERS.values():
        for model in provider.models:
            if model.retires is None or model.retires > today:
                assert knows_price(provider.name, model.name, WEDNESDAY_NOON), model.name


@pytest.mark.parametrize(
    ("provider", "usage", "expected"),
    [
        ("deepseek", {"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 4}, Usage(9, 4, 1)),
        ("openai", {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}}, Usage(9, 4, 1)),
        ("openai", {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": None}, Usage(9, 0, 1)),
        ("deepseek", {"prompt_tokens": 9, "completion_tokens": 1}, Usage(9, 0, 1)),
        ("deepseek", {"prompt_tokens": 9}, None),
        ("deepseek", {"prompt_tokens": 9, "completion_tokens": -1}, None),
        ("deepseek", {"prompt_tokens": "9", "completion_tokens": 1}, None),
        ("deepseek", {"prompt_tokens": True, "completion_tokens": 1}, None),
        ("deepseek", {"prompt_tokens": 9, "completion_tokens": 1, "prompt_cache_hit_tokens": 10}, None),
        ("openai", [], None),
        ("openai", None, None),
    ],
)  # fmt: skip
def test_usage_is_read_in_each_providers_words_or_not_at_all(
    provider: str, usage: Any, expected: Usage | None
) -> None:
    assert PROVIDERS[provider].usage({"usage": usage}) == expected


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("gpt-4o", ("openai", "gpt-4o")),
        ("deepseek-flash", ("deepseek", "deepseek-flash")),
        ("openai/gpt-9", ("openai", "gpt-9")),
    ],
)
def test_a_model_is_found_by_its_name_or_with_its_provider(name: str, found: tuple[str, str]) -> None:
    assert located(name) == found


@pytest.mark.parametrize("name", ["gpt-9", "openai/", "nobody/gpt-4o", ""])
def test_a_model_that_nobody_knows_is_refused_with_how_to_write_it(name: str) -> None:
    with pytest.raises(SettingsError, match="provider/model"):
        located(name)
