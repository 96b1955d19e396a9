"""What a connection can vouch for: epochs, rebuilding, what is shown, and the events that say so."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from arb_platform.domain.books import BookSnapshot, Pairs
from arb_platform.domain.streams import EventKind, FeedOutput, StreamEvent
from arb_platform.venues.exchange_clock import ExchangeClock
from arb_platform.venues.journal import Journal
from arb_platform.venues.tracked import TrackedBook

FIRST_BOOK: Final = timedelta(seconds=10)
NOT_FOLLOWED: Final = "the market, which is not followed any more"
_LONGEST_WAIT: Final = timedelta(minutes=5)
_MOST_DOUBLINGS: Final = 5
_new: Final[Callable[..., BookSnapshot]] = tuple.__new__


class Continuity:
    """Moves tracked books from epoch to epoch and turns what changed into outputs.

    A ``gap`` says that data is missing, a ``resync`` lasts while one book is being rebuilt, and a
    ``silence`` while a first book does not come; their ``epoch`` is the one that was broken.
    ``wanted`` holds the ids of books that should be asked for.
    """

    __slots__ = ("clock", "gaps", "journal", "waiting", "wanted")

    def __init__(self, venue: str) -> None:
        self.journal = Journal(venue)
        self.clock = ExchangeClock(self.journal)
        self.gaps = 0
        self.waiting: dict[str, TrackedBook] = {}
        self.wanted: dict[str, None] = {}

    # the connection

    def connected(self, session_id: str, books: Collection[TrackedBook], at: datetime) -> list[FeedOutput]:
        """Every book waits for its first whole one, in a new epoch unless it was never used."""
        outputs = self.disconnected(books, at, "a new connection")
        self.journal.session_id = session_id
        for tracked in books:
            tracked.start_connection()
            self.expect(tracked, at, FIRST_BOOK)
        return outputs

    def disconnected(self, books: Iterable[TrackedBook], at: datetime, reason: str) -> list[FeedOutput]:
        """Nothing is vouched for any more, and everything that went on ends."""
        outputs: list[FeedOutput] = []
        self.clock.end(at, outputs)
        for tracked in books:
            tracked.live = False
            self.release(tracked, at, reason, outputs)
        self.waiting.clear()
        self.wanted.clear()
        return outputs

    def release(self, tracked: TrackedBook, at: datetime, reason: str, outputs: list[FeedOutput]) -> None:
        """End the open events of a book that is given up, and wait for it no longer."""
        going_on = filter(None, (tracked.crossing, tracked.rebuilding, tracked.silence))
        outputs += [
            replace(event, ended_at=at, detail=f"{event.detail}; ended with {reason}") for event in going_on
        ]
        tracked.crossing = tracked.rebuilding = tracked.silence = None
        self.forget(tracked)

    # books that are missing

    def expect(self, tracked: TrackedBook, at: datetime, within: timedelta) -> None:
        """Wait for a whole book until a deadline."""
        tracked.due_at = at + within
        self.waiting[tracked.market_id] = tracked

    def want(self, tracked: TrackedBook, book_id: str | None = None) -> None:
        """Ask for a book; one whose id nobody told cannot be asked for."""
        tracked.tries += 1
        wanted = tracked.book_id or book_id
        if wanted is not None:
            self.wanted[wanted] = None

    def forget(self, tracked: TrackedBook) -> None:
        """Neither wait for this book nor ask for it."""
        self.waiting.pop(tracked.market_id, None)
        if tracked.book_id is not None:
            self.wanted.pop(tracked.book_id, None)

    def drain_wanted(self) -> list[str]:
        wanted = list(self.wanted)
        self.wanted.clear()
        return wanted

    def overdue(self, now: datetime, outputs: list[FeedOutput]) -> list[TrackedBook]:
        """Books whose deadline has passed: told of, asked for again, and given a longer deadline."""
        late = [
            tracked for tracked in self.waiting.values() if tracked.due_at is None or now >= tracked.due_at
        ]
        for tracked in late:
            if tracked.due_at is None:
                # Added to a connection whose time we did not know until now.
                self.expect(tracked, now, FIRST_BOOK)
                continue
            if tracked.silence is None and tracked.rebuilding is None:
                self.silent(tracked, tracked.due_at - FIRST_BOOK, "no book came after subscribing", outputs)
            self.want(tracked)
            wait = min(FIRST_BOOK * 2 ** min(tracked.tries - 1, _MOST_DOUBLINGS), _LONGEST_WAIT)
            self.expect(tracked, now, wait)
        return [tracked for tracked in late if tracked.tries]

    def silent(self, tracked: TrackedBook, since: datetime, detail: str, outputs: list[FeedOutput]) -> None:
        """Begin the ``silence`` of a book that never came."""
        tracked.silence = self._about(tracked, "silence", since, detail)
        outputs.append(tracked.silence)

    # books that break and heal

    def gap(
        self, tracked: TrackedBook, since: datetime, at: datetime, *, detail: str, outputs: list[FeedOutput]
    ) -> None:
        """What happened between these two moments is missing from this book."""
        self.gaps += 1
        outputs.append(replace(self._about(tracked, "gap", since, detail), ended_at=at))

    def contradicted(
        self, tracked: TrackedBook, levels: Collection[str], received_at: datetime, outputs: list[FeedOutput]
    ) -> None:
        """A whole book shows that changes of these levels were missed, at some time since it last agreed."""
        since = tracked.agreed_at or received_at
        some = ", ".join(sorted(levels)[:3])
        detail = f"a whole book contradicts ours in {len(levels)} levels below its best: {some}"
        self.gap(tracked, since, received_at, detail=detail, outputs=outputs)
        tracked.show_again()

    def came_late(
        self, tracked: TrackedBook, since: datetime, received_at: datetime, outputs: list[FeedOutput]
    ) -> None:
        """What was shown since the moment of a change, and without it, is not vouched for."""
        detail = "a change of a visible level came after newer ones"
        shown_at = since if tracked.snapshot is None else tracked.snapshot.received_at
        event = self._about(tracked, "resync", min(since, shown_at), detail)
        outputs.append(replace(event, ended_at=received_at))

    def believe(self, tracked: TrackedBook, at: datetime, outputs: list[FeedOutput]) -> None:
        """A doubt was not confirmed; what was shown meanwhile is not vouched for all the same."""
        detail = f"{tracked.doubts} messages stated another top than ours, then it agreed again"
        since = tracked.doubted_at or at
        outputs.append(replace(self._about(tracked, "resync", since, detail), ended_at=at))
        tracked.doubts, tracked.doubted_at = 0, None
        tracked.show_again()

    def breaks(
        self, tracked: TrackedBook, at: datetime, within: timedelta, *, detail: str, outputs: list[FeedOutput]
    ) -> None:
        """A new epoch begins, empty until a whole book comes, which is asked for and due ``within``."""
        if tracked.crossing is not None:
            outputs.append(replace(tracked.crossing, ended_at=at))
            tracked.crossing = None
        if tracked.rebuilding is None:
            tracked.rebuilding = self._about(tracked, "resync", at, detail)
            outputs.append(tracked.rebuilding)
        tracked.start_epoch()
        tracked.spoil()
        self.expect(tracked, at, within)
        self.want(tracked)

    def rebuilt(
        self, tracked: TrackedBook, exchange_ms: int | None, received_at: datetime, outputs: list[FeedOutput]
    ) -> None:
        """The book was just replaced by a whole one: it can be vouched for, and is shown if that is news."""
        if tracked.doubts:
            self.believe(tracked, received_at, outputs)
        bids, asks = tracked.bids.top, tracked.asks.top
        if bids != tracked.shown_bids or asks != tracked.shown_asks:
            self.show(tracked, bids, asks, exchange_ms, received_at, outputs)
        tracked.agreed_at = received_at
        if tracked.live:
            return
        tracked.live = True
        tracked.due_at = None
        tracked.tries = 0
        self.forget(tracked)
        going_on = filter(None, (tracked.rebuilding, tracked.silence))
        outputs += [replace(event, ended_at=received_at) for event in going_on]
        tracked.rebuilding = tracked.silence = None

    # what is shown

    def show(  # noqa: PLR0917 called for every snapshot
        self,
        tracked: TrackedBook,
        bids: Pairs,
        asks: Pairs,
        exchange_ms: int | None,
        received_at: datetime,
        outputs: list[FeedOutput],
    ) -> None:
        """Append a snapshot of this visible top; called when it is not the one last shown."""
        tracked.shown_bids, tracked.shown_asks = bids, asks
        crossed = bids[0][0] >= asks[0][0] if bids and asks else False
        tracked.sequence = sequence = tracked.sequence + 1
        exchange_us = None if exchange_ms is None else exchange_ms * 1_000
        # Calling the class costs five times as much; these are its fields, in their order.
        tracked.snapshot = snapshot = _new(
            BookSnapshot,
            (
                tracked.market,
                bids,
                asks,
                exchange_us,
                received_at,
                sequence,
                tracked.epoch,
                crossed,
                self.journal.session_id,
            ),
        )
        outputs.append(snapshot)
        if crossed is not (tracked.crossing is not None):
            self._cross(tracked, received_at, outputs)

    def judge(self, exchange_ms: int | None, received_at: datetime, outputs: list[FeedOutput]) -> int | None:
        """The timestamp if it can be believed, else None; tells when clocks disagree."""
        if exchange_ms is None or not self.clock.judge(exchange_ms, received_at, outputs):
            return None
        return exchange_ms

    def _cross(self, tracked: TrackedBook, at: datetime, outputs: list[FeedOutput]) -> None:
        """One ``crossed`` event from the first crossed snapshot to the first that is not."""
        if tracked.crossing is not None:
            outputs.append(replace(tracked.crossing, ended_at=at))
            tracked.crossing = None
            return
        detail = f"best bid {tracked.book.best_bid} and best ask {tracked.book.best_ask} millionths"
        tracked.crossing = self._about(tracked, "crossed", at, detail)
        outputs.append(tracked.crossing)

    def _about(self, tracked: TrackedBook, kind: EventKind, since: datetime, detail: str) -> StreamEvent:
        return self.journal.event(
            kind, since, market_id=tracked.market_id, epoch=tracked.epoch, detail=detail
        )
