"""From the spool into the lake, exactly once.

The ids of promoted segments are inserted in the same transaction as their rows, so a crash between
COMMIT and unlink leaves a file whose id is known and which is only removed the next time.
"""

import hashlib
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb
import polars as pl
import pyarrow as pa

from arb_platform.domain.errors import StorageError
from arb_platform.domain.streams import StreamEvent
from arb_platform.storage.lake import Connection, Lake, insert, merge_into
from arb_platform.storage.lock import FileGuard
from arb_platform.storage.segments import TornSegment, read_segment
from arb_platform.storage.spool import TORN, Segment, Spool, durable_at
from arb_platform.storage.stream_tables import INGEST_SEGMENTS, STREAM_EVENTS, STREAM_SESSIONS
from arb_platform.storage.streams import event_rows
from arb_platform.storage.text import storable

log = logging.getLogger(__name__)

# Bounds of one transaction: memory, and how long the lock is held.
_SEGMENTS_AT_ONCE: Final = 200
_ROWS_AT_ONCE: Final = 200_000
# A session or an event comes when it starts and again when it ended; the end is not taken back.
_MERGED: Final = {STREAM_SESSIONS.name: "session_id", STREAM_EVENTS.name: "event_id"}
_ENDED_STAYS: Final = "(t.ended_at IS NULL OR s.ended_at IS NOT NULL)"
_LONGEST_NAME: Final = 120
_UNFINISHED_FOR: Final = timedelta(hours=1)

# Rows a second at which a stream counts as quiet, and how long its rows may then wait: with the half second
# of a batch they can still be queried within three seconds of their arrival.
FEW_ROWS: Final = 20
QUIET_SECONDS: Final = 2.0

Pending = tuple[Segment, pa.Table]


@dataclass(frozen=True, slots=True)
class Promotion:
    """What one promotion did: new segments and their rows, and files that were moved aside."""

    segments: int = 0
    rows: int = 0
    torn: int = 0

    def __add__(self, other: "Promotion") -> "Promotion":
        return Promotion(self.segments + other.segments, self.rows + other.rows, self.torn + other.torn)


@dataclass(frozen=True, slots=True)
class _TornFile:
    path: Path
    event: StreamEvent


class Promoter:
    """Moves acknowledged segments into ``lake``. Any number of processes may promote one spool.

    ``before_unlink`` is called between COMMIT and unlink, where a crash would hurt most.
    """

    def __init__(
        self,
        lake: Lake,
        spool: Spool,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        before_unlink: Callable[[], None] = lambda: None,
    ) -> None:
        self._lake = lake
        self._spool = spool
        self._clock = clock
        self._before_unlink = before_unlink
        self._guard = FileGuard(spool.directory / "promoter.lock", purpose="a promotion of the spool")
        self.total = Promotion()
        self.failures = 0
        self.last_error: str = ""

    def promote(self) -> Promotion:
        """Promote everything that is acknowledged now. Raises StorageError, and then loses nothing."""
        done = Promotion()
        # Checking files happens under the spool's own lock, so the lake's is held for the commit only.
        with self._guard.hold():
            segments, foreign = self._spool.pending()
            torn = [self._torn(path, reason) for path, reason in foreign]
            for chunk in _chunks(self._read(segments, torn)):
                done += self._promote_chunk(chunk)
            done += self._set_aside(torn)
        self.total += done
        return done

    def run(self, stop: threading.Event, interval_seconds: float = 1.0) -> None:
        """Promote every ``interval_seconds`` until ``stop`` is set, and once more then: a thread's target.

        While little comes the pause doubles up to QUIET_SECONDS: a commit costs the same for one row as for
        thousands. A promotion that fails is counted in ``failures`` and tried again; its segments wait.
        """
        self._spool.sweep(older_than=_UNFINISHED_FOR)
        pause = interval_seconds
        while not stop.wait(pause):
            before = self.total.rows
            self._promote_or_count()
            busy = self.total.rows - before > FEW_ROWS * pause
            pause = interval_seconds if busy else min(2 * pause, max(QUIET_SECONDS, interval_seconds))
        self._promote_or_count()

    def _promote_or_count(self) -> None:
        try:
            self.promote()
        except StorageError as error:
            self.failures += 1
            self.last_error = str(error)
            log.warning("segments wait in the spool: %s", error)
        else:
            self.last_error = ""

    def _read(self, segments: Sequence[Segment], torn: list[_TornFile]) -> Iterator[Pending]:
        for segment in segments:
            try:
                yield segment, read_segment(segment)
            except FileNotFoundError:
                continue  # a process without our lock, or a person, took it
            except TornSegment as error:
                torn.append(self._torn(segment.path, str(error)))

    def _promote_chunk(self, chunk: list[Pending]) -> Promotion:
        try:
            done = self._lake.run(lambda connection: self._insert(connection, chunk))
        except StorageError as error:
            if not isinstance(
                error.__cause__, duckdb.DataError | duckdb.IntegrityError | duckdb.ProgrammingError
            ):
                raise
            if len(chunk) == 1:
                return self._set_aside([self._torn(chunk[0][0].path, str(error))])
            # One of them does not fit the lake: find it, and let the others in.
            return sum((self._promote_chunk([one]) for one in chunk), Promotion())
        self._before_unlink()
        for segment, _ in chunk:
            segment.path.unlink(missing_ok=True)
        return done

    def _insert(self, connection: Connection, chunk: list[Pending]) -> Promotion:
        known = _known_ids(connection, [segment for segment, _ in chunk])
        fresh = [(segment, rows) for segment, rows in chunk if segment.segment_id not in known]
        if not fresh:
            return Promotion()
        by_table: dict[str, list[pa.Table]] = defaultdict(list)
        for segment, rows in fresh:
            by_table[segment.table].append(rows)
        for table, parts in by_table.items():
            store_rows(connection, table, pa.concat_tables(parts, promote_options="default"))
        insert(connection, INGEST_SEGMENTS.name, self._ledger(fresh))
        return Promotion(len(fresh), sum(rows.num_rows for _, rows in fresh))

    def _ledger(self, fresh: list[Pending]) -> pl.DataFrame:
        promoted_at = self._clock()
        rows = [
            {
                "day": segment.landed_at.date(),
                "segment_id": segment.segment_id,
                "venue": segment.venue,
                "table_name": segment.table,
                "row_count": table.num_rows,
                "landed_at": durable_at(segment),
                "promoted_at": promoted_at,
            }
            for segment, table in fresh
        ]
        ledger = pa.Table.from_pylist(rows, INGEST_SEGMENTS.arrow_schema())
        return _frame(ledger)

    def _torn(self, path: Path, reason: str) -> _TornFile:
        place = path.relative_to(self._spool.directory)
        found = path.lstat() if path.is_symlink() or path.exists() else None
        identity = f"{place}|{found.st_size if found else 0}|{found.st_mtime_ns if found else 0}"
        event_id = "torn-" + hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        now = self._clock()
        venue = place.parts[0] if len(place.parts) > 1 else "unknown"
        shown = str(place).encode("utf-8", "backslashreplace").decode()[-300:]
        detail = f"segment {shown} was moved to spool/{TORN}: {reason}"
        event = StreamEvent(event_id, storable(venue) or "unknown", "quarantine", now, now, detail=detail)
        return _TornFile(path, event)

    def _set_aside(self, torn: list[_TornFile]) -> Promotion:
        """The row first and the move second: a crash between them repeats the row under the same id."""
        if not torn:
            return Promotion()
        rows = event_rows(file.event for file in torn)
        self._lake.run(lambda connection: store_rows(connection, STREAM_EVENTS.name, rows))
        aside = self._spool.directory / TORN
        for file in torn:
            log.warning("%s", file.event.detail)
            name = file.path.name.encode("utf-8", "backslashreplace").decode()[-_LONGEST_NAME:]
            try:
                aside.mkdir(exist_ok=True)
                file.path.rename(aside / f"{file.event.event_id[5:17]}-{name}")
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StorageError(
                    f"{file.path} cannot be moved to {aside} ({error.strerror}); move it away by hand."
                ) from error
        return Promotion(torn=len(torn))


def store_rows(connection: Connection, table: str, rows: pa.Table) -> None:
    """Rows of a spooled table: appended, or merged where a row comes twice."""
    key = _MERGED.get(table)
    frame = _frame(rows)
    if key is None:
        insert(connection, table, frame)
        return
    # Of several rows with one id the last one counts, but an end is not taken back.
    ordered = frame.sort(pl.col("ended_at").is_not_null(), maintain_order=True)
    merge_into(connection, table, ordered, [key], only_if=_ENDED_STAYS)


def _known_ids(connection: Connection, segments: list[Segment]) -> set[str]:
    days = sorted({segment.landed_at.date() for segment in segments})
    ids = [segment.segment_id for segment in segments]
    found = connection.execute(
        "SELECT segment_id FROM ingest_segments WHERE day IN (SELECT unnest($1::DATE[])) AND segment_id IN (SELECT unnest($2::VARCHAR[]))",
        [days, ids],
    ).fetchall()
    return {row[0] for row in found}


def _chunks(pending: Iterator[Pending]) -> Iterator[list[Pending]]:
    chunk: list[Pending] = []
    rows = 0
    for segment, table in pending:
        chunk.append((segment, table))
        rows += table.num_rows
        if len(chunk) >= _SEGMENTS_AT_ONCE or rows >= _ROWS_AT_ONCE:
            yield chunk
            chunk, rows = [], 0
    if chunk:
        yield chunk


def _frame(rows: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame
