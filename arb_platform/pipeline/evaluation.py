"""Measuring every stage on a labelled file, and keeping the figures."""

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Final

import arb_platform
from arb_platform.domain.pairs import Candidate, Verdict
from arb_platform.matching.evaluation import (
    Confusion,
    Evaluation,
    LabelledFile,
    evaluate,
    evaluate_candidates,
    evaluate_rules,
    load_labelled,
    markets_of,
)
from arb_platform.matching.judge import Judge
from arb_platform.matching.prompt import PROMPT_VERSION
from arb_platform.matching.rules import RULES_VERSION, broken_rules
from arb_platform.matching.validation import validate_candidates
from arb_platform.pipeline.ground import now, open_writer
from arb_platform.pipeline.judges import judge_for
from arb_platform.settings import Settings
from arb_platform.storage.audits import EvaluationRow, save_evaluation
from arb_platform.storage.lake import Lake
from arb_platform.storage.ledger import LakeLedger
from arb_platform.storage.pairs import valid_verdicts

# Written for this project; docs beside it say how.
GOLD: Final = Path(arb_platform.__file__).parents[1] / "data" / "gold" / "pairs.jsonl"
# What a market may be proposed with, at most: the recall that is promised is of so many.
_KEEP: Final = 50
# The stratum that sums up the others.
ALL: Final = "all"

Progress = Callable[[int, int], None]


def asks_a_model(settings: Settings) -> bool:
    """Whether an evaluation asks the language model when nobody says: a key is set, and it may be used here."""
    if settings.deepseek_api_key is None and settings.openai_api_key is None:
        return False
    elsewhere = settings.deepseek_base_url is not None or settings.openai_base_url is not None
    return settings.profile == "live" or elsewhere


def evaluate_file(
    settings: Settings, path: Path, *, verdicts: bool | None = None, progress: Progress | None = None
) -> tuple[LabelledFile, list[Evaluation]]:
    """Candidates, rules and, where a model may be asked, verdicts on a labelled file; kept in ``evaluations``.

    ``verdicts`` None asks the model where one is configured. A verdict passes when it accepts; what
    rules refuse is not asked about, as in a validation, and what failed is refused for want of an answer.
    Raises SettingsError when the file cannot be read.
    """
    file = load_labelled(path)
    # scikit-learn takes longer to import than everything else together.
    from arb_platform.matching.candidates import propose  # noqa: PLC0415

    found = [
        evaluate_candidates(file, propose(*markets_of(file), keep=_KEEP)),
        evaluate_rules(file),
    ]
    model = None
    with open_writer(settings) as lake:
        if asks_a_model(settings) if verdicts is None else verdicts:
            evaluation, model = _judged(settings, lake, file, progress)
            found.append(evaluation)
        save_evaluation(lake, _rows(found, model))
    return file, found


def _judged(
    settings: Settings, lake: Lake, file: LabelledFile, progress: Progress | None
) -> tuple[Evaluation, str | None]:
    broken = {labelled.pair_id: broken_rules(labelled.pair) for labelled in file.pairs}
    candidates = [Candidate(labelled.pair, 1.0, {}, broken[labelled.pair_id]) for labelled in file.pairs]
    answers: dict[str, Verdict] = {}
    with LakeLedger(lake) as ledger:
        judge = judge_for(settings, ledger=ledger, run_id=f"evaluate-{uuid.uuid4().hex[:12]}")
        answers |= _known(lake, judge)

        def keep(given: list[Verdict]) -> None:
            ledger.keep_verdicts(given)
            answers.update({verdict.pair_hash: verdict for verdict in given})

        asyncio.run(
            validate_candidates(
                candidates, judge=judge, known=dict(answers), on_batch=keep, progress=progress
            )
        )
    reasons = {
        labelled.pair_id: broken[labelled.pair_id] or _against(answers.get(labelled.pair.pair_hash))
        for labelled in file.pairs
    }
    return evaluate("verdicts", file, reasons), next(iter(judge.models), judge.name)


def _against(verdict: Verdict | None) -> tuple[str, ...]:
    if verdict is None:
        return ("nobody was asked",)
    return (
        () if verdict.status == "accepted" else (f"{verdict.status}: {verdict.relation}", *verdict.objections)
    )


def _known(lake: Lake, judge: Judge) -> dict[str, Verdict]:
    """Nothing is paid for twice here either."""
    known: dict[str, Verdict] = {}
    for model in reversed(judge.models):
        known |= valid_verdicts(
            lake, model=model, prompt_version=PROMPT_VERSION, rules_version=RULES_VERSION, now=now()
        )
    return known


def _rows(found: list[Evaluation], model: str | None) -> list[EvaluationRow]:
    at = now()
    return [
        EvaluationRow(
            at, one.file, one.stage, stratum, counts.identical_passed, counts.identical_refused,
            counts.other_passed, counts.other_refused, RULES_VERSION, model if one.stage == "verdicts" else None,
        )
        for one in found
        for stratum, counts in _strata(one)
    ]  # fmt: skip


def _strata(one: Evaluation) -> list[tuple[str, Confusion]]:
    strata = {name: counts for name, counts in one.strata.items() if name != ALL}
    return [(ALL, one.total), *strata.items()]
