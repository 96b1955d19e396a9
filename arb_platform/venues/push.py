"""A websocket that hands over each message the moment its bytes are read."""

from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

Sink = Callable[[bytes], None]


class PushConnection(ClientConnection):
    """Calls a sink inside ``data_received`` in place of ``recv()``.

    That spares a queue, a future and a task switch per frame: about 40 % of the cost of receiving,
    and the wait for the loop's next round. There is no buffer, so a sink that takes its time slows
    the reading of the socket, and TCP tells the venue.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sink: Sink = self._keep
        self._early: list[bytes] = []
        self._fragments: list[bytes] = []
        self._fault: Exception | None = None

    def start(self, sink: Sink) -> None:
        """Give ``sink`` what came since the handshake, and from now on each message as bytes."""
        early, self._early = self._early, []
        self._sink = sink
        for message in early:
            self._deliver(message)

    def stop(self) -> None:
        """Drop what still comes."""
        self._sink = _drop

    async def ended(self) -> None:
        """Wait until the connection is closed. Raises what the sink raised."""
        await self.wait_closed()
        if self._fault is not None:
            raise self._fault

    def process_event(self, event: Any) -> None:
        """One frame or the handshake's response, as the library's protocol tells it."""
        if type(event) is not Frame or self.response is None:
            super().process_event(event)
            return
        opcode = event.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            if event.fin:
                self._deliver(bytes(event.data))
            else:
                self._fragments = [bytes(event.data)]
        elif opcode is Opcode.CONT:
            self._fragments.append(bytes(event.data))
            if event.fin:
                message, self._fragments = b"".join(self._fragments), []
                self._deliver(message)
        else:
            super().process_event(event)

    def _deliver(self, message: bytes) -> None:
        try:
            self._sink(message)
        except Exception as fault:  # noqa: BLE001 the event loop would swallow it; `ended` raises it
            self._fault = fault
            self.stop()
            self.transport.abort()

    def _keep(self, message: bytes) -> None:
        self._early.append(message)


def _drop(message: bytes) -> None:
    """Nobody wants it any more."""
