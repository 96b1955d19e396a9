"""Everything a venue may send or answer that it should not: a row or a sentence each, and the stream goes on.

The list is that of issue 3. The same is tested of a made-up venue's socket in venues/test_adapters.py, of
REST answers (401, 403, 429, HTML, cut JSON) in venues/test_rest.py and of any bytes in venues/test_polymarket.py;
here the venues' own feeds read it from real sockets.
"""

import asyncio
import json
import ssl
from datetime import UTC, datetime
from http import HTTPStatus

import pytest
import trustme
from aiohttp import web

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.errors import CredentialsError
from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.domain.streams import QuarantinedFrame, StreamEvent, StreamSession
from arb_platform.simulate.kalshi_keys import generate_key_pair
from arb_platform.venues.adapters import KalshiWebsocketAdapter, PolymarketWebsocketAdapter
from arb_platform_tests.venues.fake_venue import (
    Consumer,
    FakeRest,
    FakeSocket,
    FastTime,
    NoJitter,
    run,
    running,
)

CONDITION, TOKEN, TICKER = f"0x{1:064x}", "11", "KXA-26"
VENUES = (POLYMARKET, KALSHI)
KEY = generate_key_pair()[0]


def now_ms():
    return int(datetime.now(UTC).timestamp() * 1000)


class Polymarket:
    """Frames after docs.polymarket.com (market channel)."""

    def opening(self, command):
        return [json.dumps([self.book()])]

    def book(self):
        return {
            "event_type": "book", "market": CONDITION, "asset_id": TOKEN, "timestamp": str(now_ms()), "hash": "",
            "bids": [{"price": "0.4", "size": "10"}], "asks": [{"price": "0.6", "size": "10"}],
        }  # fmt: skip

    def change(self, price="0.41", size="5", *, asset=TOKEN, ms=None):
        change = {"asset_id": asset, "price": price, "size": size, "side": "BUY", "hash": "0"}
        stamp = str(now_ms() if ms is None else ms)
        market = CONDITION if asset == TOKEN else "0x77"
        return json.dumps(
            {"market": market, "price_changes": [change], "timestamp": stamp, "event_type": "price_change"}
        )

    def good(self):
        return json.dumps(
            self.book() | {"bids": [{"price": "0.4", "size": "10"}, {"price": "0.45", "size": "1"}]}
        )


class Kalshi:
    """Frames after docs.kalshi.com (AsyncAPI)."""

    def __init__(self):
        self.seq = 0

    def frame(self, kind, message):
        self.seq += 1
        return json.dumps({"type": kind, "sid": 1, "seq": self.seq, "msg": message})

    def book(self, bid="0.4000"):
        message = {
            "market_ticker": TICKER,
            "yes_dollars_fp": [[bid, "10.00"]],
            "no_dollars_fp": [["0.4000", "10.00"]],
        }
        return self.frame("orderbook_snapshot", message)

    def opening(self, command):
        self.seq = 0
        answer = {
            "id": json.loads(command)["id"],
            "type": "subscribed",
            "msg": {"channel": "orderbook_delta", "sid": 1},
        }
        return [json.dumps(answer), self.book()]

    def change(self, price="0.4100", size="5.00", *, asset=TICKER, ms=None):
        message = {
            "market_ticker": asset, "price_dollars": price, "delta_fp": size, "side": "yes",
            "ts_ms": now_ms() if ms is None else ms,
        }  # fmt: skip
        return self.frame("orderbook_delta", message)

    def good(self):
        return self.book("0.4500")


def adapter_of(name, url, *, timing=None, rest="http://127.0.0.1:9", silence=9999.0):
    time = timing or FastTime(50)
    options = {
        "sleep": time.sleep,
        "monotonic": time.monotonic,
        "rng": NoJitter(),
        "silence_seconds": silence,
    }
    if name == POLYMARKET:
        market = Market(
            POLYMARKET, CONDITION, "a", "", "", None, "", outcomes=("Yes", "No"), asset_ids=(TOKEN, "12")
        )
        return PolymarketWebsocketAdapter(
            None, [market], ws_url=url, gamma_url=rest, clob_url=rest, **options
        )
    market = Market(KALSHI, TICKER, "a", "", "", None, "")
    return KalshiWebsocketAdapter(
        "k", tracked_markets=[market], private_key=KEY, ws_url=url, rest_url=rest, **options
    )


def speaker(name):
    return Polymarket() if name == POLYMARKET else Kalshi()


async def outputs_after(name, bad, *, expected=None):
    """What comes of ``bad(speaker)`` frames between a first book and a good one."""
    venue = speaker(name)

    async def script(server, connection, number):
        for frame in venue.opening(await server.hear(connection)):
            await connection.send(frame)
        if number == 1:
            for frame in bad(venue):
                await connection.send(frame)
        await connection.send(venue.good())
        await server.hear_for_ever(connection)

    async def books(request):
        return web.json_response([], status=404)

    server, rest = FakeSocket(script), FakeRest(books)
    async with running(server, rest):
        consumer = Consumer(adapter_of(name, server.url, rest=rest.url))
        await consumer.until(
            lambda: any(str(s.bids[0].price) == "0.450000" for s in consumer.of(BookSnapshot))
        )
        if expected is not None:
            await consumer.until(lambda: bool(expected(consumer)))
        await consumer.close()
    return consumer


NUMBERS = {
    "NaN price": {"price": "NaN"},
    "infinite size": {"size": "Infinity"},
    "price above 1": {"price": "1.7"},
    "negative price": {"price": "-0.1"},
    "a price of more decimals than can be held": {"price": "0.41234567"},
    "no number": {"size": "many"},
}


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("numbers", NUMBERS.values(), ids=NUMBERS)
def test_a_number_that_cannot_be_is_a_kept_frame_and_ends_the_vouching(name, numbers):
    async def scenario():
        consumer = await outputs_after(name, lambda venue: [venue.change(**numbers)])
        (kept,) = consumer.of(QuarantinedFrame)
        assert kept.reason
        assert consumer.events("gap")
        prices = {str(level.price) for s in consumer.of(BookSnapshot) for level in (*s.bids, *s.asks)}
        assert prices <= {"0.400000", "0.600000", "0.450000"}

    run(scenario())


@pytest.mark.parametrize("name", VENUES)
def test_a_negative_size_is_a_row_and_never_a_level(name):
    """On Kalshi a change may be negative, what is left may not."""

    async def scenario():
        consumer = await outputs_after(name, lambda venue: [venue.change(size="-7")])
        assert consumer.events("gap")
        assert len(consumer.of(QuarantinedFrame)) == (name == POLYMARKET)
        assert all(level.size > 0 for s in consumer.of(BookSnapshot) for level in (*s.bids, *s.asks))

    run(scenario())


@pytest.mark.parametrize("name", VENUES)
def test_a_price_off_the_grid_is_shown_exactly_as_it_was_told(name):
    """The grid is the venue's and changes; what is exact to a millionth is not ours to refuse."""

    async def scenario():
        consumer = await outputs_after(name, lambda venue: [venue.change(price="0.412345")])
        assert "0.412345" in {str(s.bids[0].price) for s in consumer.of(BookSnapshot)}
        assert not consumer.of(QuarantinedFrame)

    run(scenario())


BYTES = {
    "cut in half": lambda venue: venue.change()[:40],
    "binary": lambda venue: b"\x00\xff\xfe\x01",
    "binary JSON of no kind": lambda venue: b'{"a": 1}',
    "HTML": lambda venue: "<html>502 Bad Gateway</html>",
    "deeply nested": lambda venue: "[" * 5_000 + "]" * 4_999,
    "empty": lambda venue: "",
    "of a kind nobody knows": lambda venue: json.dumps({"type": "mood", "event_type": "mood", "msg": {}}),
}


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("bad", BYTES.values(), ids=BYTES)
def test_a_frame_that_cannot_be_read_is_kept_with_its_bytes(name, bad):
    async def scenario():
        frame = bad(speaker(name))
        consumer = await outputs_after(name, lambda venue: [frame])
        (kept,) = consumer.of(QuarantinedFrame)
        assert kept.frame == (frame.encode() if isinstance(frame, str) else frame)
        assert kept.reason
        assert consumer.adapter.unreadable_frames == 1
        assert consumer.adapter.reconnections == 0

    run(scenario())


@pytest.mark.parametrize("name", VENUES)
def test_a_frame_of_forty_megabytes_is_a_row_and_costs_one_connection(name):
    async def scenario():
        huge = b"[" + b" " * (40 * 2**20) + b"]"
        consumer = await outputs_after(name, lambda venue: [huge], expected=lambda c: c.adapter.reconnections)
        (kept,) = consumer.of(QuarantinedFrame)
        assert "larger than" in kept.reason
        assert consumer.events("reconnect")[0].detail.startswith("a frame larger than")

    run(scenario())


@pytest.mark.parametrize("name", VENUES)
def test_assets_nobody_asked_for_are_counted_and_make_no_book(name):
    async def scenario():
        consumer = await outputs_after(name, lambda venue: [venue.change(asset="999")])
        assert {s.market.market_id for s in consumer.of(BookSnapshot)} <= {CONDITION, TICKER}
        assert not consumer.of(StreamEvent)
        assert not consumer.of(QuarantinedFrame)

    run(scenario())


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("ms", [0, 4_102_444_800_000], ids=["1970", "2100"])
def test_a_time_that_cannot_be_is_a_clock_skew_and_the_change_counts(name, ms):
    async def scenario():
        consumer = await outputs_after(name, lambda venue: [venue.change(ms=ms)])
        assert consumer.events("clock_skew")
        (changed,) = [s for s in consumer.of(BookSnapshot) if str(s.bids[0].price) == "0.410000"]
        assert changed.exchange_time is None

    run(scenario())


def certificate_error(name):
    async def scenario():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(context)
        listener = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            await _waits_with(name, f"wss://localhost:{port}/ws", "certificate is not trusted")

    return scenario()


async def _waits_with(name, url, words):
    consumer = Consumer(adapter_of(name, url))
    await consumer.until(lambda: any("attempt 2" in event.detail for event in consumer.events("reconnect")))
    await consumer.close()
    assert words in consumer.events("reconnect")[0].detail
    # one outage is one row, however often it was tried
    assert len({event.event_id for event in consumer.events("reconnect")}) == 1


@pytest.mark.parametrize("name", VENUES)
def test_an_untrusted_certificate_is_said_and_tried_again(name):
    run(certificate_error(name))


@pytest.mark.parametrize("name", VENUES)
def test_a_name_that_does_not_resolve_is_said_and_tried_again(name):
    run(_waits_with(name, "wss://no-such-host.invalid/ws", "DNS"))


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        (POLYMARKET, 401, "ARB_POLYMARKET_WS_URL"),
        (POLYMARKET, 403, "ARB_POLYMARKET_WS_URL"),
        (KALSHI, 401, "KALSHI_PRIVATE_KEY_PATH"),
        (KALSHI, 403, "KALSHI_PRIVATE_KEY_PATH"),
    ],
)
def test_a_refusal_ends_the_stream_with_what_to_do(name, status, words):
    async def scenario():
        server = FakeSocket(None, process_request=lambda s, c, r: c.respond(HTTPStatus(status), "no"))
        async with running(server):
            with pytest.raises(CredentialsError, match=f"{status}.*{words}"):
                await Consumer(adapter_of(name, server.url)).end()
        assert server.handshakes == 1

    run(scenario())


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize(("header", "wait"), [("7", 7.0), (None, 5.0)])
def test_too_many_requests_wait_as_long_as_the_venue_says_or_the_back_off(name, header, wait):
    venue, time = speaker(name), FastTime(50)

    def throttle(server, connection, request):
        if server.handshakes > 1:
            return None
        response = connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "slow down")
        if header is not None:
            response.headers["Retry-After"] = header
        return response

    async def script(server, connection, number):
        for frame in venue.opening(await server.hear(connection)):
            await connection.send(frame)
        await server.hear_for_ever(connection)

    async def scenario():
        server = FakeSocket(script, process_request=throttle)
        async with running(server):
            consumer = Consumer(adapter_of(name, server.url, timing=time))
            await consumer.until(lambda: bool(consumer.of(BookSnapshot)))
            await consumer.close()
        assert wait in time.slept
        first, last = consumer.events("reconnect")[0], consumer.events("reconnect")[-1]
        assert "429" in first.detail
        assert last.ended_at is not None

    run(scenario())


@pytest.mark.parametrize("name", VENUES)
def test_a_server_that_accepts_and_closes_is_come_back_to_ever_more_slowly(name):
    async def script(server, connection, number):
        await connection.close(1013, "try again later")

    async def scenario():
        time = FastTime(1000)
        server = FakeSocket(script)
        async with running(server):
            consumer = Consumer(adapter_of(name, server.url, timing=time))
            await server.until(lambda: server.connections >= 6)
            await consumer.close()
        delays = [seconds for seconds in time.slept if seconds in {5.0, 10.0, 20.0, 40.0, 60.0}]
        assert delays[:4] == [5.0, 10.0, 20.0, 40.0]
        assert {event.kind for event in consumer.of(StreamEvent)} == {"reconnect"}
        assert "1013 try again later" in consumer.of(StreamSession)[1].reason

    run(scenario())
