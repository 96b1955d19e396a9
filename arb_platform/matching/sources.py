"""Who says what the outcome is: families of sources whose members publish the same number."""

import re
from typing import Final, Literal

from arb_platform.domain.markets import Market
from arb_platform.domain.terms import Source
from arb_platform.matching.normalise import fold, plain

SourceKind = Literal["price", "weather"]
UNTOLD: Final = Source(frozenset())

# Kalshi settles crypto on a 60 s average of a CF Benchmarks index, Polymarket on one exchange's
# candle or a Chainlink stream: correlated, not identical.
_FAMILIES: Final[dict[SourceKind, dict[str, re.Pattern[str]]]] = {
    "price": {
        "CF Benchmarks": re.compile(r"cf benchmarks?|\bbrti\b|\b\w{3,5}usd_rti\b|real[- ]time index|\berti\b"),
        "Binance": re.compile(r"\bbinance\b"),
        "Coinbase": re.compile(r"\bcoinbase\b"),
        "Kraken": re.compile(r"\bkraken\b"),
        "Chainlink": re.compile(r"\bchainlink\b"),
        "Pyth": re.compile(r"\bpyth\b"),
        "CME": re.compile(r"\bcme\b|\bnymex\b|\bcomex\b"),
        "ICE": re.compile(r"\bice\b(?! cream| storm| agent| detention| raid)"),
        "Yahoo Finance": re.compile(r"yahoo finance"),
    },
    "weather": {
        "Wunderground": re.compile(r"wunderground|weather underground"),
        "National Weather Service": re.compile(r"national weather service|\bnws\b|climatological report|\bcli\b"),
        "Met Office": re.compile(r"met office"),
        "AccuWeather": re.compile(r"accuweather"),
        "NASA": re.compile(r"\bnasa\b|\bgistemp\b"),
        "Copernicus": re.compile(r"\bcopernicus\b"),
    },
}  # fmt: skip
# Sentences that name a source in order to say that it does not count.
_NOT_BINDING: Final = re.compile(
    r"not (?:according|based|from)|other (?:sources|exchanges|markets|spot)|checking a source|a source like|may help guide|"
    r"for reference|will not be (?:used|considered)|regardless of|instead of"
)


def read_source(market: Market, kind: SourceKind) -> Source:
    """The families that the resolution source names, or else the rule text in sentences that bind."""
    families = _FAMILIES[kind]
    named = fold(plain(market.resolution_source, 400))
    found = frozenset(family for family, pattern in families.items() if pattern.search(named))
    if found:
        return Source(found)
    rules = fold(plain(f"{market.title}. {market.rules}", 4_000))
    sentences = [part for part in re.split(r"(?<=[.!?])\s", rules) if not _NOT_BINDING.search(part)]
    text = " ".join(sentences)
    return Source(frozenset(family for family, pattern in families.items() if pattern.search(text)))


_STATIONS: Final = {
    "KNYC": r"central park", "KLGA": r"la ?guardia", "KJFK": r"\bjfk\b|john f\.? kennedy", "KEWR": r"newark liberty",
    "KMDW": r"midway", "KORD": r"o'?hare", "EGLL": r"heathrow", "EGLC": r"london city airport", "EGKK": r"gatwick",
    "KDEN": r"denver international", "KMIA": r"miami international", "KAUS": r"austin[- ]bergstrom", "KATT": r"camp mabry",
    "KLAX": r"los angeles international|\blax\b", "KCQT": r"downtown los angeles", "KPHL": r"philadelphia international",
    "KDAL": r"love field", "KDFW": r"dallas[ /-]fort worth|\bdfw\b", "KATL": r"hartsfield", "KSEA": r"seattle-?tacoma|sea-?tac",
    "KHOU": r"hobby airport|william p\.? hobby", "KIAH": r"bush intercontinental", "KDCA": r"reagan national",
    "KIAD": r"\bdulles\b", "KBOS": r"logan (?:international )?airport", "KSFO": r"san francisco international|\bsfo\b",
    "LFPG": r"charles de gaulle", "LFPO": r"\borly\b", "LFPB": r"le bourget", "RJTT": r"haneda", "RJAA": r"narita",
    "RKSI": r"incheon", "RKSS": r"gimpo", "CYYZ": r"toronto pearson", "CYTZ": r"billy bishop", "SBGR": r"guarulhos",
}  # fmt: skip
_STATION_PATTERNS: Final = {code: re.compile(pattern) for code, pattern in _STATIONS.items()}
# ICAO codes of the regions that venues list weather for; only in capitals, and only beside weather words.
_ICAO: Final = re.compile(
    r"\b(?:K[A-Z]{3}|E[A-Z]{3}|L[A-Z]{3}|R[JK][A-Z]{2}|CY[A-Z]{2}|S[ABC][A-Z]{2}|VH[A-Z]{2}|Y[A-Z]{3}|Z[A-Z]{3})\b"
)
WEATHER: Final = re.compile(
    r"temperature|hottest|warmest|rainfall|snowfall|precipitation|\btemp\b|\brain\b|\bsnow\b"
)


def read_stations(text: str) -> frozenset[str]:
    """ICAO codes of the weather stations that a text names; empty for a text that is not about weather."""
    shown = plain(text, 6_000)
    folded = fold(shown)
    if not WEATHER.search(folded):
        return frozenset()
    named = {code for code, pattern in _STATION_PATTERNS.items() if pattern.search(folded)}
    return frozenset(named | {code for code in _ICAO.findall(shown) if code not in _NO_STATION})


_NO_STATION: Final = frozenset(
    {
        "KALSHI",
        "EACH",
        "EVEN",
        "ELSE",
        "EDGE",
        "EAST",
        "LESS",
        "LAST",
        "LOW",
        "YEAR",
        "ZERO",
        "ZONE",
        "LINK",
        "KIND",
    }
)
