"""Polymarket: the market channel as a pure feed, and its market documents."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from msgspec import Raw

from arb_platform.domain.books import VISIBLE, BookSnapshot
from arb_platform.domain.errors import SettingsError, WireError
from arb_platform.domain.markets import POLYMARKET, Market
from arb_platform.domain.streams import FeedOutput
from arb_platform.domain.units import ONE
from arb_platform.venues.continuity import Continuity
from arb_platform.venues.exchange_clock import milliseconds
from arb_platform.venues.journal import KEPT_BYTES, Journal
from arb_platform.venues.numbers import PRICES, SIZES
from arb_platform.venues.polymarket_markets import read_market, tradable
from arb_platform.venues.polymarket_subscription import Subscription
from arb_platform.venues.polymarket_wire import (
    UNREADABLE, BestBidAsk, Book, Change, Event, LastTradePrice, MarketResolved, NewMarket, PriceChange,
    TickSizeChange, UnknownKind, book_hash, decode_frame, read_event, rest_book, salvage,
)  # fmt: skip
from arb_platform.venues.tracked import TrackedBook

__all__ = ["PolymarketFeed", "read_market", "tradable"]

LARGEST_FRAME: Final = 32 * 1024 * 1024
# Own top against stated top: one disagreement may be an order of messages, three are a lost one.
DOUBTS: Final = 3
FIRST_BOOK_SECONDS: Final = 10.0
# Changes that wait for the REST book they come on top of; a market that has more is asked anew.
_PENDING_LIMIT: Final = 2_000
_ROWS_PER_FRAME: Final = 20
_ANNOUNCED_LIMIT: Final = 10_000
_IDS: Final = re.compile(rb'"(?:market|asset_id)"\s*:\s*"([^"\\]{1,100})"')
_MIRROR: Final = "mirror"


class PolymarketFeed:
    """One shard of Polymarket's market channel; see :class:`arb_platform.venues.feed.Feed`.

    Each market has one book, that of its ``outcome``; messages about the sibling token say the
    same from the other side and are only counted. Without markets the feed follows whatever
    arrives.
    """

    def __init__(self, markets: Sequence[Market | str] = (), max_depth: int = VISIBLE) -> None:
        if max_depth < 1:
            raise SettingsError(f"max_depth must be 1 or more, not {max_depth}")
        self.venue = POLYMARKET
        self.max_depth = max_depth
        self.messages = 0
        self.unreadable_frames = 0
        self.unknown_frames = 0
        self.gaps = 0
        self.orphans = 0
        self.mirrored = 0
        self.strays = 0
        self.late = 0
        self.hashes_equal = 0
        self.hashes_different = 0
        self.kinds: Counter[str] = Counter()
        self.resolved: dict[str, str | None] = {}
        self.reconnect_reason: str | None = None
        self.last_market_frame_at: datetime | None = None
        self.good_frames = 0
        self._journal = Journal(POLYMARKET)
        self._continuity = Continuity(self._journal)
        self._subscription = Subscription()
        self._books: dict[str, TrackedBook] = {}
        # asset id -> its book, or _MIRROR for the token on the other side of one
        self._by_asset: dict[str, TrackedBook | str] = {}
        self._waiting: dict[str, TrackedBook] = {}
        self._wanted: dict[str, None] = {}
        self._announced: dict[str, None] = {}
        self._follow_all = not markets
        self._used = False
        for market in markets:
            self._add(market)

    @property
    def markets(self) -> Sequence[Market]:
        return [tracked.market for tracked in self._books.values()]

    # connection

    def connected(self, session_id: str, at: datetime) -> list[FeedOutput]:
        self._journal.session_id = session_id
        outputs = self._continuity.close(self._books.values(), at, "a new connection")
        if self._used:
            for tracked in self._books.values():
                tracked.start_connection()
        self._used = True
        self.reconnect_reason = None
        self.last_market_frame_at = None
        self.good_frames = 0
        self._wanted.clear()
        self._waiting = dict(self._books)
        for tracked in self._books.values():
            tracked.due_at = at + timedelta(seconds=FIRST_BOOK_SECONDS)
        self._subscription.connected(self._assets(self._books.values()), at)
        return outputs

    def disconnected(self, at: datetime, reason: str) -> list[FeedOutput]:
        outputs = self._continuity.close(self._books.values(), at, reason)
        for tracked in self._books.values():
            tracked.live = False
            tracked.snapshot = None
        self._waiting.clear()
        self._wanted.clear()
        self._subscription.disconnected()
        return outputs

    def follow(self, markets: Sequence[Market | str]) -> list[FeedOutput]:
        """Subscribe to these too, without reconnecting. Markets that are followed already are left alone."""
        self._follow_all = False
        added = [tracked for tracked in map(self._add, markets) if tracked is not None]
        self._subscription.add(self._assets(added))
        if self._subscription.open:
            self._waiting.update((tracked.market_id, tracked) for tracked in added)
        return []

    def unfollow(self, ids: Sequence[str]) -> list[FeedOutput]:
        """Drop these market ids and their books."""
        dropped = [tracked for tracked in (self._books.pop(one, None) for one in ids) if tracked is not None]
        self._subscription.drop(self._assets(dropped))
        for tracked in dropped:
            self._waiting.pop(tracked.market_id, None)
            for asset in (*tracked.market.asset_ids, tracked.asset):
                if asset is not None:
                    self._by_asset.pop(asset, None)
                    self._wanted.pop(asset, None)
        at = self.last_market_frame_at
        return [] if at is None else self._continuity.close(dropped, at, "the market being dropped")

    def frames_to_send(self) -> list[str]:
        return self._subscription.frames_to_send()

    def books_wanted(self) -> list[str]:
        """Drain the asset ids whose book should be fetched from ``/book``."""
        wanted = list(self._wanted)
        self._wanted.clear()
        return wanted

    def markets_announced(self) -> list[str]:
        """Condition ids that ``new_market`` told of, each once: hints for the catalogue."""
        return list(self._announced)

    def tick(self, now: datetime) -> list[FeedOutput]:
        """Keep-alives, and books that are still missing after their deadline."""
        reason = self._subscription.tick(now)
        if reason is not None and self.reconnect_reason is None:
            self.reconnect_reason = reason
        outputs: list[FeedOutput] = []
        for tracked in list(self._waiting.values()):
            self._remind(tracked, now, outputs)
        return outputs

    def snapshot_of(self, market_id: str) -> BookSnapshot | None:
        tracked = self._books.get(market_id)
        return tracked.snapshot if tracked is not None and tracked.live else None

    # frames

    def receive(self, frame: bytes | str, received_at: datetime) -> list[FeedOutput]:
        outputs: list[FeedOutput] = []
        self._used = True
        try:
            message = decode_frame(frame) if len(frame) <= LARGEST_FRAME else None
        except UNREADABLE:
            message = None
        if type(message) is PriceChange:
            self._price_change(message, frame, received_at, outputs)
        elif type(message) is list:
            self._array(message, received_at, outputs)
        elif message is None:
            self._hard_case(frame, received_at, outputs)
        else:
            self._dispatch(message, frame, received_at, outputs)
        return outputs

    def receive_book(self, book: Any, received_at: datetime) -> list[FeedOutput]:
        """Apply a decoded answer of ``/book``; one that is older than what we know is asked for again."""
        outputs: list[FeedOutput] = []
        try:
            message = rest_book(book)
            tracked = self._tracked(message.asset_id, message.market, adopt=True)
            if tracked is None or (tracked.live and tracked.from_socket):
                return outputs
            book_ms = milliseconds(message.timestamp)
            bids, asks = message.levels()
        except (*UNREADABLE, WireError) as error:
            self.unreadable_frames += 1
            return [self._journal.quarantine(str(book)[:KEPT_BYTES], received_at, f"a REST book: {error}")]
        pending = tracked.pending
        tracked.pending = []
        tracked.book.replace(bids, asks)
        if len(pending) >= _PENDING_LIMIT:
            # Some of what happened since was thrown away, so this book is too old already.
            tracked.book.clear()
            self._want(tracked)
            return outputs
        for changed_ms, side, price, size in pending:
            if book_ms is None or changed_ms is None or changed_ms >= book_ms:
                tracked.book.set("bid" if side == "BUY" else "ask", price, size)
        tracked.from_socket = bool(pending) or self._subscription.open
        self._rebuilt(tracked, message, book_ms, received_at, outputs)
        return outputs

    def _array(self, elements: list[Raw], received_at: datetime, outputs: list[FeedOutput]) -> None:
        rows = 0
        for raw in elements:
            found: list[FeedOutput] = []
            element = bytes(raw)
            try:
                self._dispatch(read_event(element), element, received_at, found)
            except WireError as error:
                self._unreadable(element, received_at, error, found)
                rows += 1
                if rows > _ROWS_PER_FRAME:
                    found = [output for output in found if type(output) is BookSnapshot]
            outputs += found

    def _hard_case(self, frame: bytes | str, received_at: datetime, outputs: list[FeedOutput]) -> None:
        """What is not an event or an array of events: keep-alives, single bad changes, and the rest."""
        if len(frame) > LARGEST_FRAME:
            error: WireError = WireError(f"a frame of {len(frame)} bytes; more than {LARGEST_FRAME} are not read")
            self._unreadable(frame, received_at, error, outputs)
            return
        text = frame.strip() if len(frame) < 16 else frame
        if text in ("PONG", b"PONG"):
            self._subscription.pong()
            return
        if text in ("PING", b"PING"):
            self._subscription.pinged()
            return
        try:
            self._dispatch(read_event(frame), frame, received_at, outputs)
        except WireError as error:
            self._unreadable(frame, received_at, error, outputs)
