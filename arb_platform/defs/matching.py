"""Candidates, verdicts, and the pairs that are accepted now."""

import asyncio
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import dagster as dg
from pydantic import Field

from arb_platform import api, pipeline
from arb_platform.defs.catalogue import kalshi_markets, polymarket_markets
from arb_platform.defs.conditions import FOLLOWS
from arb_platform.defs.names import MATCHING, OWNERS
from arb_platform.domain.errors import SettingsError, TransportError, WireError
from arb_platform.matching.differences import Piece, Shown, side_by_side
from arb_platform.matching.sanitise import plain_text
from arb_platform.matching.validation import ValidationSummary
from arb_platform.settings import load_settings
from arb_platform.storage.lake import Lake

_QUEUE_SHOWN: Final = 25
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


class ValidationConfig(dg.Config):
    """What a validation may spend."""

    budget_usd: float | None = Field(
        default=None,
        ge=0,
        description="Dollars per UTC day instead of ARB_LLM_BUDGET_USD; over all runs of the day.",
    )
    dry_run: bool = Field(
        default=False, description="Only say how many calls this would take and what they would cost."
    )


@dg.asset(
    deps=[polymarket_markets, kalshi_markets],
    group_name=MATCHING,
    owners=OWNERS,
    kinds={"duckdb", "scikitlearn"},
    automation_condition=FOLLOWS,
    description="Pairs worth asking about, with the features that made them so and the hard rules they break.",
)
def candidate_pairs(context: dg.AssetExecutionContext, config: CandidateConfig) -> dg.MaterializeResult[None]:
    proposed = pipeline.propose_candidates(load_settings(), keep=config.keep)
    context.log.info(
        f"{proposed.candidates} candidates, {proposed.new} of them new, {proposed.unbroken} without an objection"
    )
    best = "\n".join(
        f"| {c.score:.2f} | {_cell(c.pair.polymarket.title)} | {_cell(c.pair.kalshi.title + ' ' + c.pair.kalshi.subtitle)} |"
        for c in proposed.best
    )
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": proposed.candidates,
            "new": proposed.new,
            "without_objection": proposed.unbroken,
            "best": dg.MetadataValue.md(f"| score | Polymarket | Kalshi |\n|---|---|---|\n{best}"),
            "sql": "SELECT * FROM lake.candidate_pairs ORDER BY score DESC",
        }
    )


@dg.asset(
    deps=[candidate_pairs],
    group_name=MATCHING,
    owners=OWNERS,
    kinds={"duckdb", "openai"},
    pool="llm",
    automation_condition=FOLLOWS,
    description="One judgement per candidate and content of both markets; paid for once (`lake.verdicts`, `lake.llm_calls`).",
    check_specs=[
        dg.AssetCheckSpec(
            "answers_came", asset="pair_verdicts", description="No question stayed without an answer."
        ),
        dg.AssetCheckSpec(
            "within_budget", asset="pair_verdicts", description="The day's budget did not stop it."
        ),
    ],
)
def pair_verdicts(  # dagster compares the bare class when an asset has checks
    context: dg.AssetExecutionContext, config: ValidationConfig
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    settings = load_settings()
    if config.dry_run:
        ahead = pipeline.forecast_validation(settings)
        return dg.MaterializeResult(
            metadata={
                "dry_run": True,
                "to_ask": ahead.to_ask,
                "cached": ahead.cached,
                "estimated_usd": float(ahead.estimated_usd),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="answers_came", passed=True, description="dry run: nothing was asked"
                ),
                dg.AssetCheckResult(
                    check_name="within_budget", passed=True, description="dry run: nothing was spent"
                ),
            ],
        )

    def progress(done: int, total: int) -> None:
        if done % 50 == 0 or done == total:
            context.log.info(f"{done} of {total} pairs judged")

    budget = None if config.budget_usd is None else Decimal(str(config.budget_usd))
    summary = asyncio.run(
        pipeline.validate_pairs(settings, run_id=context.run.run_id, budget_usd=budget, progress=progress)
    )
    return dg.MaterializeResult(
        metadata=_verdict_metadata(summary) | _queue_metadata(pipeline.waiting_pairs(settings)),
        check_results=_verdict_checks(summary),
    )


@dg.asset(
    deps=[pair_verdicts],
    group_name=MATCHING,
    owners=OWNERS,
    kinds={"duckdb"},
    automation_condition=FOLLOWS,
    description="Pairs that are accepted now, by the model with a rule's consent or by a person (`lake.matched_pairs`).",
    check_specs=[
        dg.AssetCheckSpec(
            "settled_alike",
            asset="matched_pairs",
            blocking=True,
            description="No accepted pair has settled in two ways (`lake.settlements`).",
        )
    ],
)
def matched_pairs(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]  # dagster compares the bare class when an asset has checks
    settled = _settled(context)
    with Lake.open(api.lake_location(load_settings()), read_only=True) as lake:
        pairs = lake.query(_MATCHED)
    rows = "\n".join(
        f"| {row['similarity'] or 0:.2f} | {row['orientation']} | {_cell(row['polymarket'])} | {_cell(row['kalshi'])} | {row['decided_by']} |"
        for row in pairs.head(50).iter_rows(named=True)
    )
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": pairs.height,
            "pairs": dg.MetadataValue.md(
                f"| similarity | orientation | Polymarket | Kalshi | by |\n|---|---|---|---|---|\n{rows}"
            ),
            "sql": "SELECT * FROM lake.matched_pairs",
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="settled_alike",
                passed=settled.passed,
                severity=dg.AssetCheckSeverity.ERROR,
                metadata={"settled": settled.settled, "unlike": len(settled.unlike)},
                description=f"{len(settled.unlike)} of {settled.settled} settled pairs ended in two ways",
            )
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
        "cost_usd": float(summary.cost_usd),
        "stopped": summary.stopped_reason or "no",
        "sql": "SELECT * FROM lake.verdicts ORDER BY decided_at DESC",
    }


def _queue_metadata(waiting: Sequence[pipeline.Waiting]) -> dict[str, Any]:
    """The list of `arb review list`, words that only one side has in bold."""
    rows = "\n".join(
        f"| `{one.candidate.pair_hash[:12]}` | {one.similarity:.2f} | {' | '.join(_side(side) for side in side_by_side(one.candidate.pair))} | {_reasons(one)} |"
        for one in waiting[:_QUEUE_SHOWN]
    )
    head = "| pair | similarity | Polymarket | Kalshi | why |\n|---|---|---|---|---|"
    how = "Decide with `arb review accept PAIR_HASH --reason TEXT` or `reject`."
    table = f"{head}\n{rows}\n\n{how}" if waiting else "Nothing waits for a decision."
    return {"waiting_for_a_person": len(waiting), "review_queue": dg.MetadataValue.md(table)}


def _side(side: Shown) -> str:
    parts = ("".join(_marked(piece) for piece in pieces) for pieces in (side.title, side.terms, side.rules))
    return " · ".join(part for part in parts if part)


def _marked(piece: Piece) -> str:
    """Only what is not marked has blanks at its ends, and needs them there."""
    text = _cell(piece.text)
    if piece.differs:
        return f"**{text}**"
    left, right = (" " if blank.isspace() else "" for blank in (piece.text[:1], piece.text[-1:]))
    return f"{left}{text}{right}" if text else " "


def _reasons(one: pipeline.Waiting) -> str:
    said = (
        "not judged yet"
        if one.verdict is None
        else f"{one.verdict.model}: {one.verdict.relation}. {one.verdict.explanation}"
    )
    reasons = [said, *(f"rule: {reason}" for reason in one.by_rules), *one.by_others, one.earlier]
    return " · ".join(_cell(plain_text(reason)) for reason in reasons if reason)


def _verdict_checks(summary: ValidationSummary) -> list[dg.AssetCheckResult]:
    return [
        dg.AssetCheckResult(
            check_name="answers_came",
            passed=summary.failed == 0,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{summary.failed} of {summary.asked} questions got no answer; they are asked again next time",
        ),
        dg.AssetCheckResult(
            check_name="within_budget",
            passed=not summary.stopped_reason,
            severity=dg.AssetCheckSeverity.WARN,
            description=summary.stopped_reason or f"${summary.cost_usd:.6f} spent by this run",
        ),
    ]


# Whoever writes a market must not be able to put a picture or a link into the operator's page.
_MARKDOWN: Final = re.compile(r"[\\`*_\[\]!#|~<>&]")


def _cell(text: str) -> str:
    """Words as a cell of a Markdown table, letter by letter."""
    return _MARKDOWN.sub(lambda found: "\\" + found.group(), " ".join(text.split()))
