"""Lines of JSON that are kept before the lake gets them: one file per process, and what dead processes left behind.

A file is locked (flock) for as long as its process lives; one that nobody locks is a leftover and
belongs to whoever comes next. Lines survive the death of the process when :meth:`Journal.append`
returns and the loss of power when :meth:`Journal.sync` does.
"""

import fcntl
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from arb_platform.storage.spool import TORN, spool_error, sync_directory, write_all

SUFFIX: Final = ".jsonl"
T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """One file; ``lock`` is the open descriptor that holds it."""

    path: Path
    lock: int


class Journal:
    """Safe to share between threads. ``directory`` is below the spool, whose other files it does not touch."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._mutex = threading.Lock()
        self._current: Part | None = None
        self._full: list[Part] = []
        self._written = self._synced = 0
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise spool_error(error, directory) from error

    @property
    def unsynced(self) -> bool:
        """Whether something was appended that a loss of power would take away."""
        return self._synced < self._written

    def append(self, lines: Iterable[bytes]) -> None:
        """Add whole lines, all or none. Raises DiskFull or StorageError."""
        content = b"".join(line + b"\n" for line in lines)
        with self._mutex, self._stated():
            part = self._open()
            end = os.fstat(part.lock).st_size
            try:
                write_all(part.lock, memoryview(content))
            except OSError:
                os.ftruncate(part.lock, end)
                raise
            self._written += 1

    def sync(self) -> None:
        """Make durable what was appended; others go on appending meanwhile."""
        with self._mutex, self._stated():
            if self._current is None:
                return
            written, descriptor = self._written, os.dup(self._current.lock)
        try:
            with self._stated():
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._synced = max(self._synced, written)

    def full(self) -> list[Part]:
        """Ends the present file; what must go to the lake now, oldest first, until it is forgotten."""
        with self._mutex:
            if self._current is not None:
                self._full.append(self._current)
                self._current = None
            self._synced = self._written
            return list(self._full)

    def forget(self, part: Part) -> None:
        """Remove a file whose lines are in the lake."""
        part.path.unlink(missing_ok=True)
        os.close(part.lock)
        with self._mutex:
            self._full.remove(part)

    @contextmanager
    def leftovers(self) -> Iterator[list[Part]]:
        """The files of processes that died, held until the end of the block."""
        found: list[Part] = []
        try:
            for path in self.paths():
                try:
                    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                except FileNotFoundError:
                    continue
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(descriptor)
                else:
                    found.append(Part(path, descriptor))
            yield found
        finally:
            for part in found:
                os.close(part.lock)

    def paths(self) -> list[Path]:
        """The files of all processes."""
        return sorted(self.directory.glob(f"*{SUFFIX}"))

    def read(self, path: Path, line: Callable[[bytes], T], *, start: int = 0) -> tuple[list[T], int]:
        """What ``line`` makes of the whole lines from byte ``start`` on, and where they end.

        A last line without its end was never acknowledged. A line for which ``line`` raises ValueError,
        KeyError, TypeError or ArithmeticError is damaged: a copy of the file is kept aside, because the file
        itself is removed when its other lines are in the lake.
        """
        try:
            with path.open("rb") as file:
                file.seek(start)
                content = file.read()
        except FileNotFoundError:
            return [], start
        whole = content.rpartition(b"\n")[0]
        found: list[T] = []
        for one in whole.split(b"\n"):
            try:
                found += [line(one)] if one else []
            except (ValueError, KeyError, TypeError, ArithmeticError):
                self._keep_damaged(path)
        return found, start + (len(whole) + 1 if whole else 0)

    def _keep_damaged(self, path: Path) -> None:
        copy = self.directory.parent / TORN / path.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
            log.warning(
                "the journal %s has a damaged line; its other lines are merged, the file is kept as %s",
                path,
                copy,
            )

    def _open(self) -> Part:
        if self._current is None:
            path = self.directory / f"{os.getpid()}-{uuid.uuid4().hex}{SUFFIX}"
            # Locked before it has its name, so that nobody takes it for a leftover.
            hidden = path.with_suffix(".new")
            descriptor = os.open(
                hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644
            )
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            hidden.rename(path)
            sync_directory(self.directory)
            self._current = Part(path, descriptor)
        return self._current

    @contextmanager
    def _stated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise spool_error(error, self.directory) from error
