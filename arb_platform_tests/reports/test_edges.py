"""Edges against a slow oracle that walks the books one step at a time in Decimal."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb_platform.domain.fees import Fill, order_fee, schedule_of, terms_of
from arb_platform.domain.markets import Market
from arb_platform.domain.units import units
from arb_platform.reports.edge_pairs import pair_row, pair_rows, risk
from arb_platform.reports.edge_walk import BOOK_COLUMNS
from arb_platform.reports.edges import COLUMNS, Thresholds, find_edges

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
    fees = (schedule_of(polymarket, START), schedule_of(kalshi, START))
    pair = pair_row("pair", polymarket, kalshi, orientation, fees)
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
    assert found.select("at", "size").rows() == [
        (START + timedelta(seconds=4), 150),
        (START + timedelta(seconds=5), 7),
    ]


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


def test_an_edge_ends_where_its_books_are_no_longer_vouched_for():
    # nothing changes between second 1 and 300, and for most of that time nobody knew
    late = book("kalshi", 300, [("0.50", "80")], [("0.52", "10")], sequence=2)
    fresh = book("polymarket", 301, [("0.38", "100")], [("0.40", "100")], sequence=2)
    gap = {"session_id": "skalshi", "market_id": None, "started_at": START + timedelta(seconds=30)}
    ended = {**DEAR, "session_ended_at": START + timedelta(seconds=20)}
    stale_at = START + timedelta(seconds=120) - timedelta(milliseconds=20)
    for found, until in (
        (edges(CHEAP, DEAR, late, fresh), stale_at),
        (edges(CHEAP, DEAR, late, fresh, doubts=[gap]), START + timedelta(seconds=30)),
        (edges(CHEAP, ended, late, fresh), START + timedelta(seconds=20)),
    ):
        assert found.select("reason", "until").rows() == [
            (None, until), ("stale", START + timedelta(seconds=301)), (None, None),
        ]  # fmt: skip


def test_the_same_edge_after_a_blind_spell_is_another_row():
    again = book("kalshi", 200, [("0.50", "80"), ("0.47", "100")], [("0.52", "9")], sequence=2)
    more = book("polymarket", 200, [("0.38", "100")], [("0.40", "100"), ("0.42", "50")], sequence=2)
    found = edges(CHEAP, DEAR, again, more)
    assert found["at"].to_list() == [START + timedelta(seconds=1), START + timedelta(seconds=200)]
    assert found.drop("at", "until", "book_age_ms", "skew_ms", "days_locked", "annualised").n_unique() == 1


def test_an_edge_over_midnight_is_a_row_of_each_day_without_a_hole():
    night = START + timedelta(seconds=60)
    first = find_day(start=START, end=night)
    second = find_day(start=night, end=night + timedelta(days=1))
    assert first.select("at", "until").row(0) == (START + timedelta(seconds=1), night)
    assert second.select("at", "until").row(0) == (
        night,
        START + timedelta(seconds=120) - timedelta(milliseconds=20),
    )


def find_day(*, start, end, pairs=None, whole=True):
    frame = pl.DataFrame([{name: row.get(name) for name in BOOKS} for row in (CHEAP, DEAR)], schema=BOOKS)
    known = pairs or [pair_row("pair", POLYMARKET, KALSHI, "same", (schedule_of(POLYMARKET, START), schedule_of(KALSHI, START)))]  # fmt: skip
    none = pl.DataFrame(schema=DOUBTS)
    return find_edges(known, frame, none, start=start, end=end, whole=whole, thresholds=SHARP)


def test_fees_that_change_within_the_day_count_from_their_moment_on():
    change = START + timedelta(seconds=30)
    end = START + timedelta(seconds=90)
    old, new = terms_of(KALSHI, START), replace(terms_of(KALSHI), fee_multiplier=D(3), valid_from=change)
    rows = pair_rows("pair", POLYMARKET, KALSHI, "same", start=START, end=end, terms=((), (old, new)))
    found = find_day(start=START, end=end, pairs=rows)
    assert found.select("at", "until").rows() == [(START + timedelta(seconds=1), change), (change, end)]
    assert found["fees_total"].to_list() == [D("1.809") + D("2.63"), D("1.2") + D("5.25")]
    # at three times the fee the last fifty no longer pay: 80 x .21 x .25 = 4.2; 20 x .21 x .2491 = 1.04622 -> 1.0463; 5.2463 -> 5.25
    assert found["size"].to_list() == [150, 100]


def test_a_pair_is_looked_at_only_while_it_is_one():
    rows = pair_rows(
        "pair", POLYMARKET, KALSHI, "same", start=START, end=START + timedelta(days=1),
        begins=START + timedelta(seconds=10), stops=START + timedelta(seconds=40),
    )  # fmt: skip
    found = find_day(start=START, end=START + timedelta(days=1), pairs=rows)
    assert found.select("at", "until").rows() == [
        (START + timedelta(seconds=10), START + timedelta(seconds=40))
    ]


@pytest.mark.parametrize(("price", "side"), [("0", "ask"), ("1", "bid")])
def test_a_price_of_0_or_1_is_no_quote_and_makes_no_edge(price, side):
    cheap = CHEAP if side == "bid" else book("polymarket", 0, [], [(price, "1000")])
    dear = DEAR if side == "ask" else book("kalshi", 1, [(price, "1000")], [])
    assert edges(cheap, dear).is_empty()
    assert edges(CHEAP, DEAR).height == 1


def test_after_a_market_has_closed_an_edge_is_refused_in_words():
    closed = replace(KALSHI, close_time=START + timedelta(seconds=1))
    row = edges(CHEAP, DEAR, kalshi=closed).row(0, named=True)
    assert (row["reason"], row["why"]) == ("resolution_risk", "trading ended at 2026-11-20 00:00 UTC")


@pytest.mark.parametrize(
    ("polymarket", "kalshi", "orientation", "words"),
    [
        ({}, {"market_type": "scalar"}, "same", "kalshi: a scalar market"),
        ({}, {}, "unknown", "which side is which"),
        ({"subtitle": "Other"}, {}, "same", 'polymarket: an "other" outcome'),
        ({"title": "Will another candidate win?", "mutually_exclusive": True}, {}, "same", '"other" outcome'),
        ({}, {"subtitle": "None of the above"}, "same", 'kalshi: an "other" outcome'),
        ({"rules": "If the game is cancelled, this market resolves 50-50."}, {}, "same", "half a dollar each"),
        ({}, {"rules": "If postponed, all contracts are voided and refunded."}, "same", "kalshi's rules can end in a refund or void"),
        ({}, {"rules": "Otherwise it settles at the last fair price."}, "same", "a fair or last price"),
    ],
)  # fmt: skip
def test_what_may_not_pay_a_dollar_is_a_risk_with_its_words(polymarket, kalshi, orientation, words):
    found = risk(replace(POLYMARKET, **polymarket), replace(KALSHI, **kalshi), orientation)
    assert words in found
    row = edges(CHEAP, DEAR, polymarket=replace(POLYMARKET, **polymarket), kalshi=replace(KALSHI, **kalshi), orientation=orientation)  # fmt: skip
    assert row.select("reason", "why").row(0) == ("resolution_risk", found)


def test_what_only_sounds_like_a_risk_is_none():
    void = {"rules": "If it is void, stakes are refunded."}
    assert risk(replace(POLYMARKET, **void), replace(KALSHI, **void), "same") is None
    plain = {
        "title": "Will the president visit another country?",
        "rules": "Holders avoid 50 to 60 per cent of it.",
    }
    assert risk(replace(POLYMARKET, **plain), KALSHI, "inverted") is None


def test_an_unknown_fee_says_whose_and_why():
    row = edges(CHEAP, DEAR, kalshi=replace(KALSHI, fee_type="flat")).row(0, named=True)
    assert row["why"] == "kalshi: no published amounts for fee_type 'flat', multiplier 1"


def test_a_rate_finer_than_nine_decimals_is_priced_exactly():
    fine = replace(POLYMARKET, fee_rate=D("0.050000000004"))
    # 1e6 contracts x .050000000004 x .24 = 12000.00000096 -> 12000.00000; a rate rounded up to 1e-9 would come to 12000.00024
    big = book("polymarket", 0, [], [("0.40", "1000000")])
    other = book("kalshi", 1, [("0.50", "1000000")], [])
    assert edges(big, other, polymarket=fine)["fees_total"].to_list() == [D(12000) + D(17500)]
