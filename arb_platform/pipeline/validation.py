"""Having candidate pairs judged, and what that would cost."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from arb_platform import api
from arb_platform.domain.errors import LLMError, StorageError
from arb_platform.domain.pairs import Candidate, Verdict
from arb_platform.llm.ledger import MemoryLedger
from arb_platform.matching.escalation import EscalatingJudge
from arb_platform.matching.judge import Judge, plan
from arb_platform.matching.prompt import PROMPT_VERSION, messages
from arb_platform.matching.rules import RULES_VERSION
from arb_platform.matching.validation import ValidationSummary, validate_candidates
from arb_platform.pipeline.batches import Batches, Collected, Submitted, batches_of
from arb_platform.pipeline.ground import now, open_writer
from arb_platform.pipeline.judges import batch_judge, batch_terms, judge_for
from arb_platform.pipeline.keeping import VerdictKeeper
from arb_platform.settings import Settings
from arb_platform.storage.batches import pairs_in_batches
from arb_platform.storage.lake import Lake
from arb_platform.storage.ledger import LakeLedger
from arb_platform.storage.lock import FileGuard
from arb_platform.storage.pairs import (
    ValidationRun,
    load_candidates,
    load_reviews,
    save_validation_run,
    valid_verdicts,
)

# A whole night's validation may be in front of us.
_VALIDATION_WAIT_SECONDS: Final = 6 * 3600.0

Progress = Callable[[int, int], None]
Mode = Literal["live", "batch"]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a validation would ask and about what that would cost at most, without second opinions."""

    to_ask: int
    cached: int
    skipped_by_rules: int
    estimated_usd: Decimal
    # the most that a second model may cost this day besides; zero where none is set
    escalation_usd: Decimal = Decimal(0)
    # pairs whose answers are still to come, which are not among the others
    in_batches: int = 0


def forecast_validation(settings: Settings, *, mode: Mode = "live") -> Forecast:
    """How many calls a validation would make now and about how many dollars they cost; nothing is asked."""
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        judge = judge_for(settings, ledger=None, run_id="forecast")
        candidates, waiting = _free(lake)
        ahead = plan(candidates, judge=judge, known=_known(lake, judge, candidates), now=now())
    estimate = getattr(judge, "estimated_usd", lambda _: Decimal(0))
    factor = Decimal(1)
    if mode == "batch":
        estimate = batch_judge(settings, ledger=MemoryLedger(), run_id="forecast").estimated_usd
        factor = batch_terms().price_factor
    cost = sum((estimate(candidate.pair) for candidate in ahead.to_ask), Decimal(0)) * factor
    second = settings.escalation_budget_usd if isinstance(judge, EscalatingJudge) else Decimal(0)
    return Forecast(len(ahead.to_ask), len(ahead.cached), ahead.skipped_by_rules, cost, second, waiting)


def _free(lake: Lake) -> tuple[list[Candidate], int]:
    """Candidates that may be asked about, and how many wait in batches."""
    in_batches = pairs_in_batches(lake)
    candidates = load_candidates(lake)
    free = [candidate for candidate in candidates if candidate.pair_hash not in in_batches]
    return free, len(candidates) - len(free)


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
    mode: Mode = "live",
) -> ValidationSummary:
    """Ask about every candidate that nobody has judged yet and keep verdicts and ledger.

    Verdicts are durable per small batch, so that a crash repays the batch in flight at most. One
    validation at a time over all processes, so that no pair is paid for twice. With ``mode`` batch
    questions are sent to be answered within a day at half price; whatever the mode, answers that have
    come since are collected first, and pairs that wait for one are left alone.
    """
    run_id = run_id or f"cli-{uuid.uuid4().hex[:12]}"
    alone = FileGuard(
        settings.root / "validation.lock", purpose="a validation", timeout_seconds=_VALIDATION_WAIT_SECONDS
    )
    with alone.hold(), open_writer(settings) as lake, LakeLedger(lake) as ledger:
        async with batches_of(settings, lake, ledger, run_id=run_id, needed=mode == "batch") as batches:
            return await _validate(
                settings,
                lake,
                ledger,
                batches,
                run_id=run_id,
                budget_usd=budget_usd,
                progress=progress,
                mode=mode,
            )


async def _validate(
    settings: Settings, lake: Lake, ledger: LakeLedger, batches: Batches | None,
    *, run_id: str, budget_usd: Decimal | None, progress: Progress | None, mode: Mode,
) -> ValidationSummary:  # fmt: skip
    with VerdictKeeper(ledger) as keeper:
        judge = judge_for(
            settings, ledger=ledger, run_id=run_id, budget_usd=budget_usd, keep_doubt=keeper.doubt
        )
        started_at = now()
        collected = await _collected(lake, batches, mode)
        candidates, _ = _free(lake)
        known = _known(lake, judge, candidates)
        to_send = _to_send(candidates, judge, known) if mode == "batch" else ()
        later = {candidate.pair_hash for candidate in to_send}
        summary = await validate_candidates(
            [candidate for candidate in candidates if candidate.pair_hash not in later],
            judge=judge,
            known=known,
            on_batch=keeper.keep,
            progress=progress,
        )
    if isinstance(judge, EscalatingJudge):
        stopped = summary.stopped_reason or judge.stopped_reason
        summary = replace(summary, escalated=judge.escalated, stopped_reason=stopped)
    summary = _with_collected(summary, collected, known)
    refused: LLMError | None = None
    if batches is not None and to_send:
        budget = settings.llm_budget_usd if budget_usd is None else budget_usd
        try:
            sent = await batches.submit(to_send, budget_usd=budget)
        except LLMError as error:
            refused, sent = error, Submitted(stopped_reason=str(error))
        summary = replace(summary, submitted=sent.submitted, not_asked=summary.not_asked + len(to_send) - sent.submitted, stopped_reason=summary.stopped_reason or sent.stopped_reason)  # fmt: skip
    summary = replace(summary, in_batches=len(pairs_in_batches(lake)))
    save_validation_run(lake, _validation_run(run_id, started_at, judge, len(candidates), summary))
    if refused is not None:
        raise refused
    return summary


async def _collected(lake: Lake, batches: Batches | None, mode: Mode) -> Collected:
    """Answers that came since the last run. Who asks live is not stopped by a provider of batches that is down."""
    if batches is None:
        return Collected()
    try:
        return await batches.collect(load_candidates(lake))
    except LLMError as error:
        if mode == "batch":
            raise
        return Collected(troubles=[str(error)])


def _to_send(
    candidates: Sequence[Candidate], judge: Judge, known: Mapping[str, Verdict]
) -> tuple[Candidate, ...]:
    """What goes into a batch: everything new. Second opinions are few, and wanted soon: they are asked live."""
    ahead = plan(candidates, judge=judge, known=known, now=now())
    if not isinstance(judge, EscalatingJudge):
        return ahead.to_ask
    return tuple(candidate for candidate in ahead.to_ask if not judge.resumes(candidate.pair_hash))


def _with_collected(
    summary: ValidationSummary, collected: Collected, known: Mapping[str, Verdict]
) -> ValidationSummary:
    """Collected answers were known to the run that reports them, but this run is where they came in."""
    fresh = len(collected.judged & known.keys())
    return replace(
        summary,
        asked=summary.asked + fresh + collected.failed,
        cached=summary.cached - fresh,
        failed=summary.failed + collected.failed,
        cost_usd=summary.cost_usd + collected.cost_usd,
        stopped_reason=summary.stopped_reason or "; ".join(collected.troubles),
    )


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
