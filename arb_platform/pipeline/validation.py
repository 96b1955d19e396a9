"""Having candidate pairs judged, and what that would cost."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from arb_platform import api
from arb_platform.domain.errors import SettingsError, StorageError
from arb_platform.domain.pairs import Candidate, Verdict
from arb_platform.llm.ledger import MemoryLedger, Purse, SpendingLedger
from arb_platform.llm.providers import PROVIDERS, located
from arb_platform.matching.escalation import EscalatingJudge
from arb_platform.matching.offline import OfflineJudge
from arb_platform.matching.prompt import PROMPT_VERSION, messages
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
    load_reviews,
    save_validation_run,
    save_verdicts,
    valid_verdicts,
)

# A whole night's validation may be in front of us.
_VALIDATION_WAIT_SECONDS: Final = 6 * 3600.0

Progress = Callable[[int, int], None]


def judge_for(
    settings: Settings,
    *,
    ledger: SpendingLedger | None,
    run_id: str,
    budget_usd: Decimal | None = None,
    keep_doubt: Callable[[Verdict], None] = lambda _: None,
) -> Judge:
    """The language model when a key is set, else the offline judge, whose verdicts are never accepted.

    With ``ARB_ESCALATION_MODEL`` a second model decides what the first one leaves in doubt, and
    ``keep_doubt`` gets the first one's verdict then.
    """
    if settings.deepseek_api_key is None and settings.openai_api_key is None:
        return OfflineJudge()
    if settings.profile == "demo" and settings.deepseek_base_url is None and settings.openai_base_url is None:
        raise SettingsError(
            "the demo profile does not spend real money: start the simulators with `arb up` or set "
            "ARB_DEEPSEEK_BASE_URL, or use --profile live."
        )
    primary = "deepseek" if settings.deepseek_api_key is not None else "openai"
    own = MemoryLedger() if ledger is None else ledger
    limits = settings.root / "limits"
    if settings.escalation_model is None:
        return api.LLMValidator(
            primary_provider=primary,
            ledger=own,
            run_id=run_id,
            budget_usd=budget_usd,
            settings=settings,
            limits_dir=limits,
        )
    provider, model = located(settings.escalation_model)
    second = _second_judge(settings, provider, model, ledger=own, run_id=run_id)
    first = api.LLMValidator(
        primary_provider=primary,
        ledger=Purse(own, model, rest=True),
        run_id=run_id,
        budget_usd=budget_usd,
        settings=settings,
        limits_dir=limits,
    )
    if first.models[0] == model:
        raise SettingsError(
            f"ARB_ESCALATION_MODEL names {model!r}, which is asked first anyway; name a better one, or unset it."
        )
    return EscalatingJudge(first, second, keep_doubt=keep_doubt)


def _second_judge(
    settings: Settings, provider: str, model: str, *, ledger: SpendingLedger, run_id: str
) -> api.LLMValidator:
    """The model that is asked about doubtful pairs, paid out of its own budget and without a fallback."""
    if {"deepseek": settings.deepseek_api_key, "openai": settings.openai_api_key}[provider] is None:
        raise SettingsError(
            f"ARB_ESCALATION_MODEL needs {PROVIDERS[provider].key_variable}; set it, or unset ARB_ESCALATION_MODEL."
        )
    chosen: dict[str, Any] = {f"{provider}_model": model}
    return api.LLMValidator(
        primary_provider=provider,
        enable_fallback=False,
        ledger=Purse(ledger, model, rest=False),
        run_id=run_id,
        budget_usd=settings.escalation_budget_usd,
        budget_variable="ARB_ESCALATION_BUDGET_USD",
        settings=settings,
        limits_dir=settings.root / "limits",
        **chosen,
    )


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a validation would ask and about what that would cost at most, without second opinions."""

    to_ask: int
    cached: int
    skipped_by_rules: int
    estimated_usd: Decimal
    # the most that a second model may cost this day besides; zero where none is set
    escalation_usd: Decimal = Decimal(0)


def forecast_validation(settings: Settings) -> Forecast:
    """How many calls a validation would make now and about how many dollars they cost; nothing is asked."""
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        judge = judge_for(settings, ledger=None, run_id="forecast")
        candidates = load_candidates(lake)
        ahead = plan(candidates, judge=judge, known=_known(lake, judge, candidates), now=now())
    estimate = getattr(judge, "estimated_usd", lambda _: Decimal(0))
    cost = sum((estimate(candidate.pair) for candidate in ahead.to_ask), Decimal(0))
    second = settings.escalation_budget_usd if isinstance(judge, EscalatingJudge) else Decimal(0)
    return Forecast(len(ahead.to_ask), len(ahead.cached), ahead.skipped_by_rules, cost, second)


def shown_prompt(settings: Settings, pair_hash: str) -> list[dict[str, str]]:
    """The messages that are sent about the pair whose hash begins with ``pair_hash``. Raises StorageError."""
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        return messages(candidate_of(load_candidates(lake), pair_hash).pair)


def candidate_of(candidates: Sequence[Candidate], pair_hash: str) -> Candidate:
    """The one candidate whose hash begins with ``pair_hash``. Raises StorageError when there is none, or more."""
    found = [candidate for candidate in candidates if candidate.pair_hash.startswith(pair_hash.lower())]
    if not pair_hash or not found:
        raise StorageError(
            f"no candidate pair has a hash that begins with {pair_hash!r}; `arb match --json` and "
            "`arb review list` show hashes."
        )
    if len(found) > 1:
        raise StorageError(f"{len(found)} candidate pairs begin with {pair_hash!r}; give more of the hash.")
    return found[0]


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
    doubts: list[Verdict] = []
    with alone.hold(), open_writer(settings) as lake, LakeLedger(lake) as ledger:
        judge = judge_for(
            settings, ledger=ledger, run_id=run_id, budget_usd=budget_usd, keep_doubt=doubts.append
        )
        candidates = load_candidates(lake)
        started_at = now()

        def keep(verdicts: list[Verdict]) -> None:
            save_verdicts(lake, [*doubts, *verdicts])
            doubts.clear()
            ledger.flush()

        summary = await validate_candidates(
            candidates,
            judge=judge,
            known=_known(lake, judge, candidates),
            on_batch=keep,
            progress=progress,
        )
        if isinstance(judge, EscalatingJudge):
            stopped = summary.stopped_reason or judge.stopped_reason
            summary = replace(summary, escalated=judge.escalated, stopped_reason=stopped)
        save_validation_run(lake, _validation_run(run_id, started_at, judge, len(candidates), summary))
    return summary


def _known(lake: Lake, judge: Judge, candidates: Sequence[Candidate]) -> dict[str, Verdict]:
    """Verdicts that are as good as asking again, those of the preferred model last so that they win.

    What the first of two models left in doubt (its money or the second's keys ran out) is not among them,
    unless a person has decided since: the second is still to be asked, and the first is not paid again.
    """
    known: dict[str, Verdict] = {}
    for model in reversed(judge.models):
        known |= valid_verdicts(
            lake, model=model, prompt_version=PROMPT_VERSION, rules_version=RULES_VERSION, now=now()
        )
    if isinstance(judge, EscalatingJudge):
        undecided = known.keys() - {review.pair_hash for review in load_reviews(lake)}
        doubtful = {
            candidate.pair_hash
            for candidate in candidates
            if candidate.pair_hash in undecided and judge.doubts(candidate.pair, known[candidate.pair_hash])
        }
        judge.resume({pair_hash: known.pop(pair_hash) for pair_hash in doubtful})
    return known


def _validation_run(
    run_id: str, started_at: datetime, judge: Judge, candidates: int, summary: ValidationSummary
) -> ValidationRun:
    first = judge.first if isinstance(judge, EscalatingJudge) else judge
    return ValidationRun(
        run_id=run_id,
        started_at=started_at,
        ended_at=now(),
        judge=judge.name,
        model=next(iter(first.models), ""),
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
