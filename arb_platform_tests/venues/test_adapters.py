"""Websocket adapters against real sockets on loopback."""

import asyncio
import itertools
import json
import ssl
from datetime import timedelta
from http import HTTPStatus

import pytest
import trustme

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.errors import CredentialsError, TransportError
from arb_platform.domain.streams import QuarantinedFrame, StreamEvent, StreamSession
from arb_platform.venues.backoff import FORGIVEN, Timing
from arb_platform.venues.witness import watch
from arb_platform_tests.venues.fake_venue import (
    START,
    Consumer,
    FakeSocket,
    FastTime,
    NoJitter,
    StubAdapter,
    StubBooks,
    StubFeed,
    book_frame,
    market,
    run,
    running,
    subscribed_books,
)


def test_snapshots_come_through_a_real_socket():
    async def scenario():
        server = FakeSocket(subscribed_books)
        async with running(server):
            consumer = Consumer(StubAdapter(server.url, [market("a"), "b"]))
            await consumer.until(lambda: len(consumer.of(BookSnapshot)) == 2)
            assert consumer.adapter.connected
            assert consumer.adapter.assets_with_book == consumer.adapter.assets_subscribed == 2
            await consumer.close()
        assert {s.market.market_id for s in consumer.of(BookSnapshot)} == {"a", "b"}
        started, ended = consumer.of(StreamSession)
        assert started.ended_at is None
        assert (ended.reason, ended.frames, ended.snapshots) == ("closed by us", 2, 2)
        assert consumer.events("gap")  # what we held cannot be vouched for after close

    run(scenario())


def test_abnormal_close_brings_a_new_session_and_a_new_epoch():
    async def script(server, connection, number):
        await server.hear(connection)
        await connection.send(book_frame("a", bid=f"0.{40 + number}"))
        if number == 1:
            connection.transport.abort()
            return
        await server.hear_for_ever(connection)

    async def scenario():
        nonlocal consumer
        server = FakeSocket(script)
        async with running(server):
            adapter = StubAdapter(server.url, ["a"], timing=FastTime(100).timing())
            consumer = Consumer(adapter)
            await consumer.until(
                lambda: (
                    any(e.ended_at is not None for e in consumer.events("reconnect"))
                    and {s.epoch for s in consumer.of(BookSnapshot)} >= {2}
                )
            )
            await consumer.close()
        first = consumer.of(StreamSession)[0]
        second = next(s for s in consumer.of(StreamSession) if s.reconnect_of)
        assert second.reconnect_of == first.session_id
        assert second.session_id != first.session_id
        assert adapter.reconnections == 1
        (opened, ended) = consumer.events("reconnect")
        assert opened.event_id == ended.event_id
        assert "1006" in opened.detail
        assert opened.started_at < ended.ended_at

    consumer = None
    run(scenario())


@pytest.mark.parametrize(
    ("good_first", "expected"),
    [(False, [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]), (True, [5.0, 5.0, 5.0, 5.0, 5.0, 5.0])],
    ids=["accepts and closes", "sends a book first"],
)
def test_only_a_good_frame_resets_the_back_off(good_first, expected):
    async def script(server, connection, number):
        await server.hear(connection)
        if good_first:
            await connection.send(book_frame("a", bid=f"0.{number + 10}"))
        else:
            await connection.send("PONG")  # a keep-alive is no good frame

    async def scenario():
        time = FastTime(2000)
        server = FakeSocket(script)
        async with running(server):
            adapter = StubAdapter(server.url, ["a"], timing=time.timing(NoJitter()))
            consumer = Consumer(adapter)
            await server.until(lambda: server.connections == 7)
            await consumer.close()
        delays = [s for s in time.slept if s in {5.0, 10.0, 20.0, 40.0, 60.0}]
        assert delays[:6] == expected

    run(scenario())


def test_a_server_that_takes_us_and_hangs_up_over_and_over_is_come_back_to_ever_more_slowly():
    async def script(server, connection, number):
        await server.hear(connection)
        await connection.send(book_frame("a", bid=f"0.{number + 10}"))
        await connection.close(1008, "too many assets")

    async def scenario():
        time, server = FastTime(20), FakeSocket(script)
        async with running(server):
            timing = time.timing(NoJitter())
            consumer = Consumer(StubAdapter(server.url, ["a"], timing=timing, reconnect_delay=0.25))
            await server.until(lambda: server.connections == FORGIVEN + 5)
            await consumer.close()
        delays = [seconds for seconds in time.slept if seconds in {0.25, 0.5, 2.0, 4.0}]
        assert delays[: FORGIVEN + 3] == [0.25] * FORGIVEN + [0.5, 2.0, 4.0]
        said = [event.detail for event in consumer.events("reconnect") if event.ended_at is None]
        assert "in a row" not in said[FORGIVEN - 1]
        assert f"{FORGIVEN + 1} short connections in a row" in said[FORGIVEN]

    run(scenario())


def test_close_ends_a_back_off_wait_at_once():
    async def scenario():
        server = FakeSocket(subscribed_books)
        async with running(server):
            url = server.url
        # nobody listens there any more, and the clock is the real one: the wait is up to an hour
        adapter = StubAdapter(url, ["a"], reconnect_delay=3600.0, timing=FastTime().timing(NoJitter()))
        consumer = Consumer(adapter)
        await consumer.until(lambda: bool(consumer.events("reconnect")))
        before = asyncio.get_running_loop().time()
        await consumer.close()
        assert asyncio.get_running_loop().time() - before < 2.0
        assert "refused" in consumer.events("reconnect")[0].detail
        assert consumer.events("reconnect")[-1].ended_at is not None  # no row is left open

    run(scenario())


def test_close_ends_a_handshake_at_once():
    async def scenario():
        asked = asyncio.Event()

        async def never_answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            asked.set()
            await reader.read()
            writer.close()

        listener = await asyncio.start_server(never_answer, "127.0.0.1", 0)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            consumer = Consumer(StubAdapter(f"ws://127.0.0.1:{port}", ["a"]))
            await asyncio.wait_for(asked.wait(), 5)
            before = asyncio.get_running_loop().time()
            await consumer.close()
            assert asyncio.get_running_loop().time() - before < 2.0

    run(scenario())


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_end_the_stream_with_a_sentence(status):
    def refuse(server, connection, request):
        return connection.respond(HTTPStatus(status), "no")

    async def scenario():
        server = FakeSocket(subscribed_books, process_request=refuse)
        async with running(server):
            consumer = Consumer(StubAdapter(server.url, ["a"], timing=FastTime(1000).timing()))
            with pytest.raises(CredentialsError, match=f"HTTP {status}: set STUB_KEY"):
                await consumer.end()
        assert server.handshakes == 1  # trying again is pointless

    run(scenario())


@pytest.mark.parametrize(
    ("header", "expected"), [("77", 77.0), ("Wed, 25 Nov 2026 12:02:00 GMT", None), (None, 5.0)]
)
def test_too_many_handshakes_wait_as_long_as_the_venue_says(header, expected):
    def throttle(server, connection, request):
        if server.handshakes > 1:
            return None
        response = connection.respond(HTTPStatus.TOO_MANY_REQUESTS, "slow down")
        if header is not None:
            response.headers["Retry-After"] = header
        return response

    async def scenario():
        time = FastTime(1000)
        server = FakeSocket(subscribed_books, process_request=throttle)
        async with running(server):
            adapter = StubAdapter(server.url, ["a"], timing=time.timing(NoJitter()), silence_seconds=9999.0)
            consumer = Consumer(adapter)
            await consumer.until(lambda: bool(consumer.of(BookSnapshot)))
            await consumer.close()
        longest = max(s for s in time.slept if s < 9000.0)
        if expected is None:  # a date: two minutes after the clock began
            assert 100.0 < longest < 120.0
        else:
            assert longest == expected
        assert "429" in consumer.events("reconnect")[0].detail

    run(scenario())


async def _frozen_after_book(server, connection, number):
    """One book, then keep-alives only, as a socket that is dead for data."""
    await server.hear(connection)
    await connection.send(book_frame("a", bid="0.40" if number == 1 else "0.45"))
    while True:
        await connection.send("PONG")
        await asyncio.sleep(0.005)


def test_silence_with_pongs_is_replaced_when_the_rest_book_has_changed():
    async def scenario():
        books = StubBooks()
        books.books["a"] = {"market": "a", "bid": "0.45", "ask": "0.60"}
        server = FakeSocket(_frozen_after_book)
        async with running(server):
            adapter = StubAdapter(
                server.url, ["a"], books=books, timing=FastTime(1000).timing(), silence_seconds=120.0
            )
            consumer = Consumer(adapter)
            await consumer.until(lambda: adapter.reconnections >= 1 and len(consumer.of(BookSnapshot)) >= 2)
            await consumer.close()
        opened, ended = consumer.events("silence")[:2]
        assert opened.ended_at is None
        assert ended.event_id == opened.event_id
        assert (ended.ended_at - ended.started_at).total_seconds() >= 120
        assert "has changed" in ended.detail
        assert "silent" in consumer.events("reconnect")[0].detail

    run(scenario())


def test_a_quiet_market_is_asked_about_once_per_silence_and_not_replaced():
    async def scenario():
        books = StubBooks()
        books.books["a"] = {"market": "a", "bid": "0.40", "ask": "0.60"}
        time = FastTime(1000)
        server = FakeSocket(_frozen_after_book)
        async with running(server):
            adapter = StubAdapter(server.url, ["a"], books=books, timing=time.timing(), silence_seconds=120.0)
            consumer = Consumer(adapter)
            await consumer.until(lambda: len([e for e in consumer.events("silence") if e.ended_at]) >= 3)
            elapsed = time.monotonic()
            await consumer.close()
        assert adapter.reconnections == 0
        assert server.connections == 1
        assert len(books.asked) <= elapsed / 120.0
        assert all("quiet" in e.detail for e in consumer.events("silence") if e.ended_at)

    run(scenario())


@pytest.mark.parametrize(("data_until", "asked"), [(100, 0), (50, 1)], ids=["all the time", "half of it"])
def test_a_socket_is_asked_about_only_when_data_stops(data_until, asked):
    class EnoughTurns(Exception):
        pass

    async def scenario():
        now, turns = START, 0
        feed = StubFeed([market("a")])
        books.books["a"] = {"market": "a", "bid": "0.40", "ask": "0.60"}
        feed.receive(book_frame("a"), START)

        async def sleep(seconds):
            nonlocal now, turns
            now += timedelta(seconds=seconds)
            turns += 1
            if turns < data_until:
                feed.last_market_frame_at = now - timedelta(seconds=1)
            if turns == 100 or books.asked:
                raise EnoughTurns

        timing = Timing(clock=lambda: now, sleep=sleep)
        adapter = StubAdapter("ws://127.0.0.1:9", ["a"], timing=timing, books=books)
        with pytest.raises(EnoughTurns):
            await watch(feed, StreamSession("s", "stubvenue", 0, START), adapter._wiring)

    books = StubBooks()
    run(scenario())
    assert len(books.asked) == asked


def test_a_mute_witness_proves_nothing_once_but_not_twice():
    async def scenario():
        books = StubBooks()
        books.failure = TransportError("REST is down")
        server = FakeSocket(_frozen_after_book)
        async with running(server):
            adapter = StubAdapter(server.url, ["a"], books=books, timing=FastTime(1000).timing())
            consumer = Consumer(adapter)
            await consumer.until(lambda: adapter.reconnections >= 1)
            await consumer.close()
        assert len(books.asked) >= 2
        assert "REST is down" in consumer.events("silence")[1].detail

    run(scenario())


def test_a_thousand_assets_are_sharded_and_each_is_subscribed_once():
    async def scenario():
        server = FakeSocket(subscribed_books)
        markets = [market(f"m{i}", asset_ids=(f"{i}1", f"{i}2")) for i in range(500)]
        async with running(server):
            adapter = StubAdapter(server.url, markets)
            consumer = Consumer(adapter)
            await consumer.until(lambda: len(consumer.of(BookSnapshot)) == 500)
            assert (adapter.sockets, adapter.sockets_connected, server.connections) == (5, 5, 5)
            assert adapter.assets_subscribed == adapter.assets_with_book == 1000
            await consumer.close()
        subscriptions = [json.loads(text)["subscribe"] for text in server.received]
        assert [len(ids) for ids in subscriptions] == [100] * 5
        assert len({m for ids in subscriptions for m in ids}) == 500
        assert {s.shard for s in consumer.of(StreamSession)} == {0, 1, 2, 3, 4}

    run(scenario())


def test_no_two_frames_have_one_receive_time_however_many_come_in_one_read():
    async def script(server, connection, number):
        await server.hear(connection)
        for cents in range(1, 60):
            await connection.send(book_frame("a", bid=f"0.{cents:02}", ask="0.9"))
        await server.hear_for_ever(connection)

    async def scenario():
        server, times = FakeSocket(script), []
        async with running(server):
            adapter = StubAdapter(
                server.url, ["a"], timing=Timing(), on_frame=lambda _f, at, _s: times.append(at)
            )
            consumer = Consumer(adapter)
            await consumer.until(lambda: len(consumer.of(BookSnapshot)) == 59)
            await consumer.close()
        assert len(times) == 59
        assert all(earlier < later for earlier, later in itertools.pairwise(times))
        assert [snapshot.received_at for snapshot in consumer.of(BookSnapshot)] == times

    run(scenario())


def test_markets_are_followed_and_dropped_without_reconnecting():
    async def scenario():
        server = FakeSocket(subscribed_books)
        async with running(server):
            adapter = StubAdapter(server.url, ["a", "b"], shard_size=3)
            consumer = Consumer(adapter)
            await consumer.until(lambda: len(consumer.of(BookSnapshot)) == 2)
            await adapter.follow(["b", "c", "d"])  # b is there, c fits, d needs a second socket
            await consumer.until(lambda: len(consumer.of(BookSnapshot)) == 4)
            assert (adapter.sockets, adapter.reconnections) == (2, 0)
            await adapter.unfollow(["a", "d"])  # d was alone on its socket
            await server.until(
                lambda: any("unsubscribe" in t for t in server.received) and len(server.open) == 1
            )
            assert {m.market_id for m in adapter.markets} == {"b", "c"}
            await consumer.until(lambda: [e.market_id for e in consumer.events("resync")] == ["a"])
            await adapter.follow(["e"])
            await consumer.until(lambda: len(consumer.of(BookSnapshot)) == 5)
            assert adapter.sockets == 1
            await consumer.close()

    run(scenario())


def test_a_fault_of_ours_ends_the_stream_instead_of_being_retried():
    async def script(server, connection, number):
        await server.hear(connection)
        await connection.send("BUG")
        await server.hear_for_ever(connection)

    async def scenario():
        server = FakeSocket(script)
        async with running(server):
            consumer = Consumer(StubAdapter(server.url, ["a"], timing=FastTime(1000).timing()))
            with pytest.raises(ZeroDivisionError):
                await consumer.end()
        assert server.connections == 1
        assert "ZeroDivisionError" in consumer.of(StreamSession)[-1].reason

    run(scenario())


def test_unreadable_binary_and_broken_utf8_frames_are_counted_and_the_stream_goes_on():
    async def script(server, connection, number):
        await server.hear(connection)
        await connection.send('{"market": ')
        await connection.send(b"\x00\xff\xfe")
        await connection.send(b"\xc3\x28", text=True)  # a text frame that is not UTF-8
        await connection.send(book_frame("a"))
        await server.hear_for_ever(connection)

    async def scenario():
        server = FakeSocket(script)
        async with running(server):
            consumer = Consumer(StubAdapter(server.url, ["a"]))
            await consumer.until(lambda: bool(consumer.of(BookSnapshot)))
            await consumer.close()
        assert consumer.adapter.unreadable_frames == len(consumer.of(QuarantinedFrame)) == 3
        assert consumer.adapter.reconnections == 0

    run(scenario())


def test_a_frame_beyond_the_limit_is_a_row_and_the_socket_is_replaced():
    async def script(server, connection, number):
        await server.hear(connection)
        if number == 1:
            await connection.send(b"x" * (33 * 1024 * 1024))
        await connection.send(book_frame("a"))
        await server.hear_for_ever(connection)

    async def scenario():
        server = FakeSocket(script)
        async with running(server):
            consumer = Consumer(StubAdapter(server.url, ["a"], timing=FastTime(100).timing()))
            await consumer.until(lambda: bool(consumer.of(BookSnapshot)))
            await consumer.close()
        (lost,) = consumer.of(QuarantinedFrame)
        assert "larger than" in lost.reason

    run(scenario())


def test_a_feed_that_wants_a_new_socket_gets_one():
    async def script(server, connection, number):
        await server.hear(connection)
        await connection.send("REPLACE" if number == 1 else book_frame("a"))
        await server.hear_for_ever(connection)

    async def scenario():
        server = FakeSocket(script)
        async with running(server):
            consumer = Consumer(StubAdapter(server.url, ["a"], timing=FastTime(100).timing()))
            await consumer.until(lambda: bool(consumer.of(BookSnapshot)))
            await consumer.close()
        assert consumer.events("reconnect")[0].detail == "the feed wants a new socket"

    run(scenario())


def test_what_the_feed_queues_is_sent_and_the_books_it_wants_are_brought():
    async def script(server, connection, number):
        await server.hear(connection)
        await connection.send("PING")
        await connection.send(json.dumps({"want": "a"}))
        await server.hear_for_ever(connection)

    async def scenario():
        books = StubBooks()
        books.books["a"] = {"market": "a", "bid": "0.11", "ask": "0.22"}
        server = FakeSocket(script)
        async with running(server):
            consumer = Consumer(StubAdapter(server.url, ["a"], books=books))
            await consumer.until(lambda: bool(consumer.of(BookSnapshot)))
            await server.until(lambda: "PONG" in server.received)
            await consumer.close()
        assert books.asked == [["a"]]

    run(scenario())


def test_every_raw_frame_is_shown_to_the_hook_before_the_feed():
    async def scenario():
        seen = []
        server = FakeSocket(subscribed_books)
        async with running(server):
            adapter = StubAdapter(server.url, ["a"], on_frame=lambda *frame: seen.append(frame))
            consumer = Consumer(adapter)
            await consumer.until(lambda: bool(consumer.of(BookSnapshot)))
            await consumer.close()
        ((frame, received_at, session_id),) = seen
        (snapshot,) = consumer.of(BookSnapshot)
        assert frame == book_frame("a").encode()
        assert (received_at, session_id) == (snapshot.received_at, snapshot.session_id)

    run(scenario())


def test_an_untrusted_certificate_is_a_reason_and_not_a_crash():
    async def scenario():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(context)

        async def ignore(reader, writer):
            writer.close()

        listener = await asyncio.start_server(ignore, "127.0.0.1", 0, ssl=context)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            consumer = Consumer(StubAdapter(f"wss://localhost:{port}", ["a"]))
            await consumer.until(lambda: bool(consumer.events("reconnect")))
            await consumer.close()
        assert "certificate is not trusted" in consumer.events("reconnect")[0].detail

    run(scenario())


def test_a_name_without_an_address_is_a_reason_and_not_a_crash():
    async def scenario():
        consumer = Consumer(StubAdapter("ws://no-such-host.invalid", ["a"]))
        await consumer.until(lambda: bool(consumer.events("reconnect")))
        await consumer.close()
        assert "DNS" in consumer.events("reconnect")[0].detail

    run(scenario())


def test_a_server_that_is_no_websocket_is_a_reason_and_not_a_crash():
    async def scenario():
        async def speak_http(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
            await writer.drain()
            writer.close()

        listener = await asyncio.start_server(speak_http, "127.0.0.1", 0)
        async with listener:
            port = listener.sockets[0].getsockname()[1]
            consumer = Consumer(StubAdapter(f"ws://127.0.0.1:{port}", ["a"]))
            await consumer.until(lambda: bool(consumer.events("reconnect")))
            await consumer.close()
        assert "HTTP 200" in consumer.events("reconnect")[0].detail

    run(scenario())


def test_a_stalled_consumer_gets_the_latest_books_and_an_overflow_row():
    total = 22_000

    async def script(server, connection, number):
        await server.hear(connection)
        for n in range(total):
            await connection.send(book_frame("ab"[n % 2], bid=f"0.{n + 1:06d}", ask="0.99"))
        await server.hear_for_ever(connection)

    async def scenario():
        arrived = asyncio.Event()

        def count(*frame):
            if adapter.frames == total:
                arrived.set()

        server = FakeSocket(script)
        async with running(server):
            adapter = StubAdapter(server.url, ["a", "b"], on_frame=count)
            stream = adapter.stream()
            outputs = [*await anext(stream)]
            await asyncio.wait_for(arrived.wait(), 30)  # and nobody reads the stream meanwhile
            held = len(adapter._outbox)
            outputs += await anext(stream)
            await adapter.close()
            await stream.aclose()
        assert held <= 20_000
        snapshots = [o for o in outputs if isinstance(o, BookSnapshot)]
        (overflow,) = [o for o in outputs if isinstance(o, StreamEvent)]
        assert overflow.kind == "overflow"
        assert overflow.started_at <= overflow.ended_at
        assert f"{adapter.conflated_snapshots} snapshots of 2 markets" in overflow.detail
        assert len(snapshots) + adapter.conflated_snapshots == total
        assert {s.bids[0].price_units for s in snapshots[-2:]} == {total - 1, total}

    run(scenario())


def test_frames_before_our_first_word_and_frames_in_fragments_arrive_whole_and_in_order():
    async def script(server, connection, number):
        await connection.send(book_frame("a", bid="0.10"))
        await connection.send(book_frame("a", bid="0.11"))
        text = book_frame("a", bid="0.12")
        await connection.send([text[:5], text[5:9], text[9:]])
        await connection.send(book_frame("a", bid="0.13"))
        await server.hear_for_ever(connection)

    async def scenario():
        server = FakeSocket(script)
        async with running(server):
            consumer = Consumer(StubAdapter(server.url, ["a"]))
            await consumer.until(lambda: len(consumer.of(BookSnapshot)) == 4)
            await consumer.close()
        assert [s.bids[0].price_units for s in consumer.of(BookSnapshot)] == [100000, 110000, 120000, 130000]

    run(scenario())


def test_rows_that_must_be_kept_stop_the_reading_until_there_is_room():
    async def script(server, connection, number):
        await server.hear(connection)
        for _ in range(400):
            await connection.send("not json")
        await connection.send(book_frame("a"))
        await server.hear_for_ever(connection)

    async def scenario():
        server = FakeSocket(script)
        async with running(server):
            adapter = StubAdapter(server.url, ["a"])
            adapter._outbox._capacity = adapter._outbox._conflate_at = 100
            adapter._outbox._kept_rows_limit = 100
            consumer = Consumer(adapter)
            await consumer.until(lambda: bool(consumer.of(BookSnapshot)))
            await consumer.close()
        assert len(consumer.of(QuarantinedFrame)) == 400

    run(scenario())


def test_closing_twice_or_before_the_start_is_fine():
    async def scenario():
        adapter = StubAdapter("ws://127.0.0.1:9", ["a"])
        await adapter.close()
        await adapter.close()
        assert [batch async for batch in adapter.stream()] == []

    run(scenario())


def test_the_counters_tell_rates_and_lag():
    async def script(server, connection, number):
        await server.hear(connection)
        await connection.send(book_frame("a", bid="0.10"))
        for n in range(100):
            moment = (time.clock() - timedelta(milliseconds=250)).isoformat()
            await connection.send(
                json.dumps({"market": "a", "bid": f"0.{n + 11}", "ask": "0.99", "at": moment})
            )
        await server.hear_for_ever(connection)

    async def scenario():
        server = FakeSocket(script)
        async with running(server):
            adapter = StubAdapter(server.url, ["a"], timing=time.timing())
            assert adapter.lag_p50_ms is None
            consumer = Consumer(adapter)
            await consumer.until(lambda: len(consumer.of(BookSnapshot)) == 101)
            assert 250 <= adapter.lag_p50_ms <= adapter.lag_p99_ms < 5000
            assert adapter.frames_per_second == pytest.approx(adapter.messages_per_second, rel=0.5)
            assert adapter.frames_per_second > 0
            assert adapter.snapshots == adapter.frames == 101
            await consumer.close()

    time = FastTime()
    run(scenario())
