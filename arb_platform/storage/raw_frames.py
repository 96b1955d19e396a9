"""Raw frames on disk: segments that a thread writes while the stream goes on.

A segment is one Parquet file (zstd) below ``<root>/raw/<venue>/<day>/``, written whole, synced and
renamed, so that a file with a final name is readable whatever happened to its writer. Its name says
when it begins, which run wrote it, its place in that run, and the checksum of its bytes.
"""

import contextlib
import json
import logging
import os
import re
import shutil
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from arb_platform.domain.errors import SettingsError, StorageError
from arb_platform.storage.spool import sync_directory, write_all

log = logging.getLogger(__name__)

FORMAT: Final = 1
FOLDER: Final = "raw"
SUFFIX: Final = ".raw.parquet"
SEGMENT_SECONDS: Final = 30.0
SEGMENT_BYTES: Final = 8 * 1024 * 1024
# What may wait for the disk; beyond this frames are counted as lost and the stream goes on.
MEMORY_BYTES: Final = 64 * 1024 * 1024
RETRY_SECONDS: Final = 2.0

# The kind of a row that is a frame; the other kinds are the touches of venues/touches.py and these two.
FRAME: Final = "frame"
LOST: Final = "lost"
RESUME: Final = "resume"

_NAME: Final = re.compile(
    r"(?P<micros>\d{16})-(?P<run>[0-9a-f]{32})-(?P<number>\d{8})-(?P<crc>[0-9a-f]{8})\.raw\.parquet"
)
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_METADATA: Final = b"arb_raw"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SCHEMA: Final = pa.schema(
    [
        ("at", pa.timestamp("us", tz="UTC")),
        ("kind", pa.string()),
        ("venue", pa.string()),
        ("shard", pa.int32()),
        ("session_id", pa.string()),
        ("body", pa.binary()),
    ]
)
# What a row costs in memory besides its body.
_ROW_BYTES: Final = 200
_PIECE: Final = 1_000


class RawRow(NamedTuple):
    """One frame as it came (``kind`` is ``frame``), or one touch of its feed, at our clock's time ``at``."""

    kind: str
    shard: int
    at: datetime
    session_id: str
    body: bytes


class BrokenSegment(Exception):
    """Why a segment cannot be read."""


@dataclass(frozen=True, slots=True)
class RawSegment:
    """One finished segment by its name; ``number`` counts from 0 within its run."""

    path: Path
    venue: str
    first_at: datetime
    run: str
    number: int
    checksum: int


class RawWriter:
    """Takes rows of one venue's stream without waiting, and writes them in a thread of its own.

    A disk that refuses is never the stream's business: it is counted in ``failures``, told in
    ``trouble``, tried again, and rows that find no room in memory are counted in ``lost``.
    """

    def __init__(
        self,
        root: Path,
        venue: str,
        *,
        run: str,
        metadata: Mapping[str, Any],
        segment_seconds: float = SEGMENT_SECONDS,
        segment_bytes: int = SEGMENT_BYTES,
        memory_bytes: int = MEMORY_BYTES,
        retry_seconds: float = RETRY_SECONDS,
        write_bytes: Callable[[int, memoryview], None] = write_all,
    ) -> None:
        self.directory = root / FOLDER / venue
        self.venue = venue
        self._run = run
        self._metadata = {"format": FORMAT, "venue": venue, "run": run, **metadata}
        self._segment_seconds = segment_seconds
        self._segment_bytes = segment_bytes
        self._memory_bytes = memory_bytes
        self._retry_seconds = retry_seconds
        self._write_bytes = write_bytes
        self._lock = threading.Lock()
        self._filling = _Rows()
        self._full: deque[_Rows] = deque()
        self._waiting_bytes = 0
        self._wake = threading.Event()
        self._closing = threading.Event()
        self.segments = 0
        self.rows = 0
        self.bytes = 0
        self.lost = 0
        self.failures = 0
        self._last_error = ""
        self._thread = threading.Thread(target=self._work, name=f"raw-{venue}", daemon=True)
        self._thread.start()

    def put(self, row: RawRow) -> bool:
        """Keep a row; False when there is no room for it, and then it is counted as lost."""
        size = len(row.body) + _ROW_BYTES
        with self._lock:
            if self._waiting_bytes + size > self._memory_bytes:
                self.lost += 1
                return False
            self._waiting_bytes += size
            self._filling.append(row, size)
            full = self._filling.size >= self._segment_bytes
        if full:
            self.cut()
        return True

    def cut(self) -> None:
        """Begin a new segment with the next row."""
        with self._lock:
            if self._filling.rows:
                self._full.append(self._filling)
                self._filling = _Rows()
        self._wake.set()

    def close(self) -> None:
        """Write what is left, once; what the disk refuses even now is lost, counted and logged."""
        self.cut()
        self._closing.set()
        self._wake.set()
        self._thread.join()

    @property
    def roomy(self) -> bool:
        """True while at most half of the memory is taken: time to go on after a loss."""
        return self._waiting_bytes * 2 <= self._memory_bytes

    @property
    def trouble(self) -> str:
        """What is wrong, in one sentence, or nothing."""
        if not self._last_error and not self.lost:
            return ""
        lost = f"; {self.lost} rows were lost so far" if self.lost else ""
        return f"raw frames: {self._last_error or 'the disk works again'}{lost}"

    def _work(self) -> None:
        while not self._closing.is_set():
            due = not self._wake.wait(self._segment_seconds)
            self._wake.clear()
            if due:
                self.cut()
                self._wake.clear()
            while self._full and not self._closing.is_set():
                if not self._write_first():
                    self._closing.wait(self._retry_seconds)
        while self._full and self._write_first():
            pass
        self.lost += sum(len(rows.rows) for rows in self._full)

    def _write_first(self) -> bool:
        """Write the oldest segment; False when the disk refuses, and then it stays where it is."""
        rows = self._full[0]
        try:
            self._write(rows)
        except (OSError, pa.ArrowException) as error:
            self.failures += 1
            said = getattr(error, "strerror", None) or str(error)
            if said != self._last_error:
                log.warning("raw frames wait in memory: %s: %s", self.directory, said)
            self._last_error = said
            return False
        self._last_error = ""
        self._full.popleft()
        with self._lock:
            self._waiting_bytes -= rows.size
        return True

    def _write(self, rows: "_Rows") -> None:
        metadata = {**self._metadata, "number": self.segments}
        content = _parquet(rows.rows, self.venue, metadata)
        first = rows.rows[0].at.astimezone(UTC)
        folder = self.directory / f"{first:%Y-%m-%d}"
        micros = (first - _EPOCH) // _MICROSECOND
        name = f"{micros:016d}-{self._run}-{self.segments:08d}-{zlib.crc32(content):08x}{SUFFIX}"
        temporary = folder / f"{name}.tmp"
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            for parent in (folder.parent, folder.parent.parent, folder.parent.parent.parent):
                sync_directory(parent)
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
            try:
                self._write_bytes(descriptor, content)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            temporary.rename(folder / name)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        sync_directory(folder)
        self.segments += 1
        self.rows += len(rows.rows)
        self.bytes += len(content)


@dataclass(slots=True)
class _Rows:
    rows: list[RawRow] = field(default_factory=list)
    size: int = 0

    def append(self, row: RawRow, size: int) -> None:
        self.rows.append(row)
        self.size += size


def find_segments(directory: Path) -> tuple[list[RawSegment], list[tuple[Path, str]]]:
    """Finished segments anywhere below ``directory``, each run in its order, and files that only look like some.

    ``directory`` may be a data directory, its ``raw`` folder, or a folder in there.
    """
    root = directory / FOLDER if (directory / FOLDER).is_dir() else directory
    segments: list[RawSegment] = []
    foreign: list[tuple[Path, str]] = []
    for path in sorted(root.rglob(f"*{SUFFIX}")):
        match = _NAME.fullmatch(path.name)
        venue = path.parent.parent.name
        if match is None or not path.is_file():
            foreign.append((path, "its name is not that of a segment"))
            continue
        first_at = _EPOCH + int(match["micros"]) * _MICROSECOND
        segments.append(
            RawSegment(path, venue, first_at, match["run"], int(match["number"]), int(match["crc"], 16))
        )
    return sorted(segments, key=lambda one: (one.run, one.number, one.path.name)), foreign


def read_segment(segment: RawSegment) -> tuple[dict[str, Any], pa.Table]:
    """The segment's own description and its rows. Raises BrokenSegment with the reason."""
    try:
        content = segment.path.read_bytes()
    except OSError as error:
        raise BrokenSegment(f"it cannot be read ({error.strerror})") from error
    if zlib.crc32(content) != segment.checksum:
        raise BrokenSegment(f"its {len(content)} bytes do not have the checksum of its name")
    try:
        table = pq.read_table(pa.BufferReader(content))
        metadata = json.loads((table.schema.metadata or {})[_METADATA])
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise BrokenSegment(f"it is not a segment of raw frames: {str(error)[:200]}") from error
    if metadata.get("format") != FORMAT or table.schema.names != _SCHEMA.names:
        raise BrokenSegment(
            f"its format {metadata.get('format')!r} is not {FORMAT}: was it written by a newer program?"
        )
    return metadata, table


def rows_of(table: pa.Table) -> Iterator[RawRow]:
    """The rows of a segment, in the order in which they were written."""
    micros = table["at"].cast(pa.int64()).to_pylist()
    columns = (table[name].to_pylist() for name in ("kind", "shard", "session_id", "body"))
    for at, kind, shard, session_id, body in zip(micros, *columns, strict=True):
        yield RawRow(kind, shard, _EPOCH + timedelta(microseconds=at), session_id, body)


def drop_days_before(root: Path, first_day_kept: date) -> int:
    """Delete the raw frames of whole days beyond retention; returns how many files went.

    Raises StorageError when a folder cannot be removed.
    """
    dropped = 0
    for folder in sorted((root / FOLDER).glob("*/*")):
        if not (_DAY.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink()):
            continue
        try:
            if date.fromisoformat(folder.name) >= first_day_kept:
                continue
            files = sum(1 for path in folder.iterdir() if path.name.endswith(SUFFIX))
            shutil.rmtree(folder)
        except ValueError:  # 2026-02-31 is not a day of ours
            continue
        except OSError as error:
            raise StorageError(
                f"the raw frames in {folder} are beyond retention and cannot be removed ({error.strerror}); remove the folder by hand."
            ) from error
        dropped += files
    return dropped


def some_segments(directory: Path) -> tuple[list[RawSegment], list[tuple[Path, str]]]:
    """Like :func:`find_segments`. Raises SettingsError when there is none."""
    segments, foreign = find_segments(directory)
    if not segments:
        raise SettingsError(
            f"{directory} holds no raw frames; record some with ARB_RAW_FRAMES=on, and name the data directory or its folder raw/."
        )
    return segments, foreign


def _parquet(rows: list[RawRow], venue: str, metadata: Mapping[str, Any]) -> memoryview:
    described = {_METADATA: json.dumps(dict(metadata)).encode()}
    # In pieces: Arrow holds the interpreter lock while it converts a list, and sockets want it too.
    pieces = (rows[start : start + _PIECE] for start in range(0, len(rows), _PIECE))
    table = pa.Table.from_batches([_batch(piece, venue) for piece in pieces], _SCHEMA)
    sink = pa.BufferOutputStream()
    pq.write_table(
        table.replace_schema_metadata(described),
        sink,
        compression="zstd",
        use_dictionary=["kind", "venue", "session_id"],
    )
    return memoryview(sink.getvalue())


def _batch(rows: list[RawRow], venue: str) -> pa.RecordBatch:
    columns: list[list[Any]] = [
        [row.at for row in rows],
        [row.kind for row in rows],
        [venue] * len(rows),
        [row.shard for row in rows],
        [row.session_id for row in rows],
        [row.body for row in rows],
    ]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, _SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=_SCHEMA)
