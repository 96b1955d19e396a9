"""Rows of what a stream tells, as Arrow tables for the spool."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import Any, Final

import numpy as np
import pyarrow as pa

from arb_platform.domain.books import BookSnapshot, Pairs
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
_NO_LEVELS: Final = ((0, 0),) * DEPTH

_SNAPSHOT_SCHEMA = BOOK_SNAPSHOTS.arrow_schema(without=PROMOTED_COLUMNS)
_TIME = pa.timestamp("us", tz="UTC")
_PRICE = pa.decimal128(9, 6)
_SIZE = pa.decimal128(18, 6)
_zone: Final = attrgetter("tzinfo")
# Largest unscaled value of DECIMAL(9,6) and DECIMAL(18,6), exclusive.
_PRICE_LIMIT = 10**9
_SIZE_LIMIT = 10**18


def snapshot_rows(handed: Sequence[tuple[BookSnapshot, datetime]]) -> pa.Table:
    """Rows of ``book_snapshots`` from snapshots and the moments they were handed to us.

    Levels below the third are not stored. Raises ValueError for a price of 1000 dollars or more:
    the feeds quarantine such frames, so it would be our bug.
    """
    if not handed:
        return _SNAPSHOT_SCHEMA.empty_table()
    snapshots, handed_at = zip(*handed, strict=True)
    # A snapshot is the tuple of its fields, so turning them into columns is one call.
    markets, bids, asks, exchange_us, received_at, sequences, epochs, crossed, sessions = zip(
        *snapshots, strict=True
    )
    received = _times(received_at)
    columns: dict[str, pa.Array] = {
        "day": received.cast(pa.date32()),
        "venue": pa.array([market.venue for market in markets], pa.string()),
        "market_id": pa.array([market.market_id for market in markets], pa.string()),
        "exchange_time": pa.array(exchange_us, pa.int64()).view(_TIME),
        "received_at": received,
        "handed_at": _times(handed_at),
        "sequence": pa.array(sequences, pa.int64()),
        "session_id": pa.array(sessions, pa.string()),
        "epoch": pa.array(epochs, pa.int32()),
        "crossed": pa.array(crossed, pa.bool_()),
        **_levels("bid", bids),
        **_levels("ask", asks),
    }
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


def _times(moments: Sequence[datetime | None]) -> pa.Array:
    # Arrow converts aware datetimes of any zone, but takes naive ones for UTC in silence.
    if None in map(_zone, filter(None, moments)):
        raise ValueError("a time without a time zone cannot be stored")
    return pa.array(moments, _TIME)


def _levels(side: str, books: Sequence[Pairs]) -> dict[str, pa.Array]:
    """The price and size columns of one side; a row of numbers for each book, padded with zeros."""
    depths = np.fromiter(map(len, books), np.int64, len(books))
    if (depths != DEPTH).any():
        books = [(*levels[:DEPTH], *_NO_LEVELS[len(levels) :]) for levels in books]
    numbers = chain.from_iterable(chain.from_iterable(books))
    grid = np.fromiter(numbers, np.int64, len(books) * 2 * DEPTH).reshape(len(books), 2 * DEPTH)
    columns: dict[str, pa.Array] = {}
    for depth in range(DEPTH):
        there = depths > depth
        columns[f"{side}{depth + 1}_px"] = _decimals(grid[:, 2 * depth], there, _PRICE, _PRICE_LIMIT)
        columns[f"{side}{depth + 1}_sz"] = _decimals(grid[:, 2 * depth + 1], there, _SIZE, _SIZE_LIMIT)
    return columns


def _decimals(
    low: "np.ndarray[Any, np.dtype[np.int64]]",
    there: "np.ndarray[Any, np.dtype[np.bool_]]",
    kind: pa.DataType,
    limit: int,
) -> pa.Array:
    """Integer millionths as decimal128 without a Decimal object per value: the unscaled value is the same."""
    if low.max() >= limit or low.min() <= -limit:
        raise ValueError(f"a price or size does not fit {kind}: {low.max()} millionths")
    words = np.empty((low.size, 2), dtype="<i8")
    words[:, 0] = low
    words[:, 1] = low >> 63
    valid = pa.py_buffer(np.packbits(there, bitorder="little").tobytes())
    return pa.Array.from_buffers(kind, low.size, [valid, pa.py_buffer(words.tobytes())])
