"""Rules about conditions on numbers. ``>= 3.0 %`` on a one-decimal grid is ``> 2.9 %``."""

from decimal import Decimal
from typing import Final

from arb_platform.domain.terms import (
    POLICY_RATE_STEP,
    UPWARD,
    Threshold,
    ThresholdRelation,
    compare_thresholds,
)
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
        if _is_a_direction(mine.thresholds[0], theirs):
            continue
        # The number without a comparison: what it means there is not told.
        if f"{mine.thresholds[0].value:f}" not in theirs.numbers:
            return "threshold: " + order.format(mine.thresholds[0])
    return None


_UP: Final = frozenset(
    (
        "up",
        "rise",
        "rises",
        "increase",
        "increases",
        "grow",
        "grows",
        "growth",
        "positive",
        "gain",
        "gains",
        "higher",
    )
)
_DOWN: Final = frozenset(
    (
        "down",
        "fall",
        "falls",
        "decrease",
        "decreases",
        "decline",
        "declines",
        "negative",
        "lower",
        "shrink",
        "shrinks",
    )
)


def _is_a_direction(threshold: Threshold, other: Reading) -> bool:
    """Above 0 is up, below 0 is down."""
    if threshold.value != 0 or threshold.is_bucket:
        return False
    return bool(other.words & (_UP if threshold.operator in UPWARD else _DOWN))


def _worst_fit(one: Reading, other: Reading) -> _Fit | None:
    """How the thresholds of both relate; headlines first, an opening sentence where one is silent."""
    for mine, theirs in (
        (one.thresholds, other.thresholds),
        (one.thresholds, other.opening_thresholds),
        (one.opening_thresholds, other.thresholds),
    ):
        if mine and theirs:
            return _fit(mine, theirs, POLICY_RATE_STEP if _policy_rates(one, other) else None)
    return None


def _policy_rates(one: Reading, other: Reading) -> bool:
    return all("policy rate" in side.facets.get("measure", ()) for side in (one, other))


def _fit(mine: tuple[Threshold, ...], theirs: tuple[Threshold, ...], step: Decimal | None) -> _Fit:
    """Each threshold of the shorter list takes its best partner; the worst of these decides."""
    turned = len(mine) > len(theirs)
    fewer, more = (theirs, mine) if turned else (mine, theirs)
    best = [min((_related(one, other, step) for other in more), key=_distance) for one in fewer]
    relation, one, other = max(best, key=_distance)
    return (relation, other, one) if turned else (relation, one, other)


def _related(one: Threshold, other: Threshold, step: Decimal | None) -> _Fit:
    return compare_thresholds(one, other, step=step), one, other


def _distance(fit: _Fit) -> int:
    return _NEARNESS.index(fit[0])
