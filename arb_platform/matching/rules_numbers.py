"""Rules about conditions on numbers. ``>= 3.0 %`` on a one-decimal grid is ``> 2.9 %``."""

from typing import Final

from arb_platform.domain.terms import Threshold, ThresholdRelation, compare_thresholds
from arb_platform.matching.reading import Reading

_Fit = tuple[ThresholdRelation, Threshold, Threshold]
_NEARNESS: Final[tuple[ThresholdRelation, ...]] = ("same", "inclusive", "opposite", "bucket", "different")


def threshold(one: Reading, other: Reading) -> str | None:
    """The number, and whether it is included."""
    found = _worst_fit(one, other)
    if found is None or found[0] not in ("inclusive", "different"):
        return None
    return f"threshold: {found[1]} against {found[2]}"


def bucket(one: Reading, other: Reading) -> str | None:
    """A range or an exact value is not an open-ended condition."""
    found = _worst_fit(one, other)
    return f"bucket or cumulative: {found[1]} against {found[2]}" if found and found[0] == "bucket" else None


def opposite_threshold(one: Reading, other: Reading) -> str | None:
    """The same number from the other direction: a complement, worth knowing, not the same bet."""
    found = _worst_fit(one, other)
    return f"polarity: {found[1]} against {found[2]}" if found and found[0] == "opposite" else None


def lone_threshold(one: Reading, other: Reading) -> str | None:
    """A condition on a number in one headline that the other market does not have at all."""
    for mine, theirs, order in ((one, other, "{} against none"), (other, one, "none against {}")):
        if not mine.thresholds or theirs.thresholds or theirs.opening_thresholds:
            continue
        # The number without a comparison: what it means there is not told.
        if f"{mine.thresholds[0].value:f}" not in theirs.said:
            return "threshold: " + order.format(mine.thresholds[0])
    return None


def _worst_fit(one: Reading, other: Reading) -> _Fit | None:
    """How the thresholds of both relate; headlines first, an opening sentence where one is silent."""
    for mine, theirs in (
        (one.thresholds, other.thresholds),
        (one.thresholds, other.opening_thresholds),
        (one.opening_thresholds, other.thresholds),
    ):
        if mine and theirs:
            return _fit(mine, theirs)
    return None


def _fit(mine: tuple[Threshold, ...], theirs: tuple[Threshold, ...]) -> _Fit:
    """Each threshold of the shorter list takes its best partner; the worst of these decides."""
    turned = len(mine) > len(theirs)
    fewer, more = (theirs, mine) if turned else (mine, theirs)
    best = [min((_related(one, other) for other in more), key=_distance) for one in fewer]
    relation, one, other = max(best, key=_distance)
    return (relation, other, one) if turned else (relation, one, other)


def _related(one: Threshold, other: Threshold) -> _Fit:
    return compare_thresholds(one, other), one, other


def _distance(fit: _Fit) -> int:
    return _NEARNESS.index(fit[0])
