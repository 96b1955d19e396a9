"""Whether an answer is accepted: similarity, fields, relation, evidence, rules and clean text must all agree.

Fail closed: whatever is doubtful goes to a person, whatever is denied is rejected, and only an
answer without a single objection is accepted (docs/design principle: the model proposes, a rule confirms).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from arb_platform.domain.pairs import FieldMatches, MarketPair, Verdict, VerdictStatus
from arb_platform.matching import evidence
from arb_platform.matching.prompt import PROMPT_VERSION, Answer
from arb_platform.matching.sanitise import clean_market

MIN_SCORE: Final = 0.92
# Below this an answer without contradictions is a clear no; above, a person looks.
DOUBTFUL_SCORE: Final = 0.75
TIME_TO_LIVE: Final = timedelta(days=30)
TIME_TO_LIVE_NEAR_CLOSE: Final = timedelta(days=7)
_NEAR_CLOSE: Final = timedelta(days=30)


def decide(
    answer: Answer,
    pair: MarketPair,
    broken_rules: Sequence[str],
    min_score: float = MIN_SCORE,
    now: datetime | None = None,
    *,
    model: str = "",
    judge: str = "llm",
    rules_version: str = "",
) -> Verdict:
    """The verdict on ``pair``; ``objections`` say in words what kept it from being accepted."""
    if now is None:
        raise TypeError("decide() needs the time of the decision")
    objections = _objections(answer, pair, broken_rules, min_score)
    return Verdict(
        pair_hash=pair.pair_hash,
        similarity=answer.similarity,
        relation=answer.relation,
        orientation=answer.orientation,
        field_matches=answer.field_matches,
        explanation=answer.explanation,
        evidence=answer.evidence,
        judge=judge,
        model=model,
        prompt_version=PROMPT_VERSION,
        rules_version=rules_version,
        status=_status(answer, broken_rules, objections, min_score),
        decided_at=now,
        valid_until=now + time_to_live(pair, now),
        objections=objections,
    )


def failed(pair: MarketPair, reason: str, now: datetime, *, model: str, rules_version: str) -> Verdict:
    """Nobody answered. It is over as soon as it is written, so nothing can take it for a judgement."""
    return Verdict(
        pair_hash=pair.pair_hash,
        similarity=0.0,
        relation="unknown",
        orientation="unknown",
        field_matches=FieldMatches(),
        explanation="",
        evidence=(),
        judge="llm",
        model=model,
        prompt_version=PROMPT_VERSION,
        rules_version=rules_version,
        status="failed",
        decided_at=now,
        valid_until=now,
        objections=(f"failed: {reason}",),
    )


def time_to_live(pair: MarketPair, now: datetime) -> timedelta:
    """How long a verdict holds while both texts stay as they are."""
    closes = [market.close_time for market in (pair.polymarket, pair.kalshi) if market.close_time is not None]
    near = any(close - now <= _NEAR_CLOSE for close in closes)
    return TIME_TO_LIVE_NEAR_CLOSE if near else TIME_TO_LIVE


def text_findings(pair: MarketPair) -> tuple[str, ...]:
    """What is odd about the words of either market; each finding keeps the pair from being accepted."""
    return tuple(
        f"text of {market.venue}: {finding}"
        for market in (pair.polymarket, pair.kalshi)
        for finding in clean_market(market).findings
    )


def _objections(
    answer: Answer, pair: MarketPair, broken_rules: Sequence[str], min_score: float
) -> tuple[str, ...]:
    found = [f"rule: {reason}" for reason in broken_rules]
    if not answer.similarity >= min_score:
        found.append(f"similarity {answer.similarity:.3f} is below {min_score:g}")
    if answer.relation != "identity":
        found.append(f"relation is {answer.relation}")
    if answer.orientation == "unknown":
        found.append("orientation is unknown")
    matches = answer.field_matches
    fields = ("time_window", "outcome_definition", "resolution_source")
    found += [f"{name} does not match" for name in fields if not getattr(matches, name)]
    found += evidence.objections(answer.evidence, pair)
    found += text_findings(pair)
    return tuple(found)


def _status(
    answer: Answer, broken_rules: Sequence[str], objections: Sequence[str], min_score: float
) -> VerdictStatus:
    if not objections:
        return "accepted"
    if answer.relation == "complement":
        # useful to keep, and no match: nobody has to look at it
        return "rejected"
    if answer.similarity >= min_score:
        # the model would accept and something contradicts it
        return "review"
    if broken_rules:
        return "rejected"
    hopeful = answer.relation in {"identity", "unknown"}
    doubtful = hopeful and answer.similarity >= DOUBTFUL_SCORE
    contradictory = answer.relation == "identity" and answer.field_matches.all
    return "review" if doubtful or contradictory else "rejected"
