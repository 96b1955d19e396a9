"""Rows of what a stream tells, as Arrow tables for the spool."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from arb_platform.domain.books import BookSnapshot, Level
from arb_platform.domain.streams import QuarantinedFrame, StreamEvent, StreamSession
from arb_platform.storage.stream_tables import (
    BOOK_SNAPSHOTS,
    PROMOTED_COLUMNS,
    QUARANTINED_FRAMES,
    STREAM_EVENTS,
    STREAM_SESSIONS,
)  # fmt: skip
from arb_platform.storage.text import storable

DEPTH: Final = 3

_SNAPSHOT_SCHEMA = BOOK_SNAPSHOTS.arrow_schema(without=PROMOTED_COLUMNS)
_PRICE = pa.decimal128(9, 6)
_SIZE = pa.decimal128(18, 6)
# Largest unscaled value of DECIMAL(9,6) and DECIMAL(18,6), exclusive.
_PRICE_LIMIT = 10**9
_SIZE_LIMIT = 10**18


def snapshot_rows(handed: Sequence[tuple[BookSnapshot, datetime]]) -> pa.Table:
    """Rows of ``book_snapshots`` from snapshots and the moments they were handed to us.

    Levels below the third are not stored. Raises ValueError for a price of 1000 dollars or more:
    the feeds quarantine such frames, so it would be our bug.
    """
    snapshots = [snapshot for snapshot, _ in handed]
    received = _times([snapshot.received_at for snapshot in snapshots])
    columns: dict[str, pa.Array] = {
        "day": received.cast(pa.date32()),
        "venue": pa.array([snapshot.market.venue for snapshot in snapshots], pa.string()),
        "market_id": pa.array([snapshot.market.market_id for snapshot in snapshots], pa.string()),
        "exchange_time": _times([snapshot.exchange_time for snapshot in snapshots]),
        "received_at": received,
        "handed_at": _times([at for _, at in handed]),
        "sequence": pa.array([snapshot.sequence for snapshot in snapshots], pa.int64()),
        "session_id": pa.array([snapshot.session_id for snapshot in snapshots], pa.string()),
        "epoch": pa.array([snapshot.epoch for snapshot in snapshots], pa.int32()),
        "crossed": pa.array([snapshot.crossed for snapshot in snapshots], pa.bool_()),
    }
    columns |= _levels("bid", [snapshot.bids for snapshot in snapshots])
    columns |= _levels("ask", [snapshot.asks for snapshot in snapshots])
    return pa.table([columns[name] for name in _SNAPSHOT_SCHEMA.names], schema=_SNAPSHOT_SCHEMA)


def event_rows(events: Iterable[StreamEvent]) -> pa.Table:
    """Rows of ``stream_events``."""
    return _rows(STREAM_EVENTS.arrow_schema(), events)


def session_rows(sessions: Iterable[StreamSession]) -> pa.Table:
    """Rows of ``stream_sessions``."""
    return _rows(STREAM_SESSIONS.arrow_schema(), sessions)


def quarantine_rows(frames: Iterable[QuarantinedFrame]) -> pa.Table:
    """Rows of ``quarantined_frames``."""
    return _rows(QUARANTINED_FRAMES.arrow_schema(), frames)


def _rows(schema: pa.Schema, items: Iterable[Any]) -> pa.Table:
    kept = list(items)
    columns = [_column(field, [getattr(item, field.name) for item in kept]) for field in schema]
    return pa.table(columns, schema=schema)


def _column(field: pa.Field, values: list[Any]) -> pa.Array:
    if pa.types.is_timestamp(field.type):
        return _times(values)
    if pa.types.is_string(field.type):
        values = [storable(value) for value in values]
    return pa.array(values, field.type)


def _times(moments: list[datetime | None]) -> pa.Array:
    # Arrow converts aware datetimes of any zone, but takes naive ones for UTC in silence.
    if any(moment is not None and moment.tzinfo is None for moment in moments):
        raise ValueError("a time without a time zone cannot be stored")
    return pa.array(moments, pa.timestamp("us", tz="UTC"))


def _levels(side: str, books: list[tuple[Level, ...]]) -> dict[str, pa.Array]:
    columns: dict[str, pa.Array] = {}
    for depth in range(DEPTH):
        there = np.array([len(levels) > depth for levels in books], dtype=bool)
        prices = [levels[depth].price_units if len(levels) > depth else 0 for levels in books]
        sizes = [levels[depth].size_units if len(levels) > depth else 0 for levels in books]
        columns[f"{side}{depth + 1}_px"] = _decimals(prices, there, _PRICE, _PRICE_LIMIT)
        columns[f"{side}{depth + 1}_sz"] = _decimals(sizes, there, _SIZE, _SIZE_LIMIT)
    return columns


def _decimals(
    units: list[int], there: "np.ndarray[Any, np.dtype[np.bool_]]", kind: pa.DataType, limit: int
) -> pa.Array:
    """Integer millionths as decimal128 without a Decimal object per value: the unscaled value is the same."""
    low = np.array(units, dtype=np.int64)
    if low.size and (low.max() >= limit or low.min() <= -limit):
        raise ValueError(f"a price or size does not fit {kind}: {low.max()} millionths")
    words = np.empty((low.size, 2), dtype="<i8")
    words[:, 0] = low
    words[:, 1] = low >> 63
    valid = pa.py_buffer(np.packbits(there, bitorder="little").tobytes())
    return pa.Array.from_buffers(kind, low.size, [valid, pa.py_buffer(words.tobytes())])
