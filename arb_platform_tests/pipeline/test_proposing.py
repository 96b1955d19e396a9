"""Proposing again after a change gives the table that a first proposal gives."""

import shutil
from dataclasses import replace

import pytest

from arb_platform import api, pipeline
from arb_platform.domain.markets import Listing
from arb_platform.settings import load_settings
from arb_platform.storage.lake import Lake
from arb_platform.storage.markets import load_markets, save_listing
from arb_platform_tests.matching.written_pairs import SAME_BET
from arb_platform_tests.storage.samples import NOON

PAIRS = SAME_BET[:30]
COLUMNS = "polymarket_id, kalshi_id, polymarket_content_hash, kalshi_content_hash, pair_hash, score, features, broken_rules"


def listed(settings, polymarket, kalshi):
    with pipeline.open_writer(settings) as lake:
        for venue, markets in (("polymarket", polymarket), ("kalshi", kalshi)):
            save_listing(lake, Listing(venue, tuple(markets), 1, NOON, NOON, True, "end"))


def standing(settings):
    """What the last proposal proposed."""
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        return lake.query(
            f"SELECT {COLUMNS} FROM candidate_pairs WHERE proposed_at = (SELECT max(proposed_at) FROM candidate_pairs) ORDER BY pair_hash"
        ).rows()


@pytest.fixture
def own(tmp_path):
    return load_settings(ARB_DATA_DIR=str(tmp_path / "own"))


@pytest.fixture
def fresh(tmp_path):
    return load_settings(ARB_DATA_DIR=str(tmp_path / "fresh"))


def changed_catalogue():
    """One rule text and one title edited, one market of each venue gone, one new."""
    polymarket, kalshi = [list(side) for side in zip(*PAIRS, strict=True)]
    polymarket[3] = replace(polymarket[3], rules="Now decided by somebody else.")
    kalshi[5] = replace(kalshi[5], title=kalshi[5].title + " Really?")
    new = SAME_BET[60]
    return [*polymarket[:-2], polymarket[-1], new[0]], [*kalshi[1:], new[1]]


def test_a_refresh_gives_the_table_of_a_first_proposal(own, fresh):
    listed(own, *zip(*PAIRS, strict=True))
    told = []
    first = pipeline.propose_candidates(own, progress=lambda *counts: told.append(counts))
    assert first.new == first.candidates == len(standing(own))
    assert told[-1] == (first.new, first.new)
    assert 0 < first.unbroken <= first.candidates
    listed(own, *changed_catalogue())
    listed(fresh, *changed_catalogue())
    again, whole = pipeline.propose_candidates(own), pipeline.propose_candidates(fresh)
    assert standing(own) == standing(fresh)
    assert (again.candidates, again.unbroken) == (whole.candidates, whole.unbroken)
    assert 0 < again.new < whole.new == whole.candidates
    assert [one.pair_hash for one in again.best] == [one.pair_hash for one in whole.best]


def test_without_a_change_nothing_is_new_and_everything_stands(own):
    listed(own, *zip(*PAIRS, strict=True))
    first = pipeline.propose_candidates(own)
    before = standing(own)
    again = pipeline.propose_candidates(own)
    assert again.new == 0
    assert (again.candidates, standing(own)) == (first.candidates, before)


def test_another_number_to_keep_is_another_question(own):
    listed(own, *zip(*PAIRS, strict=True))
    many = pipeline.propose_candidates(own, keep=5)
    few = pipeline.propose_candidates(own, keep=1)
    assert few.candidates == few.new < many.candidates


def test_a_memory_of_another_lake_is_noticed(own, tmp_path):
    listed(own, *zip(*PAIRS, strict=True))
    first = pipeline.propose_candidates(own)
    other = load_settings(ARB_DATA_DIR=str(tmp_path / "other"))
    listed(other, *zip(*PAIRS, strict=True))
    shutil.copy(own.root / "nearness.npz", other.root / "nearness.npz")
    restored = pipeline.propose_candidates(other)
    assert restored.new == restored.candidates == first.candidates
    assert standing(other) == standing(own)


def test_a_market_that_is_no_longer_active_is_not_proposed(own):
    listed(own, *zip(*PAIRS, strict=True))
    pipeline.propose_candidates(own)
    polymarket, kalshi = (list(side) for side in zip(*PAIRS, strict=True))
    closed = replace(polymarket[0], status="closed")
    listed(own, [closed, *polymarket[1:]], kalshi)
    pipeline.propose_candidates(own)
    assert closed.market_id not in {row[0] for row in standing(own)}
    with Lake.open(api.lake_location(own), read_only=True) as lake:
        assert closed in load_markets(lake, "polymarket", active_only=False)
