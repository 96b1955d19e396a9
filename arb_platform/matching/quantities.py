"""Conditions on numbers: from Kalshi's strike fields where there are any, from words otherwise."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from arb_platform.domain.markets import Market
from arb_platform.domain.terms import POINTS, Operator, Threshold, compare_thresholds

_NUM: Final = r"(?P<sign{0}>-)?(?P<dollar{0}>[$€£]\s?)?(?P<num{0}>\d{{1,18}}(?:\.\d{{1,10}})?)\s?(?P<unit{0}>%|°\s?[cf]?\b|º\s?[cf]?\b|percent\b|degrees\b|bps\b)?"
_DIGIT: Final = re.compile(r"[0-9]")
_GE: Final = r"(?:or|and) (?:higher|above|more|greater|over|up)\b|\+"
_LE: Final = r"(?:or|and) (?:lower|below|less|fewer|under|down)\b"
# Pattern, operator, and substrings of which a text must hold one; none: always tried.
_FORMS: Final[tuple[tuple[re.Pattern[str], Operator, list[str]], ...]] = tuple(
    (re.compile(pattern), operator, gates)  # type: ignore[misc]
    for pattern, operator, *gates in (
        (r"\bbetween " + _NUM.format(1) + r" (?:and|to|-) " + _NUM.format(2), "between", "between"),
        (r"(?<![\w.$-])" + _NUM.format(1) + r"\s?(?:-|to)\s?" + _NUM.format(2) + r"(?![\w.-])", "between", "-", "to"),
        (r"(?<![\w.-])" + _NUM.format(1) + r"(?: [a-z]{2,12})?\s?(?:" + _GE + ")", ">=", "or ", "and ", "+"),
        (r"(?<![\w.-])" + _NUM.format(1) + r"(?: [a-z]{2,12})?\s?(?:" + _LE + ")", "<=", "or ", "and "),
        (r"(?:\b(?:at least|no less than|not less than|at or above|no lower than|minimum of)|>=|≥) ?" + _NUM.format(1), ">=", "least", "than", "above", "minimum", ">=", "≥"),
        (r"(?:\b(?:at most|no more than|not more than|at or below|no higher than|up to)|<=|≤) ?" + _NUM.format(1), "<=", "most", "than", "below", "up to", "<=", "≤"),
        (r"(?:\b(?:more than|greater than|higher than|larger than|above|over|exceeds?|exceeding|surpass(?:es)?)|>(?!=)) ?(?:the )?" + _NUM.format(1), ">", "than", "above", "over", "exceed", "surpass", ">"),
        (r"(?:\b(?:less than|fewer than|lower than|smaller than|below|under)|<(?!=)) ?" + _NUM.format(1), "<", "than", "below", "under", "<"),
        (r"\b(?:reach(?:es)?|hit|hits|touch(?:es)?)(?: \(?high\)?| an?| the)? " + _NUM.format(1) + r"(?!\w|(?:st|nd|rd|th)\b)", ">=", "reach", "hit", "touch"),
        (r"\b(?:hit|hits) \(?low\)? " + _NUM.format(1), "<=", "hit"),
        (r"\b(?:dip|dips|fall|falls|drop|drops|crash|crashes) (?:to|below) " + _NUM.format(1), "<=", " to ", " below "),
        (r"\bo/u " + _NUM.format(1), ">", "o/u"),
        (r"\(-(?P<num1>\d{1,3}\.5)\)", ">", "(-"),
        (r"\bexactly " + _NUM.format(1), "=", "exactly"),
        (r"\b(?:cut|cuts|hike|hikes|raise|raises|lower|lowers|set|sets)(?: [a-z]{2,12}){0,2} (?:to|at) " + _NUM.format(1), "=", " to ", " at "),
        (r"\b(?:cut|cuts|hike|hikes|raise|raises|increase|increases|decrease|decreases|lower|lowers)(?: (?:interest )?rates?)?(?: by)? " + _NUM.format(1), "=", "cut", "hike", "raise", "crease", "lower"),
        (r"(?<![\w.$-])" + _NUM.format(1) + r"(?= (?:rate )?(?:cut|hike|increase|decrease)\b)", "=", "cut", "hike", "crease"),
        (r"(?<![\w.$-])" + _NUM.format(1) + r"(?=\s?\|)", "=", "|"),
        (r"\bbe " + _NUM.format(1), "=", "be "),
    )
)  # fmt: skip
_STRIKES: Final[dict[str, Operator]] = {
    "greater": ">", "greater_or_equal": ">=", "less": "<", "less_or_equal": "<=", "between": "between",
}  # fmt: skip


def strike(market: Market) -> Threshold | None:
    """The threshold in Kalshi's ``strike_type``, ``floor_strike`` and ``cap_strike``; None without one."""
    operator = _STRIKES.get(market.strike_type or "")
    if operator is None:
        return None
    low, high = market.floor_strike, market.cap_strike
    if operator == "between":
        return None if low is None or high is None else Threshold("between", low, "", high)
    value = low if operator in (">", ">=") else high
    # Some series fill the other field; a strike with one number means that number.
    value = value if value is not None else (high if low is None else low)
    return None if value is None else Threshold(operator, value)


_HOW_MANY: Final = re.compile(r"\bhow many\b|\bnumber of\b|# of\b|\btotal number\b")
_COUNT: Final = re.compile(r"(?:exactly )?(\d{1,4})(?: [a-z]{2,12}){0,2}(?: \([^)]*\))?")


def counted(market: Market) -> Threshold | None:
    """Of a question "how many" an outcome that is a bare number is that number and no other."""
    asked = f"{market.title} {market.event_title}".lower()[:800]
    told = _COUNT.fullmatch(market.subtitle.strip().lower()[:100])
    if told is None or not _HOW_MANY.search(asked) or _OPEN_END.search(market.subtitle.lower()):
        return None
    return Threshold("=", Decimal(told[1]))


_OPEN_END: Final = re.compile(r"\bor\b|\band\b|\bto\b|\+|\babove\b|\bbelow\b")


def read_thresholds(text: str) -> tuple[Threshold, ...]:
    """The conditions on numbers that ``text`` states; folded, with numbers written out.

    A number without a comparison counts only with a unit, or as the whole of a subtitle.
    """
    if _DIGIT.search(text) is None:
        return ()
    found: list[Threshold] = []
    taken = [False] * (len(text) + 1)
    for pattern, operator, gates in _FORMS:
        if gates and not any(gate in text for gate in gates):
            continue
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(taken[start:end]):
                continue
            threshold = _threshold(match, operator)
            if threshold is None:
                continue
            taken[start:end] = [True] * (end - start)
            if all(compare_thresholds(threshold, other) != "same" for other in found):
                found.append(threshold)
    return tuple(found)


def _threshold(match: re.Match[str], operator: Operator) -> Threshold | None:
    values = list(_values(match))
    unit = next((unit for _, unit in reversed(values) if unit), "")
    low = values[0][0]
    if operator == "between":
        high = values[1][0]
        # 2025-26 is a season, 3-2 a score, 10-9 nothing at all.
        if high <= low or (not unit and _is_year(low)):
            return None
        return Threshold("between", low, unit, high)
    if operator == "=" and (not unit or (unit == POINTS and low == 0)):
        return None
    if _is_year(low) and not unit and operator != ">=":
        return None
    return Threshold(operator, low, unit)


def _values(match: re.Match[str]) -> Iterator[tuple[Decimal, str]]:
    groups = match.groupdict()
    for which in ("1", "2"):
        if groups.get("num" + which) is None:
            continue
        sign = -1 if groups.get("sign" + which) and which == "1" else 1
        yield sign * Decimal(groups["num" + which]), _unit(groups)


def _unit(groups: dict[str, str | None]) -> str:
    for which in ("1", "2"):
        if groups.get("dollar" + which):
            return "$"
        written = (groups.get("unit" + which) or "").replace(" ", "")
        if written in ("%", "percent"):
            return "%"
        if written == "bps":
            return "bps"
        if written:
            return {"°f": "°F", "°c": "°C", "ºf": "°F", "ºc": "°C"}.get(written, "°")
    return ""


def _is_year(value: Decimal) -> bool:
    return value == value.to_integral_value() and 2015 <= value <= 2050
