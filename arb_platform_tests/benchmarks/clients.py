"""The two clients at the other end of a sender: our adapter, and the naive one over ``websockets``."""

import array
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from websockets.asyncio.client import connect

from arb_platform.domain.books import BookSnapshot
from arb_platform.ingest.pauses import short_pauses
from arb_platform.venues.adapters import PolymarketWebsocketAdapter
from arb_platform_tests.benchmarks.load import BookOf, PolymarketSource
from arb_platform_tests.benchmarks.measure import ROOT, BooksDiffer, our_book, verify
from arb_platform_tests.benchmarks.naive import NaivePolymarket
from arb_platform_tests.benchmarks.sender import Orders

_PATIENCE_SECONDS: Final = 180.0


@dataclass(slots=True)
class Run:
    """What one client did with one load; ``latency`` is seconds from written to handled, in order."""

    frames: int
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    latency: list[float] = field(default_factory=list)
    snapshots: int = 0
    behind_seconds: float = 0.0
    conflated: int = 0
    books: int = 0

    @property
    def cpu_us(self) -> float:
        return self.cpu_seconds / self.frames * 1e6


class Stopwatch:
    """Notes when the snapshot of each frame was handled; a frame is told by its venue time."""

    def __init__(self, orders: Orders, exchange_ms: Callable[[Any], int | None]) -> None:
        self.orders = orders
        self._exchange_ms = exchange_ms
        self.handled = array.array("d", bytes(8 * orders.frames))
        self.snapshots = 0
        self.first_cpu = self.first_wall = self.last_cpu = self.last_wall = 0.0

    def handle(self, snapshots: list[Any]) -> None:
        now = time.monotonic()
        for snapshot in snapshots:
            self.snapshots += 1
            exchange_ms = self._exchange_ms(snapshot)
            if exchange_ms is not None:
                number = exchange_ms - self.orders.start_ms
                if 0 <= number < self.orders.frames:
                    self.handled[number] = now

    def latencies(self, sent: array.array) -> list[float]:
        """Of the frames that gave a snapshot, in the order of sending."""
        return [done - at for done, at in zip(self.handled, sent, strict=True) if done]


def ordered(frames: int, rate: float, *, markets: int, sockets: int = 1, seed: int = 7) -> Orders:
    """Orders whose venue times all lie in the past, a millisecond apart."""
    start_ms = int(time.time() * 1000) - frames - 60_000
    return Orders(frames, rate, markets, sockets, seed, start_ms)


@asynccontextmanager
async def sending(orders: Orders) -> AsyncIterator[tuple[str, Path]]:
    """The address and the folder of a sender in a process of its own."""
    folder = Path(tempfile.mkdtemp(prefix="arb-bench-"))
    orders.write(folder)
    command = [sys.executable, "-m", "arb_platform_tests.benchmarks.sender", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        await until(lambda: (folder / "port").exists() or process.poll() is not None)
        yield f"ws://127.0.0.1:{(folder / 'port').read_text(encoding='ascii')}/ws/market", folder
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


async def until(true: Callable[[], bool]) -> None:
    """Look every 20 ms. Raises TimeoutError after three minutes."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not true():
            await asyncio.sleep(0.02)


async def run_ours(orders: Orders, *, take: Callable[[list[Any]], Awaitable[None]] | None = None) -> Run:
    """Our adapter from handshake to handler, the interpreter set up as a streaming job sets it up.

    ``take`` gets each batch besides, to land it.
    """
    watch = Stopwatch(orders, lambda snapshot: snapshot.exchange_us and snapshot.exchange_us // 1_000)
    markets = PolymarketSource(markets=orders.markets, seed=orders.seed, start_ms=orders.start_ms).markets
    async with sending(orders) as (url, folder):
        adapter = PolymarketWebsocketAdapter(
            tracked_markets=markets, ws_url=url, shard_size=max(2, 2 * -(-orders.markets // orders.sockets))
        )

        async def consume() -> None:
            async for batch in adapter.stream():
                watch.handle([output for output in batch if isinstance(output, BookSnapshot)])
                if take is not None:
                    await take(batch)

        consuming = asyncio.create_task(consume())
        try:
            with short_pauses():
                run = await _timed(watch, folder, lambda: adapter.frames - orders.markets)
            feeds = {
                market.market_id: shard.feed for shard in adapter._shards for market in shard.feed.markets
            }
            run.books = verify("socket", lambda key: our_book(feeds[key], key), truth(folder))
            run.conflated = adapter.conflated_snapshots
            if adapter.gaps or adapter.unreadable_frames or adapter.reconnections:
                raise BooksDiffer(
                    f"a clean load gave {adapter.gaps} gaps, {adapter.reconnections} reconnections"
                )
        finally:
            await adapter.close()
            await consuming
    return run


async def run_naive(orders: Orders) -> Run:
    """``async for message in connect(...)`` with the library's defaults."""
    watch = Stopwatch(
        orders, lambda snapshot: snapshot.exchange_time and round(snapshot.exchange_time.timestamp() * 1_000)
    )
    client = NaivePolymarket()
    source = PolymarketSource(markets=orders.markets, seed=orders.seed, start_ms=orders.start_ms)
    tokens = {market.market_id: market.asset_ids[0] for market in source.markets}
    seen = 0

    async def consume(url: str) -> None:
        nonlocal seen
        async with connect(url, max_size=2**25) as socket:
            assets = [token for market in source.markets for token in market.asset_ids]
            await socket.send(json.dumps({"type": "market", "assets_ids": assets}))
            async for message in socket:
                watch.handle(client.receive(message, datetime.now(UTC)))
                seen += 1

    async with sending(orders) as (url, folder):
        consuming = asyncio.create_task(consume(url))
        try:
            run = await _timed(watch, folder, lambda: seen - orders.markets)
            run.books = verify("naive socket", lambda key: client.books[tokens[key]].whole(), truth(folder))
        finally:
            consuming.cancel()
            await asyncio.gather(consuming, return_exceptions=True)
    return run


async def _timed(watch: Stopwatch, folder: Path, done: Callable[[], int]) -> Run:
    """From the first frame after the opening to the last; ``done`` counts frames."""
    orders = watch.orders
    await until(lambda: done() >= 0)
    cpu, wall = time.process_time(), 0.0
    await until(lambda: done() > 0)
    wall = time.monotonic()
    async with asyncio.timeout(orders.frames / orders.rate + _PATIENCE_SECONDS if orders.rate else 600):
        while done() < orders.frames:
            await asyncio.sleep(0.02)
    ended = time.monotonic()
    run = Run(orders.frames, time.process_time() - cpu, ended - wall, snapshots=watch.snapshots)
    await until((folder / "books.json").exists)
    sent = array.array("d")
    sent.frombytes((folder / "sent.f64").read_bytes())
    run.latency = watch.latencies(sent)
    run.behind_seconds = ended - sent[-1]
    return run


def truth(folder: Path) -> dict[str, BookOf]:
    """The sender's own books."""
    books = json.loads((folder / "books.json").read_text(encoding="ascii"))
    return {
        key: ([tuple(level) for level in bids], [tuple(level) for level in asks])
        for key, (bids, asks) in books.items()
    }
