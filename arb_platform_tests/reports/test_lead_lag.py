"""Known answers: a made leader is found with its lag, and where there is none, none is named."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from arb_platform.reports import lead_lag
from arb_platform.reports.leads import WINDOW_BARS, lead_of, stable_leader
from arb_platform.reports.report import Period

DAY = datetime(2026, 11, 20, tzinfo=UTC)
PERIOD = Period(DAY, DAY + timedelta(days=1))
HOURS = 12


def walk(seed, *, busy=0.3, bars=HOURS * 720):
    """A price that moves in some bars only, in whole cents."""
    drawn = np.random.default_rng(seed)
    moves = np.where(drawn.random(bars) < busy, drawn.choice([-0.01, 0.01], bars), 0.0)
    return 0.5 + np.cumsum(moves)


def follower(price, lag, seed, noise=0.1):
    """``price`` some bars later, with moves of its own besides."""
    late = np.concatenate([np.full(lag, price[0]), price[:-lag]]) if lag else price
    return late + walk(seed, busy=noise, bars=len(price)) - 0.5


@pytest.mark.parametrize("lag", [1, 2, 6, 12])
def test_a_made_leader_is_found_with_its_lag_whichever_it_is(lag):
    leader = walk(1)
    late = follower(leader, lag, seed=2)
    found = lead_of(leader, late)
    assert (found.leader, found.lag_bars) == (1, lag)
    assert found.first >= found.windows - 1 > 20
    assert found.correlation > 0.5
    other = lead_of(late, leader)
    assert (other.leader, other.lag_bars, other.second) == (-1, lag, found.first)


def test_where_both_move_at_once_or_apart_nobody_leads():
    price = walk(1)
    assert lead_of(price, follower(price, 0, seed=2)).leader == 0
    named = [lead_of(walk(seed), walk(seed + 1000)) for seed in range(40)]
    assert all(lead.leader == 0 for lead in named)
    # and hardly any single window is fooled: 40 x 23 of them were asked
    assert sum(lead.first + lead.second for lead in named) < 0.03 * sum(lead.windows for lead in named)


def test_a_lead_that_changes_hands_is_no_lead():
    price = walk(1)
    pieces = np.split(np.diff(price, prepend=price[0]), range(WINDOW_BARS, len(price), WINDOW_BARS))
    shifted = [np.roll(piece, 3 if number % 2 else -3) for number, piece in enumerate(pieces)]
    found = lead_of(price, 0.5 + np.cumsum(np.concatenate(shifted)))
    assert found.first > 5
    assert found.second > 5
    assert found.leader == 0


def test_three_of_four_windows_in_a_row_must_agree():
    assert stable_leader([1, 1, 0, 1]) == 1
    assert stable_leader([-1, 0, -1, -1]) == -1
    assert stable_leader([1, 1, 0, 0, 1, 1]) == 0  # four of six, and never three of four
    assert stable_leader([1, 1, 1]) == 0  # not yet four
    assert stable_leader([1, 1, 1, 0, -1, -1, -1]) == 0  # as often the one as the other


def test_one_jump_after_a_pause_does_not_make_a_pattern():
    one, other = walk(3), walk(4)
    one[2000:] += 0.4
    other[2002:] += 0.4
    assert lead_of(one, other).leader == 0


def test_prices_that_hardly_move_tell_nothing():
    still = np.full(HOURS * 720, 0.5)
    assert lead_of(still, walk(1)).windows == 0
    assert lead_of(walk(1, busy=0.01), walk(2)).windows == 0
    assert lead_of(np.array([0.5]), np.array([0.5])).windows == 0


PAIR = {"pair": 0, "pair_hash": "h", "polymarket_id": "0xabc", "kalshi_id": "KXFED", "orientation": "same"}


def bars(kalshi, prices):
    """Only bars with a change, as the lake gives them."""
    changed = [number for number in range(len(prices)) if number == 0 or prices[number] != prices[number - 1]]
    return pl.DataFrame(
        {"pair": 0, "kalshi": kalshi, "bar": changed, "mid": [float(prices[number]) for number in changed]},
        schema={"pair": pl.Int64, "kalshi": pl.Boolean, "bar": pl.Int32, "mid": pl.Float64},
    )


def built(poly=None, kalshi=None, pair=PAIR):
    parts = [
        bars(is_kalshi, prices) for is_kalshi, prices in ((False, poly), (True, kalshi)) if prices is not None
    ]
    empty = bars(False, [])
    pairs = pl.DataFrame([pair] if pair else [], schema=dict.fromkeys(PAIR, pl.String) | {"pair": pl.Int64})
    return lead_lag.build(PERIOD, {"pairs": pairs, "bars": pl.concat([empty, *parts])})


def test_rows_name_the_venue_the_seconds_and_the_windows():
    price = walk(1)
    frame = built(follower(price, 2, seed=2), price)
    row = frame.filter(pl.col("scope") == "pair").row(0, named=True)
    assert (row["leader"], row["lag_seconds"], row["kalshi_id"]) == ("kalshi", 10.0, "KXFED")
    assert row["windows_kalshi"] > row["windows_polymarket"]
    day = frame.filter(pl.col("scope") == "day").row(0, named=True)
    assert (day["pairs"], day["led_by_kalshi"], day["led_by_polymarket"], day["state"]) == (1, 1, 0, "ok")
    assert "Kalshi in 1, by 10 s" in lead_lag.headline(frame)
    assert dict(frame.schema) == lead_lag.COLUMNS


def test_an_inverted_pair_is_turned_round_before_it_is_compared():
    price = walk(1)
    late = 1 - follower(price, 3, seed=2)
    assert built(price, late, PAIR | {"orientation": "inverted"})["leader"][1] == "polymarket"
    # as it stands the two move against each other, and that is no lead
    assert built(price, late)["leader"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("frame", "state", "words"),
    [
        (built(pair=None), "empty", "no pair is accepted"),
        (built(), "empty", "no trusted book with two sides"),
        (built(walk(1)), "failed", "beside polymarket"),
    ],
)
def test_a_day_without_an_answer_says_why(frame, state, words):
    row = frame.row(0, named=True)
    assert (frame.height, row["state"]) == (1, state)
    assert words in row["note"]
    assert lead_lag.headline(frame) == "No pair could be compared in this period."
