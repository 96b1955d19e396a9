"""Costs to the last digit, at the time of the call; unknown is not zero."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from arb_platform.llm.prices import SEED_PRICES_PER_MILLION, cost_usd, knows_price, price_change_within
from arb_platform.llm.providers import Usage

WEDNESDAY_NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
MILLION = Usage(1_000_000, 500_000, 1_000_000)


@pytest.mark.parametrize(
    ("provider", "model", "dollars"),
    [
        ("deepseek", "deepseek-flash", Decimal("0.6765")),
        ("openai", "gpt-4o", Decimal("11.875")),
        ("openai", "gpt-6-luna", Decimal("0.86")),
    ],
)
def test_a_million_tokens_half_of_them_cached_cost_what_the_providers_list(
    provider: str, model: str, dollars: Decimal
) -> None:
    # gpt-6-luna doubles above 272,000 tokens of prompt; we never send that much, and it must be seen here
    assert cost_usd(provider, model, MILLION, WEDNESDAY_NOON) == dollars


def test_a_small_luna_call_is_priced_at_the_base_rate() -> None:
    assert cost_usd("openai", "gpt-6-luna", Usage(1250, 900, 130), WEDNESDAY_NOON) == Decimal("0.000109")


@pytest.mark.parametrize(
    ("at", "factor"),
    [
        (datetime(2026, 11, 25, 0, 59, tzinfo=UTC), 1),
        (datetime(2026, 11, 25, 1, 0, tzinfo=UTC), 2),
        (datetime(2026, 11, 25, 3, 59, tzinfo=UTC), 2),
        (datetime(2026, 11, 25, 4, 0, tzinfo=UTC), 1),
        (datetime(2026, 11, 25, 6, 0, tzinfo=UTC), 2),
        (datetime(2026, 11, 25, 10, 0, tzinfo=UTC), 1),
        (datetime(2026, 11, 28, 2, 0, tzinfo=UTC), 1),  # Saturday
        (datetime(2026, 11, 29, 7, 0, tzinfo=UTC), 1),  # Sunday
        (datetime.fromisoformat("2026-11-24T20:30:00-05:00"), 2),  # 01:30 UTC
    ],
)
def test_deepseek_doubles_in_its_peak_hours_on_weekdays(at: datetime, factor: int) -> None:
    usage = Usage(1000, 0, 0)
    assert cost_usd("deepseek", "deepseek-flash", usage, at) == factor * Decimal("0.00015")


def test_openai_has_no_peak_hours() -> None:
    peak = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
    assert cost_usd("openai", "gpt-4o", MILLION, peak) == cost_usd(
        "openai", "gpt-4o", MILLION, WEDNESDAY_NOON
    )


def test_unknown_models_and_missing_usage_have_no_cost() -> None:
    assert cost_usd("openai", "gpt-4o-banana", MILLION, WEDNESDAY_NOON) is None
    assert cost_usd("openai", "omni-moderation-latest", MILLION, WEDNESDAY_NOON) is None
    assert cost_usd("openai", "gpt-4o", None, WEDNESDAY_NOON) is None
    assert not knows_price("deepseek", "my-own", WEDNESDAY_NOON)
    assert knows_price("deepseek", "deepseek-flash", WEDNESDAY_NOON)


def test_the_seed_prices_stay_readable_and_are_no_longer_true() -> None:
    assert SEED_PRICES_PER_MILLION["deepseek"] == (Decimal("0.14"), Decimal("0.28"))
    assert cost_usd("deepseek", "deepseek-flash", Usage(1_000_000, 0, 0), WEDNESDAY_NOON) != Decimal("0.14")


@pytest.mark.parametrize(
    ("model", "at", "found"),
    [
        ("deepseek-v4-flash", datetime(2026, 8, 3, tzinfo=UTC), date(2026, 8, 17)),
        ("deepseek-v4-flash", datetime(2026, 8, 2, tzinfo=UTC), None),
        ("deepseek-v4-flash", datetime(2026, 10, 1, tzinfo=UTC), None),
        ("deepseek-flash", WEDNESDAY_NOON, None),
        ("nobody-knows", WEDNESDAY_NOON, None),
    ],
)
def test_a_new_price_is_seen_two_weeks_ahead(model: str, at: datetime, found: date | None) -> None:
    change = price_change_within(14, "deepseek", model, at)
    assert (None if change is None else change[0]) == found
    assert change is None or change[1] != 1
