"""Small real servers on loopback, a feed of a made-up venue, and a clock that runs fast."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from aiohttp import web
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from arb_platform.domain.books import BookSnapshot, Level
from arb_platform.domain.markets import Market
from arb_platform.domain.streams import FeedOutput, QuarantinedFrame, StreamEvent, StreamOutput
from arb_platform.domain.units import units
from arb_platform.venues.backoff import Timing
from arb_platform.venues.dial import Endpoint
from arb_platform.venues.rest_client import RestClient
from arb_platform.venues.sharded import ShardedStream
from arb_platform.venues.stream import VenueStream

STUB = "stubvenue"
START = datetime(2026, 11, 25, 12, tzinfo=UTC)
TIMEOUT = 10.0


class FastTime:
    """Clock and sleep that run ``speed`` times faster than the wall; remembers what was slept."""

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._began = time.monotonic()
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * self._speed

    def clock(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(seconds / self._speed)

    def timing(self, rng: Random | None = None) -> Timing:
        return Timing(self.clock, self.monotonic, self.sleep, rng or Random(7))


class NoJitter(Random):
    """Draws the ceiling, so that a delay says how far the back-off has come."""

    def uniform(self, a: float, b: float) -> float:
        return b


def market(market_id: str, *, asset_ids: Sequence[str] = (), volume: int | None = None) -> Market:
    return Market(
        STUB, market_id, market_id, "", "", None, "",
        asset_ids=tuple(asset_ids), volume=None if volume is None else Decimal(volume),
    )  # fmt: skip


def book_frame(market_id: str, bid: str = "0.40", ask: str = "0.60") -> str:
    return json.dumps({"market": market_id, "bid": bid, "ask": ask})


class StubFeed:
    """A venue with one message: the best bid and ask of a market. ``ping`` is answered by ``pong``."""

    venue = STUB

    def __init__(self, markets: Sequence[Market] = (), max_depth: int = 3) -> None:
        self.markets: list[Market] = list(markets)
        self.max_depth = max_depth
        self.good_frames = 0
        self.last_market_frame_at: datetime | None = None
        self.reconnect_reason: str | None = None
        self._session = ""
        self._epoch = 0
        self._books: dict[str, BookSnapshot] = {}
        self._out: list[str] = []
        self._wanted: list[str] = []
        self._gap: StreamEvent | None = None

    def connected(self, session_id: str, at: datetime) -> list[FeedOutput]:
        self._session, self._epoch = session_id, self._epoch + 1
        self.good_frames, self.last_market_frame_at, self.reconnect_reason = 0, None, None
        self._books.clear()
        self._out = [json.dumps({"subscribe": [m.market_id for m in self.markets]})]
        return []

    def receive(self, frame: bytes | str, received_at: datetime) -> list[FeedOutput]:
        text = frame if isinstance(frame, str) else frame.decode("utf-8", "replace")
        if text == "PING":
            self._out.append("PONG")
            return []
        if text == "PONG":
            return []
        if text == "BUG":
            raise ZeroDivisionError("a fault of ours")
        if text == "REPLACE":
            self.reconnect_reason = "the feed wants a new socket"
            return []
        try:
            message = json.loads(text)
            if "want" in message:
                self._wanted.append(message["want"])
                return []
        except ValueError:
            return [QuarantinedFrame(STUB, received_at, "not JSON", text.encode(), self._session)]
        self.good_frames += 1
        self.last_market_frame_at = received_at
        return self._apply(message, received_at)

    def tick(self, now: datetime) -> list[FeedOutput]:
        return []

    @property
    def wants_something(self) -> bool:
        return bool(self._out or self._wanted or self.reconnect_reason)

    def frames_to_send(self) -> list[str]:
        out, self._out = self._out, []
        return out

    def books_wanted(self) -> list[str]:
        wanted, self._wanted = self._wanted, []
        return wanted

    def receive_book(self, book: Any, received_at: datetime) -> list[FeedOutput]:
        return self._apply(book, received_at)

    def disconnected(self, at: datetime, reason: str) -> list[FeedOutput]:
        lost = list(self._books)
        self._books.clear()
        return [
            StreamEvent(f"{self._session}:{m}", STUB, "gap", at, None, m, self._session, self._epoch, reason)
            for m in lost
        ]

    def follow(self, markets: Sequence[Market]) -> list[FeedOutput]:
        self.markets.extend(markets)
        self._out.append(json.dumps({"subscribe": [m.market_id for m in markets]}))
        return []

    def unfollow(self, ids: Sequence[str], at: datetime) -> list[FeedOutput]:
        """Tells of each market that it is over, so that tests see where the outputs go."""
        self.markets = [m for m in self.markets if m.market_id not in set(ids)]
        self._out.append(json.dumps({"unsubscribe": list(ids)}))
        return [
            StreamEvent(f"{self._session}:over:{m}", STUB, "resync", at, at, m, self._session) for m in ids
        ]

    def snapshot_of(self, market_id: str) -> BookSnapshot | None:
        return self._books.get(market_id)

    def _apply(self, message: dict[str, str], at: datetime) -> list[FeedOutput]:
        followed = {m.market_id: m for m in self.markets}.get(message["market"])
        if followed is None:
            return []
        bid, ask = Level(units(message["bid"]), units("1")), Level(units(message["ask"]), units("1"))
        before = self._books.get(followed.market_id)
        sequence = 1 if before is None else before.sequence + 1
        moment = datetime.fromisoformat(message["at"]) if "at" in message else None
        snapshot = BookSnapshot(
            followed, (bid,), (ask,), moment, at, sequence, self._epoch, session_id=self._session
        )
        if before is not None and (before.bids, before.asks) == (snapshot.bids, snapshot.asks):
            return []
        self._books[followed.market_id] = snapshot
        return [snapshot]


class StubBooks:
    """The REST books of the made-up venue: a dict that a test fills, or an exception that it sets."""

    def __init__(self) -> None:
        self.books: dict[str, Any] = {}
        self.failure: Exception | None = None
        self.asked: list[list[str]] = []

    async def fetch(self, ids: Sequence[str]) -> dict[str, Any]:
        self.asked.append(list(ids))
        if self.failure is not None:
            raise self.failure
        return {i: self.books[i] for i in ids if i in self.books}


class StubLookup:
    async def named(self, ids: Sequence[str]) -> dict[str, Market]:
        return {i: market(i) for i in ids}

    async def listed(self) -> Sequence[Market]:
        return []

    def bare(self, market_id: str) -> Market:
        return market(market_id)


class StubAdapter(ShardedStream):
    venue = STUB

    def __init__(
        self,
        url: str,
        markets: Sequence[Market | str],
        *,
        timing: Timing | None = None,
        books: Any = None,
        reconnect_delay: float = 5.0,
        silence_seconds: float = 120.0,
        shard_size: int = 200,
        on_frame: Callable[[bytes, datetime, str], object] | None = None,
        clients: Sequence[RestClient] = (),
    ) -> None:
        super().__init__(
            tracked_markets=markets,
            endpoint=Endpoint(url, dict, "set STUB_KEY"),
            new_feed=StubFeed,
            lookup=StubLookup(),
            books=books or StubBooks(),
            clients=clients,
            timing=timing or FastTime().timing(),
            reconnect_delay=reconnect_delay,
            silence_seconds=silence_seconds,
            shard_size=shard_size,
            on_frame=on_frame,
        )


Script = Callable[["FakeSocket", ServerConnection, int], Awaitable[None]]


class FakeSocket:
    """A websocket server that plays ``script(server, connection, number)`` for each connection."""

    def __init__(self, script: Script, process_request: Any = None) -> None:
        self._script = script
        self._process_request = process_request
        self._server: Server | None = None
        self._changed = asyncio.Condition()
        self.connections = 0
        self.open: list[ServerConnection] = []
        self.received: list[str | bytes] = []
        self.handshakes = 0
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        assert self._server is not None
        port = next(iter(self._server.sockets)).getsockname()[1]
        return f"ws://127.0.0.1:{port}/ws"

    async def start(self) -> None:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            0,
            process_request=self._on_request,
            ping_interval=None,
            compression=None,
        )

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(TIMEOUT), self._changed:
            await self._changed.wait_for(condition)

    async def _on_request(self, connection: ServerConnection, request: Any) -> Any:
        self.handshakes += 1
        self.headers.append(dict(request.headers.raw_items()))
        await self._tell()
        return self._process_request(self, connection, request) if self._process_request else None

    async def _serve(self, connection: ServerConnection) -> None:
        self.connections += 1
        self.open.append(connection)
        await self._tell()
        try:
            await self._script(self, connection, self.connections)
        except ConnectionClosed:
            pass
        finally:
            self.open.remove(connection)
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def hear(self, connection: ServerConnection) -> str | bytes:
        frame = await connection.recv()
        self.received.append(frame)
        await self._tell()
        return frame

    async def hear_for_ever(self, connection: ServerConnection) -> None:
        while True:
            await self.hear(connection)


async def subscribed_books(server: FakeSocket, connection: ServerConnection, number: int) -> None:
    """Answers each subscription with a book of every market in it, and stays."""
    while True:
        message = json.loads(await server.hear(connection))
        for market_id in message.get("subscribe", ()):
            await connection.send(book_frame(market_id))


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeRest:
    """An HTTP server that answers every request by ``answer`` and keeps what was asked."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._runner: web.AppRunner | None = None
        self._changed = asyncio.Condition()
        self.requests: list[tuple[str, str, str]] = []
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(TIMEOUT), self._changed:
            await self._changed.wait_for(condition)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path, request.query_string))
        async with self._changed:
            self._changed.notify_all()
        return await self._answer(request)


@asynccontextmanager
async def running(*servers: FakeSocket | FakeRest) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for server in servers:
            await server.start()
            stack.push_async_callback(server.stop)
        yield


class Consumer:
    """Reads a stream in a task of its own and lets a test wait for what it has seen."""

    def __init__(self, adapter: VenueStream) -> None:
        self.adapter = adapter
        self.outputs: list[StreamOutput] = []
        self._changed = asyncio.Condition()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            async for batch in self.adapter.stream():
                self.outputs.extend(batch)
                async with self._changed:
                    self._changed.notify_all()
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(TIMEOUT), self._changed:
            await self._changed.wait_for(lambda: condition() or self._task.done())
        if not condition():
            await self._task
            raise AssertionError(f"the stream ended before: {self.outputs[-5:]}")

    async def end(self) -> None:
        """The stream's own end, or the exception it ended with."""
        async with asyncio.timeout(TIMEOUT):
            await self._task

    async def close(self) -> None:
        async with asyncio.timeout(TIMEOUT):
            await self.adapter.close()
            await self._task

    def of(self, kind: type) -> list[Any]:
        return [output for output in self.outputs if isinstance(output, kind)]

    def events(self, kind: str) -> list[StreamEvent]:
        return [event for event in self.of(StreamEvent) if event.kind == kind]


def run(test: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60):
            await test

    asyncio.run(limited())
