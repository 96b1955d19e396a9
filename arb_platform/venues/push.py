"""A websocket that hands over the messages of each read the moment their bytes are there."""

from asyncio import BufferedProtocol
from collections.abc import Callable, Sequence
from typing import Any, Final

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import State

Sink = Callable[[Sequence[bytes]], None]

_END_OF_HEAD: Final = b"\r\n\r\n"
# A whole unmasked message without extensions: FIN and the opcode of a text or of binary (RFC 6455, 5.2).
_WHOLE: Final = frozenset({0x81, 0x82})
# Lengths that say how wide the length itself is.
_TWO_BYTES, _EIGHT_BYTES = 126, 127
# The rest of a larger frame is not waited for here but passed on as it comes.
_LARGE: Final = 64 * 1024
# As much is read at once.
_ROOM: Final = 64 * 1024


class PushConnection(ClientConnection, BufferedProtocol):
    """Calls a sink inside ``data_received`` in place of ``recv()``.

    The frames of market data are whole, short and many, so they are cut out of the bytes here;
    everything else (the handshake, control frames, fragments, large frames, nonsense) is the
    library's, which always gets whole frames. That costs a seventh of the library's own way, and
    spares a queue, a future and a task switch per frame. There is no buffer, so a sink that takes
    its time slows the reading of the socket, and TCP tells the venue.

    The socket is read into one buffer of ours: asyncio makes a new one of 256 KiB for every read
    otherwise, and the allocator gives that back to the kernel each time, which costs four times as
    much as the read itself.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sink: Sink = self._keep
        self._early: list[bytes] = []
        self._fragments: list[bytes] = []
        self._fault: Exception | None = None
        # Before the end of the handshake: the last bytes of its head, in case its end is cut in two.
        self._head: bytes | None = b""
        # The beginning of a frame that goes on in the next read.
        self._begun = b""
        # Bytes of a large frame that the library still has to get.
        self._owed = 0
        self._messages: list[bytes] = []
        self._room = memoryview(bytearray(_ROOM))

    def start(self, sink: Sink) -> None:
        """Give ``sink`` what came since the handshake, and from now on the messages of each read as bytes."""
        early, self._early = self._early, []
        self._sink = sink
        self._deliver(early)

    def stop(self) -> None:
        """Drop what still comes."""
        self._sink = _drop

    async def ended(self) -> None:
        """Wait until the connection is closed. Raises what the sink raised."""
        await self.wait_closed()
        if self._fault is not None:
            raise self._fault

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 asyncio's signature
        """Where the next read goes."""
        return self._room

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes were read."""
        self.data_received(bytes(self._room[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Bytes of the handshake, then of frames."""
        if self._head is not None:
            data = self._handshake(data, self._head)
        if self._owed and data:
            passed, data = data[: self._owed], data[self._owed :]
            self._owed -= len(passed)
            super().data_received(passed)
        if data:
            self._begun = self._cut(self._begun + data if self._begun else data)
        messages, self._messages = self._messages, []
        self._deliver(messages)

    def process_event(self, event: Any) -> None:
        """One frame or the handshake's response, as the library's protocol tells it."""
        if type(event) is not Frame or self.response is None:
            super().process_event(event)
            return
        opcode = event.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            self._fragments = []
        elif opcode is not Opcode.CONT:
            super().process_event(event)
            return
        self._fragments.append(bytes(event.data))
        if event.fin:
            self._messages.append(b"".join(self._fragments))
            self._fragments = []

    def _handshake(self, data: bytes, before: bytes) -> bytes:
        """Let the library read the response; returns the bytes after it."""
        found = (before + data).find(_END_OF_HEAD)
        if found < 0:
            self._head = (before + data)[1 - len(_END_OF_HEAD) :]
            super().data_received(data)
            return b""
        end = found + len(_END_OF_HEAD) - len(before)
        self._head = None
        super().data_received(data[:end])
        return data[end:]

    def _cut(self, data: bytes) -> bytes:
        """Collect the messages in ``data``; returns the beginning of the frame that is not complete."""
        at, end = 0, len(data)
        messages = self._messages
        while self.protocol.state is State.OPEN:
            if end - at < 2:
                return data[at:]
            start, size = at + 2, data[at + 1]
            if size > _EIGHT_BYTES:
                # A masked frame, which no server may send.
                break
            if size >= _TWO_BYTES:
                start += 2 if size == _TWO_BYTES else 8
                if start > end:
                    return data[at:]
                size = int.from_bytes(data[at + 2 : start])
            stop = start + size
            if stop > end:
                if size < _LARGE:
                    return data[at:]
                self._owed = stop - end
                super().data_received(data[at:])
                return b""
            if data[at] in _WHOLE and not self._fragments:
                messages.append(data[start:stop])
            else:
                super().data_received(data[at:stop])
            at = stop
        # Wrong, or closing: whatever still comes is the library's to judge.
        super().data_received(data[at:])
        return b""

    def _deliver(self, messages: Sequence[bytes]) -> None:
        if not messages:
            return
        try:
            self._sink(messages)
        except Exception as fault:  # noqa: BLE001 the event loop would swallow it; `ended` raises it
            self._fault = fault
            self.stop()
            self.transport.abort()

    def _keep(self, messages: Sequence[bytes]) -> None:
        self._early.extend(messages)


def _drop(messages: Sequence[bytes]) -> None:
    """Nobody wants them any more."""
