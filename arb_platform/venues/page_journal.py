"""The pages of a listing on disk, so that a walk that was interrupted goes on where it stopped.

A walk of thousands of pages takes minutes; a cursor of the venue outlives a lost connection or a
killed process. The flow itself knows nothing of this: it is sent the kept pages first.
"""

import gzip
import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

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
    """

    def __init__(self, path: Path, *, address: str) -> None:
        self.path = path
        self.resumed = 0
        self._address = address
        # where the last whole record that belongs to this walk ends
        self._good = 0

    def begin(self, at: datetime) -> None:
        """Look what is there; a journal that cannot be gone on with is begun anew."""
        first = self._read()
        if not self._fits(first, at):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(_record({"address": self._address, "began_at": at.isoformat()}))
            self._good = self.path.stat().st_size

    def recalled(self, path: str, params: Mapping[str, str]) -> Any | None:
        """The page that was kept for this request, if the walk comes this way again; else None."""
        if self.path.stat().st_size <= self._good:
            return None
        before = self._good
        record = self._read()
        if record is None or record.get("path") != path or record.get("params") != dict(params):
            self._good = before
            return None
        self.resumed += 1
        return record["page"]

    def keep(self, path: str, params: Mapping[str, str], page: Any) -> None:
        """Add a page; what stood behind this place belonged to another walk."""
        with self.path.open("r+b") as file:
            file.truncate(self._good)
            file.seek(self._good)
            file.write(_record({"path": path, "params": dict(params), "page": page}))
            self._good = file.tell()

    def finish(self) -> None:
        """The walk came to its end: the next one begins at the beginning."""
        self.path.unlink(missing_ok=True)

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
        try:
            with self.path.open("rb") as file:
                file.seek(self._good)
                head = file.read(_LENGTH.size)
                if len(head) < _LENGTH.size:
                    return None
                length = _LENGTH.unpack(head)[0]
                if length > self.path.stat().st_size:
                    return None
                body = file.read(length)
                if len(body) < length:
                    return None
                record = _DECODER.decode(gzip.decompress(body))
                self._good = file.tell()
                return record
        except (OSError, EOFError, ValueError, msgspec.MsgspecError):
            return None


def _record(value: Any) -> bytes:
    body = gzip.compress(_ENCODER.encode(value), compresslevel=1)
    return _LENGTH.pack(len(body)) + body
