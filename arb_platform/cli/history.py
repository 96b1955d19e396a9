"""What changed between the versions of a market."""

import difflib
import json
from collections.abc import Iterator
from typing import Any

from arb_platform import api
from arb_platform.cli.console import out, print_json
from arb_platform.domain.errors import StorageError
from arb_platform.settings import Settings
from arb_platform.storage.lake import Lake
from arb_platform.storage.markets import MarketVersion, market_history


def show_history(settings: Settings, market: str, *, as_json: bool) -> None:
    """Print each version of ``market`` against the one before it. Raises StorageError for an unknown one."""
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        versions = market_history(lake, market)
    if not versions:
        raise StorageError(
            f"no market {market!r} is in the lake; list the venues first (arb markets), or look for it: "
            'arb sql "SELECT venue, market_id, symbol, title FROM lake.markets"'
        )
    if as_json:
        print_json([_document(version) for version in versions])
        return
    for before, after in zip([None, *versions[:-1]], versions, strict=True):
        if before is None or _named(before) != _named(after):
            out.print(f"{after.market.venue} {after.market.market_id}: {after.market.title}", markup=False, style="bold")  # fmt: skip
            out.print(f"first seen {after.valid_from:%Y-%m-%d %H:%M} UTC", markup=False)
            continue
        out.print(f"\nchanged {after.valid_from:%Y-%m-%d %H:%M} UTC", markup=False, style="bold")
        for line in changes(before, after):
            style = {"+": "green", "-": "red"}.get(line[:1])
            out.print(line, markup=False, highlight=False, style=style)
    last = versions[-1]
    if last.gone and last.valid_to is not None:
        out.print(f"\nno longer listed since {last.valid_to:%Y-%m-%d %H:%M} UTC")
    if len(versions) == 1:
        out.print("It has one version: its words have not changed since it was first seen.")


def changes(before: MarketVersion, after: MarketVersion) -> Iterator[str]:
    """Lines that say what changed: the rule text line by line, every other field with both values."""
    old, new = before.market.semantic_fields(), after.market.semantic_fields()
    changed = [name for name in new if old[name] != new[name]]
    for name in changed:
        if name == "rules":
            yield from _text_changes(old[name], new[name])
        else:
            yield f"- {name}: {_told(old[name])}"
            yield f"+ {name}: {_told(new[name])}"
    if not changed:
        yield "nothing: it was gone in between and came back as it was"


def _text_changes(old: str, new: str) -> Iterator[str]:
    yield "  rules:"
    for line in difflib.ndiff(_lines(old), _lines(new)):
        # Lines that begin with ? point at characters, which nobody reads in a long text.
        if not line.startswith("?"):
            yield line


def _lines(text: str) -> list[str]:
    """A rule text by sentences: venues write whole texts as one line."""
    return [
        part for line in text.splitlines() for part in line.replace(". ", ".\n").split("\n") if part.strip()
    ]


def _named(version: MarketVersion) -> tuple[str, str]:
    return version.market.venue, version.market.market_id


def _told(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _document(version: MarketVersion) -> dict[str, Any]:
    return {
        "venue": version.market.venue,
        "market_id": version.market.market_id,
        "valid_from": version.valid_from,
        "valid_to": version.valid_to,
        "gone": version.gone,
        "content_hash": version.market.content_hash,
        **version.market.semantic_fields(),
    }
