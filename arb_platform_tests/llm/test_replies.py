"""Any bytes of a reply give an outcome with a name, and no exception."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.llm.providers import PROVIDERS
from arb_platform.llm.replies import read_failure, read_reply, wait_seconds
from arb_platform.llm.secrets import key_text, redacted
from arb_platform.llm.shapes import ResponseSchema

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SCHEMA = ResponseSchema(
    "a",
    {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}, "required": ["n", "m"]},
    frozenset({"m"}),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["choices", "message", "content", "usage", "n"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.text() | json_values.map(json.dumps))
def test_any_body_gives_an_outcome(body: str) -> None:
    for provider in PROVIDERS.values():
        outcome = read_reply(provider, body, SCHEMA)
        assert (outcome.answer is not None) == (outcome.status == "ok")
    assert read_failure(500, {}, body, NOW).status == "http_error"


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "x-ratelimit-reset-requests", "x-ratelimit-reset"]),
        st.text(max_size=30),
    )
)
def test_any_header_gives_a_wait_or_none(headers: dict[str, str]) -> None:
    wait = wait_seconds(headers, NOW)
    assert wait is None or wait >= 0


@pytest.mark.parametrize(
    ("answer", "faults"),
    [
        ({"n": 1}, []),
        ({"n": 1, "m": 2}, []),
        ({}, ["answer lacks n"]),
        ({"n": -1}, ["answer.n is out of range"]),
        ({"n": 1.5}, ["answer.n is number, not integer"]),
        ({"n": True}, ["answer.n is boolean, not integer"]),
    ],
)
def test_a_schema_names_its_faults_and_forgives_what_may_be_missing(
    answer: dict[str, Any], faults: list[str]
) -> None:
    assert SCHEMA.faults(answer) == faults


def test_lists_enums_and_lengths_are_checked_inside() -> None:
    schema = ResponseSchema(
        "a",
        {
            "type": "object",
            "properties": {
                "kinds": {
                    "type": "array",
                    "maxItems": 2,
                    "items": {"type": "string", "enum": ["x", "y"], "maxLength": 5},
                },
                "word": {"type": ["string", "null"], "maxLength": 3, "minLength": 1},
            },
        },
    )
    assert schema.faults({"kinds": ["x", "y"], "word": None}) == []
    assert schema.faults({"kinds": ["x", "z", "y"], "word": "long"}) == [
        "answer.kinds is too long",
        "answer.kinds[1] is none of x, y",
        "answer.word is too long",
    ]
    assert "maxItems" not in str(schema.on_the_wire())


def test_keys_are_taken_from_text_and_blank_ones_are_none() -> None:
    assert key_text(" k ") == "k"
    assert key_text("  ") is None
    assert key_text(None) is None


@pytest.mark.parametrize(
    "shown", ["****1f9c is invalid", "sk-dee****ret is invalid", "key ••••CRET is invalid"]
)
def test_what_a_provider_shows_of_a_masked_key_is_not_kept(shown):
    text = redacted(f"Authentication fails, your api key: {shown}", ["sk-deep-1f9c"])
    assert not re.search(r"1f9c|ret |CRET|dee", text)
    assert "is invalid" in text


def test_redaction_removes_keys_and_control_characters() -> None:
    text = redacted("bad key abc123\x1b[2J and Bearer zzz.yyy and sk-live-0000\nnext", ["abc123"])
    assert text == "bad key [key] [2J and [key] and [key] next"
