"""Telling somebody: failed runs, and money that runs out."""

import json
from datetime import datetime
from decimal import Decimal

import dagster as dg

from arb_platform import api, pipeline
from arb_platform.domain.errors import LakeUnavailable
from arb_platform.settings import load_settings
from arb_platform.storage.lake import Lake

_STEPS = (Decimal("0.8"), Decimal(1))
_SPENT = """
SELECT coalesce(sum(cost_usd), 0) AS spent, count(*) FILTER (NOT fallback) AS primary_calls, count(*) FILTER (fallback) AS fallback_calls
FROM lake.llm_calls WHERE started_at >= $1
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
    description="Warns at 80 % and 100 % of the day's budget, and when the fallback is asked more than the first provider.",
)
def llm_budget_alert(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    settings, now = load_settings(), pipeline.now()
    told = _told(context.cursor, now)
    try:
        with Lake.open(api.lake_location(settings), read_only=True) as lake:
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
            spent, primary, fallback = lake.query(_SPENT, [midnight]).row(0)
    except LakeUnavailable:
        return dg.SensorResult(skip_reason="there is no lake yet", cursor=context.cursor)
    found = warnings(Decimal(spent), settings.llm_budget_usd, primary_calls=primary, fallback_calls=fallback)
    for key, text in found.items():
        if key not in told:
            context.log.warning(text)
    cursor = json.dumps({"day": f"{now:%Y-%m-%d}", "told": sorted({*told, *found})})
    return dg.SensorResult(
        skip_reason=f"${spent} of ${settings.llm_budget_usd} spent today; {fallback} fallback calls of {primary + fallback}",
        cursor=cursor,
    )


def warnings(spent: Decimal, budget: Decimal, *, primary_calls: int, fallback_calls: int) -> dict[str, str]:
    """What there is to warn about today, by a key that is told once a day."""
    found = {
        f"budget-{step}": f"${spent:.4f} of today's ${budget} for language models is spent ({step:.0%} reached)"
        for step in _STEPS
        if budget > 0 and spent >= budget * step
    }
    if fallback_calls > primary_calls:
        found["fallback"] = (
            f"the fallback provider was asked {fallback_calls} times today, the first one {primary_calls} times: "
            "is the first one down?"
        )
    return found


def _told(cursor: str | None, now: datetime) -> set[str]:
    state = json.loads(cursor) if cursor else {}
    return set(state.get("told", [])) if state.get("day") == f"{now:%Y-%m-%d}" else set()
