"""Running one simulator with faults through the recording job, and what the lake holds afterwards."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.ingest.session import record
from arb_platform.simulate.faults import parse_faults
from arb_platform.simulate.kalshi_keys import generate_key_pair
from arb_platform.storage.attach import LakeLocation
from arb_platform.storage.lake import Lake
from arb_platform.venues.adapters import KalshiWebsocketAdapter, PolymarketWebsocketAdapter
from arb_platform.venues.touches import Touch
from arb_platform_tests.faults.truth import RecordedKalshi, RecordedPolymarket, StrictClock, Truth
from arb_platform_tests.simulate.handmade import NAMES, condition, handmade, tokens

TICKERS = [f"KX{name}-26-YES" for name in NAMES]
CONDITIONS = [condition(name) for name in NAMES]
TOKEN_OF = {condition(name): tokens(name)[0] for name in NAMES}
DEADLINE = 30.0
RATE = 300.0
_STAMP = re.compile(rb'"timestamp":"(\d+)"')


def fresh_seed() -> int:
    """A new seed for each run; whoever uses it prints it, so that a failure can be had again."""
    return SystemRandom().randrange(10**6)


async def until(condition: Callable[[], object], what: str) -> None:
    """Look again and again until ``condition`` holds."""
    try:
        async with asyncio.timeout(DEADLINE):
            while not condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"after {DEADLINE:.0f} s still not: {what}") from None


@dataclass(slots=True)
class Received:
    """What came off the socket: Polymarket's whole books and changes, by market."""

    frames: dict[str, int] = field(default_factory=dict)
    # (session, market) -> (received_at, millisecond, whether it was a whole book)
    told: dict[tuple[str, str], list[tuple[datetime, int, bool]]] = field(default_factory=dict)
    last_session: str = ""
    # market -> (received_at, millisecond) of REST books
    checks: dict[str, list[tuple[datetime, int]]] = field(default_factory=dict)

    def on_touch(self, touch: Touch) -> None:
        for book in touch.body if touch.kind == "books" else ():
            if "asset_id" in book:
                self.checks.setdefault(book["market"], []).append((touch.at, int(book["timestamp"])))

    def __call__(self, frame: bytes, received_at: datetime, session_id: str) -> None:
        self.frames[session_id] = self.frames.get(session_id, 0) + 1
        self.last_session = session_id
        if b'"price_change"' not in frame and b'"book"' not in frame:
            return
        try:
            message = json.loads(frame)
        except ValueError:
            return
        for element in message if isinstance(message, list) else [message]:
            market, kind = element.get("market"), element.get("event_type")
            if kind == "book" and element["asset_id"] != TOKEN_OF.get(market):
                continue
            told = self.told.setdefault((session_id, market), [])
            told.append((received_at, int(element["timestamp"]), kind == "book"))


@dataclass(slots=True)
class Run:
    """One venue under way: its simulator, our adapter, what came in, and the rows in the end."""

    venue: Any
    adapter: Any
    truth: Truth
    received: Received
    location: LakeLocation
    seed: int
    rng: Random
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    summary: Any = None
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.adapter.venue)

    @property
    def injected(self) -> list[Any]:
        return list(self.venue.faults.injected)

    @property
    def whole(self) -> bool:
        """True while every book can be vouched for."""
        return self.adapter.connected and 0 < self.adapter.assets_with_book == self.adapter.assets_subscribed

    async def has_injected(self, words: tuple[str, ...], times: int) -> None:
        faults = self.venue.faults
        await until(
            lambda: all(faults.counts().get(word, 0) >= times for word in words), f"{words} x {times}"
        )

    async def calm_down(self) -> None:
        """No more faults; then every book whole, and changes that come through."""
        faults = self.venue.faults
        faults.rates = {}
        for connection in self.venue.connections:
            connection.cancel_timers()
        await until(lambda: not any(one.wire.busy for one in self.venue.connections), "no frame held back")
        await self.recovers("the faults are over")

    async def recovers(self, after: str) -> None:
        await until(lambda: self.whole, f"all books whole after {after}")
        shown, changes = self.adapter.snapshots, self.venue.changes
        await until(
            lambda: self.adapter.snapshots > shown + 5 and self.venue.changes > changes + 20,
            f"snapshots after {after}",
        )

    async def reconnects(self) -> None:
        """Break the connection off, and wait for the first frame of the next."""
        before = len(self.received.frames)
        self.venue.connections[0].disconnect()
        await until(lambda: len(self.received.frames) > before, "a new connection")

    async def has_whole_books(self) -> None:
        """Wait until each market got a whole book, which on Polymarket ends what a lost change left."""
        if self.name != POLYMARKET:
            return
        since = self.truth.clock()
        told = self.received.told
        await until(
            lambda: all(
                any(whole and at > since for at, _, whole in told.get((self.received.last_session, one), ()))
                for one in CONDITIONS
            ),
            "a whole book of each market",
        )

    async def has_checked_books(self, times: int = 2) -> None:
        """Wait until the REST books of every market came so many times more."""
        before = {one: len(self.received.checks.get(one, ())) for one in CONDITIONS}
        checks = self.received.checks
        await until(
            lambda: all(len(checks.get(one, ())) >= before[one] + times for one in CONDITIONS),
            "a REST book of each market",
        )

    async def finish(self) -> None:
        """Stop the books, wait for the last frame, end the job and read the lake."""
        self.venue.paused = True
        await until(lambda: self._drained() and self.whole, "everything that was sent has come")
        await asyncio.gather(*self.tasks)

    def _drained(self) -> bool:
        (connection,) = self.venue.connections or (None,)
        received = self.received.frames.get(self.received.last_session, 0)
        return connection is not None and not connection.backlog and connection.frames_sent == received

    def read_rows(self) -> None:
        with Lake.open(self.location, read_only=True) as lake:
            for table in (
                "stream_events",
                "quarantined_frames",
                "books_trusted",
                "book_snapshots",
                "stream_sessions",
            ):
                order = {"stream_events": "started_at", "stream_sessions": "connected_at"}.get(
                    table, "received_at"
                )
                sql = f"SELECT * FROM {table} WHERE venue = ? ORDER BY {order}"
                self.rows[table] = lake.query(sql, [self.name]).to_dicts()


@asynccontextmanager
async def running(
    name: str,
    root: Path,
    faults: str = "",
    *,
    seed: int,
    rate: float = RATE,
    silence: float = 60.0,
    forced: tuple[str, ...] = (),
    hurry: float = 1.0,
) -> AsyncIterator[Run]:
    """One venue with these faults, recorded into a lake below ``root``; the rows are read at the end.

    The adapter sleeps ``hurry`` times shorter than it wants, and both clocks go as much faster.
    """
    clock = StrictClock()
    truth, received, location = Truth(clock), Received(), LakeLocation.local(root / name)
    plan = parse_faults(f"{faults},seed={seed}" if faults else f"seed={seed}", clock=clock)
    for word in forced:
        plan.force(word)
    private, public = generate_key_pair()
    if name == POLYMARKET:
        venue: Any = RecordedPolymarket(handmade(), seed=seed, rate=rate, faults=plan, clock=clock)
    else:
        venue = RecordedKalshi(
            handmade(), seed=seed, rate=rate, faults=plan, clock=clock, public_keys={"k": public}
        )
    venue.truth = truth
    truth.begin(venue.books, CONDITIONS if name == POLYMARKET else TICKERS)
    await venue.start()
    common = {
        "reconnect_delay": 0.05, "silence_seconds": silence, "on_frame": received, "on_touch": received.on_touch,
        "clock": clock, "rng": Random(seed),
    }  # fmt: skip
    if hurry > 1:
        common |= {"sleep": lambda s: asyncio.sleep(s / hurry), "monotonic": lambda: time.monotonic() * hurry}
    if name == POLYMARKET:
        adapter: Any = PolymarketWebsocketAdapter(
            None,
            CONDITIONS,
            ws_url=venue.ws_url,
            gamma_url=venue.gamma_url,
            clob_url=venue.clob_url,
            **common,
        )
    else:
        adapter = KalshiWebsocketAdapter(
            "k",
            tracked_markets=TICKERS,
            private_key=private,
            ws_url=venue.ws_url,
            rest_url=venue.rest_url,
            **common,
        )
    run = Run(venue, adapter, truth, received, location, seed, Random(seed))
    recording = asyncio.create_task(record(adapter, location, stop=run.stop, clock=clock))
    hurrying = asyncio.create_task(_hurry(clock, hurry))
    try:
        await until(lambda: recording.done() or adapter.frames, "the first frame")
        yield run
        if not recording.done():
            await run.finish()
    finally:
        hurrying.cancel()
        run.stop.set()
        run.summary = await asyncio.wait_for(recording, DEADLINE)
        await venue.stop()
    run.read_rows()


async def _hurry(clock: StrictClock, speed: float) -> None:
    step = 0.02
    while speed > 1:
        await asyncio.sleep(step)
        clock.ahead += timedelta(seconds=step * (speed - 1))


def on_both_venues(scenario: Callable[[str], Awaitable[None]]) -> None:
    """Run a scenario for both venues at once."""

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            for name in (POLYMARKET, KALSHI):
                group.create_task(scenario(name))

    asyncio.run(both())
