import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

import arb_platform_tests
from arb_platform.domain.errors import SettingsError
from arb_platform.domain.units import units
from arb_platform.simulate.kalshi import KalshiSimulator
from arb_platform.simulate.polymarket import PolymarketSimulator
from arb_platform.simulate.recordings import load_recording
from arb_platform_tests.simulate.raw_clients import (
    KalshiFold,
    PolymarketFold,
    everything_sent,
    kalshi_client,
    polymarket_client,
    run,
    started,
    subscribe,
)

FIXTURES = Path(arb_platform_tests.__file__).parents[2] / "shared" / "fixtures"
GOLD = FIXTURES / "kalshi" / "gold15m"
REAL_FRAMES = FIXTURES / "polymarket" / "real_frames"


def _needed(folder: Path) -> Path:
    if not folder.is_dir():
        pytest.skip(f"the recorded frames are not here: {folder}")
    return folder


def _line(at: int, kind: str, ticker: str, seq: int = 900, **message: object) -> str:
    event = {"type": kind, "sid": 2 if kind == "trade" else 1, "seq": seq,
             "msg": {"market_ticker": ticker, "market_id": f"id-{ticker}", **message}}  # fmt: skip
    return json.dumps({"recv_ms": at, "event": event})


def _kalshi_folder(root: Path) -> Path:
    """Two markets recorded an hour apart, with one broken line; shapes as in the gold15m capture."""
    (root / "events").mkdir()
    first = [
        _line(1_000_000, "orderbook_snapshot", "KXG-1", yes_dollars_fp=[["0.4000", "10.00"]], no_dollars_fp=[["0.5000", "7.50"]]),
        _line(1_000_100, "orderbook_delta", "KXG-1", price_dollars="0.4100", delta_fp="3.25", side="yes", ts="2026-08-10T22:45:38Z", ts_ms=1_000_090),
        '{"recv_ms": 1000150, "event": {"type": "orderbook_de',
        _line(1_000_200, "trade", "KXG-1", yes_price_dollars="0.4100", count_fp="3.25", ts=1_000, ts_ms=1_000_195),
        _line(1_000_300, "orderbook_delta", "KXG-1", price_dollars="0.4100", delta_fp="-3.25", side="yes", ts_ms=1_000_295),
    ]  # fmt: skip
    second = [
        _line(4_600_000, "orderbook_snapshot", "KXG-2", no_dollars_fp=[["0.6600", "1.00"]]),
        _line(4_600_050, "orderbook_delta", "KXG-2", price_dollars="0.6600", delta_fp="2.00", side="no", ts_ms=4_600_049),
    ]  # fmt: skip
    with gzip.open(root / "events" / "a.ndjson.gz", "wt") as file:
        file.write("\n".join(first) + "\n")
    (root / "events" / "b.ndjson").write_text("\n".join(second) + "\n")
    (root / "metadata").mkdir()
    market = {"ticker": "KXG-1", "event_ticker": "KXG", "title": "Gold up?", "status": "finalized", "result": "yes",
              "open_time": "2026-08-10T22:45:00Z", "close_time": "2026-08-10T23:00:00Z", "settlement_ts": "x",
              "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}]}  # fmt: skip
    event = {"event_ticker": "KXG", "series_ticker": "KXG", "title": "Gold", "category": "Commodities",
             "settlement_sources": [{"name": "Pyth", "url": "https://pyth.example"}]}  # fmt: skip
    (root / "metadata" / "KXG.json").write_text(
        json.dumps({"response": {"event": event, "markets": [market]}})
    )
    return root


def test_a_broken_line_is_skipped_counted_and_named(tmp_path):
    recording = load_recording(_kalshi_folder(tmp_path))
    assert len(recording.frames) == 6
    (broken,) = recording.broken
    assert (broken.file, broken.line) == ("a.ndjson.gz", 3)
    assert "1 unreadable, the first in a.ndjson.gz line 3" in recording.sentence()


@pytest.mark.parametrize(
    "line",
    [
        "null",
        '{"recv_ms": "late", "event": {"type": "trade", "msg": {"market_ticker": "A"}}}',
        '{"recv_ms": 1, "event": {"type": "trade", "msg": {}}}',
        _line(1, "orderbook_delta", "A", price_dollars="cheap", delta_fp="1.00", side="yes"),
        _line(1, "orderbook_delta", "A", price_dollars="0.5000", delta_fp="1.00", side="maybe"),
        _line(1, "orderbook_snapshot", "A", yes_dollars_fp=[["0.5000"]]),
    ],
)
def test_every_kind_of_broken_line_is_counted_and_the_rest_is_served(tmp_path, line):
    root = _kalshi_folder(tmp_path)
    (root / "events" / "c.ndjson").write_text(line + "\n" + _line(5, "orderbook_snapshot", "KXG-3") + "\n")
    recording = load_recording(root)
    assert [(broken.file, broken.line) for broken in recording.broken][-1] == ("c.ndjson", 1)
    assert len(recording.frames) == 7


def test_a_cut_archive_gives_what_was_readable_and_says_where_it_ends(tmp_path):
    root = _kalshi_folder(tmp_path)
    whole = (root / "events" / "a.ndjson.gz").read_bytes()
    (root / "events" / "a.ndjson.gz").write_bytes(whole[: len(whole) - 12])
    recording = load_recording(root)
    assert any("the file ends here" in broken.reason for broken in recording.broken)
    assert any(frame.message["msg"]["market_ticker"] == "KXG-2" for frame in recording.frames)


def test_folders_without_frames_are_one_sentence(tmp_path):
    with pytest.raises(SettingsError, match="there is no folder"):
        load_recording(tmp_path / "nowhere")
    with pytest.raises(SettingsError, match="holds no recorded frames: expected events"):
        load_recording(tmp_path)
    (tmp_path / "package.json").write_text('{"name": "something else"}')
    with pytest.raises(SettingsError, match="1 unreadable"):
        load_recording(tmp_path)
    with pytest.raises(SettingsError, match="speed of a recording"):
        load_recording(tmp_path, speed="fast")


def test_files_start_together_unless_their_distance_is_kept(tmp_path):
    root = _kalshi_folder(tmp_path)
    together = [frame.at_ms for frame in load_recording(root).frames]
    assert together == [0, 0, 50, 100, 200, 300]
    apart = [frame.at_ms for frame in load_recording(root, aligned=False).frames]
    assert apart == [0, 100, 200, 300, 3_600_000, 3_600_050]


def test_recorded_markets_are_listed_as_open_around_now(tmp_path):
    now = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    known, unknown = load_recording(_kalshi_folder(tmp_path)).markets(now)[:2][::1]
    known, unknown = sorted((known, unknown), key=lambda market: market.market_id)
    assert known.document["status"] == "active"
    assert known.document["result"] == ""
    assert "settlement_ts" not in known.document
    assert known.document["open_time"] == "2026-11-25T11:59:00Z"
    assert known.document["close_time"] == "2026-11-25T12:14:00Z"
    assert known.event_document["category"] == "Commodities"
    assert known.series_document is not None
    assert known.series_document["settlement_sources"][0]["name"] == "Pyth"
    assert unknown.document["title"] == "Recorded market KXG-2"
    assert unknown.document["status"] == "active"


def test_recorded_kalshi_frames_come_renumbered_in_order_and_with_their_own_delay(tmp_path):
    async def work():
        recording = load_recording(_kalshi_folder(tmp_path), speed="max")
        now = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
        venue = KalshiSimulator(None, rate=0, recording=recording, clock=lambda: now)
        headers = {"KALSHI-ACCESS-KEY": "a", "KALSHI-ACCESS-SIGNATURE": "AAAA",
                   "KALSHI-ACCESS-TIMESTAMP": str(int(now.timestamp() * 1000))}  # fmt: skip
        async with started(venue), kalshi_client(venue.ws_url, headers) as client:
            await client.command(
                "subscribe", channels=["orderbook_delta", "trade"], market_tickers=["KXG-1", "KXG-2"]
            )
            assert venue.playback is not None
            frames = await client.everything_sent()
            await venue.playback.finished.wait()
            frames += await client.everything_sent()
            kinds = [frame["type"] for frame in frames]
            # the first snapshots come once, as the answer to the subscription
            assert kinds == ["subscribed", "orderbook_snapshot", "orderbook_snapshot", "subscribed",
                             "orderbook_delta", "orderbook_delta", "trade", "orderbook_delta"]  # fmt: skip
            assert client.gaps == []
            first = next(
                f for f in frames if f["type"] == "orderbook_delta" and f["msg"]["market_ticker"] == "KXG-1"
            )
            assert first["msg"]["price_dollars"] == "0.4100"
            assert first["msg"]["delta_fp"] == "3.25"
            assert first["msg"]["market_id"] == "id-KXG-1"
            assert first["msg"]["ts_ms"] == int(now.timestamp() * 1000) - 10
            trade = next(f for f in frames if f["type"] == "trade")
            assert trade["msg"]["ts_ms"] == int(now.timestamp() * 1000) - 5
            assert trade["msg"]["ts"] == trade["msg"]["ts_ms"] // 1000
            assert venue.book_of("KXG-1")[0] == ((400_000, 10_000_000),)
            assert venue.book_of("KXG-2") == ((), ((340_000, 3_000_000),))

    run(work())


def test_recorded_times_can_be_left_as_they_were(tmp_path):
    async def work():
        recording = load_recording(_kalshi_folder(tmp_path), speed="max", shift_times=False)
        venue = KalshiSimulator(None, rate=0, recording=recording)
        async with started(venue), kalshi_client(venue.ws_url) as client:
            await client.command("subscribe", channels=["orderbook_delta"], market_tickers=["KXG-2"])
            frames = await client.everything_sent()
            assert venue.playback is not None
            await venue.playback.finished.wait()
            frames += await client.everything_sent()
            assert frames[-1]["msg"]["ts_ms"] == 4_600_049

    run(work())


def test_a_late_client_gets_the_book_of_the_moment_not_that_of_the_start(tmp_path):
    async def work():
        recording = load_recording(_kalshi_folder(tmp_path), speed="max")
        venue = KalshiSimulator(None, rate=0, recording=recording)
        async with started(venue), httpx.AsyncClient() as http:
            await http.get(f"{venue.rest_url}/markets/KXG-2/orderbook")
            assert venue.playback is not None
            await venue.playback.finished.wait()
            async with kalshi_client(venue.ws_url) as client:
                await client.command("subscribe", channels=["orderbook_delta"], market_tickers=["KXG-2"])
                _, snapshot = await client.everything_sent()
                assert snapshot["msg"]["no_dollars_fp"] == [["0.6600", "3.00"]]

    run(work())


def _oracle(file: Path) -> tuple[int, dict[str, tuple[dict[int, int], dict[int, int]]]]:
    """The final book of a capture, folded here line by line; YES bids and NO bids."""
    books: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
    changes = 0
    with gzip.open(file, "rt") as lines:
        for line in lines:
            event = json.loads(line)["event"]
            message = event["msg"]
            if event["type"] == "orderbook_snapshot":
                yes = {units(p): units(s) for p, s in message.get("yes_dollars_fp", [])}
                no = {units(p): units(s) for p, s in message.get("no_dollars_fp", [])}
                books[message["market_ticker"]] = (yes, no)
            elif event["type"] == "orderbook_delta":
                changes += 1
                side = books[message["market_ticker"]][message["side"] == "no"]
                price = units(message["price_dollars"])
                side[price] = side.get(price, 0) + units(message["delta_fp"])
                if not side[price]:
                    del side[price]
    return changes, books


def _expected(yes: dict[int, int], no: dict[int, int]) -> tuple[object, object]:
    asks = tuple(sorted((1_000_000 - price, size) for price, size in no.items()))
    return tuple(sorted(yes.items(), reverse=True)), asks


def test_a_recorded_gold_window_ends_with_the_book_of_an_independent_fold(tmp_path):
    capture = min((_needed(GOLD) / "events").glob("*.ndjson.gz"), key=lambda file: file.stat().st_size)
    (tmp_path / capture.name).symlink_to(capture)

    async def work():
        changes, expected = _oracle(capture)
        venue = KalshiSimulator(None, rate=0, recording=load_recording(tmp_path, speed="max"))
        async with started(venue), kalshi_client(venue.ws_url) as client:
            await client.command("subscribe", channels=["orderbook_delta"], market_tickers=list(expected))
            fold, seen = KalshiFold(), 0
            async for frame in client.stream():
                seen += frame["type"] == "orderbook_delta"
                fold.apply(frame)
                if seen == changes:
                    break
            assert venue.playback is not None
            await venue.playback.finished.wait()
            for frame in await client.everything_sent():
                fold.apply(frame)
            assert client.gaps == []
            for ticker, (yes, no) in expected.items():
                assert fold.levels(ticker) == venue.book_of(ticker) == _expected(yes, no)

    run(work())


def test_the_whole_gold_folder_is_read_listed_and_folded():
    folder = _needed(GOLD)

    async def work():
        recording = load_recording(folder, speed="max")
        assert recording.broken == ()
        expected = {}
        for file in sorted((folder / "events").glob("*.ndjson.gz")):
            expected |= _oracle(file)[1]
        venue = KalshiSimulator(None, rate=0, recording=recording)
        async with started(venue), httpx.AsyncClient(base_url=venue.rest_url) as http:
            query = {"status": "open", "mve_filter": "exclude"}
            listed = (await http.get("/markets", params=query)).json()["markets"]
            assert sorted(market["ticker"] for market in listed) == sorted(expected)
            assert all(market["rules_primary"].startswith("If the close price") for market in listed)
            await http.get(f"/markets/{listed[0]['ticker']}/orderbook")
            assert venue.playback is not None
            await venue.playback.finished.wait()
            for ticker, (yes, no) in expected.items():
                assert venue.book_of(ticker) == _expected(yes, no)

    run(work())


BOOK = {"market": "0xaa", "asset_id": "111", "timestamp": "1786728432337", "hash": "924ec9",
        "bids": [{"price": "0.5", "size": "10"}], "asks": [{"price": "0.52", "size": "20"}],
        "tick_size": "0.01", "last_trade_price": "0.5", "event_type": "book"}  # fmt: skip
CHANGE = {"market": "0xaa", "timestamp": "1786728438403", "event_type": "price_change", "price_changes": [
    {"asset_id": "111", "price": "0.51", "size": "5", "side": "BUY", "hash": "f", "best_bid": "0.51", "best_ask": "0.52"},
    {"asset_id": "222", "price": "0.49", "size": "5", "side": "SELL", "hash": "f", "best_bid": "0.48", "best_ask": "0.49"},
]}  # fmt: skip
OTHER = {"market": "0xbb", "asset_id": "333", "price": "0.5", "size": "1", "side": "BUY", "fee_rate_bps": "0",
         "timestamp": "1786844303130", "event_type": "last_trade_price"}  # fmt: skip


def _polymarket_folder(root: Path) -> Path:
    (root / "a_change.json").write_text(json.dumps(CHANGE))
    (root / "b_book.json").write_text(json.dumps(BOOK))
    (root / "c_array.json").write_text(json.dumps([OTHER, CHANGE]))
    (root / "d_empty.json").write_text("[]")
    return root


def test_recorded_polymarket_messages_come_with_books_before_changes_and_only_for_the_followed_assets(
    tmp_path,
):
    async def work():
        recording = load_recording(_polymarket_folder(tmp_path), speed="max", loop=False)
        venue = PolymarketSimulator(None, rate=0, recording=recording)
        async with started(venue), polymarket_client(venue.ws_url) as client, httpx.AsyncClient() as http:
            listed = (await http.get(f"{venue.gamma_url}/markets/keyset", params={"closed": "false"})).json()[
                "markets"
            ]
            assert [market["question"] for market in listed] == [
                "Recorded market 0xaa",
                "Recorded market 0xbb",
            ]
            assert json.loads(listed[0]["clobTokenIds"]) == ["111", "222"]
            (first,) = await subscribe(client, ["111"])
            assert first["asset_id"] == "111"
            assert venue.playback is not None
            await venue.playback.finished.wait()
            told = await everything_sent(client)
            assert told[0] == []
            assert told[1]["event_type"] == "book"
            assert {json.dumps(m.get("price_changes")) for m in told[2:] if isinstance(m, dict)} == {
                json.dumps(CHANGE["price_changes"])
            }
            arrays = [message for message in told[2:] if isinstance(message, list)]
            # of the array, only the element about a followed asset
            assert [[element["event_type"] for element in array] for array in arrays] == [["price_change"]]
            assert all(int(m["timestamp"]) > 1_790_000_000_000 for m in told if isinstance(m, dict))
            book = (await http.get(f"{venue.clob_url}/book", params={"token_id": "111"})).json()
            assert book["bids"] == [{"price": "0.5", "size": "10"}, {"price": "0.51", "size": "5"}]
            assert venue.book_of("0xaa")[0][0] == (510_000, 5_000_000)
            # of this asset only changes were recorded, so nobody can say what its book is
            assert (await http.get(f"{venue.clob_url}/book", params={"token_id": "222"})).status_code == 404

    run(work())


def test_a_polymarket_recording_goes_round_with_its_books_anew(tmp_path):
    async def work():
        recording = load_recording(_polymarket_folder(tmp_path), speed="max")
        venue = PolymarketSimulator(None, rate=0, recording=recording)
        async with started(venue), polymarket_client(venue.ws_url) as client:
            fold = PolymarketFold()
            fold.apply(await subscribe(client, ["111", "222"]))
            books = 0
            while books < 3:
                message = await client.receive()
                elements = message if isinstance(message, list) else [message]
                for element in (e for e in elements if e["event_type"] == "book"):
                    books += 1
                    fold.apply(element)
                    assert fold.levels("111")[0][0] == (500_000, 10_000_000)

    run(work())


def test_recorded_times_and_hashes_stay_when_told_so(tmp_path):
    async def work():
        recording = load_recording(_polymarket_folder(tmp_path), speed="max", loop=False, shift_times=False)
        venue = PolymarketSimulator(None, rate=0, recording=recording)
        async with started(venue), polymarket_client(venue.ws_url) as client:
            await subscribe(client, ["111"])
            assert venue.playback is not None
            await venue.playback.finished.wait()
            told = await everything_sent(client)
            assert told[1] == BOOK

    run(work())


def test_every_real_polymarket_frame_is_served_over_a_real_websocket():
    folder = _needed(REAL_FRAMES)

    async def work():
        recording = load_recording(folder, speed="max", loop=False)
        assert recording.broken == ()
        assert len(recording.frames) == len(list(folder.glob("*.json")))
        venue = PolymarketSimulator(None, rate=0, recording=recording)
        async with started(venue), polymarket_client(venue.ws_url) as client, httpx.AsyncClient() as http:
            listed = (await http.get(f"{venue.gamma_url}/markets/keyset", params={"limit": 100})).json()[
                "markets"
            ]
            assets = [token for market in listed for token in json.loads(market["clobTokenIds"])]
            books = await subscribe(client, assets)
            assert len(books) == 3
            assert venue.playback is not None
            await venue.playback.finished.wait()
            told = await everything_sent(client)
            assert len(told) == len(recording.frames)
            kinds = {e["event_type"] for m in told for e in (m if isinstance(m, list) else [m])}
            assert kinds == {"book", "price_change", "last_trade_price", "best_bid_ask"}

    run(work())


def test_the_recorded_hash_reproduces_with_the_simulators_recipe():
    folder = _needed(REAL_FRAMES)
    from arb_platform.simulate.polymarket_recording import recorded_hash  # noqa: PLC0415

    book = json.loads(next(folder.glob("ws_book_full_*.json")).read_bytes())
    assert recorded_hash(book) == book["hash"]
    book["bids"][0]["size"] = "1"
    assert recorded_hash(book) != book["hash"]
