"""The spool: a segment file that is durable when :meth:`Spool.write` returns.

Nothing here waits for the lake, so a compaction, an asset run or an analyst never stalls a stream.
A segment's name says when it was durable, which segment it is, and the checksum of its bytes, so a
torn or altered file cannot be mistaken for a whole one.
"""

import contextlib
import errno
import os
import re
import time
import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from arb_platform.domain.errors import DiskFull, StorageError

TORN: Final = "torn"
# Folders of the spool that hold something else than segments.
RESERVED: Final = frozenset({TORN, "llm_calls"})
TEMPORARY: Final = ".parquet.tmp"

_NAME: Final = re.compile(r"(?P<micros>\d{16})-(?P<id>[0-9a-f]{32})-(?P<crc>[0-9a-f]{8})\.parquet")
_FOLDER: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# A modification time further from the name's time than this was not set by us.
_LONGEST_SYNC: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Segment:
    """One acknowledged segment: ``rows`` is 0 where only its name is known."""

    path: Path
    segment_id: str
    venue: str
    table: str
    landed_at: datetime
    checksum: int
    rows: int = 0


def write_all(descriptor: int, content: memoryview) -> None:
    """os.write until everything is written."""
    while content:
        content = content[os.write(descriptor, content) :]


class Spool:
    """Segments below ``<root>/spool/<venue>/<table>/``.

    ``write_bytes`` and ``clock`` are arguments so that a full disk and a slow one can be shown, and
    ``new_id`` so that a replay gives the same segments again.
    """

    def __init__(
        self,
        root: Path,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        write_bytes: Callable[[int, memoryview], None] = write_all,
        new_id: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self.directory = root if root.name == "spool" else root / "spool"
        self._clock = clock
        self._write_bytes = write_bytes
        self._new_id = new_id

    def write(self, venue: str, table: str, rows: pa.Table) -> Segment:
        """Store ``rows`` as one segment; durable, which means acknowledged, when this returns.

        Raises DiskFull, or StorageError when the folder cannot be written; then nothing is
        acknowledged and nothing is left behind.
        """
        if not (_FOLDER.fullmatch(venue) and _FOLDER.fullmatch(table)) or venue in RESERVED:
            raise StorageError(
                f"the spool has no place for {venue!r}/{table!r}: use small letters, digits and _."
            )
        content = _parquet(rows)
        segment_id, checksum = self._new_id(), zlib.crc32(content)
        folder = self.directory / venue / table
        temporary = folder / f"{os.getpid()}-{segment_id}{TEMPORARY}"
        try:
            self._prepare(folder)
            self._write_durably(temporary, content)
            # Taken before the rename because the name carries it; the directory's own fsync follows.
            landed_at = self._clock()
            path = folder / _name(landed_at, segment_id, checksum)
            temporary.rename(path)
            sync_directory(folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise spool_error(error, folder) from error
        landed_at = _stamp(path, landed_at, self._clock())
        return Segment(path, segment_id, venue, table, landed_at, checksum, rows.num_rows)

    def pending(self) -> tuple[list[Segment], list[tuple[Path, str]]]:
        """Segments that wait for promotion, oldest first, and files that are none with the reason why."""
        segments: list[Segment] = []
        foreign: list[tuple[Path, str]] = []
        for path in self._files():
            if path.name.endswith(TEMPORARY):
                continue
            parts = path.relative_to(self.directory).parts
            match = _NAME.fullmatch(path.name)
            if (
                len(parts) != 3
                or match is None
                or not _FOLDER.fullmatch(parts[0])
                or not _FOLDER.fullmatch(parts[1])
            ):
                foreign.append((path, "it is not a segment of ours"))
            elif path.is_symlink() or not path.is_file():
                if path.is_symlink() or path.exists():
                    foreign.append((path, "it is not a plain file"))
            else:
                landed_at = _EPOCH + timedelta(microseconds=int(match["micros"]))
                segments.append(
                    Segment(path, match["id"], parts[0], parts[1], landed_at, int(match["crc"], 16))
                )
        return sorted(segments, key=lambda segment: segment.path.name), foreign

    def sweep(self, *, older_than: timedelta, now: float | None = None) -> int:
        """Remove unfinished files of writers that died: they were never acknowledged."""
        limit = (time.time() if now is None else now) - older_than.total_seconds()
        swept = 0
        for path in self._files():
            if not path.name.endswith(TEMPORARY):
                continue
            with contextlib.suppress(FileNotFoundError):  # its writer finished it meanwhile
                if path.lstat().st_mtime < limit:
                    path.unlink()
                    swept += 1
        return swept

    def _files(self) -> Iterator[Path]:
        for folder, subfolders, names in os.walk(self.directory):
            here = Path(folder)
            if here == self.directory:
                subfolders[:] = [name for name in subfolders if name not in RESERVED]
                names = [name for name in names if not name.endswith(".lock")]  # noqa: PLW2901 - filtered, then read once
            links = [name for name in subfolders if (here / name).is_symlink()]
            yield from (here / name for name in (*names, *links))

    def _prepare(self, folder: Path) -> None:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            # A new folder is durable only when its parents are.
            for parent in (folder.parent, self.directory, self.directory.parent):
                sync_directory(parent)

    def _write_durably(self, path: Path, content: memoryview) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            self._write_bytes(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def durable_at(segment: Segment) -> datetime:
    """When ``segment`` was acknowledged: its modification time where we set it, else its name's time."""
    try:
        changed = _EPOCH + timedelta(microseconds=segment.path.stat().st_mtime_ns // 1000)
    except (OSError, OverflowError):
        return segment.landed_at
    return changed if timedelta(0) <= changed - segment.landed_at <= _LONGEST_SYNC else segment.landed_at


def spool_error(error: OSError, folder: Path) -> StorageError:
    """The sentence for a write that the disk refused."""
    if error.errno in _FULL:
        return DiskFull(
            f"no room for another segment in {folder}; free some space: nothing of this batch was acknowledged "
            "and everything acknowledged before is safe."
        )
    return StorageError(
        f"the spool {folder} cannot be written ({error.strerror or error}); make the data directory writable or choose another with ARB_DATA_DIR."
    )


def sync_directory(folder: Path) -> None:
    """Make renames and new names in ``folder`` survive power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parquet(rows: pa.Table) -> memoryview:
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink, compression="zstd", store_decimal_as_integer=True)
    return memoryview(sink.getvalue())


def _name(landed_at: datetime, segment_id: str, checksum: int) -> str:
    micros = (landed_at - _EPOCH) // timedelta(microseconds=1)
    return f"{micros:016d}-{segment_id}-{checksum:08x}.parquet"


def _stamp(path: Path, renamed_at: datetime, synced_at: datetime) -> datetime:
    """Leave the true moment of the acknowledgement where the promoter can read it."""
    micros = (synced_at - _EPOCH) // timedelta(microseconds=1)
    try:
        os.utime(path, ns=(micros * 1000, micros * 1000))
    except OSError:
        # Already promoted and unlinked, or a file system without times: the name's time is as good
        # to within one directory fsync, and the segment itself is durable.
        return renamed_at
    return synced_at
