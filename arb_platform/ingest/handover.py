"""A stream that is renewed without a gap: the next process streams before the last one ends.

The successor connects, keeps what comes in memory and says when it has every book. Then the
predecessor closes, lands what it holds, leaves a farewell (the last book it recorded of each
market) and lets go of the lease. Only now the successor writes: what it kept, less what the
predecessor has recorded already. So there is one writer at any moment, and each change is one row.

The numbers of two subscriptions cannot be compared: Kalshi counts ``seq`` anew for each. What both
saw is the venue's own time and what the book looked like, and by that a change is recognised.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from arb_platform.domain.books import BookSnapshot, Pairs
from arb_platform.domain.errors import StorageError
from arb_platform.domain.streams import StreamOutput, StreamSession
from arb_platform.ingest.lease import Lease, ShardBusy, held

HANDED_OVER: Final = "handed over to run"
# Everything that the predecessor recorded is older than this by now, whatever lay on the way.
_OVERLAP: Final = timedelta(seconds=60)


class HandoverFailed(StorageError):
    """The process that streams the shard went on; nothing was lost and nothing was written by us."""


@dataclass(frozen=True, slots=True)
class LastBook:
    """The last snapshot of one market that the predecessor recorded."""

    exchange_us: int | None
    received_at: datetime
    bids: Pairs
    asks: Pairs

    @classmethod
    def of(cls, snapshot: BookSnapshot) -> Self:
        return cls(snapshot.exchange_us, snapshot.received_at, snapshot.bid_pairs, snapshot.ask_pairs)

    def is_shown_by(self, snapshot: BookSnapshot) -> bool:
        """True when ``snapshot`` is this one as another connection saw it."""
        if (snapshot.bid_pairs, snapshot.ask_pairs) != (self.bids, self.asks):
            return False
        # The first book of a connection tells the state; its time, if any, is not always of the change.
        unknown = self.exchange_us is None or snapshot.exchange_us is None
        return unknown or snapshot.sequence == 1 or snapshot.exchange_us == self.exchange_us

    def is_before(self, snapshot: BookSnapshot) -> bool:
        """True when ``snapshot`` shows a later book than this."""
        ours, theirs = self.exchange_us, snapshot.exchange_us
        if ours is None or theirs is None or ours == theirs:
            return snapshot.received_at > self.received_at
        return theirs > ours


@dataclass(slots=True)
class Farewell:
    """What a predecessor leaves ``to`` a run: its last books, and the session that each of its sockets ended with."""

    to: str
    generation: int
    at: datetime
    books: dict[str, LastBook] = field(default_factory=dict)
    sessions: dict[int, str] = field(default_factory=dict)

    def note(self, outputs: Sequence[StreamOutput]) -> list[StreamOutput]:
        """Remember what is recorded from now on; a session that ends says that it was handed over."""
        noted: list[StreamOutput] = []
        for output in outputs:
            if isinstance(output, BookSnapshot):
                self.books[output.market.market_id] = LastBook.of(output)
            elif isinstance(output, StreamSession) and output.ended_at is not None:
                self.sessions[output.shard] = output.session_id
                noted.append(replace(output, reason=f"{HANDED_OVER} {self.to}"))
                continue
            noted.append(output)
        return noted

    def write(self, root: Path, venue: str, shard: int) -> None:
        """Replace the shard's farewell. Raises OSError."""
        path = _farewell_path(root, venue, shard)
        document = {
            "to": self.to,
            "generation": self.generation,
            "at": self.at.isoformat(),
            "books": {
                market: [book.exchange_us, book.received_at.isoformat(), book.bids, book.asks]
                for market, book in self.books.items()
            },
            "sessions": self.sessions,
        }
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps(document))
        temporary.replace(path)

    @classmethod
    def take(cls, root: Path, venue: str, shard: int, *, generation: int) -> Self | None:
        """The farewell of the holder before ``generation``, which is then removed; None when it left none."""
        path = _farewell_path(root, venue, shard)
        try:
            document = json.loads(path.read_text())
            path.unlink()
            if document["generation"] != generation - 1:
                return None
            return cls(
                document["to"],
                document["generation"],
                datetime.fromisoformat(document["at"]),
                {market: _last_book(*fields) for market, fields in document["books"].items()},
                {int(shard): session for shard, session in document["sessions"].items()},
            )
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None


class Continuation:
    """Takes out of a successor's outputs what its predecessor has recorded."""

    def __init__(self, farewell: Farewell) -> None:
        self._unmet = dict(farewell.books)
        self._until = farewell.at + _OVERLAP
        self.dropped = 0

    @property
    def done(self) -> bool:
        """True once every market has shown something newer than the farewell."""
        return not self._unmet

    def kept(self, held: Sequence[StreamOutput]) -> list[StreamOutput]:
        """What of ``held``, everything that came before the lease was ours, is still to be recorded.

        A book that came back to what it was within a millisecond shows the last one twice: the later counts.
        """
        met = {
            output.market.market_id: place
            for place, output in enumerate(held)
            if isinstance(output, BookSnapshot)
            and (last := self._unmet.get(output.market.market_id)) is not None
            and last.is_shown_by(output)
        }
        kept: list[StreamOutput] = []
        for place, output in enumerate(held):
            known = met.get(output.market.market_id) if isinstance(output, BookSnapshot) else None
            if known is None:
                kept += self.later([output])
            elif place > known:
                kept.append(output)
            else:
                self.dropped += 1
        for market_id in met:
            self._unmet.pop(market_id, None)
        return kept

    def later(self, outputs: Sequence[StreamOutput]) -> list[StreamOutput]:
        """What of ``outputs``, which came one after the other, is still to be recorded."""
        return [output for one in outputs if (output := self._later(one)) is not None]

    def _later(self, output: StreamOutput) -> StreamOutput | None:
        if not isinstance(output, BookSnapshot):
            return output
        market_id = output.market.market_id
        last = self._unmet.get(market_id)
        if last is None:
            return output
        if output.received_at > self._until:
            self._unmet.clear()
            return output
        shown = last.is_shown_by(output)
        if shown or last.is_before(output):
            del self._unmet[market_id]
        if shown or not last.is_before(output):
            self.dropped += 1
            return None
        return output


class Successor:
    """The claim to be next: a lock of its own, so that there is one, and what it says dies with it."""

    def __init__(self, root: Path, venue: str, shard: int, *, owner: str) -> None:
        self._claim = Lease(root, f"{venue}-{shard}-next", 0, owner=owner, sleep=lambda _: None)
        self._ready = _ready_path(root, venue, shard)
        self._owner = owner

    def __enter__(self) -> Self:
        """Raises HandoverFailed when another process is to be next."""
        try:
            self._claim.__enter__()
        except ShardBusy as busy:
            who = busy.holder.owner if busy.holder and busy.holder.owner else "another process"
            raise HandoverFailed(f"{who} is taking over already; this one is not needed.") from None
        self._ready.unlink(missing_ok=True)
        return self

    def ready(self) -> None:
        """Ask the predecessor to let go."""
        self._ready.write_text(json.dumps({"pid": os.getpid(), "owner": self._owner}))

    def __exit__(self, *_: object) -> None:
        self._ready.unlink(missing_ok=True)
        self._claim.__exit__(None, None, None)


def waiting_successor(root: Path, venue: str, shard: int) -> str | None:
    """The run id of a live process that has every book and waits for ours to end."""
    path = _ready_path(root, venue, shard)
    if not path.exists():
        return None
    if not held(root, f"{venue}-{shard}-next"):
        return None  # it died while it waited
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return str(document.get("owner", "")) or f"of process {document.get('pid')}"


def try_lease(lease: Lease) -> bool:
    """Enter ``lease`` if it is free now."""
    try:
        lease.__enter__()
    except ShardBusy:
        return False
    return True


def last_books(snapshots: Iterable[BookSnapshot]) -> dict[str, LastBook]:
    return {snapshot.market.market_id: LastBook.of(snapshot) for snapshot in snapshots}


def _last_book(
    exchange_us: int | None, received_at: str, bids: Sequence[Sequence[int]], asks: Sequence[Sequence[int]]
) -> LastBook:
    return LastBook(exchange_us, datetime.fromisoformat(received_at), _pairs(bids), _pairs(asks))


def _pairs(levels: Sequence[Sequence[int]]) -> Pairs:
    return tuple((price, size) for price, size in levels)


def _farewell_path(root: Path, venue: str, shard: int) -> Path:
    return root / "streams" / f"{venue}-{shard}.farewell"


def _ready_path(root: Path, venue: str, shard: int) -> Path:
    return root / "streams" / f"{venue}-{shard}.ready"
