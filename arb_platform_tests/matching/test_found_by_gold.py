"""Mistakes of the rules that the gold set showed, each with a pair that must still pass."""

import pytest

from arb_platform.matching.rules import broken_rules
from arb_platform_tests.matching.written_pairs import kalshi, pair, polymarket

FOUND = {
    "a monthly change is no yearly one": (
        polymarket("Will monthly CPI rise by 0.3% or more in May 2027?"),
        kalshi("CPI month-over-month in May 2027?", "Above 0.2%"),
        kalshi("CPI year-over-year in May 2027?", "Above 0.2%"),
        "basis: month over month against year over year",
    ),
    "the first of several is not one by a day": (
        polymarket("Canva IPO by June 30, 2027?"),
        kalshi("Will Canva IPO before Jul 1, 2027?"),
        kalshi("Which of these companies will IPO first?", "Canva"),
        "race or standalone",
    ),
    "a text that says that announcing is not enough is about doing": (
        polymarket("Kash Patel out as FBI Director by March 31, 2027?", "Yes if Kash Patel leaves office. An announcement alone does not count."),
        kalshi("Will Kash Patel leave as FBI Director before Apr 1, 2027?"),
        kalshi("Will Kash Patel announce a resignation as FBI Director before Apr 1, 2027?"),
        "announce or do: do against announce",
    ),
    "no at the beginning turns the question round": (
        polymarket("No Russia x Ukraine ceasefire by June 30, 2027?"),
        kalshi("Will Russia and Ukraine not agree to a ceasefire before Jul 1, 2027?"),
        kalshi("Will Russia and Ukraine agree to a ceasefire before Jul 1, 2027?"),
        "polarity: negated against plain",
    ),
    "no change is no negation": (
        polymarket("No change in Fed interest rates after March 2027 meeting?"),
        kalshi("Fed decision in Mar 2027?", "Fed maintains rate"),
        kalshi("Fed decision in Mar 2027?", "Cut 25bps"),
        "",
    ),
    "a name with another number is another thing": (
        polymarket("Grok 6 released by December 31, 2026?"),
        kalshi("Will xAI release Grok 6 before Jan 1, 2027?"),
        kalshi("Will xAI release Grok 7 before Jan 1, 2027?"),
        "grok: 6 against 7",
    ),
    "disapproval is not approval": (
        polymarket("Will Trump's approval rating be 41.0% or higher on January 8?", close="2027-01-08"),
        kalshi("Trump approval rating on Jan 8, 2027?", "Above 40.9%"),
        kalshi("Trump disapproval rating on Jan 8, 2027?", "Above 40.9%"),
        "measure: approval against disapproval",
    ),
    "gas prices are touched or stand there": (
        polymarket("Will US gas prices be above $3.20 on January 31?", close="2027-01-31"),
        kalshi("US gas prices on January 31, 2027?", "Above $3.20"),
        kalshi("How high will US gas prices get by January 31, 2027?", "Above $3.20"),
        "touch or on the date",
    ),
    "who pardons is not who is pardoned": (
        polymarket("Ghislaine Maxwell pardoned by December 31, 2026?"),
        kalshi("Will Trump pardon Ghislaine Maxwell before Jan 1, 2027?"),
        kalshi("Will Trump pardon Sean Combs before Jan 1, 2027?"),
        "names",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_a_mistake_that_was_found_is_not_made_again(name):
    one, same, other, reason = FOUND[name]
    assert broken_rules(pair(one, same)) == ()
    against = broken_rules(pair(one, other))
    assert against
    assert any(reason in told for told in against), against
