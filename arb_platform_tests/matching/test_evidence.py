"""Quotes count only where they literally are."""

from dataclasses import replace

import pytest

from arb_platform.domain.pairs import Evidence
from arb_platform.matching.evidence import objections
from arb_platform_tests.matching.judged_pairs import PAIR

KALSHI_QUOTE = Evidence("kalshi", "cuts the upper bound of the federal funds rate")
POLYMARKET_QUOTE = Evidence(
    "polymarket", "decreased by 25 basis points after the Federal Open Market Committee"
)


def test_a_true_quote_of_each_side_is_enough() -> None:
    assert objections([KALSHI_QUOTE, POLYMARKET_QUOTE], PAIR) == ()


@pytest.mark.parametrize(
    "quote",
    [
        'will resolve to "Yes" if the upper bound',  # straight for typographic quotes
        "Committee's   January 2027\nmeeting",  # any white space
        "resolve to “No”. The resolution source",  # over a paragraph
        "ｄｅｃｒｅａｓｅｄ by 25 basis points",  # compatibility forms
        "January 26–27, 2027",  # a dash of another length
        "Fed decision in January 2027?",  # the event's title
    ],
)  # fmt: skip
def test_white_space_and_typography_do_not_matter(quote: str) -> None:
    assert objections([KALSHI_QUOTE, Evidence("polymarket", quote)], PAIR) == ()


@pytest.mark.parametrize(
    "quote",
    [
        "decreased by 50 basis points",
        "Decreased By 25 Basis Points",
        "decreased by ... Committee",
        "meeting? Fed decision in January",  # stitched over two fields
        "cuts the upper bound of the federal funds rate",  # of the other side
        "",
    ],
)
def test_a_quote_that_is_not_there_is_an_objection_though_another_one_is(quote: str) -> None:
    found = objections([KALSHI_QUOTE, POLYMARKET_QUOTE, Evidence("polymarket", quote)], PAIR)
    assert found == ("evidence: a quote is not in the text of polymarket",)


@pytest.mark.parametrize("quote", ["the", "25", "January", "of the"])
def test_a_quote_too_short_to_prove_anything_does_not_stand_for_its_side(quote: str) -> None:
    found = objections([KALSHI_QUOTE, Evidence("polymarket", quote)], PAIR)
    assert found == ("evidence: no quote from the text of polymarket",)


def test_no_evidence_is_an_objection_for_each_side() -> None:
    assert len(objections([], PAIR)) == 2


def test_a_quote_from_neither_venue_is_an_objection() -> None:
    assert "evidence: a quote from neither venue" in objections(
        [KALSHI_QUOTE, POLYMARKET_QUOTE, Evidence("nyse", "x y z")], PAIR
    )


def test_hidden_characters_in_the_text_do_not_hide_a_quote() -> None:
    hidden = replace(
        PAIR, kalshi=replace(PAIR.kalshi, rules="If the Fed c\u200buts the upper\u00a0bound, Yes.")
    )
    assert objections([Evidence("kalshi", "cuts the upper bound"), POLYMARKET_QUOTE], hidden) == ()
