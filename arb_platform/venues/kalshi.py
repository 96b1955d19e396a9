"""Kalshi: the websocket v2 as a pure feed, its market documents and REST books.

Kalshi shows bids only: a bid for NO at p is an ask for YES at 1 - p. Source of the rules:
docs.kalshi.com (AsyncAPI), and dated observations of users of the venue; see the comments.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from arb_platform.domain.books import VISIBLE, BookSnapshot
from arb_platform.domain.errors import WireError
from arb_platform.domain.markets import KALSHI, Market
from arb_platform.domain.streams import FeedOutput
from arb_platform.domain.units import ONE
from arb_platform.venues.continuity import FIRST_BOOK, NOT_FOLLOWED, Continuity
from arb_platform.venues.exchange_clock import FLOOR_MS
from arb_platform.venues.journal import KEPT_BYTES, LARGEST_FRAME
from arb_platform.venues.kalshi_books import KalshiBooks, read_book, yes_asks
from arb_platform.venues.kalshi_markets import read_market
from arb_platform.venues.kalshi_subscription import CHANNEL, OVERFLOW, TERMINAL, Subscription
from arb_platform.venues.kalshi_wire import (
    UNREADABLE,
    Delta,
    DeltaMessage,
    Envelope,
    ErrorMessage,
    LifecycleMessage,
    Message,
    OkMessage,
    SnapshotMessage,
    SubscribedMessage,
    UnsubscribedMessage,
    decode_frame,
    read_envelope,
    ticker_of,
)  # fmt: skip
from arb_platform.venues.numbers import CHANGES, MIRRORED_PRICES, PRICES
from arb_platform.venues.sequence import Sequences, Step
from arb_platform.venues.tracked import TrackedBook

__all__ = ["KalshiFeed", "read_book", "read_market"]

HEAL_WITHIN: Final = timedelta(seconds=5)
_REMEMBERED: Final = 10_000


class KalshiFeed:
    """One shard of Kalshi's order books; see :class:`arb_platform.venues.feed.Feed`.

    ``seq`` counts over all frames of a subscription. When it jumps, every book of that subscription
    starts a new epoch and waits for ``get_snapshot``; if one does not heal within five seconds the
    connection should be replaced. Without markets the feed follows whatever arrives.
    """

    def __init__(self, markets: Sequence[Market | str] = (), max_depth: int = VISIBLE) -> None:
        self.venue = KALSHI
        self.max_depth = max_depth
        self.messages = 0
        self.unreadable_frames = 0
        self.unknown_frames = 0
        self.orphans = 0
        self.duplicates = 0
        self.kinds: Counter[str] = Counter()
        self.errors: Counter[int] = Counter()
        # ticker -> the last thing that happened to the market: determined, settled, deactivated, ...
        self.lifecycle: dict[str, str] = {}
        self.last_market_frame_at: datetime | None = None
        self.good_frames = 0
        self._continuity = Continuity(KALSHI)
        self._clock = self._continuity.clock
        self._books = KalshiBooks(max_depth, follow_all=not markets)
        self._by_ticker = self._books.by_ticker
        self._subscription = Subscription()
        self._sequences = Sequences()
        self._last_seq = self._sequences.last
        self._reconnect_reason: str | None = None
        for market in markets:
            self._books.add(market)

    @property
    def markets(self) -> Sequence[Market]:
        return [tracked.market for tracked in self._books]

    @property
    def reconnect_reason(self) -> str | None:
        return self._reconnect_reason or self._subscription.reconnect_reason

    @property
    def gaps(self) -> int:
        return self._continuity.gaps

    @property
    def strays(self) -> int:
        """Messages about markets that are not followed."""
        return self._books.strays

    @property
    def yes_price_flipped(self) -> bool:
        """True once the venue seems to send prices in the mode that we did not ask for."""
        return self._books.flipped

    @property
    def refused(self) -> dict[str, str]:
        """Tickers that the venue does not let us subscribe, with its reason."""
        return self._subscription.refused

    # the connection

    def connected(self, session_id: str, at: datetime) -> list[FeedOutput]:
        self._reconnect_reason = None
        self.last_market_frame_at = None
        self.good_frames = 0
        self._sequences.forget()
        self._subscription.connected(self._by_ticker)
        return self._continuity.connected(session_id, self._books, at)

    def disconnected(self, at: datetime, reason: str) -> list[FeedOutput]:
        self._subscription.disconnected()
        return self._continuity.disconnected(self._books, at, reason)

    def follow(self, markets: Iterable[Market | str]) -> None:
        """Subscribe to these too, without reconnecting; markets that are followed already are left alone."""
        added = [tracked for tracked in map(self._books.add, markets) if tracked is not None]
        self._subscription.add([tracked.market_id for tracked in added])
        if self._subscription.open:
            # Their deadline is set by the next tick, which knows the time.
            self._continuity.waiting.update((tracked.market_id, tracked) for tracked in added)

    def unfollow(self, market_ids: Iterable[str], at: datetime) -> list[FeedOutput]:
        """Drop these markets and their books; what was open about them ends."""
        outputs: list[FeedOutput] = []
        dropped = [tracked for tracked in map(self._books.drop, market_ids) if tracked is not None]
        self._subscription.drop([tracked.market_id for tracked in dropped])
        for tracked in dropped:
            self._continuity.release(tracked, at, NOT_FOLLOWED, outputs)
        return outputs

    @property
    def wants_something(self) -> bool:
        return bool(self._subscription.outgoing or self._continuity.wanted or self.reconnect_reason)

    def frames_to_send(self) -> list[str]:
        """Drain commands, with a ``get_snapshot`` for every book that has to be rebuilt."""
        if self._continuity.wanted and self._subscription.sid is not None:
            self._subscription.ask_snapshots(self._continuity.drain_wanted())
        return self._subscription.frames_to_send()

    def books_wanted(self) -> list[str]:
        """Nothing, ever: REST answers are cached for 15 s, so such a book cannot heal a gap."""
        return []

    def tick(self, now: datetime) -> list[FeedOutput]:
        """Healing that took too long, and books that never came."""
        self._subscription.tick(now)
        outputs: list[FeedOutput] = []
        for tracked in self._continuity.overdue(now, outputs):
            if tracked.rebuilding is not None:
                seconds = HEAL_WITHIN.total_seconds()
                self._reconnect_reason = f"{tracked.market_id} was not healed within {seconds:.0f} s"
        return outputs

    def snapshot_of(self, market_id: str) -> BookSnapshot | None:
        tracked = self._by_ticker.get(market_id)
        return tracked.snapshot if tracked is not None and tracked.live else None

    # what comes in

    def receive(self, frame: bytes | str, received_at: datetime) -> list[FeedOutput]:
        outputs: list[FeedOutput] = []
        try:
            message = decode_frame(frame) if len(frame) <= LARGEST_FRAME else None
        except UNREADABLE as error:
            self._unread(frame, received_at, str(error), outputs)
            return outputs
        if message is None:
            reason = f"a frame of {len(frame)} bytes; more than {LARGEST_FRAME} are not read"
            self._bad(frame, received_at, reason, "", outputs)
            return outputs
        self.messages += 1
        sid, seq = message.sid, message.seq
        if sid is not None and seq is not None:
            # `ok`, `unsubscribed`, snapshots and errors use up numbers of the sequence as well.
            last_seq = self._last_seq
            if last_seq.get(sid) == seq - 1:
                last_seq[sid] = seq
            elif not self._in_order(message, sid, seq, received_at, outputs):
                return outputs
        try:
            if type(message) is DeltaMessage:
                self._delta(message.msg, received_at, outputs)
            else:
                self._dispatch(message, frame, received_at, outputs)
        except ValueError as error:
            ticker = getattr(getattr(message, "msg", None), "market_ticker", None) or ""
            self._bad(frame, received_at, str(error), ticker, outputs)
        return outputs

    def receive_book(self, book: Any, received_at: datetime) -> list[FeedOutput]:
        """Apply a decoded REST book, which must name its ``ticker``; a book of the socket is never replaced."""
        outputs: list[FeedOutput] = []
        try:
            bids, asks = read_book(book)
        except WireError as error:
            self.unreadable_frames += 1
            return [self._continuity.journal.quarantine(repr(book)[:KEPT_BYTES], received_at, str(error))]
        ticker = book.get("ticker")
        tracked = self._books.of(ticker if isinstance(ticker, str) else "")
        if tracked is not None and not self.good_frames:
            tracked.book.replace(bids, asks)
            self._continuity.rebuilt(tracked, None, received_at, outputs)
        return outputs

    def _delta(self, change: Delta, received_at: datetime, outputs: list[FeedOutput]) -> None:
        """The hot path. Raises ValueError for a number that cannot be believed."""
        self.good_frames += 1
        self.last_market_frame_at = received_at
        tracked = self._by_ticker.get(change.market_ticker) or self._books.of(change.market_ticker)
        if tracked is None or not tracked.live:
            # Read all the same: what cannot be believed is a row, whatever it is about.
            change.change()
            self.orphans += tracked is not None
            return
        exchange_ms = change.ts_ms
        if exchange_ms is None or not FLOOR_MS <= exchange_ms <= self._clock.ceiling:
            exchange_ms = self._continuity.judge(exchange_ms, received_at, outputs)
        text, by = change.price_dollars, change.delta_fp
        if text is None or by is None:
            # A generation before prices and sizes were texts.
            price, size = change.change()
            price, ladder = (price, tracked.bids) if change.side == "yes" else (ONE - price, tracked.asks)
        elif change.side == "yes":
            price, size, ladder = PRICES[text], CHANGES[by], tracked.bids
        elif change.side == "no":
            price, size, ladder = MIRRORED_PRICES[text], CHANGES[by], tracked.asks
        else:
            raise ValueError(f"a side that is neither yes nor no: {change.side[:40]!r}")
        size += ladder.sizes.get(price, 0)
        ladder.set(price, size)
        if size < 0:
            price, _ = change.change()
            detail = f"the {change.side} level at {price} millionths became negative"
            self._lost(tracked, received_at, detail, outputs)
            return
        bids, asks = tracked.bids.top, tracked.asks.top
        if bids is not tracked.shown_bids or asks is not tracked.shown_asks:
            self._continuity.show(tracked, bids, asks, exchange_ms, received_at, outputs)

    def _dispatch(
        self, message: Message, frame: bytes | str, received_at: datetime, outputs: list[FeedOutput]
    ) -> None:
        """Everything but deltas. Raises ValueError for a number that cannot be believed."""
        self.kinds[type(message).__name__.removesuffix("Message")] += 1
        if isinstance(message, SnapshotMessage):
            self._snapshot(message, received_at, outputs)
        elif isinstance(message, SubscribedMessage):
            self._subscription.answered(message.id)
            # A sid that is new or given anew starts its sequence anew.
            self._sequences.forget(message.msg.sid)
            if message.msg.channel == CHANNEL:
                self._subscription.subscribed(message.msg.sid)
        elif isinstance(message, OkMessage):
            self._subscription.answered(message.id)
        elif isinstance(message, ErrorMessage):
            self._error(message, frame, received_at, outputs)
        elif isinstance(message, UnsubscribedMessage):
            if message.sid is not None and message.sid == self._subscription.sid:
                self._resubscribe("the venue ended the subscription", received_at, outputs)
        elif isinstance(message, LifecycleMessage) and len(self.lifecycle) < _REMEMBERED:
            self.lifecycle[message.msg.market_ticker] = message.msg.event_type

    def _snapshot(self, message: SnapshotMessage, received_at: datetime, outputs: list[FeedOutput]) -> None:
        self.good_frames += 1
        self.last_market_frame_at = received_at
        tracked = self._books.of(message.msg.market_ticker)
        if tracked is None:
            return
        yes, no = message.msg.levels()
        if message.sid is not None:
            tracked.sid = message.sid
            if self._subscription.sid is None:
                self._subscription.subscribed(message.sid)
        tracked.book.replace(yes, yes_asks(no))
        self._continuity.rebuilt(tracked, None, received_at, outputs)
        suspicion = self._books.suspect_mode(tracked, no)
        if suspicion:
            event = self._continuity.journal.event(
                "crossed", received_at, ended_at=received_at, detail=suspicion
            )
            outputs.append(event)

    def _error(
        self, message: ErrorMessage, frame: bytes | str, received_at: datetime, outputs: list[FeedOutput]
    ) -> None:
        fault = message.msg
        self.errors[fault.code] += 1
        reason = f"the venue answered error {fault.code}: {fault.msg[:200]}"
        journal = self._continuity.journal
        outputs.append(journal.quarantine(frame, received_at, reason))
        if fault.code in TERMINAL and message.sid in (None, self._subscription.sid):
            if fault.code == OVERFLOW:
                outputs.append(journal.event("overflow", received_at, ended_at=received_at, detail=reason))
            self._subscription.answered(message.id)
            self._resubscribe(reason, received_at, outputs)
            return
        for ticker in self._subscription.failed(message.id, fault, received_at):
            tracked = self._continuity.waiting.pop(ticker, None)
            if tracked is not None:
                detail = f"the venue refuses it: {reason}"
                self._continuity.silent(tracked, received_at, detail, outputs)

    def _resubscribe(self, reason: str, received_at: datetime, outputs: list[FeedOutput]) -> None:
        """The subscription is dead: every book starts anew with the next one."""
        if self._subscription.sid is not None:
            self._sequences.forget(self._subscription.sid)
        for tracked in self._books:
            tracked.sid = None
            if tracked.live:
                self._continuity.breaks(tracked, received_at, FIRST_BOOK, detail=reason, outputs=outputs)
        # The new subscription brings the books by itself.
        self._continuity.wanted.clear()
        tickers = [ticker for ticker in self._by_ticker if ticker not in self._subscription.refused]
        self._subscription.dead(tickers, reason)

    # what goes wrong

    def _in_order(
        self,
        message: Message | Envelope,
        sid: int,
        seq: int,
        received_at: datetime,
        outputs: list[FeedOutput],
    ) -> bool:
        """False for a frame that came before and must not be applied again."""
        last = self._sequences.last.get(sid)
        step = self._sequences.step(sid, seq)
        if step is Step.DUPLICATE and not isinstance(message, SubscribedMessage):
            self.duplicates += 1
            return False
        if step is Step.GAP:
            detail = f"sid {sid}: sequence {seq} after {last}, {seq - (last or 0) - 1} frames are missing"
            self._gap(sid, received_at, detail, outputs)
        elif step is Step.RESTART:
            self._gap(sid, received_at, f"sid {sid}: the sequence began anew, {seq} after {last}", outputs)
        return True

    def _gap(self, sid: int, received_at: datetime, detail: str, outputs: list[FeedOutput]) -> None:
        """Frames of this subscription are missing: none of its books can be vouched for."""
        self._continuity.gaps += 1
        outputs.append(
            self._continuity.journal.event("gap", received_at, ended_at=received_at, detail=detail)
        )
        for tracked in self._books:
            if tracked.sid == sid and tracked.live:
                self._continuity.breaks(tracked, received_at, HEAL_WITHIN, detail=detail, outputs=outputs)
            elif tracked.sid == sid or (tracked.sid is None and sid == self._subscription.sid):
                # What it waits for may have been among the frames that are missing.
                self._continuity.want(tracked)

    def _lost(
        self, tracked: TrackedBook, received_at: datetime, detail: str, outputs: list[FeedOutput]
    ) -> None:
        """One book cannot be vouched for, although no number is missing."""
        self._continuity.gap(tracked, received_at, received_at, detail=detail, outputs=outputs)
        self._continuity.breaks(tracked, received_at, HEAL_WITHIN, detail=detail, outputs=outputs)

    def _unread(
        self, frame: bytes | str, received_at: datetime, reason: str, outputs: list[FeedOutput]
    ) -> None:
        """A frame that is no message we know; what is left of it still counts in the sequence."""
        try:
            envelope = read_envelope(frame)
        except WireError as error:
            self._bad(frame, received_at, str(error), "", outputs)
            return
        ticker = ticker_of(envelope.msg)
        if envelope.sid is not None and envelope.seq is not None:
            in_order = self._in_order(envelope, envelope.sid, envelope.seq, received_at, outputs)
            ticker = ticker if in_order else ""
        if isinstance(envelope.type, str) and not envelope.known:
            self.unknown_frames += 1
            reason = f"unknown event type: {envelope.type[:80]}"
            outputs.append(self._continuity.journal.quarantine(frame, received_at, reason))
        else:
            self._bad(frame, received_at, f"not readable: {reason}", ticker, outputs)

    def _bad(
        self, frame: bytes | str, received_at: datetime, reason: str, ticker: str, outputs: list[FeedOutput]
    ) -> None:
        """Keep the frame, and stop vouching for the book that it was about."""
        self.unreadable_frames += 1
        outputs.append(self._continuity.journal.quarantine(frame, received_at, reason))
        tracked = self._by_ticker.get(ticker)
        if tracked is not None and tracked.live:
            self._lost(tracked, received_at, "a message about this book cannot be read", outputs)
