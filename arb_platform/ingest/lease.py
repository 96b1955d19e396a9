"""Who may write a shard: one process, for as long as it lives.

The lease is a lock of the operating system on a file, so a process that is killed lets go of it in
the same moment, and a process that was only forgotten cannot be joined by a second writer. Each
holder has the next generation: whoever finds another generation, or another file, in the place of
its own has lost the shard and may write no more.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from arb_platform.domain.errors import StorageError

_TRIES: Final = 5
_TRY_SECONDS: Final = 0.02
_LONGEST: Final = 4096


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a shard: ``owner`` is a run id, ``code`` the digest of the program that it runs."""

    pid: int
    owner: str = ""
    generation: int = 0
    since: datetime | None = None
    code: str = ""


class ShardBusy(StorageError):
    """Another live process streams this shard: ``holder``, when it can be read."""

    def __init__(self, text: str, holder: Holder | None = None) -> None:
        super().__init__(text)
        self.holder = holder


class LeaseLost(StorageError):
    """Somebody else has the shard now; nothing more may be written by us."""


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
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.root = root
        self.venue = venue
        self.shard = shard
        self.path = lease_path(root, venue, shard)
        self._owner = owner
        self._sleep = sleep
        self._clock = clock
        self._name = f"{venue} shard {shard}"
        self._descriptor: int | None = None
        self.generation = 0

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
            written = os.pread(descriptor, _LONGEST, 0).decode("utf-8", "replace").strip()
            os.close(descriptor)
            raise ShardBusy(
                f"{self._name} is streamed by another process already ({written or 'unknown'}); "
                "stop that one first, or stream into another folder with ARB_DATA_DIR.",
                _read(written),
            )
        self._descriptor = descriptor
        before = _read(os.pread(descriptor, _LONGEST, 0).decode("utf-8", "replace"))
        self.generation = 1 if before is None else before.generation + 1
        mine = Holder(os.getpid(), self._owner, self.generation, self._clock(), code_digest())
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(mine), default=datetime.isoformat).encode(), 0)
        return self

    @property
    def entered(self) -> bool:
        """True between :meth:`__enter__` and :meth:`__exit__`."""
        return self._descriptor is not None

    def check(self) -> None:
        """Raises LeaseLost when the file is no longer ours: it was deleted, or another process made its own.

        The lock alone cannot tell: it stays on a deleted file, beside which anybody may lock a new one.
        """
        if self._descriptor is None:
            raise LeaseLost(f"{self._name} is not held")
        try:
            there: os.stat_result | None = self.path.stat()
        except OSError:
            there = None
        if there is None or not os.path.samestat(there, os.fstat(self._descriptor)):
            raise LeaseLost(
                f"the lease {self.path} of {self._name} was deleted or replaced while it was held; this stream "
                "writes no more, the next one starts anew. Leave the files below streams/ alone."
            )

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
    try:
        descriptor = os.open(lease_path(root, venue, shard), os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def holder_of(root: Path, venue: str, shard: int = 0) -> Holder | None:
    """Who holds the lease now; None when nobody does, or when it cannot be read."""
    if not held(root, venue, shard):
        return None
    try:
        return _read(lease_path(root, venue, shard).read_text())
    except OSError:
        return None


def has_open(pid: int, path: Path) -> bool:
    """True when process ``pid`` of this machine has ``path`` open: a number in a file may be anybody's by now."""
    try:
        # pipes and sockets are links to nothing
        return any(entry.exists() and entry.samefile(path) for entry in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def lease_path(root: Path, venue: str, shard: int = 0) -> Path:
    return root / "streams" / f"{venue}-{shard}.lease"


@lru_cache(maxsize=1)
def code_digest() -> str:
    """A digest of this package as it lay on the disk when it was asked first, soon after the start."""
    package = Path(__file__).parents[1]
    content = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        content.update(str(file.relative_to(package)).encode())
        content.update(file.read_bytes())
    return content.hexdigest()[:16]


def _read(text: str) -> Holder | None:
    try:
        document = json.loads(text)
        since = document.get("since")
        return Holder(
            int(document["pid"]),
            str(document.get("owner", "")),
            int(document.get("generation", 0)),
            None if since is None else datetime.fromisoformat(since),
            str(document.get("code", "")),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
