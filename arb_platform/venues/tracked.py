"""One followed market: its book, its epoch, and what was last shown of it."""

from datetime import datetime

from arb_platform.domain.books import BookSnapshot, OrderBook, Pairs
from arb_platform.domain.markets import Market
from arb_platform.domain.streams import StreamEvent

# A level that a REST book contradicts: the size there, ours, and the venue time at which ours was told.
Suspect = tuple[int, int, int]


class TrackedBook:
    """The state of one book; :class:`arb_platform.venues.continuity.Continuity` moves it on.

    ``live`` is True while the book can be vouched for. ``book_id`` is what the venue calls the
    book: a ticker, or the token id of the market's outcome, None while nobody told; ``mirror_id`` is
    the token of the other outcome.
    """

    __slots__ = (
        "agreed_at", "asked", "asked_at", "asks", "base_ms", "bids", "book", "book_id", "connected_before", "crossing", "delta_ms", "doubted_at", "doubts", "due_at",
        "epoch", "hash_proved", "live", "market", "market_id", "mirror_id", "pending", "rebuilding", "sequence", "shown_asks",
        "shown_bids", "sid", "silence", "snapshot", "spoiled", "suspected_at", "suspected_ms", "suspects",
        "tries", "whole_ms", "written_ms",
    )  # fmt: skip

    def __init__(self, market: Market, depth: int) -> None:
        self.market = market
        self.market_id = market.market_id
        self.book = OrderBook(depth)
        self.bids = self.book.bid_side
        self.asks = self.book.ask_side
        self.book_id: str | None = None
        self.mirror_id: str | None = None
        self.connected_before = False
        self.epoch = 1
        self.live = False
        self.sequence = 0
        self.snapshot: BookSnapshot | None = None
        self.shown_bids: Pairs | None = None
        self.shown_asks: Pairs | None = None
        # open events
        self.crossing: StreamEvent | None = None
        self.rebuilding: StreamEvent | None = None
        self.silence: StreamEvent | None = None
        # when a book that is still missing is asked for again, and how often it was
        self.due_at: datetime | None = None
        self.tries = 0
        # Polymarket
        self.doubts = 0
        self.doubted_at: datetime | None = None
        self.hash_proved = False
        # Venue times: of the REST book this one began with, of the last change, and of the last
        # change of each level, by price for bids and by ~price for asks.
        self.base_ms = 0
        self.delta_ms = 0
        self.written_ms: dict[int, int] = {}
        self.pending: list[tuple[int, int, int]] = []
        # A REST book was asked for, and something happened that its answer may not hold yet.
        self.asked = False
        self.spoiled = False
        # When this book was last known to be the venue's: a whole one came, or a REST book agreed.
        self.agreed_at: datetime | None = None
        # Venue time of the last whole book of the socket, 0 if it told none.
        self.whole_ms = 0
        # When the oldest REST book was asked for that has not come; and, by key, the levels at which
        # one that came differs, with our time and the venue's of that answer.
        self.asked_at: datetime | None = None
        self.suspects: dict[int, Suspect] = {}
        self.suspected_at: datetime | None = None
        self.suspected_ms = 0
        # Kalshi
        self.sid: int | None = None

    def start_epoch(self) -> None:
        """Forget the book; nothing that comes may be applied to what was there before."""
        self.epoch += 1
        self._forget()

    def start_connection(self) -> None:
        """A new epoch, unless this one was never used, with snapshots counted from one again."""
        if self.connected_before or self.sequence:
            self.start_epoch()
        self.connected_before = True
        self.sequence = 0
        self.sid = None
        self.tries = 0
        self.hash_proved = False
        self.asked = self.spoiled = False

    def _forget(self) -> None:
        self.book.clear()
        self.live = False
        self.snapshot = self.shown_bids = self.shown_asks = None
        self.doubts, self.doubted_at = 0, None
        self.begin(0)
        self.pending.clear()

    def show_again(self) -> None:
        """The next look shows the book even if nothing visible changed: what was shown is not vouched for."""
        self.shown_bids = self.shown_asks = None

    def spoil(self) -> None:
        """Something was missed: a REST book that is under way may be from before it."""
        self.spoiled = self.spoiled or self.asked

    def begin(self, base_ms: int) -> None:
        """The book was replaced: no change of a level is known since."""
        self.base_ms = self.delta_ms = base_ms
        self.whole_ms = 0
        self.written_ms.clear()
        self.suspects = {}

    def write(self, changed_ms: int, key: int, size: int) -> None:
        """Make ``size`` the size at ``key``, a price for a bid, ~price for an ask, unless something newer is there."""
        if changed_ms < self.written_ms.get(key, self.base_ms):
            return
        self.written_ms[key] = changed_ms
        self.delta_ms = max(self.delta_ms, changed_ms)
        if key >= 0:
            self.bids.set(key, size)
        else:
            self.asks.set(~key, size)
