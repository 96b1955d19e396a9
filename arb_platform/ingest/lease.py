"""Who may write a shard: one process, for as long as it lives.

The lease is a lock of the operating system on a file, so a process that is killed lets go of it in
the same moment, and a process that was only forgotten cannot be joined by a second writer.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from arb_platform.domain.errors import StorageError

_TRIES: Final = 5
_TRY_SECONDS: Final = 0.02


class ShardBusy(StorageError):
    """Another live process streams this shard."""


class Lease:
    """Holds the right to stream ``venue``'s ``shard`` below ``root`` while it is entered."""

    def __init__(
        self,
        root: Path,
        venue: str,
        shard: int = 0,
        *,
        owner: str = "",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.path = root / "streams" / f"{venue}-{shard}.lease"
        self._owner = owner
        self._sleep = sleep
        self._name = f"{venue} shard {shard}"
        self._descriptor: int | None = None

    def __enter__(self) -> Self:
        """Raises ShardBusy with who holds it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StorageError(
                f"the lease {self.path} cannot be written ({error.strerror}); "
                "choose a folder you can write with ARB_DATA_DIR."
            ) from error
        if not self._locked(descriptor):
            holder = os.read(descriptor, 4096).decode("utf-8", "replace").strip()
            os.close(descriptor)
            raise ShardBusy(
                f"{self._name} is streamed by another process already ({holder or 'unknown'}); "
                "stop that one first, or stream into another folder with ARB_DATA_DIR."
            )
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "owner": self._owner}).encode(), 0)
        return self

    def _locked(self, descriptor: int) -> bool:
        """Lock the file. Whoever only looks (:func:`held`) locks it for an instant, so one refusal proves nothing."""
        for _ in range(_TRIES):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._sleep(_TRY_SECONDS)
            else:
                return True
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def held(root: Path, venue: str, shard: int = 0) -> bool:
    """True while some live process holds the lease."""
    path = root / "streams" / f"{venue}-{shard}.lease"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
