"""What a connection can vouch for: epochs, rebuilding, what is shown, and the events that say so."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.streams import FeedOutput
from arb_platform.venues.exchange_clock import ExchangeClock
from arb_platform.venues.journal import Journal
from arb_platform.venues.tracked import TrackedBook


class Continuity:
    """Moves tracked books from epoch to epoch and turns what changed into outputs.

    A ``gap`` says that data is missing, a ``resync`` lasts while one book is being rebuilt; its
    ``epoch`` is the one that was broken.
    """

    __slots__ = ("clock", "journal")

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.clock = ExchangeClock(journal)

    def show(
        self, tracked: TrackedBook, received_at: datetime, exchange_ms: int | None, outputs: list[FeedOutput]
    ) -> None:
        """Append a snapshot if the visible levels changed since the last one, or if the epoch is new."""
        bids, asks = tracked.bids.top(), tracked.asks.top()
        if bids is tracked.shown_bids and asks is tracked.shown_asks:
            return
        tracked.shown_bids, tracked.shown_asks = bids, asks
        crossed = bool(bids and asks and bids[0][0] >= asks[0][0])
        tracked.sequence = sequence = tracked.sequence + 1
        exchange_time = self.clock.time(exchange_ms, received_at)
        snapshot: Any = tuple.__new__(
            BookSnapshot,
            (
                tracked.market, bids, asks, exchange_time, received_at, sequence, tracked.epoch, crossed,
                self.journal.session_id,
            ),
        )  # fmt: skip
        tracked.snapshot = snapshot
        outputs.append(snapshot)
        if crossed is not (tracked.crossing is not None):
            self._cross(tracked, received_at, outputs)

    def rebuilt(self, tracked: TrackedBook, at: datetime, outputs: list[FeedOutput]) -> None:
        """The book was just replaced by a whole one: it can be vouched for again."""
        tracked.live = True
        tracked.due_at = None
        tracked.tries = 0
        tracked.doubts, tracked.doubted_at = 0, None
        for name in ("rebuilding", "silence"):
            event = getattr(tracked, name)
            if event is not None:
                outputs.append(replace(event, ended_at=at))
                setattr(tracked, name, None)

    def breaks(self, tracked: TrackedBook, at: datetime, detail: str, outputs: list[FeedOutput]) -> None:
        """The book cannot be vouched for any more: a new epoch begins, empty until a whole book comes."""
        if tracked.crossing is not None:
            outputs.append(replace(tracked.crossing, ended_at=at))
            tracked.crossing = None
        # A book that was broken while it was being rebuilt stays one event.
        if tracked.rebuilding is None:
            tracked.rebuilding = self.journal.event(
                "resync", at, market_id=tracked.market_id, epoch=tracked.epoch, detail=detail
            )
            outputs.append(tracked.rebuilding)
        tracked.start_epoch()

    def missing(self, tracked: TrackedBook, since: datetime, detail: str, outputs: list[FeedOutput]) -> None:
        """No first book came in time."""
        if tracked.silence is None and tracked.rebuilding is None:
            tracked.silence = self.journal.event(
                "silence", since, market_id=tracked.market_id, epoch=tracked.epoch, detail=detail
            )
            outputs.append(tracked.silence)

    def close(self, books: Iterable[TrackedBook], at: datetime, reason: str) -> list[FeedOutput]:
        """End every open event of these books: the connection that it was about is gone."""
        outputs: list[FeedOutput] = list(self.clock.end(at))
        for tracked in books:
            for name in ("crossing", "rebuilding", "silence"):
                event = getattr(tracked, name)
                if event is not None:
                    detail = f"{event.detail}; ended with {reason}" if event.detail else f"ended with {reason}"
                    outputs.append(replace(event, ended_at=at, detail=detail))
                    setattr(tracked, name, None)
        return outputs

    def _cross(self, tracked: TrackedBook, at: datetime, outputs: list[FeedOutput]) -> None:
        if tracked.crossing is not None:
            outputs.append(replace(tracked.crossing, ended_at=at))
            tracked.crossing = None
            return
        bid, ask = tracked.book.best_bid, tracked.book.best_ask
        tracked.crossing = self.journal.event(
            "crossed",
            at,
            market_id=tracked.market_id,
            epoch=tracked.epoch,
            detail=f"best bid {bid} and best ask {ask} millionths",
        )
        outputs.append(tracked.crossing)
