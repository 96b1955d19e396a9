"""A listing that lost half of its markets is not believed the first time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from arb_platform.pipeline.catalogue import _doubted
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.markets import FELL, last_count, load_markets, save_listing
from arb_platform_tests.storage.samples import NOON, listing, market


@pytest.fixture
def lake(tmp_path):
    with Lake.open(LakeLocation.local(tmp_path)) as opened:
        yield opened


def listed(lake, count, *, hours, complete=True):
    """One listing as the pipeline saves it; returns what was saved."""
    at = NOON + timedelta(hours=hours)
    told = listing(*(market(f"KX-{number}") for number in range(count)), at=at, complete=complete)
    told = _doubted(told, last_count(lake, "kalshi"))
    return told, save_listing(lake, told)


def test_a_count_that_fell_by_half_marks_nothing_as_gone_until_it_is_seen_again(lake):
    listed(lake, 10, hours=0)
    told, change = listed(lake, 5, hours=1)
    assert (told.complete, told.reason) == (False, f"{FELL}: 5 markets where 10 were listed the last time")
    assert change.gone == 0
    assert len(load_markets(lake, "kalshi")) == 10
    told, change = listed(lake, 5, hours=2)  # the venue says it again: it is so
    assert (told.complete, change.gone) == (True, 5)


def test_a_smaller_loss_is_believed(lake):
    listed(lake, 10, hours=0)
    told, change = listed(lake, 6, hours=1)
    assert (told.complete, change.gone) == (True, 4)


def test_a_listing_that_broke_off_is_no_measure_for_the_next_one(lake):
    listed(lake, 10, hours=0)
    listed(lake, 1, hours=1, complete=False)
    assert last_count(lake, "kalshi") == 10
    told, _ = listed(lake, 4, hours=2)
    assert not told.complete


def test_the_first_listing_has_nothing_to_be_compared_with(lake):
    assert last_count(lake, "kalshi") is None
    assert listed(lake, 1, hours=0)[0].complete


def test_a_listing_that_is_incomplete_anyway_keeps_its_own_reason():
    broken = replace(listing(market("A")), complete=False, reason="the venue answered HTTP 500")
    assert _doubted(broken, 100) is broken
