"""Telling somebody: failed runs, money that runs out, models that answer badly or soon not at all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

import dagster as dg

from arb_platform import api, pipeline
from arb_platform.domain.errors import LakeUnavailable, SettingsError
from arb_platform.llm.prices import knows_price, price_change_within
from arb_platform.llm.providers import default_model, located, retirements_within
from arb_platform.settings import Settings, load_settings
from arb_platform.storage.lake import Lake

_STEPS: Final = (Decimal("0.8"), Decimal(1))
# Below so many calls a share of failures is chance.
_FEWEST_CALLS: Final = 20
_MOST_FAILURES: Final = 0.2
_RETIRES_SOON_DAYS: Final = 60
_PRICE_DAYS: Final = 14
_TODAY: Final = """
SELECT coalesce(sum(cost_usd) FILTER (NOT escalated), 0) AS spent,
    coalesce(sum(cost_usd) FILTER (escalated), 0) AS escalation_spent,
    count(*) FILTER (NOT fallback AND NOT escalated) AS primary_calls, count(*) FILTER (fallback) AS fallback_calls,
    count(*) FILTER (status = 'ok') AS answered, count(*) FILTER (status NOT IN ('ok', 'started')) AS failed
FROM (SELECT *, NOT fallback AND model = $2 AS escalated FROM lake.llm_calls WHERE started_at >= $1)
"""


@dg.run_failure_sensor(
    name="failed_run_alert",
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="One line in the daemon's log for each failed run.",
)
def failed_run_alert(context: dg.RunFailureSensorContext) -> None:
    run = context.dagster_run
    context.log.error(f"run {run.run_id} of {run.job_name} failed: {context.failure_event.message}")


@dg.sensor(
    name="llm_budget_alert",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Warns at 80 % and 100 % of the day's budgets, when the fallback is asked more than the first provider, when many calls "
    "fail, and ahead of a model's retirement or a new price.",
)
def llm_budget_alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    settings, now = load_settings(), pipeline.now()
    told = _told(context.cursor, now)
    try:
        with Lake.open(api.lake_location(settings), read_only=True) as lake:
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            second = settings.escalation_model
            row = lake.query(_TODAY, [midnight, "" if second is None else second.rpartition("/")[2]])
    except LakeUnavailable:
        return dg.SensorResult(skip_reason="there is no lake yet", cursor=context.cursor)
    today = Today(**row.row(0, named=True))
    found = warnings(today, settings) | ahead(models_in_use(settings, now), now)
    for key, text in found.items():
        if key not in told:
            context.log.warning(text)
    cursor = json.dumps({"day": f"{now:%Y-%m-%d}", "told": sorted({*told, *found})})
    return dg.SensorResult(
        skip_reason=f"${today.spent + today.escalation_spent} of ${settings.llm_budget_usd} spent today; {today.fallback_calls} fallback calls of "
        f"{today.primary_calls + today.fallback_calls}, {today.failed} failed",
        cursor=cursor,
    )


@dataclass(frozen=True, slots=True)
class Today:
    """What the ledger says since midnight UTC; dollars of second opinions are apart."""

    spent: Decimal = Decimal(0)
    escalation_spent: Decimal = Decimal(0)
    primary_calls: int = 0
    fallback_calls: int = 0
    answered: int = 0
    failed: int = 0


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
    if finished >= _FEWEST_CALLS and today.failed > finished * _MOST_FAILURES:
        found["failures"] = (
            f"{today.failed} of {finished} calls to language models failed today ({today.failed / finished:.0%}); "
            "`SELECT status, error, count(*) FROM lake.llm_calls GROUP BY ALL` tells why"
        )
    return found


def ahead(models: Mapping[str, str], now: datetime) -> dict[str, str]:
    """What is coming for ``models`` (provider by model): retirement in 60 days, a new price in 14, or no known price at all."""
    found = {
        f"retires-{model}": f"{model} of {provider}, in use today, no longer answers from {day} on; name another where a setting names it, else its successor takes over"
        for provider, model, day in retirements_within(_RETIRES_SOON_DAYS, now.date())
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


def models_in_use(settings: Settings, now: datetime) -> dict[str, str]:
    """Model -> provider of everything that may be asked today with the keys there are."""
    chosen = {
        "deepseek": (settings.deepseek_api_key, settings.deepseek_model),
        "openai": (settings.openai_api_key, settings.openai_model),
    }
    found = {}
    for provider, (key, model) in chosen.items():
        if key is not None:
            found[model or default_model(provider, now.date())] = provider
    if settings.escalation_model is not None and found:
        try:
            provider, model = located(settings.escalation_model)
        except SettingsError:
            return found  # validation says so, in its own words
        found[model] = provider
    return found


def _budget(key: str, what: str, spent: Decimal, budget: Decimal) -> dict[str, str]:
    return {
        f"{key}-{step}": f"${spent:.4f} of today's ${budget} for {what} is spent ({step:.0%} reached)"
        for step in _STEPS
        if budget > 0 and spent >= budget * step
    }


def _told(cursor: str | None, now: datetime) -> set[str]:
    state = json.loads(cursor) if cursor else {}
    return set(state.get("told", [])) if state.get("day") == f"{now:%Y-%m-%d}" else set()
