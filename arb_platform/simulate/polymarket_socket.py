"""One client of Polymarket's market channel: its subscriptions and its keep-alive."""

import json
from typing import Any, Final, Protocol

from aiohttp import WSCloseCode

from arb_platform.simulate.server import Connection, messages

# Observed by users in 2025 and 2026: beyond about so many assets of one socket the first book never comes.
FIRST_BOOK_CAP: Final = 500
INVALID: Final = b"INVALID OPERATION"


class Channel(Protocol):
    """The venue behind the socket."""

    def first_books(self, client: "MarketClient", assets: list[str]) -> None:
        """Send the client the books of assets it just subscribed, as one array."""

    def joined(self, client: "MarketClient", assets: list[str]) -> None:
        """Remember that the client follows these assets from now on."""

    def left(self, client: "MarketClient", assets: list[str]) -> None:
        """Forget it; the client's ``assets`` no longer holds them."""

    def tokens_of(self, market_id: str) -> tuple[str, ...]:
        """Both tokens of a market, nothing for an unknown one."""


class MarketClient:
    """What one connection subscribed; ``assets`` keeps the order of subscription."""

    def __init__(self, connection: Connection, channel: Channel) -> None:
        self.connection = connection
        self.assets: dict[str, None] = {}
        self.custom = False
        self._channel = channel
        self._subscribed = False

    async def talk(self) -> None:
        """Answer the client until it leaves. A PING before the subscription closes with 1008 (observed 2026)."""
        try:
            async for text in messages(self.connection):
                if text == "PING":
                    if not self._subscribed:
                        await self.connection.close(WSCloseCode.POLICY_VIOLATION, "subscribe first")
                        return
                    self.connection.send(b"PONG")
                elif text != "PONG":
                    self._command(text)
        finally:
            gone, self.assets = list(self.assets), {}
            self._channel.left(self, gone)

    def tokens_of(self, market_id: str) -> tuple[str, ...]:
        return self._channel.tokens_of(market_id)

    def _command(self, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            message = None
        assets = message.get("assets_ids", []) if isinstance(message, dict) else None
        if not isinstance(assets, list) or not isinstance(message, dict):
            self.connection.send(INVALID)
            return
        wanted = [asset for asset in assets if isinstance(asset, str)]
        operation = message.get("operation")
        if operation is None and message.get("type") == "market":
            # Repeating the first form on a live socket is ignored (observed 2026-09-05).
            if not self._subscribed:
                self._subscribe(wanted, message)
        elif operation == "subscribe" and self._subscribed:
            self._subscribe(wanted, message)
        elif operation == "unsubscribe" and self._subscribed:
            for asset in wanted:
                self.assets.pop(asset, None)
            self._channel.left(self, wanted)
        else:
            self.connection.send(INVALID)

    def _subscribe(self, assets: list[str], message: dict[str, Any]) -> None:
        self._subscribed = True
        self.custom = self.custom or message.get("custom_feature_enabled") is True
        fresh = [asset for asset in dict.fromkeys(assets) if asset not in self.assets]
        room = max(0, FIRST_BOOK_CAP - len(self.assets))
        self.assets.update(dict.fromkeys(fresh))
        self._channel.joined(self, fresh)
        if message.get("initial_dump", True) is not False:
            self._channel.first_books(self, fresh[:room])
