"""Drafts as the venues' own JSON: Gamma's market and event, Kalshi's market, event and series.

Field names and forms follow the venues' documentation of 2026: Gamma's ``outcomes``, ``outcomePrices``
and ``clobTokenIds`` are JSON inside a string; Kalshi's prices are dollar strings with four decimals
and its sizes have two.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from arb_platform.simulate.drafts import (
    KalshiDraft,
    KalshiEvent,
    KalshiSeries,
    PolymarketDraft,
    PolymarketEvent,
)
from arb_platform.simulate.wording import slug

# Polymarket's taker fee rates by category (its fee page, 2026); geopolitics is free.
FEE_RATES: Final[dict[str, float]] = {
    "crypto": 0.07, "sports": 0.03, "finance": 0.04, "politics": 0.04, "economics": 0.05, "culture": 0.05,
    "weather": 0.05, "general": 0.05, "mentions": 0.04, "tech": 0.04, "geopolitics": 0.0,
}  # fmt: skip
PRICE_RANGES: Final[dict[str, list[dict[str, str]]]] = {
    "linear_cent": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
    "deci_cent": [{"start": "0.0000", "end": "1.0000", "step": "0.0010"}],
    "tapered_deci_cent": [
        {"start": "0.0000", "end": "0.1000", "step": "0.0010"},
        {"start": "0.1000", "end": "0.9000", "step": "0.0100"},
        {"start": "0.9000", "end": "1.0000", "step": "0.0010"},
    ],
}
_FIRST_TOKEN: Final = 10**76


def condition_id(seed: int, key: str) -> str:
    return "0x" + hashlib.sha256(f"{seed}/condition/{key}".encode()).hexdigest()


def token_ids(condition: str) -> tuple[str, str]:
    """Two 77-digit decimals, the token of the first outcome and of the second."""
    first, second = (
        _FIRST_TOKEN
        + int(hashlib.sha256(f"{condition}/{side}".encode()).hexdigest(), 16) % (9 * _FIRST_TOKEN)
        for side in (0, 1)
    )
    return str(first), str(second)


def polymarket_tick(price: float) -> float:
    """Polymarket refines the grid near the ends."""
    return 0.001 if price < 0.04 or price > 0.96 else 0.01


def polymarket_market(
    draft: PolymarketDraft, *, market_id: str, price: float, volume: float, now: datetime
) -> dict[str, Any]:
    """Gamma's market object, without its ``events``."""
    tick = polymarket_tick(price)
    bid, ask = _quotes(price, tick)
    end = draft.end or draft.event.end
    number = int(market_id[2:10], 16)
    start = now - timedelta(days=3 + number % 90, seconds=number % 86_400)
    tokens = token_ids(market_id)
    document: dict[str, Any] = {
        "id": str(2_000_000 + number % 7_000_000),
        "question": draft.question,
        "conditionId": market_id,
        "slug": f"{slug(draft.question)}-{number % 1000:03}",
        "resolutionSource": draft.resolution_source,
        "endDate": _z(end),
        "endDateIso": end.date().isoformat(),
        "startDate": _z(start),
        "startDateIso": start.date().isoformat(),
        "createdAt": _z(start - timedelta(hours=3)),
        "updatedAt": _z(now - timedelta(seconds=number % 300)),
        "description": draft.rules,
        "outcomes": json.dumps(list(draft.outcomes)),
        "outcomePrices": json.dumps([f"{(bid + ask) / 2:.4g}", f"{1 - (bid + ask) / 2:.4g}"]),
        "clobTokenIds": json.dumps(list(tokens)),
        "active": True,
        "closed": False,
        "archived": False,
        "acceptingOrders": True,
        "acceptingOrdersTimestamp": _z(start),
        "enableOrderBook": True,
        "orderPriceMinTickSize": tick,
        "orderMinSize": 5,
        "volume": f"{volume:.6f}",
        "liquidity": f"{volume / 8 + 500:.4f}",
        "bestBid": bid,
        "bestAsk": ask,
        "spread": round(ask - bid, 4),
        "lastTradePrice": bid if number % 2 else ask,
        "groupItemTitle": draft.group_title,
        "questionID": "0x" + hashlib.sha256(f"question/{market_id}".encode()).hexdigest(),
        "umaResolutionStatuses": "[]",
        "secondsDelay": 0,
        "negRisk": draft.event.neg_risk,
        "negRiskOther": False,
        "comboStatus": "disabled",
        "automaticallyActive": True,
        "restricted": True,
        "version": "v1",
    }
    document |= _volumes(volume) | _fees(draft.event.category) | dict(draft.more)
    return document


def polymarket_event(event: PolymarketEvent, *, now: datetime) -> dict[str, Any]:
    """Gamma's event object, without its ``markets``."""
    number = int(hashlib.sha256(event.slug.encode()).hexdigest()[:8], 16)
    start = now - timedelta(days=3 + number % 90)
    return {
        "id": str(20_000 + number % 900_000),
        "ticker": event.slug,
        "slug": event.slug,
        "title": event.title,
        "description": event.description,
        "resolutionSource": "",
        "category": event.category,
        "startDate": _z(start),
        "creationDate": _z(start),
        "createdAt": _z(start),
        "updatedAt": _z(now),
        "endDate": _z(event.end),
        "active": True,
        "closed": False,
        "archived": False,
        "restricted": True,
        "enableOrderBook": True,
        "negRisk": event.neg_risk,
        "enableNegRisk": event.neg_risk,
        "negRiskAugmented": False,
        "cumulativeMarkets": False,
        "showAllOutcomes": True,
        "automaticallyActive": True,
        "tags": [
            {
                "id": str(100 + int(hashlib.sha256(tag.encode()).hexdigest()[:4], 16)),
                "label": tag,
                "slug": slug(tag),
            }
            for tag in event.tags
        ],
    }


def kalshi_market(draft: KalshiDraft, *, price: float, volume: float, now: datetime) -> dict[str, Any]:
    """Kalshi's market object."""
    event = draft.event
    tick = kalshi_tick(event.series.price_levels)
    bid, ask = _quotes(price, tick)
    number = int(hashlib.sha256(draft.ticker.encode()).hexdigest()[:8], 16)
    opened = now - timedelta(days=2 + number % 60, seconds=number % 86_400)
    expected = event.expected or event.close
    size = f"{50 + number % 40_000}.{number % 100:02}"
    document: dict[str, Any] = {
        "ticker": draft.ticker,
        "event_ticker": event.ticker,
        "market_type": draft.market_type,
        "title": draft.title,
        "subtitle": draft.yes_sub_title if draft.strike_type not in ("", "custom", "structured") else "",
        "yes_sub_title": draft.yes_sub_title,
        "no_sub_title": draft.no_sub_title or draft.yes_sub_title,
        "created_time": _micro(opened - timedelta(minutes=10)),
        "updated_time": _micro(now - timedelta(seconds=number % 600)),
        "open_time": _z(opened.replace(microsecond=0)),
        "close_time": _z(event.close),
        "expected_expiration_time": _z(expected),
        "expiration_time": _z(event.close + timedelta(days=7)),
        "latest_expiration_time": _z(event.close + timedelta(days=7)),
        "settlement_timer_seconds": 1800,
        "status": "active",
        "result": "",
        "expiration_value": "",
        "can_close_early": bool(draft.early_close),
        "rules_primary": draft.rules_primary,
        "rules_secondary": draft.rules_secondary,
        "yes_bid_dollars": f"{bid:.4f}",
        "yes_ask_dollars": f"{ask:.4f}",
        "no_bid_dollars": f"{1 - ask:.4f}",
        "no_ask_dollars": f"{1 - bid:.4f}",
        "yes_bid_size_fp": size,
        "yes_ask_size_fp": size,
        "last_price_dollars": f"{bid if number % 2 else ask:.4f}",
        "previous_price_dollars": f"{bid:.4f}",
        "previous_yes_bid_dollars": f"{bid:.4f}",
        "previous_yes_ask_dollars": f"{ask:.4f}",
        "volume_fp": f"{volume:.2f}",
        "volume_24h_fp": f"{volume / 20:.2f}",
        "open_interest_fp": f"{volume / 3:.2f}",
        "liquidity_dollars": "0.0000",
        "notional_value_dollars": "1.0000",
        "price_level_structure": event.series.price_levels,
        "price_ranges": PRICE_RANGES[event.series.price_levels],
        "exchange_index": 0,
    }
    return document | _strikes(draft)


def kalshi_event(event: KalshiEvent, *, now: datetime) -> dict[str, Any]:
    """Kalshi's event object, without its ``markets``."""
    document: dict[str, Any] = {
        "event_ticker": event.ticker,
        "series_ticker": event.series.ticker,
        "title": event.title,
        "sub_title": event.sub_title,
        "category": event.series.category,
        "mutually_exclusive": event.mutually_exclusive,
        "collateral_return_type": "MECNET" if event.mutually_exclusive else "",
        "strike_period": "",
        "available_on_brokers": True,
        "exchange_index": 0,
        "settlement_sources": [{"name": name, "url": url} for name, url in event.series.sources],
        "last_updated_ts": _micro(now),
    }
    if event.strike_date is not None:
        document["strike_date"] = _z(event.strike_date)
    return document


def kalshi_series(series: KalshiSeries, *, now: datetime) -> dict[str, Any]:
    """Kalshi's series object."""
    return {
        "ticker": series.ticker,
        "title": series.title,
        "category": series.category,
        "tags": list(series.tags),
        "frequency": series.frequency,
        "settlement_sources": [{"name": name, "url": url} for name, url in series.sources],
        "contract_url": f"https://assets.kalshi.com/regulatory/product-certifications/{series.ticker}.pdf",
        "contract_terms_url": f"https://assets.kalshi.com/contract_terms/{series.ticker}.pdf",
        "fee_type": series.fee_type,
        "fee_multiplier": series.fee_multiplier,
        "additional_prohibitions": [
            "Persons who are employed by any of the Source Agencies are not permitted to trade on the Contract."
        ],
        "last_updated_ts": _micro(now),
    }


def kalshi_tick(price_levels: str) -> float:
    """A step that is on the grid at every price of this structure."""
    return 0.001 if price_levels == "deci_cent" else 0.01


def _strikes(draft: KalshiDraft) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "strike_type": draft.strike_type,
        "floor_strike": draft.floor_strike,
        "cap_strike": draft.cap_strike,
        "custom_strike": None if draft.custom_strike is None else dict(draft.custom_strike),
        "early_close_condition": draft.early_close,
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _fees(category: str) -> dict[str, Any]:
    rate = FEE_RATES[category]
    if not rate:
        return {"feesEnabled": False, "feeType": None}
    schedule = {
        "exponent": 1,
        "rate": rate,
        "takerOnly": True,
        "rebateRate": 0.2 if category == "crypto" else 0.25,
    }
    return {"feesEnabled": True, "feeType": f"{category}_fees", "feeSchedule": schedule}


def _volumes(volume: float) -> dict[str, Any]:
    return {
        "volumeNum": round(volume, 6),
        "volumeClob": round(volume, 6),
        "volume24hr": round(volume / 20, 6),
        "volume1wk": round(volume / 4, 6),
        "liquidityNum": round(volume / 8 + 500, 4),
    }


def _quotes(price: float, tick: float) -> tuple[float, float]:
    """One tick on each side of the fair price, inside the open interval."""
    steps = round(price / tick)
    last = round(1 / tick) - 1
    bid, ask = max(1, min(steps - 1, last - 2)), min(last, max(steps + 1, 3))
    return round(bid * tick, 4), round(ask * tick, 4)


def _z(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).isoformat(timespec='seconds')[:19]}Z"


def _micro(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).isoformat(timespec='microseconds')[:26]}Z"
