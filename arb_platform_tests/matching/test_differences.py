"""What only one of two texts says is marked, and nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.domain.pairs import MarketPair
from arb_platform.matching.differences import marked, side_by_side
from arb_platform_tests.matching.judged_pairs import KALSHI_FED, PAIR, POLYMARKET_FED


def only(text: str, other: str) -> list[str]:
    return [piece.text for piece in marked(text, other) if piece.differs]


@pytest.mark.parametrize(
    ("text", "other", "found"),
    [
        ("above 3.0% in March 2027", "at or above 3.0% in April 2027", ["March"]),
        ("above 3.0% in March 2027", "ABOVE 3.0% in March, 2027", []),
        ("wins by 1,500 votes", "vote: 1500, a win", []),
        ("before noon Eastern Time", "before 5 pm", ["noon Eastern Time"]),
        ("CPI > 3", "CPI >= 3", [">"]),
        ("the Fed's statement", "a statement of the Fed", []),
        ("", "anything", []),
    ],
)
def test_words_that_the_other_text_lacks_are_marked(text: str, other: str, found: list[str]) -> None:
    assert only(text, other) == found


@given(st.text(max_size=200), st.text(max_size=200))
def test_the_pieces_of_any_text_are_the_text_and_a_text_has_nothing_that_it_lacks(
    text: str, other: str
) -> None:
    assert "".join(piece.text for piece in marked(text, other)) == text
    assert only(text, text) == []


def test_both_sides_of_a_pair_are_compared_over_all_their_words() -> None:
    later = replace(KALSHI_FED, rules=KALSHI_FED.rules.replace("January 2027", "March 2027"))
    sides = side_by_side(MarketPair(POLYMARKET_FED, later))
    assert [side.venue for side in sides] == ["polymarket", "kalshi"]
    assert "March" in [piece.text for piece in sides[1].rules if piece.differs]
    same = [piece.text for side in side_by_side(PAIR) for piece in side.rules if piece.differs]
    assert "March" not in same


def test_what_would_command_a_terminal_is_gone() -> None:
    hostile = replace(KALSHI_FED, title="Fed\x1b[2J\u202ecut", rules="\x1b]0;x\x07 rules")
    shown = "".join(
        piece.text
        for side in side_by_side(MarketPair(POLYMARKET_FED, hostile))
        for pieces in (side.title, side.terms, side.rules)
        for piece in pieces
    )
    assert not {"\x1b", "\x07", "\u202e"} & set(shown)
