"""Frames cut out of bytes, against the library's own server side, without a socket."""

import asyncio
from collections.abc import Iterator
from random import Random

import pytest
from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from arb_platform.venues.push import PushConnection

LIMIT = 300_000


class Wire(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.aborted = False

    def write(self, data):
        self.written += data

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def is_closing(self):
        return self.aborted

    def can_write_eof(self):
        return False

    def close(self):
        self.aborted = True

    abort = close


async def asking() -> tuple[PushConnection, Wire, "asyncio.Task[None]"]:
    """A client that has sent its handshake and waits for the answer."""
    client, wire = PushConnection(ClientProtocol(parse_uri("ws://venue.test/"), max_size=LIMIT)), Wire()
    client.connection_made(wire)
    shaking = asyncio.create_task(client.handshake())
    await asyncio.sleep(0)
    return client, wire, shaking


def welcomed(request: bytes) -> tuple[ServerProtocol, bytes]:
    """The library's server after a handshake, and what it answered."""
    server = ServerProtocol(max_size=None)
    server.receive_data(request)
    (asked,) = server.events_received()
    assert isinstance(asked, Request)
    server.send_response(server.accept(asked))
    return server, b"".join(server.data_to_send())


def pieces(data: bytes, rng: Random) -> Iterator[bytes]:
    while data:
        size = rng.choice([1, 2, 3, 7, 100, 5_000, 70_000, 200_000])
        yield data[:size]
        data = data[size:]


def heard(frames: bytes, cuts: Random | None = None) -> tuple[list[bytes], PushConnection, list[Frame]]:
    """The messages that a client gets from these bytes, and what it sent itself; in one piece without cuts."""
    messages: list[bytes] = []

    async def scenario():
        client, wire, shaking = await asking()
        server, hello = welcomed(bytes(wire.written))
        wire.written.clear()
        sent = hello + frames
        for piece in [sent] if cuts is None else pieces(sent, cuts):
            client.data_received(piece)
        client.start(messages.extend)
        await asyncio.wait_for(shaking, 5)
        server.receive_data(bytes(wire.written))
        return client, server.events_received()

    return (messages, *asyncio.run(scenario()))


def frame(opcode: Opcode, data: bytes, *, fin: bool = True, mask: bool = False) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=mask)


def a_stream() -> tuple[bytes, list[bytes]]:
    """Every way in which a message may come, and the messages."""
    texts = [
        bytes([65 + n % 26]) * size for n, size in enumerate([0, 1, 125, 126, 65_535, 65_536, 200_000, 5])
    ]
    sent = b"".join(frame(Opcode.TEXT, text) for text in texts[:4])
    sent += frame(Opcode.PING, b"alive?")
    sent += frame(Opcode.BINARY, texts[4]) + frame(Opcode.TEXT, texts[5])
    sent += frame(Opcode.TEXT, b"in ", fin=False) + frame(Opcode.PING, b"between")
    sent += frame(Opcode.CONT, b"three ", fin=False) + frame(Opcode.CONT, b"parts")
    sent += frame(Opcode.TEXT, texts[6]) + frame(Opcode.TEXT, texts[7])
    return sent, [*texts[:6], b"in three parts", *texts[6:]]


@pytest.mark.parametrize("seed", [None, *range(30)])
def test_messages_arrive_whole_and_in_order_however_their_bytes_are_cut(seed):
    sent, wanted = a_stream()
    messages, _, answers = heard(sent, None if seed is None else Random(seed))
    assert messages == wanted
    assert [(one.opcode, bytes(one.data)) for one in answers] == [
        (Opcode.PONG, b"alive?"),
        (Opcode.PONG, b"between"),
    ]


def test_a_goodbye_in_the_same_read_comes_after_the_last_message_and_nothing_after_it():
    closing = frame(Opcode.CLOSE, CloseCode.GOING_AWAY.to_bytes(2, "big") + b"bye")
    messages, client, _ = heard(frame(Opcode.TEXT, b"last") + closing + frame(Opcode.TEXT, b"no"))
    assert messages == [b"last"]
    assert client.protocol.close_rcvd.code == CloseCode.GOING_AWAY


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (frame(Opcode.TEXT, b"masked", mask=True), CloseCode.PROTOCOL_ERROR),
        (frame(Opcode.TEXT, b"begun", fin=False) + frame(Opcode.TEXT, b"another"), CloseCode.PROTOCOL_ERROR),
        (bytes([0xC1, 2]) + b"{}", CloseCode.PROTOCOL_ERROR),
        (frame(Opcode.TEXT, bytes(LIMIT + 1))[:100_000], CloseCode.MESSAGE_TOO_BIG),
    ],
    ids=["masked", "a message within another", "compressed", "too large"],
)
def test_what_a_server_may_not_send_ends_the_connection(wrong, code):
    messages, client, _ = heard(frame(Opcode.TEXT, b"good") + wrong)
    assert messages == [b"good"]
    assert client.protocol.close_sent.code == code
