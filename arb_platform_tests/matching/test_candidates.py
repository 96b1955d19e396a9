import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb_platform.matching.candidates import nearest, propose
from arb_platform.matching.keys import structured_keys
from arb_platform.matching.normalise import normalise_once
from arb_platform_tests.matching.written_pairs import SAME_BET, kalshi, polymarket

POLYMARKET = [one for one, _ in SAME_BET]
KALSHI = [other for _, other in SAME_BET]


def ids(candidates):
    return [(found.pair.polymarket.market_id, found.pair.kalshi.market_id) for found in candidates]


def test_every_true_pair_is_proposed_unbroken():
    unbroken = ids(candidate for candidate in propose(POLYMARKET, KALSHI) if not candidate.broken_rules)
    missed = [one.title for one, other in SAME_BET if (one.market_id, other.market_id) not in unbroken]
    assert missed == []


def test_unrelated_markets_are_not_proposed():
    assert propose([polymarket("US recession in 2026?")], [kalshi("Best Picture winner?", "Sinners")]) == []


@pytest.mark.parametrize(("left", "right"), [([], []), (POLYMARKET, []), ([], KALSHI)])
def test_an_empty_listing_gives_no_candidates(left, right):
    assert propose(left, right) == []


def test_markets_without_any_word_give_no_candidates():
    assert propose([polymarket("?!")], [kalshi("…")]) == []


def test_one_market_a_side_is_enough():
    found = propose(
        [polymarket("Stripe IPO by June 30, 2027?")], [kalshi("Will Stripe IPO before Jul 2027?")]
    )
    assert len(found) == 1
    assert found[0].broken_rules == ()


def test_a_market_listed_twice_is_proposed_once():
    proposed = ids(propose([*POLYMARKET, *POLYMARKET], [*KALSHI, *KALSHI]))
    assert len(proposed) == len(set(proposed))
    assert set(proposed) == set(ids(propose(POLYMARKET, KALSHI)))


def test_no_market_has_more_candidates_than_kept_and_the_best_come_first():
    proposed = propose(POLYMARKET, KALSHI, keep=2, min_score=0.0)
    counts = {}
    for one, _ in ids(proposed):
        counts[one] = counts.get(one, 0) + 1
    assert max(counts.values()) <= 2
    assert propose(POLYMARKET, KALSHI, keep=0) == []


def test_a_candidate_says_why_it_is_one():
    one = polymarket("Will the Democratic Party win the TX-07 House seat?", close="2026-11-03")
    other = kalshi("Will Democratic win the House race for TX-7?", close="2027-11-03")
    (candidate,) = propose([one], [other])
    assert candidate.features["structured_key"] == "house TX-07 democratic"
    assert candidate.features["days_between_closes"] == 365.0
    assert "tx07" in candidate.features["shared_terms"]
    assert 0 < candidate.features["title_similarity"] <= 1
    assert candidate.features["score"] == candidate.score
    unknown_close = propose([polymarket("Stripe IPO?")], [kalshi("Stripe IPO?")])[0]
    assert unknown_close.features["days_between_closes"] is None


def key_of(market):
    return structured_keys(market, normalise_once(f"{market.title} {market.subtitle}"))


def test_a_release_key_joins_a_threshold_with_its_neighbour_on_the_grid():
    one = polymarket("Will core PCE be 2.8% or above for November?")
    other = kalshi("Core PCE inflation in Nov 2026?", "More than 2.7%")
    assert set(key_of(one)) & set(key_of(other)) == {"core pce nov 2.8"}


def test_a_game_key_knows_which_cities_a_nickname_may_mean():
    one = polymarket("Giants vs. Cowboys on December 13", close="2026-12-13")
    other = kalshi(
        "New York G at Dallas Winner?", "New York G", "scheduled for Dec 13, 2026", close="2026-12-27"
    )
    assert set(key_of(one)) & set(key_of(other)) == {
        "game dallas + new york",
        "game dallas + new york 2026-12-13",
    }


def test_a_nominee_has_no_key_because_place_and_party_do_not_tell_who():
    assert key_of(kalshi("Will Blake Stanley be the Republican nominee for KS-03?")) == []


def test_a_keyed_pair_is_found_among_hundreds_of_likenesses():
    states = ["tx", "fl", "ca", "ny", "pa", "oh"]
    left = [
        polymarket(f"Will the {party} Party win the {state.upper()}-{n:02d} House seat?")
        for state in states for n in range(1, 26) for party in ("Democratic", "Republican")
    ]  # fmt: skip
    right = [
        kalshi(f"Will {party} win the House race for {state.upper()}-{n}?")
        for state in states for n in range(1, 26) for party in ("Democratic", "Republican")
    ]  # fmt: skip
    nearness = nearest(left, right, keep=1)
    hits = sum(int(one == other) for one, other in zip(nearness.left, nearness.right, strict=True))
    assert hits == len(left)


texts = st.text(alphabet=st.characters(exclude_categories=()), max_size=60)


@settings(max_examples=40, deadline=None)
@given(st.lists(texts, max_size=5), st.lists(texts, max_size=5))
def test_any_titles_give_candidates_and_never_an_error(left, right):
    proposed = ids(propose([polymarket(text) for text in left], [kalshi(text) for text in right]))
    assert len(proposed) == len(set(proposed))
