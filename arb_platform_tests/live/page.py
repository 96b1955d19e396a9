"""A live page for tests: a real server on a loopback port beside a small lake, and a stream that goes on."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.ingest.heartbeat import Heartbeat, write_heartbeat
from arb_platform.live.desk import Desk, Limits
from arb_platform.live.server import HOST, Live
from arb_platform.reports.edges import Thresholds
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform_tests.reports.world import NOON, add_books, book


@dataclass
class Clock:
    """Time that moves when a test says so."""

    now: datetime = NOON + timedelta(seconds=2)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Page:
    """A running page and what is written beneath it."""

    root: Path
    port: int
    clock: Clock
    writer: Lake
    sequence: int = field(default=100)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def beat(self, venue: str, **changes: object) -> None:
        known: dict[str, object] = {
            "venue": venue, "shard": 0, "pid": 1, "run_id": "r", "started_at": NOON, "at": self.clock.now, "connected": True,
            "sockets": 1, "assets": 2, "assets_with_book": 2, "frames": 10, "frames_per_second": 12.0, "snapshots": 5, "gaps": 0,
            "reconnections": 0, "quarantined": 0, "lag_p50_ms": 3.5, "lag_p99_ms": 9.0, "spooled_rows": 5, "promoted_rows": 5,
        }  # fmt: skip
        write_heartbeat(self.root, Heartbeat(**{**known, **changes}))

    def quote(self, venue: str, bid: str, ask: str, *, size: str = "80", later: float = 1.0) -> None:
        """A new book of the pair's market on ``venue``, some seconds after the last one."""
        self.sequence += 1
        at = self.clock.now + timedelta(seconds=later)
        add_books(self.writer, iter([book(venue, at, (bid, size), (ask, size), self.sequence)]))
        self.clock.now = at + timedelta(milliseconds=10)


@contextmanager
def live_page(lake: Lake, root: Path, *, every_seconds: float = 0.1) -> Iterator[Page]:
    clock = Clock()
    limits = Limits(Thresholds(), Decimal(10), "demo")
    desk = Desk(root, LakeLocation.local(root), limits, clock=clock)
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(Live(desk, every_seconds=every_seconds).application(), shutdown_timeout=1.0)

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, HOST, 0)
        await site.start()
        return int(runner.addresses[0][1])

    port = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    page = Page(root, port, clock, lake)
    try:
        for venue in (POLYMARKET, KALSHI):
            page.beat(venue)
        yield page
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
