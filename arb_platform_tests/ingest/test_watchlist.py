from decimal import Decimal

import pytest

from arb_platform.domain.pairs import Candidate
from arb_platform.ingest.watchlist import is_list, named, named_markets, named_of, watchlist
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.markets import save_listing
from arb_platform.storage.pairs import save_candidates, save_review, save_verdicts
from arb_platform_tests.storage.samples import NOON, listing, market, pair, verdict

# Seven markets of each venue; the higher the number, the more is traded.
PAIRS = [pair(number, volume=Decimal(number)) for number in range(1, 8)]


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    with Lake.open(LakeLocation.local(tmp_path_factory.mktemp("empty"))) as lake:
        yield lake


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """1 is accepted by a person, 2 proposed, 3 proposed and better, 4 breaks a rule, the rest only listed."""
    with Lake.open(LakeLocation.local(tmp_path_factory.mktemp("lake"))) as lake:
        save_listing(lake, listing(*(one.polymarket for one in PAIRS)))
        save_listing(lake, listing(*(one.kalshi for one in PAIRS), market("KX-0", status="closed")))
        scores = {0: 0.2, 1: 0.5, 2: 0.8, 3: 0.99}
        candidates = [
            Candidate(PAIRS[n], score, {}, ("another month",) if n == 3 else ())
            for n, score in scores.items()
        ]
        save_candidates(lake, candidates, NOON)
        save_verdicts(lake, [verdict(PAIRS[0], "review", at=NOON)])
        save_review(lake, PAIRS[0].pair_hash, "accept", "the same", "ann", NOON)
        yield lake


def ids(found):
    return [one.market_id for one in found]


def test_pairs_come_first_the_accepted_before_the_likelier_candidates_and_then_by_volume(lake):
    assert ids(watchlist(lake, "kalshi", "pairs")) == ["KX-1", "KX-3", "KX-2", "KX-7", "KX-6", "KX-5", "KX-4"]


def test_the_other_venue_follows_the_other_side_of_the_same_pairs(lake):
    assert ids(watchlist(lake, "polymarket", "pairs"))[:3] == ["0x1", "0x3", "0x2"]


def test_the_list_ends_at_the_limit_and_keeps_the_pairs(lake):
    assert ids(watchlist(lake, "kalshi", "pairs", limit=4)) == ["KX-1", "KX-3", "KX-2", "KX-7"]


def test_all_is_every_active_market_the_most_traded_first(lake):
    assert ids(watchlist(lake, "kalshi", "all")) == [f"KX-{n}" for n in range(7, 0, -1)]


@pytest.mark.parametrize(("track", "listed"), [("pairs", False), ("all", False), ("KX-1", True), ("", True)])
def test_whatever_is_not_a_rule_is_a_list(track, listed):
    assert is_list(track) is listed


def test_a_list_for_both_venues_is_shared_out_by_the_form_of_the_ids():
    token = "7" * 77
    assert named_of(f"KX-5, 0x2 ,{token},KX-1", "kalshi") == ["KX-5", "KX-1"]
    assert named_of(f"KX-5, 0x2 ,{token},KX-1", "polymarket") == ["0x2", token]


def test_named_markets_are_taken_from_the_lake_and_unknown_ones_left_to_the_venue(lake):
    known, closed, unknown = named_markets(lake, "kalshi", ["KX-5", "KX-0", "KX-99"])
    assert (known.market_id, closed.status, unknown) == ("KX-5", "closed", "KX-99")


def test_a_market_that_is_closed_is_not_followed(lake):
    assert "KX-0" not in ids(watchlist(lake, "kalshi", "all"))


@pytest.mark.parametrize("track", ["pairs", "all"])
def test_a_lake_that_knows_no_market_leaves_the_choice_to_the_adapter(empty, track):
    assert watchlist(empty, "kalshi", track) is None


def test_ids_are_separated_by_commas_and_blanks_are_nothing():
    assert named(" a, b,,c ,") == ["a", "b", "c"]
    assert named("") == []
