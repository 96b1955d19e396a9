"""Maintenance: retention, compaction and clean-up, one at a time, proving that nothing changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from arb_platform.domain.errors import StorageError
from arb_platform.storage.columns import Table
from arb_platform.storage.lake import Connection, Lake
from arb_platform.storage.publish import maintenance_guard
from arb_platform.storage.schema import TABLES

# A long reader may still need a file that was merged away (a query of an hour is a long one).
_GRACE: Final = timedelta(hours=1)
_ORPHAN_AGE: Final = timedelta(days=1)
# Older days are already compact; hashing them every time would only take longer every day.
_CHECKED_DAYS: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class MaintenanceReport:
    """What one maintenance did. ``dropped`` counts rows beyond retention by table."""

    started_at: datetime
    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    rows: int
    snapshots_expired: int
    files_removed: int
    orphans_removed: int
    dropped: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Content:
    rows: int
    fingerprint: int


def maintain(lake: Lake, *, retention_days: int, now: datetime) -> MaintenanceReport:
    """Drop what is beyond retention, merge and sort small files, forget old snapshots, remove old files.

    Rows are counted and hashed before and after each merge. Raises StorageError when a table does
    not hold what it held; nothing is removed then, so the snapshot before the merge is still there.
    """
    with maintenance_guard(lake.location).hold():
        files_before, bytes_before = _files(lake)
        dropped = _drop_expired(lake, now - timedelta(days=retention_days))
        rows = sum(_merge(lake, table, now) for table in TABLES.values())
        expired = _call(
            lake, "SELECT * FROM ducklake_expire_snapshots('lake', older_than => $1)", [now - _GRACE]
        )
        removed = _call(
            lake, "SELECT * FROM ducklake_cleanup_old_files('lake', older_than => $1)", [now - _GRACE]
        )
        orphans = _call(
            lake,
            "SELECT * FROM ducklake_delete_orphaned_files('lake', older_than => $1)",
            [now - _ORPHAN_AGE],
        )
        files_after, bytes_after = _files(lake)
    return MaintenanceReport(
        started_at=now, files_before=files_before, files_after=files_after, bytes_before=bytes_before,
        bytes_after=bytes_after, rows=rows, snapshots_expired=expired, files_removed=removed,
        orphans_removed=orphans, dropped=dropped,
    )  # fmt: skip


def _drop_expired(lake: Lake, before: datetime) -> dict[str, int]:
    """Delete whole days only, so that a day is either there or not."""
    first_day_kept = before.date()
    dropped: dict[str, int] = {}
    for table in TABLES.values():
        if table.expires_by is None:
            continue
        condition = f'"{table.expires_by}" < $1'
        if lake.query(f"SELECT 1 FROM {table.name} WHERE {condition} LIMIT 1", [first_day_kept]).is_empty():
            continue
        statement = f"DELETE FROM {table.name} WHERE {condition}"
        dropped[table.name] = lake.run(
            lambda connection, sql=statement: _count(connection, sql, first_day_kept)
        )  # type: ignore[misc]
    return dropped


def _count(connection: Connection, statement: str, day: date) -> int:
    row = connection.execute(statement, [day]).fetchone()
    return int(row[0]) if row else 0


def _merge(lake: Lake, table: Table, now: datetime) -> int:
    """Merge the small files of one table, and give back its rows."""
    with lake.exclusive() as connection:
        before = _content(connection, table, now)
        connection.execute(f"CALL ducklake_rewrite_data_files('lake', '{table.name}')")
        connection.execute(f"CALL ducklake_merge_adjacent_files('lake', '{table.name}')")
        after = _content(connection, table, now)
    if before != after:
        raise StorageError(
            f"compacting {table.name} changed it from {before.rows} to {after.rows} rows; nothing was removed, so read the "
            "snapshot before it (AT (VERSION => ...)) and report this."
        )
    return after.rows


def _content(connection: Connection, table: Table, now: datetime) -> _Content:
    """How many rows, and a hash of them that does not depend on their order."""
    rows = connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()
    recent = f"WHERE day >= DATE '{(now - _CHECKED_DAYS).date()}'" if "day" in table.partitioned_by else ""
    hashed = connection.execute(f"SELECT sum(hash(t)::HUGEINT) FROM {table.name} t {recent}").fetchone()
    assert rows is not None
    assert hashed is not None
    return _Content(int(rows[0]), int(hashed[0] or 0))


def _call(lake: Lake, sql: str, parameters: list[Any]) -> int:
    """The number of rows a maintenance function answers: what it removed."""
    with lake.exclusive() as connection:
        return len(connection.execute(sql, parameters).fetchall())


def _files(lake: Lake) -> tuple[int, int]:
    row = lake.query(
        "SELECT sum(file_count)::BIGINT AS files, sum(file_size_bytes)::BIGINT AS bytes FROM ducklake_table_info('lake')"
    )
    return int(row["files"][0] or 0), int(row["bytes"][0] or 0)
