"""The schema as numbered migrations, forward only.

A table or column is added by its entry in the table modules with ``since`` one higher, and a
migration of that number here; views are made anew each time. The numbers already there are history.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

import duckdb

from arb_platform.domain.errors import NewerSchema
from arb_platform.storage.attach import quoted
from arb_platform.storage.catalogue_tables import CATALOGUE_TABLES
from arb_platform.storage.columns import Column, Table
from arb_platform.storage.edge_tables import EDGE_TABLES
from arb_platform.storage.report_tables import REPORT_TABLES
from arb_platform.storage.stream_tables import STREAM_TABLES
from arb_platform.storage.views import VIEWS

SCHEMA_VERSIONS: Final = Table(
    "schema_version",
    "a migration that was applied",
    (
        Column("version", "INTEGER", "key; the highest one is the lake's version"),
        Column("applied_at", "TIMESTAMPTZ", "when"),
        Column("what", "VARCHAR", "what it brought"),
    ),
    key=("version",),
)

TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (*STREAM_TABLES, *CATALOGUE_TABLES, *EDGE_TABLES, *REPORT_TABLES, SCHEMA_VERSIONS)
}

# Of the whole lake; DuckLake cannot set them inside the transaction that creates a table.
_OPTIONS: Final = (
    "CALL lake.set_option('parquet_compression', 'zstd')",
    "CALL lake.set_option('target_file_size', '128MB')",
    # Sorting belongs to compaction: landing must be quick.
    "CALL lake.set_option('sort_on_insert', false)",
)

Migration = Callable[[duckdb.DuckDBPyConnection], None]


def _first(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables of the first release."""
    _add(connection, since=1)


def _second(connection: duckdb.DuckDBPyConnection) -> None:
    """Evaluations, settlements and likely misses, and what report_matching says of them."""
    _add(connection, since=2)


def _third(connection: duckdb.DuckDBPyConnection) -> None:
    """Fee schedules by date, why an edge was refused, and which venue moves first."""
    _add(connection, since=3)


def _fourth(connection: duckdb.DuckDBPyConnection) -> None:
    """Batches of questions to language models, and which call went with which."""
    _add(connection, since=4)


MIGRATIONS: Final[tuple[Migration, ...]] = (_first, _second, _third, _fourth)
SCHEMA_VERSION: Final = len(MIGRATIONS)


def lake_version(connection: duckdb.DuckDBPyConnection) -> int:
    """The version of the attached lake; 0 for an empty one. Raises NewerSchema."""
    try:
        row = connection.execute("SELECT max(version) FROM lake.schema_version").fetchone()
    except duckdb.CatalogException:
        # Asking for the list of tables costs as much as all the rest of opening a lake.
        row = None
    version = int(row[0] or 0) if row else 0
    if version > SCHEMA_VERSION:
        raise NewerSchema(
            f"this lake has schema version {version} and this program knows {SCHEMA_VERSION}; "
            "install the newer arb_platform that wrote it."
        )
    return version


def migrate(connection: duckdb.DuckDBPyConnection, now: datetime) -> int:
    """Bring the attached lake to SCHEMA_VERSION and return what it had; the caller holds the lock.

    All or nothing: one transaction for all missing migrations.
    """
    before = lake_version(connection)
    if before == SCHEMA_VERSION:
        return before
    if before == 0:
        for option in _OPTIONS:
            connection.execute(option)
    connection.execute("BEGIN")
    try:
        for version, migration in enumerate(MIGRATIONS[before:], start=before + 1):
            migration(connection)
            connection.execute(
                "INSERT INTO schema_version VALUES (?, ?, ?)",
                [version, now, (migration.__doc__ or "").strip()],
            )
        _create_views(connection)
        connection.execute("COMMIT")
    except BaseException:
        # A failed COMMIT has ended the transaction already, and its error is the one that counts.
        with suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise
    return before


def _add(connection: duckdb.DuckDBPyConnection, *, since: int) -> None:
    """Create the tables and columns that came with version ``since``."""
    for table in TABLES.values():
        if table.since == since:
            _create(connection, table, since)
            continue
        for column in table.columns:
            if column.since == since:
                connection.execute(f'ALTER TABLE {table.name} ADD COLUMN "{column.name}" {column.type}')
                _comment_column(connection, table, column)


def _create(connection: duckdb.DuckDBPyConnection, table: Table, since: int) -> None:
    columns = [column for column in table.columns if column.since <= since]
    listed = ", ".join(f'"{column.name}" {column.type}' for column in columns)
    connection.execute(f"CREATE TABLE {table.name} ({listed})")
    if table.partitioned_by:
        connection.execute(f"ALTER TABLE {table.name} SET PARTITIONED BY ({', '.join(table.partitioned_by)})")
    if table.sorted_by:
        keys = ", ".join(f'"{name}"' for name in table.sorted_by)
        connection.execute(f"ALTER TABLE {table.name} SET SORTED BY ({keys})")
    connection.execute(f"COMMENT ON TABLE {table.name} IS {quoted(table.row)}")
    for column in columns:
        _comment_column(connection, table, column)


def _comment_column(connection: duckdb.DuckDBPyConnection, table: Table, column: Column) -> None:
    connection.execute(f'COMMENT ON COLUMN {table.name}."{column.name}" IS {quoted(column.text)}')


def _create_views(connection: duckdb.DuckDBPyConnection) -> None:
    for view in VIEWS:
        connection.execute(f"CREATE OR REPLACE VIEW {view.name} AS {view.sql}")
        connection.execute(f"COMMENT ON VIEW {view.name} IS {quoted(view.row)}")
