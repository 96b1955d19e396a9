"""The lake: one attached DuckLake, read by anybody at any time, written under one lock."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Self, TypeVar

import duckdb
import polars as pl

from arb_platform.domain.errors import LakeUnavailable, StorageError
from arb_platform.storage.attach import (
    LakeLocation,
    S3Access,
    check_catalog,
    connect,
    disk_full,
    first_line,
    prepare,
    unavailable,
)
from arb_platform.storage.lock import DEFAULT_TIMEOUT_SECONDS, FileGuard, NoGuard
from arb_platform.storage.schema import TABLES, lake_version, migrate

__all__ = ["Connection", "Lake", "LakeLocation", "S3Access", "insert", "merge_into"]

T = TypeVar("T")
Connection = duckdb.DuckDBPyConnection

# A long-lived DuckLake connection grows and slows down (ducklake#852): take a new one now and then.
_RECYCLE_SECONDS: Final = 3600.0
_ATTEMPTS: Final = 8
_FIRST_WAIT_SECONDS: Final = 0.05
_TRANSIENT: Final = (
    "database is locked",
    "database table is locked",
    "sqlite_busy",
    "transaction conflict",
    "write-write conflict",
    "could not serialize access",
    "deadlock detected",
    "connection to server was lost",
    "server closed the connection",
)

# What those who create one PostgreSQL catalogue at the same moment see, all but the first.
_CREATED_MEANWHILE: Final = ("already exists", "duplicate key value", "concurrently")


def transient(error: BaseException, signs: Sequence[str] = _TRANSIENT) -> bool:
    """True for what another writer caused and a second try mends."""
    text = str(error).lower()
    return isinstance(error, duckdb.Error) and any(sign in text for sign in signs)


def storage_error(error: duckdb.Error, location: LakeLocation) -> StorageError:
    """``error`` as one sentence with what to do next."""
    text = str(error).lower()
    if "no space left" in text or "disk quota" in text or "disk is full" in text:
        return disk_full(location)
    sqlite = "unable to open database file" in text or "disk i/o error" in text
    if sqlite or isinstance(error, duckdb.IOException | duckdb.HTTPException | duckdb.ConnectionException):
        return unavailable(location, error)
    return StorageError(f"the lake could not do it: {first_line(error)}.")


class Lake:
    """An open lake. Safe to share between threads: every query and transaction has its own cursor.

    Use :meth:`open`, as a context manager. ``clock`` stamps migrations, ``sleep`` waits between
    attempts, ``monotonic`` tells when the connection is due to be replaced. ``threads`` is how many a
    query may use: one is cheapest for those who only write.
    """

    def __init__(
        self,
        location: LakeLocation,
        *,
        read_only: bool = False,
        lock_timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        threads: int | None = None,
    ) -> None:
        self.location = location
        self.read_only = read_only
        self._clock = clock
        self._sleep = sleep
        self._monotonic = monotonic
        self._threads = threads
        self._mutex = threading.Lock()
        self._thread = threading.local()
        self._guard: FileGuard | NoGuard = NoGuard()
        if location.embedded and not read_only:
            self._guard = FileGuard(
                location.root / "lake.lock",
                purpose="a change of the lake",
                timeout_seconds=lock_timeout_seconds,
            )
        self._instance: Connection | None = None
        self._opened_at = 0.0
        self._catalog: tuple[int, int] | None = None

    @classmethod
    def open(cls, location: LakeLocation, *, read_only: bool = False, **options: Any) -> Self:
        """Attach the lake; a writer creates or migrates it first.

        Raises LakeUnavailable when there is nothing to read or the catalogue is broken, and
        NewerSchema when a newer program wrote it. Reading never migrates.
        """
        lake = cls(location, read_only=read_only, **options)
        try:
            lake._start()
        except duckdb.Error as error:
            lake.close()
            raise unavailable(location, error) from error
        except BaseException:
            lake.close()
            raise
        return lake

    def _start(self) -> None:
        if self.read_only:
            if self._attempt(lambda: lake_version(self._connected())) == 0:
                raise LakeUnavailable(
                    f"the lake at {self.location.root} is empty; start `arb up` or `arb demo` to fill it."
                )
            return
        check_catalog(self.location, read_only=False)
        # Attaching may create the catalogue, so that happens under the lock as well.
        with self._guard.hold():
            self._attempt(self._migrate, signs=(*_TRANSIENT, *_CREATED_MEANWHILE))

    def _migrate(self) -> None:
        try:
            migrate(self._connected(), self._clock())
        except duckdb.Error:
            # What this connection knows of the catalogue is out of date; the next attempt takes a new one.
            self.close()
            raise
        except LakeUnavailable as error:
            # Said of DuckDB's error, by which it is judged whether another attempt may work.
            raise error.__cause__ or error from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection; cursors that are still in use end on their own."""
        with self._mutex:
            if self._instance is not None:
                self._instance.close()
                self._instance = None

    @contextmanager
    def cursor(self) -> Iterator[Connection]:
        """A cursor with the lake in use, outside any transaction; keep it short."""
        cursor = self._connected().cursor()
        try:
            prepare(cursor)
            yield cursor
        finally:
            cursor.close()

    def query(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> pl.DataFrame:
        """The answer to ``sql`` as a Polars frame, read from one consistent snapshot of the lake."""

        def ask() -> pl.DataFrame:
            with self.cursor() as cursor:
                if parameters:
                    # A relation with parameters hands its answer over value by value, twenty times as slow.
                    read = pl.from_arrow(cursor.execute(sql, parameters).to_arrow_table())
                    assert isinstance(read, pl.DataFrame)
                    return read
                answer = cursor.sql(sql)
                if answer is None:
                    raise StorageError("query() is for reading; write with append(), merge() or run().")
                return answer.pl()

        return self._stated(lambda: self._attempt(ask))

    def batches(
        self, sql: str, parameters: Sequence[Any] | dict[str, Any], rows: int
    ) -> Iterator[pl.DataFrame]:
        """The answer to ``sql`` as frames of about ``rows`` rows, for what is too large to have at once.

        One consistent snapshot, read while it is taken: be quick between two frames.
        """
        with self.cursor() as cursor:
            reader = self._stated(
                lambda: self._attempt(lambda: cursor.execute(sql, parameters).to_arrow_reader(rows))
            )
            for batch in reader:
                frame = pl.from_arrow(batch)
                assert isinstance(frame, pl.DataFrame)
                yield frame

    @contextmanager
    def exclusive(self) -> Iterator[Connection]:
        """A cursor under the inter-process lock without a transaction, for maintenance calls."""
        self._refuse_unless_writable()
        with self._guard.hold():
            self._refuse_without_catalog()
            self._recycle()
            self._thread.busy = True
            try:
                with self.cursor() as cursor:
                    yield cursor
            finally:
                self._thread.busy = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction under the inter-process lock: committed at the end, rolled back on an error.

        Not repeated on a transient error; :meth:`run` does that. Do not nest it.
        """
        with self.exclusive() as cursor:
            cursor.execute("BEGIN")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                _roll_back(cursor)
                raise

    def _refuse_unless_writable(self) -> None:
        if self.read_only:
            raise StorageError("this lake was opened for reading only; open it without read_only to write.")
        if getattr(self._thread, "busy", False):
            raise StorageError("a transaction of this thread is already open; finish it before the next one.")

    def _refuse_without_catalog(self) -> None:
        """Without this a writer would go on in a file that has no name any more, and unlink its segments."""
        file = self.location.catalog_file
        if file is not None and not file.exists():
            check_catalog(self.location, read_only=False)
            check_catalog(self.location, read_only=True)

    def run(self, work: Callable[[Connection], T]) -> T:
        """``work`` in a transaction, again when another writer got in the way; the lock is free meanwhile."""

        def once() -> T:
            with self.transaction() as connection:
                return work(connection)

        return self._stated(lambda: self._attempt(once))

    def append(self, table: str, frame: pl.DataFrame) -> None:
        """Add the rows of ``frame``, matched by column name; columns it lacks are NULL."""
        self._check(table, frame.columns)
        if frame.height:
            self.run(lambda connection: insert(connection, table, frame))

    def merge(self, table: str, frame: pl.DataFrame, keys: Sequence[str]) -> None:
        """Insert the rows of ``frame``, or update those whose ``keys`` are there; the last of equal keys wins."""
        self._check(table, [*frame.columns, *keys])
        if frame.height:
            self.run(lambda connection: merge_into(connection, table, frame, keys))

    def _check(self, table: str, columns: Sequence[str]) -> None:
        if table not in TABLES:
            raise StorageError(
                f"the lake has no table {table!r}; its tables are {', '.join(sorted(TABLES))}."
            )
        unknown = sorted(set(columns) - set(TABLES[table].names))
        if unknown:
            raise StorageError(f"table {table} has no column {', '.join(unknown)}; see docs/tables.md.")

    def _connected(self) -> Connection:
        with self._mutex:
            if self._instance is None:
                self._instance = connect(
                    self.location, read_only=self.read_only, check_signatures=False, threads=self._threads
                )
                self._opened_at = self._monotonic()
                self._catalog = self._identity()
            return self._instance

    def _recycle(self) -> None:
        with self._mutex:
            old = self._monotonic() - self._opened_at > _RECYCLE_SECONDS
            if self._instance is not None and (old or self._catalog != self._identity()):
                # Not closed here: cursors of other threads keep it alive until they are done.
                self._instance = None

    def _identity(self) -> tuple[int, int] | None:
        """Which file the catalogue is: another one after somebody put a backup in its place."""
        file = self.location.catalog_file
        if file is None or not file.exists():
            return None
        found = file.stat()
        return found.st_dev, found.st_ino

    def _attempt(self, work: Callable[[], T], *, signs: Sequence[str] = _TRANSIENT) -> T:
        for attempt in range(_ATTEMPTS - 1):
            try:
                return work()
            except duckdb.Error as error:
                if not transient(error, signs):
                    raise
                self._sleep(_FIRST_WAIT_SECONDS * 2**attempt)
        return work()

    def _stated(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except duckdb.Error as error:
            raise storage_error(error, self.location) from error


def insert(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    """INSERT BY NAME inside a transaction of :meth:`Lake.transaction` or :meth:`Lake.run`."""
    connection.register("incoming", frame.to_arrow())
    listed = ", ".join(f'"{name}"' for name in frame.columns)
    connection.execute(f"INSERT INTO {table} ({listed}) SELECT {listed} FROM incoming")
    connection.unregister("incoming")


def merge_into(
    connection: Connection,
    table: str,
    frame: pl.DataFrame,
    keys: Sequence[str],
    *,
    insert_only: Sequence[str] = (),
    only_if: str = "true",
) -> None:
    """MERGE inside a transaction; ``insert_only`` columns keep their first value.

    ``only_if`` is SQL over ``t`` (there) and ``s`` (coming) that decides whether to update.
    """
    if any(frame[key].null_count() for key in keys):
        raise StorageError(f"a row for {table} has no {' or no '.join(keys)}, which is its key.")
    rows = frame.unique(subset=list(keys), keep="last", maintain_order=True)
    connection.register("incoming", rows.to_arrow())
    names = [f'"{name}"' for name in rows.columns]
    match = " AND ".join(f't."{key}" = s."{key}"' for key in keys)
    changes = ", ".join(f'"{c}" = s."{c}"' for c in rows.columns if c not in keys and c not in insert_only)
    update = f"WHEN MATCHED AND {only_if} THEN UPDATE SET {changes} " if changes else ""
    connection.execute(
        f"MERGE INTO {table} t USING incoming s ON ({match}) {update}"
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({', '.join('s.' + n for n in names)})"
    )
    connection.unregister("incoming")


def _roll_back(cursor: Connection) -> None:
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        # A failed COMMIT has already ended the transaction; the first error is the one that counts.
        return
