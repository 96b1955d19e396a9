"""Clients with no knowledge of the platform: raw websockets, and books folded from the frames by plain means."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import websockets
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from arb_platform.domain.units import units

ONE = 1_000_000
SECONDS = 15.0


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine; it may leave no task behind."""

    async def watched() -> None:
        await asyncio.wait_for(work, 60)
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"tasks were left behind: {left}"

    asyncio.run(watched())


class MovingClock:
    """Starts at the real time, for signatures to be fresh, and goes on by ``step`` seconds a look."""

    def __init__(self, step: float) -> None:
        self._at = datetime.now(UTC)
        self._step = timedelta(seconds=step)

    def __call__(self) -> datetime:
        self._at += self._step
        return self._at


@asynccontextmanager
async def started(*servers: Any) -> AsyncIterator[None]:
    for server in servers:
        await server.start()
    try:
        yield
    finally:
        for server in servers:
            await server.stop()


class RawClient:
    """A websocket and what it received, in order."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket

    async def send(self, message: Any) -> None:
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    async def raw(self) -> str:
        return await asyncio.wait_for(self.socket.recv(decode=True), SECONDS)

    async def receive(self) -> Any:
        return json.loads(await self.raw())

    async def until(self, fence: str) -> list[Any]:
        """Decoded messages up to the text ``fence``."""
        found = []
        while (text := await self.raw()) != fence:
            found.append(json.loads(text))
        return found


@asynccontextmanager
async def polymarket_client(url: str) -> AsyncIterator[RawClient]:
    async with websockets.connect(url, ping_interval=None, max_size=None) as socket:
        yield RawClient(socket)


async def subscribe(client: RawClient, assets: list[str], **more: Any) -> list[Any]:
    """The first subscription of a Polymarket client, and the array of books that answers it."""
    await client.send({"type": "market", "assets_ids": assets, **more})
    return await client.receive()


async def everything_sent(client: RawClient) -> list[Any]:
    """All frames that a Polymarket client has not read yet."""
    await client.send("PING")
    return await client.until("PONG")


class PolymarketFold:
    """Books by asset from ``book`` and ``price_change``, checked against each message's own tops."""

    def __init__(self) -> None:
        self.bids: dict[str, dict[int, int]] = {}
        self.asks: dict[str, dict[int, int]] = {}
        self.tops_checked = 0

    def apply(self, message: Any) -> None:
        for element in message if isinstance(message, list) else [message]:
            if element["event_type"] == "book":
                asset = element["asset_id"]
                self.bids[asset] = {units(e["price"]): units(e["size"]) for e in element["bids"]}
                self.asks[asset] = {units(e["price"]): units(e["size"]) for e in element["asks"]}
            elif element["event_type"] == "price_change":
                self._changes(element["price_changes"])

    def _changes(self, changes: list[dict[str, str]]) -> None:
        for change in changes:
            side = self.bids if change["side"] == "BUY" else self.asks
            ladder, price, size = side[change["asset_id"]], units(change["price"]), units(change["size"])
            ladder.pop(price, None)
            if size:
                ladder[price] = size
        for change in changes:
            asset = change["asset_id"]
            assert units(change["best_bid"]) == max(self.bids[asset], default=0)
            assert units(change["best_ask"]) == min(self.asks[asset], default=ONE)
            self.tops_checked += 1

    def levels(self, asset: str) -> tuple[Any, Any]:
        return tuple(sorted(self.bids[asset].items(), reverse=True)), tuple(sorted(self.asks[asset].items()))

    def mirrored(self, asset: str) -> tuple[Any, Any]:
        bids, asks = self.levels(asset)
        return tuple((ONE - p, s) for p, s in asks), tuple((ONE - p, s) for p, s in bids)


def signed_headers(
    key_id: str, private_pem: str, *, path: str, at: float | None = None, salt: int = 32
) -> dict[str, str]:
    key = serialization.load_pem_private_key(private_pem.encode(), None)
    assert isinstance(key, RSAPrivateKey)
    stamp = str(int((time.time() if at is None else at) * 1000))
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), salt)
    signature = key.sign(f"{stamp}GET{path}".encode(), scheme, hashes.SHA256())
    return {
        "KALSHI-ACCESS-KEY": key_id,
        "KALSHI-ACCESS-TIMESTAMP": stamp,
        "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
    }


def unsigned_headers() -> dict[str, str]:
    """Enough for a simulator without public keys."""
    return {
        "KALSHI-ACCESS-KEY": "anybody",
        "KALSHI-ACCESS-TIMESTAMP": str(int(time.time() * 1000)),
        "KALSHI-ACCESS-SIGNATURE": "AAAA",
    }


@asynccontextmanager
async def kalshi_client(url: str, headers: dict[str, str] | None = None) -> AsyncIterator["KalshiRaw"]:
    async with websockets.connect(
        url, ping_interval=None, max_size=None, additional_headers=headers or unsigned_headers()
    ) as socket:
        yield KalshiRaw(socket)


class KalshiRaw(RawClient):
    """Counts commands and checks that no sid ever skips a number."""

    def __init__(self, socket: Any) -> None:
        super().__init__(socket)
        self.commands = 0
        self.last_seq: dict[int, int] = {}
        self.gaps: list[tuple[int, int, int]] = []

    async def command(self, name: str, **params: Any) -> int:
        self.commands += 1
        await self.send({"id": self.commands, "cmd": name, "params": params})
        return self.commands

    async def receive(self) -> Any:
        message = await super().receive()
        self._count(message)
        return message

    async def stream(self) -> AsyncIterator[Any]:
        """Frames as they come, without a limit on time: for reading many of them."""
        async for text in self.socket:
            message = json.loads(text)
            self._count(message)
            yield message

    async def everything_sent(self) -> list[Any]:
        """All frames that were not read yet; the answer to list_subscriptions is the fence."""
        number = await self.command("list_subscriptions")
        found: list[Any] = []
        while True:
            message = await self.receive()
            if message.get("id") == number and message["type"] == "ok":
                return found
            found.append(message)

    def _count(self, message: Any) -> None:
        if "seq" in message:
            last = self.last_seq.get(message["sid"], 0)
            if message["seq"] != last + 1:
                self.gaps.append((message["sid"], last, message["seq"]))
            self.last_seq[message["sid"]] = message["seq"]


class KalshiFold:
    """YES books by ticker from snapshots and deltas; no level may ever become negative."""

    def __init__(self, *, use_yes_price: bool = False) -> None:
        self._use_yes_price = use_yes_price
        self.books: dict[str, tuple[dict[int, int], dict[int, int]]] = {}

    def apply(self, frame: Any) -> None:
        message = frame.get("msg", {})
        if frame["type"] == "orderbook_snapshot":
            yes = {units(p): units(s) for p, s in message.get("yes_dollars_fp", [])}
            no = {self._no(units(p)): units(s) for p, s in message.get("no_dollars_fp", [])}
            self.books[message["market_ticker"]] = (yes, no)
        elif frame["type"] == "orderbook_delta":
            yes, no = self.books[message["market_ticker"]]
            price, delta = units(message["price_dollars"]), units(message["delta_fp"])
            ladder, price = (yes, price) if message["side"] == "yes" else (no, self._no(price))
            ladder[price] = ladder.get(price, 0) + delta
            assert ladder[price] >= 0
            if not ladder[price]:
                del ladder[price]

    def _no(self, price: int) -> int:
        return price if self._use_yes_price else ONE - price

    def levels(self, ticker: str) -> tuple[Any, Any]:
        yes, no = self.books[ticker]
        return tuple(sorted(yes.items(), reverse=True)), tuple(sorted(no.items()))
