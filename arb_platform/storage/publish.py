"""``published.duckdb``: a plain DuckDB file for tools that cannot attach a DuckLake.

It holds the last :data:`PUBLISHED_DAYS` days of what grows with the streams and everything else
whole, so that a refresh takes as long in a year as it does now.
"""

import os
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb

from arb_platform.domain.errors import StorageError
from arb_platform.storage.attach import LakeLocation, quoted
from arb_platform.storage.columns import Table
from arb_platform.storage.lake import Connection, Lake
from arb_platform.storage.lock import FileGuard
from arb_platform.storage.schema import TABLES
from arb_platform.storage.stream_tables import BOOK_SNAPSHOTS, STREAM_EVENTS
from arb_platform.storage.views import VIEWS

# UTC days with snapshots, the newest one included.
PUBLISHED_DAYS: Final = 2
# The one table of the file that the lake does not have: which state of the lake this is.
_STATE: Final = "published_from"


@dataclass(frozen=True, slots=True)
class Publication:
    """The file, its first day of snapshots (None: it has all), and whether it had to be written anew."""

    path: Path
    first_day: date | None
    refreshed: bool


@dataclass(frozen=True, slots=True)
class _State:
    """Two files with equal states are equal: the lake's last commit, by number and time, and the first day."""

    snapshot_id: int
    committed_at: datetime
    first_day: date | None


def maintenance_guard(location: LakeLocation) -> FileGuard:
    """Held by what must not run beside a compaction: another one, or a copy of the lake."""
    return FileGuard(
        location.root / "maintenance.lock", purpose="maintenance or a copy of the lake", timeout_seconds=600
    )


def publish(location: LakeLocation, *, days: int = PUBLISHED_DAYS) -> Publication:
    """Copy the lake to ``published.duckdb`` and swap the file in at once; streams go on meanwhile.

    Nothing is done when the lake is as it was the last time. A reader that has the old file open
    keeps its old contents. Raises StorageError, and then the file before it still stands.
    """
    target = location.root / "published.duckdb"
    beside = location.root / f"published.{os.getpid()}.tmp"
    # A compaction in the middle of the copy's transaction would make it count wrongly.
    with maintenance_guard(location).hold(), Lake.open(location, read_only=True) as lake:
        state = _state(lake, days)
        if _published(target) == state:
            return Publication(target, state.first_day, refreshed=False)
        try:
            beside.unlink(missing_ok=True)
            _copy(lake, beside, state)
            # Who opens it for writing would shut every other reader out, and lose it at the next refresh.
            beside.chmod(0o444)
            beside.replace(target)
        except (duckdb.Error, OSError) as error:
            raise StorageError(
                f"{target} could not be refreshed ({error}); the file before it still stands."
            ) from error
        finally:
            beside.unlink(missing_ok=True)
            Path(f"{beside}.wal").unlink(missing_ok=True)
    return Publication(target, state.first_day, refreshed=True)


def _state(lake: Lake, days: int) -> _State:
    """Read before the copy begins: what is committed in between is copied, and copied again next time."""
    snapshot_id, committed_at = lake.query(
        "SELECT snapshot_id, snapshot_time FROM ducklake_snapshots('lake') ORDER BY snapshot_id DESC LIMIT 1"
    ).row(0)
    newest = lake.query(f"SELECT max(day) FROM {BOOK_SNAPSHOTS.name}").item()
    return _State(snapshot_id, committed_at, None if newest is None else newest - timedelta(days=days - 1))


def _published(target: Path) -> _State | None:
    """The state in ``target``; None where there is no such file, or none of ours."""
    if not target.exists():
        return None
    try:
        with duckdb.connect(str(target), read_only=True) as plain:
            plain.execute("SET TimeZone='UTC'")
            row = plain.execute(f"SELECT * FROM {_STATE}").fetchone()
    except duckdb.Error:
        return None
    return _State(*row) if row else None


def _copy(lake: Lake, beside: Path, state: _State) -> None:
    with lake.cursor() as cursor:
        cursor.execute(f"ATTACH {quoted(str(beside))} AS published")
        try:
            cursor.execute("COPY FROM DATABASE lake TO published (SCHEMA)")
            cursor.execute("BEGIN")  # every table as of one commit
            for table in TABLES.values():
                cursor.execute(
                    f"INSERT INTO published.main.{table.name} SELECT * FROM lake.main.{table.name} {_recent(table, state.first_day)}"
                )
            _tell(cursor, state)
            cursor.execute("COMMIT")
            missing = {view.name for view in VIEWS} - {
                row[0]
                for row in cursor.execute(
                    "SELECT view_name FROM duckdb_views() WHERE database_name = 'published'"
                ).fetchall()
            }
            assert not missing, f"the copy lacks {missing}"
        except duckdb.Error:
            _abandon(cursor)
            raise
        cursor.execute("DETACH published")


def _abandon(cursor: Connection) -> None:
    for statement in ("ROLLBACK", "DETACH published"):
        try:
            cursor.execute(statement)
        except duckdb.Error:
            # There may be no transaction any more; the first error is the one that counts.
            continue


def _recent(table: Table, first_day: date | None) -> str:
    """Which rows of ``table`` are published.

    An event that has not ended, or ended later, makes published snapshots doubtful whenever it began.
    """
    if first_day is None:
        return ""
    if table.name == STREAM_EVENTS.name:
        return f"WHERE ended_at IS NULL OR ended_at >= DATE '{first_day}'"
    return f"WHERE \"{table.expires_by}\" >= DATE '{first_day}'" if table.expires_by else ""


def _tell(cursor: Connection, state: _State) -> None:
    cursor.execute(
        f"CREATE TABLE published.main.{_STATE} (snapshot_id BIGINT, committed_at TIMESTAMPTZ, first_day DATE)"
    )
    cursor.execute(
        f"INSERT INTO published.main.{_STATE} VALUES (?, ?, ?)",
        [state.snapshot_id, state.committed_at, state.first_day],
    )
    cursor.execute(
        f"COMMENT ON TABLE published.main.{_STATE} IS 'the commit of the lake this file was copied from'"
    )
