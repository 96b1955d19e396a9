"""Checks of the language models: do they answer, what do they cost, and how long will they be there?"""

from datetime import datetime
from decimal import Decimal
from typing import Final

from arb_platform.llm.prices import knows_price, price_table_day
from arb_platform.llm.providers import retirements_within
from arb_platform.pipeline.checks.check import Answer, Check, Sight, failed, passed, unknown
from arb_platform.pipeline.checks.verdicts import VERDICTS
from arb_platform.pipeline.models import models_in_use

MODELS: Final = "language_models"

# Below so many calls a share of them is chance.
FEWEST_CALLS: Final = 20
FAILED_SHARE: Final = 0.2
FALLBACK_SHARE: Final = 0.2
# Providers announce prices weeks ahead; a table of a quarter ago has missed some.
PRICE_TABLE_DAYS: Final = 90
RETIRES_SOON_DAYS: Final = 60

_SPENT: Final = """
SELECT coalesce(sum(cost_usd), 0) AS spent,
    (SELECT max_by(stopped_reason, started_at) FROM lake.validation_runs WHERE started_at BETWEEN $1 AND $2) AS stopped
FROM lake.llm_calls WHERE started_at BETWEEN $1 AND $2"""


def within_budget(sight: Sight) -> Answer:
    row = sight.row(_SPENT, _midnight(sight.now), sight.now)
    budget = sight.settings.llm_budget_usd
    spent = Decimal(row["spent"])
    if budget and spent >= budget:
        return failed(
            f"${spent:.4f} of today's ${budget} are spent, so nothing more is asked before midnight UTC; raise ARB_LLM_BUDGET_USD if that is too little",
            spent_usd=float(spent), budget_usd=float(budget),
        )  # fmt: skip
    return spending(row["stopped"] or "", spent)


def spending(stopped: str, spent: Decimal) -> Answer:
    """What a validation is worth that was ``stopped`` for a reason, or for none."""
    if stopped:
        return failed(stopped, spent_usd=float(spent))
    return passed(f"${spent:.6f} spent, and nothing was stopped for it", spent_usd=float(spent))


_CALLS: Final = """
SELECT count(*) FILTER (status <> 'started') AS finished, count(*) FILTER (status NOT IN ('ok', 'started')) AS failed,
    count(*) FILTER (fallback AND status <> 'started') AS fallback,
    mode(status) FILTER (status NOT IN ('ok', 'started')) AS mostly
FROM lake.llm_calls WHERE started_at BETWEEN $1 AND $2"""


def calls_succeed(sight: Sight) -> Answer:
    row = sight.row(_CALLS, sight.ago(days=1), sight.now)
    finished = row["finished"]
    if not finished:
        return unknown("no language model was asked in the last day")
    figures = {"calls": finished, "failed": row["failed"]}
    said = f"{row['failed']} of {finished} calls of the last day failed"
    if finished >= FEWEST_CALLS and row["failed"] > finished * FAILED_SHARE:
        return failed(
            f"{said}, mostly {row['mostly']}; `SELECT status, error, count(*) FROM lake.llm_calls GROUP BY ALL` tells why: key, account, or their outage",
            **figures,
        )
    return passed(said, **figures)


def fallback_is_rare(sight: Sight) -> Answer:
    row = sight.row(_CALLS, sight.ago(days=1), sight.now)
    finished = row["finished"]
    if not finished:
        return unknown("no language model was asked in the last day")
    figures = {"calls": finished, "fallback": row["fallback"]}
    said = f"{row['fallback']} of {finished} calls of the last day went to the fallback provider"
    if finished >= FEWEST_CALLS and row["fallback"] > finished * FALLBACK_SHARE:
        return failed(
            f"{said}, which costs more; the first provider fails: `arb report llm_cost` shows how, its status page and account why",
            **figures,
        )
    return passed(said, **figures)


_CALLS_TWICE: Final = """
SELECT count(*) - count(DISTINCT call_id) AS twice FROM lake.llm_calls WHERE started_at BETWEEN $1 AND $2"""


def calls_are_counted_once(sight: Sight) -> Answer:
    twice = sight.row(_CALLS_TWICE, sight.ago(days=30), sight.now)["twice"]
    if twice:
        return failed(
            f"{twice} calls of the last 30 days are in the ledger twice, so costs are told too high; keep the lake and report it",
            twice=twice,
        )
    return passed("every call of the last 30 days is in the ledger once", twice=0)


_NO_KEY: Final = "no key of a provider is set, so no model is asked: set DEEPSEEK_API_KEY or OPENAI_API_KEY"


def prices_are_known(sight: Sight) -> Answer:
    models = models_in_use(sight.settings, sight.now)
    if not models:
        return unknown(_NO_KEY)
    dark = [
        f"{model} of {provider}"
        for model, provider in models.items()
        if not knows_price(provider, model, sight.now)
    ]
    if dark:
        return failed(
            f"nobody here knows today's price of {' and '.join(dark)}: its calls count as unknown and the budget assumes dear ones; "
            "update genai-prices or choose another model",
            unknown=len(dark),
        )
    return passed(f"the prices of {' and '.join(models)} are known", unknown=0)


def price_table_is_young(sight: Sight) -> Answer:
    day = price_table_day()
    if day is None:
        return failed(
            "nobody noted of which day the installed price table is; note it in llm/prices.py and compare its prices with the providers' pages"
        )
    age = (sight.now.date() - day).days
    if age > PRICE_TABLE_DAYS:
        return failed(
            f"the price table is of {day}, {age} days old; update genai-prices, or compare its prices with the providers' pages",
            days=age,
        )
    return passed(f"the price table is of {day}, {age} days old", days=age)


def models_stay(sight: Sight) -> Answer:
    models = models_in_use(sight.settings, sight.now)
    if not models:
        return unknown(_NO_KEY)
    going = [
        (provider, model, day)
        for provider, model, day in retirements_within(RETIRES_SOON_DAYS, sight.now.date())
        if models.get(model) == provider
    ]
    if going:
        said = " and ".join(f"{model} of {provider} from {day} on" for provider, model, day in going)
        soonest = min((day - sight.now.date()).days for _, _, day in going)
        return failed(
            f"models in use that no longer answer soon: {said}; a setting that names one must name another, else its successor takes over "
            "on that day and every pair is judged anew as it expires",
            soonest_days=soonest,
        )
    return passed(f"{' and '.join(models)} answer for {RETIRES_SOON_DAYS} days at least")


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


MODEL_CHECKS: Final = (
    Check("within_budget", VERDICTS, "warn", "today's budget is not spent and stopped no validation", "it goes on after midnight UTC; raise `ARB_LLM_BUDGET_USD` if that is too little", within_budget),
    Check("calls_succeed", MODELS, "warn", "at most 20 % of a day's calls failed", "`llm_calls` tells why: key, account, or their outage", calls_succeed),
    Check("fallback_is_rare", MODELS, "warn", "at most 20 % of a day's calls went to the fallback", "the first provider fails: its status page and account", fallback_is_rare),
    Check("calls_are_counted_once", MODELS, "error", "no call of 30 days is twice in the ledger", "keep the lake and report it", calls_are_counted_once),
    Check("prices_are_known", MODELS, "warn", "every model in use has a price", "update genai-prices or choose another model", prices_are_known, needs_lake=False),
    Check("price_table_is_young", MODELS, "warn", "the price table is at most 90 days old", "update genai-prices, or compare it with the providers' pages", price_table_is_young, needs_lake=False),
    Check("models_stay", MODELS, "warn", "no model in use retires within 60 days", "name another where a setting names it; else its successor takes over", models_stay, needs_lake=False),
)  # fmt: skip
