"""The ledger of LLM calls and the verdicts they gave: in a journal before and after money is spent, in the lake later."""

import json
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any, Final, Self

import polars as pl
import pyarrow as pa

from arb_platform.domain.calls import CallBatch, LLMCall
from arb_platform.domain.pairs import Verdict
from arb_platform.storage.batches import OPEN, batch_document, batch_row, merge_batches
from arb_platform.storage.catalogue_tables import LLM_CALLS
from arb_platform.storage.journal import Journal, Part
from arb_platform.storage.lake import Connection, Lake, merge_into
from arb_platform.storage.pairs import merge_verdicts, verdict_document, verdict_row
from arb_platform.storage.text import storable

_FIELDS: Final = tuple(field.name for field in fields(LLMCall))
# came later: journals of an older program have no such key
_LATER: Final = frozenset({"batch_id"})
_COST_UNIT: Final = Decimal("1E-12")
_MERGES: Final = "merges"
# keys of lines that are no calls
_VERDICT: Final = "verdict"
_BATCH: Final = "batch"

# A batch counts as it was estimated until what it cost is known.
_SPENT: Final = f"""
SELECT model, fallback, coalesce(sum(cost_usd), 0) AS usd FROM llm_calls
WHERE CAST(started_at AS DATE) = $1 AND call_id NOT IN (SELECT unnest($2::VARCHAR[])) GROUP BY model, fallback
UNION ALL
SELECT model, false, sum(estimated_usd) FROM llm_batches WHERE CAST(prepared_at AS DATE) = $1 AND {OPEN} GROUP BY model"""

# (model, whether it was asked as a fallback)
Spender = tuple[str, bool]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Merged:
    """What the lake said after so many ``merges``: dollars of ``day`` outside the ``waiting`` journals."""

    merges: int
    day: date
    waiting: frozenset[Path]
    usd: dict[Spender, Decimal]


@dataclass(slots=True)
class _Tail:
    """What was read of one journal so far: dollars by day and spender, and whose they are."""

    end: int = 0
    calls: set[str] = field(default_factory=set)
    usd: dict[tuple[date, Spender], Decimal] = field(default_factory=dict)

    def add(self, call: Document) -> None:
        self.calls.add(call["call_id"])
        if call["cost_usd"] is not None:
            day = datetime.fromisoformat(call["started_at"]).astimezone(UTC).date()
            key = (day, (call["model"], call["fallback"]))
            self.usd[key] = self.usd.get(key, Decimal(0)) + Decimal(call["cost_usd"])


class LakeLedger:
    """Implements :class:`arb_platform.domain.calls.JournalLedger` on a :class:`Journal`; keeps verdicts in it as well.

    What is appended belongs to the lake from :meth:`flush` on; what dead processes left is merged by
    whoever opens a ledger next. Safe to share between threads: one may flush while others write.
    """

    def __init__(self, lake: Lake, spool_root: Path | None = None) -> None:
        root = spool_root or lake.location.spool
        self._journal = Journal((root if root.name == "spool" else root / "spool") / "llm_calls")
        self.directory = self._journal.directory
        self._lake = lake
        self._merging = threading.Lock()
        self._counting = threading.Lock()
        self._known: _Merged | None = None
        self._tails: dict[Path, _Tail] = {}
        self.drain()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, call: LLMCall) -> None:
        """Append ``call`` to the journal; durable when this returns. Raises DiskFull or StorageError."""
        self.note(call)
        self.sync()

    def note(self, call: LLMCall) -> None:
        """Append ``call``; it survives this process, and a loss of power after the next :meth:`sync`."""
        self._journal.append([json.dumps(_document(call)).encode()])

    def sync(self) -> None:
        """Make everything durable that was noted so far, by whichever thread."""
        self._journal.sync()

    @property
    def unsynced(self) -> bool:
        """Whether there is something for :meth:`sync` to do."""
        return self._journal.unsynced

    def keep_verdicts(self, verdicts: Iterable[Verdict], calls: Iterable[LLMCall] = ()) -> None:
        """Append judgements and how ``calls`` ended, durable together with everything noted before.

        Verdicts come first: torn between the two, a call is open still and can give its verdict again.
        """
        documents: list[Document] = [{_VERDICT: verdict_document(verdict)} for verdict in verdicts]
        documents += [_document(call) for call in calls]
        if documents:
            self._journal.append([json.dumps(document).encode() for document in documents])
        self.sync()

    def flush(self) -> int:
        """Merge what this process has appended into ``llm_calls`` and ``verdicts``; returns the calls merged.

        Others go on appending meanwhile, to a new file. What could not be merged is tried again the next time.
        """
        with self._merging:
            return sum(self._settle(part, forget=True) for part in self._journal.full())

    def drain(self) -> int:
        """Merge the journals of processes that died; returns the calls merged."""
        with self._merging, self._journal.leftovers() as parts:
            return sum(self._settle(part, forget=False) for part in parts)

    def close(self) -> None:
        """Flush and let go of the journal."""
        self.flush()

    def save_batch(self, batch: CallBatch) -> None:
        """Keep where ``batch`` stands together with everything that was noted before; in the lake when this returns."""
        self._journal.append([json.dumps({_BATCH: batch_document(batch)}).encode()])
        self.sync()
        self.flush()

    def spent_usd(self, now: datetime) -> Decimal:
        """Dollars since midnight UTC of ``now``: what the lake knows and what waits in any process's journal.

        Unknown costs are not in it; batches that are not collected yet are, as they were estimated.
        """
        return sum(self.spending(now).values(), Decimal(0))

    def spending(self, now: datetime) -> dict[Spender, Decimal]:
        """The same dollars by model and whether it was asked as a fallback."""
        day = now.astimezone(UTC).date()
        with self._counting:
            while True:
                merges = self._merges()
                self._read_on()
                spent = dict(self._merged_usd(merges, day))
                # a journal that was merged meanwhile would be in neither of the two
                if merges == self._merges():
                    break
            for tail in self._tails.values():
                for (on, spender), usd in tail.usd.items():
                    if on == day:
                        spent[spender] = spent.get(spender, Decimal(0)) + usd
        return spent

    def _read_on(self) -> None:
        """Look at what was appended to any journal since the last time."""
        paths = self._journal.paths()
        for gone in self._tails.keys() - set(paths):
            del self._tails[gone]
        for path in paths:
            tail = self._tails.setdefault(path, _Tail())
            documents, tail.end = self._journal.read(path, _read_line, start=tail.end)
            for document in documents:
                if _is_call(document):
                    tail.add(document)

    def _merged_usd(self, merges: int, day: date) -> dict[Spender, Decimal]:
        """The lake's sums for ``day`` without the calls that wait in a journal; asked once per merge."""
        known = self._known
        # calls of a journal that is gone since are in the lake and were left out
        if known and (known.merges, known.day) == (merges, day) and known.waiting <= self._tails.keys():
            return known.usd
        waiting = sorted({call for tail in self._tails.values() for call in tail.calls})
        usd: dict[Spender, Decimal] = {}
        for model, fallback, spent in self._lake.query(_SPENT, [day, waiting]).iter_rows():
            usd[model, fallback] = usd.get((model, fallback), Decimal(0)) + Decimal(spent)
        self._known = _Merged(merges, day, frozenset(self._tails), usd)
        return usd

    def _say_merged(self) -> None:
        with (self.directory / _MERGES).open("ab") as file:
            file.write(b".")

    def _merges(self) -> int:
        """How often the lake's sums have changed, by any process: a byte each."""
        try:
            return (self.directory / _MERGES).stat().st_size
        except FileNotFoundError:
            return 0

    def _settle(self, part: Part, *, forget: bool) -> int:
        """Merge one file, say that its lines are in the lake now, and remove it; in this order."""
        documents, _ = self._journal.read(part.path, _read_line)
        calls = _latest(document for document in documents if _is_call(document))
        self._merge(
            [_row(call) for call in calls.values()],
            [verdict_row(document[_VERDICT]) for document in documents if _VERDICT in document],
            [batch_row(document[_BATCH]) for document in documents if _BATCH in document],
        )
        self._say_merged()
        if forget:
            self._journal.forget(part)
        else:
            part.path.unlink(missing_ok=True)
        return len(calls)

    def _merge(self, calls: list[Document], verdicts: list[Document], batches: list[Document]) -> None:
        """All in one transaction, so that no verdict is without what it cost."""

        def merge(connection: Connection) -> None:
            if calls:
                frame = pl.from_arrow(pa.Table.from_pylist(calls, LLM_CALLS.arrow_schema()))
                assert isinstance(frame, pl.DataFrame)
                # A `started` that comes late never overwrites how the call ended.
                only_if = "(s.status <> 'started' OR t.status = 'started')"
                merge_into(connection, LLM_CALLS.name, frame, ["call_id"], only_if=only_if)
            merge_verdicts(connection, verdicts)
            merge_batches(connection, batches)

        if calls or verdicts or batches:
            self._lake.run(merge)


def _document(call: LLMCall) -> Document:
    document = {name: getattr(call, name) for name in _FIELDS}
    document["started_at"] = call.started_at.astimezone(UTC).isoformat()
    document["cost_usd"] = None if call.cost_usd is None else format(call.cost_usd, "f")
    return document


def _row(document: Document) -> Document:
    row = {name: storable(value) if isinstance(value, str) else value for name, value in document.items()}
    row["started_at"] = datetime.fromisoformat(document["started_at"])
    cost = document["cost_usd"]
    row["cost_usd"] = None if cost is None else Decimal(cost).quantize(_COST_UNIT, ROUND_HALF_EVEN)
    return row


def _read_line(line: bytes) -> Document:
    """Raises ValueError, KeyError, TypeError or ArithmeticError for a line that is none of ours."""
    document = json.loads(line)
    for kind, row_of in ((_VERDICT, verdict_row), (_BATCH, batch_row)):
        if kind in document:
            row_of(document[kind])
            return {kind: document[kind]}
    call = {name: document.get(name) if name in _LATER else document[name] for name in _FIELDS}
    _row(call)
    return call


def _is_call(document: Document) -> bool:
    return "call_id" in document


def _latest(documents: Iterable[Document]) -> dict[str, Document]:
    """call_id -> its last document, in the order of first mention."""
    return {document["call_id"]: document for document in documents}
