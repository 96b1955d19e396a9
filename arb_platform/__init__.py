"""Order books of Polymarket and Kalshi in one lake, and which of their markets are the same bet.

Public names are loaded when they are first used, so that ``import arb_platform`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arb_platform.api import (
        KalshiAdapter,
        KalshiWebsocketAdapter,
        LLMClient,
        LLMValidator,
        PolymarketAdapter,
        PolymarketWebsocketAdapter,
        open_lake,
    )
    from arb_platform.domain.books import BookSnapshot, Level, OrderBook
    from arb_platform.domain.errors import ArbError, LLMError, StorageError, TransportError, WireError
    from arb_platform.domain.markets import Market
    from arb_platform.domain.pairs import MarketPair, Verdict, pair_hash

_HOMES = {
    "KalshiAdapter": "api",
    "KalshiWebsocketAdapter": "api",
    "LLMClient": "api",
    "LLMValidator": "api",
    "PolymarketAdapter": "api",
    "PolymarketWebsocketAdapter": "api",
    "open_lake": "api",
    "BookSnapshot": "domain.books",
    "Level": "domain.books",
    "OrderBook": "domain.books",
    "ArbError": "domain.errors",
    "LLMError": "domain.errors",
    "StorageError": "domain.errors",
    "TransportError": "domain.errors",
    "WireError": "domain.errors",
    "Market": "domain.markets",
    "MarketPair": "domain.pairs",
    "Verdict": "domain.pairs",
    "pair_hash": "domain.pairs",
}

__all__ = [
    "ArbError",
    "BookSnapshot",
    "KalshiAdapter",
    "KalshiWebsocketAdapter",
    "LLMClient",
    "LLMError",
    "LLMValidator",
    "Level",
    "Market",
    "MarketPair",
    "OrderBook",
    "PolymarketAdapter",
    "PolymarketWebsocketAdapter",
    "StorageError",
    "TransportError",
    "Verdict",
    "WireError",
    "open_lake",
    "pair_hash",
]


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
