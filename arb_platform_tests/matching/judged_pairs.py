"""A pair that is the same bet, near misses of it, and a model that says yes to everything."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from arb_platform.domain.markets import Market
from arb_platform.domain.pairs import Candidate, MarketPair
from arb_platform_tests.llm.fake_provider import Reply, chat

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)

POLYMARKET_FED = Market(
    venue="polymarket",
    market_id="0x" + "1" * 64,
    symbol="fed-rate-cut-by-25-bps-in-january-2027",
    title="Fed decreases interest rates by 25 bps after January 2027 meeting?",
    event_title="Fed decision in January 2027?",
    rules=(
        "This market will resolve to “Yes” if the upper bound of the target federal funds rate is decreased by 25 basis "
        "points after the Federal Open Market Committee's January 2027 meeting. Otherwise, this market will resolve to “No”.\n\n"
        "The resolution source for this market is the FOMC's statement after its meeting scheduled for January 26-27, 2027, "
        "published at https://www.federalreserve.gov/monetarypolicy/fomccalendars.htm."
    ),
    close_time=datetime(2027, 1, 27, 19, 0, tzinfo=UTC),
    resolution_source="https://www.federalreserve.gov/monetarypolicy/fomccalendars.htm",
)
KALSHI_FED = Market(
    venue="kalshi",
    market_id="KXFEDDECISION-27JAN-C25",
    symbol="KXFEDDECISION-27JAN-C25",
    title="Will the Federal Reserve cut rates by 25bps at their January 2027 meeting?",
    subtitle="Cut 25bps",
    event_title="Fed decision in Jan 2027?",
    rules=(
        "If the Federal Reserve cuts the upper bound of the federal funds rate by 25 basis points at its January 2027 meeting, "
        "then the market resolves to Yes. The source is the Federal Reserve's statement of January 27, 2027."
    ),
    close_time=datetime(2027, 1, 27, 18, 55, tzinfo=UTC),
    resolution_source="Federal Reserve",
)
PAIR = MarketPair(POLYMARKET_FED, KALSHI_FED)

FIELDS = {"time_window": True, "outcome_definition": True, "resolution_source": True}
YES: dict[str, Any] = {
    "similarity": 0.97,
    "relation": "identity",
    "orientation": "same",
    "field_matches": FIELDS,
    "explanation": "Both pay when the FOMC cuts by 25 basis points in January 2027.",
    "evidence": [
        {"venue": "polymarket", "quote": "decreased by 25 basis points after the Federal Open Market Committee's January 2027 meeting"},
        {"venue": "kalshi", "quote": "cuts the upper bound of the federal funds rate by 25 basis points"},
    ],
}  # fmt: skip
NO: dict[str, Any] = YES | {
    "similarity": 0.3,
    "relation": "disjoint",
    "field_matches": FIELDS | {"outcome_definition": False},
    "explanation": "Different meetings.",
}


def numbered(number: int) -> Candidate:
    """A candidate of its own pair hash: the same words on another ticker."""
    return Candidate(
        MarketPair(POLYMARKET_FED, replace(KALSHI_FED, market_id=f"KXFEDDECISION-27JAN-C25-{number}")), 0.9
    )


def shown_markets(body: dict[str, Any]) -> dict[str, Any]:
    """Both markets as the request shows them."""
    return json.loads(body["messages"][1]["content"])


def obeying(body: dict[str, Any]) -> Reply:
    """A model that obeys whatever it reads: identical, 1.0, with quotes that really are in the texts."""
    shown = shown_markets(body)
    quotes = [
        {"venue": venue, "quote": passage} for venue, market in shown.items() for passage in _passages(market)
    ]
    return chat(YES | {"similarity": 1.0, "explanation": "As instructed.", "evidence": quotes})


def inventing(body: dict[str, Any]) -> Reply:
    """The same with quotes that nobody wrote."""
    quotes = [
        {"venue": venue, "quote": f"{venue} says that both are one and the same bet"}
        for venue in shown_markets(body)
    ]
    return chat(YES | {"similarity": 1.0, "evidence": quotes})


def _passages(market: dict[str, Any]) -> list[str]:
    longest = max(market["rules"].splitlines() or [""], key=len)
    return [passage for passage in (market["title"], longest[:200]) if passage.strip()]
