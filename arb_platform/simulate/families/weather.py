"""Highest temperature of a day: another station, another source, buckets against thresholds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from arb_platform.simulate.drafts import (
    KalshiDraft,
    KalshiEvent,
    KalshiSeries,
    PolymarketDraft,
    PolymarketEvent,
    Topic,
)
from arb_platform.simulate.outcomes import Span
from arb_platform.simulate.truth import Claim
from arb_platform.simulate.wording import (
    bell,
    day_code,
    eastern,
    last_minute,
    long_date,
    midnight,
    month_day,
    short_date,
    slug,
)


@dataclass(frozen=True, slots=True)
class _City:
    """``polymarket`` and ``kalshi`` are (station, who publishes it); equal ones make the same bet."""

    name: str
    series: str
    polymarket: tuple[str, str]
    kalshi: tuple[str, str]
    # mean of January and of July, in degrees Fahrenheit
    cold: int
    warm: int


_NWS: Final = "NWS"
_WUNDERGROUND: Final = "Wunderground"
_CITIES: Final = (
    _City("NYC", "KXHIGHNY", ("LaGuardia Airport (KLGA)", _WUNDERGROUND), ("Central Park", _NWS), 40, 85),
    _City("Denver", "KXHIGHDEN", ("Denver International Airport (KDEN)", _NWS), ("Denver International Airport (KDEN)", _NWS), 45, 89),
    _City("Chicago", "KXHIGHCHI", ("O'Hare International Airport (KORD)", _WUNDERGROUND), ("Chicago Midway (KMDW)", _NWS), 32, 84),
    _City("Miami", "KXHIGHMIA", ("Miami International Airport (KMIA)", _WUNDERGROUND), ("Miami International Airport (KMIA)", _NWS), 76, 91),
    _City("Austin", "KXHIGHAUS", ("Austin-Bergstrom Airport (KAUS)", _NWS), ("Austin-Bergstrom Airport (KAUS)", _NWS), 62, 97),
    _City("Philadelphia", "KXHIGHPHIL", ("Philadelphia Airport (KPHL)", _NWS), ("Philadelphia Airport (KPHL)", _NWS), 41, 87),
    _City("Los Angeles", "KXHIGHLAX", ("Los Angeles Airport (KLAX)", _WUNDERGROUND), ("Los Angeles Airport (KLAX)", _NWS), 67, 76),
    _City("Seattle", "KXHIGHTSEA", ("Seattle-Tacoma Airport (KSEA)", _WUNDERGROUND), ("Seattle-Tacoma Airport (KSEA)", _NWS), 47, 79),
)  # fmt: skip
_CITY_NAMES: Final = {"NYC": "New York City"}


def topics(rng: Random, now: datetime) -> Iterator[Topic]:
    """The next days of each city, without end."""
    today = now.date()
    for ahead in range(1, 20_000):
        for city in _CITIES:
            yield _high(city, today + timedelta(days=ahead), rng)


def _high(city: _City, day: date, rng: Random) -> Topic:
    season = abs(((day.month - 1) * 30 + day.day - 15) / 180 - 1)
    low = round(city.warm + (city.cold - city.warm) * season + rng.gauss(0, 6)) // 2 * 2
    polymarket = _polymarket(city, day, low)
    kalshi = _kalshi(city, day, low)
    return Topic(f"high/{city.series}/{day}", tuple(polymarket), tuple(kalshi))


def _claim(city: _City, day: date, span: Span, station: tuple[str, str]) -> Claim:
    """A different station is a different source; the same one read elsewhere is, too."""
    kind = "station" if city.polymarket[0] != city.kalshi[0] else "source"
    return Claim(f"{city.series} high", span, day_code(day), source=f"{kind}:{'/'.join(station)}")


def _chance(span: Span, low: int) -> float:
    return bell(span, low + 0.5, 2.6)


def _polymarket(city: _City, day: date, low: int) -> list[PolymarketDraft]:
    station, publisher = city.polymarket
    event = PolymarketEvent(
        slug(f"highest temperature in {city.name} on {month_day(day)} {day.year}"),
        f"Highest temperature in {city.name} on {month_day(day)}?",
        "weather",
        ("Weather", city.name),
        midnight(day) + timedelta(hours=12),
        neg_risk=True,
    )
    source = (
        "the Wunderground history page of the station"
        if publisher == _WUNDERGROUND
        else "the Climatological Report (Daily) of the National Weather Service for the station"
    )
    rules = (
        f"This market will resolve to the temperature range that contains the highest temperature recorded at the {station} station in degrees Fahrenheit on {long_date(day)}.\n\n"
        f"The resolution source for this market will be information from {source}, specifically the highest temperature recorded for all times on this day once the information is finalized.\n\n"
        'This market can not resolve to "Yes" until all data for this date has been finalized. The resolution source measures temperatures to whole degrees Fahrenheit (e.g. 21°F); this is the level of precision that will be used when resolving the market. Revisions made after the data is finalized will not be considered.'
    )
    where = (
        "https://www.wunderground.com/history/daily"
        if publisher == _WUNDERGROUND
        else "https://forecast.weather.gov/product.php?product=CLI"
    )
    spans = (
        (Span(None, low - 3), f"{low - 3}°F or below"),
        (Span(low - 2, low - 1), f"between {low - 2}-{low - 1}°F"),
        (Span(low, low + 1), f"between {low}-{low + 1}°F"),
        (Span(low + 2, low + 3), f"between {low + 2}-{low + 3}°F"),
        (Span(low + 4, None), f"{low + 4}°F or higher"),
    )
    return [
        PolymarketDraft(
            event,
            f"Will the highest temperature in {_CITY_NAMES.get(city.name, city.name)} be {label} on {month_day(day)}?",
            rules,
            _claim(city, day, span, city.polymarket),
            _chance(span, low),
            label.removeprefix("between "),
            where,
        )
        for span, label in spans
    ]


_Range = tuple[str, str, str, Span, str, float | None, float | None]


def _ranges(low: int) -> list[_Range]:
    """Kalshi's buckets and one threshold among them: code, label, words of the rule, span, strike."""
    return [
        (f"T{low - 2}", f"{low - 3}° or below", f"less than {low - 2}°", Span(None, low - 3), "less", None, low - 2),
        (f"B{low - 1.5}", f"{low - 2}° to {low - 1}°", f"between {low - 2}-{low - 1}°", Span(low - 2, low - 1), "between", low - 2, low - 1),
        (f"B{low + 0.5}", f"{low}° to {low + 1}°", f"between {low}-{low + 1}°", Span(low, low + 1), "between", low, low + 1),
        (f"T{low + 3}", f"{low + 4}° or above", f"greater than {low + 3}°", Span(low + 4, None), "greater", low + 3, None),
        (f"T{low - 1}", f"{low}° or above", f"greater than {low - 1}°", Span(low, None), "greater", low - 1, None),
    ]  # fmt: skip


def _kalshi(city: _City, day: date, low: int) -> list[KalshiDraft]:
    station, _ = city.kalshi
    close = last_minute(day)
    series = KalshiSeries(
        city.series,
        f"Highest temperature in {city.name}",
        "Climate and Weather",
        (("National Weather Service", "https://www.weather.gov"),),
        ("Daily temperature",),
        "daily",
        "quadratic_with_maker_fees",
    )
    event = KalshiEvent(
        series,
        day_code(day),
        f"Highest temperature in {city.name} on {short_date(day)}?",
        f"On {short_date(day)}",
        close,
        mutually_exclusive=True,
        strike_date=close,
        expected=eastern(day + timedelta(days=1), 10),
    )
    secondary = (
        "Not all weather data is the same. While checking a source like AccuWeather or Google Weather may help guide your decision, the official and final value used to determine this market is the highest temperature as reported by the National Weather Service's Climatological Report (Daily). "
        "During daylight saving time the reported day runs in local standard time, from 1:00 AM to 12:59 AM the following day. Preliminary reports are not used while a final one is expected."
    )
    return [
        KalshiDraft(
            event, code, f"Will the high temp in {city.name} be {said.replace('less than ', '<').replace('greater than ', '>').removeprefix('between ')} on {short_date(day)}?", label,
            f"If the highest temperature recorded at {station} for {short_date(day)} as reported by the National Weather Service's Climatological Report (Daily), is {said}, then the market resolves to Yes.",
            secondary, _claim(city, day, span, city.kalshi), _chance(span, low), kind, floor_strike=floor, cap_strike=cap,
        )
        for code, label, said, span, kind, floor, cap in _ranges(low)
    ]  # fmt: skip
