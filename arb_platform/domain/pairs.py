"""Two markets that may be the same bet, and what was judged about them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from arb_platform.domain.errors import SettingsError
from arb_platform.domain.markets import KALSHI, POLYMARKET, Market, sha256_of

Relation = Literal["identity", "complement", "subset", "superset", "overlap", "disjoint", "unknown"]
Orientation = Literal["same", "inverted", "unknown"]
# accepted: all conditions hold. rejected: not the same bet. review: a person must look.
# failed: nobody answered, which says nothing about the pair.
VerdictStatus = Literal["accepted", "rejected", "review", "failed"]


@dataclass(frozen=True, slots=True)
class FieldMatches:
    """The three fields that must agree before two contracts can be the same bet."""

    time_window: bool = False
    outcome_definition: bool = False
    resolution_source: bool = False

    @property
    def all(self) -> bool:
        return self.time_window and self.outcome_definition and self.resolution_source


@dataclass(frozen=True, slots=True)
class Evidence:
    """A short quote from the rules of one of the two markets."""

    venue: str
    quote: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement about one pair, by a judge (``llm``, ``offline`` or ``human``)."""

    pair_hash: str
    similarity: float
    relation: Relation
    orientation: Orientation
    field_matches: FieldMatches
    explanation: str
    evidence: tuple[Evidence, ...]
    judge: str
    model: str
    prompt_version: str
    rules_version: str
    status: VerdictStatus
    decided_at: datetime
    valid_until: datetime
    # why it was not accepted, in words; empty when it was
    objections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MarketPair:
    """A market of each venue side by side; ``llm_similarity`` is None until somebody judged."""

    polymarket: Market
    kalshi: Market
    llm_similarity: float | None = None
    hard_rules_passed: bool | None = None
    verdict: Verdict | None = None

    @property
    def pair_hash(self) -> str:
        return pair_hash(self.polymarket, self.kalshi)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair worth asking about, with the score and the features that made it one."""

    pair: MarketPair
    score: float
    features: dict[str, Any] = field(default_factory=dict)
    broken_rules: tuple[str, ...] = ()

    @property
    def pair_hash(self) -> str:
        return self.pair.pair_hash


def pair_hash(one: Market, other: Market) -> str:
    """SHA-256 of what both markets mean, the same whichever comes first.

    >>> pair_hash(a, b) == pair_hash(b, a)      # doctest: +SKIP

    Prompt, rules and model are not part of it: they key the verdicts beside the hash, so that a
    human decision about a pair outlives a better prompt but not an edited rule text.
    """
    first, second = sorted((one, other), key=_venue_order)
    return sha256_of([first.semantic_fields(), second.semantic_fields()])


def oriented(one: Market, other: Market) -> MarketPair:
    """The pair of these two, whichever is which. Raises SettingsError unless one is from each venue."""
    by_venue = {one.venue: one, other.venue: other}
    try:
        return MarketPair(by_venue[POLYMARKET], by_venue[KALSHI])
    except KeyError:
        raise SettingsError(
            f"a pair needs one market of each venue, not {one.venue} and {other.venue}"
        ) from None


def _venue_order(market: Market) -> tuple[int, str, str]:
    return (0 if market.venue == POLYMARKET else 1, market.venue, market.market_id)
