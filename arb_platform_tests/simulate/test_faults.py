import json

import httpx
import pytest
import websockets

from arb_platform.domain.errors import SettingsError
from arb_platform.domain.streams import EVENT_KINDS
from arb_platform.simulate.books import Change
from arb_platform.simulate.faults import WORDS, Faults, parse_faults
from arb_platform.simulate.kalshi import KalshiSimulator
from arb_platform.simulate.polymarket import PolymarketSimulator
from arb_platform_tests.simulate.handmade import NAMES, condition, handmade, tokens
from arb_platform_tests.simulate.raw_clients import (
    KalshiFold,
    MovingClock,
    PolymarketFold,
    everything_sent,
    kalshi_client,
    polymarket_client,
    run,
    started,
    subscribe,
)

TICKERS = [f"KX{name}-26-YES" for name in NAMES]
ALL_TOKENS = [token for name in NAMES for token in tokens(name)]


def test_a_specification_is_read_word_by_word():
    faults = parse_faults("drop=0.001, seed=4,disconnect=30s,silence=500ms,half_open=2m,http429=0.5")
    assert faults.seed == 4
    assert faults.rates == {
        "drop": 0.001,
        "disconnect": 30.0,
        "silence": 0.5,
        "half_open": 120.0,
        "http429": 0.5,
    }
    assert parse_faults("").rates == parse_faults("none").rates == {}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("rain=1", "no fault is called 'rain'; there are crossed, disconnect, drop"),
        ("drop=often", "the fault drop needs a chance, as in drop=0.01, not 'often'"),
        ("disconnect=soon", "the fault disconnect needs a time, as in disconnect=30s"),
        ("drop=1.5", "the fault drop must be from 0 to 1"),
        ("silence=-1s", "the fault silence must be 0 or more seconds"),
        ("drop=nan", "the fault drop must be"),
        ("seed=x", "the seed of the faults must be a whole number"),
    ],
)
def test_a_specification_that_makes_no_sense_is_one_sentence(spec, sentence):
    with pytest.raises(SettingsError, match=sentence.replace("(", r"\(")):
        parse_faults(spec)


def test_every_fault_names_rows_that_exist():
    for word in WORDS.values():
        assert word.meaning
        assert set(word.leaves) <= set(EVENT_KINDS)


def test_one_seed_gives_one_sequence_of_faults_and_another_seed_another():
    first, second, other = (parse_faults(f"drop=0.3,seed={seed}") for seed in (4, 4, 5))
    throws = [[faults.strikes("drop") for _ in range(200)] for faults in (first, second, other)]
    assert throws[0] == throws[1] != throws[2]
    assert 30 < sum(throws[0]) < 90


def test_a_forced_fault_strikes_at_the_next_occasion_and_then_no_more():
    faults = Faults()
    assert faults.quiet
    faults.force("drop", times=2)
    assert not faults.quiet
    assert [faults.strikes("drop") for _ in range(3)] == [True, True, False]
    with pytest.raises(SettingsError, match="no fault is called"):
        faults.force("rain")


async def _kalshi_frames(spec: str, changes: int = 300):
    """What a client received while a venue with these faults changed its books, and the venue."""
    venue = KalshiSimulator(handmade(), rate=0, faults=parse_faults(spec), clock=MovingClock(0.02))
    async with started(venue), kalshi_client(venue.ws_url) as client:
        await client.command("subscribe", channels=["orderbook_delta"], market_tickers=TICKERS)
        frames = await _texts(client)
        for _ in range(changes):
            venue.change()
        return venue, frames, await _texts(client)


async def _texts(client) -> list[str]:
    """What was not read yet, as it came."""
    number = await client.command("list_subscriptions")
    texts = []
    while not ('"type":"ok"' in (text := await client.raw()) and f'"id":{number},' in text):
        texts.append(text)
    return texts


def _gaps(texts: list[str], last: int) -> int:
    gaps = 0
    for text in texts:
        seq = json.loads(text)["seq"]
        gaps += seq != last + 1
        last = seq
    return gaps


def test_a_lost_frame_leaves_a_gap_in_the_sequence_and_is_on_record():
    async def work():
        venue, frames, texts = await _kalshi_frames("drop=0.05,seed=1")
        lost = venue.faults.counts()["drop"]
        assert lost > 3
        assert len(texts) == 300 - lost
        assert 0 < _gaps(texts, len(frames) - 1) <= lost
        assert all(
            fault.market_id in TICKERS and fault.connection == "kalshi-1" for fault in venue.faults.injected
        )
        assert {fault.detail for fault in venue.faults.injected} <= {"top", "deep"}

    run(work())


def test_without_faults_nothing_is_missing_and_nothing_is_on_record():
    async def work():
        venue, frames, texts = await _kalshi_frames("none")
        assert len(texts) == 300
        assert _gaps(texts, len(frames) - 1) == 0
        assert venue.faults.injected == []

    run(work())


def test_runs_of_frames_are_lost_doubled_and_swapped():
    async def work():
        venue, _, texts = await _kalshi_frames("gap=0.02,seed=2")
        assert len(texts) < 300 - venue.faults.counts()["gap"]
        venue, _, texts = await _kalshi_frames("duplicate=0.1,seed=2")
        assert len(texts) == 300 + venue.faults.counts()["duplicate"]
        assert len(set(texts)) == 300
        venue, _, texts = await _kalshi_frames("reorder=0.1,seed=2")
        sequences = [json.loads(text)["seq"] for text in texts]
        assert venue.faults.counts()["reorder"] > 5
        assert sequences != sorted(sequences)
        # the last one may still be held back
        assert len(sequences) >= 299

    run(work())


def _readable(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def test_garbage_halves_and_unknown_kinds_come_in_between_and_are_counted():
    async def work():
        venue, first, texts = await _kalshi_frames(
            "garbage=0.05,truncate=0.05,unknown=0.05,nonsense=0.05,seed=3"
        )
        texts = first[1:] + texts
        counts = venue.faults.counts()
        assert min(counts[word] for word in ("garbage", "truncate", "unknown", "nonsense")) > 3
        unreadable = [text for text in texts if not _readable(text)]
        assert len(unreadable) == counts["garbage"] + counts["truncate"]
        kinds = [json.loads(text)["type"] for text in texts if _readable(text)]
        assert kinds.count("market_mood") == counts["unknown"]

    run(work())


def test_times_of_1970_and_2100_are_told_on_demand():
    async def work():
        venue, _, texts = await _kalshi_frames("skew=0.1,seed=3")
        skewed = [text for text in texts if json.loads(text)["msg"]["ts_ms"] in (0, 4_102_444_800_000)]
        assert len(skewed) == venue.faults.counts()["skew"] > 3

    run(work())


def test_a_frame_that_tells_no_time_is_not_said_to_have_told_a_wrong_one():
    async def work():
        venue, _, texts = await _kalshi_frames("skew=1,legacy=1,seed=3")
        timeless = [text for text in texts if "ts_ms" not in text]
        assert 0 < len(timeless) < len(texts)
        assert venue.faults.counts()["skew"] == len(texts) - len(timeless)

    run(work())


def test_frames_claim_to_be_as_old_as_the_lag_says():
    async def work():
        clock = MovingClock(0)
        venue = KalshiSimulator(handmade(), rate=0, faults=parse_faults("lag=2500ms"), clock=clock)
        async with started(venue), kalshi_client(venue.ws_url) as client:
            await client.command("subscribe", channels=["orderbook_delta"], market_tickers=TICKERS)
            await client.everything_sent()
            venue.change()
            (frame,) = await client.everything_sent()
            assert abs(clock().timestamp() * 1000 - frame["msg"]["ts_ms"] - 2_500) <= 1

    run(work())


def test_a_crossed_book_is_really_crossed_and_only_for_one_change():
    async def work():
        venue = KalshiSimulator(handmade(), rate=0)
        async with started(venue), kalshi_client(venue.ws_url) as client:
            fold = KalshiFold()
            await client.command("subscribe", channels=["orderbook_delta"], market_tickers=TICKERS)
            venue.faults.force("crossed")
            frames = await client.everything_sent()
            venue.change(TICKERS[0])
            for frame in frames + await client.everything_sent():
                fold.apply(frame)
            bids, asks = fold.levels(TICKERS[0])
            assert bids[0][0] >= asks[0][0]
            assert venue.book_of(TICKERS[0]) == (bids, asks)
            venue.change(TICKERS[1])
            for frame in await client.everything_sent():
                fold.apply(frame)
            bids, asks = fold.levels(TICKERS[0])
            assert bids[0][0] < asks[0][0]
            assert [fault.kind for fault in venue.faults.injected] == ["crossed"]

    run(work())


def test_a_withheld_first_book_never_comes_but_its_changes_do():
    async def work():
        venue = PolymarketSimulator(handmade(), rate=0, faults=parse_faults("no_first_book=1"))
        async with started(venue), polymarket_client(venue.ws_url) as client:
            assert await subscribe(client, ALL_TOKENS[:2]) == []
            assert [fault.detail for fault in venue.faults.injected] == ALL_TOKENS[:2]
            venue.change(condition(NAMES[0]))
            assert await everything_sent(client)
        kalshi = KalshiSimulator(handmade(), rate=0)
        async with started(kalshi), kalshi_client(kalshi.ws_url) as client:
            kalshi.faults.force("no_first_book")
            await client.command("subscribe", channels=["orderbook_delta"], market_tickers=TICKERS[:2])
            _, snapshot = await client.everything_sent()
            assert snapshot["msg"]["market_ticker"] == TICKERS[1]
            await client.command(
                "update_subscription", sids=[1], market_tickers=TICKERS[:1], action="get_snapshot"
            )
            assert (await client.everything_sent())[0]["msg"]["market_ticker"] == TICKERS[0]

    run(work())


def test_a_silent_socket_answers_keepalives_while_the_books_move_on():
    async def work():
        venue = PolymarketSimulator(handmade(), rate=0)
        async with started(venue), polymarket_client(venue.ws_url) as client, httpx.AsyncClient() as http:
            await subscribe(client, ALL_TOKENS[:2])
            venue.connections[0].fall_silent()
            for _ in range(50):
                venue.change()
            assert await everything_sent(client) == []
            pong = await client.socket.ping()
            await pong
            book = (await http.get(f"{venue.clob_url}/book", params={"token_id": ALL_TOKENS[0]})).json()
            fold = PolymarketFold()
            fold.apply({**book, "event_type": "book"})
            assert fold.levels(ALL_TOKENS[0]) == venue.book_of(condition(NAMES[0]))
            assert venue.faults.counts() == {"silence": 1}

    run(work())


def test_timed_faults_come_to_every_connection():
    async def work():
        venue = PolymarketSimulator(handmade(), rate=500, faults=parse_faults("disconnect=50ms"))
        async with started(venue):
            for _ in range(2):
                async with polymarket_client(venue.ws_url) as client:
                    await subscribe(client, ALL_TOKENS)
                    with pytest.raises(websockets.ConnectionClosed) as closed:
                        await client.until("the end")
                    # no goodbye: what a client calls 1006
                    assert closed.value.rcvd is None
            assert venue.faults.counts() == {"disconnect": 2}

    run(work())


async def _listen(client):
    await subscribe(client, ALL_TOKENS)
    while True:
        await client.raw()


def test_an_overflow_ends_the_subscription_with_error_25_and_polymarkets_socket_with_1011():
    async def work():
        kalshi = KalshiSimulator(handmade(), rate=0)
        async with started(kalshi), kalshi_client(kalshi.ws_url) as client:
            await client.command("subscribe", channels=["orderbook_delta"], market_tickers=TICKERS[:1])
            while (await client.receive())["type"] != "orderbook_snapshot":
                pass
            kalshi.connections[0].overflowed()
            while (frame := await client.receive())["type"] != "error":
                pass
            assert frame["msg"]["code"] == 25
            assert client.gaps == []
            assert kalshi.change() is None
        polymarket = PolymarketSimulator(handmade(), rate=0, faults=parse_faults("overflow=20ms"))
        async with started(polymarket), polymarket_client(polymarket.ws_url) as client:
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await _listen(client)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1011

    run(work())


def test_connections_are_refused_or_closed_at_once():
    async def work():
        venue = PolymarketSimulator(handmade(), rate=0)
        async with started(venue):
            venue.faults.force("refuse")
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with polymarket_client(venue.ws_url):
                    pass
            assert refused.value.response.status_code == 503
            venue.faults.force("early_close")
            async with polymarket_client(venue.ws_url) as client:
                with pytest.raises(websockets.ConnectionClosed):
                    await client.raw()
            async with polymarket_client(venue.ws_url) as client:
                assert await subscribe(client, ALL_TOKENS)
            assert venue.faults.counts() == {"refuse": 1, "early_close": 1}

    run(work())


def test_rest_answers_are_refused_spoiled_and_cut_on_demand():
    async def work():
        venue = KalshiSimulator(handmade(), rate=0)
        async with started(venue), httpx.AsyncClient(base_url=venue.rest_url) as http:
            for word in ("http429", "retry_after", "http500", "http_garbage", "http_cut"):
                venue.faults.force(word)
            first, second, third, fourth, fifth, last = [await http.get("/markets") for _ in range(6)]
            assert (first.status_code, first.json()) == (429, {"error": "too many requests"})
            assert "Retry-After" not in first.headers
            assert (second.status_code, second.headers["Retry-After"]) == (429, "1")
            assert third.status_code == 500
            assert fourth.text.startswith("<html>")
            with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
                fifth.json()
            assert last.json()["markets"]

    run(work())


def test_a_listing_that_goes_in_circles_gives_the_cursor_it_was_asked_with():
    async def work():
        polymarket = PolymarketSimulator(handmade(), rate=0, faults=parse_faults("repeat_cursor=1"))
        kalshi = KalshiSimulator(handmade(), rate=0, faults=parse_faults("repeat_cursor=1"))
        async with started(polymarket, kalshi), httpx.AsyncClient() as http:
            url = f"{polymarket.gamma_url}/markets/keyset"
            cursor = (await http.get(url, params={"limit": 1})).json()["next_cursor"]
            again = (await http.get(url, params={"limit": 1, "after_cursor": cursor})).json()["next_cursor"]
            assert again == cursor
            cursor = (await http.get(f"{kalshi.rest_url}/events", params={"limit": 1})).json()["cursor"]
            query = {"limit": 1, "cursor": cursor}
            assert (await http.get(f"{kalshi.rest_url}/events", params=query)).json()["cursor"] == cursor

    run(work())


def test_polymarkets_own_faults_old_forms_and_new_grids():
    async def work():
        venue = PolymarketSimulator(handmade(), rate=0)
        async with started(venue), polymarket_client(venue.ws_url) as client:
            await subscribe(client, ALL_TOKENS[:2])
            venue.faults.force("legacy")
            venue.change()
            first, second = (await everything_sent(client))[:2]
            assert [first["asset_id"], second["asset_id"]] == ALL_TOKENS[:2]
            assert "price_changes" not in first
            assert first["changes"][0]["side"] in ("BUY", "SELL")
            venue.faults.force("tick_size")
            venue.change()
            kinds = [message["event_type"] for message in await everything_sent(client)]
            assert kinds[:4] == ["tick_size_change", "tick_size_change", "book", "book"]
            assert venue.faults.counts() == {"legacy": 1, "tick_size": 1}

    run(work())


def test_kalshis_old_form_is_whole_cents_where_the_numbers_are_whole():
    async def work():
        venue = KalshiSimulator(handmade(), rate=0, faults=parse_faults("legacy=1"), clock=MovingClock(0.02))
        ticker, fractional = TICKERS[:2]
        venue.books.book(ticker).replace([(300_000, 7_000_000)], [(560_000, 146_000_000)])
        venue.books.book(fractional).replace([(300_000, 7_500_000)], [(560_500, 1_000_000)])
        async with started(venue), kalshi_client(venue.ws_url) as client:
            await client.command(
                "subscribe", channels=["orderbook_delta"], market_tickers=[ticker, fractional]
            )
            old, new = [json.loads(text)["msg"] for text in (await _texts(client))[-2:]]
            assert (old["yes"], old["no"]) == ([[30, 7]], [[44, 146]])
            assert new["yes_dollars_fp"] == [["0.3000", "7.50"]]
            venue.tell_change(ticker, Change("ask", 560_000, 146_000_000, 0), venue.now())
            venue.tell_change(ticker, Change("bid", 305_000, 0, 1_000_000), venue.now())
            old, new = [json.loads(text)["msg"] for text in await _texts(client)]
            assert old == {"market_ticker": ticker, "price": 44, "delta": -146, "side": "no"}
            assert new["price_dollars"] == "0.3050"
            assert venue.faults.counts() == {"legacy": 2}

    run(work())


def test_a_huge_frame_is_forty_megabytes():
    async def work():
        venue = PolymarketSimulator(handmade(), rate=0)
        async with started(venue), polymarket_client(venue.ws_url) as client:
            await subscribe(client, ALL_TOKENS[:2])
            venue.faults.force("huge")
            venue.change()
            assert len(await client.raw()) > 40_000_000

    run(work())
