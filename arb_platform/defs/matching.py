"""Candidates, verdicts, and the pairs that are accepted now."""

import asyncio
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import dagster as dg
from pydantic import Field

from arb_platform import api, pipeline
from arb_platform.defs.catalogue import kalshi_markets, polymarket_markets
from arb_platform.defs.checks import result_of, specs_of
from arb_platform.defs.conditions import FOLLOWS
from arb_platform.defs.names import MATCHING, OWNERS
from arb_platform.defs.review_table import cell, queue_metadata
from arb_platform.defs.told import columns_of, failing_plainly, missing_before, sql_of_run, sql_since
from arb_platform.domain.errors import SettingsError, TransportError, WireError
from arb_platform.llm.providers import located
from arb_platform.matching.validation import ValidationSummary
from arb_platform.pipeline.checks import unknown
from arb_platform.pipeline.checks.models import spending
from arb_platform.pipeline.checks.verdicts import answered, settled
from arb_platform.settings import Settings, load_settings
from arb_platform.storage.lake import Lake

_MATCHED = """
SELECT p.title AS polymarket, k.title || ' ' || k.subtitle AS kalshi, m.orientation, m.similarity, m.decided_by, m.decided_at
FROM lake.matched_pairs m
JOIN lake.markets p ON p.venue = 'polymarket' AND p.market_id = m.polymarket_id
JOIN lake.markets k ON k.venue = 'kalshi' AND k.market_id = m.kalshi_id
ORDER BY m.similarity DESC, m.pair_hash
"""


class CandidateConfig(dg.Config):
    """How many candidates to keep."""

    keep: int = Field(
        default=pipeline.CANDIDATES_PER_MARKET,
        ge=1,
        le=200,
        description="Candidates kept per Polymarket market.",
    )


class ValidationMode(Enum):
    """How questions are sent."""

    LIVE = "live"
    BATCH = "batch"


class ValidationConfig(dg.Config):
    """What a validation may spend."""

    mode: ValidationMode = Field(
        default=ValidationMode.LIVE,
        description="batch: send the questions to OpenAI to be answered within a day at half price; a later run collects the answers.",
    )

    budget_usd: float | None = Field(
        default=None,
        ge=0,
        description="Dollars per UTC day instead of ARB_LLM_BUDGET_USD; over all runs of the day.",
    )
    model: str | None = Field(
        default=None,
        description="Ask this model only, by its name or as provider/name, for example openai/gpt-5-mini; empty: the models of the settings.",
    )
    dry_run: bool = Field(
        default=False, description="Only say how many calls this would take and what they would cost."
    )


@dg.asset(
    deps=[polymarket_markets, kalshi_markets],
    group_name=MATCHING,
    owners=OWNERS,
    kinds={"duckdb", "scikitlearn"},
    metadata=columns_of("candidate_pairs"),
    automation_condition=FOLLOWS,
    description="Pairs worth asking about, with the features that made them so and the hard rules they break.",
)
def candidate_pairs(context: dg.AssetExecutionContext, config: CandidateConfig) -> dg.MaterializeResult[None]:
    began = pipeline.now()
    with failing_plainly():
        proposed = pipeline.propose_candidates(load_settings(), keep=config.keep)
    context.log.info(
        f"{proposed.candidates} candidates, {proposed.new} of them new, {proposed.unbroken} without an objection"
    )
    best = "\n".join(
        f"| {c.score:.2f} | {cell(c.pair.polymarket.title)} | {cell(c.pair.kalshi.title + ' ' + c.pair.kalshi.subtitle)} |"
        for c in proposed.best
    )
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": proposed.candidates,
            "new": proposed.new,
            "without_objection": proposed.unbroken,
            "best": dg.MetadataValue.md(f"| score | Polymarket | Kalshi |\n|---|---|---|\n{best}"),
            "sql": "SELECT * FROM lake.candidate_pairs ORDER BY score DESC",
            **sql_since("candidate_pairs", "proposed_at", began),
        }
    )


@dg.asset(
    deps=[candidate_pairs],
    group_name=MATCHING,
    owners=OWNERS,
    kinds={"duckdb", "openai"},
    metadata=columns_of("verdicts"),
    pool="llm",
    automation_condition=FOLLOWS,
    description="One judgement per candidate and content of both markets; paid for once (`lake.verdicts`, `lake.llm_calls`).",
    check_specs=specs_of("pair_verdicts", "answers_came", "within_budget"),
)
def pair_verdicts(  # dagster compares the bare class when an asset has checks
    context: dg.AssetExecutionContext, config: ValidationConfig
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    began = pipeline.now()
    with failing_plainly():
        return _judged(context, config, _asking(load_settings(), config.model), began)


def _judged(
    context: dg.AssetExecutionContext, config: ValidationConfig, settings: Settings, began: datetime
) -> dg.MaterializeResult[None]:
    if config.dry_run:
        ahead = pipeline.forecast_validation(settings, mode=config.mode.value)
        return dg.MaterializeResult(
            metadata={
                "dry_run": True,
                "to_ask": ahead.to_ask,
                "cached": ahead.cached,
                "estimated_usd": float(ahead.estimated_usd),
            },
            check_results=[
                result_of("pair_verdicts", "answers_came", unknown("dry run: nothing was asked")),
                result_of("pair_verdicts", "within_budget", unknown("dry run: nothing was spent")),
            ],
        )

    def progress(done: int, total: int) -> None:
        if done % 50 == 0 or done == total:
            context.log.info(f"{done} of {total} pairs judged")

    budget = None if config.budget_usd is None else Decimal(str(config.budget_usd))
    summary = asyncio.run(
        pipeline.validate_pairs(
            settings, run_id=context.run.run_id, budget_usd=budget, progress=progress, mode=config.mode.value
        )
    )
    nothing = not (summary.asked or summary.cached or summary.skipped_by_rules)
    return dg.MaterializeResult(
        metadata={
            **_verdict_metadata(summary),
            **sql_since("verdicts", "decided_at", began),
            "sql_of_its_calls": f"SELECT * FROM lake.llm_calls WHERE run_id = '{context.run.run_id}'",
            **queue_metadata(pipeline.waiting_pairs(settings)),
            **(missing_before(settings, ["candidate_pairs"]) if nothing else {}),
        },
        check_results=_verdict_checks(summary),
    )


def _asking(settings: Settings, model: str | None) -> Settings:
    """``settings`` with ``model`` as the only one that is asked first. Raises SettingsError when it cannot be."""
    if model is None:
        return settings
    provider, name = located(model)
    keys = {one: getattr(settings, f"{one}_api_key") for one in ("deepseek", "openai")}
    if keys.get(provider) is None:
        raise SettingsError(
            f"{model} needs a key of {provider}, and none is set; set it, or leave the model empty."
        )
    others = {f"{one}_api_key": None for one in keys if one != provider}
    return settings.model_copy(update={**others, f"{provider}_model": name})


@dg.asset(
    deps=[pair_verdicts],
    group_name=MATCHING,
    owners=OWNERS,
    kinds={"duckdb"},
    metadata=columns_of("matched_pairs"),
    automation_condition=FOLLOWS,
    description="Pairs that are accepted now, by the model with a rule's consent or by a person (`lake.matched_pairs`).",
    check_specs=specs_of("matched_pairs", "settled_alike"),
)
def matched_pairs(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # dagster compares the bare class when an asset has checks
    settings = load_settings()
    audit = _settled(context)
    with failing_plainly(), Lake.open(api.lake_location(settings), read_only=True) as lake:
        pairs = lake.query(_MATCHED)
    rows = "\n".join(
        f"| {row['similarity'] or 0:.2f} | {row['orientation']} | {cell(row['polymarket'])} | {cell(row['kalshi'])} | {row['decided_by']} |"
        for row in pairs.head(50).iter_rows(named=True)
    )
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": pairs.height,
            "pairs": dg.MetadataValue.md(
                f"| similarity | orientation | Polymarket | Kalshi | by |\n|---|---|---|---|---|\n{rows}"
            ),
            "sql": "SELECT * FROM lake.matched_pairs",
            **sql_of_run("SELECT * FROM lake.matched_pairs ORDER BY decided_at DESC"),
            **({} if pairs.height else missing_before(settings, ["candidate_pairs", "pair_verdicts"])),
        },
        check_results=[
            result_of("matched_pairs", "settled_alike", settled(audit.settled, len(audit.unlike)))
        ],
    )


def _settled(context: dg.AssetExecutionContext) -> pipeline.SettlementAudit:
    """How accepted pairs settled, asked of the venues; what the lake knows already when they do not answer."""
    try:
        return asyncio.run(pipeline.audit_settlements(load_settings()))
    except (SettingsError, TransportError, WireError) as error:
        context.log.warning(f"the venues could not be asked how pairs settled: {error}")
        return pipeline.settlement_check(load_settings())


nightly_pair_revalidation = dg.define_asset_job(
    "nightly_pair_revalidation",
    selection=dg.AssetSelection.assets(
        polymarket_markets, kalshi_markets, candidate_pairs, pair_verdicts, matched_pairs
    ),
    description="List both venues, propose pairs, ask again about what changed or expired. Unchanged pairs cost nothing.",
)
nightly_pair_revalidation_schedule = dg.ScheduleDefinition(
    name="nightly_pair_revalidation_schedule",
    job=nightly_pair_revalidation,
    cron_schedule=load_settings().nightly_cron,
    execution_timezone="America/New_York",
    description="By default 02:30 in New York; ARB_NIGHTLY_CRON moves it, for example off the hours in which a provider charges double.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


def _verdict_metadata(summary: ValidationSummary) -> dict[str, Any]:
    return {
        "asked": summary.asked,
        "reused": summary.cached,
        "ruled_out": summary.skipped_by_rules,
        "accepted": summary.accepted,
        "for_review": summary.review,
        "rejected": summary.rejected,
        "failed": summary.failed,
        "second_opinions": summary.escalated,
        "sent_in_batches": summary.submitted,
        "waiting_in_batches": summary.in_batches,
        "cost_usd": float(summary.cost_usd),
        "stopped": summary.stopped_reason or "no",
        "sql": "SELECT * FROM lake.verdicts ORDER BY decided_at DESC",
    }


def _verdict_checks(summary: ValidationSummary) -> list[dg.AssetCheckResult]:
    return [
        result_of("pair_verdicts", "answers_came", answered(summary.asked, summary.failed)),
        result_of("pair_verdicts", "within_budget", spending(summary.stopped_reason or "", summary.cost_usd)),
    ]
