"""Reading a segment back: whole and ours, or a reason why it is not."""

import zlib
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from arb_platform.storage.columns import Table
from arb_platform.storage.spool import Segment, durable_at
from arb_platform.storage.stream_tables import PROMOTED_COLUMNS, SPOOLED_TABLES

_SPOOLED: Final[dict[str, Table]] = {table.name: table for table in SPOOLED_TABLES}


class TornSegment(Exception):
    """Why a file of the spool cannot be promoted."""


def read_segment(segment: Segment) -> pa.Table:
    """The rows of ``segment`` with the columns of its table that promotion fills in.

    Raises TornSegment when the bytes are not what was acknowledged or do not fit the table, and
    FileNotFoundError when another process has promoted it meanwhile.
    """
    table = _SPOOLED.get(segment.table)
    if table is None:
        raise TornSegment(f"no table {segment.table!r} is fed by the spool")
    content = segment.path.read_bytes()
    if zlib.crc32(content) != segment.checksum:
        raise TornSegment(f"its {len(content)} bytes do not have the checksum of its name")
    try:
        rows = pq.read_table(pa.BufferReader(content))
        rows.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TornSegment(f"it is not readable Parquet: {str(error)[:200]}") from error
    _check_columns(rows.schema, table)
    return _with_landing(rows, segment, table)


def _check_columns(schema: pa.Schema, table: Table) -> None:
    expected = table.arrow_schema(without=PROMOTED_COLUMNS)
    for field in schema:
        if field.name not in expected.names:
            raise TornSegment(
                f"table {table.name} has no column {field.name!r}: was it written by a newer program?"
            )
        if field.type != expected.field(field.name).type:
            raise TornSegment(
                f"column {field.name!r} is {field.type} and not {expected.field(field.name).type}"
            )


def _with_landing(rows: pa.Table, segment: Segment, table: Table) -> pa.Table:
    filled = {"landed_at": durable_at(segment), "segment_id": segment.segment_id}
    schema = table.arrow_schema()
    for name, value in filled.items():
        if name in schema.names:
            kind = schema.field(name).type
            rows = rows.append_column(schema.field(name), pa.array([value] * rows.num_rows, kind))
    return rows
