"""The samples cover every message of both venues, every generation, and each says where it is from."""

import re
from fnmatch import fnmatch

from arb_platform_tests.venues.wire import SAMPLES

# By message: the samples of its generations.
NEEDED = {
    "polymarket": {
        "book": {"ws_book", "ws_book_array", "ws_book_after_trade", "ws_book_buys_sells_2023", "ws_book_owner"},
        "arrays": {"ws_array_mixed", "ws_empty_array"},
        "price_change": {"ws_price_change", "ws_price_change_removal", "ws_price_change_2024", "ws_price_change_single_2024"},
        "others": {"ws_tick_size_change", "ws_last_trade_price", "ws_best_bid_ask", "ws_new_market", "ws_market_resolved"},
        "keep-alive": {"ws_ping", "ws_pong"},
    },
    "kalshi": {
        "answers": {"ws_subscribed", "ws_ok", "ws_ok_top_level", "ws_ok_list_subscriptions", "ws_unsubscribed"},
        "error": {"ws_error", "ws_error_overflow", "ws_error_ticker"},
        "snapshot": {f"ws_orderbook_snapshot{end}" for end in ("", "_cents", "_transitional", "_one_side", "_no_sides", "_owner")},
        "delta": {f"ws_orderbook_delta{end}" for end in ("", "_cents", "_transitional")},
        "ticker and trade": {"ws_ticker", "ws_ticker_transitional", "ws_trade", "ws_trade_cents"},
        "market_lifecycle_v2": {
            f"ws_market_lifecycle_v2_{kind}"
            for kind in (
                "created", "activated", "deactivated", "close_date_updated", "determined", "settled",
                "price_level_structure_updated", "metadata_updated",
            )
        },
        "event": {"ws_event_lifecycle", "ws_event_fee_update"},
    },
}  # fmt: skip


def test_every_message_of_every_generation_has_a_sample():
    for venue, messages in NEEDED.items():
        there = {path.stem for path in (SAMPLES / venue).glob("ws_*")}
        assert there == set.union(*messages.values()), venue


def sources(text):
    """(venue, pattern) of every sample that is named."""
    for first in re.findall(r"^\| (.+?) \|", text, re.MULTILINE):
        venue = ""
        for word, name in re.findall(r"(polymarket|kalshi) |`([^`]+)`", first):
            venue = word or venue
            if name:
                yield venue, name


def unsourced(text):
    named = list(sources(text))
    return [
        path.name
        for path in SAMPLES.glob("*/*")
        if not any(path.parent.name == venue and fnmatch(path.name, pattern) for venue, pattern in named)
    ]


def test_every_sample_says_where_it_is_from():
    text = (SAMPLES / "SOURCES.md").read_text()
    assert unsourced(text) == []
    assert unsourced(text.replace("`ws_new_market.json`", "")) == ["ws_new_market.json"]
