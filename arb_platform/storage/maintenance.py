"""Maintenance: retention, compaction and clean-up, one at a time, proving that nothing changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

import duckdb

from arb_platform.domain.errors import StorageError
from arb_platform.storage.columns import Table
from arb_platform.storage.lake import Connection, Lake, storage_error
from arb_platform.storage.publish import maintenance_guard
from arb_platform.storage.schema import TABLES

# A long reader may still need a file that was merged away (a query of an hour is a long one).
_GRACE: Final = timedelta(hours=1)
_ORPHAN_AGE: Final = timedelta(days=1)
# Older days are already compact; hashing them every time would only take longer every day.
_CHECKED_DAYS: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class MaintenanceReport:
    """What one maintenance did. ``dropped`` counts rows beyond retention by table,
    ``raw_segments_dropped`` files of raw frames (which the pipeline drops, not :func:`maintain`).
    """

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
    raw_segments_dropped: int = 0


@dataclass(frozen=True, slots=True)
class _Content:
    rows: int
    fingerprint: int


def maintain(lake: Lake, *, retention_days: int, now: datetime) -> MaintenanceReport:
    """Drop what is beyond retention, merge and sort small files, forget old snapshots, remove old files.

    Rows are counted and hashed before and after each merge. Raises StorageError when a table does
    not hold what it held, or the disk or the catalogue fails; nothing is removed then, so the snapshot
    before the merge is still there.
    """
    try:
        with maintenance_guard(lake.location).hold():
            return _maintained(lake, retention_days, now)
    except duckdb.Error as error:
        raise storage_error(error, lake.location) from error


def _maintained(lake: Lake, retention_days: int, now: datetime) -> MaintenanceReport:
    before = _files(lake)
    dropped = _drop_expired(lake, (now - timedelta(days=retention_days)).date())
    rows = sum(_merge(lake, table, now) for table in TABLES.values() if _mergeable(lake, table))
    expired = _expire_snapshots(lake, now - _GRACE)
    removed = _call(lake, "ducklake_cleanup_old_files", _surely_before(lake, now - _GRACE))
    orphans = _call(lake, "ducklake_delete_orphaned_files", now - _ORPHAN_AGE)
    after = _files(lake)
    return MaintenanceReport(
        started_at=now, files_before=before[0], files_after=after[0], bytes_before=before[1],
        bytes_after=after[1], rows=rows, snapshots_expired=expired, files_removed=removed,
        orphans_removed=orphans, dropped=dropped,
    )  # fmt: skip


def _drop_expired(lake: Lake, first_day_kept: date) -> dict[str, int]:
    """Delete whole days only, so that a day is either there or not."""
    dropped: dict[str, int] = {}
    for table in TABLES.values():
        if table.expires_by is None:
            continue
        beyond = f'FROM {table.name} WHERE "{table.expires_by}" < $1'
        if not lake.query(f"SELECT 1 {beyond} LIMIT 1", [first_day_kept]).is_empty():
            dropped[table.name] = lake.run(partial(_delete, statement=f"DELETE {beyond}", day=first_day_kept))
    return dropped


def _delete(connection: Connection, *, statement: str, day: date) -> int:
    row = connection.execute(statement, [day]).fetchone()
    return int(row[0]) if row else 0


def _mergeable(lake: Lake, table: Table) -> bool:
    found = lake.query(
        "SELECT file_count + delete_file_count > 1 AS yes FROM ducklake_table_info('lake') WHERE table_name = $1",
        [table.name],
    )
    return bool(found["yes"].any())


def _merge(lake: Lake, table: Table, now: datetime) -> int:
    """Merge the small files of one table, and give back its rows."""
    with lake.exclusive() as connection:
        before = _content(connection, table, now)
        connection.execute(f"CALL ducklake_rewrite_data_files('lake', '{table.name}')")
        connection.execute(f"CALL ducklake_merge_adjacent_files('lake', '{table.name}')")
        after = _content(connection, table, now)
    # Only the lock of an embedded lake keeps other writers out in between.
    if before != after if lake.location.embedded else before.rows > after.rows:
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


def _expire_snapshots(lake: Lake, before: datetime) -> int:
    """Forget snapshots from before ``before``, except the newest.

    By number: on an SQLite catalogue DuckLake 1.0 compares ``older_than`` as text, with a T on one
    side and a blank on the other, so that everything of the same day counts as older.
    """
    old = lake.query(
        "SELECT snapshot_id FROM ducklake_snapshots('lake') WHERE snapshot_time < $1 "
        "AND snapshot_id < (SELECT max(snapshot_id) FROM ducklake_snapshots('lake'))",
        [before],
    )["snapshot_id"].to_list()
    if old:
        with lake.exclusive() as connection:
            connection.execute("CALL ducklake_expire_snapshots('lake', versions => $1)", [old])
    return len(old)


def _surely_before(lake: Lake, moment: datetime) -> datetime:
    """See :func:`_expire_snapshots`: a day earlier, and what is compared as text is at least so old."""
    return moment - timedelta(days=1) if lake.location.embedded else moment


def _call(lake: Lake, function: str, older_than: datetime) -> int:
    """The number of files that a clean-up function answers it removed."""
    with lake.exclusive() as connection:
        return len(
            connection.execute(f"SELECT * FROM {function}('lake', older_than => $1)", [older_than]).fetchall()
        )


def _files(lake: Lake) -> tuple[int, int]:
    row = lake.query(
        "SELECT sum(file_count)::BIGINT AS files, sum(file_size_bytes)::BIGINT AS bytes FROM ducklake_table_info('lake')"
    )
    return int(row["files"][0] or 0), int(row["bytes"][0] or 0)
