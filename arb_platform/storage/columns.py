"""What a documented table is made of."""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

ARROW_TYPES: Final[dict[str, pa.DataType]] = {
    "VARCHAR": pa.string(),
    "VARCHAR[]": pa.list_(pa.string()),
    "BLOB": pa.binary(),
    "BOOLEAN": pa.bool_(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "TIMESTAMPTZ": pa.timestamp("us", tz="UTC"),
    "DECIMAL(9,6)": pa.decimal128(9, 6),
    "DECIMAL(18,6)": pa.decimal128(18, 6),
    "DECIMAL(18,12)": pa.decimal128(18, 12),
    "DECIMAL(38,12)": pa.decimal128(38, 12),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``since`` is the schema version that brought it."""

    name: str
    type: str
    text: str
    since: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what a row is, its columns, its key (proved by tests, DuckLake has none) and its layout."""

    name: str
    row: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    partitioned_by: tuple[str, ...] = ()
    sorted_by: tuple[str, ...] = ()
    # the column whose age retention looks at; None keeps rows for ever
    expires_by: str | None = None
    since: int = 1

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def arrow_schema(self, *, without: tuple[str, ...] = ()) -> pa.Schema:
        """The Arrow schema of rows on their way into this table."""
        return pa.schema(
            [(column.name, ARROW_TYPES[column.type]) for column in self.columns if column.name not in without]
        )


@dataclass(frozen=True, slots=True)
class View:
    """One view: what a row is, its query, and a sentence for each column it adds to its source."""

    name: str
    row: str
    sql: str
    # the table whose column texts it shares
    source: str
    columns: tuple[tuple[str, str], ...] = ()
