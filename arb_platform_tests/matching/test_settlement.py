import pytest

from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.matching.settlement import paid, settled_alike
from arb_platform.venues.polymarket_markets import read_market


def market(venue, result, outcomes=("Yes", "No")):
    return Market(venue, "m", "m", "t", "r", None, "", outcome=outcomes[0], outcomes=outcomes, result=result)


@pytest.mark.parametrize(
    ("venue", "result", "outcomes", "side"),
    [
        (POLYMARKET, "Yes", ("Yes", "No"), "yes"),
        (POLYMARKET, "no", ("Yes", "No"), "no"),
        (POLYMARKET, "Lakers", ("Celtics", "Lakers"), "no"),
        (POLYMARKET, "Celtics", ("Celtics", "Lakers"), "yes"),
        (POLYMARKET, "Knicks", ("Celtics", "Lakers"), None),
        (POLYMARKET, "50-50", ("Yes", "No"), "neither"),
        (POLYMARKET, None, ("Yes", "No"), None),
        (KALSHI, "yes", ("Yes", "No"), "yes"),
        (KALSHI, "no", ("Yes", "No"), "no"),
        (KALSHI, "", ("Yes", "No"), None),
        (KALSHI, "scalar", ("Yes", "No"), "neither"),
        (KALSHI, "a new word", ("Yes", "No"), None),
    ],
)
def test_which_side_was_paid_is_read_in_the_words_of_the_venue(venue, result, outcomes, side):
    assert paid(market(venue, result, outcomes)) == side


@pytest.mark.parametrize(
    ("one", "other", "orientation", "alike"),
    [
        ("Yes", "yes", "same", True),
        ("No", "no", "same", True),
        ("Yes", "no", "same", False),
        ("Yes", "no", "inverted", True),
        ("Yes", "yes", "inverted", False),
        ("50-50", "yes", "same", False),
        ("50-50", "scalar", "same", True),
        (None, "yes", "same", None),
        ("Yes", "", "same", None),
    ],
)
def test_alike_is_what_the_orientation_says_and_unknown_is_not_alike(one, other, orientation, alike):
    found = settled_alike(market(POLYMARKET, one), market(KALSHI, other), orientation=orientation)
    assert found is alike


def test_a_market_that_was_resolved_half_and_half_says_so():
    document = {
        "conditionId": "0x1", "question": "Q?", "outcomes": '["Yes","No"]', "closed": True, "outcomePrices": '["0.5","0.5"]',
    }  # fmt: skip
    assert read_market(document).result == "50-50"
    assert read_market(document | {"outcomePrices": '["0","1"]'}).result == "No"
    assert read_market(document | {"closed": False}).result is None
