"""Polymarket's market channel, frame by frame."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.domain.errors import WireError
from arb_platform.venues.polymarket import PolymarketFeed, read_market, tradable
from arb_platform.venues.polymarket_wire import book_hash, read_event, rest_book
from arb_platform_tests.faults.runs import fresh_seed
from arb_platform_tests.venues.wire import (
    CONDITION,
    NO,
    NOW,
    NOW_MS,
    SAMPLES,
    YES,
    after,
    document,
    events,
    fixture,
    polymarket,
    quarantined,
    sample,
    snapshots,
    top,
)  # fmt: skip

VENUE = "polymarket"


def feed_with_book(**market):
    feed = PolymarketFeed([polymarket(**market)])
    feed.connected("s1", NOW)
    feed.receive(sample(VENUE, "ws_book.json"), NOW)
    return feed


def price_change(*changes, market=CONDITION, ms=NOW_MS):
    """Changes as (asset, side, price, size, best_bid, best_ask)."""
    names = ("asset_id", "side", "price", "size", "best_bid", "best_ask")
    elements = [dict(zip(names, change, strict=True)) for change in changes]
    message = {
        "market": market,
        "price_changes": elements,
        "timestamp": str(ms),
        "event_type": "price_change",
    }
    return json.dumps(message).encode()


def test_every_sample_is_understood():
    known = sorted((SAMPLES / VENUE).glob("ws_*.json"))
    assert len(known) >= 15
    for path in known:
        feed = PolymarketFeed()
        outputs = feed.receive(path.read_bytes(), NOW)
        assert not quarantined(outputs), path.name
        assert feed.unreadable_frames == feed.unknown_frames == 0, path.name


def test_a_book_is_sorted_from_its_worst_first_wire_order_and_cut_at_emission():
    feed = PolymarketFeed([polymarket()], max_depth=2)
    [snapshot] = snapshots(feed.receive(sample(VENUE, "ws_book.json"), NOW))
    assert top(snapshot) == ([("0.07", "100"), ("0.06", "374.34")], [("0.08", "12.5"), ("0.09", "25")])
    assert snapshot.exchange_time == datetime(2026, 8, 14, 17, 27, 12, 337000, tzinfo=UTC)
    assert (snapshot.sequence, snapshot.epoch, snapshot.crossed) == (1, 1, False)
    # the levels below the cut are kept
    feed.receive(price_change((YES, "BUY", "0.07", "0", "0.06", "0.08")), NOW)
    assert top(feed.snapshot_of(CONDITION))[0] == [("0.06", "374.34"), ("0.05", "2200.8")]


@pytest.mark.parametrize("name", ["ws_book.json", "ws_book_array.json"])
def test_the_sibling_token_is_a_mirror_and_is_only_counted(name):
    feed = PolymarketFeed([polymarket()])
    assert len(snapshots(feed.receive(sample(VENUE, name), NOW))) == 1
    feed.receive(sample(VENUE, "ws_price_change.json"), NOW)
    assert top(feed.snapshot_of(CONDITION))[0][1] == ("0.06", "300")
    assert feed.mirrored == (2 if "array" in name else 1)


def test_the_book_is_that_of_the_markets_outcome():
    feed = PolymarketFeed([polymarket(outcome="No")])
    [snapshot] = snapshots(feed.receive(sample(VENUE, "ws_book_array.json"), NOW))
    assert top(snapshot)[0][0] == ("0.92", "12.5")


def test_the_owners_simplified_book_is_read():
    feed = PolymarketFeed()
    [snapshot] = snapshots(feed.receive(sample(VENUE, "ws_book_owner.json"), NOW))
    assert top(snapshot)[0] == [("0.55", "100"), ("0.54", "200")]
    assert snapshot.market.market_id == "0x1234..."
    assert snapshot.exchange_time == datetime.fromtimestamp(1234567890, UTC)


def test_without_markets_whatever_arrives_is_followed_under_the_first_token_that_has_a_book():
    feed = PolymarketFeed()
    [snapshot] = snapshots(feed.receive(sample(VENUE, "ws_book_array.json"), NOW))
    market = snapshot.market
    assert (market.market_id, market.symbol, market.asset_ids) == (CONDITION, YES, (YES,))
    assert feed.mirrored == 1


def test_a_condition_id_adopts_the_first_token_whose_book_comes_and_a_token_id_is_its_own_market():
    feed = PolymarketFeed([CONDITION])
    [snapshot] = snapshots(feed.receive(sample(VENUE, "ws_book_array.json"), NOW))
    assert snapshot.market.asset_ids == (YES,)
    bare = PolymarketFeed([NO])
    [snapshot] = snapshots(bare.receive(sample(VENUE, "ws_book_array.json"), NOW))
    assert snapshot.market.market_id == NO
    assert bare.strays == 1


@pytest.mark.parametrize(
    ("name", "asks"),
    [
        ("ws_price_change_2024.json", [("0.08", "12.5"), ("0.09", "25"), ("0.4", "3300")]),
        ("ws_price_change_single_2024.json", [("0.08", "12.5"), ("0.09", "25"), ("0.514", "21574.08")]),
    ],
)
def test_older_price_changes_are_applied(name, asks):
    feed = feed_with_book()
    [snapshot] = snapshots(feed.receive(sample(VENUE, name), NOW))
    assert top(snapshot)[1] == asks


def test_a_change_below_the_visible_levels_shows_nothing():
    feed = feed_with_book()
    assert feed.receive(price_change((YES, "BUY", "0.01", "5", "0.07", "0.08")), NOW) == []
    assert feed.receive(price_change((YES, "BUY", "0.07", "100", "0.07", "0.08")), NOW) == []
    # the negative control
    assert feed.receive(price_change((YES, "BUY", "0.07", "99", "0.07", "0.08")), NOW)


def test_a_change_before_the_first_book_is_an_orphan_and_the_book_is_asked_for():
    feed = PolymarketFeed([polymarket()])
    feed.connected("s1", NOW)
    [silence] = feed.receive(price_change((YES, "BUY", "0.06", "300", "0.07", "0.08")), NOW)
    assert (silence.kind, silence.ended_at) == ("silence", None)
    assert feed.orphans == 1
    assert feed.books_wanted() == [YES]
    assert feed.snapshot_of(CONDITION) is None
    book = {**document(VENUE, "http_get_book.json"), "timestamp": str(NOW_MS - 1)}
    [snapshot] = snapshots(feed.receive_book(book, after(1)))
    # what the socket told after the answer was made comes on top of it
    assert top(snapshot)[0] == [("0.06", "300"), ("0.05", "2200.8")]


def test_a_change_that_the_rest_book_contains_already_is_not_applied_again():
    feed = PolymarketFeed([polymarket()])
    feed.connected("s1", NOW)
    feed.receive(price_change((YES, "BUY", "0.06", "300", "0.07", "0.08")), NOW)
    book = {**document(VENUE, "http_get_book.json"), "timestamp": str(NOW_MS + 5)}
    [snapshot] = snapshots(feed.receive_book(book, after(1)))
    assert top(snapshot)[0] == [("0.06", "374.34"), ("0.05", "2200.8")]


def test_a_book_that_the_socket_keeps_is_not_replaced_by_an_older_one_over_rest():
    feed = feed_with_book()
    assert feed.receive_book(document(VENUE, "http_get_book.json"), after(1)) == []


def test_three_disagreements_with_the_stated_top_start_a_new_epoch_and_ask_for_the_book():
    feed = feed_with_book()
    wrong = [price_change((YES, "BUY", "0.01", str(size), "0.075", "0.08")) for size in (1, 2, 3)]
    assert not events(feed.receive(wrong[0], after(1)))
    assert not events(feed.receive(wrong[1], after(2)))
    outputs = feed.receive(wrong[2], after(3))
    [gap], [resync] = events(outputs, "gap"), events(outputs, "resync")
    assert (gap.started_at, gap.ended_at, gap.epoch, gap.market_id) == (after(1), after(3), 1, CONDITION)
    assert (resync.started_at, resync.ended_at) == (after(3), None)
    assert feed.snapshot_of(CONDITION) is None
    assert feed.books_wanted() == [YES]
    # no change is applied across the two epochs
    assert feed.receive(price_change((YES, "BUY", "0.07", "1", "0.07", "0.08")), after(4)) == []
    outputs = feed.receive(sample(VENUE, "ws_book.json"), after(5))
    [snapshot] = snapshots(outputs)
    assert (snapshot.epoch, snapshot.sequence) == (2, 2)
    [healed] = events(outputs, "resync")
    assert (healed.event_id, healed.ended_at) == (resync.event_id, after(5))


def test_two_disagreements_are_forgiven_but_what_was_shown_meanwhile_is_not_vouched_for():
    feed = feed_with_book()
    for second, stated in ((1, "0.075"), (2, "0.075")):
        assert not events(
            feed.receive(price_change((YES, "BUY", "0.01", "1", stated, "0.08")), after(second))
        )
    [doubt] = events(feed.receive(price_change((YES, "BUY", "0.01", "2", "0.07", "0.08")), after(3)))
    assert (doubt.kind, doubt.started_at, doubt.ended_at) == ("resync", after(1), after(3))
    assert feed.gaps == 0
    assert feed.snapshot_of(CONDITION) is not None


def test_the_top_is_compared_after_the_whole_message_only():
    feed = feed_with_book()
    # In between our best bid is 0.06; both elements state the top after both.
    changes = ((YES, "BUY", "0.07", "0", "0.075", "0.08"), (YES, "BUY", "0.075", "9", "0.075", "0.08"))
    for _ in range(4):
        outputs = feed.receive(price_change(*changes), NOW)
        assert not events(outputs)
    assert feed.gaps == 0


@pytest.mark.parametrize(("bid", "ask"), [("0", "1"), ("", "")])
def test_an_empty_side_is_stated_as_zero_or_one_or_nothing(bid, ask):
    feed = feed_with_book()
    removed = [(YES, "BUY", price, "0", bid, ask) for price in ("0.05", "0.06", "0.07")]
    removed += [(YES, "SELL", price, "0", bid, ask) for price in ("0.08", "0.09", "0.99")]
    for _ in range(3):
        feed.receive(price_change(*removed), NOW)
    assert top(feed.snapshot_of(CONDITION)) == ([], [])
    assert feed.gaps == 0


def test_a_new_tick_size_makes_the_book_stale_until_a_fresh_one():
    feed = feed_with_book()
    [event] = feed.receive(sample(VENUE, "ws_tick_size_change.json"), after(1))
    assert (event.kind, event.ended_at) == ("resync", None)
    assert feed.snapshot_of(CONDITION) is None
    [snapshot] = snapshots(feed.receive(sample(VENUE, "ws_book.json"), after(2)))
    assert snapshot.epoch == 2


def test_a_late_change_does_not_undo_a_newer_one_of_its_level():
    feed = feed_with_book()
    feed.receive(price_change((YES, "BUY", "0.07", "5", "0.07", "0.08"), ms=NOW_MS + 2), after(1))
    feed.receive(price_change((YES, "BUY", "0.07", "9", "0.07", "0.08"), ms=NOW_MS + 1), after(1))
    feed.receive(price_change((YES, "SELL", "0.08", "3", "0.07", "0.08"), ms=NOW_MS + 1), after(1))
    assert top(feed.snapshot_of(CONDITION)) == (
        [("0.07", "5"), ("0.06", "374.34"), ("0.05", "2200.8")],
        [("0.08", "3"), ("0.09", "25"), ("0.99", "50")],
    )
    assert feed.late == 2


def test_a_resolved_market_is_not_vouched_for_and_not_waited_for():
    feed = feed_with_book()
    feed.receive(sample(VENUE, "ws_market_resolved.json"), after(1))
    assert feed.resolved == {CONDITION: "Yes"}
    assert feed.snapshot_of(CONDITION) is None
    assert not events(feed.tick(after(60)))
    assert feed.markets[0].status == "resolved"


def test_a_new_market_is_a_hint_told_once_and_no_sign_of_life():
    feed = PolymarketFeed([polymarket()])
    for _ in range(3):
        feed.receive(sample(VENUE, "ws_new_market.json"), NOW)
    assert feed.markets_announced() == ["0x311d"]
    assert feed.last_market_frame_at is None
    assert feed.good_frames == 0


# What goes wrong


def test_one_bad_element_of_an_array_does_not_take_the_others_with_it():
    elements = [
        {"event_type": "book", "bids": 7},
        document(VENUE, "ws_book.json"),
        5,
        {"event_type": "surprise"},
    ]
    feed = PolymarketFeed([polymarket()])
    outputs = feed.receive(json.dumps(elements), NOW)
    assert len(snapshots(outputs)) == 1
    reasons = [row.reason for row in quarantined(outputs)]
    assert len(reasons) == 3
    assert "unknown event type: surprise" in reasons
    assert (feed.unreadable_frames, feed.unknown_frames) == (2, 1)


@pytest.mark.parametrize(
    "bad",
    [
        {"price": "NaN"}, {"price": "-0.01"}, {"price": "1.01"}, {"price": "9" * 200}, {"size": "-1"},
        {"size": "1e400"}, {"size": 5}, {"side": "HOLD"}, {"price": None}, {"best_bid": "x"},
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_believed_is_kept_and_ends_the_vouching_for_its_book(bad):
    feed = feed_with_book()
    message = json.loads(sample(VENUE, "ws_price_change.json"))
    message["price_changes"][0] |= bad
    outputs = feed.receive(json.dumps(message), after(1))
    assert len(quarantined(outputs)) == 1
    assert feed.unreadable_frames == 1
    assert [event.kind for event in events(outputs)] == ["gap", "resync"]
    assert feed.snapshot_of(CONDITION) is None
    assert feed.books_wanted() == [YES]


def test_a_bad_change_of_the_sibling_token_leaves_our_book_alone():
    feed = feed_with_book()
    message = json.loads(sample(VENUE, "ws_price_change.json"))
    message["price_changes"][1]["price"] = 7
    outputs = feed.receive(json.dumps(message), after(1))
    assert len(quarantined(outputs)) == 1
    assert top(snapshots(outputs)[0])[0][1] == ("0.06", "300")


def test_a_frame_that_was_cut_off_ends_the_vouching_for_the_books_it_names():
    feed = PolymarketFeed([polymarket(), polymarket(1)])
    feed.receive(sample(VENUE, "ws_book.json"), NOW)
    other = {**document(VENUE, "ws_book.json"), "market": f"0x{1:064x}", "asset_id": str(10**76 + 2)}
    feed.receive(json.dumps(other), NOW)
    feed.receive(sample(VENUE, "ws_price_change.json")[:150], after(1))
    assert feed.snapshot_of(CONDITION) is None
    assert feed.snapshot_of(f"0x{1:064x}") is not None
    # cut off before it said whom it is about
    feed.receive(b'{"mark', after(2))
    assert feed.snapshot_of(f"0x{1:064x}") is None


@pytest.mark.parametrize(
    "frame", [b"\x00\xff\xfe", b"hello", "not json", b"", b"3", b"null", b'"x"', b'{"event_type":7}']
)
def test_garbage_that_is_about_no_book_is_kept_and_the_books_stay(frame):
    feed = feed_with_book()
    [row] = feed.receive(frame, after(1))
    assert row.frame == (frame if isinstance(frame, bytes) else frame.encode())
    assert feed.snapshot_of(CONDITION) is not None


def test_an_unknown_kind_is_kept_counted_and_named():
    feed = feed_with_book()
    [row] = feed.receive(b'{"event_type":"price_flash","market":"0x1"}', after(1))
    assert row.reason == "unknown event type: price_flash"
    assert (feed.unknown_frames, feed.unreadable_frames) == (1, 0)
    assert feed.snapshot_of(CONDITION) is not None


def test_deep_nesting_and_huge_frames_are_rows_of_bounded_size():
    feed = PolymarketFeed([polymarket()])
    for frame in (b"[" * 200_000, b'{"a":' * 200_000, b"[" + b"1," * (20 * 1024 * 1024) + b"1]"):
        outputs = feed.receive(frame, NOW)
        [row] = quarantined(outputs)
        assert len(row.frame) <= 64 * 1024
        assert str(len(frame)) in row.reason


def test_an_array_of_a_thousand_bad_elements_is_not_a_thousand_rows():
    feed = PolymarketFeed([polymarket()])
    outputs = feed.receive(json.dumps([1] * 1000), NOW)
    assert len(outputs) == 21
    assert outputs[-1].reason.startswith("980 more")
    assert feed.unreadable_frames == 1000


@pytest.mark.parametrize("stamp", [0, "1", 4102444800000, str(NOW_MS + 5000), 10**30])
def test_a_clock_that_disagrees_is_one_event_per_episode(stamp):
    feed = feed_with_book()
    book = document(VENUE, "ws_book.json")
    found = []
    for second in (1, 2, 3):
        found += events(feed.receive(json.dumps({**book, "timestamp": stamp}), after(0.001 * second)))
    [begun] = found
    assert (begun.kind, begun.ended_at) == ("clock_skew", None)
    [ended] = events(feed.receive(json.dumps({**book, "timestamp": NOW_MS}), after(9)))
    assert (ended.event_id, ended.ended_at) == (begun.event_id, after(9))
    assert not events(feed.receive(json.dumps({**book, "timestamp": NOW_MS}), after(10)))


def test_an_impossible_time_is_not_shown_and_does_not_stop_later_changes():
    feed = feed_with_book()
    frame = price_change((YES, "BUY", "0.07", "5", "0.07", "0.08"), ms=4102444800000)
    [snapshot] = snapshots(feed.receive(frame, after(1)))
    assert snapshot.exchange_time is None
    frame = price_change((YES, "BUY", "0.07", "6", "0.07", "0.08"), ms=NOW_MS)
    [snapshot] = snapshots(feed.receive(frame, after(1)))
    assert top(snapshot)[0][0] == ("0.07", "6")


def test_a_crossed_book_is_shown_with_its_flag_and_one_event_from_start_to_end():
    feed = feed_with_book()
    outputs = feed.receive(price_change((YES, "BUY", "0.08", "1", "0.08", "0.08")), after(1))
    assert snapshots(outputs)[0].crossed
    [begun] = events(outputs, "crossed")
    outputs = feed.receive(price_change((YES, "BUY", "0.08", "2", "0.08", "0.08")), after(2))
    assert snapshots(outputs)[0].crossed
    assert not events(outputs)
    outputs = feed.receive(price_change((YES, "BUY", "0.08", "0", "0.07", "0.08")), after(3))
    assert not snapshots(outputs)[0].crossed
    [ended] = events(outputs, "crossed")
    assert (ended.event_id, ended.started_at, ended.ended_at) == (begun.event_id, after(1), after(3))


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_any_frame_at_all_is_taken_without_raising(frame):
    feed = feed_with_book()
    for output in feed.receive(frame, after(1)):
        assert output.received_at if quarantined([output]) else True


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_a_wire_error_and_nothing_else(frame):
    try:
        read_event(frame)
    except WireError:
        return


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(["market", "asset_id", "timestamp", "bids", "asks", "price_changes", "changes", "book", "event_type", "price", "size", "side", "hash"])  # fmt: skip


@given(st.sampled_from(sorted((SAMPLES / VENUE).glob("ws_*.json"))), fields, json_values)
def test_a_sample_with_any_field_replaced_by_anything_is_taken_without_raising(path, field, value):
    message = json.loads(path.read_bytes())
    for element in message if isinstance(message, list) else [message]:
        element[field] = value
    feed = feed_with_book()
    feed.receive(json.dumps(message), after(1))
    feed.receive_book(message, after(1))


@given(json_values)
def test_any_rest_answer_is_taken_without_raising(value):
    PolymarketFeed([polymarket()]).receive_book(value, NOW)


# The connection


def test_the_subscription_comes_first_in_batches_and_the_ping_ten_seconds_later():
    feed = PolymarketFeed([polymarket(number) for number in range(1, 251)])
    feed.connected("s1", NOW)
    frames = [json.loads(frame) for frame in feed.frames_to_send()]
    assert [len(frame["assets_ids"]) for frame in frames] == [100, 100, 50]
    assert frames[0]["type"] == "market"
    assert [frame.get("operation") for frame in frames] == [None, "subscribe", "subscribe"]
    assert all(frame["custom_feature_enabled"] for frame in frames)
    feed.tick(after(9))
    assert feed.frames_to_send() == []
    feed.tick(after(10))
    assert feed.frames_to_send() == ["PING"]


def test_a_pong_keeps_the_connection_and_thirty_seconds_without_one_end_it():
    feed = PolymarketFeed([polymarket()])
    feed.connected("s1", NOW)
    for second in range(0, 60, 5):
        feed.tick(after(second))
        feed.receive("PONG", after(second))
    assert feed.reconnect_reason is None
    for second in range(60, 100, 5):
        feed.tick(after(second))
    assert "no PONG" in feed.reconnect_reason
    assert feed.unreadable_frames == 0
    assert feed.last_market_frame_at is None


def test_a_ping_of_the_venue_is_answered():
    feed = feed_with_book()
    feed.frames_to_send()
    assert feed.receive(sample(VENUE, "ws_ping.txt"), after(1)) == []
    assert feed.receive(sample(VENUE, "ws_ping.txt").decode(), after(1)) == []
    assert feed.frames_to_send() == ["PONG", "PONG"]
    assert feed.unreadable_frames == 0


def test_markets_are_added_and_dropped_without_a_second_initial_subscription():
    feed = PolymarketFeed([polymarket(1)])
    feed.connected("s1", NOW)
    feed.frames_to_send()
    feed.follow([polymarket(), polymarket(1)])
    [frame] = feed.frames_to_send()
    assert json.loads(frame) == {
        "operation": "subscribe",
        "assets_ids": [YES],
        "custom_feature_enabled": True,
    }
    assert snapshots(feed.receive(sample(VENUE, "ws_book.json"), NOW))
    assert feed.unfollow([CONDITION], NOW) == []
    [frame] = feed.frames_to_send()
    assert json.loads(frame) == {"operation": "unsubscribe", "assets_ids": [YES]}
    assert feed.receive(sample(VENUE, "ws_book.json"), NOW) == []
    assert [market.market_id for market in feed.markets] == [f"0x{1:064x}"]


def test_a_reconnect_starts_every_book_anew_and_counts_snapshots_from_one():
    feed = feed_with_book()
    feed.receive(price_change((YES, "BUY", "0.07", "5", "0.07", "0.08")), NOW)
    feed.disconnected(after(1), "lost")
    assert feed.snapshot_of(CONDITION) is None
    feed.connected("s2", after(2))
    assert snapshots(feed.receive(price_change((YES, "BUY", "0.07", "9", "0.07", "0.08")), after(3))) == []
    [snapshot] = snapshots(feed.receive(sample(VENUE, "ws_book.json"), after(4)))
    assert (snapshot.epoch, snapshot.sequence, snapshot.session_id) == (2, 1, "s2")
    assert top(snapshot)[0][0] == ("0.07", "100")


def test_an_asset_without_a_first_book_is_told_of_and_asked_for_over_rest():
    feed = PolymarketFeed([polymarket()])
    feed.connected("s1", NOW)
    assert feed.tick(after(9)) == []
    [event] = feed.tick(after(10))
    assert (event.kind, event.market_id, event.started_at, event.ended_at) == (
        "silence",
        CONDITION,
        NOW,
        None,
    )
    assert feed.books_wanted() == [YES]
    assert feed.tick(after(11)) == []
    outputs = feed.receive_book(document(VENUE, "http_get_book.json"), after(12))
    assert len(snapshots(outputs)) == 1
    [ended] = events(outputs)
    assert (ended.event_id, ended.ended_at) == (event.event_id, after(12))


def test_open_events_end_with_the_connection():
    feed = feed_with_book()
    feed.receive(price_change((YES, "BUY", "0.08", "1", "0.08", "0.08")), after(1))
    feed.receive(sample(VENUE, "ws_tick_size_change.json"), after(2))
    [ended] = events(feed.disconnected(after(3), "lost"))
    assert (ended.kind, ended.ended_at) == ("resync", after(3))
    assert feed.disconnected(after(4), "lost") == []


def test_the_open_events_of_a_market_that_is_dropped_end_with_it():
    feed = feed_with_book()
    crossed = price_change((YES, "BUY", "0.9", "1", "0.9", "0.08"))
    [begun] = events(feed.receive(crossed, after(1)), "crossed")
    [ended] = feed.unfollow([CONDITION], after(2))
    assert (ended.event_id, ended.ended_at) == (begun.event_id, after(2))
    assert ended.detail.endswith("ended with the market, which is not followed any more")
    assert feed.disconnected(after(3), "lost") == []


# Hashes


def text_of(book):
    """What the venue hashes, written by hand from its description."""

    def levels(side):
        return "[" + ",".join(f'{{"price":"{one["price"]}","size":"{one["size"]}"}}' for one in side) + "]"

    risk = "true" if book["neg_risk"] else "false"
    return (
        f'{{"market":"{book["market"]}","asset_id":"{book["asset_id"]}","timestamp":"{book["timestamp"]}","hash":"",'
        f'"bids":{levels(book["bids"])},"asks":{levels(book["asks"])},"min_order_size":"{book["min_order_size"]}",'
        f'"tick_size":"{book["tick_size"]}","neg_risk":{risk},"last_trade_price":"{book["last_trade_price"]}"}}'
    )


def hashed_book(**changed):
    book = {**document(VENUE, "ws_book.json"), "min_order_size": "5", "neg_risk": False}
    sent = {name: value for name, value in book.items() if name not in ("min_order_size", "neg_risk")}
    sent["hash"] = hashlib.sha1(text_of(book).encode()).hexdigest()
    return json.dumps({**sent, **changed})


def test_the_hash_is_that_of_ten_fields_in_their_order():
    book = document(VENUE, "http_get_book.json")
    expected = hashlib.sha1(text_of(book).encode()).hexdigest()
    assert book_hash(rest_book(book), min_order_size=None, neg_risk=None) == expected
    assert book_hash(rest_book({**book, "tick_size": None}), min_order_size=None, neg_risk=None) is None


def test_a_book_with_another_hash_is_not_believed_once_the_hash_was_proved():
    feed = PolymarketFeed([polymarket(min_order_size=Decimal("5.0"), mutually_exclusive=False)])
    feed.connected("s1", NOW)
    assert snapshots(feed.receive(hashed_book(), NOW))
    assert feed.hashes_equal == 1
    flipped = hashed_book(bids=[{"price": "0.05", "size": "2200.8"}])
    outputs = feed.receive(flipped, after(1))
    assert [event.kind for event in events(outputs)] == ["gap", "resync"]
    assert feed.snapshot_of(CONDITION) is None
    assert feed.books_wanted() == [YES]


def test_a_hash_that_never_matched_is_advice_only():
    feed = PolymarketFeed([polymarket(min_order_size=Decimal(15), mutually_exclusive=False)])
    assert snapshots(feed.receive(hashed_book(), NOW))
    assert (feed.hashes_equal, feed.hashes_different) == (0, 1)
    without = PolymarketFeed([polymarket()])
    without.receive(hashed_book(), NOW)
    assert (without.hashes_equal, without.hashes_different) == (0, 0)


@pytest.mark.parametrize(
    ("path", "size", "risk"),
    [
        ("polymarket/rest/bobaoxu_polymarket-book.json", None, None),
        ("polymarket/rest/bobaoxu_polymarket_book.json", None, None),
        ("polymarket/real_frames/ws_book_full_pranay_2026-08-15.json", "5", False),
    ],
)
def test_hashes_of_recorded_books_are_reproduced(path, size, risk):
    book = json.loads(fixture(path).read_bytes())
    assert book_hash(rest_book(book), min_order_size=size, neg_risk=risk) == book["hash"]
    book["bids"][0]["size"] += "1"
    assert book_hash(rest_book(book), min_order_size=size, neg_risk=risk) != book["hash"]


def test_recorded_frames_are_read_without_a_single_quarantined_one():
    for path in sorted(fixture("polymarket/real_frames").glob("*.json")):
        feed = PolymarketFeed()
        assert not quarantined(feed.receive(path.read_bytes(), NOW)), path.name


# Many frames against an oracle


class World:
    """The venue's books of a few markets, and what it sends about them."""

    def __init__(self, random: Random, count: int) -> None:
        self.random = random
        self.markets = [polymarket(number) for number in range(1, count + 1)]
        self.books = [
            ({400 - 3 * n: 5 for n in range(6)}, {420 + 3 * n: 5 for n in range(6)}) for _ in self.markets
        ]
        self.ms = NOW_MS

    def px(self, tick):
        return f"{tick / 1000:g}"

    def book(self, number):
        bids, asks = self.books[number]
        market = self.markets[number]
        levels = [[{"price": self.px(p), "size": str(s)} for p, s in side.items()] for side in (bids, asks)]
        for side in levels:
            self.random.shuffle(side)
        return {
            "event_type": "book", "market": market.market_id, "asset_id": market.asset_ids[0],
            "timestamp": str(self.ms), "hash": "", "bids": levels[0], "asks": levels[1],
        }  # fmt: skip

    def change(self, number):
        self.ms += self.random.randint(0, 3)
        bids, asks = self.books[number]
        market = self.markets[number]
        elements = []
        for _ in range(self.random.randint(1, 3)):
            buy = self.random.random() < 0.5
            side = bids if buy else asks
            tick = (
                (409 - int(self.random.expovariate(0.1)))
                if buy
                else (411 + int(self.random.expovariate(0.1)))
            )
            size = self.random.choice([0, 0, 1, 2.5, 7])
            side.pop(tick, None)
            if size:
                side[tick] = size
            elements.append((buy, tick, size))
        best = self.px(max(bids)) if bids else "0", self.px(min(asks)) if asks else "1"
        mirror = self.px(1000 - min(asks)) if asks else "0", self.px(1000 - max(bids)) if bids else "1"
        changes = []
        for buy, tick, size in elements:
            changes.append((market.asset_ids[0], "BUY" if buy else "SELL", self.px(tick), str(size), *best))
            changes.append(
                (market.asset_ids[1], "SELL" if buy else "BUY", self.px(1000 - tick), str(size), *mirror)
            )
        return price_change(*changes, market=market.market_id, ms=self.ms)

    def top(self, number):
        bids, asks = self.books[number]
        return (
            tuple(
                (tick * 1000, round(size * 1_000_000))
                for tick, size in sorted(bids.items(), reverse=True)[:3]
            ),
            tuple((tick * 1000, round(size * 1_000_000)) for tick, size in sorted(asks.items())[:3]),
        )


def test_after_any_frames_and_faults_every_book_we_vouch_for_equals_the_venues():
    seed = fresh_seed()
    world = World(Random(seed), 4)
    random = world.random
    feed = PolymarketFeed(world.markets)
    number_of = {market.market_id: number for number, market in enumerate(world.markets)}
    feed.connected("s0", NOW)
    feed.receive(json.dumps([world.book(number) for number in range(4)]), NOW)
    shown = vouched = 0
    due: list[tuple[int, dict]] = []
    for step in range(6_000):
        number = random.randrange(4)
        at = datetime.fromtimestamp(world.ms / 1000, UTC) + timedelta(milliseconds=20)
        fault = random.random()
        if fault < 0.9:
            frames = [world.change(number)]
        elif fault < 0.92:
            frame = world.change(number)
            frames = [frame, frame]
        elif fault < 0.93:
            frames = [world.change(number)[:-40]]
        elif fault < 0.94:
            frames = [json.dumps(world.book(number)), b"PONG", b"[]", b'{"event_type":"surprise"}']
        elif fault < 0.95:
            change = {
                "asset_id": world.markets[number].asset_ids[0],
                "market": world.markets[number].market_id,
            }
            frames = [json.dumps({**change, "event_type": "tick_size_change", "timestamp": str(world.ms)})]
        elif fault < 0.951:
            feed.disconnected(at, "lost")
            feed.connected(f"s{step}", at)
            frames = [json.dumps([world.book(number) for number in range(4)])]
        else:
            frames = [
                "[" + world.change(number).decode() + ',{"event_type":"last_trade_price","asset_id":"1"}]'
            ]
        for frame in frames:
            for snapshot in snapshots(feed.receive(frame, at)):
                shown += 1
                assert (snapshot.bids, snapshot.asks) == world.top(number_of[snapshot.market.market_id])
        for asset in feed.books_wanted():
            owner = next(n for n, market in enumerate(world.markets) if asset in market.asset_ids)
            due.append((step + random.randint(0, 5), world.book(owner)))
        for when, book in [one for one in due if one[0] <= step]:
            due.remove((when, book))
            feed.receive_book(book, at)
        for market in world.markets:
            ours = feed.snapshot_of(market.market_id)
            if ours is not None:
                vouched += 1
                assert (ours.bids, ours.asks) == world.top(number_of[market.market_id]), (seed, step)
    # not by vouching for nothing
    assert vouched > 6_000 * 4 * 0.9
    assert shown > 1_000
    assert feed.gaps > 20


def test_a_lost_change_of_the_best_price_is_found_out():
    world = World(Random(5), 1)
    feed = PolymarketFeed(world.markets)
    feed.receive(json.dumps(world.book(0)), NOW)
    del world.books[0][0][max(world.books[0][0])]
    deep = [(world.markets[0].asset_ids[0], "BUY", "0.1", str(size), "0.397", "0.42") for size in (1, 2, 3)]
    found = []
    for change in deep:
        found += events(
            feed.receive(price_change(change, market=world.markets[0].market_id), after(1)), "gap"
        )
    assert len(found) == 1


# Market documents


def gamma(**changed):
    market = document(VENUE, "http_get_markets_keyset.json")["markets"][0]
    return {**market, **changed}


def test_a_gamma_market_is_read_whole():
    market = read_market(gamma())
    assert (market.market_id, market.asset_ids, market.outcomes) == (CONDITION, (YES, NO), ("Yes", "No"))
    assert (market.status, market.category, market.event_id) == ("active", "Politics", "411239")
    assert (market.event_title, market.subtitle) == ("Next Prime Minister of Ethiopia?", "Adanech Abiebie")
    assert (market.tick_size, market.min_order_size) == (Decimal("0.001"), Decimal(5))
    assert (market.fee_type, market.fee_rate, market.fee_exponent) == (
        "general_fees",
        Decimal("0.05"),
        Decimal(1),
    )
    assert (market.market_type, market.mutually_exclusive) == ("binary", True)
    assert market.close_time == datetime(2026, 6, 1, tzinfo=UTC)


def test_lists_are_read_as_lists_and_as_json_in_a_text():
    assert read_market(gamma(outcomes=["Up", "Down"], clobTokenIds=[YES, NO])).outcomes == ("Up", "Down")


def test_unknown_fees_are_none_and_disabled_fees_are_zero():
    assert read_market(gamma(feeSchedule=None)).fee_rate is None
    assert read_market(gamma(feesEnabled=None, feeSchedule=None)).fee_rate is None
    assert read_market(gamma(feesEnabled=False)).fee_rate == 0


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, "active"),
        ({"closed": True}, "closed"),
        ({"archived": True, "active": False}, "archived"),
        ({"active": False}, "inactive"),
        ({"acceptingOrders": False}, "paused"),
        ({"enableOrderBook": None}, "paused"),
    ],
)
def test_only_a_market_that_takes_orders_is_active(changed, status):
    assert read_market(gamma(**changed)).status == status
    assert tradable(gamma(**changed)) is (status == "active")


def test_position_ids_of_version_two_are_the_assets():
    market = read_market(gamma(version="v2", positionIds=["11", "22"]))
    assert market.asset_ids == ("11", "22")


@pytest.mark.parametrize(
    "changed",
    [
        {"conditionId": None}, {"question": ""}, {"outcomes": "[oops"},
        {"outcomes": 7}, {"clobTokenIds": '["1"]'}, {"clobTokenIds": '["a","b"]'}, {"endDate": "soon"},
        {"endDate": 5}, {"volumeNum": "NaN"}, {"volumeNum": True}, {"active": "yes"}, {"orderMinSize": "9" * 99},
        {"description": ["x"]}, {"question": {"a": 1}},
    ],
)  # fmt: skip
def test_a_document_that_is_wrong_is_a_wire_error(changed):
    with pytest.raises(WireError):
        read_market(gamma(**changed))


@given(st.sampled_from(sorted(document(VENUE, "http_get_markets_keyset.json")["markets"][0])), json_values)
def test_a_document_with_any_field_replaced_is_a_market_or_a_wire_error(field, value):
    try:
        read_market(gamma(**{field: value}))
    except WireError:
        return


@pytest.mark.parametrize("value", [None, [], "x", 3])
def test_what_is_no_object_is_a_wire_error(value):
    with pytest.raises(WireError):
        read_market(value)


def test_recorded_listings_are_read():
    found = []
    for path in ("drmanhattan_gamma_markets.json", "bobaoxu_polymarket_markets.json"):
        found += map(read_market, json.loads(fixture(f"polymarket/rest/{path}").read_bytes()))
    assert len(found) == 8
    assert all(len(market.asset_ids) == 2 and market.fee_rate is not None for market in found)
    assert replace(found[0], volume=None).content_hash == found[0].content_hash
