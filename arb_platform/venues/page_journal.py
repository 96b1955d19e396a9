"""The pages of a listing on disk, so that a walk that was interrupted goes on where it stopped.

A walk of thousands of pages takes minutes; a cursor of the venue outlives a lost connection or a
killed process. The flow itself knows nothing of this: it is sent the kept pages first.
"""

import fcntl
import gzip
import os
import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

# Cursors and the list itself move on; what is older is read anew.
KEPT_FOR: Final = timedelta(minutes=30)
_LENGTH: Final = struct.Struct(">Q")
# Numbers stay exact, there and back.
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)


class PageJournal:
    """One file: a record of where the pages come from, then one record a page, each compressed.

    A torn last record is cut off. A file of another address, or one that is too old, is thrown away.
    Of two walks at once only the first keeps its pages: the other reads and writes nothing here.
    """

    def __init__(self, path: Path, *, address: str) -> None:
        self.path = path
        self.resumed = 0
        self._address = address
        # where the last whole record that belongs to this walk ends
        self._good = 0
        self._file: BinaryIO | None = None

    def begin(self, at: datetime) -> None:
        """Look what is there; a journal that cannot be gone on with is begun anew."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = _owned(self.path)
        if self._file is not None and not self._fits(self._read(), at):
            self._good = 0
            self._write({"address": self._address, "began_at": at.isoformat()})

    def recalled(self, path: str, params: Mapping[str, str]) -> Any | None:
        """The page that was kept for this request, if the walk comes this way again; else None."""
        before = self._good
        record = self._read()
        if record is None or record.get("path") != path or record.get("params") != dict(params):
            self._good = before
            return None
        self.resumed += 1
        return record["page"]

    def keep(self, path: str, params: Mapping[str, str], page: Any) -> None:
        """Add a page; what stood behind this place belonged to another walk."""
        self._write({"path": path, "params": dict(params), "page": page})

    def finish(self) -> None:
        """The walk came to its end: the next one begins at the beginning."""
        if self._file is not None:
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let another walk have the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _write(self, value: Any) -> None:
        if self._file is None:
            return
        self._file.truncate(self._good)
        self._file.seek(self._good)
        self._file.write(_record(value))
        self._file.flush()
        self._good = self._file.tell()

    def _fits(self, first: Any, at: datetime) -> bool:
        if not isinstance(first, dict) or first.get("address") != self._address:
            return False
        try:
            age = at - datetime.fromisoformat(first["began_at"])
        except (KeyError, TypeError, ValueError):
            return False
        return timedelta(0) <= age < KEPT_FOR

    def _read(self) -> Any | None:
        """The record at the current place, which moves behind it; None when there is no whole one."""
        file = self._file
        if file is None:
            return None
        try:
            file.seek(self._good)
            head = file.read(_LENGTH.size)
            length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
            if not 0 < length <= os.fstat(file.fileno()).st_size - file.tell():
                return None
            record = _DECODER.decode(gzip.decompress(file.read(length)))
            self._good = file.tell()
            return record
        except (OSError, EOFError, ValueError, msgspec.MsgspecError):
            return None


def _owned(path: Path) -> BinaryIO | None:
    """The file for this process alone; None where another walk has it."""
    file = path.open("a+b", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    if not path.exists() or not os.path.samestat(path.stat(), os.fstat(file.fileno())):
        # The walk that had it came to its end between our two steps.
        file.close()
        return _owned(path)
    return file


def _record(value: Any) -> bytes:
    body = gzip.compress(_ENCODER.encode(value), compresslevel=1)
    return _LENGTH.pack(len(body)) + body
