"""``docs/tables.md``, made from the schema itself."""

from typing import Final

from arb_platform.storage.columns import Column, Table, View
from arb_platform.storage.schema import TABLES
from arb_platform.storage.views import VIEWS

_HEAD: Final = """# Tables and views

Made from `arb_platform/storage/schema.py` by `python -m arb_platform.storage.documentation > docs/tables.md`; a test
compares it with the program and with a lake. All times are UTC. Columns are added, never renamed. DuckLake has no
primary keys: the keys below are kept by the programs that write, and checked by tests. `DESCRIBE book_snapshots` and
`SELECT comment FROM duckdb_columns()` show the same texts in SQL.
"""


def tables_markdown() -> str:
    """The whole page."""
    parts = [_HEAD, *(_view(view) for view in VIEWS), *(_table(table) for table in TABLES.values())]
    return "\n".join(parts)


def view_columns(view: View) -> dict[str, str]:
    """Name -> text of every column a view shows, in no order: its own, then those of its source."""
    own = dict(view.columns)
    shared = {column.name: column.text for column in TABLES[view.source].columns if column.name not in own}
    return own | shared


def _table(table: Table) -> str:
    notes = [f"Key: {', '.join(table.key)}."] if table.key else []
    notes += [f"Laid out by {', '.join(table.partitioned_by)}."] if table.partitioned_by else []
    notes += [f"Sorted by {', '.join(table.sorted_by)}."] if table.sorted_by else []
    notes += ["Dropped by maintenance after `ARB_RETENTION_DAYS`."] if table.expires_by else []
    rows = [_row(column) for column in table.columns]
    said = f"One row is {table.row}. {' '.join(notes)}".rstrip()
    return "\n".join(
        [f"## {table.name}\n", f"{said}\n", "| column | type | meaning |", "|---|---|---|", *rows, ""]
    )


def _row(column: Column) -> str:
    return f"| {column.name} | {column.type} | {column.text.replace('|', chr(92) + '|')} |"


def _view(view: View) -> str:
    lines = [f"## {view.name} (view)\n", f"One row is {view.row}.\n"]
    if not view.columns:
        return "\n".join([*lines, f"Its columns are those of `{view.source}`.\n"])
    rows = [f"| {name} | {text} |" for name, text in view.columns]
    rest = f"Its other columns are those of `{view.source}`.\n"
    return "\n".join([*lines, "| column | meaning |", "|---|---|", *rows, "", rest])


if __name__ == "__main__":
    print(tables_markdown(), end="")  # noqa: T201 the page is this program's output
