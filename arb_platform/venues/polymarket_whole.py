"""Polymarket's whole books, from the socket and over REST: what replaces a book, and what is only held against it."""

from datetime import datetime

from arb_platform.domain.books import ASK, BID
from arb_platform.domain.errors import WireError
from arb_platform.domain.streams import FeedOutput
from arb_platform.venues.continuity import Continuity
from arb_platform.venues.polymarket_books import PolymarketBooks, unexplained
from arb_platform.venues.polymarket_changes import PENDING_LIMIT
from arb_platform.venues.polymarket_wire import Book, Levels, book_hash
from arb_platform.venues.polymarket_witness import BookWitness
from arb_platform.venues.tracked import TrackedBook


class WholeBooks:
    """Applies whole books; ``hashes_equal`` and ``hashes_different`` count those whose hash could be computed."""

    def __init__(self, books: PolymarketBooks, continuity: Continuity, witness: BookWitness) -> None:
        self.hashes_equal = 0
        self.hashes_different = 0
        self._books = books
        self._continuity = continuity
        self._witness = witness

    def of_socket(
        self, message: Book, exchange_ms: int | None, received_at: datetime, outputs: list[FeedOutput]
    ) -> None:
        """Replace the book. Raises WireError for one that cannot be believed."""
        tracked = self._books.of(message.asset_id, message.market, adopt=True)
        if tracked is None:
            return
        try:
            bids, asks = message.levels()
        except ValueError as error:
            raise WireError(str(error)) from None
        proved = tracked.hash_proved
        if not self._check_hash(tracked, message) and proved:
            # The same inputs gave the venue's hash before, so this book is not what was sent.
            raise WireError(f"the book's hash is not {message.hash[:40]}")
        if tracked.live:
            wrong = unexplained(BID, tracked.bids, bids) | unexplained(ASK, tracked.asks, asks)
            if wrong:
                self._continuity.contradicted(tracked, wrong, received_at, outputs)
        tracked.book.replace(bids, asks)
        tracked.begin(0)
        tracked.whole_ms = exchange_ms or 0
        tracked.pending.clear()
        self._continuity.rebuilt(tracked, exchange_ms, received_at, outputs)

    def of_rest(
        self,
        message: Book,
        levels: tuple[Levels, Levels],
        book_ms: int,
        *,
        heard_at: datetime | None,
        received_at: datetime,
        outputs: list[FeedOutput],
    ) -> None:
        """Begin a book that is missing, or hold this one, made at venue time ``book_ms``, against a live one.

        ``heard_at`` is when the socket last told anything on this connection, None if it never did.
        """
        tracked = self._books.of(message.asset_id, message.market, adopt=True)
        if tracked is None:
            return
        if tracked.live and heard_at is not None:
            # A book that the socket keeps up to date is never replaced by an answer over REST.
            tracked.asked = tracked.spoiled = False
            self._check_hash(tracked, message)
            self._witness.hear(
                tracked, book_ms, levels, heard_at=heard_at, received_at=received_at, outputs=outputs
            )
        elif not tracked.live or book_ms >= tracked.base_ms:
            self._begin(tracked, message, levels, book_ms, received_at=received_at, outputs=outputs)

    def _begin(
        self,
        tracked: TrackedBook,
        message: Book,
        levels: tuple[Levels, Levels],
        book_ms: int,
        *,
        received_at: datetime,
        outputs: list[FeedOutput],
    ) -> None:
        """Take this book, and on top of it what the socket told since it was made."""
        pending, spoiled = tracked.pending, tracked.spoiled
        tracked.asked = tracked.spoiled = False
        if spoiled or len(pending) >= PENDING_LIMIT:
            # Made before something that we missed, or so long ago that not all was kept that came since.
            tracked.pending = tracked.pending if spoiled else []
            self._continuity.want(tracked)
            return
        tracked.pending = []
        tracked.book.replace(*levels)
        tracked.begin(book_ms)
        for change in pending:
            tracked.write(*change)
        self._check_hash(tracked, message)
        self._continuity.rebuilt(tracked, book_ms or None, received_at, outputs)

    def _check_hash(self, tracked: TrackedBook, message: Book) -> bool:
        """False if the book's hash could be computed and is another one; advice, because inputs may be stale."""
        size = tracked.market.min_order_size
        computed = book_hash(
            message,
            min_order_size=None if size is None else format(size.normalize(), "f"),
            neg_risk=tracked.market.mutually_exclusive,
        )
        if computed is None or not message.hash:
            return True
        if computed == message.hash:
            self.hashes_equal += 1
            # A book over REST brings all inputs itself and says nothing about the ones we know.
            tracked.hash_proved = tracked.hash_proved or message.min_order_size is None
            return True
        self.hashes_different += 1
        return False
