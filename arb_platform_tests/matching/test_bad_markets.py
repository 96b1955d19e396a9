"""Markets that nobody would list on purpose are proposed or refused, and never an error."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from arb_platform.domain.errors import WireError
from arb_platform.matching.candidates import propose
from arb_platform.matching.rules import broken_rules
from arb_platform.venues.kalshi_markets import read_market as read_kalshi
from arb_platform.venues.listing import list_polymarket
from arb_platform.venues.polymarket_markets import NOT_TWO_SIDED
from arb_platform_tests.matching.written_pairs import kalshi, pair, polymarket
from arb_platform_tests.venues.test_listing import clock, gamma, walk

ONE = polymarket("Stripe IPO by June 30, 2027?", "Yes if Stripe lists by June 30, 2027.", close="2027-06-30")
OTHER = kalshi("Will Stripe IPO before Jul 1, 2027?", "Before Jul 1, 2027", close="2027-06-30")
BAD = {
    "without rules": {"rules": ""},
    "in another language": {"title": "Wird Stripe bis 30. Juni 2027 an die Börse gehen?", "rules": "Ja, wenn Stripe an die Börse geht."},
    "in another script": {"title": "Stripe、2027年6月30日までにIPO？", "rules": "はい"},
    "with 200 kB of text": {"rules": "Stripe may list. " * 12_500},
    "with one word of 200 kB": {"rules": "a" * 200_000},
    "with 200 kB of digits": {"title": "Stripe IPO " + "9" * 200_000},
    "with lone surrogates": {"title": "Stripe \ud83d IPO \udc00 by June 30, 2027?", "rules": "\udfff"},
    "with control characters": {"title": "Stripe\x00\x07 IPO\x1b[31m by June 30, 2027?\u202e", "rules": "\x00" * 500},
    "closed in the past": {"close_time": datetime(1970, 1, 1, tzinfo=UTC)},
    "closing in the year 1": {"close_time": datetime(1, 1, 1, tzinfo=UTC)},
    "closing in the year 9999": {"close_time": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)},
    "with one outcome": {"outcomes": ("Yes",)},
    "with five outcomes": {"outcomes": ("A", "B", "C", "D", "E"), "outcome": "A", "market_type": "categorical"},
    "without a title": {"title": "", "subtitle": ""},
}  # fmt: skip


@pytest.mark.parametrize("side", ["polymarket", "kalshi"])
@pytest.mark.parametrize("name", BAD)
def test_the_rest_is_proposed_beside_a_market(name, side):
    bad = replace(ONE if side == "polymarket" else OTHER, market_id="bad", **BAD[name])
    left, right = ([ONE, bad], [OTHER]) if side == "polymarket" else ([ONE], [OTHER, bad])
    proposed = propose(left, right)
    assert (ONE.market_id, OTHER.market_id) in {(one.pair.polymarket.market_id, one.pair.kalshi.market_id) for one in proposed}  # fmt: skip
    for candidate in proposed:
        assert len(candidate.pair_hash) == 64
    assert isinstance(broken_rules(pair(bad, OTHER) if side == "polymarket" else pair(ONE, bad)), tuple)


@pytest.mark.parametrize("name", ["with one outcome", "with five outcomes", "without a title"])
def test_what_cannot_be_the_same_bet_is_refused(name):
    assert broken_rules(pair(replace(ONE, **BAD[name]), OTHER))
    assert not broken_rules(pair(ONE, OTHER))


def test_markets_of_one_or_five_outcomes_are_listed_as_what_they_are_and_not_traded():
    five = gamma(1) | {"outcomes": '["A","B","C","D","E"]', "clobTokenIds": '["1","2","3","4","5"]'}
    one = gamma(2) | {"outcomes": '["Yes"]', "clobTokenIds": '["1"]'}
    listing, _ = walk(list_polymarket(clock=clock), lambda request: {"markets": [five, one, gamma(3)]})
    assert (listing.complete, listing.skipped) == (True, {})
    assert [(len(m.outcomes), m.market_type, m.status, m.asset_ids != ()) for m in listing.markets] == [
        (5, "categorical", NOT_TWO_SIDED, False),
        (1, "categorical", NOT_TWO_SIDED, False),
        (2, "binary", listing.markets[2].status, True),
    ]


@pytest.mark.parametrize(
    "close", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "", None, "tomorrow"]
)
def test_a_close_time_that_cannot_be_is_a_market_or_a_reason(close):
    document = {"ticker": "KX-1", "title": "T?", "close_time": close, "status": "active"}
    if close == "tomorrow":
        with pytest.raises(WireError, match="close_time"):
            read_kalshi(document)
        return
    found = read_kalshi(document)
    assert found.close_time is None or found.close_time.tzinfo is not None


def test_duplicated_ids_are_one_market_and_counted():
    listing, _ = walk(
        list_polymarket(clock=clock),
        lambda request: {"markets": [gamma(1), gamma(1) | {"question": "Newer?"}]},
    )
    assert [market.title for market in listing.markets] == ["Newer?"]
    assert listing.skipped == {"listed twice": 1}
