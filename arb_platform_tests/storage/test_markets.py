import os
import time
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb_platform.domain.markets import Listing, Market
from arb_platform.storage.intake import MarketIntake
from arb_platform.storage.market_rows import market_frame, read_market
from arb_platform.storage.markets import ListingChange, load_markets, save_listing
from arb_platform_tests.storage.samples import NOON, listing, market

TEXT = st.text(st.characters(), max_size=20)  # lone surrogates and NUL included
MAYBE = st.none() | TEXT
NUMBER = st.none() | st.decimals(allow_nan=False, allow_infinity=False)
TIME = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
MARKETS = st.builds(
    Market, venue=st.just("kalshi"), market_id=TEXT, symbol=TEXT, title=TEXT, rules=TEXT, close_time=st.none() | TIME,
    resolution_source=TEXT, outcome=TEXT, event_id=MAYBE, category=MAYBE, subtitle=TEXT, event_title=TEXT, series_id=MAYBE,
    outcomes=st.lists(TEXT, max_size=3).map(tuple), asset_ids=st.lists(TEXT, max_size=3).map(tuple), status=TEXT,
    market_type=TEXT, mutually_exclusive=st.none() | st.booleans(), tick_size=NUMBER, min_order_size=NUMBER,
    strike_type=MAYBE, floor_strike=NUMBER, cap_strike=NUMBER, fee_type=MAYBE, fee_rate=NUMBER, fee_exponent=NUMBER,
    fee_multiplier=NUMBER, volume=NUMBER, result=MAYBE,
)  # fmt: skip


@given(MARKETS)
@settings(max_examples=100, deadline=None)
def test_any_market_comes_back_from_its_row_as_it_was(one):
    [row] = market_frame([one]).to_dicts()
    again = read_market(row)
    assert (again, again.content_hash) == (one, one.content_hash)
    assert row["content_hash"] == one.content_hash


def test_a_market_comes_back_from_the_lake_with_every_field(lake):
    full = market(
        "KX-FULL", outcome="No", event_id="E", category="Economics", subtitle="sub", event_title="CPI", series_id="S",
        outcomes=("Yes", "No"), asset_ids=("7" * 77, "8" * 77), market_type="binary", mutually_exclusive=False,
        tick_size=Decimal("0.01"), min_order_size=Decimal(5), strike_type="greater", floor_strike=Decimal("3.0000000000001"),
        cap_strike=Decimal("1E+30"), fee_type="quadratic", fee_rate=Decimal("0.07"), fee_exponent=Decimal(1),
        fee_multiplier=Decimal("0.5"), volume=Decimal("123.456"), result="", title="\ud800 “quoted” \x00",
    )  # fmt: skip
    save_listing(lake, listing(full, market("KX-PLAIN")))
    plain, loaded = sorted(load_markets(lake, "kalshi"), key=lambda one: one.market_id != "KX-PLAIN")
    for field in fields(Market):
        assert getattr(loaded, field.name) == getattr(full, field.name), field.name
    assert (plain, loaded.content_hash) == (market("KX-PLAIN"), full.content_hash)
    assert str(loaded.tick_size) == "0.01"  # and not 0.010000
    numbers = lake.query("SELECT floor_strike, cap_strike FROM markets WHERE market_id = 'KX-FULL'").row(0)
    assert numbers == (Decimal("3.000000000000"), None)  # as near as SQL can have it


def test_versions_follow_the_meaning_and_other_fields_follow_the_venue(lake):
    a, b, c = market("A"), market("B"), market("C")
    later = NOON + timedelta(hours=1)
    assert save_listing(lake, listing(a, b, c)) == ListingChange(3, 0, 0, 0)
    assert save_listing(lake, listing(a, b, c)) == ListingChange(0, 0, 0, 3)
    changed, closed = market("A", rules="Other."), market("B", status="closed", volume=Decimal(7))
    assert save_listing(lake, listing(changed, closed, c, market("D"), at=later)) == ListingChange(1, 1, 0, 2)
    versions = lake.query("SELECT market_id, rules, status, valid_from, valid_to FROM market_versions WHERE market_id < 'C' ORDER BY market_id, valid_from")  # fmt: skip
    assert versions.rows() == [
        ("A", a.rules, "active", NOON, later),
        ("A", "Other.", "active", later, None),
        ("B", b.rules, "closed", NOON, None),
    ]
    assert load_markets(lake, "kalshi") == [changed, c, market("D")]
    assert load_markets(lake, "kalshi", active_only=False, ids=["B", "A", "nobody"]) == [changed, closed]
    assert load_markets(lake, "kalshi", ids=[]) == []
    assert load_markets(lake, "polymarket") == []


def test_only_a_whole_listing_that_has_markets_proves_that_others_are_gone(lake):
    save_listing(lake, listing(market("A"), market("B")))
    assert save_listing(lake, listing(market("A"), complete=False)).gone == 0
    assert save_listing(lake, listing()).gone == 0
    assert len(load_markets(lake, "kalshi")) == 2
    later = NOON + timedelta(hours=2)
    assert save_listing(lake, listing(market("A"), at=later)) == ListingChange(0, 0, 1, 1)
    assert load_markets(lake, "kalshi") == [market("A")]
    assert lake.query("SELECT valid_to, gone FROM market_versions WHERE market_id = 'B'").rows() == [
        (later, True)
    ]
    assert save_listing(lake, listing(market("A"), market("B"), at=later)).new == 1  # it came back


def test_a_listing_is_a_row_with_its_counts(lake):
    save_listing(lake, listing(market("A"), market("A"), market("B")))
    row = lake.query("SELECT * FROM listings").row(0, named=True)
    assert (row["row_count"], row["pages"], row["duration_s"], row["complete"]) == (2, 2, 5.0, True)
    assert (row["new"], row["skipped"]) == (2, '{"not binary": 3}')


def handed_on(*pages, complete=True):
    return Listing("kalshi", (), 2, NOON, NOON, complete, "end", handed_on=len({one.market_id for page in pages for one in page}))  # fmt: skip


def test_markets_handed_on_page_by_page_are_stored_as_if_they_came_at_once(lake, tmp_path):
    odd = market("KX-ODD", title="\ud800", floor_strike=Decimal("3.0000000000001"), outcomes=("A", "B", "C"))
    pages = ([market("A"), odd], [], [market("B"), market("A", rules="Edited.")])
    with MarketIntake(tmp_path / "intake", at=NOON) as intake:
        for page in pages:
            intake.add(page)
        assert save_listing(lake, handed_on(*pages), intake) == ListingChange(3, 0, 0, 0)
        path = intake.path
        assert path.exists()
    assert not path.exists()
    stored = {one.market_id: one for one in load_markets(lake, "kalshi")}
    assert stored == {"A": market("A", rules="Edited."), "B": market("B"), "KX-ODD": odd}
    with MarketIntake(tmp_path / "intake", at=NOON) as intake:
        intake.add([market("B")])
        assert save_listing(lake, handed_on([market("B")]), intake) == ListingChange(0, 0, 2, 1)
    assert lake.query("SELECT row_count FROM listings ORDER BY row_count").rows() == [(1,), (3,)]


def test_more_markets_than_are_kept_in_memory_are_all_stored(lake, tmp_path):
    with MarketIntake(tmp_path / "it's here", at=NOON) as intake:
        for start in range(0, 4_500, 100):
            intake.add([market(f"KX-{number}") for number in range(start, start + 100)])
        assert len(intake._waiting) < 2_000
        assert save_listing(lake, handed_on(), intake).new == 4_500


def test_what_a_killed_listing_left_is_swept_after_a_day(tmp_path):
    old, young = tmp_path / "old.incoming", tmp_path / "young.incoming"
    for path, age in ((old, timedelta(days=2)), (young, timedelta(minutes=5))):
        path.touch()
        os.utime(path, ((NOON - age).timestamp(),) * 2)
    with MarketIntake(tmp_path, at=NOON):
        assert not old.exists()
        assert young.exists()


def test_one_venue_does_not_touch_the_other(lake):
    save_listing(lake, listing(market("A")))
    save_listing(lake, listing(market("A", "polymarket")))
    assert save_listing(lake, listing(market("B"))) == ListingChange(1, 0, 1, 0)
    assert [one.market_id for one in load_markets(lake, "polymarket")] == ["A"]


def test_a_close_time_without_a_zone_is_refused(lake):
    with pytest.raises(ValueError, match="time zone"):
        save_listing(lake, listing(market(close_time=datetime(2026, 1, 1))))


def test_ten_thousand_markets_are_saved_without_a_row_by_row_insert(lake):
    many = tuple(market(f"M-{n}", rules="r" * 300) for n in range(10_000))
    began = time.process_time()
    assert save_listing(lake, Listing("kalshi", many, 10, NOON, NOON, True, "end")).new == 10_000
    spent = time.process_time() - began
    print(f"10,000 markets: {spent:.2f} CPU s")
    assert spent < 8  # executemany takes about 20
