"""A whole copy of an embedded lake while streams run, and the way back.

The catalogue is copied by SQLite's own backup under the lake's lock, together with the spool, so
that every acknowledged row is in one of the two (in both at most until it is promoted: the segment
ledger knows it). Data files never change once written and only maintenance removes them, so they are
copied afterwards, with maintenance held off and streams landing on.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from arb_platform.domain.errors import ArbError, StorageError
from arb_platform.storage.attach import LakeLocation
from arb_platform.storage.lake import Lake
from arb_platform.storage.publish import maintenance_guard
from arb_platform.storage.schema import SCHEMA_VERSION
from arb_platform.storage.spool import spool_error

_MANIFEST: Final = "backup.json"
_CATALOG: Final = "catalog.sqlite"
_FILES: Final = "files"
_SPOOL: Final = "spool"
_LISTED: Final = """
SELECT data_file AS file FROM ducklake_list_files('lake', '{table}')
UNION ALL SELECT delete_file FROM ducklake_list_files('lake', '{table}') WHERE delete_file IS NOT NULL
"""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds; written last, so that a folder with one is whole. ``rows`` counts by table."""

    made_at: str
    schema_version: int
    files: int
    bytes: int
    spooled_segments: int
    rows: dict[str, int]


def back_up(
    location: LakeLocation, target: Path, *, now: datetime, progress: Progress = lambda _done, _total: None
) -> Manifest:
    """Copy the lake at ``location`` into the empty folder ``target``; ``progress`` gets (files, of).

    Raises StorageError when ``target`` holds something, the copy is not whole, or the catalogue is a
    PostgreSQL (which has its own tools).
    """
    catalog = _embedded(location)
    if target.exists() and any(target.iterdir()):
        raise StorageError(f"{target} is not empty; give a folder that does not exist yet.")
    try:
        target.mkdir(parents=True, exist_ok=True)
        with maintenance_guard(location).hold():
            with Lake.open(location) as lake, lake.exclusive():
                _copy_catalog(catalog, target / _CATALOG)
                segments = _copy_tree(location.spool, target / _SPOOL)
            files, size = _copy_files(Path(location.data), target, progress)
        rows = _rows(LakeLocation.local(target))
        manifest = Manifest(now.isoformat(), SCHEMA_VERSION, files, size, segments, rows)
        (target / _MANIFEST).write_text(json.dumps(asdict(manifest), indent=1))
    except OSError as error:
        raise spool_error(error, target) from error
    return manifest


def restore(source: Path, location: LakeLocation) -> Manifest:
    """Put the backup in ``source`` where ``location`` says a lake should be, and check that it is whole.

    Raises StorageError when ``source`` is no whole backup or there is a lake already.
    """
    catalog = _embedded(location)
    try:
        manifest = Manifest(**json.loads((source / _MANIFEST).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(
            f"{source} is no backup, or one that was not finished: {_MANIFEST} is missing or broken."
        ) from error
    taken = [path for path in (catalog, Path(location.data), location.spool) if _holds_something(path)]
    if taken:
        raise StorageError(
            f"there is a lake already ({', '.join(map(str, taken))}); move it away first, nothing was changed."
        )
    try:
        _copy_tree(source / _FILES, Path(location.data))
        _copy_tree(source / _SPOOL, location.spool)
        # last: without a catalogue there is no lake, so that half a restore cannot be taken for one
        catalog.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / _CATALOG, catalog)
    except OSError as error:
        raise spool_error(error, location.root) from error
    found = _rows(location)
    if found != manifest.rows:
        different = sorted(name for name in manifest.rows if manifest.rows[name] != found.get(name))
        raise StorageError(
            f"the restored lake differs from the backup in {', '.join(different)}; the backup was changed or is damaged."
        )
    return manifest


def _embedded(location: LakeLocation) -> Path:
    if location.catalog_file is None or location.on_s3:
        raise StorageError(
            "this lake is on PostgreSQL or S3: back it up with pg_dump and the bucket's own versions (docs/scaling.md)."
        )
    return location.catalog_file


def _copy_catalog(catalog: Path, target: Path) -> None:
    with closing(sqlite3.connect(catalog)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)


def _copy_files(data: Path, target: Path, progress: Progress) -> tuple[int, int]:
    """Copy the files that the copied catalogue names; those of the live one may be newer."""
    copied = LakeLocation.local(target)
    names = sorted(_named_files(copied))
    size = 0
    for done, name in enumerate(names, 1):
        destination = target / _FILES / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(data / name, destination)
        size += destination.stat().st_size
        progress(done, len(names))
    return len(names), size


def _named_files(copied: LakeLocation) -> set[str]:
    with Lake.open(copied, read_only=True) as lake:
        tables = lake.query("SELECT table_name FROM ducklake_table_info('lake')")["table_name"]
        return {
            str(Path(file).relative_to(copied.data))
            for table in tables
            for file in lake.query(_LISTED.format(table=table))["file"]
        }


def _copy_tree(source: Path, target: Path) -> int:
    """Copy whole files; a temporary one was not acknowledged, and one that goes meanwhile was promoted."""
    count = 0
    for path in source.rglob("*") if source.is_dir() else ():
        if not path.is_file() or path.suffix == ".tmp":
            continue
        destination = target / path.relative_to(source)
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, destination)
        count += 1
    return count


def _rows(location: LakeLocation) -> dict[str, int]:
    """Rows by table, read from the files themselves, so that a missing one is noticed."""
    try:
        with Lake.open(location, read_only=True) as lake:
            tables = lake.query("SELECT table_name FROM ducklake_table_info('lake') ORDER BY 1")["table_name"]
            return {
                table: int(lake.query(f'SELECT count(*) FROM (SELECT * FROM "{table}" OFFSET 0)').item())
                for table in tables
            }
    except ArbError as error:
        raise StorageError(f"the copy in {location.root} cannot be read: {error}") from error


def _holds_something(path: Path) -> bool:
    return path.is_file() or (path.is_dir() and any(path.rglob("*.parquet")))
