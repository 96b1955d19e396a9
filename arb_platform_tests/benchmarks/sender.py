"""A venue that costs next to nothing to run: its own process, frames made before they are due.

Run as ``python -m arb_platform_tests.benchmarks.sender FOLDER`` with the orders in
``FOLDER/orders.json``; writes ``port``, ``sent.f64`` (monotonic seconds at which each frame was
written) and ``books.json`` there.
"""

import array
import asyncio
import base64
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from arb_platform_tests.benchmarks.load import PolymarketSource

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# More than this is made while it is sent: it would not fit into memory.
_KEPT: Final = 300_000
_TICK_SECONDS: Final = 0.001


@dataclass(frozen=True, slots=True)
class Orders:
    """``rate`` frames a second, 0 for as fast as they are taken; ``sockets`` share the markets in order."""

    frames: int
    rate: float
    markets: int
    sockets: int
    seed: int
    start_ms: int

    def write(self, folder: Path) -> None:
        (folder / "orders.json").write_text(json.dumps(asdict(self)), encoding="ascii")


def framed(payload: bytes) -> bytes:
    """A server's text frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 65_536:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


class Sender:
    def __init__(self, orders: Orders, folder: Path) -> None:
        self.orders = orders
        self.folder = folder
        self.source = PolymarketSource(markets=orders.markets, seed=orders.seed, start_ms=orders.start_ms)
        self.opening = [framed(frame) for frame in self.source.opening()]
        self.number_of = {market.market_id.encode(): n for n, market in enumerate(self.source.markets)}
        self.writers: dict[int, asyncio.StreamWriter] = {}
        self.subscribed = asyncio.Event()
        self.sent = array.array("d")
        self.frames = self._frames()
        if orders.frames <= _KEPT:
            self.frames = iter(list(self.frames))

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        """(number of the market, frame on the wire)."""
        for frame in self.source.frames(self.orders.frames):
            position = frame.index(b'"market":"') + 10
            yield self.number_of[frame[position : position + 66]], framed(frame)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        headers = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:-2])
        key = next(value for name, value in headers.items() if name.lower() == b"sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest())
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        asked: set[str] = set()
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                message = await _client_frame(reader)
                if message.startswith(b"{"):
                    asked.update(json.loads(message)["assets_ids"])
                    self._subscribe(asked, writer)

    def _subscribe(self, asked: set[str], writer: asyncio.StreamWriter) -> None:
        for number, market in enumerate(self.source.markets):
            if number not in self.writers and asked.intersection(market.asset_ids):
                self.writers[number] = writer
                writer.write(self.opening[number])
        if len(self.writers) == len(self.source.markets):
            self.subscribed.set()

    async def send(self) -> None:
        await self.subscribed.wait()
        # The first books have to be through before anything is measured.
        await asyncio.sleep(1.0)
        if self.orders.rate:
            await self._paced()
        else:
            await self._saturated()
        self._report()

    async def _paced(self) -> None:
        began = time.monotonic()
        sent = 0
        while sent < self.orders.frames:
            due = int((time.monotonic() - began) * self.orders.rate) + 1
            for number, frame in islice(self.frames, max(0, min(due, self.orders.frames) - sent)):
                self.sent.append(time.monotonic())
                self.writers[number].write(frame)
                sent += 1
            await asyncio.sleep(_TICK_SECONDS)

    async def _saturated(self) -> None:
        for sent, (number, frame) in enumerate(self.frames):
            writer = self.writers[number]
            self.sent.append(time.monotonic())
            writer.write(frame)
            if sent % 256 == 0:
                await writer.drain()

    def _report(self) -> None:
        (self.folder / "sent.f64").write_bytes(self.sent.tobytes())
        (self.folder / "books.part").write_text(json.dumps(self.source.books()), encoding="ascii")
        (self.folder / "books.part").rename(self.folder / "books.json")


async def _client_frame(reader: asyncio.StreamReader) -> bytes:
    """The payload of one masked frame."""
    head = await reader.readexactly(2)
    size = head[1] & 0x7F
    if size >= 126:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    mask = await reader.readexactly(4)
    payload = await reader.readexactly(size)
    return bytes(byte ^ mask[position % 4] for position, byte in enumerate(payload))


async def main(folder: Path) -> None:
    orders = Orders(**json.loads((folder / "orders.json").read_text(encoding="ascii")))
    sender = Sender(orders, folder)
    server = await asyncio.start_server(sender.serve, "127.0.0.1", 0, limit=2**22)
    (folder / "port.part").write_text(str(server.sockets[0].getsockname()[1]), encoding="ascii")
    (folder / "port.part").rename(folder / "port")
    await sender.send()
    # The reader is told by books.json and kills us when it has read everything.
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
