"""Rules about when it counts."""

from typing import Final

from arb_platform.domain.terms import Period
from arb_platform.matching.reading import Reading


def period(one: Reading, other: Reading) -> str | None:
    """Release month, meeting, date, window or deadline."""
    mine, theirs = _told(one, other), _told(other, one)
    if not mine or not theirs or _agree(mine, theirs):
        return None
    # "In 2026" and "in June 2026" are two windows, unless the rules of the coarser one say June too.
    coarse = any(told.kind in ("year", "edition") for told in (*mine, *theirs))
    if coarse and (_agree(one.opening_periods, other.periods) or _agree(one.periods, other.opening_periods)):
        return None
    return f"period: {mine[0]} against {theirs[0]}"


def _agree(mine: tuple[Period, ...], theirs: tuple[Period, ...]) -> bool:
    return any(a.agrees_with(b) for a in mine for b in theirs)


def _told(one: Reading, other: Reading) -> tuple[Period, ...]:
    """The headline's periods; where it is silent, those of the opening that the other side speaks of too."""
    if one.periods:
        return one.periods
    kinds = {told.kind for told in other.periods or other.opening_periods}
    return tuple(told for told in one.opening_periods if told.kind in kinds)


def game_day(one: Reading, other: Reading) -> str | None:
    """The same teams play again: a game is told by its day, which often only the rule text names."""
    if one.teams is None or other.teams is None:
        return None
    mine, theirs = _days(one), _days(other)
    if not mine or not theirs or mine & theirs:
        return None
    return f"game day: {'/'.join(sorted(mine))} against {'/'.join(sorted(theirs))}"


def _days(one: Reading) -> frozenset[str]:
    return frozenset(str(told) for told in (*one.periods, *one.opening_periods) if told.kind == "date")


def cut_off(one: Reading, other: Reading) -> str | None:
    """The hour and zone at which a price is taken or a deadline passes."""
    if one.teams or other.teams or not one.cut_offs or not other.cut_offs:
        return None
    mine = {minute for told in one.cut_offs for minute in _utc_minutes(told.minute, told.zone)}
    theirs = {minute for told in other.cut_offs for minute in _utc_minutes(told.minute, told.zone)}
    return None if mine & theirs else f"cut-off: {one.cut_offs[0]} against {other.cut_offs[0]}"


# Minutes behind UTC in winter and in summer; without the date either may be meant.
_BEHIND_UTC: Final = {
    "ET": (300, 240), "CT": (360, 300), "PT": (480, 420), "UTC": (0,), "CET": (-60, -120), "BST": (-60,),
    "JST": (-540,), "KST": (-540,),
}  # fmt: skip


def _utc_minutes(minute: int, zone: str) -> set[int]:
    return {(minute + behind) % 1440 for behind in _BEHIND_UTC[zone]}


def moment(one: Reading, other: Reading) -> str | None:
    """Touching a price at any time is not standing there at one time."""
    if not (one.thresholds and other.thresholds and one.moment and other.moment):
        return None
    if one.moment == other.moment or not (_has_price(one) or _has_price(other)):
        return None
    return f"touch or on the date: {one.moment} against {other.moment}"


def _has_price(one: Reading) -> bool:
    return bool(
        one.facets.get("asset") or one.facets.get("tenor") or "gas price" in one.facets.get("measure", ())
    )
