import asyncio
import hashlib
import json

import httpx
import pytest
import websockets

from arb_platform.domain.errors import SettingsError
from arb_platform.simulate.faults import Faults
from arb_platform.simulate.polymarket import PolymarketSimulator
from arb_platform.simulate.polymarket_socket import FIRST_BOOK_CAP
from arb_platform_tests.simulate.handmade import NAMES, condition, handmade, tokens
from arb_platform_tests.simulate.raw_clients import (
    MovingClock,
    PolymarketFold,
    everything_sent,
    polymarket_client,
    run,
    started,
    subscribe,
)

ALL_TOKENS = [token for name in NAMES for token in tokens(name)]


def _simulator(**more):
    return PolymarketSimulator(handmade(), rate=0, **more)


def test_the_first_subscription_is_answered_with_one_array_of_whole_books():
    async def work():
        venue = _simulator()
        async with started(venue), polymarket_client(venue.ws_url) as client:
            books = await subscribe(client, ALL_TOKENS)
            assert [book["asset_id"] for book in books] == ALL_TOKENS
            for book in books:
                bids = [float(level["price"]) for level in book["bids"]]
                asks = [float(level["price"]) for level in book["asks"]]
                # worst first on both sides
                assert bids == sorted(bids)
                assert asks == sorted(asks, reverse=True)
                assert bids[-1] < asks[-1]
                assert book["timestamp"].isdigit()
                assert len(book["timestamp"]) == 13
            fold = PolymarketFold()
            fold.apply(books)
            for name in NAMES:
                first, second = tokens(name)
                assert fold.levels(first) == venue.book_of(condition(name))
                assert fold.mirrored(second) == venue.book_of(condition(name))

    run(work())


def test_folding_the_frames_gives_the_simulators_own_books():
    async def work():
        venue = _simulator(clock=MovingClock(0.05))
        async with started(venue), polymarket_client(venue.ws_url) as client:
            fold = PolymarketFold()
            fold.apply(await subscribe(client, ALL_TOKENS))
            kinds = set()
            for _ in range(20):
                for _ in range(100):
                    assert venue.change() is not None
                for message in await everything_sent(client):
                    kinds.add(message["event_type"])
                    fold.apply(message)
                for name in NAMES:
                    assert fold.levels(tokens(name)[0]) == venue.book_of(condition(name))
                    assert fold.mirrored(tokens(name)[1]) == venue.book_of(condition(name))
            assert kinds == {"price_change", "last_trade_price", "book"}
            assert fold.tops_checked >= 4_000

    run(work())


def _recomputed(book, *, min_order_size, tick_size, neg_risk, last_trade_price):
    """The recipe of venues.md 1.3, written out a second time."""
    seed = {
        "market": book["market"], "asset_id": book["asset_id"], "timestamp": book["timestamp"], "hash": "",
        "bids": book["bids"], "asks": book["asks"], "min_order_size": min_order_size, "tick_size": tick_size,
        "neg_risk": neg_risk, "last_trade_price": last_trade_price,
    }  # fmt: skip
    return hashlib.sha1(json.dumps(seed, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def test_hashes_follow_the_venues_recipe_on_both_transports_and_a_changed_level_breaks_them():
    async def work():
        venue = _simulator()
        async with started(venue), polymarket_client(venue.ws_url) as client, httpx.AsyncClient() as http:
            (book,) = await subscribe(client, ALL_TOKENS[:1])
            known = {
                "min_order_size": "5", "neg_risk": False,
                "tick_size": book["tick_size"], "last_trade_price": book["last_trade_price"],
            }  # fmt: skip
            assert book["hash"] == _recomputed(book, **known)
            rest = (await http.get(f"{venue.clob_url}/book", params={"token_id": ALL_TOKENS[0]})).json()
            assert list(rest) == [
                "market", "asset_id", "timestamp", "hash", "bids", "asks", "min_order_size", "tick_size",
                "neg_risk", "last_trade_price",
            ]  # fmt: skip
            assert rest["hash"] == _recomputed(rest, **known)
            rest["bids"][0]["size"] = "123456"
            assert rest["hash"] != _recomputed(rest, **known)

    run(work())


def test_a_ping_before_the_subscription_closes_with_1008_and_after_it_is_answered():
    async def work():
        venue = _simulator()
        async with started(venue):
            async with polymarket_client(venue.ws_url) as client:
                await client.send("PING")
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await client.raw()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1008
            async with polymarket_client(venue.ws_url) as client:
                await subscribe(client, ALL_TOKENS[:2])
                assert await everything_sent(client) == []

    run(work())


def test_a_second_first_subscription_is_ignored_and_the_operation_form_is_not():
    async def work():
        venue = _simulator()
        async with started(venue), polymarket_client(venue.ws_url) as client:
            await subscribe(client, ALL_TOKENS[:2])
            await client.send({"type": "market", "assets_ids": ALL_TOKENS[2:4]})
            assert await everything_sent(client) == []
            await client.send({"operation": "subscribe", "assets_ids": ALL_TOKENS[2:4]})
            (books,) = await everything_sent(client)
            assert [book["asset_id"] for book in books] == ALL_TOKENS[2:4]
            venue.change(condition(NAMES[1]))
            assert await everything_sent(client)
            await client.send({"operation": "unsubscribe", "assets_ids": ALL_TOKENS[2:4]})
            assert await everything_sent(client) == []
            venue.change(condition(NAMES[1]))
            assert await everything_sent(client) == []
            venue.change(condition(NAMES[0]))
            assert await everything_sent(client)

    run(work())


@pytest.mark.parametrize(
    "text", ["nonsense", "[]", '{"operation":"fly"}', '{"type":"market","assets_ids":7}']
)
def test_what_is_no_subscription_is_called_an_invalid_operation(text):
    async def work():
        venue = _simulator()
        async with started(venue), polymarket_client(venue.ws_url) as client:
            await client.send(text)
            assert await client.raw() == "INVALID OPERATION"

    run(work())


def test_unknown_assets_get_an_empty_array_and_initial_dump_false_gets_nothing():
    async def work():
        venue = _simulator()
        async with started(venue):
            async with polymarket_client(venue.ws_url) as client:
                assert await subscribe(client, ["1234567890"]) == []
            async with polymarket_client(venue.ws_url) as client:
                await client.send({"type": "market", "assets_ids": ALL_TOKENS, "initial_dump": False})
                assert await everything_sent(client) == []
                venue.change()
                assert await everything_sent(client)

    run(work())


def test_assets_beyond_the_cap_of_a_socket_never_get_a_first_book():
    async def work():
        venue = _simulator()
        async with started(venue), polymarket_client(venue.ws_url) as client:
            strangers = [str(number) for number in range(FIRST_BOOK_CAP - 2)]
            books = await subscribe(client, [*strangers, *ALL_TOKENS[:4]])
            assert [book["asset_id"] for book in books] == ALL_TOKENS[:2]
            venue.change(condition(NAMES[1]))
            assert await everything_sent(client)

    run(work())


def test_custom_features_bring_tops_and_announcements_only_to_those_who_asked():
    async def work():
        venue = _simulator()
        async with (
            started(venue),
            polymarket_client(venue.ws_url) as custom,
            polymarket_client(venue.ws_url) as plain,
        ):
            await subscribe(custom, ALL_TOKENS, custom_feature_enabled=True)
            await subscribe(plain, ALL_TOKENS)
            for _ in range(1_200):
                venue.change()
            venue.resolve(condition(NAMES[4]), winner=1)
            asked = await everything_sent(custom)
            kinds = {message["event_type"] for message in asked}
            assert {"best_bid_ask", "new_market", "market_resolved"} <= kinds
            resolved = asked[-1]
            assert resolved["winning_asset_id"] == tokens(NAMES[4])[1]
            assert resolved["winning_outcome"] == "No"
            not_asked = {message["event_type"] for message in await everything_sent(plain)}
            assert not not_asked & {"best_bid_ask", "new_market", "market_resolved"}

    run(work())


def test_a_new_tick_size_is_announced_for_both_tokens_and_followed_by_whole_books():
    async def work():
        venue = _simulator()
        async with started(venue), polymarket_client(venue.ws_url) as client:
            await subscribe(client, ALL_TOKENS[:2])
            venue.change_tick_size(condition(NAMES[0]))
            told = await everything_sent(client)
            assert [message["event_type"] for message in told] == ["tick_size_change"] * 2 + ["book"] * 2
            assert (told[0]["old_tick_size"], told[0]["new_tick_size"]) == ("0.01", "0.001")
            assert told[2]["tick_size"] == "0.001"
            fold = PolymarketFold()
            fold.apply(told[2])
            assert fold.levels(ALL_TOKENS[0]) == venue.book_of(condition(NAMES[0]))

    run(work())


def test_the_keyset_listing_ends_without_a_cursor_and_a_wrong_parameter_repeats_the_first_page():
    async def work():
        venue = _simulator()
        async with started(venue), httpx.AsyncClient(base_url=venue.gamma_url) as http:
            found, query = [], {"limit": 2, "closed": "false"}
            while True:
                page = (await http.get("/markets/keyset", params=query)).json()
                found += [market["conditionId"] for market in page["markets"]]
                if "next_cursor" not in page:
                    break
                query["after_cursor"] = page["next_cursor"]
            assert found == [condition(name) for name in NAMES]
            first = (await http.get("/markets/keyset", params={"limit": 2})).json()
            repeated = await http.get("/markets/keyset", params={"limit": 2, "cursor": first["next_cursor"]})
            assert repeated.json() == first
            assert (await http.get("/markets/keyset", params={"after_cursor": "?"})).status_code == 422
            assert (await http.get("/markets/keyset", params={"offset": 2})).status_code == 422

    run(work())


def test_the_listing_filters_by_id_token_and_state():
    async def work():
        venue = _simulator()
        async with started(venue), httpx.AsyncClient(base_url=venue.gamma_url) as http:
            one = (await http.get("/markets/keyset", params={"condition_ids": condition("ECHO")})).json()
            assert [market["slug"] for market in one["markets"]] == ["echo"]
            by_token = {"clob_token_ids": [tokens("ALPHA")[1], tokens("BRAVO")[0]]}
            both = (await http.get("/markets/keyset", params=by_token)).json()
            assert [market["slug"] for market in both["markets"]] == ["alpha", "bravo"]
            too_many = {"condition_ids": [str(number) for number in range(101)]}
            assert (await http.get("/markets/keyset", params=too_many)).status_code == 422
            venue.resolve(condition("ECHO"))
            open_ones = (await http.get("/markets/keyset", params={"closed": "false"})).json()["markets"]
            assert len(open_ones) == 4
            closed = (await http.get("/markets/keyset", params={"closed": "true"})).json()["markets"]
            assert [market["slug"] for market in closed] == ["echo"]
            events = (await http.get("/events/keyset", params={"closed": "false"})).json()["events"]
            assert [event["markets"][0]["slug"] for event in events] == [name.lower() for name in NAMES]
            # without the flag only closed events come
            assert (await http.get("/events/keyset")).json()["events"] == []

    run(work())


def test_the_legacy_listing_is_a_bare_array_with_a_wall():
    async def work():
        venue = _simulator()
        async with started(venue), httpx.AsyncClient(base_url=venue.gamma_url) as http:
            page = await http.get("/markets", params={"limit": 2, "offset": 4})
            assert [market["slug"] for market in page.json()] == ["echo"]
            assert page.headers["deprecation"] == "true"
            assert (await http.get("/markets", params={"offset": 2_099})).json() == []
            assert (await http.get("/markets", params={"offset": 2_100})).status_code == 422

    run(work())


def test_books_over_rest_leave_out_unknown_ids_and_refuse_more_than_500():
    async def work():
        venue = _simulator()
        async with started(venue), httpx.AsyncClient(base_url=venue.clob_url) as http:
            asked = [{"token_id": "42"}, *({"token_id": token} for token in ALL_TOKENS)]
            answer = (await http.post("/books", json=asked)).json()
            assert [book["asset_id"] for book in answer] == ALL_TOKENS
            assert (await http.post("/books", json=[{"token_id": "1"}] * 501)).status_code == 400
            assert (await http.post("/books", json={"token_id": "1"})).status_code == 400
            assert (await http.get("/book", params={"token_id": "42"})).status_code == 404

    run(work())


def test_small_questions_about_a_token_agree_with_its_book():
    async def work():
        venue = _simulator()
        async with started(venue), httpx.AsyncClient(base_url=venue.clob_url) as http:
            token = {"token_id": ALL_TOKENS[0]}
            bids, asks = venue.book_of(condition("ALPHA"))
            mid = (await http.get("/midpoint", params=token)).json()["mid"]
            assert float(mid) == float((bids[0].price + asks[0].price) / 2)
            spread = (await http.get("/spread", params=token)).json()["spread"]
            assert float(spread) == float(asks[0].price - bids[0].price)
            buy = (await http.get("/price", params=token | {"side": "BUY"})).json()["price"]
            assert float(buy) == float(bids[0].price)
            assert (await http.get("/tick-size", params=token)).json() == {"minimum_tick_size": 0.01}
            assert (await http.get("/fee-rate", params=token)).json() == {"base_fee": 1000}
            market = (await http.get(f"/markets/{condition('ALPHA')}")).json()
            assert [entry["token_id"] for entry in market["tokens"]] == tokens("ALPHA")

    run(work())


def test_the_pace_of_changes_is_the_rate_that_was_asked_for():
    async def work():
        venue = PolymarketSimulator(handmade(), rate=400)
        async with started(venue), polymarket_client(venue.ws_url) as client:
            await subscribe(client, ALL_TOKENS)
            loop = asyncio.get_running_loop()
            begun, before = loop.time(), venue.changes
            while loop.time() - begun < 1.0:
                await client.raw()
            rate = (venue.changes - before) / (loop.time() - begun)
            assert 200 < rate < 500

    run(work())


def test_nothing_changes_while_nobody_looks():
    async def work():
        venue = PolymarketSimulator(handmade(), rate=1_000)
        async with started(venue), httpx.AsyncClient(base_url=venue.clob_url) as http:
            await http.get("/markets/keyset")
            assert venue.changes == 0
            book = (await http.get("/book", params={"token_id": ALL_TOKENS[0]})).json()
            # from now on it moves, though no websocket is open
            while (await http.get("/book", params={"token_id": ALL_TOKENS[0]})).json()["bids"] == book[
                "bids"
            ]:
                pass
            assert venue.changes > 0

    run(work())


def test_stopping_says_goodbye_to_clients_and_frees_the_port():
    async def work():
        venue = _simulator()
        await venue.start()
        async with polymarket_client(venue.ws_url) as client:
            await subscribe(client, ALL_TOKENS)
            await asyncio.wait_for(venue.stop(), 5)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.raw()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
        port = int(venue.gamma_url.rpartition(":")[2])
        again = PolymarketSimulator(handmade(), rate=0, port=port, faults=Faults())
        async with started(again):
            assert again.gamma_url == venue.gamma_url

    run(work())


def test_a_recording_of_the_other_venue_is_refused(tmp_path):
    (tmp_path / "events").mkdir()
    line = {"recv_ms": 1, "event": {"type": "trade", "sid": 1, "seq": 1, "msg": {"market_ticker": "A"}}}
    (tmp_path / "events" / "a.ndjson").write_text(json.dumps(line) + "\n")
    from arb_platform.simulate.recordings import load_recording  # noqa: PLC0415

    with pytest.raises(SettingsError, match="kalshi, not of polymarket"):
        PolymarketSimulator(handmade(), recording=load_recording(tmp_path))
