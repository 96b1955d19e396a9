"""Batches of questions to language models, there and back, and which calls are in them."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

import polars as pl
import pyarrow as pa

from arb_platform.domain.calls import CallBatch, LLMCall
from arb_platform.storage.catalogue_tables import LLM_BATCHES
from arb_platform.storage.lake import Connection, Lake, merge_into
from arb_platform.storage.text import storable

OPEN: Final = "state IN ('preparing', 'submitted')"
_TIMES: Final = ("prepared_at", "ended_at")
_COST_UNIT: Final = Decimal("1E-12")


def batch_document(batch: CallBatch) -> dict[str, Any]:
    """``batch`` as JSON values: what a journal keeps."""
    document: dict[str, Any] = {name: getattr(batch, name) for name in LLM_BATCHES.names}
    times = {name: None if document[name] is None else document[name].isoformat() for name in _TIMES}
    return document | times | {"estimated_usd": format(batch.estimated_usd, "f")}


def batch_row(document: dict[str, Any]) -> dict[str, Any]:
    """The row of ``llm_batches`` that a document says. Raises ValueError, KeyError or TypeError where it is none."""
    row = {name: document[name] for name in LLM_BATCHES.names}
    times = {name: None if row[name] is None else datetime.fromisoformat(row[name]) for name in _TIMES}
    estimated = Decimal(row["estimated_usd"]).quantize(_COST_UNIT, ROUND_HALF_EVEN)
    return row | times | {"estimated_usd": estimated, "error": storable(row["error"])}


def merge_batches(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep how batches stand, inside a transaction; the last of equal ids wins."""
    if rows:
        frame = pl.from_arrow(pa.Table.from_pylist(list(rows), LLM_BATCHES.arrow_schema()))
        assert isinstance(frame, pl.DataFrame)
        merge_into(connection, LLM_BATCHES.name, frame, LLM_BATCHES.key)


def open_batches(lake: Lake) -> list[CallBatch]:
    """Batches whose answers are not in the lake yet, oldest first."""
    frame = lake.query(f"SELECT * FROM llm_batches WHERE {OPEN} ORDER BY prepared_at, batch_id")
    return [CallBatch(**_in_utc(row)) for row in frame.iter_rows(named=True)]


def unanswered_calls(lake: Lake, batch_id: str) -> dict[str, LLMCall]:
    """The calls of a batch of which only the start is known, by call_id."""
    names = ", ".join(field.name for field in fields(LLMCall))
    frame = lake.query(
        f"SELECT {names} FROM llm_calls WHERE batch_id = $1 AND status = 'started'", [batch_id]
    )
    return {row["call_id"]: LLMCall(**_in_utc(row)) for row in frame.iter_rows(named=True)}


def pairs_in_batches(lake: Lake) -> set[str]:
    """Hashes of the pairs that a provider is being asked about: nobody is to ask about them once more.

    A reader never migrates, so a lake of an older program may have no batches at all.
    """
    known = "SELECT 1 FROM duckdb_tables() WHERE database_name = 'lake' AND table_name = $1"
    if lake.query(known, [LLM_BATCHES.name]).is_empty():
        return set()
    frame = lake.query(
        "SELECT DISTINCT pair_hash FROM llm_calls WHERE status = 'started' "
        f"AND batch_id IN (SELECT batch_id FROM llm_batches WHERE {OPEN})"
    )
    return set(frame["pair_hash"])


def _in_utc(row: dict[str, Any]) -> dict[str, Any]:
    times = {name: row[name].astimezone(UTC) for name in (*_TIMES, "started_at") if row.get(name) is not None}
    return row | times
