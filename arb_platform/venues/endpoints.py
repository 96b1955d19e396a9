"""Where the venues are (their documentation, 2026). Settings and keywords override every one."""

from typing import Final

POLYMARKET_WS: Final = "wss://ws-subscriptions-clob.polymarket.com/ws/market"
POLYMARKET_GAMMA: Final = "https://gamma-api.polymarket.com"
POLYMARKET_CLOB: Final = "https://clob.polymarket.com"
KALSHI_WS: Final = "wss://external-api-ws.kalshi.com/trade-api/ws/v2"
KALSHI_REST: Final = "https://external-api.kalshi.com/trade-api/v2"
KALSHI_DEMO_WS: Final = "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2"
KALSHI_DEMO_REST: Final = "https://external-api.demo.kalshi.co/trade-api/v2"

REAL_ADDRESSES: Final = frozenset(
    {
        POLYMARKET_WS,
        POLYMARKET_GAMMA,
        POLYMARKET_CLOB,
        KALSHI_WS,
        KALSHI_REST,
        KALSHI_DEMO_WS,
        KALSHI_DEMO_REST,
    }
)
