"""``published.duckdb``: a plain DuckDB file for tools that cannot attach a DuckLake."""

import os
from pathlib import Path

import duckdb

from arb_platform.domain.errors import StorageError
from arb_platform.storage.attach import LakeLocation, quoted
from arb_platform.storage.lake import Lake
from arb_platform.storage.lock import FileGuard
from arb_platform.storage.views import VIEWS


def maintenance_guard(location: LakeLocation) -> FileGuard:
    """Held by what must not run beside a compaction: another one, or a copy of the lake."""
    return FileGuard(
        location.root / "maintenance.lock", purpose="maintenance or a copy of the lake", timeout_seconds=600
    )


def publish(location: LakeLocation) -> Path:
    """Copy the lake to ``published.duckdb`` and swap the file in at once; streams go on meanwhile.

    A reader that has the old file open keeps its old contents.
    """
    target = location.root / "published.duckdb"
    beside = location.root / f"published.{os.getpid()}.tmp"
    # A compaction in the middle of the copy's transaction would make it count wrongly.
    with maintenance_guard(location).hold(), Lake.open(location, read_only=True) as lake:
        try:
            beside.unlink(missing_ok=True)
            _copy(lake, beside)
            beside.replace(target)
        except (duckdb.Error, OSError) as error:
            raise StorageError(
                f"{target} could not be refreshed ({error}); the file before it still stands."
            ) from error
        finally:
            beside.unlink(missing_ok=True)
            Path(f"{beside}.wal").unlink(missing_ok=True)
    return target


def _copy(lake: Lake, beside: Path) -> None:
    with lake.cursor() as cursor:
        cursor.execute(f"ATTACH {quoted(str(beside))} AS published")
        try:
            cursor.execute("COPY FROM DATABASE lake TO published")
            missing = {view.name for view in VIEWS} - {
                row[0]
                for row in cursor.execute(
                    "SELECT view_name FROM duckdb_views() WHERE database_name = 'published'"
                ).fetchall()
            }
            assert not missing, f"the copy lacks {missing}"
        finally:
            cursor.execute("DETACH published")
