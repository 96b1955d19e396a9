"""Markets as cells of a table on the operator's page, and the pairs that wait for a person."""

import re
from collections.abc import Sequence
from typing import Any, Final

import dagster as dg

from arb_platform.matching.differences import Piece, Shown, side_by_side
from arb_platform.matching.sanitise import plain_text
from arb_platform.pipeline import Waiting

_QUEUE_SHOWN: Final = 25
# Whoever writes a market must not be able to put a picture or a link into the operator's page.
_MARKDOWN: Final = re.compile(r"[\\`*_\[\]!#|~<>&]")


def cell(text: str) -> str:
    """Words as a cell of a Markdown table, letter by letter."""
    return _MARKDOWN.sub(lambda found: "\\" + found.group(), " ".join(text.split()))


def queue_metadata(waiting: Sequence[Waiting]) -> dict[str, Any]:
    """The list of `arb review list`, words that only one side has in bold."""
    rows = "\n".join(
        f"| `{one.candidate.pair_hash[:12]}` | {one.similarity:.2f} | {' | '.join(_side(side) for side in side_by_side(one.candidate.pair))} | {_reasons(one)} |"
        for one in waiting[:_QUEUE_SHOWN]
    )
    head = "| pair | similarity | Polymarket | Kalshi | why |\n|---|---|---|---|---|"
    how = "Decide with `arb review accept PAIR_HASH --reason TEXT` or `reject`."
    table = f"{head}\n{rows}\n\n{how}" if waiting else "Nothing waits for a decision."
    return {"waiting_for_a_person": len(waiting), "review_queue": dg.MetadataValue.md(table)}


def _side(side: Shown) -> str:
    parts = ("".join(_marked(piece) for piece in pieces) for pieces in (side.title, side.terms, side.rules))
    return " · ".join(part for part in parts if part)


def _marked(piece: Piece) -> str:
    """Only what is not marked has blanks at its ends, and needs them there."""
    text = cell(piece.text)
    if piece.differs:
        return f"**{text}**"
    left, right = (" " if blank.isspace() else "" for blank in (piece.text[:1], piece.text[-1:]))
    return f"{left}{text}{right}" if text else " "


def _reasons(one: Waiting) -> str:
    said = (
        "not judged yet"
        if one.verdict is None
        else f"{one.verdict.model}: {one.verdict.relation}. {one.verdict.explanation}"
    )
    reasons = [said, *(f"rule: {reason}" for reason in one.by_rules), *one.by_others, one.earlier]
    return " · ".join(cell(plain_text(reason)) for reason in reasons if reason)
