"""The adapters of both venues against small servers that speak the venues' own wire."""

import base64
import json
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.errors import CredentialsError, SettingsError
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.domain.streams import StreamEvent
from arb_platform.venues.adapters import KalshiWebsocketAdapter, PolymarketWebsocketAdapter
from arb_platform.venues.polling import KalshiAdapter, PolymarketAdapter
from arb_platform.venues.registry import VENUES
from arb_platform_tests.venues.fake_venue import Consumer, FakeRest, FakeSocket, FastTime, run, running
from arb_platform_tests.venues.test_rest import gamma_market

# Shapes of the venues' frames after their documentation of 2026; wire_samples/ has recorded ones.
CONDITION = f"0x{1:064x}"
DEAD = "http://127.0.0.1:9"


def polymarket_book(token, *, bid="0.40", ask="0.60"):
    return {
        "event_type": "book", "market": CONDITION, "asset_id": token, "timestamp": "1763000000000", "hash": "0x1",
        "bids": [{"price": "0.01", "size": "5"}, {"price": bid, "size": "100"}],
        "asks": [{"price": "0.99", "size": "5"}, {"price": ask, "size": "70.5"}],
    }  # fmt: skip


async def polymarket_socket(server, connection, number):
    while True:
        frame = await server.hear(connection)
        if frame == "PING":
            await connection.send("PONG")
            continue
        tokens = json.loads(frame).get("assets_ids", [])
        await connection.send(json.dumps([polymarket_book(token) for token in tokens]))


async def gamma_and_clob(request):
    if request.path == "/books":
        asked = [row["token_id"] for row in await request.json()]
        return web.json_response([polymarket_book(token) for token in asked if token in {"11", "12"}])
    wanted = set(request.query.getall("condition_ids", []))
    markets = [gamma_market(n) for n in (1, 2) if not wanted or gamma_market(n)["conditionId"] in wanted]
    if request.path == "/markets/keyset":
        return web.json_response({"markets": markets})
    return web.json_response(markets)


def test_a_condition_id_is_followed_by_its_tokens():
    async def scenario():
        server, rest = FakeSocket(polymarket_socket), FakeRest(gamma_and_clob)
        async with running(server, rest):
            adapter = PolymarketWebsocketAdapter(
                tracked_markets=[CONDITION], ws_url=server.url, gamma_url=rest.url, clob_url=rest.url
            )
            consumer = Consumer(adapter)
            await consumer.until(lambda: bool(consumer.of(BookSnapshot)))
            await consumer.close()
        first = json.loads(server.received[0])
        assert (first["type"], first["assets_ids"][0]) == ("market", "11")
        snapshot = consumer.of(BookSnapshot)[0]
        assert (snapshot.market.market_id, snapshot.market.symbol) == (CONDITION, "q-1")
        assert [str(level.price) for level in snapshot.bids] == ["0.400000", "0.010000"]
        assert str(snapshot.asks[0].size) == "70.500000"

    run(scenario())


def test_without_a_list_the_markets_of_the_venue_are_followed_by_volume():
    async def scenario():
        server, rest = FakeSocket(polymarket_socket), FakeRest(gamma_and_clob)
        async with running(server, rest):
            adapter = PolymarketWebsocketAdapter(ws_url=server.url, gamma_url=rest.url, clob_url=rest.url)
            consumer = Consumer(adapter)
            await server.until(lambda: bool(server.received))
            assert [m.symbol for m in adapter.markets] == ["q-2", "q-1"]  # the larger volume first
            await consumer.close()

    run(scenario())


def test_an_id_that_cannot_be_looked_up_is_followed_all_the_same(caplog):
    async def scenario():
        server = FakeSocket(polymarket_socket)
        async with running(server):
            adapter = PolymarketWebsocketAdapter(
                tracked_markets=["11", CONDITION], ws_url=server.url, gamma_url=DEAD, clob_url=DEAD,
                sleep=FastTime(1000).sleep,
            )  # fmt: skip
            consumer = Consumer(adapter)
            await consumer.until(lambda: bool(consumer.of(BookSnapshot)))
            assert {m.market_id for m in adapter.markets} == {"11", CONDITION}
            await consumer.close()
        assert any(f"does not know {CONDITION}" in record.message for record in caplog.records)

    run(scenario())


@pytest.fixture(scope="module")
def rsa_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return key, pem.decode()


def signature_holds(public_key, headers, path):
    message = f"{headers['KALSHI-ACCESS-TIMESTAMP']}GET{path}".encode()
    try:
        public_key.verify(
            base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"]),
            message,
            padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32),
            hashes.SHA256(),
        )
    except InvalidSignature:
        return False
    return True


async def kalshi_socket(server, connection, number):
    sequence = 0
    while True:
        command = json.loads(await server.hear(connection))
        if command["cmd"] != "subscribe":
            continue
        await connection.send(
            json.dumps(
                {"id": command["id"], "type": "subscribed", "msg": {"channel": "orderbook_delta", "sid": 1}}
            )
        )
        for ticker in command["params"]["market_tickers"]:
            sequence += 1
            message = {
                "market_ticker": ticker,
                "yes_dollars_fp": [["0.4000", "10.50"]],
                "no_dollars_fp": [["0.5500", "7.00"]],
            }
            await connection.send(
                json.dumps({"type": "orderbook_snapshot", "sid": 1, "seq": sequence, "msg": message})
            )
        if number == 1:
            connection.transport.abort()


async def kalshi_rest(request):
    if request.path == "/markets":
        tickers = request.query["tickers"].split(",")
        documents = [
            {"ticker": t, "title": f"Will {t}?", "market_type": "binary", "status": "active"} for t in tickers
        ]
        return web.json_response({"markets": documents, "cursor": ""})
    if request.path == "/markets/orderbooks":
        books = {"yes_dollars": [["0.4000", "10.50"]], "no_dollars": [["0.5500", "7.00"]]}
        return web.json_response(
            {"orderbooks": [{"ticker": t, "orderbook_fp": books} for t in request.query.getall("tickers")]}
        )
    return web.json_response({"orderbook_fp": {"yes_dollars": [["0.4000", "10.50"]], "no_dollars": None}})


def test_kalshi_handshakes_are_signed_afresh_each_time(rsa_key):
    key, pem = rsa_key

    async def scenario():
        time = FastTime(100)
        server, rest = FakeSocket(kalshi_socket), FakeRest(kalshi_rest)
        async with running(server, rest):
            adapter = KalshiWebsocketAdapter(
                "key-id", tracked_markets=["KXA-1", "KXB-2"], private_key=pem, ws_url=server.url, rest_url=rest.url,
                clock=time.clock, sleep=time.sleep, monotonic=time.monotonic, silence_seconds=9999.0,
            )  # fmt: skip
            consumer = Consumer(adapter)
            await consumer.until(lambda: len({s.session_id for s in consumer.of(BookSnapshot)}) == 2)
            path = urlsplit(server.url).path
            await consumer.close()
        first, second = server.headers[:2]
        assert first["KALSHI-ACCESS-KEY"] == "key-id"
        assert first["KALSHI-ACCESS-SIGNATURE"] != second["KALSHI-ACCESS-SIGNATURE"]
        for headers in (first, second):
            assert signature_holds(key.public_key(), headers, path)
            assert not signature_holds(key.public_key(), headers, path + "?x=1")
        snapshot = consumer.of(BookSnapshot)[0]
        assert snapshot.market.title == "Will KXA-1?"
        assert (str(snapshot.bids[0].price), str(snapshot.asks[0].price)) == ("0.400000", "0.450000")

    run(scenario())


@pytest.mark.parametrize("options", [{}, {"api_key": "id"}, {"private_key": "x"}])
def test_kalshi_without_both_halves_of_a_key_says_what_to_do(options):
    with pytest.raises(CredentialsError, match=r"KALSHI_API_KEY.*KALSHI_PRIVATE_KEY_PATH.*KalshiAdapter"):
        KalshiWebsocketAdapter(**options)


def test_a_key_that_kalshi_refuses_is_a_sentence_that_names_the_settings(rsa_key):
    async def scenario():
        server = FakeSocket(kalshi_socket, process_request=lambda s, c, r: c.respond(401, "no"))
        async with running(server):
            adapter = KalshiWebsocketAdapter(
                "key-id", tracked_markets=["KXA-1"], private_key=rsa_key[1], ws_url=server.url, rest_url=DEAD,
                sleep=FastTime(1000).sleep,
            )  # fmt: skip
            with pytest.raises(
                CredentialsError, match=r"401.*KALSHI_API_KEY.*KALSHI_PRIVATE_KEY_PATH"
            ) as caught:
                await Consumer(adapter).end()
        assert "BEGIN" not in str(caught.value)

    run(scenario())


def test_polymarket_is_polled_without_a_websocket():
    async def scenario():
        rest = FakeRest(gamma_and_clob)
        async with running(rest):
            adapter = PolymarketAdapter(
                tracked_markets=[CONDITION], gamma_url=rest.url, clob_url=rest.url, sleep=FastTime(50).sleep
            )
            consumer = Consumer(adapter)
            await consumer.until(lambda: bool(consumer.of(BookSnapshot)))
            await rest.until(lambda: sum(path == "/books" for _, path, _ in rest.requests) >= 4)
            await consumer.close()
        (snapshot,) = consumer.of(BookSnapshot)  # the book never changed
        assert snapshot.market.symbol == "q-1"
        assert str(snapshot.bids[0].price) == "0.400000"
        assert not consumer.of(StreamEvent)

    run(scenario())


def test_kalshi_is_polled_without_a_key():
    async def scenario():
        rest = FakeRest(kalshi_rest)
        async with running(rest):
            adapter = KalshiAdapter(
                tracked_markets=["KXA-1", "KXB-2"], rest_url=rest.url, sleep=FastTime(50).sleep
            )
            consumer = Consumer(adapter)
            await consumer.until(lambda: len(consumer.of(BookSnapshot)) == 2)
            assert adapter.connected
            await consumer.close()
        for snapshot in consumer.of(BookSnapshot):
            assert (str(snapshot.bids[0].price), str(snapshot.asks[0].price)) == ("0.400000", "0.450000")
        assert not consumer.of(StreamEvent)

    run(scenario())


def test_stream_orderbooks_gives_snapshots_only_and_ends_with_close():
    async def scenario():
        rest = FakeRest(kalshi_rest)
        async with running(rest):
            adapter = KalshiAdapter(tracked_markets=["KXA-1", "KXB-2"], rest_url=rest.url)
            seen = []
            async for snapshot in adapter.stream_orderbooks():
                seen.append(snapshot)
                if len(seen) == 2:
                    await adapter.close()
        assert all(isinstance(snapshot, BookSnapshot) for snapshot in seen)
        assert len(seen) == 2

    run(scenario())


def test_one_adapter_has_one_consumer():
    async def scenario():
        rest = FakeRest(kalshi_rest)
        async with running(rest):
            adapter = KalshiAdapter(tracked_markets=["KXA-1"], rest_url=rest.url)
            first = adapter.stream()
            await anext(first)
            with pytest.raises(SettingsError, match="already"):
                await anext(adapter.stream())
            await adapter.close()
            await first.aclose()
            assert [batch async for batch in KalshiAdapterClosed(rest.url).stream()] == []

    run(scenario())


class KalshiAdapterClosed(KalshiAdapter):
    """Closed before it was ever read."""

    def __init__(self, url):
        super().__init__(tracked_markets=[], rest_url=url)
        self._closed = True
        self._outbox.close()


@pytest.mark.parametrize(
    "options",
    [
        {"ws_url": "http://x"},
        {"clob_url": "x"},
        {"shard_size": 0},
        {"shard_size": 501},
        {"reconnect_delay": 0.0},
    ],
)
def test_options_that_make_no_sense_are_a_settings_error(options):
    with pytest.raises(SettingsError):
        PolymarketWebsocketAdapter(**options)


def test_every_venue_is_registered_with_all_its_parts():
    assert set(VENUES) == {POLYMARKET, KALSHI}
    for name, venue in VENUES.items():
        assert (
            venue.name
            == venue.feed().venue
            == venue.websocket_adapter.venue
            == venue.polling_adapter.venue
            == name
        )


def test_a_registered_listing_lists():
    async def scenario():
        rest = FakeRest(gamma_and_clob)
        async with running(rest):
            listing = await VENUES[POLYMARKET].listing(base_url=rest.url)
        assert (listing.complete, len(listing.markets)) == (True, 2)

    run(scenario())
