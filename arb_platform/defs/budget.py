"""What there is to warn about money and models: budgets, failures, retirements, prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from arb_platform.llm.prices import knows_price, price_change_within
from arb_platform.llm.providers import retirements_within
from arb_platform.pipeline.checks.models import FAILED_SHARE, FEWEST_CALLS, RETIRES_SOON_DAYS
from arb_platform.settings import Settings
from arb_platform.storage.lake import Lake

_STEPS: Final = (Decimal("0.8"), Decimal(1))
_PRICE_DAYS: Final = 14
_TODAY: Final = """
SELECT coalesce(sum(cost_usd) FILTER (NOT escalated), 0) AS spent,
    coalesce(sum(cost_usd) FILTER (escalated), 0) AS escalation_spent,
    count(*) FILTER (NOT fallback AND NOT escalated) AS primary_calls, count(*) FILTER (fallback) AS fallback_calls,
    count(*) FILTER (status = 'ok') AS answered, count(*) FILTER (status NOT IN ('ok', 'started')) AS failed
FROM (SELECT *, NOT fallback AND model = $2 AS escalated FROM lake.llm_calls WHERE started_at >= $1)
"""


@dataclass(frozen=True, slots=True)
class Today:
    """What the ledger says since midnight UTC; dollars of second opinions are apart."""

    spent: Decimal = Decimal(0)
    escalation_spent: Decimal = Decimal(0)
    primary_calls: int = 0
    fallback_calls: int = 0
    answered: int = 0
    failed: int = 0


def spent_today(lake: Lake, settings: Settings, now: datetime) -> Today:
    """What the ledger in the lake says about the UTC day of ``now``."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    second = settings.escalation_model
    row = lake.query(_TODAY, [midnight, "" if second is None else second.rpartition("/")[2]])
    return Today(**row.row(0, named=True))


def warnings(today: Today, settings: Settings) -> dict[str, str]:
    """What there is to warn about today, by a key that is told once a day."""
    found = _budget("budget", "language models", today.spent, settings.llm_budget_usd)
    if settings.escalation_model is not None:
        found |= _budget(
            "escalation-budget", "second opinions", today.escalation_spent, settings.escalation_budget_usd
        )
    if today.fallback_calls > today.primary_calls:
        found["fallback"] = (
            f"the fallback provider was asked {today.fallback_calls} times today, the first one {today.primary_calls} times: "
            "is the first one down?"
        )
    finished = today.answered + today.failed
    if finished >= FEWEST_CALLS and today.failed > finished * FAILED_SHARE:
        found["failures"] = (
            f"{today.failed} of {finished} calls to language models failed today ({today.failed / finished:.0%}); "
            "`SELECT status, error, count(*) FROM lake.llm_calls GROUP BY ALL` tells why"
        )
    return found


def ahead(models: Mapping[str, str], now: datetime) -> dict[str, str]:
    """What is coming for ``models`` (provider by model): retirement in 60 days, a new price in 14, or no known price at all."""
    found = {
        f"retires-{model}": f"{model} of {provider}, in use today, no longer answers from {day} on; name another where a setting names it, else its successor takes over"
        for provider, model, day in retirements_within(RETIRES_SOON_DAYS, now.date())
        if models.get(model) == provider
    }
    for model, provider in models.items():
        if not knows_price(provider, model, now):
            found[f"price-{model}"] = (
                f"today nobody here knows the price of {model} of {provider}: its calls count as unknown, and the budget assumes dear ones"
            )
        elif change := price_change_within(_PRICE_DAYS, provider, model, now):
            day, factor = change
            found[f"price-{model}"] = (
                f"{model} of {provider} costs {factor:.2f} times today's price from {day} on"
            )
    return found


def _budget(key: str, what: str, spent: Decimal, budget: Decimal) -> dict[str, str]:
    return {
        f"{key}-{step}": f"${spent:.4f} of today's ${budget} for {what} is spent ({step:.0%} reached)"
        for step in _STEPS
        if budget > 0 and spent >= budget * step
    }
