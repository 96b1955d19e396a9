"""Having candidate pairs judged, and what that would cost."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from arb_platform import api
from arb_platform.domain.errors import SettingsError
from arb_platform.domain.pairs import Verdict
from arb_platform.matching.offline import OfflineJudge
from arb_platform.matching.prompt import PROMPT_VERSION
from arb_platform.matching.rules import RULES_VERSION
from arb_platform.matching.validation import Judge, ValidationSummary, plan, validate_candidates
from arb_platform.pipeline.ground import now, open_writer
from arb_platform.settings import Settings
from arb_platform.storage.lake import Lake
from arb_platform.storage.ledger import LakeLedger
from arb_platform.storage.lock import FileGuard
from arb_platform.storage.pairs import (
    ValidationRun,
    load_candidates,
    save_validation_run,
    save_verdicts,
    valid_verdicts,
)

# A whole night's validation may be in front of us.
_VALIDATION_WAIT_SECONDS: Final = 6 * 3600.0

Progress = Callable[[int, int], None]


def judge_for(
    settings: Settings, *, ledger: LakeLedger | None, run_id: str, budget_usd: Decimal | None = None
) -> Judge:
    """The language model when a key is set, else the offline judge, whose verdicts are never accepted."""
    if settings.deepseek_api_key is None and settings.openai_api_key is None:
        return OfflineJudge()
    if settings.profile == "demo" and settings.deepseek_base_url is None and settings.openai_base_url is None:
        raise SettingsError(
            "the demo profile does not spend real money: start the simulators with `arb up` or set "
            "ARB_DEEPSEEK_BASE_URL, or use --profile live."
        )
    primary = "deepseek" if settings.deepseek_api_key is not None else "openai"
    return api.LLMValidator(
        primary_provider=primary,
        ledger=ledger,
        run_id=run_id,
        budget_usd=budget_usd,
        settings=settings,
        limits_dir=settings.root / "limits",
    )


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a validation would ask and about what that would cost at most."""

    to_ask: int
    cached: int
    skipped_by_rules: int
    estimated_usd: Decimal


def forecast_validation(settings: Settings) -> Forecast:
    """How many calls a validation would make now and about how many dollars they cost; nothing is asked."""
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        judge = judge_for(settings, ledger=None, run_id="forecast")
        ahead = plan(load_candidates(lake), judge=judge, known=_known(lake, judge), now=now())
    estimate = getattr(judge, "estimated_usd", lambda _: Decimal(0))
    cost = sum((estimate(candidate.pair) for candidate in ahead.to_ask), Decimal(0))
    return Forecast(len(ahead.to_ask), len(ahead.cached), ahead.skipped_by_rules, cost)


async def validate_pairs(
    settings: Settings,
    *,
    run_id: str = "",
    budget_usd: Decimal | None = None,
    progress: Progress | None = None,
) -> ValidationSummary:
    """Ask about every candidate that nobody has judged yet and keep verdicts and ledger.

    Verdicts are durable per small batch, so that a crash repays the batch in flight at most. One
    validation at a time over all processes, so that no pair is paid for twice.
    """
    run_id = run_id or f"cli-{uuid.uuid4().hex[:12]}"
    alone = FileGuard(
        settings.root / "validation.lock", purpose="a validation", timeout_seconds=_VALIDATION_WAIT_SECONDS
    )
    with alone.hold(), open_writer(settings) as lake, LakeLedger(lake) as ledger:
        judge = judge_for(settings, ledger=ledger, run_id=run_id, budget_usd=budget_usd)
        candidates = load_candidates(lake)
        started_at = now()

        def keep(verdicts: list[Verdict]) -> None:
            save_verdicts(lake, verdicts)
            ledger.flush()

        summary = await validate_candidates(
            candidates, judge=judge, known=_known(lake, judge), on_batch=keep, progress=progress
        )
        save_validation_run(lake, _validation_run(run_id, started_at, judge, len(candidates), summary))
    return summary


def _known(lake: Lake, judge: Judge) -> dict[str, Verdict]:
    """Verdicts that are as good as asking again, those of the preferred model last so that they win."""
    known: dict[str, Verdict] = {}
    for model in reversed(judge.models):
        known |= valid_verdicts(
            lake, model=model, prompt_version=PROMPT_VERSION, rules_version=RULES_VERSION, now=now()
        )
    return known


def _validation_run(
    run_id: str, started_at: datetime, judge: Judge, candidates: int, summary: ValidationSummary
) -> ValidationRun:
    return ValidationRun(
        run_id=run_id,
        started_at=started_at,
        ended_at=now(),
        judge=judge.name,
        model=next(iter(judge.models), ""),
        candidates=candidates,
        asked=summary.asked,
        cached=summary.cached,
        accepted=summary.accepted,
        rejected=summary.rejected,
        review=summary.review,
        failed=summary.failed,
        cost_usd=summary.cost_usd,
        stopped_reason=summary.stopped_reason or None,
    )
