"""When it counts: dates, deadlines, release months, editions and the hour of a cut-off, out of text."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from arb_platform.domain.terms import CutOff, Period, PeriodKind
from arb_platform.matching.normalise import MONTHS

_MONTH: Final = r"(?P<month>" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_YEAR: Final = r"(?P<year>20[1-9]\d)"
_LEAD: Final = (
    r"(?P<lead>\b(?:on or before|no later than|by the end of|by end of|at the end of|end of|the end of|week ending|"
    r"week of|before|prior to|by|until|through|till|after|in|during|for|of|on|dated|and)(?: the)? )?"
)
# One alternative per way of writing; the first that matches at a place wins.
_MENTION: Final = re.compile(
    _LEAD
    + r"(?:"
    + "|".join(
        (
            r"\b(?P<iso>20[1-9]\d-[01]\d-[0-3]\d)\b",
            r"\b"
            + _MONTH.replace("month", "month2")
            + r" (?P<day2>[0-3]?\d)(?:st|nd|rd|th)?\b(?!:?\d|[.]\d|%)"
            + r"(?: ?(?:-|to) ?(?P<last2>[0-3]?\d)(?:st|nd|rd|th)?\b(?![-:.]?\d|%))?(?:,? "
            + _YEAR.replace("year", "year2")
            + r"\b)?",
            r"\b(?:(?P<first3>[0-3]?\d)(?:st|nd|rd|th)? ?(?:-|to) ?)?(?P<day3>[0-3]?\d)(?:st|nd|rd|th)?(?: of)? "
            + _MONTH.replace("month", "month3")
            + r"(?:,? "
            + _YEAR.replace("year", "year3")
            + r"\b)?",
            r"\b" + _MONTH.replace("month", "month4") + r"(?:,? " + _YEAR.replace("year", "year4") + r"\b)?",
            r"\bq(?P<quarter>[1-4])\b(?:,? (?:of )?" + _YEAR.replace("year", "year5") + r"\b)?",
            r"\b" + _YEAR.replace("year", "year6") + r" q(?P<quarter6>[1-4])\b",
            r"\b(?P<season>20[1-9]\d)[-/](?P<season_end>\d\d)\b(?![-/])",
            r"(?<![$\d,.])\b" + _YEAR.replace("year", "year7") + r"\b(?![%,.]?\d|%)",
            r"\bsuper bowl (?P<roman>[lxvi]+)\b",
        )
    )
    + r")"
)
# What every mention has in it, and how far before it a mention can begin: the longest lead and a day.
_CORE: Final = re.compile(r"20[1-9]\d|\b" + _MONTH.replace("?P<month>", "?:") + r"|\bq[1-4]\b|\bsuper bowl ")
_BEFORE_CORE: Final = 40
_INCLUSIVE_DEADLINE: Final = (
    "by",
    "until",
    "through",
    "till",
    "on or before",
    "no later",
    "by the end",
    "by end",
)
_EXCLUSIVE_DEADLINE: Final = ("before", "prior to")
_COUNTED: Final = re.compile(
    r"(?:more than|less than|fewer than|at least|above|below|over|under|exceeds?|[<>]=?) $"
)
# "may" and "march" are verbs too: alone they are a month only after one of these.
_MONTH_LEADS: Final = ("in", "by", "before", "for", "of", "end", "during", "until", "through", "prior")


def read_periods(text: str, near: date | None) -> tuple[Period, ...]:
    """Every period that ``text`` (folded) names, the coarser of two that agree left out.

    A date without a year is taken in the year that puts it closest to ``near``, the market's close;
    without ``near`` the year the text names elsewhere, else the date is unknown and left out.
    """
    fallback = near or _only_year(text)
    mentions = [(match, period) for match in _mentions(text) for period in _period(match, fallback, text)]
    return tuple(_finest(list(dict.fromkeys(_joined(mentions, text)))))


def _mentions(text: str) -> Iterator[re.Match[str]]:
    """What ``_MENTION.finditer`` gives, tried only where a mention can be."""
    end = 0
    for core in _CORE.finditer(text):
        if core.start() < end:
            continue
        match = _MENTION.search(text, max(end, core.start() - _BEFORE_CORE))
        if match is None:
            return
        yield match
        end = match.end()


_THROUGH: Final = re.compile(r"\s?(?:-|to|through|and)?\s?")


def _joined(mentions: list[tuple[re.Match[str], Period]], text: str) -> Iterator[Period]:
    """The periods in order, "December 1 to December 8" made one window."""
    waiting = list(reversed(mentions))
    while waiting:
        match, first = waiting.pop()
        if waiting and first.kind == "date" and first.start is not None:
            following, second = waiting[-1]
            lead = following.group().split(" ", maxsplit=1)[0]
            parted = text[match.end() : following.start()]
            linked = parted.strip() in ("-", "to") or lead in ("through", "till", "until", "and")
            if linked and _THROUGH.fullmatch(parted) and second.end > first.end:
                waiting.pop()
                yield Period("window", first.start, second.end)
                continue
        yield first


def _only_year(text: str) -> date | None:
    years = {int(year) for year in re.findall(r"\b20[1-9]\d\b", text)}
    return date(years.pop(), 7, 1) if len(years) == 1 else None


def _period(match: re.Match[str], near: date | None, text: str) -> Iterator[Period]:
    group = {name.rstrip("234567"): value for name, value in match.groupdict().items() if value is not None}
    lead = group.get("lead", "").strip()
    try:
        if "iso" in group:
            yield _with_lead(lead, "date", date.fromisoformat(group["iso"]))
        elif "month" in group:
            yield from _from_month(group, lead, near)
        elif "quarter" in group:
            yield from _from_quarter(group, lead, near)
        elif "season" in group:
            yield from _from_season(group)
        elif "roman" in group:
            year = _roman(group["roman"]) + 1966
            yield Period("edition", date(year, 1, 1), date(year + 1, 1, 1))
        elif not _COUNTED.search(text[: match.start("year7")]):
            yield from _from_year(int(group["year"]), lead, near)
    except (ValueError, OverflowError):
        # 31 February, a season of 99 years: not a date we can compare.
        return


def _from_month(group: dict[str, str], lead: str, near: date | None) -> Iterator[Period]:
    month = MONTHS[group["month"]]
    if "day" in group:
        final = int(group.get("last", group["day"]))
        opening = int(group.get("first", group["day"]))
        day = _dated(group.get("year"), month, final, near)
        if day is not None:
            yield _of_days(lead, day - timedelta(days=final - min(opening, int(group["day"]))), day)
        return
    bare = "year" not in group
    if bare and group["month"] in ("may", "march", "mar") and not lead.startswith(_MONTH_LEADS):
        return
    first = _dated(group.get("year"), month, 1, near)
    if first is not None:
        yield _with_lead(lead, "month", first)


def _of_days(lead: str, first: date, last: date) -> Period:
    """From one day of a month through another. A meeting of up to three days decides on its last one."""
    if last - first < _MEETING or last < first:
        return _with_lead(lead, "date", last)
    return Period("window", first, last + timedelta(days=1))


_MEETING: Final = timedelta(days=3)


def _from_quarter(group: dict[str, str], lead: str, near: date | None) -> Iterator[Period]:
    first = _dated(group.get("year"), 3 * int(group["quarter"]) - 2, 1, near)
    if first is not None:
        yield _with_lead(lead, "quarter", first)


def _from_season(group: dict[str, str]) -> Iterator[Period]:
    year, end = int(group["season"]), int(group["season_end"])
    if end == (year + 1) % 100:
        yield Period("edition", date(year, 1, 1), date(year + 2, 1, 1))


def _from_year(year: int, lead: str, near: date | None) -> Iterator[Period]:
    if lead == "by":
        # "By 2028" is meant as before it or as until its end: the market's close tells which.
        if near is not None:
            ends = (date(year, 1, 1), date(year + 1, 1, 1))
            yield Period("deadline", None, min(ends, key=lambda end: abs((end - near).days)))
        return
    yield _year(year, lead)


def _year(year: int, lead: str) -> Period:
    if lead.startswith(_INCLUSIVE_DEADLINE + _EXCLUSIVE_DEADLINE) or "end of" in lead:
        return _with_lead(lead, "year", date(year, 1, 1))
    kind: PeriodKind = "year" if lead in ("in", "during", "for", "of") else "edition"
    return Period(kind, date(year, 1, 1), date(year + 1, 1, 1))


def _dated(year: str | None, month: int, day: int, near: date | None) -> date | None:
    if year is not None:
        return date(int(year), month, day)
    if near is None:
        return None
    options = [
        date(y, month, day) for y in (near.year - 1, near.year, near.year + 1) if _exists(y, month, day)
    ]
    return min(options, key=lambda option: abs((option - near).days), default=None)


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _with_lead(lead: str, kind: PeriodKind, start: date) -> Period:
    end = _end_of(kind, start)
    if lead.startswith(_EXCLUSIVE_DEADLINE):
        return Period("deadline", None, start)
    if lead.startswith(_INCLUSIVE_DEADLINE):
        return Period("deadline", None, end)
    if "end of" in lead:
        return Period("date", end - timedelta(days=1), end)
    if lead.startswith("week"):
        return Period("week", start, end)
    return Period(kind, start, end)


def _end_of(kind: PeriodKind, start: date) -> date:
    if kind == "date":
        return start + timedelta(days=1)
    months = {"month": 1, "quarter": 3, "year": 12}[kind]
    ordinal = start.year * 12 + start.month - 1 + months
    return date(ordinal // 12, ordinal % 12 + 1, 1)


def _roman(text: str) -> int:
    digits = [{"i": 1, "v": 5, "x": 10, "l": 50}[letter] for letter in text]
    pairs = zip(digits, [*digits[1:], 0], strict=True)
    return sum(-one if one < following else one for one, following in pairs)


_FINENESS: Final = {
    "deadline": 0,
    "date": 0,
    "week": 0,
    "window": 0,
    "month": 1,
    "quarter": 2,
    "year": 3,
    "edition": 3,
}


def _finest(periods: list[Period]) -> list[Period]:
    """Leave out what a finer period of the same text already says: "2026" beside "June 2026"."""
    return [
        period
        for period in periods
        if not any(
            _FINENESS[other.kind] < _FINENESS[period.kind] and period.years & other.years for other in periods
        )
    ]


_ZONES: Final = {
    "et": "ET", "est": "ET", "edt": "ET", "eastern time": "ET", "eastern": "ET", "pt": "PT", "pst": "PT",
    "pdt": "PT", "ct": "CT", "cst": "CT", "cdt": "CT", "utc": "UTC", "gmt": "UTC", "cet": "CET", "cest": "CET",
    "jst": "JST", "kst": "KST", "bst": "BST",
}  # fmt: skip
_CLOCK: Final = re.compile(
    r"\b(?P<hour>[01]?\d|2[0-3])(?::(?P<minute>[0-5]\d))?(?::[0-5]\d)?\s?(?P<half>[ap]\.?m\.?)?\s?\(?"
    r"(?P<zone>" + "|".join(sorted(_ZONES, key=len, reverse=True)) + r")\b|\b(?P<noon>noon|midnight) (?P<zone2>et|utc|pt)\b"
)  # fmt: skip


def read_cut_offs(text: str) -> tuple[CutOff, ...]:
    """The clock times with a zone in ``text`` (folded), a minute before midnight rounded up to it.

    "11:59 PM ET" and "12:00 AM ET" are the same cut-off: the last minute of a day and its end.
    """
    found: dict[CutOff, None] = {}
    for match in _CLOCK.finditer(text):
        if match["noon"]:
            found[CutOff(720 if match["noon"] == "noon" else 0, _ZONES[match["zone2"]])] = None
            continue
        hour, minute = int(match["hour"]), int(match["minute"] or 0)
        if match["half"]:
            if not 1 <= hour <= 12:
                continue
            hour = hour % 12 + (12 if match["half"].startswith("p") else 0)
        elif match["minute"] is None:
            continue
        total = hour * 60 + minute
        found[CutOff(0 if total == 1439 else total, _ZONES[match["zone"]])] = None
    return tuple(found)
