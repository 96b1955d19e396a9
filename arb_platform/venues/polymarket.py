"""Polymarket: the market channel as a pure feed, and its market documents.

Source of the rules: docs.polymarket.com (market channel), the official client's source, and dated
observations of users of the venue; see the comments beside them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from msgspec import Raw

from arb_platform.domain.books import VISIBLE, BookSnapshot
from arb_platform.domain.errors import WireError
from arb_platform.domain.markets import POLYMARKET, Market
from arb_platform.domain.streams import FeedOutput
from arb_platform.venues.continuity import FIRST_BOOK, NOT_FOLLOWED, Continuity
from arb_platform.venues.exchange_clock import milliseconds
from arb_platform.venues.journal import KEPT_BYTES, LARGEST_FRAME
from arb_platform.venues.polymarket_books import PolymarketBooks
from arb_platform.venues.polymarket_changes import PriceChanges
from arb_platform.venues.polymarket_markets import read_market, tradable
from arb_platform.venues.polymarket_subscription import Subscription
from arb_platform.venues.polymarket_whole import WholeBooks
from arb_platform.venues.polymarket_wire import (
    PRICE_CHANGE,
    UNREADABLE,
    Book,
    Event,
    MarketResolved,
    NewMarket,
    PriceChange,
    TickSizeChange,
    UnknownKind,
    decode_changes,
    decode_frame,
    read_event,
    rest_book,
    salvage,
)  # fmt: skip
from arb_platform.venues.polymarket_witness import BookWitness

__all__ = ["PolymarketFeed", "read_market", "tradable"]

_ROWS_PER_FRAME: Final = 20
_REMEMBERED: Final = 10_000
_LONGEST_WORD: Final = 16


class PolymarketFeed:
    """One shard of Polymarket's market channel; see :class:`arb_platform.venues.feed.Feed`.

    Each market has one book, that of its ``outcome``; messages about the sibling token say the
    same from the other side and are only counted. Without markets the feed follows whatever
    arrives.
    """

    def __init__(self, markets: Sequence[Market | str] = (), max_depth: int = VISIBLE) -> None:
        self.venue = POLYMARKET
        self.max_depth = max_depth
        self.messages = 0
        self.unreadable_frames = 0
        self.unknown_frames = 0
        self.kinds: Counter[str] = Counter()
        # condition id -> winning outcome, of markets that the venue said are resolved
        self.resolved: dict[str, str | None] = {}
        self.last_market_frame_at: datetime | None = None
        self.good_frames = 0
        self._continuity = Continuity(POLYMARKET)
        self._books = PolymarketBooks(max_depth, follow_all=not markets)
        self._changes = PriceChanges(self._books, self._continuity)
        self._witness = BookWitness(self._books, self._continuity)
        self._whole = WholeBooks(self._books, self._continuity, self._witness)
        self._subscription = Subscription()
        self._reconnect_reason: str | None = None
        self._announced: dict[str, None] = {}
        for market in markets:
            self._books.add(market)

    @property
    def markets(self) -> Sequence[Market]:
        return [tracked.market for tracked in self._books]

    @property
    def reconnect_reason(self) -> str | None:
        return self._reconnect_reason

    @property
    def gaps(self) -> int:
        return self._continuity.gaps

    @property
    def orphans(self) -> int:
        """Changes that came without a book."""
        return self._changes.orphans

    @property
    def late(self) -> int:
        """Changes that came after newer ones of the same book."""
        return self._changes.late

    @property
    def hashes_equal(self) -> int:
        """Whole books whose hash we computed as well."""
        return self._whole.hashes_equal

    @property
    def hashes_different(self) -> int:
        """Whole books whose hash came out different."""
        return self._whole.hashes_different

    @property
    def contradicted(self) -> int:
        """How often REST books showed that changes were missed."""
        return self._witness.contradicted

    @property
    def mirrored(self) -> int:
        """Messages about the other token of a followed market."""
        return self._books.mirrored + self._changes.mirrored

    @property
    def strays(self) -> int:
        """Messages about markets that are not followed."""
        return self._books.strays

    # the connection

    def connected(self, session_id: str, at: datetime) -> list[FeedOutput]:
        self._reconnect_reason = None
        self.last_market_frame_at = None
        self.good_frames = 0
        self._subscription.connected(self._books.assets(), at)
        self._witness.connected(at)
        return self._continuity.connected(session_id, self._books, at)

    def disconnected(self, at: datetime, reason: str) -> list[FeedOutput]:
        self._subscription.disconnected()
        self._witness.disconnected()
        return self._continuity.disconnected(self._books, at, reason)

    def follow(self, markets: Iterable[Market | str]) -> None:
        """Subscribe to these too, without reconnecting; markets that are followed already are left alone."""
        added = [tracked for tracked in map(self._books.add, markets) if tracked is not None]
        self._subscription.add(self._books.assets(added))
        if self._subscription.open:
            # Their deadline is set by the next tick, which knows the time.
            self._continuity.waiting.update((tracked.market_id, tracked) for tracked in added)

    def unfollow(self, market_ids: Iterable[str], at: datetime) -> list[FeedOutput]:
        """Drop these markets and their books; what was open about them ends."""
        outputs: list[FeedOutput] = []
        dropped = [tracked for tracked in map(self._books.drop, market_ids) if tracked is not None]
        self._subscription.drop(self._books.assets(dropped))
        for tracked in dropped:
            self._continuity.release(tracked, at, NOT_FOLLOWED, outputs)
        return outputs

    @property
    def wants_something(self) -> bool:
        return bool(self._subscription.outgoing or self._continuity.wanted or self._reconnect_reason)

    def frames_to_send(self) -> list[str]:
        return self._subscription.frames_to_send()

    def books_wanted(self) -> list[str]:
        """Drain the token ids whose book should be fetched from ``/book``."""
        wanted = self._continuity.drain_wanted()
        for asset in wanted:
            tracked = self._books.by_asset.get(asset)
            if tracked is not None:
                tracked.asked = True
        return wanted

    def markets_announced(self) -> list[str]:
        """Drain the condition ids that ``new_market`` told of: hints for the catalogue."""
        announced = list(self._announced)
        self._announced.clear()
        return announced

    def tick(self, now: datetime) -> list[FeedOutput]:
        """Keep-alives, and the books that are still missing after their deadline."""
        self._reconnect_reason = self._reconnect_reason or self._subscription.tick(now)
        outputs: list[FeedOutput] = []
        self._continuity.overdue(now, outputs)
        self._witness.ask(now)
        return outputs

    def snapshot_of(self, market_id: str) -> BookSnapshot | None:
        tracked = self._books.get(market_id)
        return tracked.snapshot if tracked is not None and tracked.live else None

    # what comes in

    def receive(self, frame: bytes | str, received_at: datetime) -> list[FeedOutput]:
        outputs: list[FeedOutput] = []
        try:
            message = decode_changes(frame) if len(frame) <= LARGEST_FRAME else None
        except UNREADABLE:
            message = None
        try:
            if message is None or message.price_changes is None or message.event_type != PRICE_CHANGE:
                self._receive_other(frame, received_at, outputs)
            else:
                self.messages += 1
                self.good_frames += 1
                self.last_market_frame_at = received_at
                self._changes.apply(message, received_at, outputs)
        except WireError as error:
            self._unread(frame, received_at, error, outputs)
        return outputs

    def receive_book(self, book: Any, received_at: datetime) -> list[FeedOutput]:
        """Apply a decoded answer of ``/book``, and on top of it what the socket told since it was made."""
        outputs: list[FeedOutput] = []
        try:
            message = rest_book(book)
            stamp = milliseconds(message.timestamp)
            bids, asks = message.levels()
        except (*UNREADABLE, WireError) as error:
            self.unreadable_frames += 1
            frame = repr(book)[:KEPT_BYTES]
            return [self._continuity.journal.quarantine(frame, received_at, f"a REST book: {error}")]
        book_ms = self._continuity.judge(stamp, received_at, outputs) or 0
        self._whole.of_rest(
            message, (bids, asks), book_ms,
            heard_at=self.last_market_frame_at, received_at=received_at, outputs=outputs,
        )  # fmt: skip
        return outputs

    def _receive_other(self, frame: bytes | str, received_at: datetime, outputs: list[FeedOutput]) -> None:
        """Any frame but a price_change of today. Raises WireError."""
        try:
            message = decode_frame(frame) if len(frame) <= LARGEST_FRAME else None
        except UNREADABLE:
            message = None
        if message is None:
            self._hard_case(frame, received_at, outputs)
        elif isinstance(message, list):
            self._array(message, received_at, outputs)
        else:
            self._dispatch(message, received_at, outputs)

    def _array(self, elements: list[Raw], received_at: datetime, outputs: list[FeedOutput]) -> None:
        """Element by element, so that a bad one does not take the others with it."""
        bad = 0
        for raw in elements:
            element = bytes(raw)
            try:
                self._dispatch(read_event(element), received_at, outputs)
            except WireError as error:
                bad += 1
                self._unread(element, received_at, error, outputs, keep=bad <= _ROWS_PER_FRAME)
        if bad > _ROWS_PER_FRAME:
            reason = f"{bad - _ROWS_PER_FRAME} more elements of one array that cannot be read"
            outputs.append(self._continuity.journal.quarantine(b"", received_at, reason))

    def _hard_case(self, frame: bytes | str, received_at: datetime, outputs: list[FeedOutput]) -> None:
        """What is neither an event nor an array of events. Raises WireError for what stays unreadable."""
        size = len(frame)
        word = frame.strip() if size < _LONGEST_WORD else None
        if word in ("PONG", b"PONG"):
            self._subscription.pong()
        elif word in ("PING", b"PING"):
            self._subscription.pinged()
        elif size > LARGEST_FRAME:
            raise WireError(f"a frame of {size} bytes; more than {LARGEST_FRAME} are not read")
        else:
            self._dispatch(read_event(frame), received_at, outputs)

    def _dispatch(self, message: Event, received_at: datetime, outputs: list[FeedOutput]) -> None:
        """One decoded event. Raises WireError when its content cannot be believed."""
        self.kinds[type(message).__name__] += 1
        self.messages += 1
        if isinstance(message, NewMarket):
            # Sent for every market of the venue and many times over: no sign that our books are alive.
            if len(self._announced) < _REMEMBERED:
                self._announced[message.market or message.condition_id] = None
            return
        self.good_frames += 1
        self.last_market_frame_at = received_at
        try:
            if isinstance(message, PriceChange):
                self._changes.apply(message.of_today(), received_at, outputs)
                return
            stamp = milliseconds(message.timestamp)
        except ValueError as error:
            raise WireError(str(error)) from None
        exchange_ms = self._continuity.judge(stamp, received_at, outputs)
        if isinstance(message, Book):
            self._whole.of_socket(message, exchange_ms, received_at, outputs)
        elif isinstance(message, TickSizeChange):
            tracked = self._books.of(message.asset_id, message.market)
            if tracked is not None and tracked.live:
                detail = f"tick size {message.old_tick_size} became {message.new_tick_size}"
                self._continuity.breaks(tracked, received_at, FIRST_BOOK, detail=detail, outputs=outputs)
        elif isinstance(message, MarketResolved):
            self._resolve(message, received_at, outputs)

    def _resolve(self, message: MarketResolved, received_at: datetime, outputs: list[FeedOutput]) -> None:
        """The market is over: its book is not vouched for any more, and nobody waits for another."""
        if len(self.resolved) < _REMEMBERED:
            self.resolved[message.market] = message.winning_outcome
        tracked = self._books.get(message.market)
        if tracked is not None:
            self._continuity.release(tracked, received_at, "the market's resolution", outputs)
            tracked.start_epoch()
            tracked.market = replace(tracked.market, status="resolved", result=message.winning_outcome)

    def _unread(
        self,
        frame: bytes | str,
        received_at: datetime,
        error: WireError,
        outputs: list[FeedOutput],
        *,
        keep: bool = True,
    ) -> None:
        """Count and keep what cannot be read, and stop vouching for the books it was about."""
        if keep:
            outputs.append(self._continuity.journal.quarantine(frame, received_at, str(error)))
        if isinstance(error, UnknownKind):
            self.unknown_frames += 1
            return
        self.unreadable_frames += 1
        saved = salvage(frame) if len(frame) <= LARGEST_FRAME else None
        detail = "a message about this book cannot be read"
        for tracked in self._books.named([frame] if saved is None else saved[1]):
            if tracked.live:
                self._continuity.gap(tracked, received_at, received_at, detail=detail, outputs=outputs)
                self._continuity.breaks(tracked, received_at, FIRST_BOOK, detail=detail, outputs=outputs)
            else:
                tracked.spoil()
                if tracked.tries == 0:
                    self._continuity.want(tracked)
        if saved is not None:
            # The frame is kept already, whatever else is wrong with it.
            with suppress(WireError):
                self._changes.apply(saved[0], received_at, outputs)
