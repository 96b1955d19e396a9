"""Edges against a slow oracle that walks the books one step at a time in Decimal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb_platform.domain.fees import Fill, order_fee, schedule_of
from arb_platform.domain.markets import Market
from arb_platform.domain.units import units
from arb_platform.reports.edges import BOOK_COLUMNS, COLUMNS, Thresholds, find_edges, pair_row

D = Decimal
START = datetime(2026, 11, 20, tzinfo=UTC)
CLOSE = START + timedelta(days=73)
TIME = pl.Datetime("us", "UTC")
BOOKS = {
    "venue": pl.String, "market_id": pl.String, "session_id": pl.String, "exchange_time": TIME, "received_at": TIME,
    "sequence": pl.Int64, "crossed": pl.Boolean, "trusted": pl.Boolean, "session_ended_at": TIME,
    **dict.fromkeys(BOOK_COLUMNS, pl.Int64),
}  # fmt: skip
DOUBTS = {"session_id": pl.String, "market_id": pl.String, "started_at": TIME}
POLYMARKET = Market(
    "polymarket", "0xabc", "cut", "Will the Fed cut?", "", CLOSE - timedelta(days=1), "", fee_rate=D("0.05"),
    fee_exponent=D(1),
)  # fmt: skip
KALSHI = Market(
    "kalshi", "KXFED", "KXFED", "Fed cut?", "", CLOSE, "", fee_type="quadratic", fee_multiplier=D(1)
)
SHARP = Thresholds(min_net_edge=D(0), min_size=D(0))


def book(venue, seconds, bids, asks, *, sequence=1, trusted=True, crossed=False, ended=None, session="s"):
    """One snapshot; levels are (price, size) texts, best first."""
    at = START + timedelta(seconds=seconds)
    row = {
        "venue": venue, "market_id": "0xabc" if venue == "polymarket" else "KXFED", "session_id": session + venue,
        "exchange_time": at - timedelta(milliseconds=20), "received_at": at, "sequence": sequence, "crossed": crossed,
        "trusted": trusted, "session_ended_at": None if ended is None else START + timedelta(seconds=ended),
    }  # fmt: skip
    for side, levels in (("bid", bids), ("ask", asks)):
        for n, (price, size) in enumerate(levels, start=1):
            row[f"{side}{n}_px"], row[f"{side}{n}_sz"] = units(price), units(size)
    return row


def edges(
    *books, polymarket=POLYMARKET, kalshi=KALSHI, orientation="same", doubts=(), limits=SHARP, start=START
):
    frame = pl.DataFrame(
        [{name: row.get(name) for name in BOOKS} for row in books], schema=BOOKS, orient="row"
    )
    pair = pair_row("pair", polymarket, kalshi, orientation, START)
    doubted = pl.DataFrame(list(doubts), schema=DOUBTS, orient="row")
    return find_edges([pair], frame, doubted, start=start, thresholds=limits)


# YES costs 0.40 on Polymarket; NO costs 1 - 0.50 on Kalshi: ten cents before fees.
CHEAP = book("polymarket", 0, [("0.38", "100")], [("0.40", "100"), ("0.42", "50")])
DEAR = book("kalshi", 1, [("0.50", "80"), ("0.47", "100")], [("0.52", "10")])


def test_a_hand_computed_edge():
    row = edges(CHEAP, DEAR).row(0, named=True)
    # walk: 80 at .40 + .50; 20 at .40 + .53; 50 at .42 + .53 (gross .05, fees .01218 + .017437: still worth it)
    assert row["direction"] == "polymarket_yes+kalshi_no"
    assert row["size"] == 150
    assert row["gross_total"] == D(80) * D("0.10") + D(20) * D("0.07") + D(50) * D("0.05")
    # Polymarket: 100 x .05 x .24 = 1.2; 50 x .05 x .2436 = .609. Kalshi: 80 x .07 x .25 = 1.4; 70 x .07 x .2491 = 1.22059 -> 1.2206; 2.6206 -> 2.63
    assert row["fees_total"] == D("1.809") + D("2.63")
    assert row["net_total"] == D("11.9") - D("4.439")
    # whole contracts of net edge, cut at a billionth: 11.9 / 150 and 4.439 / 150
    assert (row["gross_edge"], row["fees"]) == (D("0.079333333"), D("0.029593334"))
    assert row["net_edge"] == row["gross_edge"] - row["fees"]
    assert (row["polymarket_px"], row["kalshi_px"]) == (D("0.40"), D("0.50"))
    assert row["days_locked"] == pytest.approx(73, abs=0.001)
    assert row["annualised"] == pytest.approx(0.049739666 / (1 - 0.049739666) * 5, rel=1e-4)
    assert row["reason"] is None
    assert row["fee_basis"] == "market/market"
    assert (row["book_age_ms"], row["skew_ms"]) == (1020, 1000)


def test_no_edge_is_no_row():
    assert edges(CHEAP, book("kalshi", 1, [("0.40", "80")], [("0.42", "10")])).is_empty()
    assert edges(CHEAP).is_empty()
    assert dict(edges(CHEAP).schema) == dict(edges(CHEAP, DEAR).schema) == COLUMNS


def test_an_inverted_pair_buys_the_same_word_on_both_venues():
    # Kalshi asks the opposite question: its YES at .52 pays when Polymarket's NO does
    found = edges(CHEAP, DEAR, orientation="inverted")
    assert found["direction"].to_list() == ["polymarket_yes+kalshi_yes"]
    assert (found["polymarket_px"][0], found["kalshi_px"][0], found["size"][0]) == (D("0.40"), D("0.52"), 10)


def test_the_other_direction_is_looked_at_too():
    found = edges(
        book("polymarket", 0, [("0.60", "10")], [("0.62", "10")]),
        book("kalshi", 1, [("0.45", "5")], [("0.47", "5")]),
    )
    assert found["direction"].to_list() == ["polymarket_no+kalshi_yes"]
    assert (found["polymarket_px"][0], found["kalshi_px"][0]) == (D("0.40"), D("0.47"))


def test_an_edge_that_does_not_change_is_one_row_with_its_end():
    same = [
        book("kalshi", n, [("0.50", "80"), ("0.47", "100")], [("0.52", str(n))], sequence=n)
        for n in (1, 2, 3)
    ]
    gone = book("kalshi", 4, [("0.30", "80")], [("0.52", "10")], sequence=4)
    again = book("kalshi", 5, [("0.50", "80"), ("0.47", "100")], [("0.52", "9")], sequence=5)
    found = edges(CHEAP, *same, gone, again)
    assert found.select("at", "until").rows() == [
        (START + timedelta(seconds=1), START + timedelta(seconds=4)),
        (START + timedelta(seconds=5), None),
    ]


def test_every_refusal_has_its_reason():
    ok = {"polymarket": POLYMARKET, "kalshi": KALSHI}
    late = START + timedelta(seconds=2)
    move = book("polymarket", 3, [("0.38", "100")], [("0.40", "99")], sequence=2)
    cases = {
        "crossed": edges(CHEAP, {**DEAR, "crossed": True}),
        "gap": edges(CHEAP, {**DEAR, "trusted": False}),
        "unknown_fee": edges(CHEAP, DEAR, kalshi=replace(KALSHI, fee_type="flat")),
        "resolution_risk": edges(CHEAP, DEAR, kalshi=replace(KALSHI, market_type="scalar")),
        "stale": edges(CHEAP, {**DEAR, "received_at": START + timedelta(seconds=121)}),
        "skewed": edges(CHEAP, {**DEAR, "received_at": START + timedelta(seconds=61)}),
        "too_small": edges(CHEAP, DEAR, limits=Thresholds(min_size=D(200))),
        "below_threshold": edges(CHEAP, DEAR, limits=Thresholds(min_net_edge=D("0.08"))),
    }
    assert {name: found["reason"].to_list() for name, found in cases.items()} == {
        name: [name] for name in cases
    }
    # events that make an old snapshot worthless after it was taken
    gap = {"session_id": "skalshi", "market_id": None, "started_at": late}
    assert edges(CHEAP, DEAR, move, doubts=[gap], **ok)["reason"].to_list() == [None, "gap"]
    own = {**gap, "market_id": "KXFED"}
    assert edges(CHEAP, DEAR, move, doubts=[own], **ok)["reason"].to_list() == [None, "gap"]
    other = {**gap, "market_id": "KXOTHER"}
    assert edges(CHEAP, DEAR, move, doubts=[other], **ok)["reason"].to_list() == [None, None]
    ended = {**DEAR, "session_ended_at": late}
    assert edges(CHEAP, ended, move)["reason"].to_list() == [None, "stale"]


def test_a_fresh_snapshot_after_a_gap_is_good_again():
    gap = {"session_id": "skalshi", "market_id": None, "started_at": START + timedelta(seconds=2)}
    fresh = book("kalshi", 3, [("0.50", "80")], [("0.52", "10")], sequence=2)
    assert edges(CHEAP, DEAR, fresh, doubts=[gap])["reason"].to_list() == [None, None]


def test_an_unknown_fee_leaves_the_net_unknown_and_not_the_gross():
    row = edges(CHEAP, DEAR, kalshi=replace(KALSHI, fee_multiplier=None)).row(0, named=True)
    assert row["gross_edge"] is not None
    assert [row[name] for name in ("fees", "net_edge", "fees_total", "net_total", "annualised")] == [None] * 5


def test_an_unknown_end_leaves_the_annual_return_unknown():
    assert edges(CHEAP, DEAR, kalshi=replace(KALSHI, close_time=None))["annualised"].to_list() == [None]


def test_an_exponent_other_than_one_is_priced_by_the_slow_exact_rule():
    squared = replace(POLYMARKET, fee_rate=D("0.25"), fee_exponent=D(2))
    row = edges(CHEAP, DEAR, polymarket=squared).row(0, named=True)
    # 100 x .25 x .24^2 = 1.44; 50 x .25 x .2436^2 = .7417620
    assert row["fees_total"] == D("1.44") + D("0.74176") + D("2.63")


def test_the_book_before_the_period_is_the_state_it_begins_with():
    found = edges(CHEAP, DEAR, book("polymarket", 5, [("0.38", "1")], [("0.40", "7")], sequence=2), start=START + timedelta(seconds=4))  # fmt: skip
    assert found["size"].to_list() == [7]


def test_the_order_of_rows_does_not_matter():
    rows = [CHEAP, DEAR, *(book("kalshi", n, [(f"0.{50 + n}", "80")], [], sequence=n) for n in range(2, 6))]
    assert edges(*rows).equals(edges(*reversed(rows)))


def oracle(poly, kalshi, direction):
    """Size, gross and fees of one state by filling contract pieces one level pair at a time."""
    asks = lambda row, yes: [  # noqa: E731
        (
            D(row[f"{'ask' if yes else 'bid'}{n}_px"]) / 10**6,
            D(row[f"{'ask' if yes else 'bid'}{n}_sz"]) / 10**6,
        )
        for n in (1, 2, 3)
        if row.get(f"{'ask' if yes else 'bid'}{n}_px") is not None
    ]
    ours = [(price if direction[0] else 1 - price, size) for price, size in asks(poly, direction[0])]
    theirs = [(price if direction[1] else 1 - price, size) for price, size in asks(kalshi, direction[1])]
    if not ours or not theirs or ours[0][0] + theirs[0][0] >= 1:
        return None
    i = j = 0
    left, right, fills, size, gross = ours[0][1], theirs[0][1], ({}, {}), D(0), D(0)
    while i < len(ours) and j < len(theirs):
        p, k = ours[i][0], theirs[j][0]
        marginal = sum(
            int(rate * price * (1 - price) * 10**6) for rate, price in ((D("0.05"), p), (D("0.07"), k))
        )
        if (i, j) != (0, 0) and (1 - p - k) * 10**6 - marginal <= 0:
            break
        piece = min(left, right)
        size, gross = size + piece, gross + piece * (1 - p - k)
        fills[0][p], fills[1][k] = fills[0].get(p, 0) + piece, fills[1].get(k, 0) + piece
        left, right = left - piece, right - piece
        if left == 0:
            i += 1
            left = ours[i][1] if i < len(ours) else D(0)
        if right == 0:
            j += 1
            right = theirs[j][1] if j < len(theirs) else D(0)
    fees = sum(
        order_fee(schedule_of(market, START), [Fill(*fill) for fill in some.items()])
        for market, some in ((POLYMARKET, fills[0]), (KALSHI, fills[1]))
    )
    return size, gross, fees


prices = st.lists(st.integers(1, 99), min_size=0, max_size=3, unique=True)
sizes = st.integers(1, 3000).map(lambda n: str(D(n) / 100))


@st.composite
def ladders(draw):
    """A book that is not crossed, in cents, up to three levels a side."""
    middle = draw(st.integers(20, 80))
    bids = sorted(draw(st.lists(st.integers(1, middle), max_size=3, unique=True)), reverse=True)
    asks = sorted(draw(st.lists(st.integers(middle + 1, 99), max_size=3, unique=True)))
    return tuple([(str(D(price) / 100), draw(sizes)) for price in side] for side in (bids, asks))


@settings(max_examples=60, deadline=None)
@given(ladders(), ladders(), st.sampled_from(["same", "inverted"]))
def test_columns_say_what_the_slow_walk_says(one, other, orientation):
    poly, kalshi = book("polymarket", 0, *one), book("kalshi", 1, *other)
    found = {
        row["direction"]: row for row in edges(poly, kalshi, orientation=orientation).iter_rows(named=True)
    }
    for yes in (True, False):
        kalshi_yes = yes if orientation == "inverted" else not yes
        name = f"polymarket_{'yes' if yes else 'no'}+kalshi_{'yes' if kalshi_yes else 'no'}"
        expected = oracle(poly, kalshi, (yes, kalshi_yes))
        row = found.pop(name, None)
        assert (row is None) == (expected is None)
        if row is not None:
            assert (row["size"], row["gross_total"], row["fees_total"]) == expected
            assert row["net_total"] == row["gross_total"] - row["fees_total"]
    assert not found
