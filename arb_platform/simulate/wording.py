"""Dates, numbers and names the way the two venues write them."""

import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

from arb_platform.simulate.outcomes import Span

NEW_YORK: Final = ZoneInfo("America/New_York")
CREDIBLE: Final = "The resolution source for this market will be a consensus of credible reporting."

_FIRST_NAMES: Final = (
    "Alina Amos Anders Beatriz Bram Callum Carla Cedric Dalia Daria Desmond Edwin Elena Elias Emmett Esther Farid Fiona "
    "Gideon Greta Hakon Hollis Ines Ingrid Isaac Ivo Jasper Joanna Jonah Kamal Keira Lamar Leona Levi Lucia Magnus Maren "
    "Mateus Mira Nadia Nolan Odette Orson Paloma Quentin Rafael Rhea Roland Sabine Selma Silas Tamsin Theo Ursula Vera "
    "Viktor Wendell Yara Yusuf Zelda"
)
_LAST_NAMES: Final = (
    "Abernathy Almeida Ashworth Barrow Bellweather Brandvold Calloway Castellane Crowder Dahlgren Delacourt Drummond "
    "Eastbrook Eklund Fairbairn Ferreira Galloway Garrick Hargrove Hollister Ibarra Iverson Jankowski Kessler Kirkbride "
    "Lachlan Lindqvist Lockhart Marchetti Merriweather Montague Nakagawa Northcott Okafor Oldfield Pemberton Petrakis "
    "Quillon Radcliffe Rasmussen Rosario Sandoval Sinclair Stavros Thackeray Thornbury Underhill Valdivia Vanterpool "
    "Wainwright Whitlock Yardley Zamora Zielinski"
)


def people(rng: Random, count: int) -> list[str]:
    """``count`` different invented names."""
    found: dict[str, None] = {}
    first, last = _FIRST_NAMES.split(), _LAST_NAMES.split()
    while len(found) < count:
        found[f"{rng.choice(first)} {rng.choice(last)}"] = None
    return list(found)


def initials(name: str) -> str:
    """How Kalshi abbreviates a person or a title in a ticker.

    >>> initials("Rhea Lockhart"), initials("The Long Way Down")
    ('RLOC', 'TLWD')
    """
    words = re.findall(r"[A-Z0-9]+", _ascii(name).upper())
    return words[0][0] + words[1][:3] if len(words) == 2 else "".join(word[0] for word in words)[:5]


def codes(names: Sequence[str]) -> dict[str, str]:
    """A ticker part for each name; where two have the same initials, the later gets a number."""
    found: dict[str, str] = {}
    for name in names:
        code = initials(name)
        taken = set(found.values())
        found[name] = next(c for c in (code, *(f"{code}{n}" for n in range(2, 100))) if c not in taken)
    return found


@cache
def slug(text: str) -> str:
    """A web address part out of a title."""
    return re.sub(r"[^a-z0-9]+", "-", _ascii(text.replace("'", "")).lower()).strip("-")


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def eastern(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """That hour of New York, in UTC."""
    return datetime.combine(day, time(hour, minute), NEW_YORK).astimezone(UTC)


def midnight(day: date) -> datetime:
    """Midnight UTC, Polymarket's usual ``endDate``."""
    return datetime.combine(day, time(), UTC)


def last_minute(day: date) -> datetime:
    """11:59 PM in New York: the end of the day on both venues."""
    return eastern(day, 23, 59)


def long_date(day: date) -> str:
    """``December 5, 2026``"""
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


def month_day(day: date) -> str:
    """``December 5``"""
    return f"{MONTHS[day.month - 1]} {day.day}"


def short_date(day: date) -> str:
    """``Dec 5, 2026``"""
    return f"{MONTHS[day.month - 1][:3]} {day.day}, {day.year}"


@cache
def day_code(day: date) -> str:
    """``26DEC05``, as in Kalshi's tickers."""
    return f"{month_code(day)}{day.day:02}"


def month_code(day: date) -> str:
    """``26DEC``"""
    return f"{day.year % 100:02}{MONTHS[day.month - 1][:3].upper()}"


def zone_name(moment: datetime) -> str:
    """EST or EDT at that moment."""
    return moment.astimezone(NEW_YORK).tzname() or "ET"


def months_from(day: date, count: int) -> list[date]:
    """The first days of ``count`` months, from the month of ``day`` on."""
    start = day.year * 12 + day.month - 1
    return [date(index // 12, index % 12 + 1, 1) for index in range(start, start + count)]


def month_end(day: date) -> date:
    return months_from(day, 2)[1] - timedelta(days=1)


def weekday_of_month(month: date, weekday: int, nth: int) -> date:
    """The nth Monday (0) .. Sunday (6) of a month; -1 is the last."""
    if nth < 0:
        last = month_end(month)
        return last - timedelta(days=(last.weekday() - weekday) % 7)
    first = month.replace(day=1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def number(value: float, decimals: int = 0) -> str:
    """``1,250.5``"""
    return f"{value:,.{decimals}f}"


def bell(span: Span, mean: float, deviation: float) -> float:
    """Chance that a normal variable, rounded to the grid, falls into ``span``."""
    low = 0.0 if span.low is None else _below(span.low - 0.5, mean, deviation)
    high = 1.0 if span.high is None else _below(span.high + 0.5, mean, deviation)
    return high - low


def hazard(days: float, per_year: float) -> float:
    """Chance that something with this yearly rate happens within ``days``."""
    return 1 - math.exp(-per_year * days / 365)


def shares(rng: Random, count: int, *, total: float = 1.0) -> list[float]:
    """Chances of ``count`` rivals, the first the favourite, as in a race with one winner."""
    weights = sorted((rng.paretovariate(1.1) for _ in range(count)), reverse=True)
    return [total * weight / sum(weights) for weight in weights]


def some(rng: Random, items: Sequence[str], count: int) -> list[str]:
    return rng.sample(items, min(count, len(items)))


def _below(value: float, mean: float, deviation: float) -> float:
    return 0.5 * (1 + math.erf((value - mean) / (deviation * math.sqrt(2))))


MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
