"""The ledger of LLM calls: written to a journal before and after money is spent, merged into the lake later."""

import fcntl
import json
import logging
import os
import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any, Final, Self

import polars as pl
import pyarrow as pa

from arb_platform.domain.calls import LLMCall
from arb_platform.storage.catalogue_tables import LLM_CALLS
from arb_platform.storage.lake import Lake, merge_into
from arb_platform.storage.spool import TORN, spool_error, sync_directory, write_all
from arb_platform.storage.text import storable

_FIELDS: Final = tuple(field.name for field in fields(LLMCall))
_COST_UNIT: Final = Decimal("1E-12")
_SUFFIX: Final = ".jsonl"
_MERGES: Final = "merges"


log = logging.getLogger(__name__)


# (model, whether it was asked as a fallback)
Spender = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class _Merged:
    """What the lake said after so many ``merges``: dollars of ``day`` outside the journals that waited."""

    merges: int
    day: date
    usd: dict[Spender, Decimal]


class LakeLedger:
    """Implements :class:`arb_platform.domain.calls.CallLedger` on a journal file per process.

    A journal is locked (flock) for as long as its process lives; one that nobody locks is a
    leftover and is merged by whoever opens a ledger next. Safe to share between threads.
    """

    def __init__(self, lake: Lake, spool_root: Path | None = None) -> None:
        root = spool_root or lake.location.spool
        self.directory = (root if root.name == "spool" else root / "spool") / "llm_calls"
        self._lake = lake
        self._mutex = threading.Lock()
        self._journal: int | None = None
        self._path: Path | None = None
        self._known: _Merged | None = None
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise spool_error(error, self.directory) from error
        self.drain()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, call: LLMCall) -> None:
        """Append ``call`` to the journal; durable when this returns. Raises DiskFull or StorageError."""
        line = (json.dumps(_document(call)) + "\n").encode()
        with self._mutex:
            try:
                journal = self._open()
                end = os.fstat(journal).st_size
                try:
                    write_all(journal, memoryview(line))
                    os.fsync(journal)
                except OSError:
                    os.ftruncate(journal, end)
                    raise
            except OSError as error:
                raise spool_error(error, self.directory) from error

    def flush(self) -> int:
        """Merge this process's journal into ``llm_calls`` and start a new one; returns the calls merged."""
        with self._mutex:
            if self._path is None or self._journal is None:
                return 0
            calls = _latest(self._lines(self._path))
            self._merge(calls.values())
            self._forget(self._path)
            os.close(self._journal)
            self._journal = self._path = None
            return len(calls)

    def drain(self) -> int:
        """Merge the journals of processes that died; returns the calls merged."""
        merged = 0
        for path in sorted(self.directory.glob(f"*{_SUFFIX}")):
            try:
                journal = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            else:
                calls = _latest(self._lines(path))
                self._merge(calls.values())
                self._forget(path)
                merged += len(calls)
            finally:
                os.close(journal)
        return merged

    def close(self) -> None:
        """Flush and let go of the journal."""
        self.flush()

    def spent_usd(self, now: datetime) -> Decimal:
        """Dollars since midnight UTC of ``now``: what the lake knows and what waits in any process's journal.

        Unknown costs are not in it.
        """
        return sum(self.spending(now).values(), Decimal(0))

    def spending(self, now: datetime) -> dict[Spender, Decimal]:
        """The same dollars by model and whether it was asked as a fallback."""
        day = now.astimezone(UTC).date()
        # In this order: a journal that is merged meanwhile is then found in the lake.
        merges = self._merges()
        waiting: dict[str, dict[str, Any]] = {}
        for path in self.directory.glob(f"*{_SUFFIX}"):
            waiting |= _latest(self._lines(path))
        spent = dict(self._merged_usd(merges, day, sorted(waiting)))
        for call in waiting.values():
            spender = (call["model"], call["fallback"])
            spent[spender] = spent.get(spender, Decimal(0)) + _cost_on(call, day)
        return spent

    def _merged_usd(self, merges: int, day: date, waiting: list[str]) -> dict[Spender, Decimal]:
        """The lake's sums for ``day`` without the calls that wait in a journal; asked once per merge."""
        known = self._known
        if known is not None and (known.merges, known.day) == (merges, day):
            return known.usd
        rows = self._lake.query(
            "SELECT model, fallback, coalesce(sum(cost_usd), 0) AS usd FROM llm_calls WHERE CAST(started_at AS DATE) = $1 "
            "AND call_id NOT IN (SELECT unnest($2::VARCHAR[])) GROUP BY model, fallback",
            [day, waiting],
        )
        usd = {(model, fallback): Decimal(spent) for model, fallback, spent in rows.iter_rows()}
        self._known = _Merged(merges, day, usd)
        return usd

    def _merges(self) -> int:
        """How many journals were ever merged, by any process: a byte each."""
        try:
            return (self.directory / _MERGES).stat().st_size
        except FileNotFoundError:
            return 0

    def _forget(self, path: Path) -> None:
        """Say that what ``path`` held is in the lake now, and remove it; in this order."""
        with (self.directory / _MERGES).open("ab") as file:
            file.write(b".")
        path.unlink(missing_ok=True)

    def _open(self) -> int:
        if self._journal is None:
            path = self.directory / f"{os.getpid()}-{uuid.uuid4().hex}{_SUFFIX}"
            # Locked before it has its name, so that nobody takes it for a leftover.
            hidden = path.with_suffix(".new")
            journal = os.open(
                hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644
            )
            fcntl.flock(journal, fcntl.LOCK_EX)
            hidden.rename(path)
            sync_directory(self.directory)
            self._journal, self._path = journal, path
        return self._journal

    def _lines(self, path: Path) -> list[dict[str, Any]]:
        """The whole lines of a journal; a last one without its end was never acknowledged."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return []
        calls: list[dict[str, Any]] = []
        for line in content.rpartition(b"\n")[0].split(b"\n"):
            try:
                calls += [_read_line(line)] if line else []
            except (ValueError, KeyError, TypeError, ArithmeticError):
                self._keep_damaged(path, content)
        return calls

    def _keep_damaged(self, path: Path, content: bytes) -> None:
        """A copy of a journal with an unreadable line, because the journal itself is removed when merged."""
        copy = self.directory.parent / TORN / path.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)
            log.warning(
                "the journal %s has a damaged line; its other calls are merged, the file is kept as %s",
                path,
                copy,
            )

    def _merge(self, calls: Iterable[dict[str, Any]]) -> None:
        rows = [_row(call) for call in calls]
        if not rows:
            return
        frame = pl.from_arrow(pa.Table.from_pylist(rows, LLM_CALLS.arrow_schema()))
        assert isinstance(frame, pl.DataFrame)
        # A `started` that comes late never overwrites how the call ended.
        only_if = "(s.status <> 'started' OR t.status = 'started')"
        self._lake.run(
            lambda connection: merge_into(connection, LLM_CALLS.name, frame, ["call_id"], only_if=only_if)
        )


def _document(call: LLMCall) -> dict[str, Any]:
    document = {name: getattr(call, name) for name in _FIELDS}
    document["started_at"] = call.started_at.astimezone(UTC).isoformat()
    document["cost_usd"] = None if call.cost_usd is None else format(call.cost_usd, "f")
    return document


def _row(document: dict[str, Any]) -> dict[str, Any]:
    row = {name: storable(value) if isinstance(value, str) else value for name, value in document.items()}
    row["started_at"] = datetime.fromisoformat(document["started_at"])
    cost = document["cost_usd"]
    row["cost_usd"] = None if cost is None else Decimal(cost).quantize(_COST_UNIT, ROUND_HALF_EVEN)
    return row


def _cost_on(call: dict[str, Any], day: date) -> Decimal:
    started_at = datetime.fromisoformat(call["started_at"]).astimezone(UTC)
    return (
        Decimal(call["cost_usd"]) if call["cost_usd"] is not None and started_at.date() == day else Decimal(0)
    )


def _read_line(line: bytes) -> dict[str, Any]:
    """Raises ValueError, KeyError or TypeError for a line that is none of ours."""
    document = json.loads(line)
    call = {name: document[name] for name in _FIELDS}
    _row(call)
    return call


def _latest(documents: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """call_id -> its last document, in the order of first mention."""
    return {document["call_id"]: document for document in documents}
