"""One spelling for both venues: months, dates, numbers, comparisons, teams, parties, places.

Market text is hostile input. Nothing here raises, whatever the text holds, and no more than
``LONGEST`` characters are looked at.
"""

import calendar
import re
import unicodedata
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from arb_platform.matching.vocabulary import ALIASES

# Rule texts end well below this; a longer text is not read further by anything in this package.
LONGEST: Final = 20_000
# A title that needs more words than this to say what it is about is not a title.
_TITLE_LONGEST: Final = 600

MONTHS: Final = {
    name: number
    for number in range(1, 13)
    for name in (calendar.month_name[number].lower(), calendar.month_abbr[number].lower())
} | {"sept": 9}
MONTH_NAMES: Final = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = "(" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"

_MAGNITUDE: Final = {
    "k": 3, "thousand": 3, "m": 6, "mm": 6, "mln": 6, "million": 6, "b": 9, "bn": 9, "billion": 9,
    "t": 12, "tn": 12, "trillion": 12,
}  # fmt: skip
_DASHES: Final = str.maketrans(dict.fromkeys("‐‑‒–—−", "-") | {"’": "'", "‘": "'", "ʼ": "'"})
# Control, format (zero-width, bidi), surrogate, private-use and unassigned characters carry no word.
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def plain(text: str, limit: int = LONGEST) -> str:
    """``text`` as a reader would see it: NFKC, nothing invisible, single spaces, at most ``limit`` long."""
    if not isinstance(text, str):
        return ""
    head = text[:limit]
    if not head.isascii():
        composed = unicodedata.normalize("NFKC", head).translate(_DASHES)
        head = (composed if composed.isprintable() else _UNUSUAL.sub(_visible, composed))[:limit]
    elif not head.isprintable():
        head = head.translate(_CONTROLS)
    return " ".join(head.split())


_CONTROLS: Final = dict.fromkeys((*range(32), 127), " ")
_UNUSUAL: Final = re.compile(r"[^\x20-\x7e]")


def _visible(match: re.Match[str]) -> str:
    character = match.group()
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in _UNSEEN else character


def fold(text: str) -> str:
    """Lower case without accents: ``Świątek`` and ``Swiatek`` are one person."""
    if text.isascii():
        return text.lower()
    swapped = text.translate(_LETTERS).casefold()
    return _MARKED.sub(_unmarked, unicodedata.normalize("NFKD", swapped)).casefold()


_MARKED: Final = re.compile(r"[^\x00-\x7f]+")


def _unmarked(match: re.Match[str]) -> str:
    return "".join(character for character in match.group() if not unicodedata.combining(character))


# Letters that do not decompose into a plain letter and a mark.
_LETTERS: Final = str.maketrans(
    {"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ı": "i", "æ": "ae", "œ": "oe"}
)

_DIGIT: Final = re.compile(r"[0-9]")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}\b)")
_NUMBER: Final = re.compile(
    r"(?<![\w.])(\d{1,15}(?:\.\d{1,10})?)((?:\s?(?:k|mm|mln|m|bn|b|tn|t|thousand|million|billion|trillion)\b)*)"
    r"(?:\s?(bps|bp|basis points?)\b)?"
)
_OR_MORE_POINTS: Final = re.compile(r"\b(\d+)\+ ?(bps|bp)\b")
_ISO: Final = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)(?:t[\d:.z+-]*)?\b")
_DAY_FIRST: Final = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th)?(?: of)? " + _MONTH + r"(?:,? (20\d\d)\b)?")
_MONTH_DAY: Final = re.compile(_MONTH + r" (\d{1,2})(?:st|nd|rd|th)?\b(?!:?\d|\.\d|%)(?:,? (20\d\d)\b)?")
_BEFORE: Final = re.compile(
    r"\b(?:before|prior to) (?:(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"(?: (\d{1,2}))?(?: (20\d\d))?|(20\d\d))\b"
)
_SHORT_MONTH: Final = re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)")
_LONG_MONTH: Final = re.compile(r"\b(" + "|".join(name for name in MONTHS if len(name) > 3) + r")\b")
_DISTRICT: Final = re.compile(r"\b([a-z]{2})-(\d{1,2}|al)\b")
# Pattern, its symbol, and substrings of which a text must hold one: a search costs much more than `in`.
_COMPARISONS: Final = tuple(
    (re.compile(pattern), symbol, tuple(gates.split("|")))
    for pattern, symbol, gates in (
        (
            r"≥|\b(?:at least|no less than|not less than|or (?:higher|above|more|greater|over|later))\b|(?<=\d)\+", " >= ",
            "≥|+|at least|less than|or higher|or above|or more|or greater|or over|or later",
        ),
        (
            r"≤|\b(?:at most|no more than|not more than|or (?:lower|below|less|fewer|under))\b", " <= ",
            "≤|at most|more than|or lower|or below|or less|or fewer|or under",
        ),
        (
            r"\b(?:more than|greater than|higher than|larger than|above|over|exceeds?|exceeding)\b(?!/)", " > ",
            "er than|more than|above|over|exceed",
        ),
        (r"\b(?:less than|fewer than|lower than|smaller than|below|under)\b", " < ", "er than|less than|below|under"),
    )
)  # fmt: skip
_WORD: Final = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?%?|>=|<=|[<>]|[^\W\d_a-z]+")


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """The text in the spelling shared by both venues; normalising twice changes nothing.

    >>> normalise("Will the Knicks score 230k or more before Jul 1, 2027?")
    'will the new york knicks score 230000 >= by jun 30 2027'
    """
    current = normalise_once(text)
    # Almost always stable at once; an alias that joins with its neighbours needs another turn.
    for _ in range(8):
        following = normalise_once(current)
        if following == current:
            return current
        current = following
    return current


def normalise_once(text: str) -> str:
    """One pass of :func:`normalise`: what candidates are compared by."""
    return normalise_plain(plain(text, _TITLE_LONGEST))


@lru_cache(maxsize=4096)
def normalise_plain(text: str) -> str:
    """One pass over a text that :func:`plain` gave; the markets of an event share most of theirs."""
    words = _canonical_dates(canonical_numbers(fold(text)))
    for pattern, symbol, gates in _COMPARISONS:
        for gate in gates:
            if gate in words:
                words = pattern.sub(symbol, words)
                break
    words = words.replace("'s ", " ").replace("'", "").replace("&", " and ")
    if "-" in words:
        words = _DISTRICT.sub(_district, words)
    return " ".join(_with_aliases(_WORD.findall(words)))


def canonical_numbers(text: str) -> str:
    """Numbers written out in full: 230k, 1,500, 12.5 billion, 3.00; basis points keep their unit.

    >>> canonical_numbers("25 basis points, 1,500 and 12.5 billion")
    '25 bps, 1500 and 12500000000'
    """
    if _DIGIT.search(text) is None:
        return text
    if "," in text:
        text = _THOUSANDS.sub("", text)
    if "+" in text:
        text = _OR_MORE_POINTS.sub(r"\1 \2 or more", text)
    return _NUMBER.sub(_number, text)


def _number(match: re.Match[str]) -> str:
    digits, magnitudes, points = match.groups()
    if "." not in digits and not magnitudes and not points:
        return match.group()
    value = Decimal(digits)
    # "1.5m million" is nonsense; the first magnitude counts and the rest is swallowed.
    for word in magnitudes.split()[:1]:
        value = value.scaleb(_MAGNITUDE[word])
    return format(value.normalize(), "f") + (" bps" if points else "")


def _canonical_dates(text: str) -> str:
    if "20" in text and "-" in text:
        text = _ISO.sub(lambda m: f"{_month_name(int(m[2]))} {int(m[3])} {m[1]}", text)
    if _SHORT_MONTH.search(text) is None:
        return _BEFORE.sub(_by_the_day_before, text) if "before" in text or "prior" in text else text
    text = _DAY_FIRST.sub(lambda m: _joined(MONTHS[m[2]], m[1], m[3]), text)
    text = _MONTH_DAY.sub(lambda m: _joined(MONTHS[m[1]], m[2], m[3]), text)
    text = _LONG_MONTH.sub(lambda m: MONTH_NAMES[MONTHS[m[1]]], text)
    return _BEFORE.sub(_by_the_day_before, text) if "before" in text or "prior" in text else text


def _month_name(number: int) -> str:
    return MONTH_NAMES[number] if 1 <= number <= 12 else ""


def _joined(month: int, day: str, year: str | None) -> str:
    return f"{MONTH_NAMES[month]} {int(day)}" + (f" {year}" if year else "")


def _by_the_day_before(match: re.Match[str]) -> str:
    month, day, year, bare_year = match.groups()
    number = MONTHS[month] if month else 1
    # Without a year any year that is not a leap year will do: only month and day are printed.
    try:
        last = date(int(year or bare_year or 2027), number, int(day or 1)) - timedelta(days=1)
    except ValueError:
        return match.group()
    if day is not None or year or bare_year:
        told = f" {last.year}" if year or bare_year else ""
        return f"by {MONTH_NAMES[last.month]} {last.day}{told}"
    return match.group()


def _district(match: re.Match[str]) -> str:
    state, number = match.groups()
    return f"{state}{number if number == 'al' else number.zfill(2)}"


def _alias_table() -> dict[str, list[tuple[list[str], list[str]]]]:
    table: dict[str, dict[str, str]] = {}
    for phrase, meaning in ALIASES.items():
        for said in (meaning, phrase):
            table.setdefault(said.split()[0], {})[said] = meaning
    return {
        first: [
            (said.split(), entries[said].split())
            for said in sorted(entries, key=lambda one: -len(one.split()))
        ]
        for first, entries in table.items()
    }


_ALIAS_TABLE: Final = _alias_table()


def _with_aliases(words: list[str]) -> list[str]:
    if _ALIAS_TABLE.keys().isdisjoint(words):
        return words
    result: list[str] = []
    position = 0
    while position < len(words):
        for phrase, meaning in _ALIAS_TABLE.get(words[position], ()):
            if words[position : position + len(phrase)] == phrase:
                result.extend(meaning)
                position += len(phrase)
                break
        else:
            result.append(words[position])
            position += 1
    return result
