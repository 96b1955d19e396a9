"""The platform's checks as asset checks: each can be executed; ``looks`` asks them all without a run."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import dagster as dg

from arb_platform import pipeline
from arb_platform.defs.names import MAINTENANCE, MATCHING, OWNERS, STREAMS
from arb_platform.pipeline.checks import CHECKS, Answer, Check, evaluate, sight_of
from arb_platform.pipeline.checks.catalogue import GOLD_ASSET, candidate_recall_holds
from arb_platform.pipeline.checks.check import Figure
from arb_platform.pipeline.checks.lake import LAKE
from arb_platform.pipeline.checks.models import MODELS
from arb_platform.pipeline.checks.streams import STREAMS as LIVE_STREAMS
from arb_platform.pipeline.checks.streams import VENUES
from arb_platform.pipeline.checks.verdicts import QUEUE
from arb_platform.pipeline.evaluation import GOLD, evaluate_file
from arb_platform.settings import load_settings

# Things that are there without being made by a run. Were these checks on assets that runs make, the page of
# such an asset would call each of them out of date after every run.
watched_things: Final = [
    dg.AssetSpec(
        LIVE_STREAMS, group_name=STREAMS, owners=OWNERS, kinds={"websocket"},
        description="The connections to both venues and what comes over them, as `stream_order_books` runs hold them now.",
    ),
    dg.AssetSpec(
        LAKE, group_name=MAINTENANCE, owners=OWNERS, kinds={"duckdb"},
        description="The lake itself, the spool before it and the disk below it; `maintain_lake` keeps it small.",
    ),
    dg.AssetSpec(
        MODELS, group_name=MATCHING, owners=OWNERS, kinds={"openai"},
        description="The providers whose models judge pairs: their prices, their failures, their last days (`lake.llm_calls`).",
    ),
    dg.AssetSpec(
        QUEUE, group_name=MATCHING, owners=OWNERS, kinds={"duckdb"},
        description="The pairs that wait for a person (`arb review list`) and judgements that contradict each other.",
    ),
]  # fmt: skip
# The assets that runs make evaluate these themselves, when they are made.
_MADE_WITH_THEIR_ASSET: Final = frozenset(
    {"listing_is_complete", "answers_came", "within_budget", "settled_alike", "candidate_recall_holds"}
)
# `stream_alert` has told of it within a minute: the check must not make a second message of the same outage.
TOLD_BY_STREAM_ALERT: Final = frozenset(
    {
        "heartbeats_are_young",
        "streams_are_connected",
        "no_stream_is_silent",
        *(f"{venue}_books_are_fresh" for venue in VENUES),
    }
)
SEVERITIES: Final = {"warn": dg.AssetCheckSeverity.WARN, "error": dg.AssetCheckSeverity.ERROR}


def spec_of(check: Check) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        check.name,
        asset=check.asset,
        description=f"Passes when {check.means.replace('`', '')}. If not: {check.remedy}",
        blocking=check.blocking,
    )


def specs_of(asset: str, *names: str) -> list[dg.AssetCheckSpec]:
    """The specs of an asset that evaluates these checks itself."""
    return [spec_of(_check(asset, name)) for name in names]


def result_of(asset: str, name: str, answer: Answer) -> dg.AssetCheckResult:
    """``answer`` as the asset itself returns it."""
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=asset,
        passed=answer.passed,
        severity=SEVERITIES[_check(asset, name).severity],
        description=answer.sentence,
        metadata=metadata_of(answer),
    )


def _check(asset: str, name: str) -> Check:
    return next(check for check in CHECKS if (check.asset, check.name) == (asset, name))


def metadata_of(answer: Answer) -> dict[str, Figure]:
    """``state`` tells what passed from what cannot be judged yet: Dagster knows only yes and no."""
    return {"state": answer.state, **answer.figures}


def key_of(check: Check) -> dg.AssetCheckKey:
    return dg.AssetCheckKey(dg.AssetKey(check.asset), check.name)


BY_KEY: Final = {key_of(check): check for check in CHECKS}


@dg.multi_asset_check(
    name="look_at",
    specs=[spec_of(check) for check in CHECKS if check.name not in _MADE_WITH_THEIR_ASSET],
    can_subset=True,
)
def watched_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
    chosen = [BY_KEY[key] for key in context.selected_asset_check_keys]
    for check, answer in in_time(chosen, math.inf):
        yield result_of(check.asset, check.name, answer)


def in_time(
    checks: Sequence[Check], seconds: float, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[tuple[Check, Answer]]:
    """The answers that can be had within ``seconds``, but one at least."""
    until = monotonic() + seconds
    with sight_of(load_settings(), pipeline.now()) as sight:
        for check in checks:
            yield check, evaluate(check, sight)
            if monotonic() >= until:
                return


platform_checks = dg.define_asset_job(
    "platform_checks",
    selection=dg.AssetSelection.checks(watched_checks),
    description="Ask every check of streams, lake, models and queue now. They are looked at every five minutes anyway.",
)


@dg.asset(
    name=GOLD_ASSET,
    group_name=MATCHING,
    owners=OWNERS,
    kinds={"scikitlearn"},
    description="Candidates and rules measured on the labelled pairs of `data/gold`, without asking a model (`lake.evaluations`).",
    check_specs=specs_of(GOLD_ASSET, "candidate_recall_holds"),
)
def gold_set_evaluation() -> dg.MaterializeResult:  # type: ignore[type-arg]  # dagster compares the bare class when an asset has checks
    settings = load_settings()
    file, found = evaluate_file(settings, GOLD, verdicts=False)
    with sight_of(settings, pipeline.now()) as sight:
        answer = candidate_recall_holds(sight)
    stages = {one.stage: str(one.total.recall) for one in found}
    return dg.MaterializeResult(
        metadata={
            "pairs": len(file.pairs),
            **stages,
            "sql": "SELECT * FROM lake.evaluations ORDER BY evaluated_at DESC",
        },
        check_results=[result_of(GOLD_ASSET, "candidate_recall_holds", answer)],
    )


evaluate_gold_set = dg.define_asset_job(
    "evaluate_gold_set",
    selection=dg.AssetSelection.assets(gold_set_evaluation),
    description="Measure candidates and rules on the gold set; costs no model's money.",
)
evaluate_gold_set_schedule = dg.ScheduleDefinition(
    name="evaluate_gold_set_schedule",
    job=evaluate_gold_set,
    cron_schedule="40 4 * * *",
    execution_timezone="UTC",
    description="Once a day: a change of rules or matching that loses pairs is seen the next morning.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
