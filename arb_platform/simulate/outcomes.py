"""What a market pays on: a span of numbers or a set of names, and how two of those relate."""

from dataclasses import dataclass
from typing import Final

from arb_platform.domain.pairs import Relation


@dataclass(frozen=True, slots=True)
class Span:
    """Outcomes between two values of an integer grid, both included; None is without end.

    On a grid of one decimal "at least 3.0 %" and "above 2.9 %" are both ``Span(30, None)``.
    """

    low: int | None
    high: int | None

    def relation_to(self, other: "Span") -> Relation:
        if self == other:
            return "identity"
        if _above(self.low, other.high) or _above(other.low, self.high):
            return "complement" if _touching(self, other) or _touching(other, self) else "disjoint"
        if _reaches(other, self):
            return "subset"
        return "superset" if _reaches(self, other) else "overlap"


@dataclass(frozen=True, slots=True)
class Names:
    """Named outcomes of an open list of them, or everything but those.

    ``universe`` closes the list: of two teams, "not the first" is "the second".
    """

    names: frozenset[str]
    excluded: bool = False
    universe: frozenset[str] | None = None

    @classmethod
    def of(cls, *names: str, universe: frozenset[str] | None = None) -> "Names":
        return cls(frozenset(names), universe=universe)

    @classmethod
    def without(cls, *names: str) -> "Names":
        return cls(frozenset(names), excluded=True)

    def relation_to(self, other: "Names") -> Relation:
        if self.excluded and other.excluded:
            return _MIRRORED[Names(self.names).relation_to(Names(other.names))]
        if self.excluded or other.excluded:
            return self._against_rest(other)
        if self.names == other.names:
            return "identity"
        if not self.names & other.names:
            whole = self.names | other.names
            return "complement" if self.universe is not None and whole == self.universe else "disjoint"
        if self.names < other.names:
            return "subset"
        return "superset" if self.names > other.names else "overlap"

    def _against_rest(self, other: "Names") -> Relation:
        if self.names == other.names:
            return "complement"
        positive, rest = (other.names, self.names) if self.excluded else (self.names, other.names)
        if positive <= rest:
            return "disjoint"
        if positive & rest:
            return "overlap"
        return "superset" if self.excluded else "subset"


Outcome = Span | Names

# What "not A" and "not B" are to each other when A and B are the key; disjoint sets have overlapping rests.
_MIRRORED: Final[dict[Relation, Relation]] = {
    "identity": "identity",
    "subset": "superset",
    "superset": "subset",
    "overlap": "overlap",
    "complement": "complement",
    "disjoint": "overlap",
    "unknown": "unknown",
}


def outcome_relation(one: Outcome, other: Outcome) -> Relation:
    if isinstance(one, Span) and isinstance(other, Span):
        return one.relation_to(other)
    if isinstance(one, Names) and isinstance(other, Names):
        return one.relation_to(other)
    raise TypeError("one question has outcomes of two kinds: the family that made it is wrong")


def _above(low: int | None, high: int | None) -> bool:
    return low is not None and high is not None and low > high


def _touching(lower: Span, upper: Span) -> bool:
    """True when the two cover everything without a gap."""
    if lower.low is not None or upper.high is not None or lower.high is None or upper.low is None:
        return False
    return lower.high + 1 == upper.low


def _reaches(outer: Span, inner: Span) -> bool:
    low = outer.low is None or (inner.low is not None and outer.low <= inner.low)
    high = outer.high is None or (inner.high is not None and outer.high >= inner.high)
    return low and high
