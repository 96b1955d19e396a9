"""Kalshi's websocket v2, frame by frame."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.domain.errors import WireError
from arb_platform.venues.kalshi import KalshiFeed, read_book, read_market
from arb_platform.venues.kalshi_wire import read_envelope
from arb_platform.venues.sequence import Sequences, Step
from arb_platform_tests.faults.runs import fresh_seed
from arb_platform_tests.venues.wire import (
    NOW,
    NOW_MS,
    SAMPLES,
    TICKER,
    after,
    document,
    events,
    fixture,
    kalshi,
    quarantined,
    sample,
    snapshots,
    top,
)  # fmt: skip

VENUE = "kalshi"
SID = 2


def snapshot(
    seq,
    ticker=TICKER,
    *,
    yes=(("0.0800", "300.00"), ("0.2200", "333.50")),
    no=(("0.5400", "20.00"), ("0.5600", "146.00")),
    sid=SID,
):
    message = {"market_ticker": ticker, "yes_dollars_fp": yes, "no_dollars_fp": no}
    return json.dumps({"type": "orderbook_snapshot", "sid": sid, "seq": seq, "msg": message})


def delta(seq, side="yes", price="0.2200", change="1.00", ticker=TICKER, ms=NOW_MS, sid=SID):
    message = {"market_ticker": ticker, "price_dollars": price, "delta_fp": change, "side": side, "ts_ms": ms}
    return json.dumps({"type": "orderbook_delta", "sid": sid, "seq": seq, "msg": message})


def subscribed(sid=SID):
    return json.dumps({"id": 1, "type": "subscribed", "msg": {"channel": "orderbook_delta", "sid": sid}})


def feed_with_books(*tickers):
    feed = KalshiFeed([kalshi(ticker) for ticker in tickers or (TICKER,)])
    feed.connected("s1", NOW)
    feed.frames_to_send()
    feed.receive(subscribed(), NOW)
    for seq, ticker in enumerate(tickers or (TICKER,), start=1):
        feed.receive(snapshot(seq, ticker), NOW)
    return feed


def commands(feed):
    return [json.loads(frame) for frame in feed.frames_to_send()]


def test_every_sample_is_understood():
    known = sorted((SAMPLES / VENUE).glob("ws_*.json"))
    assert len(known) >= 25
    for path in known:
        feed = KalshiFeed()
        outputs = feed.receive(path.read_bytes(), NOW)
        assert feed.unreadable_frames == feed.unknown_frames == 0, path.name
        # an error is understood, and kept as a row that says so
        assert len(quarantined(outputs)) == path.name.startswith("ws_error"), path.name


def test_no_bids_become_exact_yes_asks_and_both_sides_are_sorted():
    [shown] = snapshots(KalshiFeed().receive(sample(VENUE, "ws_orderbook_snapshot.json"), NOW))
    assert top(shown) == ([("0.22", "333.5"), ("0.08", "300")], [("0.44", "146"), ("0.46", "20")])
    assert shown.exchange_time is None


def test_every_cent_of_no_is_exactly_the_cent_of_yes():
    for cent in range(1, 100):
        _, [(ask, _)] = read_book({"orderbook": {"yes": None, "no": [[cent, 1]]}})
        assert ask == (100 - cent) * 10_000


@pytest.mark.parametrize(
    ("name", "bids", "asks"),
    [
        ("one_side", [], [("0.01", "73469")]),
        ("no_sides", [], []),
        ("transitional", [("0.465", "250"), ("0.45", "100")], [("0.47", "300"), ("0.48", "120")]),
        ("cents", [("0.22", "333"), ("0.08", "300")], []),
        ("owner", [("0.55", "100"), ("0.54", "200")], [("0.54", "180"), ("0.55", "120")]),
    ],
)
def test_snapshots_of_every_generation(name, bids, asks):
    [shown, *_] = snapshots(KalshiFeed().receive(sample(VENUE, f"ws_orderbook_snapshot_{name}.json"), NOW))
    assert top(shown) == (bids, asks)


def test_the_owners_sample_is_crossed_as_printed_and_is_shown_with_its_flag():
    outputs = KalshiFeed().receive(sample(VENUE, "ws_orderbook_snapshot_owner.json"), NOW)
    assert snapshots(outputs)[0].crossed
    [event] = events(outputs)
    assert (event.kind, event.ended_at, event.market_id) == ("crossed", None, "KXELECTION-23NOV-YES")


@pytest.mark.parametrize(
    ("name", "bids", "asks"),
    [
        ("ws_orderbook_delta.json", [("0.22", "279.25"), ("0.08", "300")], [("0.44", "146"), ("0.46", "20")]),
        (
            "ws_orderbook_delta_transitional.json",
            [("0.225", "50.5"), ("0.22", "333.5"), ("0.08", "300")],
            [("0.44", "146"), ("0.46", "20")],
        ),
        ("ws_orderbook_delta_cents.json", [("0.22", "333.5"), ("0.08", "300")], [("0.46", "20")]),
    ],
)
def test_deltas_of_every_generation(name, bids, asks):
    feed = KalshiFeed()
    feed.receive(sample(VENUE, "ws_orderbook_snapshot.json"), NOW)
    [shown] = snapshots(feed.receive(sample(VENUE, name), NOW))
    assert top(shown) == (bids, asks)


def test_a_delta_below_the_visible_levels_shows_nothing():
    feed = KalshiFeed(max_depth=1)
    feed.receive(snapshot(1), NOW)
    assert feed.receive(delta(2, price="0.0800"), NOW) == []
    assert feed.receive(delta(3, price="0.2200"), NOW)


def test_a_delta_before_the_first_snapshot_is_an_orphan():
    feed = KalshiFeed([TICKER])
    assert feed.receive(delta(1), NOW) == []
    assert feed.orphans == 1
    assert feed.snapshot_of(TICKER) is None


# The sequence


def test_a_gap_makes_every_book_of_the_subscription_stale_until_its_snapshot():
    feed = feed_with_books("A", "B")
    outputs = feed.receive(delta(4, ticker="A"), after(1))
    [gap] = events(outputs, "gap")
    assert (gap.started_at, gap.ended_at, gap.market_id) == (after(1), after(1), None)
    assert "4 after 2, 1 frames" in gap.detail
    assert {event.market_id for event in events(outputs, "resync")} == {"A", "B"}
    [command] = commands(feed)
    assert command["params"] == {"sids": [SID], "market_tickers": ["A", "B"], "action": "get_snapshot"}
    assert feed.snapshot_of("A") is None
    # deltas are ignored until the snapshot
    assert feed.receive(delta(5, ticker="A"), after(2)) == []
    outputs = feed.receive(snapshot(6, "A"), after(3))
    assert snapshots(outputs)[0].epoch == 2
    [healed] = events(outputs)
    assert (healed.kind, healed.market_id, healed.started_at, healed.ended_at) == (
        "resync",
        "A",
        after(1),
        after(3),
    )
    assert feed.snapshot_of("B") is None
    assert feed.gaps == 1


def test_answers_use_up_numbers_of_the_sequence_too():
    feed = feed_with_books()
    feed.receive(json.dumps({"id": 9, "sid": SID, "seq": 2, "type": "ok", "msg": {}}), NOW)
    feed.receive(json.dumps({"id": 9, "sid": SID, "seq": 3, "type": "error", "msg": {"code": 11}}), NOW)
    feed.receive(json.dumps({"sid": SID, "seq": 4, "type": "orderbook_surprise"}), NOW)
    feed.receive(json.dumps({"sid": SID, "seq": 5, "type": "orderbook_delta", "msg": 5}), NOW)
    feed.receive(delta(6), NOW)
    assert feed.gaps == 0
    # the negative control
    feed.receive(delta(8), NOW)
    assert feed.gaps == 1


def test_trades_have_a_sequence_of_their_own_and_leave_the_books_alone():
    feed = feed_with_books()
    for seq in (1, 5):
        feed.receive(json.dumps({"type": "trade", "sid": 12, "seq": seq, "msg": {}}), NOW)
    assert feed.gaps == 1
    assert feed.snapshot_of(TICKER) is not None


def test_a_duplicate_is_dropped_and_not_added_again():
    feed = feed_with_books()
    feed.receive(delta(2), NOW)
    assert feed.receive(delta(2), NOW) == []
    assert feed.receive(snapshot(1), NOW) == []
    assert top(feed.snapshot_of(TICKER))[0][0] == ("0.22", "334.5")
    assert (feed.duplicates, feed.gaps) == (2, 0)


def test_a_sequence_that_begins_anew_without_a_word_is_found_out():
    feed = feed_with_books()
    for seq in range(2, 40):
        feed.receive(delta(seq), NOW)
    outputs = [output for seq in range(1, 12) for output in feed.receive(delta(seq), after(1))]
    assert len(events(outputs, "gap")) == 1
    assert commands(feed)[0]["params"]["action"] == "get_snapshot"


def test_an_echo_of_every_frame_is_not_taken_for_a_new_sequence():
    feed = feed_with_books()
    for seq in range(2, 60):
        feed.receive(delta(seq), NOW)
        feed.receive(delta(seq), NOW)
    assert (feed.gaps, feed.duplicates) == (0, 58)
    assert top(feed.snapshot_of(TICKER))[0][0] == ("0.22", "391.5")


@given(st.lists(st.integers(min_value=1, max_value=30), max_size=40))
def test_no_sequence_of_numbers_passes_a_hole_in_silence(numbers):
    sequences = Sequences()
    newest = None
    for number in numbers:
        step = sequences.step(1, number)
        if newest is None or number == newest + 1:
            assert step is Step.NEXT
        elif number > newest:
            assert step is Step.GAP
        else:
            assert step in (Step.DUPLICATE, Step.RESTART)
        if step is not Step.DUPLICATE:
            newest = number


def test_five_seconds_without_healing_ask_for_another_connection():
    feed = feed_with_books()
    feed.receive(delta(3), after(1))
    feed.tick(after(5.9))
    assert feed.reconnect_reason is None
    feed.tick(after(6))
    assert "not healed within 5 s" in feed.reconnect_reason
    feed.connected("s2", after(7))
    assert feed.reconnect_reason is None


def test_a_frame_without_sid_and_seq_is_accepted():
    feed = KalshiFeed([TICKER])
    message = json.loads(delta(1))
    first = json.loads(snapshot(1))
    for one in (message, first):
        del one["sid"], one["seq"]
    assert snapshots(feed.receive(json.dumps(first), NOW))
    assert snapshots(feed.receive(json.dumps(message), NOW))


# What goes wrong


def test_a_negative_size_is_a_gap_of_that_book_alone():
    feed = feed_with_books("A", "B")
    outputs = feed.receive(delta(3, ticker="A", change="-334.00"), after(1))
    assert [(event.kind, event.market_id) for event in events(outputs)] == [("gap", "A"), ("resync", "A")]
    assert commands(feed)[0]["params"]["market_tickers"] == ["A"]
    assert feed.snapshot_of("B") is not None


@pytest.mark.parametrize(
    "bad",
    [
        {"price_dollars": "NaN"}, {"price_dollars": "1.0100"}, {"price_dollars": "-0.1"}, {"price_dollars": None},
        {"delta_fp": "1e400"}, {"delta_fp": "9" * 200}, {"delta_fp": None}, {"side": "maybe"}, {"delta_fp": 5},
    ],
)  # fmt: skip
def test_a_delta_that_cannot_be_believed_is_kept_and_ends_the_vouching_for_its_book(bad):
    feed = feed_with_books("A", "B")
    message = json.loads(delta(3, ticker="A"))
    message["msg"] |= bad
    outputs = feed.receive(json.dumps(message), after(1))
    assert len(quarantined(outputs)) == 1
    assert feed.snapshot_of("A") is None
    assert feed.snapshot_of("B") is not None
    assert commands(feed)[0]["params"]["action"] == "get_snapshot"
    # its number is not missing
    feed.receive(delta(4, ticker="B"), after(1))
    assert feed.snapshot_of("B") is not None


@pytest.mark.parametrize("level", [["NaN", "1"], ["0.5"], ["0.5", "-1"], ["2", "1"], [1, 2], "x", None])
def test_a_snapshot_with_a_bad_level_is_not_half_believed(level):
    feed = feed_with_books()
    outputs = feed.receive(snapshot(2, yes=[["0.1", "1"], level]), after(1))
    assert len(quarantined(outputs)) == 1
    assert feed.snapshot_of(TICKER) is None


@pytest.mark.parametrize(
    "frame", [b"\x00\xff", b"hello", b"", b"[]", b"{}", b"null", b'{"type":5}', '{"type":"orderbook_delta"}']
)
def test_garbage_is_kept_and_the_books_stay(frame):
    feed = feed_with_books()
    [row] = feed.receive(frame, after(1))
    assert feed.unreadable_frames == 1
    assert row.session_id == "s1"
    assert feed.snapshot_of(TICKER) is not None


def test_a_frame_that_was_cut_off_is_found_by_the_number_that_is_missing():
    feed = feed_with_books()
    feed.receive(delta(2)[:60], after(1))
    outputs = feed.receive(delta(3), after(2))
    assert len(events(outputs, "gap")) == 1
    assert feed.snapshot_of(TICKER) is None


def test_an_unknown_kind_is_kept_counted_and_named():
    [row] = KalshiFeed().receive(b'{"type":"orderbook_v3","sid":1,"seq":1}', NOW)
    assert row.reason == "unknown event type: orderbook_v3"


def test_deep_nesting_and_huge_frames_are_rows_of_bounded_size():
    feed = KalshiFeed([TICKER])
    for frame in (b"[" * 200_000, b'{"a":' * 200_000, b" " * (33 * 1024 * 1024)):
        [row] = feed.receive(frame, NOW)
        assert len(row.frame) <= 64 * 1024
        assert str(len(frame)) in row.reason


def test_a_clock_that_disagrees_is_one_event_per_episode():
    feed = feed_with_books()
    assert not events(feed.receive(delta(2, ms=NOW_MS), NOW))
    outputs = feed.receive(delta(3, ms=NOW_MS + 5_000), NOW) + feed.receive(delta(4, ms=1), NOW)
    [begun] = events(outputs)
    assert begun.kind == "clock_skew"
    assert [one.exchange_time is None for one in snapshots(outputs)] == [False, True]
    [ended] = events(feed.receive(delta(5, ms=NOW_MS), after(1)))
    assert (ended.event_id, ended.ended_at) == (begun.event_id, after(1))


def test_prices_in_the_other_mode_are_told_once_and_not_guessed():
    feed = KalshiFeed()
    found = []
    for seq, ticker in enumerate("ABC", start=1):
        outputs = feed.receive(snapshot(seq, ticker, yes=[["0.5500", "1"]], no=[["0.5700", "1"]]), NOW)
        assert snapshots(outputs)[0].crossed
        found += [event for event in events(outputs, "crossed") if event.market_id is None]
    [told] = found
    assert "use_yes_price" in told.detail
    assert feed.yes_price_flipped


def test_one_crossed_book_is_no_change_of_mode():
    feed = KalshiFeed()
    for _ in range(3):
        feed.receive(snapshot(1, "A", yes=[["0.5500", "1"]], no=[["0.5700", "1"]]), NOW)
    feed.receive(snapshot(1, "B", yes=[["0.5500", "1"]], no=[["0.4700", "1"]]), NOW)
    assert not feed.yes_price_flipped


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_any_frame_at_all_is_taken_without_raising(frame):
    feed_with_books().receive(frame, after(1))


@given(st.binary(max_size=200))
def test_any_bytes_have_an_envelope_or_are_a_wire_error_and_nothing_else(frame):
    try:
        read_envelope(frame)
    except WireError:
        return


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(["type", "sid", "seq", "id", "msg", "market_ticker", "price_dollars", "delta_fp", "side", "ts_ms", "yes_dollars_fp", "no_dollars_fp", "yes", "code"])  # fmt: skip


@given(st.sampled_from(sorted((SAMPLES / VENUE).glob("ws_*.json"))), fields, json_values)
def test_a_sample_with_any_field_replaced_by_anything_is_taken_without_raising(path, field, value):
    message = json.loads(path.read_bytes())
    inner = message.get("msg")
    (inner if isinstance(inner, dict) and field in inner else message)[field] = value
    feed = KalshiFeed()
    feed.receive(snapshot(1), NOW)
    feed.receive(json.dumps(message), after(1))
    feed.receive_book(message, after(1))


@given(json_values)
def test_any_rest_answer_is_a_book_or_a_wire_error(value):
    KalshiFeed().receive_book(value, NOW)
    try:
        read_book(value)
    except WireError:
        return


# Commands


def test_the_mode_of_prices_is_said_and_a_batch_has_at_most_two_hundred_tickers():
    tickers = [f"T{number}" for number in range(450)]
    feed = KalshiFeed(tickers)
    feed.connected("s1", NOW)
    [first] = commands(feed)
    assert first["cmd"] == "subscribe"
    assert first["params"] == {
        "channels": ["orderbook_delta"],
        "market_tickers": tickers[:200],
        "use_yes_price": False,
    }
    feed.receive(subscribed(), NOW)
    rest = commands(feed)
    assert [one["params"]["action"] for one in rest] == ["add_markets", "add_markets"]
    assert [one["params"]["market_tickers"] for one in rest] == [tickers[200:400], tickers[400:]]
    assert [one["id"] for one in (first, *rest)] == [1, 2, 3]


def test_markets_are_added_and_dropped_without_reconnecting():
    feed = feed_with_books("A")
    feed.follow(["B", kalshi("A")])
    [command] = commands(feed)
    assert command["params"] == {"sids": [SID], "market_tickers": ["B"], "action": "add_markets"}
    assert feed.unfollow(["A"], NOW) == []
    [command] = commands(feed)
    assert command["params"] == {"sids": [SID], "market_tickers": ["A"], "action": "delete_markets"}
    assert feed.receive(delta(2, ticker="A"), NOW) == []
    assert [market.market_id for market in feed.markets] == ["B"]


def test_the_open_events_of_a_market_that_is_dropped_end_with_it():
    feed = feed_with_books("A", "B")
    begun = events(feed.receive(delta(4, ticker="A"), after(1)), "resync")
    assert {event.market_id for event in begun} == {"A", "B"}
    [ended] = feed.unfollow(["A"], after(2))
    assert (ended.event_id, ended.ended_at) == (begun[0].event_id, after(2))
    assert ended.detail.endswith("ended with the market, which is not followed any more")
    assert feed.unfollow(["A"], after(3)) == []


@pytest.mark.parametrize("code", [7, 10, 25])
def test_a_terminal_error_subscribes_anew_and_every_book_starts_anew(code):
    feed = feed_with_books()
    error = {"type": "error", "sid": SID, "seq": 2, "msg": {"code": code, "msg": "over"}}
    outputs = feed.receive(json.dumps(error), after(1))
    assert [event.kind for event in events(outputs)] == (["overflow"] if code == 25 else []) + ["resync"]
    [command] = commands(feed)
    assert command["cmd"] == "subscribe"
    feed.receive(subscribed(sid=9), after(2))
    [shown] = snapshots(feed.receive(snapshot(1, sid=9), after(2)))
    assert shown.epoch == 2
    assert commands(feed) == []


def test_a_subscription_that_keeps_ending_asks_for_another_connection():
    feed = feed_with_books()
    for _ in range(4):
        assert feed.reconnect_reason is None
        feed.receive(json.dumps({"type": "error", "msg": {"code": 25, "msg": "Buffer overflow"}}), NOW)
        feed.receive(subscribed(), NOW)
    assert "Buffer overflow" in feed.reconnect_reason


def test_a_refused_batch_is_halved_until_the_ticker_at_fault_is_alone():
    tickers = [f"T{number}" for number in range(9)]
    feed = KalshiFeed(tickers)
    feed.connected("s1", NOW)
    asked, taken, seq = 0, set(), 0
    while frames := commands(feed):
        for frame in frames:
            asked += 1
            batch = frame["params"]["market_tickers"]
            if "T5" in batch:
                feed.receive(
                    json.dumps({"id": frame["id"], "type": "error", "msg": {"code": 11, "msg": "bad"}}), NOW
                )
            elif frame["cmd"] == "subscribe":
                taken |= set(batch)
                feed.receive(json.dumps({**json.loads(subscribed()), "id": frame["id"]}), NOW)
            else:
                taken |= set(batch)
                seq += 1
                feed.receive(json.dumps({"id": frame["id"], "sid": SID, "seq": seq, "type": "ok"}), NOW)
    assert taken == set(tickers) - {"T5"}
    assert list(feed.refused) == ["T5"]
    assert asked < 12
    assert feed.reconnect_reason is None


def test_an_error_that_names_the_ticker_drops_only_it():
    feed = KalshiFeed(["A", "B", "C"])
    feed.connected("s1", NOW)
    [first] = commands(feed)
    error = {"id": first["id"], "type": "error", "msg": {"code": 11, "msg": "no", "market_ticker": "B"}}
    outputs = feed.receive(json.dumps(error), NOW)
    assert [(event.kind, event.market_id) for event in events(outputs)] == [("silence", "B")]
    [second] = commands(feed)
    assert second["params"]["market_tickers"] == ["A", "C"]


def test_too_many_commands_are_tried_again_later_but_not_for_ever():
    feed = KalshiFeed(["A"])
    feed.connected("s1", NOW)
    seconds = 0.0
    for _ in range(6):
        [command] = commands(feed)
        error = {"id": command["id"], "type": "error", "msg": {"code": 27, "msg": "slow down"}}
        feed.receive(json.dumps(error), after(seconds))
        assert commands(feed) == []
        seconds += 100
        feed.tick(after(seconds))
        if feed.reconnect_reason:
            break
    assert "slow down" in feed.reconnect_reason


def test_an_error_about_authorisation_ends_the_connection():
    feed = feed_with_books()
    feed.receive(json.dumps({"type": "error", "msg": {"code": 9, "msg": "Authentication required"}}), NOW)
    assert "Authentication required" in feed.reconnect_reason


@pytest.mark.parametrize(
    "code", [1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 26, 99]
)
def test_every_other_error_is_a_row_and_the_stream_goes_on(code):
    feed = feed_with_books()
    [row] = feed.receive(json.dumps({"id": 77, "type": "error", "msg": {"code": code, "msg": "hm"}}), NOW)
    assert row.reason == f"the venue answered error {code}: hm"
    assert feed.errors[code] == 1
    assert feed.reconnect_reason is None
    assert feed.snapshot_of(TICKER) is not None


def test_a_market_without_a_first_book_is_told_of_and_its_snapshot_asked_for():
    feed = KalshiFeed([TICKER])
    feed.connected("s1", NOW)
    feed.frames_to_send()
    feed.receive(subscribed(), NOW)
    [event] = feed.tick(after(10))
    assert (event.kind, event.market_id) == ("silence", TICKER)
    assert commands(feed)[0]["params"]["action"] == "get_snapshot"
    assert feed.reconnect_reason is None


def test_rest_books_never_heal_what_the_socket_lost():
    feed = feed_with_books()
    feed.receive(delta(3), after(1))
    assert feed.receive_book({"ticker": TICKER, **document(VENUE, "http_get_orderbook.json")}, after(2)) == []
    assert feed.books_wanted() == []
    assert feed.snapshot_of(TICKER) is None


@pytest.mark.parametrize("name", ["http_get_orderbook.json", "http_get_orderbook_2025.json"])
def test_rest_books_are_shown_where_no_socket_ever_spoke(name):
    feed = KalshiFeed([TICKER])
    feed.connected("polled", NOW)
    [shown] = snapshots(feed.receive_book({"ticker": TICKER, **document(VENUE, name)}, NOW))
    assert top(shown)[0][0] in [("0.27", "31.54"), ("0.27", "31")]
    assert feed.receive_book({"ticker": TICKER, **document(VENUE, name)}, after(2)) == []


# Many frames against an oracle


def test_after_any_frames_and_faults_every_book_we_vouch_for_equals_the_venues():
    seed = fresh_seed()
    random = Random(seed)
    tickers = ["A", "B", "C"]
    truth = {ticker: {"yes": {}, "no": {}} for ticker in tickers}
    feed = KalshiFeed(tickers)
    feed.connected("s", NOW)
    seq = 0
    queue: list[str] = []

    def whole(ticker):
        nonlocal seq
        seq += 1
        sides = {
            side: [[f"{tick / 100:.4f}", f"{size / 100:.2f}"] for tick, size in levels.items()]
            for side, levels in truth[ticker].items()
        }
        for levels in sides.values():
            random.shuffle(levels)
        return snapshot(seq, ticker, yes=sides["yes"], no=sides["no"])

    def change():
        nonlocal seq
        seq += 1
        ticker, side = random.choice(tickers), random.choice(["yes", "no"])
        levels = truth[ticker][side]
        # YES below 50 and NO below 50 never cross
        tick = random.randint(30, 49)
        old = levels.get(tick, 0)
        new = random.choice([0, random.randint(1, 500)])
        levels[tick] = new
        if not new:
            del levels[tick]
        return delta(seq, side, f"{tick / 100:.4f}", f"{(new - old) / 100:.2f}", ticker)

    def expected(ticker):
        sides = truth[ticker]
        bids = sorted(sides["yes"].items(), reverse=True)[:3]
        asks = sorted((100 - tick, size) for tick, size in sides["no"].items())[:3]
        return tuple(tuple((tick * 10_000, size * 10_000) for tick, size in side) for side in (bids, asks))

    vouched = shown = 0
    for step in range(6_000):
        at = NOW + timedelta(milliseconds=step)
        for command in commands(feed):
            if command["cmd"] == "subscribe":
                queue.append(json.dumps({**json.loads(subscribed()), "id": command["id"]}))
                queue += [None] * random.randint(0, 3)
                queue += command["params"]["market_tickers"]
            elif command["params"]["action"] == "get_snapshot":
                queue += [None] * random.randint(0, 5)
                queue += command["params"]["market_tickers"]
        fault = random.random()
        item = queue.pop(0) if queue else None
        if item in tickers:
            frames = [whole(item)]
        elif item is not None:
            frames = [item]
        elif fault < 0.005:
            change()
            continue
        elif fault < 0.02:
            frames = [change()] * 2
        elif fault < 0.025:
            frames = [change()[:50]]
        elif fault < 0.03:
            seq += 1
            frames = [
                json.dumps({"type": "ok", "sid": SID, "seq": seq}),
                '{"type":"ticker","msg":{}}',
                b"\xff",
            ]
        else:
            frames = [change()]
        missing = False
        for frame in frames:
            missing = missing or (isinstance(frame, str) and not frame.endswith("}"))
            for one in snapshots(feed.receive(frame, at)):
                shown += 1
                assert (one.bids, one.asks) == expected(one.market.market_id)
                assert not one.crossed
        if missing:
            # Nobody can know of a missing frame before the next one comes.
            for one in snapshots(feed.receive(change(), at)):
                assert (one.bids, one.asks) == expected(one.market.market_id)
        for ticker in tickers:
            ours = feed.snapshot_of(ticker)
            if ours is not None:
                vouched += 1
                assert (ours.bids, ours.asks) == expected(ticker), (seed, step, ticker)
    assert vouched > 6_000 * 3 * 0.8
    assert shown > 1_000
    assert feed.gaps > 20


@pytest.mark.parametrize("window", ["101900", "102000"])
def test_recorded_frames_end_in_the_books_of_an_independent_fold(window):
    [path] = fixture("kalshi/gold15m/events").glob(f"*{window}*.ndjson.gz")
    yes: dict[Decimal, Decimal] = {}
    no: dict[Decimal, Decimal] = {}
    feed = KalshiFeed()
    numbers: dict[int, int] = {}
    frames = 0
    # The files are slices of a wider subscription: numbered anew, as if it had been ours alone.
    with gzip.open(path, "rt") as lines:
        for line in lines:
            record = json.loads(line)
            event, at = record["event"], datetime.fromtimestamp(record["recv_ms"] / 1000, UTC)
            numbers[event["sid"]] = event["seq"] = numbers.get(event["sid"], 0) + 1
            outputs = feed.receive(json.dumps(event), at)
            assert not quarantined(outputs)
            frames += 1
            message = event["msg"]
            if event["type"] == "orderbook_snapshot":
                yes = {Decimal(price): Decimal(size) for price, size in message.get("yes_dollars_fp", ())}
                no = {Decimal(price): Decimal(size) for price, size in message.get("no_dollars_fp", ())}
            elif event["type"] == "orderbook_delta":
                side = yes if message["side"] == "yes" else no
                price = Decimal(message["price_dollars"])
                side[price] = side.get(price, Decimal(0)) + Decimal(message["delta_fp"])
                if side[price] == 0:
                    del side[price]
            if frames % 500 == 0 or outputs:
                ours = feed.snapshot_of(message["market_ticker"])
                assert [(one.price, one.size) for one in ours.bids] == sorted(yes.items(), reverse=True)[:3]
                assert [(one.price, one.size) for one in ours.asks] == sorted(
                    (1 - p, s) for p, s in no.items()
                )[:3]
                assert not ours.crossed
    assert frames > 20_000
    assert feed.gaps == feed.orphans == feed.unreadable_frames == 0


def test_a_recorded_stream_with_a_frame_left_out_is_a_gap():
    [path] = fixture("kalshi/gold15m/events").glob("*101900*.ndjson.gz")
    feed = KalshiFeed()
    with gzip.open(path, "rt") as lines:
        books = [event for line in lines if (event := json.loads(line)["event"])["sid"] == 1][:200]
    for number, event in enumerate(books, start=1):
        if number != 150:
            feed.receive(json.dumps({**event, "seq": number}), NOW)
    assert feed.gaps == 1
    assert feed.snapshot_of(books[0]["msg"]["market_ticker"]) is None


# Market documents


def kalshi_documents():
    event = document(VENUE, "http_get_events.json")["events"][0]
    return event["markets"][0], event, document(VENUE, "http_get_series.json")["series"][0]


def test_a_market_is_joined_with_its_event_and_series():
    market, event, series = kalshi_documents()
    found = read_market(market, event=event, series=series)
    assert (found.market_id, found.symbol, found.event_id, found.series_id) == (
        "KXBTCD-26JUL2502-T74299.99", "KXBTCD-26JUL2502-T74299.99", "KXBTCD-26JUL2502", "KXBTCD",
    )  # fmt: skip
    assert (found.category, found.subtitle) == ("Crypto", "$74,300 or above")
    assert found.event_title == "Bitcoin price (On Jul 25, 2026 at 2am EDT)"
    assert found.rules.count("\n\n") == 1
    assert found.resolution_source == "CF Benchmarks (https://www.cfbenchmarks.com/data/indices/BRTI)"
    assert (found.strike_type, found.floor_strike, found.cap_strike) == ("greater", Decimal("74299.99"), None)
    assert (found.tick_size, found.volume) == (Decimal("0.0010"), Decimal("114461.59"))
    assert (found.fee_type, found.fee_multiplier, found.mutually_exclusive) == ("quadratic", 1, False)
    assert found.close_time == datetime(2026, 7, 25, 6, tzinfo=UTC)
    assert (found.status, found.result) == ("active", None)


def test_what_nobody_told_is_unknown_and_not_zero():
    found = read_market(kalshi_documents()[0], event=None, series=None)
    assert (found.category, found.fee_type, found.fee_multiplier, found.mutually_exclusive) == (
        None,
        None,
        None,
        None,
    )


def test_a_fee_override_of_the_event_wins_over_the_series():
    market, event, series = kalshi_documents()
    event |= {"fee_type_override": "flat", "fee_multiplier_override": 0.5}
    found = read_market(market, event=event, series=series)
    assert (found.fee_type, found.fee_multiplier) == ("flat", Decimal("0.5"))


@pytest.mark.parametrize(
    "changed",
    [
        {"ticker": ""}, {"ticker": None}, {"close_time": "soon"}, {"close_time": 5}, {"floor_strike": "NaN"},
        {"volume_fp": "many"}, {"price_ranges": [7]}, {"price_ranges": [{"step": "x"}]}, {"title": ["x"]},
        {"rules_primary": {}},
    ],
)  # fmt: skip
def test_a_document_that_is_wrong_is_a_wire_error(changed):
    market, event, series = kalshi_documents()
    with pytest.raises(WireError):
        read_market({**market, **changed}, event=event, series=series)


@given(st.sampled_from(sorted(kalshi_documents()[0])), json_values, json_values, json_values)
def test_any_documents_are_a_market_or_a_wire_error(field, value, event, series):
    try:
        read_market({**kalshi_documents()[0], field: value}, event=event, series=series)
    except WireError:
        return


def test_recorded_listings_and_books_are_read():
    listed = json.loads(fixture("kalshi/rest/bobaoxu_kalshi_events.json").read_bytes())["events"]
    found = [read_market(market, event=event, series=None) for event in listed for market in event["markets"]]
    assert found
    assert all(market.category and market.resolution_source and market.tick_size for market in found)
    bids, asks = read_book(json.loads(fixture("kalshi/rest/bobaoxu_ext_kalshi-orderbook.json").read_bytes()))
    assert (max(bids)[0], min(asks)[0]) == (530_000, 540_000)
