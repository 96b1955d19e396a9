from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb_platform.domain.terms import Threshold
from arb_platform.matching.dates import read_cut_offs, read_periods
from arb_platform.matching.facets import FACETS, read_facets
from arb_platform.matching.normalise import canonical_numbers, fold, plain
from arb_platform.matching.quantities import read_thresholds, strike
from arb_platform.matching.reading import headline_of, read
from arb_platform.matching.subjects import as_subject, same_subject, subject_of
from arb_platform_tests.matching.written_pairs import NEAR_MISSES, SAME_BET, kalshi, polymarket

NEAR = date(2026, 12, 31)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("by June 30, 2027", "before 2027-07-01"),
        ("before Jul 2027", "before 2027-07-01"),
        ("before 2028", "before 2028-01-01"),
        ("by end of June", "before 2027-07-01"),
        ("on December 31", "2026-12-31"),
        ("at the end of 2026", "2026-12-31"),
        ("4 February 2027", "2027-02-04"),
        ("on 2026-06-13", "2026-06-13"),
        ("for week of December 12: a song", "2026-12-12"),
        ("in Nov 2026", "2026-11"),
        ("at the February meeting", "2027-02"),
        ("for Q4 2026", "2026 Q4"),
        ("in 2026", "2026"),
        ("2026–27 season", "2026-2027"),
        ("Super Bowl LXI", "2027"),
        ("December 1 to December 8", "2026-12-01 to 2026-12-08"),
    ],
)
def test_a_period_is_read_as_it_is_meant(text, period):
    assert [str(told) for told in read_periods(fold(plain(text)), NEAR)] == [period]


@pytest.mark.parametrize(
    "text", ["2,030 cases", "more than 2026 cases", "it may march on", "February 31", "no date"]
)
def test_what_is_not_a_date_is_not_read_as_one(text):
    assert read_periods(fold(plain(text)), NEAR) == ()


def test_a_date_without_a_year_is_unknown_when_nothing_tells_the_year():
    assert read_periods("on december 8", None) == ()
    assert [str(told) for told in read_periods("on december 8, the 2026 final", None)] == ["2026-12-08"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("11:59 PM ET", "00:00 ET"), ("2 AM EDT", "02:00 ET"), ("12:00 ET", "12:00 ET"), ("noon ET", "12:00 ET"),
        ("12pm EST", "12:00 ET"), ("11:59 PM PT", "00:00 PT"),
    ],
)  # fmt: skip
def test_a_cut_off_is_read_with_its_zone(text, told):
    assert [str(cut_off) for cut_off in read_cut_offs(text.lower())] == [told]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("$300 or above", ">= 300 $"), ("Above $4,000", "> 4000 $"), ("more than 2.7%", "> 2.7 %"), ("2,000+?", ">= 2000"),
        ("between 2.0% and 2.2%", "between 2 and 2.2 %"), ("85-86°F", "between 85 and 86 °F"), ("exactly 2.8%", "= 2.8 %"),
        ("above $12.5 billion", "> 12500000000 $"), ("hit (LOW) $80", "<= 80 $"), ("settle at >$84", "> 84 $"),
        ("Cut 25bps", "= 25 bps"), ("50+ bps decrease", ">= 50 bps"), ("dip to $1,800", "<= 1800 $"), ("O/U 224.5", "> 224.5"),
        ("Spread: Chiefs (-3.5)", "> 3.5"), ("fewer than 2,000", "< 2000"), ("11°C |", "= 11 °C"), ("≥0.3%", ">= 0.3 %"),
    ],
)  # fmt: skip
def test_a_condition_on_a_number_is_read_from_words(text, told):
    assert [str(found) for found in read_thresholds(canonical_numbers(fold(plain(text))))] == [told]


@pytest.mark.parametrize("text", ["in 2026", "2026-27", "Stage 3", "top 4", "Hot 100", "Hike rates by 0bps"])
def test_a_number_without_a_condition_is_not_a_threshold(text):
    assert read_thresholds(canonical_numbers(fold(plain(text)))) == ()


def test_kalshis_strike_fields_go_before_its_words():
    market = kalshi("Bitcoin price on Jul 25, 2026?", "$74,300 or above", strike="greater", floor="74299.99")
    assert strike(market) == Threshold(">", Decimal("74299.99"))
    assert read(market).thresholds == (Threshold(">", Decimal("74299.99")),)
    assert strike(kalshi("Who wins?", "Bardella", strike="custom")) is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Atlanta", "Atlanta Braves", True), ("Jair Bolsonaro", "Flávio Bolsonaro", False), ("J.D. Vance", "JD Vance", True),
        ("New York Y", "Yankees", True), ("New York M", "Yankees", False), ("Fidesz", "Fidesz-KDNP", True),
        ("Los Angeles L", "Los Angeles Lakers", True), ("Los Angeles C", "Los Angeles Lakers", False),
        ("Giants", "San Francisco", True), ("Giants", "Dallas", False), ("John Peters", "John Peterson", False),
        ("George Walish", "George Walsh", True), ("Mike Johnson", "Michael Johnson", True), ("Democrats", "Democratic Party", True),
        ("Manchester City", "Man City", True), ("Manchester City", "Manchester United", False), ("Orbán", "Viktor Orban", True),
    ],
)  # fmt: skip
def test_two_names_are_one_when_only_one_of_them_says_more(one, other, same):
    assert same_subject(as_subject(one), as_subject(other)) is same
    assert same_subject(as_subject(other), as_subject(one)) is same


def test_the_subject_is_the_outcome_or_what_the_title_is_about():
    assert str(subject_of(kalshi("Who will be the nominee?", "Marco Rubio"))) == "marco rubio"
    assert str(subject_of(polymarket("Will JD Vance win the 2028 nomination?"))) == "jd vance"
    assert str(subject_of(polymarket("Lakers vs. Celtics", outs=("Lakers", "Celtics")))) == "lakers"
    assert subject_of(kalshi("Jobless claims?", "Above 230,000")) is None
    assert str(subject_of(kalshi("Powell out?", "Before Jun 1, 2027"))) == "powell"


def test_a_headline_says_each_thing_once():
    market = kalshi("Recession?", "Yes", event="Recession?")
    assert headline_of(market) == "Recession? |"


CORPUS = [read(market).headline for market in [side for row in (*SAME_BET, *NEAR_MISSES) for side in row[:2]]]


def ungated(text):
    found = {
        facet: {value for value, pattern, _ in patterns if pattern.search(text)}
        for facet, patterns in FACETS.items()
    }
    return {facet for facet, values in found.items() if values}


@pytest.mark.parametrize("headline", CORPUS)
def test_the_cheap_gates_before_the_patterns_lose_nothing(headline):
    assert read_facets(headline).keys() == ungated(headline)


facet_words = sorted({gate for patterns in FACETS.values() for _, _, gates in patterns for gate in gates})


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(facet_words), max_size=8).map(" ".join))
def test_the_cheap_gates_lose_nothing_on_any_words(text):
    assert read_facets(text).keys() == ungated(text)
