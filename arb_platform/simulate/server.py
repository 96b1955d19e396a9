"""What both venue servers share: listening, websocket connections with their faults, and the pace of changes."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from arb_platform.simulate.faults import Faults
from arb_platform.simulate.wire_faults import FaultyWire

Clock = Callable[[], datetime]
Sleep = Callable[[float], Awaitable[None]]
# A client that reads nothing keeps at most so many frames waiting; then the venue ends the connection.
OUTBOX_CAPACITY: Final = 100_000
# A stalled event loop makes up for at most so many seconds of changes; the rest is skipped and counted.
_LONGEST_BURST: Final = 1.0
_CLOSE_SECONDS: Final = 1.0
_CHANGES_AT_ONCE: Final = 100


def utc_now() -> datetime:
    return datetime.now(UTC)


class Connection:
    """One client's websocket: frames leave in order through one writer task, so a slow client stalls nobody.

    ``silent`` withholds data and answers keep-alives; ``frozen`` withholds everything.
    """

    def __init__(
        self, request: web.Request, socket: web.WebSocketResponse, name: str, faults: Faults
    ) -> None:
        self.name = name
        self.socket = socket
        self.faults = faults
        self.silent = False
        self.frozen = False
        self.frames_sent = 0
        self._request = request
        self.wire = FaultyWire(faults, name)
        self._outbox: deque[bytes] = deque()
        self._overflowing = False
        self._wake = asyncio.Event()
        self._timers: list[asyncio.TimerHandle] = []
        self.overflowed: Callable[[], None] = self.abort

    @property
    def backlog(self) -> int:
        """Frames that wait for the client to read."""
        return len(self._outbox)

    def send(self, frame: bytes) -> None:
        """A reply or keep-alive: not subject to the faults of book frames, nor to silence."""
        if not self.frozen:
            self._put(frame)

    def send_data(self, frame: bytes, market_id: str | None = None, *, detail: str = "") -> None:
        """Market data; ``detail`` is ``top`` or ``deep`` for a change of a book, empty for anything else."""
        if self.silent or self.frozen:
            return
        if self.faults.quiet and not self.wire.busy:
            self._put(frame)
            return
        for out in self.wire.passes(frame, market_id, detail):
            self._put(out)

    def _put(self, frame: bytes) -> None:
        if self._overflowing:
            return
        if len(self._outbox) >= OUTBOX_CAPACITY:
            self._outbox.clear()
            # Not at once: whoever sends is going through the subscriptions that will be ended.
            self._overflowing = True
            asyncio.get_running_loop().call_soon(self._overflow)
            return
        self._outbox.append(frame)
        self._wake.set()

    def _overflow(self) -> None:
        self._overflowing = False
        self.overflowed()

    async def write(self) -> None:
        """Write what is put, until cancelled or the connection is gone."""
        send, outbox = self.socket.send_frame, self._outbox
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while outbox:
                    await send(outbox.popleft(), WSMsgType.TEXT)
                    self.frames_sent += 1
        except ConnectionError:
            # The client went away; the reading side ends the connection.
            return

    async def ping(self, body: bytes) -> None:
        """A ping frame, which keeps a client quiet also while data is withheld."""
        if not self.frozen and not self.socket.closed:
            try:
                await self.socket.ping(body)
            except ConnectionError:
                # The client went away; the reading side ends the connection.
                return

    def fall_silent(self) -> None:
        """F1: no data from now on, though keep-alives are answered."""
        if not self.silent:
            self.silent = True
            self.faults.record("silence", connection=self.name)

    def freeze(self) -> None:
        """A half-open connection: nothing at all from now on."""
        if not self.frozen:
            self.frozen = True
            self.faults.record("half_open", connection=self.name)

    def disconnect(self) -> None:
        """Break off without a goodbye, on record."""
        self.faults.record("disconnect", connection=self.name)
        self.abort()

    def abort(self) -> None:
        """End the TCP connection: the client sees 1006."""
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    async def close(self, code: int, reason: str = "") -> None:
        await self.socket.close(code=code, message=reason.encode())

    def schedule(self, overflow: Callable[[], None]) -> None:
        """Set the alarms of the faults that come some time after the connection was made."""
        loop = asyncio.get_running_loop()
        timed: dict[str, Callable[[], None]] = {
            "disconnect": self.disconnect,
            "silence": self.fall_silent,
            "half_open": self.freeze,
            "overflow": overflow,
        }
        for word, action in timed.items():
            seconds = self.faults.due_in(word)
            if seconds is not None:
                self._timers.append(loop.call_later(seconds, action))

    def cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


class LoopbackServer:
    """An aiohttp application on one port, with background tasks that end when it stops."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self.connections: dict[str, Connection] = {}
        self._runner: web.AppRunner | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(
        self, application: web.Application, background: Iterable[Coroutine[None, None, None]] = ()
    ) -> None:
        """Listen; port 0 lets the system choose one. Raises OSError where the port is taken."""
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=_CLOSE_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = runner.addresses[0][1]
        for work in background:
            self._tasks.add(asyncio.create_task(work))

    async def stop(self) -> None:
        """Say goodbye to the clients, end all tasks, stop listening."""
        tasks, self._tasks = list(self._tasks), set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        connections = list(self.connections.values())
        closing = (connection.close(WSCloseCode.GOING_AWAY, "simulator stops") for connection in connections)
        await asyncio.gather(*closing, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def converse(
        self,
        request: web.Request,
        *,
        name: str,
        faults: Faults,
        talk: Callable[[Connection], Awaitable[None]],
    ) -> web.StreamResponse:
        """Accept a websocket and run ``talk`` on it until it returns, with its writer beside it."""
        if faults.strikes("refuse"):
            faults.record("refuse", connection=name)
            return web.Response(status=503, text="no healthy upstream")
        socket = web.WebSocketResponse(
            compress=False, max_msg_size=4 * 2**20, timeout=_CLOSE_SECONDS, autoping=False
        )
        await socket.prepare(request)
        connection = Connection(request, socket, name, faults)
        self.connections[name] = connection
        writer = asyncio.create_task(connection.write())
        try:
            if faults.strikes("early_close"):
                faults.record("early_close", connection=name)
                await connection.close(WSCloseCode.TRY_AGAIN_LATER, "early close")
            else:
                await talk(connection)
        finally:
            self.connections.pop(name, None)
            connection.cancel_timers()
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
        return socket


async def messages(connection: Connection) -> AsyncIterator[str]:
    """The client's text messages until it leaves; its pings are answered unless the connection is frozen."""
    async for message in connection.socket:
        if connection.frozen:
            continue
        if message.type is WSMsgType.PING:
            await connection.socket.pong(message.data)
        elif message.type is WSMsgType.TEXT:
            yield message.data
        elif message.type is WSMsgType.BINARY:
            yield message.data.decode(errors="replace")


async def keep_pace(
    act: Callable[[], object], *, rate: float, sleep: Sleep = asyncio.sleep, idle: Callable[[], bool]
) -> None:
    """Call ``act`` ``rate`` times a second by the event loop's clock, without drift; never while ``idle``."""
    if rate <= 0:
        return
    loop = asyncio.get_running_loop()
    # After an idle time or a long stall the beat starts anew instead of making up for it.
    due = loop.time()
    pause = max(0.002, min(1 / rate, 0.05))
    while True:
        now = loop.time()
        if idle() or now - due > _LONGEST_BURST:
            due = now
        done = 0
        while due <= now and done < _CHANGES_AT_ONCE and not idle():
            act()
            due += 1 / rate
            done += 1
        # A batch that is not through yet only lets the writers have their turn.
        await sleep(0 if done == _CHANGES_AT_ONCE else max(pause, due - loop.time()))


def http_faults(faults: Faults) -> Callable[..., Awaitable[web.StreamResponse]]:
    """A middleware that spoils answers to requests that are not websockets."""

    @web.middleware
    async def spoil(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await handler(request)
        for word, spoiled in _SPOILED.items():
            if faults.strikes(word):
                faults.record(word, detail=request.path)
                return spoiled()
        response = await handler(request)
        if isinstance(response, web.Response) and response.text and faults.strikes("http_cut"):
            faults.record("http_cut", detail=request.path)
            return web.Response(
                text=response.text[: len(response.text) // 2], content_type="application/json"
            )
        return response

    return spoil


def _too_many(headers: dict[str, str] | None = None) -> web.Response:
    # venues.md 2.3: the body Kalshi sends
    return web.json_response({"error": "too many requests"}, status=429, headers=headers)


_SPOILED: Final[Mapping[str, Callable[[], web.Response]]] = {
    "http429": _too_many,
    "retry_after": lambda: _too_many({"Retry-After": "1"}),
    "http500": lambda: web.json_response({"error": "internal error"}, status=500),
    "http_garbage": lambda: web.Response(
        text="<html><body>Bad gateway</body></html>", content_type="text/html"
    ),
}
