"""Sampled REST books against ours, level by level: what the socket lost below the top no message tells.

Nothing numbers Polymarket's messages, and the best bid and ask they state say nothing of the other
levels or of sizes. So every book is asked for over REST about once a minute. The answer and the socket
are never of the same moment, which the rules here allow for: a level that the socket changed after the
answer's time proves nothing, and neither does one answer alone, whose changes may be on their way.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from arb_platform.domain.streams import FeedOutput
from arb_platform.venues.continuity import FIRST_BOOK, Continuity
from arb_platform.venues.polymarket_books import PolymarketBooks
from arb_platform.venues.tracked import Suspect, TrackedBook

# One request per socket and round, for a quarter of its books: 50 sockets ask 3.3 times a second.
ROUND: Final = timedelta(seconds=15)
ROUNDS: Final = 4
# From an answer that differs to the next one that has to confirm it.
AGAIN: Final = timedelta(seconds=3)

Levels = Iterable[tuple[int, int]]


class BookWitness:
    """Chooses the books to ask for, and judges the answers for books that are live."""

    def __init__(self, books: PolymarketBooks, continuity: Continuity) -> None:
        self.agreed = 0
        self.contradicted = 0
        self._books = books
        self._continuity = continuity
        self._round_at: datetime | None = None
        self._rounds = 0
        # market id -> when to ask again
        self._again: dict[str, datetime] = {}

    def connected(self, at: datetime) -> None:
        self._round_at = at + ROUND
        self._again.clear()

    def disconnected(self) -> None:
        self._round_at = None

    def ask(self, now: datetime) -> None:
        """Put the books whose turn it is among those wanted; called with every tick."""
        if self._round_at is None:
            return
        due = [market_id for market_id, at in self._again.items() if now >= at]
        for market_id in due:
            del self._again[market_id]
            self._ask_for(self._books.get(market_id), now)
        if now < self._round_at:
            return
        self._round_at = now + ROUND
        self._rounds = (self._rounds + 1) % ROUNDS
        for tracked in list(self._books)[self._rounds :: ROUNDS]:
            self._ask_for(tracked, now)

    def hear(
        self,
        tracked: TrackedBook,
        book_ms: int,
        levels: tuple[Levels, Levels],
        *,
        heard_at: datetime | None,
        received_at: datetime,
        outputs: list[FeedOutput],
    ) -> None:
        """Compare a REST book made at venue time ``book_ms`` with a live book of ours.

        ``heard_at`` is when the socket last told anything.
        """
        if book_ms <= tracked.whole_ms:
            # Older than the whole book that the socket brought: it can say nothing about that.
            return
        differing = _differing(tracked, book_ms, *levels)
        if not differing:
            self._agree(tracked, book_ms)
            return
        standing = [key for key, suspect in differing.items() if tracked.suspects.get(key) == suspect]
        if standing and not self._lags(tracked, heard_at):
            self._contradict(tracked, standing, received_at, outputs)
            return
        if not standing:
            tracked.suspects = differing
            tracked.suspected_at, tracked.suspected_ms = received_at, book_ms
        self._again[tracked.market_id] = received_at + AGAIN

    def _ask_for(self, tracked: TrackedBook | None, now: datetime) -> None:
        if tracked is None or not tracked.live or tracked.book_id is None:
            return
        if not tracked.asked:
            # Until the first of several questions is answered, the answer may be to that one.
            tracked.asked_at = now
        self._continuity.wanted[tracked.book_id] = None

    def _agree(self, tracked: TrackedBook, book_ms: int) -> None:
        """Whatever was lost before we asked, or before the answer was made, would be in it."""
        self.agreed += 1
        tracked.suspects = {}
        made_at = self._continuity.clock.time(book_ms)
        if tracked.asked_at is None or made_at is None:
            return
        agreed_at = min(tracked.asked_at, made_at)
        if tracked.agreed_at is None or agreed_at > tracked.agreed_at:
            tracked.agreed_at = agreed_at

    def _lags(self, tracked: TrackedBook, heard_at: datetime | None) -> bool:
        """True while the socket talks and has not come to the time of the answer that differed first."""
        if heard_at is None or tracked.suspected_at is None or heard_at <= tracked.suspected_at:
            return False
        newest = max(max(other.delta_ms, other.whole_ms) for other in self._books)
        return newest < tracked.suspected_ms

    def _contradict(
        self, tracked: TrackedBook, keys: list[int], received_at: datetime, outputs: list[FeedOutput]
    ) -> None:
        self.contradicted += 1
        some = ", ".join(f"bid {key}" if key >= 0 else f"ask {~key}" for key in sorted(keys)[:3])
        detail = (
            f"two REST books contradict ours in {len(keys)} levels of which the socket told nothing: {some}"
        )
        since = tracked.agreed_at or received_at
        self._continuity.gap(tracked, since, received_at, detail=detail, outputs=outputs)
        self._continuity.breaks(tracked, received_at, FIRST_BOOK, detail=detail, outputs=outputs)


def _differing(tracked: TrackedBook, book_ms: int, bids: Levels, asks: Levels) -> dict[int, Suspect]:
    """Levels where a REST book is not ours, except those that the socket changed at its time or later."""
    theirs = {price: size for price, size in bids if size > 0}
    theirs.update({~price: size for price, size in asks if size > 0})
    ours = dict(tracked.bids.levels())
    ours.update({~price: size for price, size in tracked.asks.levels()})
    if ours == theirs:
        return {}
    written_ms = tracked.written_ms
    return {
        key: (theirs.get(key, 0), ours.get(key, 0), written_ms.get(key, 0))
        for key in ours.keys() | theirs.keys()
        if ours.get(key) != theirs.get(key) and written_ms.get(key, 0) < book_ms
    }
