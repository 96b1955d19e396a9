"""Read-only SQL for people: one query in, a frame or text out."""

import csv
import io
import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

import duckdb
import polars as pl

from arb_platform.domain.errors import StorageError
from arb_platform.storage.attach import LakeLocation, first_line
from arb_platform.storage.lake import Lake, transient

Format = Literal["table", "csv", "json"]

_READS: Final = frozenset({duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN})
# JSON readers hold numbers as doubles: integers above this would change on the way.
_SAFE_INTEGER: Final = 2**53
_WIDEST_CELL: Final = 60
# Types, also inside of others, that have no place in a Polars frame.
_AS_TEXT: Final = ("INTERVAL", "TIME WITH TIME ZONE", "UUID", "BIT", "MAP", "UNION", "VARIANT", "GEOMETRY")


def run_query(location: LakeLocation, sql: str) -> pl.DataFrame:
    """The answer to one query on the lake, read-only.

    Raises StorageError with a sentence for anything that would write, and for a query that DuckDB
    does not understand.
    """
    with Lake.open(location, read_only=True) as lake:
        return query_only(lake, sql)


def query_only(lake: Lake, sql: str) -> pl.DataFrame:
    """As :func:`run_query`, on a lake that is open for reading."""
    check_reads_only(sql)
    for _ in range(3):
        try:
            return _ask(lake, sql)
        except duckdb.Error as error:
            if not transient(error):
                raise StorageError(f"{first_line(error)}") from error
    return lake.query(sql)


def check_reads_only(sql: str) -> None:
    """Raises StorageError unless ``sql`` is exactly one statement that only reads."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise StorageError(f"{first_line(error)}") from error
    if not statements:
        raise StorageError(
            "there is no query to run; write for example: SELECT count(*) FROM book_snapshots."
        )
    # PIVOT is turned into a temporary type and a SELECT.
    pivot = (
        sql.lstrip().lower().startswith(("pivot", "from"))
        and statements[-1].type == duckdb.StatementType.SELECT
    )
    writes = [statement for statement in statements if statement.type not in _READS]
    if writes and not (pivot and all(s.type == duckdb.StatementType.CREATE for s in writes)):
        kind = writes[0].type.name
        raise StorageError(
            f"this shell only reads and {kind} does not; the lake is written by the platform's own commands."
        )
    if len(statements) > 1 and not pivot:
        raise StorageError("one query at a time, please; separate statements belong in separate calls.")


def _ask(lake: Lake, sql: str) -> pl.DataFrame:
    with lake.cursor() as cursor:
        relation = cursor.sql(sql)
        if relation is None:
            return pl.DataFrame()
        return relation.project(", ".join(_columns(relation))).pl()


def _columns(relation: duckdb.DuckDBPyRelation) -> list[str]:
    """The columns of an answer as Polars can hold them: different names, and text for types it does not know."""
    used: set[str] = set()
    columns: list[str] = []
    for number, (column, kind) in enumerate(zip(relation.columns, relation.types, strict=True), start=1):
        name, again = column, 1
        while name.lower() in used:
            again += 1
            name = f"{column}_{again}"
        used.add(name.lower())
        cast = "::VARCHAR" if any(word in str(kind) for word in _AS_TEXT) else ""
        columns.append(f'#{number}{cast} AS "{name.replace(chr(34), chr(34) * 2)}"')
    return columns


def render(frame: pl.DataFrame, form: Format) -> str:
    """``frame`` as text. DECIMALs and integers beyond 2^53 are strings in JSON, times ISO 8601 in UTC."""
    if form == "json":
        rows = [{name: _plain(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]
        return json.dumps(rows, ensure_ascii=False, allow_nan=False)
    rows_as_text = [[_text(value) for value in row] for row in frame.iter_rows()]
    if form == "csv":
        sink = io.StringIO()
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerows([frame.columns, *rows_as_text])
        return sink.getvalue().rstrip("\n")
    return _table(frame, rows_as_text)


def _table(frame: pl.DataFrame, rows: list[list[str]]) -> str:
    right = [kind.is_numeric() for kind in frame.dtypes]
    cells = [[_cut(cell) for cell in row] for row in [frame.columns, *rows]]
    widths = [max(len(row[index]) for row in cells) for index in range(frame.width)]
    lines = [
        "  ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, f"({frame.height} row{'' if frame.height == 1 else 's'})"])


def _cut(cell: str) -> str:
    line = " ".join(cell.split())
    return line if len(line) <= _WIDEST_CELL else line[: _WIDEST_CELL - 1] + "…"


def _plain(value: Any) -> Any:
    """``value`` as what JSON can hold without loss."""
    if isinstance(value, Decimal):
        # DuckDB's HUGEINT (any sum of integers) arrives as a Decimal without decimals.
        whole = value.as_tuple().exponent == 0 and abs(value) <= _SAFE_INTEGER
        return int(value) if whole else format(value, "f")
    if isinstance(value, bool | None):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | pl.Series):
        return [_plain(item) for item in value]
    return _text(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list | dict | pl.Series):
        return json.dumps(_plain(value), ensure_ascii=False)
    return str(value)
