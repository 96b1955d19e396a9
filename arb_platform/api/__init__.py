"""The public classes, with the settings filled in where the caller says nothing.

The parts themselves never look at the environment; this is where a program that only writes
``PolymarketWebsocketAdapter(tracked_markets=[...])`` gets its addresses, keys and limits from.
A name is loaded when it is first used, so that whoever only reads the lake pays for no socket.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arb_platform.api.clients import (
        KalshiAdapter,
        KalshiWebsocketAdapter,
        LLMClient,
        LLMValidator,
        PolymarketAdapter,
        PolymarketWebsocketAdapter,
    )
    from arb_platform.api.places import kalshi_private_key, lake_location, open_lake

_HOMES = {
    "KalshiAdapter": "clients",
    "KalshiWebsocketAdapter": "clients",
    "LLMClient": "clients",
    "LLMValidator": "clients",
    "PolymarketAdapter": "clients",
    "PolymarketWebsocketAdapter": "clients",
    "kalshi_private_key": "places",
    "lake_location": "places",
    "open_lake": "places",
}

__all__ = [
    "KalshiAdapter",
    "KalshiWebsocketAdapter",
    "LLMClient",
    "LLMValidator",
    "PolymarketAdapter",
    "PolymarketWebsocketAdapter",
    "kalshi_private_key",
    "lake_location",
    "open_lake",
]


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    return getattr(import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
