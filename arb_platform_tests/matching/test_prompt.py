"""The prompt: what it asks, that it is versioned, and that its answer is read strictly."""

import json
from typing import Any

import pytest

from arb_platform.domain.errors import LLMError
from arb_platform.matching import prompt
from arb_platform.matching.prompt import (
    PROMPT_VERSION,
    RESPONSE_SCHEMA,
    SYSTEM,
    fingerprint,
    messages,
    read_answer,
)
from arb_platform_tests.matching.judged_pairs import FIELDS, KALSHI_FED, PAIR, POLYMARKET_FED, YES, numbered

# One line per version that was ever released; verdicts are kept by version, so a text never changes under its name.
RELEASED = {
    "2026-11-25.1": "b3ac941e99c9dbbade0b450af1d368cf51be48a7a352f711f8a4c65507f6a11f",
}


def test_changing_the_prompt_needs_a_new_version() -> None:
    assert RELEASED.get(PROMPT_VERSION) == fingerprint(), (
        "give PROMPT_VERSION a new value and add its line above"
    )


def test_the_fingerprint_notices_a_changed_word(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    monkeypatch.setattr(prompt, "SYSTEM", SYSTEM.replace("cautiously", "boldly"))
    assert fingerprint() != before


def test_the_fixed_part_comes_first_and_is_the_same_for_every_pair() -> None:
    one, other = messages(PAIR), messages(numbered(7).pair)
    assert one[0] == other[0] == {"role": "system", "content": SYSTEM}
    assert one[1] != other[1]
    assert len(one) == 2


@pytest.mark.parametrize(
    "words",
    ["same time window", "same outcome", "resolution sources compatible", "ambiguous clauses", "JSON", "similarity", "evidence", "quote",
     *["identity", "complement", "subset", "superset", "overlap", "disjoint", "unknown", "inverted"]],
)  # fmt: skip
def test_the_owners_questions_and_our_words_are_asked(words: str) -> None:
    assert words in SYSTEM


def test_both_markets_are_one_block_of_json_with_their_ids() -> None:
    block = json.loads(messages(PAIR)[1]["content"])
    assert list(block) == ["polymarket", "kalshi"]
    assert block["polymarket"]["market_id"] == POLYMARKET_FED.market_id
    assert block["kalshi"]["market_id"] == KALSHI_FED.market_id
    assert "decreased by 25 basis points" in block["polymarket"]["rules"]
    assert block["kalshi"]["closes_at"] == "2027-01-27T18:55:00+00:00"


def test_the_form_shown_at_the_end_of_the_prompt_fits_the_schema() -> None:
    form = json.loads(SYSTEM.strip().splitlines()[-1])
    assert RESPONSE_SCHEMA.faults(form) == []
    read_answer(form, PAIR)


def test_the_fixed_part_is_about_as_long_as_was_reckoned() -> None:
    # 900 tokens were reckoned with, at four to five characters each
    assert 3000 < len(SYSTEM) < 6500


def test_a_full_answer_is_read() -> None:
    answer = read_answer(YES, PAIR)
    assert (answer.similarity, answer.relation, answer.orientation) == (0.97, "identity", "same")
    assert answer.field_matches.all
    assert [item.venue for item in answer.evidence] == ["polymarket", "kalshi"]


@pytest.mark.parametrize(
    "changes",
    [
        {"similarity": 1.01},
        {"similarity": -0.1},
        {"similarity": "0.97"},
        {"similarity": True},
        {"similarity": float("nan")},
        {"similarity": None},
        {"relation": "same"},
        {"orientation": "yes"},
        {"field_matches": FIELDS | {"time_window": "true"}},
        {"field_matches": {}},
        {"explanation": 7},
        {"evidence": [{"venue": "nyse", "quote": "x"}]},
        {"evidence": [{"venue": "kalshi"}]},
        {"evidence": YES["evidence"] * 10},
        {"evidence": "none"},
    ],
)
def test_an_answer_with_a_wrong_value_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(LLMError, match="not usable"):
        read_answer(YES | changes, PAIR)


@pytest.mark.parametrize("key", ["similarity", "field_matches", "explanation"])
def test_an_answer_without_one_of_the_owners_keys_is_refused(key: str) -> None:
    with pytest.raises(LLMError, match=key):
        read_answer({name: value for name, value in YES.items() if name != key}, PAIR)


def test_words_of_the_model_are_made_harmless() -> None:
    answer = read_answer(YES | {"explanation": "fine\x1b[2J\u202e\u200b" + "x" * 5000}, PAIR)
    assert answer.explanation.startswith("fine [2Jx")
    assert len(answer.explanation) == 2000
