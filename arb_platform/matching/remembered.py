"""What a proposal found, kept in one file, so that the next one looks only at what changed.

The file is a memory aid and no truth: without it, or with one that cannot be read or was written by
another program, everything is compared again and the outcome is the same.
"""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import polars as pl

from arb_platform.matching.nearness import Found, Nearness, Side

_SIDES: Final = ("left", "right")


@cache
def program() -> str:
    """A hash over the sources of matching and domain: another program may read markets differently."""
    digest = hashlib.sha256()
    matching = Path(__file__).parent
    for folder in (matching, matching.parent / "domain"):
        for source in sorted(folder.glob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()


def remember(path: Path, nearness: Nearness, notes: Mapping[str, Any]) -> None:
    """Replace the file at ``path``; ``notes`` (JSON values) must be told again to recall it."""
    arrays: dict[str, Any] = {"notes": _bytes(json.dumps([program(), notes], sort_keys=True).encode())}
    for name, side in zip(_SIDES, nearness.sides, strict=True):
        columns = {"id": side.ids, "version": side.versions, "spelled": side.spelled, "keys": side.keys}
        arrays[name] = _parquet(pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)))
    weights = {"word": list(nearness.weights), "weight": list(nearness.weights.values())}
    arrays["weights"] = _parquet(pl.DataFrame(weights, schema={"word": pl.String, "weight": pl.Float64}))
    keyed = [(one, other, key) for (one, other), key in nearness.keys.items()]
    schema = {"one": pl.Int64, "other": pl.Int64, "key": pl.String}
    arrays["keys"] = _parquet(pl.DataFrame(keyed, schema=schema, orient="row"))
    found = nearness.found
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    with unfinished.open("wb") as file:
        np.savez(
            file, **arrays, pair_left=nearness.left, pair_right=nearness.right, pair_score=nearness.score,
            rows=found.rows, columns=found.columns, scores=found.scores, whole=found.whole,
        )  # fmt: skip
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def recall(path: Path, notes: Mapping[str, Any]) -> Nearness | None:
    """What was remembered under the same ``notes`` by this very program; None when there is nothing like it."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            if kept["notes"].tobytes().decode() != json.dumps([program(), notes], sort_keys=True):
                return None
            return _nearness(kept)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile, pl.exceptions.PolarsError):
        return None


def _nearness(kept: Mapping[str, Any]) -> Nearness:
    left, right = (_side(kept[name]) for name in _SIDES)
    words = _frame(kept["weights"])
    weights = dict(zip(words["word"].to_list(), words["weight"].to_list(), strict=True))
    keys = {(one, other): key for one, other, key in _frame(kept["keys"]).iter_rows()}
    found = Found(kept["rows"], kept["columns"], kept["scores"], kept["whole"])
    everything = np.ones(len(left.ids), np.bool_), np.ones(len(right.ids), np.bool_)
    return Nearness(
        kept["pair_left"],
        kept["pair_right"],
        kept["pair_score"],
        keys,
        (left.spelled, right.spelled),
        weights,
        (left, right),
        found,
        everything,
    )


def _side(kept: Any) -> Side:
    frame = _frame(kept)
    return Side(*(frame[name].to_list() for name in ("id", "version", "spelled", "keys")))


def _parquet(frame: pl.DataFrame) -> Any:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return _bytes(buffer.getvalue())


def _bytes(content: bytes) -> Any:
    return np.frombuffer(content, np.uint8)


def _frame(kept: Any) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(kept.tobytes()))
