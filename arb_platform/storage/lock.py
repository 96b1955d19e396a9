"""One lock file for everything that changes the lake; flock, so a dead holder blocks nobody."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from arb_platform.domain.errors import StorageError

DEFAULT_TIMEOUT_SECONDS: Final = 120.0


class FileGuard:
    """An inter-process lock that is also exclusive between threads, each ``hold`` on its own."""

    def __init__(self, path: Path, *, purpose: str, timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        self.path = path
        self._purpose = purpose
        self._timeout = timeout_seconds

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for the lock and hold it. Raises StorageError after the time-out."""
        # A fresh FileLock per hold: its counter is per object, and two threads must exclude each other.
        lock = FileLock(self.path, timeout=self._timeout)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise StorageError(
                f"{self._purpose} has been going on in another process for more than {self._timeout:g} s; "
                f"find the process that holds {self.path} (for example with `fuser`) and stop it, or wait."
            ) from error
        except (OSError, NotImplementedError) as error:
            raise StorageError(
                f"the lock file {self.path} cannot be used ({error}); the data directory must be writable and on a local disk."
            ) from error
        try:
            yield
        finally:
            lock.release()


class NoGuard:
    """A catalogue in PostgreSQL orders its writers itself."""

    def hold(self) -> nullcontext[None]:
        return nullcontext()
