"""Bugs that the fault runs found, each as small as it gets."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.markets import POLYMARKET, Market
from arb_platform.domain.streams import QuarantinedFrame, StreamEvent
from arb_platform.venues.adapters import PolymarketWebsocketAdapter
from arb_platform.venues.kalshi import KalshiFeed
from arb_platform.venues.lookups import PolymarketLookup
from arb_platform.venues.polymarket import PolymarketFeed
from arb_platform.venues.rest_client import RestClient
from arb_platform.venues.tracking import resolve
from arb_platform_tests.venues.fake_venue import Consumer, FakeRest, FakeSocket, FastTime, run, running
from arb_platform_tests.venues.test_rest import gamma_market

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
# Shapes after docs.kalshi.com (AsyncAPI).
SUBSCRIBED = '{"id":1,"type":"subscribed","msg":{"channel":"orderbook_delta","sid":1}}'


def kalshi_before_its_first_book():
    feed = KalshiFeed(["KXA-26"])
    feed.connected("s-1", NOON)
    feed.receive(SUBSCRIBED, NOON)
    return feed


@pytest.mark.parametrize(
    "numbers",
    [
        '"price_dollars":"NaN","delta_fp":"1.00","side":"yes"',
        '"price_dollars":"0.5000","delta_fp":"Infinity","side":"yes"',
        '"price_dollars":"1.7000","delta_fp":"5.00","side":"no"',
        '"price_dollars":null,"delta_fp":"1.00","side":"yes"',
        '"price_dollars":"0.5000","delta_fp":"1.00","side":"maybe"',
    ],
)
@pytest.mark.parametrize("ticker", ["KXA-26", "KXSTRANGER-26"])
def test_a_delta_that_cannot_be_is_a_row_also_while_there_is_no_book_to_apply_it_to(numbers, ticker):
    feed = kalshi_before_its_first_book()
    frame = f'{{"type":"orderbook_delta","msg":{{"market_ticker":"{ticker}",{numbers}}}}}'
    (row,) = feed.receive(frame, NOON + timedelta(seconds=1))
    assert isinstance(row, QuarantinedFrame)
    assert feed.unreadable_frames == 1


def test_a_good_delta_before_the_first_book_is_only_counted():
    feed = kalshi_before_its_first_book()
    frame = '{"type":"orderbook_delta","sid":1,"seq":1,"msg":{"market_ticker":"KXA-26","price_dollars":"0.5000","delta_fp":"1.00","side":"yes"}}'
    assert feed.receive(frame, NOON + timedelta(seconds=1)) == []
    assert feed.orphans == 1


# Polymarket: shapes after docs.polymarket.com (market channel).
CONDITION, TOKEN = f"0x{1:064x}", "11"
MS = int(NOON.timestamp()) * 1000


def at(ms):
    return NOON + timedelta(milliseconds=ms)


def pm_book(ms, bids, asks=(("0.6", "10"),)):
    sides = {"bids": bids, "asks": asks}
    levels = {side: [{"price": p, "size": s} for p, s in rows] for side, rows in sides.items()}
    return {
        "event_type": "book",
        "market": CONDITION,
        "asset_id": TOKEN,
        "timestamp": str(MS + ms),
        "hash": "",
        **levels,
    }


def pm_change(ms, price, size, best_bid="", best_ask="0.6", **more):
    change = {
        "asset_id": TOKEN,
        "price": price,
        "size": size,
        "side": "BUY",
        "hash": "0",
        "best_bid": best_bid,
        "best_ask": best_ask,
    }
    message = {
        "market": CONDITION,
        "price_changes": [change],
        "timestamp": str(MS + ms),
        "event_type": "price_change",
    }
    return json.dumps({**message, **more})


def polymarket_with_book(*bids):
    market = Market(
        POLYMARKET, CONDITION, "m", "", "", None, "", asset_ids=(TOKEN, "12"), outcomes=("Yes", "No")
    )
    feed = PolymarketFeed([market])
    feed.connected("s-1", NOON)
    feed.receive(json.dumps([pm_book(0, bids)]), at(1))
    assert feed.snapshot_of(CONDITION) is not None
    return feed


def shown(feed):
    snapshot = feed.snapshot_of(CONDITION)
    return (
        None
        if snapshot is None
        else [(str(level.price.normalize()), int(level.size)) for level in snapshot.bids]
    )


def test_a_rest_book_asked_for_before_an_unreadable_change_is_not_believed():
    feed = polymarket_with_book(("0.5", "10"))
    feed.receive(pm_change(10, "0.4", "1")[:-9], at(11))
    assert feed.books_wanted() == [TOKEN]
    # The request is under way when a second frame is cut: the answer may lack that change too.
    feed.receive(pm_change(20, "0.45", "7")[:-9], at(21))
    feed.receive_book(pm_book(15, [("0.5", "10"), ("0.4", "1")]), at(25))
    assert feed.snapshot_of(CONDITION) is None
    assert feed.books_wanted() == [TOKEN]
    feed.receive_book(pm_book(30, [("0.5", "10"), ("0.4", "1"), ("0.45", "7")]), at(31))
    assert shown(feed) == [("0.5", 10), ("0.45", 7), ("0.4", 1)]


def test_a_change_without_a_believable_time_is_not_put_on_top_of_a_newer_rest_book():
    feed = polymarket_with_book(("0.5", "10"))
    feed.receive(pm_change(10, "0.4", "1")[:-9], at(11))
    assert feed.books_wanted() == [TOKEN]
    feed.receive(pm_change(0, "0.5", "20", "0.5", timestamp="0"), at(21))
    feed.receive(pm_change(22, "0.5", "30", "0.5"), at(23))
    feed.receive_book(pm_book(25, [("0.5", "30"), ("0.4", "1")]), at(26))
    assert feed.snapshot_of(CONDITION) is None
    feed.receive_book(pm_book(27, [("0.5", "30"), ("0.4", "1")]), at(28))
    assert shown(feed) == [("0.5", 30), ("0.4", 1)]


def test_a_rest_book_from_before_the_book_broke_is_not_believed():
    feed = polymarket_with_book(("0.5", "10"))
    feed.receive(pm_change(10, "0.4", "1")[:-9], at(11))
    feed.books_wanted()
    # The socket brings a book first; it moves on and breaks again while the answer is under way.
    feed.receive(json.dumps(pm_book(12, [("0.5", "10")])), at(13))
    feed.receive(pm_change(20, "0.5", "99", "0.5"), at(21))
    feed.receive(pm_change(30, "0.4", "2")[:-9], at(31))
    feed.books_wanted()
    feed.receive_book(pm_book(14, [("0.5", "10")]), at(32))
    assert feed.snapshot_of(CONDITION) is None
    feed.receive_book(pm_book(33, [("0.5", "99"), ("0.4", "2")]), at(34))
    assert shown(feed) == [("0.5", 99), ("0.4", 2)]


@pytest.mark.parametrize("late_before_the_answer", [True, False])
def test_changes_kept_for_a_rest_book_keep_their_order_in_time(late_before_the_answer):
    feed = polymarket_with_book(("0.5", "10"))
    feed.receive(pm_change(10, "0.4", "1")[:-9], at(11))
    assert feed.books_wanted() == [TOKEN]
    feed.receive(pm_change(30, "0.3", "3", "0.5"), at(31))
    late = pm_change(25, "0.3", "2", "0.5")
    if late_before_the_answer:
        feed.receive(late, at(32))
    feed.receive_book(pm_book(20, [("0.5", "10"), ("0.4", "1")]), at(33))
    if not late_before_the_answer:
        feed.receive(late, at(34))
    assert shown(feed) == [("0.5", 10), ("0.4", 1), ("0.3", 3)]


def test_what_was_shown_without_a_change_that_came_late_is_not_vouched_for():
    feed = polymarket_with_book(("0.5", "10"), ("0.4", "5"))
    feed.receive(pm_change(20, "0.5", "30", "0.5"), at(21))
    outputs = feed.receive(pm_change(10, "0.4", "6", "0.5"), at(22))
    assert shown(feed) == [("0.5", 30), ("0.4", 6)]
    (event,) = [output for output in outputs if isinstance(output, StreamEvent)]
    assert (event.kind, event.market_id, event.started_at, event.ended_at) == (
        "resync",
        CONDITION,
        at(10),
        at(22),
    )


def test_a_late_change_that_shows_nothing_new_is_only_counted():
    feed = polymarket_with_book(("0.5", "10"), ("0.4", "5"), ("0.3", "5"), ("0.2", "5"))
    feed.receive(pm_change(20, "0.5", "30", "0.5"), at(21))
    assert feed.receive(pm_change(10, "0.2", "6", "0.5"), at(22)) == []
    assert feed.late == 1


def test_a_whole_book_that_contradicts_ours_below_the_top_tells_how_long_ours_was_wrong():
    feed = polymarket_with_book(("0.5", "10"), ("0.4", "5"), ("0.3", "5"))
    feed.receive(pm_change(10, "0.5", "30", "0.5"), at(11))
    # a change of 0.4 was lost here
    outputs = feed.receive(json.dumps(pm_book(20, [("0.5", "25"), ("0.4", "9"), ("0.3", "5")])), at(21))
    (event,) = [output for output in outputs if isinstance(output, StreamEvent)]
    assert (event.kind, event.market_id, event.started_at, event.ended_at) == (
        "gap",
        CONDITION,
        at(1),
        at(21),
    )
    assert feed.gaps == 1
    assert shown(feed) == [("0.5", 25), ("0.4", 9), ("0.3", 5)]


def test_a_book_that_is_vouched_for_again_is_shown_although_nothing_visible_changed():
    bids = [("0.5", "10"), ("0.4", "5"), ("0.3", "5")]
    feed = polymarket_with_book(*bids, ("0.2", "5"))
    outputs = feed.receive(json.dumps(pm_book(20, [*bids, ("0.2", "9")])), at(21))
    assert [type(output) for output in outputs] == [StreamEvent, BookSnapshot]
    feed.receive(pm_change(30, "0.1", "1", "0.55"), at(31))
    outputs = feed.receive(pm_change(40, "0.1", "2", "0.5"), at(41))
    assert [type(output) for output in outputs] == [StreamEvent, BookSnapshot]
    assert outputs[0].ended_at == outputs[1].received_at == at(41)


def test_a_whole_book_that_a_trade_explains_contradicts_nothing():
    feed = polymarket_with_book(("0.5", "10"), ("0.4", "5"), ("0.3", "5"))
    # 0.5 was taken away, and 0.4 in part
    outputs = feed.receive(json.dumps(pm_book(20, [("0.4", "2"), ("0.3", "5")])), at(21))
    assert [type(output) for output in outputs] == [BookSnapshot]


def test_changes_without_a_first_book_are_a_silence_until_it_is_brought():
    market = Market(
        POLYMARKET, CONDITION, "m", "", "", None, "", asset_ids=(TOKEN, "12"), outcomes=("Yes", "No")
    )
    feed = PolymarketFeed([market])
    feed.connected("s-1", NOON)
    (begun,) = feed.receive(pm_change(10, "0.5", "30", "0.5"), at(11))
    assert (begun.kind, begun.market_id, begun.started_at, begun.ended_at) == (
        "silence",
        CONDITION,
        at(11),
        None,
    )
    assert feed.receive(pm_change(12, "0.5", "31", "0.5"), at(13)) == []
    assert feed.books_wanted() == [TOKEN]
    outputs = feed.receive_book(pm_book(20, [("0.5", "31")]), at(25))
    (ended,) = [output for output in outputs if isinstance(output, StreamEvent)]
    assert (ended.event_id, ended.ended_at) == (begun.event_id, at(25))


def test_one_garbled_rest_answer_does_not_leave_a_market_without_its_tokens():
    async def gamma(request):
        if len(rest.requests) == 1:
            return web.Response(text='{"markets": [{"id":', content_type="application/json")
        return web.json_response({"markets": [gamma_market(1)]})

    rest = FakeRest(gamma)

    async def scenario():
        async with running(rest):
            client = RestClient(rest.url, venue=POLYMARKET, timing=FastTime(1000).timing())
            found = await resolve([CONDITION], PolymarketLookup(client))
            await client.aclose()
        assert found[0].asset_ids == ("11", "12")

    run(scenario())


def test_a_market_whose_tokens_could_not_be_looked_up_at_the_start_is_streamed_once_they_can():
    async def gamma(request):
        if len(rest.requests) < 30:
            return web.Response(text="<html>busy</html>", status=503)
        return web.json_response({"markets": [gamma_market(1)]})

    async def script(server, connection, number):
        while True:
            asked = json.loads(await server.hear(connection)).get("assets_ids", [])
            await connection.send(
                json.dumps([pm_book(0, [("0.5", "1")]) for asset in asked if asset == TOKEN])
            )

    rest, server = FakeRest(gamma), FakeSocket(script)

    async def scenario():
        time = FastTime(1000)
        async with running(rest, server):
            adapter = PolymarketWebsocketAdapter(
                None, [CONDITION], ws_url=server.url, gamma_url=rest.url, clob_url=rest.url,
                sleep=time.sleep, monotonic=time.monotonic,
            )  # fmt: skip
            consumer = Consumer(adapter)
            await consumer.until(lambda: bool(consumer.of(BookSnapshot)))
            assert [market.symbol for market in adapter.markets] == ["q-1"]
            await consumer.close()

    run(scenario())
