"""The pairs that wait for a person, and why."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from arb_platform import api
from arb_platform.domain.pairs import Candidate, Verdict
from arb_platform.settings import Settings
from arb_platform.storage.lake import Lake
from arb_platform.storage.pairs import load_candidates, load_reviews, load_verdicts

# The newest decision about the same two markets from before one of them changed its words.
_EARLIER: Final = """
SELECT now.pair_hash, r.decision, r.reason, r.reviewer, r.decided_at
FROM lake.reviews r
JOIN lake.candidate_pairs old ON old.pair_hash = r.pair_hash
JOIN lake.candidate_pairs now ON now.polymarket_id = old.polymarket_id AND now.kalshi_id = old.kalshi_id
WHERE now.pair_hash <> old.pair_hash AND now.proposed_at > r.decided_at
QUALIFY row_number() OVER (PARTITION BY now.pair_hash ORDER BY r.decided_at DESC) = 1
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One pair that a person must decide about; ``earlier`` says what one decided about its former words.

    ``verdict`` is None where nobody judged the present words, because a rule objects or nobody was asked yet.
    """

    candidate: Candidate
    verdict: Verdict | None
    earlier: str = ""

    @property
    def by_rules(self) -> tuple[str, ...]:
        """What hard rules hold against it, now or when it was judged."""
        told = (text.removeprefix("rule: ") for text in self._objections if text.startswith("rule: "))
        return tuple(dict.fromkeys((*self.candidate.broken_rules, *told)))

    @property
    def by_others(self) -> tuple[str, ...]:
        """Why it was not accepted besides: similarity, fields, quotes, odd text."""
        return tuple(text for text in self._objections if not text.startswith("rule: "))

    @property
    def similarity(self) -> float:
        return 0.0 if self.verdict is None else self.verdict.similarity

    @property
    def _objections(self) -> tuple[str, ...]:
        return () if self.verdict is None else self.verdict.objections


def waiting_pairs(settings: Settings) -> list[Waiting]:
    """The review queue, most similar first. Raises LakeUnavailable.

    A pair is in it when its newest verdict is in doubt, or when a person decided about it and one of the
    two markets changed its words since; it leaves when a person decides about its present words.
    """
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        decided = {review.pair_hash for review in load_reviews(lake)}
        candidates = {candidate.pair_hash: candidate for candidate in load_candidates(lake)}
        changed = {
            pair_hash: _sentence(*decision) for pair_hash, *decision in lake.query(_EARLIER).iter_rows()
        }
        verdicts = {verdict.pair_hash: verdict for verdict in load_verdicts(lake)}
    in_doubt = {verdict.pair_hash for verdict in verdicts.values() if verdict.status == "review"}
    wanted = ((changed.keys() | in_doubt) & candidates.keys()) - decided
    found = [Waiting(candidates[one], verdicts.get(one), changed.get(one, "")) for one in wanted]
    return sorted(found, key=lambda one: (-one.similarity, one.candidate.pair_hash))


def _sentence(decision: str, reason: str, reviewer: str, decided_at: datetime) -> str:
    done = {"accept": "accepted", "reject": "rejected"}.get(decision, decision)
    return (
        f"{reviewer} {done} it on {decided_at.astimezone(UTC):%Y-%m-%d}, before its words changed: {reason}"
    )
