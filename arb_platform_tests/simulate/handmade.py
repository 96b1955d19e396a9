"""Five markets a venue, written by hand: three that are the same bet, one complement, one alone."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True)
class HandmadeMarket:
    market_id: str
    fair_price: float
    tick_units: int
    document: dict[str, Any]
    event_document: dict[str, Any]
    series_document: dict[str, Any] | None = None
    volume: float = 1000.0
    topic: str = "handmade"


class HandmadeTruth(NamedTuple):
    relation: str
    orientation: str


@dataclass(frozen=True)
class HandmadeCatalogue:
    polymarket: tuple[HandmadeMarket, ...]
    kalshi: tuple[HandmadeMarket, ...]
    truth: dict[tuple[str, str], HandmadeTruth] = field(default_factory=dict)


def condition(name: str) -> str:
    return "0x" + hashlib.sha256(name.encode()).hexdigest()


def tokens(name: str) -> list[str]:
    return [str(10**76 + int(hashlib.sha256(f"{name}{side}".encode()).hexdigest()[:40], 16)) for side in "01"]


def _polymarket(name: str, price: float, tick: int) -> HandmadeMarket:
    document = {
        "id": name, "question": f"Will {name} happen?", "conditionId": condition(name), "slug": name.lower(),
        "description": f"This market resolves to Yes if {name} happens.", "outcomes": '["Yes", "No"]',
        "clobTokenIds": json.dumps(tokens(name)), "active": True, "closed": False, "acceptingOrders": True,
        "enableOrderBook": True, "orderPriceMinTickSize": tick / 1_000_000, "orderMinSize": 5, "negRisk": False,
        "feesEnabled": True,
    }  # fmt: skip
    event = {"id": f"E{name}", "slug": f"event-{name}", "title": name, "closed": False}
    return HandmadeMarket(condition(name), price, tick, document, event)


def _kalshi(name: str, price: float, tick: int) -> HandmadeMarket:
    ticker = f"KX{name}-26-YES"
    document = {
        "ticker": ticker, "event_ticker": f"KX{name}-26", "title": f"Will {name} happen?", "status": "active",
        "market_type": "binary", "volume_fp": "10.00", "open_interest_fp": "3.00",
    }  # fmt: skip
    event = {"event_ticker": f"KX{name}-26", "series_ticker": f"KX{name}", "title": name, "category": "World"}
    series = {"ticker": f"KX{name}", "title": name, "category": "World", "fee_type": "quadratic"}
    return HandmadeMarket(ticker, price, tick, document, event, series)


NAMES = ("ALPHA", "BRAVO", "CHARLIE", "DELTA", "ECHO")
PRICES = (0.5, 0.31, 0.9, 0.2, 0.64)


def handmade() -> HandmadeCatalogue:
    polymarket = tuple(_polymarket(name, price, 10_000) for name, price in zip(NAMES, PRICES, strict=True))
    kalshi = [_kalshi(name, price, 10_000) for name, price in zip(NAMES, PRICES, strict=True)]
    # DELTA is the complement; ECHO's bets have nothing to do with each other
    kalshi[3] = _kalshi("DELTA", 0.8, 10_000)
    truth = {
        (polymarket[place].market_id, kalshi[place].market_id): HandmadeTruth("identity", "same")
        for place in range(3)
    }
    truth[polymarket[3].market_id, kalshi[3].market_id] = HandmadeTruth("complement", "inverted")
    return HandmadeCatalogue(polymarket, tuple(kalshi), truth)
