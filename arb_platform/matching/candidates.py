"""Pairs worth asking about, with the features that made them so and the rules they break.

What is near is found for whole catalogues at once (:mod:`arb_platform.matching.nearness`); features
and broken rules are computed for one pair when somebody reads it, since reading a market's terms
takes longer than finding its partners. A close-time window is a feature, never a filter: Kalshi
closes sports two weeks late and elections a year late.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, overload

from arb_platform.domain.markets import Market
from arb_platform.domain.pairs import Candidate, MarketPair
from arb_platform.matching.nearness import Nearness, Side, compare_sides, shown_scores
from arb_platform.matching.rules import broken_rules

# Ten find what fifty find once shared keys come first, and a fifth of the questions are asked.
KEEP: Final = 10
# Below this, two markets share little but "will" and a year; a name alone is worth more.
MIN_SCORE: Final = 0.2
_SHOWN_TERMS: Final = 8

MarketAt = Callable[[int], Market]


class Proposals(Sequence[Candidate]):
    """Candidates that are made when they are read: a million of them weigh what their scores weigh.

    ``left`` and ``right`` give the market at an index of the nearness.
    """

    def __init__(self, nearness: Nearness, left: MarketAt, right: MarketAt) -> None:
        self.nearness = nearness
        self._scores = shown_scores(nearness)
        self._left = left
        self._right = right

    def __len__(self) -> int:
        return len(self.nearness.left)

    @overload
    def __getitem__(self, index: int) -> Candidate: ...
    @overload
    def __getitem__(self, index: slice) -> list[Candidate]: ...
    def __getitem__(self, index: int | slice) -> Candidate | list[Candidate]:
        if isinstance(index, slice):
            return [self._candidate(place) for place in range(*index.indices(len(self)))]
        return self._candidate(range(len(self))[index])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(one == its for one, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __repr__(self) -> str:
        return f"<{len(self)} candidates>"

    def _candidate(self, index: int) -> Candidate:
        one, other = int(self.nearness.left[index]), int(self.nearness.right[index])
        pair = MarketPair(self._left(one), self._right(other))
        score = float(self._scores[index])
        features: dict[str, Any] = {
            "score": score,
            "shared_terms": _shared_terms(self.nearness, one, other),
            "title_similarity": _title_similarity(
                self.nearness.spelled[0][one], self.nearness.spelled[1][other]
            ),
            "days_between_closes": _days_between(pair),
            "structured_key": self.nearness.keys.get((one, other)),
        }
        return Candidate(pair, score, features, broken_rules(pair))


def propose(
    polymarket: Sequence[Market],
    kalshi: Sequence[Market],
    *,
    keep: int = KEEP,
    min_score: float = MIN_SCORE,
) -> Proposals:
    """At most ``keep`` candidates per Polymarket market, each pair once, best first.

    Every candidate carries the features that made it one and the hard rules it breaks. Empty
    listings give no candidates. Takes 1 market a side or 100,000.
    """
    left, right = _distinct(polymarket), _distinct(kalshi)
    nearness = nearest(left, right, keep=keep, min_score=min_score)
    return Proposals(nearness, left.__getitem__, right.__getitem__)


def nearest(
    polymarket: Sequence[Market], kalshi: Sequence[Market], *, keep: int = KEEP, min_score: float = MIN_SCORE
) -> Nearness:
    """The scored pairs behind :func:`propose`, as arrays."""
    return compare_sides(Side.of(polymarket), Side.of(kalshi), keep=keep, min_score=min_score)


def _distinct(markets: Iterable[Market]) -> list[Market]:
    # A listing that pages over a moving list repeats ids; the later entry is the newer one.
    return list({market.market_id: market for market in markets}.values())


def _shared_terms(nearness: Nearness, one: int, other: int) -> list[str]:
    shared = set(nearness.spelled[0][one].split()) & set(nearness.spelled[1][other].split())
    return sorted(shared, key=lambda word: (-nearness.weights.get(word, 0.0), word))[:_SHOWN_TERMS]


def _title_similarity(one: str, other: str) -> float:
    """Dice's coefficient of the two headlines' words: 1 when they use the same ones."""
    mine, theirs = set(one.split()), set(other.split())
    total = len(mine) + len(theirs)
    return round(2 * len(mine & theirs) / total, 4) if total else 0.0


def _days_between(pair: MarketPair) -> float | None:
    """Days by which Kalshi closes later; None when one side has no close time."""
    if pair.polymarket.close_time is None or pair.kalshi.close_time is None:
        return None
    return round((pair.kalshi.close_time - pair.polymarket.close_time).total_seconds() / 86_400, 2)
