import asyncio
import time

import httpx
import pytest
import websockets

from arb_platform.simulate.kalshi import KalshiSimulator, generate_key_pair
from arb_platform_tests.simulate.handmade import NAMES, handmade
from arb_platform_tests.simulate.raw_clients import (
    SECONDS,
    KalshiFold,
    MovingClock,
    kalshi_client,
    run,
    signed_headers,
    started,
)

TICKERS = [f"KX{name}-26-YES" for name in NAMES]
WS_PATH = "/trade-api/ws/v2"


def _simulator(**more):
    return KalshiSimulator(handmade(), rate=0, **more)


async def _subscribe(client, *channels, tickers=TICKERS, **more):
    await client.command("subscribe", channels=list(channels), market_tickers=tickers, **more)
    return await client.everything_sent()


@pytest.fixture(scope="module")
def keys():
    return generate_key_pair()


def test_a_well_signed_handshake_is_let_in_and_every_spoiled_one_is_answered_with_401(keys):
    private, public = keys
    stranger, _ = generate_key_pair()

    async def work():
        venue = _simulator(public_keys={"mine": public})
        good = signed_headers("mine", private, path=WS_PATH)
        without_signature = {name: value for name, value in good.items() if "SIGNATURE" not in name}
        spoiled = {
            "authentication_required": without_signature,
            "unknown_key": signed_headers("other", private, path=WS_PATH),
            "timestamp_expired": signed_headers("mine", private, path=WS_PATH, at=time.time() - 31),
            "invalid_timestamp": good | {"KALSHI-ACCESS-TIMESTAMP": "soon"},
        }
        bad_signatures = [
            signed_headers("mine", stranger, path=WS_PATH),
            signed_headers("mine", private, path=WS_PATH, salt=20),
            signed_headers("mine", private, path=f"{WS_PATH}?x=1"),
            good | {"KALSHI-ACCESS-SIGNATURE": "not base64!"},
        ]
        async with started(venue):
            async with kalshi_client(f"{venue.ws_url}?x=1", good) as client:
                assert await client.everything_sent() == []
            for reason, headers in [
                *spoiled.items(),
                *(("invalid_signature", bad) for bad in bad_signatures),
            ]:
                with pytest.raises(websockets.InvalidStatus) as refused:
                    async with kalshi_client(venue.ws_url, headers):
                        pass
                assert refused.value.response.status_code == 401
                assert b'"error"' in refused.value.response.body
                assert venue.refusals[-1] == reason

    run(work())


def test_a_subscription_is_answered_and_followed_by_numbered_ascending_snapshots():
    async def work():
        venue = _simulator()
        async with started(venue), kalshi_client(venue.ws_url) as client:
            answer, *snapshots = await _subscribe(client, "orderbook_delta")
            assert answer == {"id": 1, "type": "subscribed", "msg": {"channel": "orderbook_delta", "sid": 1}}
            assert [frame["msg"]["market_ticker"] for frame in snapshots] == TICKERS
            assert [frame["seq"] for frame in snapshots] == [1, 2, 3, 4, 5]
            for frame in snapshots:
                for side in ("yes_dollars_fp", "no_dollars_fp"):
                    prices = [price for price, _ in frame["msg"][side]]
                    assert prices == sorted(prices)
                    assert all(len(price) == 6 for price in prices)

    run(work())


@pytest.mark.parametrize("use_yes_price", [False, True])
def test_folding_the_frames_gives_the_simulators_own_books(use_yes_price):
    async def work():
        venue = _simulator(clock=MovingClock(0.05))
        async with started(venue), kalshi_client(venue.ws_url) as client:
            fold = KalshiFold(use_yes_price=use_yes_price)
            channels = ("orderbook_delta", "trade", "ticker")
            for frame in await _subscribe(client, *channels, use_yes_price=use_yes_price):
                fold.apply(frame)
            kinds = set()
            for _ in range(15):
                for _ in range(100):
                    venue.change()
                for frame in await client.everything_sent():
                    kinds.add(frame["type"])
                    fold.apply(frame)
                for ticker in TICKERS:
                    assert fold.levels(ticker) == venue.book_of(ticker)
            assert kinds == {"orderbook_delta", "trade", "ticker"}
            assert client.gaps == []
            # the ticker channel has no sequence
            assert set(client.last_seq) == {1, 2}

    run(work())


def test_an_empty_side_has_no_key_in_the_snapshot():
    async def work():
        venue = _simulator()
        async with started(venue), kalshi_client(venue.ws_url) as client:
            venue.books.book(TICKERS[0]).bids.clear()
            _, frame = await _subscribe(client, "orderbook_delta", tickers=TICKERS[:1])
            assert set(frame["msg"]) == {"market_ticker", "market_id", "no_dollars_fp"}

    run(work())


def test_markets_are_added_dropped_and_asked_for_within_one_sequence():
    async def work():
        venue = _simulator()
        async with started(venue), kalshi_client(venue.ws_url) as client:
            await _subscribe(client, "orderbook_delta", tickers=TICKERS[:2])
            number = await client.command(
                "update_subscription", sids=[1], market_tickers=TICKERS[1:3], action="add_markets"
            )
            ok, snapshot = await client.everything_sent()
            assert ok == {
                "id": number,
                "type": "ok",
                "sid": 1,
                "seq": 3,
                "msg": {"market_tickers": TICKERS[:3]},
            }
            assert snapshot["msg"]["market_ticker"] == TICKERS[2]
            number = await client.command(
                "update_subscription", sid=1, market_ticker=TICKERS[0], action="get_snapshot"
            )
            (healed,) = await client.everything_sent()
            assert (healed["id"], healed["type"], healed["seq"]) == (number, "orderbook_snapshot", 5)
            await client.command(
                "update_subscription", sids=[1], market_tickers=TICKERS[:1], action="delete_markets"
            )
            assert (await client.everything_sent())[0]["msg"]["market_tickers"] == TICKERS[1:3]
            venue.change(TICKERS[0])
            assert await client.everything_sent() == []
            venue.change(TICKERS[1])
            assert [frame["seq"] for frame in await client.everything_sent()] == [7]
            number = await client.command("unsubscribe", sids=[1])
            assert await client.everything_sent() == [
                {"id": number, "type": "unsubscribed", "sid": 1, "seq": 8}
            ]
            venue.change(TICKERS[1])
            assert await client.everything_sent() == []
            assert client.gaps == []

    run(work())


def test_an_unknown_ticker_is_an_error_that_takes_a_number_of_the_sequence():
    async def work():
        venue = _simulator()
        async with started(venue), kalshi_client(venue.ws_url) as client:
            _, error, snapshot = await _subscribe(
                client, "orderbook_delta", tickers=["KXNOBODY-1", TICKERS[0]]
            )
            assert error["type"] == "error"
            assert error["msg"]["market_ticker"] == "KXNOBODY-1"
            assert (error["seq"], snapshot["seq"]) == (1, 2)

    run(work())


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("no json", 1),
        ({"id": 3, "cmd": "subscribe"}, 2),
        ({"id": 3, "cmd": "subscribe", "params": {}}, 3),
        ({"id": 3, "cmd": "unsubscribe", "params": {}}, 4),
        ({"id": 3, "cmd": "dance", "params": {}}, 5),
        ({"id": 3, "cmd": "unsubscribe", "params": {"sids": [77]}}, 7),
        ({"id": 3, "cmd": "subscribe", "params": {"channels": ["weather"]}}, 8),
        ({"id": "x", "cmd": "subscribe", "params": {}}, 11),
        ({"id": 3, "cmd": "unsubscribe", "params": {"sids": [1, 2]}}, 12),
        ({"id": 3, "cmd": "update_subscription", "params": {"sids": [1], "action": "fly"}}, 13),
        ({"id": 3, "cmd": "subscribe", "params": {"channels": ["orderbook_delta"]}}, 14),
        ({"id": 3, "cmd": "update_subscription", "params": {"sids": [1], "action": "add_markets"}}, 14),
        ({"id": 3, "cmd": "update_subscription", "params": {"sids": [1]}}, 15),
        ({"id": 3, "cmd": "subscribe", "params": {"channels": ["trade"], "market_tickers": ["A"] * 257}}, 26),
    ],
)
def test_wrong_commands_get_the_venues_error_code(command, code):
    async def work():
        venue = _simulator()
        async with started(venue), kalshi_client(venue.ws_url) as client:
            await _subscribe(client, "orderbook_delta", tickers=TICKERS[:1])
            await client.send(command)
            (answer,) = await client.everything_sent()
            assert answer["type"] == "error"
            assert answer["msg"]["code"] == code
            assert answer["msg"]["msg"]

    run(work())


def test_the_server_pings_with_the_body_heartbeat():
    async def work():
        venue = _simulator(ping_seconds=0.05)
        async with started(venue), httpx.AsyncClient() as _:
            headers = {"KALSHI-ACCESS-KEY": "a", "KALSHI-ACCESS-TIMESTAMP": str(int(time.time() * 1000)),
                       "KALSHI-ACCESS-SIGNATURE": "AAAA"}  # fmt: skip
            heard: asyncio.Queue[bytes] = asyncio.Queue()

            class Listening(websockets.asyncio.client.ClientConnection):
                def process_event(self, event: object) -> None:
                    if getattr(event, "opcode", None) is websockets.frames.Opcode.PING:
                        heard.put_nowait(bytes(event.data))
                    super().process_event(event)

            async with websockets.connect(
                venue.ws_url, additional_headers=headers, ping_interval=None, create_connection=Listening
            ):
                assert await asyncio.wait_for(heard.get(), SECONDS) == b"heartbeat"
                assert await asyncio.wait_for(heard.get(), SECONDS) == b"heartbeat"

    run(work())


def test_the_ticker_channel_gives_quotes_at_once_when_asked_and_all_markets_without_a_list():
    async def work():
        venue = _simulator(clock=MovingClock(0.05))
        async with started(venue), kalshi_client(venue.ws_url) as client:
            await client.command(
                "subscribe", channels=["ticker"], market_ticker=TICKERS[0], send_initial_snapshot=True
            )
            _, quotes = await client.everything_sent()
            bids, asks = venue.book_of(TICKERS[0])
            assert quotes["msg"]["yes_bid_dollars"] == f"{bids[0].price:.4f}"
            assert quotes["msg"]["yes_ask_dollars"] == f"{asks[0].price:.4f}"
            assert "seq" not in quotes
            await client.command("subscribe", channels=["trade"])
            await client.everything_sent()
            for _ in range(400):
                venue.change(TICKERS[1])
            trades = [frame for frame in await client.everything_sent() if frame["type"] == "trade"]
            assert trades
            assert trades[0]["sid"] == 2
            for frame in trades:
                assert frame["msg"]["ts"] == frame["msg"]["ts_ms"] // 1000

    run(work())


def test_the_end_of_a_market_is_told_on_the_lifecycle_channel_and_in_the_listing():
    async def work():
        venue = _simulator()
        async with started(venue), kalshi_client(venue.ws_url) as client, httpx.AsyncClient() as http:
            await client.command("subscribe", channels=["market_lifecycle_v2"])
            await client.everything_sent()
            venue.resolve(TICKERS[0], "no")
            (told,) = await client.everything_sent()
            assert told["msg"]["event_type"] == "determined"
            assert told["msg"]["result"] == "no"
            query = {"status": "open", "mve_filter": "exclude"}
            listed = (await http.get(f"{venue.rest_url}/markets", params=query)).json()["markets"]
            assert [market["ticker"] for market in listed] == TICKERS[1:]

    run(work())


def test_the_listing_pages_filters_and_is_full_of_combinations_unless_they_are_excluded():
    async def work():
        venue = _simulator()
        async with started(venue), httpx.AsyncClient(base_url=venue.rest_url) as http:
            found, query = [], {"limit": 2, "status": "open", "mve_filter": "exclude"}
            while True:
                page = (await http.get("/markets", params=query)).json()
                found += [market["ticker"] for market in page["markets"]]
                if not page["cursor"]:
                    break
                query["cursor"] = page["cursor"]
            assert found == TICKERS
            combos = (await http.get("/markets", params={"limit": 20})).json()["markets"]
            assert all(market["ticker"].startswith("KXMVE") for market in combos)
            two = {"tickers": f"{TICKERS[1]},{TICKERS[3]}", "mve_filter": "exclude"}
            by_ticker = (await http.get("/markets", params=two)).json()["markets"]
            assert [market["ticker"] for market in by_ticker] == [TICKERS[1], TICKERS[3]]
            for bad in ({"limit": 1_001}, {"status": "active"}, {"cursor": "!"}, {"mve_filter": "no"}):
                assert (await http.get("/markets", params=bad)).status_code == 400

    run(work())


def test_events_nest_their_markets_when_asked_and_series_are_found():
    async def work():
        venue = _simulator()
        async with started(venue), httpx.AsyncClient(base_url=venue.rest_url) as http:
            nested = (await http.get("/events", params={"with_nested_markets": "true"})).json()
            assert [event["markets"][0]["ticker"] for event in nested["events"]] == TICKERS
            assert (nested["cursor"], nested["milestones"]) == ("", [])
            plain = (await http.get("/events", params={"limit": 1})).json()
            assert "markets" not in plain["events"][0]
            assert plain["cursor"]
            assert (await http.get("/events", params={"limit": 201})).status_code == 400
            assert (await http.get("/series/KXALPHA")).json()["series"]["fee_type"] == "quadratic"
            assert (await http.get("/series/KXNOBODY")).status_code == 404
            assert len((await http.get("/series")).json()["series"]) == 5
            assert (await http.get(f"/markets/{TICKERS[0]}")).json()["market"]["ticker"] == TICKERS[0]

    run(work())


def test_order_books_over_rest_agree_with_the_truth_and_a_comma_makes_one_unknown_ticker():
    async def work():
        venue = _simulator()
        async with started(venue), httpx.AsyncClient(base_url=venue.rest_url) as http:
            fold = KalshiFold()
            book = (await http.get(f"/markets/{TICKERS[0]}/orderbook")).json()["orderbook_fp"]
            sides = {f"{name}_fp": levels for name, levels in book.items()}
            fold.apply({"type": "orderbook_snapshot", "msg": {"market_ticker": TICKERS[0], **sides}})
            assert fold.levels(TICKERS[0]) == venue.book_of(TICKERS[0])
            top = (await http.get(f"/markets/{TICKERS[0]}/orderbook", params={"depth": 2})).json()[
                "orderbook_fp"
            ]
            assert top["yes_dollars"] == book["yes_dollars"][-2:]
            both = (await http.get("/markets/orderbooks", params={"tickers": TICKERS[:2]})).json()[
                "orderbooks"
            ]
            assert [entry["ticker"] for entry in both] == TICKERS[:2]
            comma = (await http.get("/markets/orderbooks", params={"tickers": ",".join(TICKERS[:2])})).json()
            assert comma["orderbooks"][0]["orderbook_fp"] == {"yes_dollars": [], "no_dollars": []}
            assert (await http.get("/markets/NOBODY/orderbook")).status_code == 404

    run(work())


def test_every_client_has_its_own_sids_and_sequences():
    async def work():
        venue = _simulator()
        async with (
            started(venue),
            kalshi_client(venue.ws_url) as one,
            kalshi_client(venue.ws_url) as other,
        ):
            await _subscribe(one, "orderbook_delta")
            await _subscribe(other, "trade", "orderbook_delta", tickers=TICKERS[:1])
            venue.change(TICKERS[0])
            (first,), (second,) = await one.everything_sent(), await other.everything_sent()
            assert (first["sid"], first["seq"]) == (1, 6)
            assert (second["sid"], second["seq"]) == (2, 2)
            assert first["msg"] == second["msg"]

    run(work())


def test_a_client_that_reads_nothing_is_told_of_the_overflow(monkeypatch):
    monkeypatch.setattr("arb_platform.simulate.server.OUTBOX_CAPACITY", 50)

    async def work():
        venue = _simulator()
        async with started(venue), kalshi_client(venue.ws_url) as client:
            await _subscribe(client, "orderbook_delta")
            # no await between the changes: nothing can be written meanwhile
            for _ in range(60):
                venue.change()
            frames = await client.everything_sent()
            assert frames[0]["type"] == "error"
            assert frames[0]["msg"]["code"] == 25
            assert venue.change() is None

    run(work())
