"""Pairs by date: what settled or changed since does not vanish from the day on which it was a pair."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from arb_platform.domain.markets import Listing
from arb_platform.domain.streams import StreamEvent
from arb_platform.reports.accepted import dated_pairs
from arb_platform.reports.edge_books import books_between, shared_books
from arb_platform.reports.edges import Thresholds
from arb_platform.reports.registry import run_report
from arb_platform.reports.report import Period
from arb_platform.storage.fee_versions import load_fee_terms
from arb_platform.storage.markets import save_listing
from arb_platform.storage.pairs import save_review
from arb_platform.storage.streams import event_rows
from arb_platform_tests.reports.world import (
    DAY,
    KALSHI,
    NOON,
    NOW,
    PAIR,
    POLYMARKET,
    add_books,
    add_pair,
    add_streams,
    book,
    open_lake,
    steps,
)

TODAY = Period(DAY, NOW)
TOMORROW = Period(DAY + timedelta(days=1), DAY + timedelta(days=2))


@pytest.fixture
def lake(tmp_path):
    with open_lake(tmp_path) as opened:
        add_pair(opened)
        add_streams(opened)
        add_books(opened, steps())
        yield opened


def listed(lake, market, at, *, others=()):
    save_listing(lake, Listing(market.venue, (market, *others), 1, at, at, complete=True, reason="last page"))


def edges(lake):
    return lake.query('SELECT * FROM lake.opportunities ORDER BY "at", direction')


def test_a_market_that_settled_in_the_middle_of_the_day_keeps_its_edges_and_the_report_says_so(lake):
    whole = run_report(lake, "opportunities", now=NOW)
    before = edges(lake)
    assert before["reason"].to_list() == [None, "stale", "gap"]
    # a listing of open markets without it: it has settled. Nobody may say that it never was a pair.
    gone = NOON + timedelta(minutes=20)
    listed(lake, replace(KALSHI, market_id="KXOTHER", symbol="KXOTHER"), gone)
    assert lake.query("SELECT * FROM lake.matched_pairs").is_empty()
    after = run_report(lake, "opportunities", now=NOW)
    assert edges(lake).rows() == before.head(1).rows()
    note = after.filter(scope="day")["note"].item()
    assert "1 pairs ended within the day: a market of theirs settled, went or changed its words" in note
    assert whole.filter(scope="day")["note"].item() == ""
    # and the day after there is nothing to look for
    assert dated_pairs(lake, TOMORROW) == []


def test_new_words_end_one_pair_and_do_not_begin_another(lake):
    assert len(dated_pairs(lake, TODAY)) == 1
    listed(lake, replace(KALSHI, rules="Other words."), NOON)
    [pair] = dated_pairs(lake, TODAY)
    assert (pair["begins"], pair["stops"]) == (None, NOON)


def test_an_expired_verdict_counts_for_its_time_and_a_later_refusal_for_all_of_it(lake):
    with lake.transaction() as connection:
        connection.execute("UPDATE verdicts SET valid_until = $1", [NOON])
    [pair] = dated_pairs(lake, TODAY)
    assert pair["stops"] == NOON
    assert dated_pairs(lake, TOMORROW) == []
    save_review(lake, PAIR.pair_hash, "accept", "read both", "ann", NOW)
    assert dated_pairs(lake, TODAY)[0]["stops"] is None
    save_review(lake, PAIR.pair_hash, "reject", "read again", "bob", NOW + timedelta(hours=1))
    assert dated_pairs(lake, TODAY) == []


def test_a_fee_change_is_a_version_and_splits_the_day(lake):
    dear = replace(KALSHI, fee_multiplier=Decimal(2))
    moment = NOON + timedelta(seconds=31)
    listed(lake, dear, moment)
    listed(lake, dear, moment + timedelta(hours=1))  # nothing new: no version
    versions = load_fee_terms(lake, [KALSHI.market_id, POLYMARKET.market_id])
    assert [one.fee_multiplier for one in versions["kalshi", KALSHI.market_id]] == [1, 2]
    assert len(versions["polymarket", POLYMARKET.market_id]) == 1
    # the market keeps one version of its words
    assert lake.query("SELECT count(*) AS n FROM lake.market_versions")["n"].item() == 2
    run_report(lake, "opportunities", now=NOW)
    first, second = edges(lake).head(2).iter_rows(named=True)
    assert (first["until"], second["at"]) == (moment, moment)
    # 80 x .05 x .24 = .96; 80 x .07 x .25 = 1.4, then twice that
    assert (first["fees_total"], second["fees_total"]) == (Decimal("2.36"), Decimal("3.76"))


def test_a_replay_of_the_same_day_gives_the_same_rows_and_none_twice(lake):
    run_report(lake, "opportunities", now=NOW)
    first = edges(lake)
    assert not first.select("pair_hash", "at", "direction").is_duplicated().any()
    run_report(lake, "opportunities", now=NOW, recompute=True)
    assert edges(lake).equals(first)
    # from another lake, written in another order
    later = NOW + timedelta(days=1)
    run_report(lake, "opportunities", since=DAY.date(), now=later, recompute=True)
    replayed = edges(lake)
    assert replayed.equals(first.with_columns(until=replayed["until"]))


def test_thresholds_are_settings_of_a_run(lake):
    run_report(
        lake, "opportunities", now=NOW, thresholds=Thresholds(stale_after_ms=3_600_000, max_skew_ms=3_600_000)
    )
    assert edges(lake)["reason"].to_list() == [None, None, "gap"]
    run_report(lake, "opportunities", now=NOW, thresholds=Thresholds(min_net_edge=Decimal("0.5")))
    assert edges(lake)["reason"].to_list() == ["below_threshold", "stale", "gap"]


def day_row(lake, **options):
    return run_report(lake, "opportunities", now=NOW, **options).filter(scope="day").row(0, named=True)


def test_bad_days_are_told_apart_in_words(tmp_path):
    with open_lake(tmp_path / "a") as lake:
        assert (day_row(lake)["state"], day_row(lake)["note"]) == ("empty", "no pair is accepted, so there is no edge to look for")  # fmt: skip
        add_pair(lake)
        assert day_row(lake)["note"] == "no snapshot of either venue landed on this day"
        add_books(lake, [next(steps())])
        row = day_row(lake)
        assert (row["state"], row["note"]) == ("failed", "1 pairs could not be checked: nothing landed from kalshi on this day")  # fmt: skip
    with open_lake(tmp_path / "b") as lake:
        add_pair(lake)
        listed(lake, replace(KALSHI, fee_type="flat"), DAY + timedelta(hours=1))
        odd = book("kalshi", NOON + timedelta(seconds=90), ("1.00", "80"), ("0.00", "80"), 2)
        add_books(lake, [*list(steps())[:2], odd])
        row = day_row(lake)
        assert "the fees of 1 pairs are not known" in row["note"]
        assert "1 books had 0 or 1 as a best price, which is no quote" in row["note"]
        assert edges(lake)["reason"].to_list() == ["unknown_fee"]


def test_every_report_says_a_day_without_rows_apart_from_a_day_that_failed(tmp_path):
    with open_lake(tmp_path) as lake:
        empty = {name: set(run_report(lake, name, now=NOW)["state"]) for name in ("latency", "continuity", "opportunities", "lead_lag")}  # fmt: skip
        assert empty == {name: {"empty"} for name in empty}
        add_streams(lake)  # connections, and nothing came over them
        failed = {name: set(run_report(lake, name, now=NOW)["state"]) for name in ("latency", "continuity")}
        assert failed == {name: {"failed"} for name in failed}


def test_what_is_in_doubt_is_exactly_what_the_view_of_trusted_books_leaves_out(lake):
    """The quick way round of `books_trusted`, with events of each of its three kinds."""
    events = [
        StreamEvent("a", "polymarket", "silence", NOON, NOON + timedelta(seconds=1), None, "s-polymarket"),
        StreamEvent("b", "kalshi", "resync", NOON + timedelta(seconds=50), NOON + timedelta(seconds=70), KALSHI.market_id, ""),
        StreamEvent("c", "kalshi", "gap", NOON, NOON, KALSHI.market_id, "s-kalshi"),
        StreamEvent("d", "kalshi", "reconnect", NOON, None, None, "s-kalshi"),
        StreamEvent("e", "kalshi", "gap", NOON, None, KALSHI.market_id, "s-kalshi", epoch=0),
    ]  # fmt: skip
    lake.append("stream_events", pl.DataFrame(event_rows(events)))
    markets = [POLYMARKET.market_id, KALSHI.market_id]
    books = books_between(lake, DAY, NOW, markets)
    mine = set(books.filter("trusted").select("session_id", "sequence").rows())
    theirs = set(lake.query("SELECT session_id, sequence FROM lake.books_trusted").rows())
    assert mine == theirs
    assert 0 < len(mine) < books.height
    shared = list(shared_books(lake, DAY, NOW, [dated_pairs(lake, TODAY), []]))
    order = ["received_at", "venue"]
    assert shared[0].sort(order).equals(books.sort(order))
    assert shared[1].is_empty()
