"""docs/simulators.md tells what the simulators do."""

import re
from pathlib import Path

from arb_platform.simulate.faults import WORDS

PAGE = Path(__file__).parents[2] / "docs" / "simulators.md"


def documented(text: str) -> dict[str, tuple[str, str]]:
    return {
        word: (unit, meaning)
        for word, unit, meaning in re.findall(r"^\| `(\w+)` \| (\w+) \| (.+?) \|", text, re.MULTILINE)
    }


def test_every_fault_word_is_documented_as_it_is():
    assert documented(PAGE.read_text()) == {
        word: (fault.unit, fault.meaning) for word, fault in WORDS.items()
    }


def test_a_word_that_is_missing_would_be_noticed():
    text = PAGE.read_text().replace("| `drop` |", "| drop |")
    assert "drop" not in documented(text)
