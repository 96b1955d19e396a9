"""REST requests and listings against a real HTTP server on loopback."""

import asyncio
import json
import ssl
from datetime import timedelta
from random import Random

import pytest
import trustme
from aiohttp import web

from arb_platform import settings
from arb_platform.domain.errors import (
    CredentialsError,
    ListingError,
    SettingsError,
    TransportError,
    WireError,
)
from arb_platform.venues import endpoints
from arb_platform.venues.backoff import Timing
from arb_platform.venues.page_journal import PageJournal
from arb_platform.venues.rest import list_markets
from arb_platform.venues.rest_books import KalshiRestBooks, PolymarketRestBooks
from arb_platform.venues.rest_client import (
    NotFound,
    RateLimiter,
    RestClient,
    checked_url,
    decode_json,
    is_loopback,
)
from arb_platform_tests.venues.fake_venue import START, FakeRest, FastTime, NoJitter, run, running


def client_of(server, time=None, **options):
    timing = (time or FastTime(1000)).timing(NoJitter())
    return RestClient(server.url, venue="stubvenue", timing=timing, **options)


def answers(*responses):
    """A server that gives these (status, headers, body) in turn and repeats the last."""
    left = list(responses)

    async def answer(request):
        status, headers, body = left.pop(0) if len(left) > 1 else left[0]
        content_type = headers.get("Content-Type", "application/json")
        rest = {name: value for name, value in headers.items() if name != "Content-Type"}
        return web.Response(status=status, headers=rest, body=body.encode(), content_type=content_type)

    return FakeRest(answer)


OK = (200, {}, '{"ok": 0.1}')


def test_numbers_without_quotes_stay_exact():
    async def scenario():
        server = answers(OK)
        async with running(server):
            client = client_of(server)
            answer = await client.get("/x", {"a": "1 2", "flag": True})
            await client.aclose()
        assert str(answer["ok"]) == "0.1"
        assert server.requests == [("GET", "/x", "a=1 2&flag=true")]

    run(scenario())


@pytest.mark.parametrize(
    ("headers", "delay"),
    [({"Retry-After": "17"}, 17.0), ({}, 0.5), ({"Retry-After": "soon"}, 0.5)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_venue_is_asked_again_when_it_says_or_after_the_back_off(status, headers, delay):
    async def scenario():
        time = FastTime(1000)
        server = answers((status, headers, "{}"), OK)
        async with running(server):
            client = client_of(server, time)
            assert await client.get("/x")
            await client.aclose()
        assert time.slept[0] == delay
        assert client.retries == 1

    run(scenario())


def test_a_venue_that_keeps_failing_is_a_sentence_after_the_last_attempt():
    async def scenario():
        time = FastTime(1000)
        server = answers((500, {}, "oops"))
        async with running(server):
            client = client_of(server, time, attempts=4)
            with pytest.raises(TransportError, match=r"failed 4 times, last with: HTTP 500\."):
                await client.get("/x")
            await client.aclose()
        assert len(server.requests) == 4
        assert [s for s in time.slept if s in {0.5, 1.0, 2.0, 4.0}] == [0.5, 1.0, 2.0]

    run(scenario())


async def _failure(url):
    client = RestClient(url, venue="stubvenue", timing=FastTime(1000).timing(), attempts=2)
    with pytest.raises(TransportError) as failed:
        await client.get("/x")
    await client.aclose()
    return str(failed.value)


def test_an_untrusted_certificate_is_a_sentence_that_says_so():
    async def scenario():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("localhost").configure_cert(context)
        listener = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        async with listener:
            said = await _failure(f"https://localhost:{listener.sockets[0].getsockname()[1]}")
        assert "certificate" in said
        assert "Check the network" in said

    run(scenario())


def test_a_name_that_does_not_resolve_is_a_sentence_that_says_so():
    async def scenario():
        said = await _failure("https://no-such-host.invalid")
        assert "DNS: the name could not be resolved" in said

    run(scenario())


def test_a_refused_port_is_retried_and_then_a_sentence():
    async def scenario():
        server = answers(OK)
        async with running(server):
            url = server.url
        client = RestClient(url, venue="stubvenue", timing=FastTime(1000).timing(), attempts=3)
        with pytest.raises(TransportError, match="failed 3 times"):
            await client.get("/x")
        await client.aclose()
        assert client.requests == 3

    run(scenario())


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [(401, CredentialsError, "401"), (403, CredentialsError, "403"), (404, NotFound, "404"), (400, TransportError, "bad id")],
)  # fmt: skip
def test_an_answer_that_will_not_change_is_not_asked_for_again(status, error, words):
    async def scenario():
        server = answers((status, {}, '{"error": "bad id"}'))
        async with running(server):
            client = client_of(server)
            with pytest.raises(error, match=words):
                await client.get("/x")
            await client.aclose()
        assert len(server.requests) == 1

    run(scenario())


@pytest.mark.parametrize(
    ("body", "content_type"),
    [("<html><body>Access denied</body></html>", "text/html"), ('{"cut": ', "application/json"), ("", "text/plain")],
)  # fmt: skip
def test_something_else_than_json_is_a_wire_error_that_shows_its_start(body, content_type):
    async def scenario():
        server = answers((200, {"Content-Type": content_type}, body))
        async with running(server):
            client = client_of(server)
            with pytest.raises(WireError, match="where JSON was due") as caught:
                await client.get("/x")
            await client.aclose()
        assert content_type in str(caught.value)
        assert "\n" not in str(caught.value)

    run(scenario())


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[" * 100_000, b"nan", b'{"a": 1e999999}'])
def test_hostile_bodies_are_wire_errors_or_values_and_nothing_else(body):
    try:
        decode_json(body, "here", "application/json")
    except WireError as error:
        assert "here" in str(error)  # noqa: PT017 a huge number may be read, everything else must not


def test_requests_are_spaced_and_concurrency_is_bounded():
    async def scenario():
        busy = most = 0
        finished = asyncio.Event()

        async def answer(request):
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            if most == 3:
                finished.set()
            await finished.wait()
            busy -= 1
            return web.json_response({})

        time = FastTime(100)
        server = FakeRest(answer)
        async with running(server):
            client = client_of(server, time, concurrency=3)
            await asyncio.gather(*(client.get(f"/{n}") for n in range(12)))
            await client.aclose()
        assert most == 3
        assert time.monotonic() >= 1.1  # twelve turns at ten a second

    run(scenario())


def test_no_second_sees_more_turns_than_the_limit():
    async def scenario():
        now = 0.0
        turns = []

        async def sleep(seconds):
            nonlocal now
            now += seconds

        limiter = RateLimiter(10.0, Timing(monotonic=lambda: now, sleep=sleep))
        for number in range(100):
            if number % 30 == 0:
                now += 5.0  # a pause must not be saved up
            await limiter.turn()
            turns.append(now)
        for start in turns:
            assert sum(start <= turn < start + 0.999 for turn in turns) <= 10

    run(scenario())


@pytest.mark.parametrize("url", ["", "ftp://x", "https://", "http://[::1", "http://host:99999", "gamma-api"])
def test_an_address_that_cannot_be_one_is_a_settings_error(url):
    with pytest.raises(SettingsError, match="not an address"):
        checked_url(url, ("http", "https"))


def test_only_this_machine_is_loopback():
    assert is_loopback("ws://127.0.0.1:1/x")
    assert is_loopback("http://localhost:1")
    assert is_loopback("http://[::1]:1")
    assert not is_loopback("https://gamma-api.polymarket.com")
    assert not is_loopback("https://127.evil.example")


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(monkeypatch):
    async def scenario():
        server = answers(OK)
        async with running(server):
            monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
            monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
            client = client_of(server, attempts=1)
            assert await client.get("/x")
            await client.aclose()

    run(scenario())


def test_the_settings_name_the_same_addresses_as_the_adapters():
    assert settings.load_settings().polymarket_gamma_url or endpoints.POLYMARKET_GAMMA  # both importable
    fields = settings.Settings.model_fields
    assert fields["polymarket_ws_url"].default == endpoints.POLYMARKET_WS
    assert fields["polymarket_gamma_url"].default == endpoints.POLYMARKET_GAMMA
    assert fields["polymarket_clob_url"].default == endpoints.POLYMARKET_CLOB


# listings


def gamma_market(number):
    """A Gamma document with the fields that a listing needs (shape of the venue's 2026 documentation)."""
    return {
        "id": str(number), "conditionId": f"0x{number:064x}", "question": f"Will it be {number}?", "slug": f"q-{number}",
        "description": "Resolves to Yes if so.", "endDate": "2027-01-01T00:00:00Z", "active": True, "closed": False,
        "acceptingOrders": True, "enableOrderBook": True, "outcomes": '["Yes", "No"]',
        "clobTokenIds": json.dumps([f"{number}1", f"{number}2"]), "volumeNum": number, "orderPriceMinTickSize": 0.01,
    }  # fmt: skip


def gamma(pages, *, last_cursor=None):
    """Keyset pages: the cursor is the number of the next page."""

    async def answer(request):
        number = int(request.query.get("after_cursor") or 0)
        body = {"markets": pages[min(number, len(pages) - 1)]}
        following = str(number + 1) if number + 1 < len(pages) else last_cursor
        return web.json_response(body if following is None else body | {"next_cursor": following})

    return FakeRest(answer)


def list_from(server, **options):
    return list_markets(
        "polymarket", base_url=server.url, timing=FastTime(1000).timing(NoJitter()), **options
    )


def test_a_listing_walks_to_its_last_page_and_tells_its_progress():
    async def scenario():
        progress = []
        server = gamma([[gamma_market(1), gamma_market(2)], [gamma_market(3)]])
        async with running(server):
            listing = await list_from(server, on_page=lambda *counts: progress.append(counts))
        assert listing.complete
        assert len(listing.markets) == 3
        assert str(listing.markets[0].tick_size) == "0.01"
        assert progress == [(0, 0), (1, 2), (2, 3)]
        assert {path for _, path, _ in server.requests} == {"/markets/keyset"}

    run(scenario())


def test_a_limit_ends_a_listing_early_and_it_says_so():
    async def scenario():
        server = gamma([[gamma_market(1), gamma_market(2)], [gamma_market(3)]])
        async with running(server):
            listing = await list_from(server, limit=2)
        assert (len(listing.markets), listing.complete) == (2, False)
        assert "limit" in listing.reason
        assert len(server.requests) == 1

    run(scenario())


def test_a_repeated_cursor_ends_the_walk_as_incomplete_instead_of_looping():
    async def scenario():
        server = gamma([[gamma_market(1)], [gamma_market(2)]], last_cursor="1")
        async with running(server):
            listing = await list_from(server)
        assert not listing.complete
        assert "repeats the cursor" in listing.reason
        assert len(listing.markets) == 2
        assert len(server.requests) <= 3

    run(scenario())


def test_html_in_the_middle_keeps_what_was_read_and_says_that_it_is_not_whole():
    async def answer(request):
        if request.query.get("after_cursor"):
            return web.Response(text="<html>blocked</html>", content_type="text/html")
        return web.json_response({"markets": [gamma_market(1)], "next_cursor": "x"})

    async def scenario():
        server = FakeRest(answer)
        async with running(server):
            listing = await list_from(server)
        assert (len(listing.markets), listing.complete) == (1, False)
        assert "where JSON was due" in listing.reason

    run(scenario())


@pytest.mark.parametrize("status", [200, 403, 500])
def test_a_listing_of_which_nothing_could_be_read_is_a_listing_error(status):
    async def scenario():
        server = answers((status, {"Content-Type": "text/html"}, "<html>blocked</html>"))
        async with running(server):
            with pytest.raises(ListingError):
                await list_from(server)

    run(scenario())


class SleptTime:
    """Time that passes only by sleeping."""

    def __init__(self):
        self.now = 0.0

    def timing(self):
        return Timing(self.clock, lambda: self.now, self.sleep, Random(7))

    def clock(self):
        return START + timedelta(seconds=self.now)

    async def sleep(self, seconds):
        self.now += seconds
        await asyncio.sleep(0)


class Weary:
    """Gamma's keyset pages; from the second page on it says 429 for so many seconds of ``time``, then goes on."""

    def __init__(self, time, seconds):
        self.time, self.seconds = time, seconds
        self.first_refused = None
        self.refused = 0

    async def __call__(self, request):
        number = int(request.query.get("after_cursor") or 0)
        if number:
            self.first_refused = self.time.now if self.first_refused is None else self.first_refused
            if self.time.now - self.first_refused < self.seconds:
                self.refused += 1
                return web.Response(status=429)
        body = {"markets": [gamma_market(number)]}
        return web.json_response(body if number == 2 else body | {"next_cursor": str(number + 1)})


@pytest.mark.parametrize("minutes", [0, 4, 60])
def test_a_venue_that_says_429_for_minutes_is_waited_for_and_after_that_the_listing_says_so(
    minutes, tmp_path
):
    async def scenario():
        time = SleptTime()
        venue = Weary(time, minutes * 60)
        server = FakeRest(venue)
        async with running(server):
            journal = PageJournal(tmp_path / "pages", address=server.url)
            listing = await list_markets(
                "polymarket", base_url=server.url, timing=time.timing(), journal=journal
            )
        if minutes == 60:
            assert (listing.complete, len(listing.markets)) == (False, 1)
            assert "HTTP 429, too many requests" in listing.reason
            assert journal.path.exists()  # the next listing goes on there
        else:
            assert (listing.complete, len(listing.markets)) == (True, 3)
        assert (venue.refused > 5) == (minutes > 0)

    run(scenario())


def test_a_venue_that_is_not_waited_for_is_given_up_after_the_last_attempt():
    async def scenario():
        server = answers((429, {}, "{}"))
        async with running(server):
            client = client_of(server, FastTime(1000))
            with pytest.raises(TransportError, match="failed 5 times, last with: HTTP 429"):
                await client.get("/x")
            await client.aclose()

    run(scenario())


def test_markets_are_handed_on_page_by_page_and_only_counted():
    async def scenario():
        handed = []
        server = gamma([[gamma_market(1), gamma_market(2)], [gamma_market(2), gamma_market(3)]])
        async with running(server):
            listing = await list_from(
                server, hand_on=lambda page: handed.append([one.symbol for one in page])
            )
        assert handed == [["q-1", "q-2"], ["q-2", "q-3"]]
        assert (listing.markets, listing.count, listing.complete) == ((), 3, True)
        assert listing.skipped == {"listed twice": 1}

    run(scenario())


def test_an_empty_list_of_a_venue_is_complete_and_no_error():
    async def scenario():
        server = gamma([[]])
        async with running(server):
            listing = await list_from(server)
        assert (listing.markets, listing.complete) == ((), True)

    run(scenario())


def test_an_unknown_venue_or_a_missing_address_is_a_settings_error():
    for venue, options in (("betfair", {"base_url": "http://127.0.0.1:1"}), ("kalshi", {})):
        with pytest.raises(SettingsError):
            asyncio.run(list_markets(venue, **options))


# books


def test_polymarket_books_are_asked_for_in_chunks_and_unknown_ids_are_missing():
    async def scenario():
        sizes = []

        async def answer(request):
            asked = await request.json()
            sizes.append(len(asked))
            known = [row["token_id"] for row in asked if row["token_id"] != "7"]
            return web.json_response(
                [{"asset_id": token} for token in known] + [{"asset_id": "stranger"}, "junk"]
            )

        server = FakeRest(answer)
        async with running(server):
            client = client_of(server)
            books = await PolymarketRestBooks(client).fetch([str(n) for n in range(600)])
            await client.aclose()
        assert sorted(sizes) == [100, 250, 250]
        assert set(books) == {str(n) for n in range(600)} - {"7"}

    run(scenario())


def test_kalshi_books_come_in_batches_and_the_missing_ones_one_by_one():
    async def answer(request):
        if request.path == "/markets/orderbooks":
            asked = request.query.getall("tickers")
            entries = [
                {"ticker": t, "orderbook_fp": {"yes_dollars": [["0.2", "1.00"]]}} for t in asked if t != "T3"
            ]
            return web.json_response({"orderbooks": [*entries, {"ticker": "STRANGER"}]})
        if request.path == "/markets/T3/orderbook":
            return web.json_response({"orderbook_fp": {"yes_dollars": [["0.1", "1.00"]]}})
        return web.Response(status=404)

    async def scenario():
        server = FakeRest(answer)
        async with running(server):
            client = client_of(server)
            books = await KalshiRestBooks(client).fetch([f"T{n}" for n in range(150)])
            await client.aclose()
        assert set(books) == {f"T{n}" for n in range(150)}
        assert books["T3"] == {"ticker": "T3", "orderbook_fp": {"yes_dollars": [["0.1", "1.00"]]}}
        assert len(server.requests) == 3

    run(scenario())


def test_an_empty_book_is_believed_only_of_a_ticker_that_exists():
    async def answer(request):
        if request.path == "/markets/orderbooks":
            asked = request.query.getall("tickers")
            return web.json_response(
                {"orderbooks": [{"ticker": t, "orderbook_fp": {"yes_dollars": []}} for t in asked]}
            )
        if request.path == "/markets/QUIET/orderbook":
            return web.json_response({"orderbook_fp": {"yes_dollars": [], "no_dollars": []}})
        return web.Response(status=404)

    async def scenario():
        server = FakeRest(answer)
        async with running(server):
            client = client_of(server)
            source = KalshiRestBooks(client)
            for _ in range(2):
                assert set(await source.fetch(["QUIET", "TYPO"])) == {"QUIET"}
            await client.aclose()
        singles = [path for _, path, _ in server.requests if path.endswith("/orderbook")]
        assert singles.count("/markets/QUIET/orderbook") == 1  # once is enough

    run(scenario())


@pytest.mark.parametrize("status", [401, 404])
def test_kalshi_books_do_without_a_batch_that_is_refused_or_unknown(status):
    async def answer(request):
        if request.path == "/markets/orderbooks":
            return web.Response(status=status)
        if request.path == "/markets/B/orderbook":
            return web.Response(status=404)
        return web.json_response({"orderbook_fp": {}})

    async def scenario():
        server = FakeRest(answer)
        async with running(server):
            client = client_of(server)
            assert set(await KalshiRestBooks(client).fetch(["A", "B"])) == {"A"}
            await client.aclose()

    run(scenario())


@pytest.mark.parametrize("source", [PolymarketRestBooks, KalshiRestBooks])
def test_books_of_the_wrong_shape_are_a_wire_error_and_not_an_empty_answer(source):
    async def scenario():
        server = answers((200, {}, json.dumps({"orderbooks": None})))
        async with running(server):
            client = client_of(server)
            with pytest.raises(WireError):
                await source(client).fetch(["1", "2"])
            await client.aclose()

    run(scenario())
