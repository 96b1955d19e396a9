"""Polymarket's price changes, applied to the books: more than 99 of 100 frames come through here."""

from datetime import datetime
from typing import Final

from arb_platform.domain.errors import WireError
from arb_platform.domain.streams import FeedOutput
from arb_platform.domain.units import ONE
from arb_platform.venues.continuity import FIRST_BOOK, Continuity
from arb_platform.venues.exchange_clock import FLOOR_MS, milliseconds
from arb_platform.venues.numbers import PRICES, SIZES
from arb_platform.venues.polymarket_books import MIRROR, PolymarketBooks
from arb_platform.venues.polymarket_wire import Change, Changes
from arb_platform.venues.tracked import TrackedBook

# Own top against the stated one: one disagreement may be an order of messages, three are a lost one.
DOUBTS: Final = 3
# Changes kept for the REST book they come on top of; a market that has more is asked anew.
PENDING_LIMIT: Final = 2_000
_BUY: Final = "BUY"
_SELL: Final = "SELL"
_NOTHING_STATED: Final = Change("", "", "", "")


class PriceChanges:
    """Applies ``price_change`` messages; sizes in them are absolute, 0 removes a level."""

    def __init__(self, books: PolymarketBooks, continuity: Continuity) -> None:
        self.orphans = 0
        self.mirrored = 0
        # changes that came after newer ones
        self.late = 0
        self._books = books
        self._by_asset = books.by_asset
        self._by_market = books.by_market
        self._continuity = continuity
        self._clock = continuity.clock

    def apply(self, message: Changes, received_at: datetime, outputs: list[FeedOutput]) -> None:
        """Apply one message whole. Raises WireError after it if some of it could not be believed."""
        changes, exchange_ms = message.price_changes or (), message.timestamp
        shown_ms = exchange_ms
        if exchange_ms is None or not FLOOR_MS <= exchange_ms <= self._clock.ceiling:
            exchange_ms, shown_ms = self._unusual(message, received_at, outputs)
        # Nearly always the one book of the whole message; two ids compared cost less than one looked up.
        current = self._by_market.get(message.market, MIRROR)
        book_id, mirror_id = current.book_id, current.mirror_id
        stated = _NOTHING_STATED
        faults: list[str] = []
        mirrored = 0
        for change in changes:
            asset = change.asset_id
            if asset != book_id:
                if asset == mirror_id:
                    mirrored += 1
                    continue
                tracked = self._by_asset.get(asset) or self._books.of(asset, message.market)
                if tracked is None or tracked is MIRROR:
                    mirrored += tracked is MIRROR
                    continue
                if tracked is not current:
                    self._settle(current, stated, shown_ms, received_at, outputs)
                    current, stated = tracked, _NOTHING_STATED
                    book_id, mirror_id = current.book_id, current.mirror_id
            try:
                price, size = PRICES[change.price], SIZES[change.size]
            except ValueError as error:
                faults.append(str(error))
                continue
            side = change.side
            if side == _BUY:
                key, ladder = price, current.bids
            elif side == _SELL:
                key, ladder = ~price, current.asks
            else:
                faults.append(f"a side that is neither BUY nor SELL: {side[:40]!r}")
                continue
            if not current.live:
                self._orphan(current, asset, (shown_ms, key, size), received_at, outputs)
            elif exchange_ms >= current.delta_ms:
                current.delta_ms = current.written_ms[key] = exchange_ms
                ladder.set(price, size)
                stated = change
            else:
                self.late += 1
                # Late, but still the newest that was said about this level.
                if exchange_ms >= current.written_ms.get(key, current.base_ms):
                    current.written_ms[key] = exchange_ms
                    ladder.set(price, size)
                    self._came_late(current, exchange_ms, received_at, outputs)
        self.mirrored += mirrored
        if faults:
            raise WireError("; ".join(faults[:3]))
        self._settle(current, stated, shown_ms, received_at, outputs)

    def _unusual(
        self, message: Changes, received_at: datetime, outputs: list[FeedOutput]
    ) -> tuple[int, int | None]:
        """The venue time that orders these changes and the one to show.

        Timestamps in seconds, missing, ahead of our clock or impossible come here; a change without
        a believable time counts as the newest of its book.
        """
        shown_ms = self._continuity.judge(milliseconds(message.timestamp), received_at, outputs)
        if shown_ms is not None:
            return shown_ms, shown_ms
        known = (self._by_asset.get(change.asset_id) for change in message.price_changes or ())
        return max((tracked.delta_ms for tracked in known if tracked is not None), default=0), None

    def _settle(
        self,
        tracked: TrackedBook,
        stated: Change,
        exchange_ms: int | None,
        received_at: datetime,
        outputs: list[FeedOutput],
    ) -> None:
        """After a whole message: compare our top with the one it states, and show what changed."""
        if not tracked.live:
            return
        bids, asks = tracked.bids.top, tracked.asks.top
        bid, ask = stated.best_bid, stated.best_ask
        if bid is not None and ask is not None:
            try:
                best_bid, best_ask = PRICES[bid], PRICES[ask]
            except ValueError:
                best_bid, best_ask = _stated(bid, ask)
            if best_bid == (bids[0][0] if bids else 0) and best_ask == (asks[0][0] if asks else ONE):
                if tracked.doubts:
                    self._continuity.believe(tracked, received_at, outputs)
            elif self._doubt(tracked, stated, received_at, outputs):
                return
        if (bids is not tracked.shown_bids and bids != tracked.shown_bids) or (
            asks is not tracked.shown_asks and asks != tracked.shown_asks
        ):
            self._continuity.show(tracked, bids, asks, exchange_ms, received_at, outputs)

    def _came_late(
        self, tracked: TrackedBook, exchange_ms: int, received_at: datetime, outputs: list[FeedOutput]
    ) -> None:
        if tracked.bids.top is tracked.shown_bids and tracked.asks.top is tracked.shown_asks:
            return
        since = self._clock.time(exchange_ms)
        assert since is not None
        self._continuity.came_late(tracked, since, received_at, outputs)

    def _doubt(
        self, tracked: TrackedBook, stated: Change, received_at: datetime, outputs: list[FeedOutput]
    ) -> bool:
        """Count a disagreement; True when it was one too many and the book is given up."""
        if tracked.doubts == 0:
            tracked.doubted_at = received_at
        tracked.doubts += 1
        if tracked.doubts < DOUBTS:
            return False
        detail = (
            f"{DOUBTS} messages in a row state another top than ours: last {stated.best_bid}/{stated.best_ask} "
            f"against {tracked.book.best_bid}/{tracked.book.best_ask} millionths"
        )
        since = tracked.doubted_at or received_at
        tracked.doubts = 0
        self._continuity.gap(tracked, since, received_at, detail=detail, outputs=outputs)
        self._continuity.breaks(tracked, received_at, FIRST_BOOK, detail=detail, outputs=outputs)
        return True

    def _orphan(
        self,
        tracked: TrackedBook,
        asset: str,
        told: tuple[int | None, int, int],
        received_at: datetime,
        outputs: list[FeedOutput],
    ) -> None:
        """A change without a book: not applied, but kept for the REST book that is asked for."""
        self.orphans += 1
        if tracked.tries == 0:
            self._continuity.want(tracked, asset)
            if tracked.silence is None and tracked.rebuilding is None:
                detail = "changes came before a first book"
                self._continuity.silent(tracked, received_at, detail, outputs)
        exchange_ms, key, size = told
        if exchange_ms is None:
            # It cannot be told whether a book that is under way has it.
            tracked.spoil()
        elif tracked.book_id is not None and len(tracked.pending) < PENDING_LIMIT:
            tracked.pending.append((exchange_ms, key, size))


def _stated(bid: str, ask: str) -> tuple[int, int]:
    """A stated top in millionths. Raises WireError.

    An empty side is stated as 0 or 1, or as nothing (docs.polymarket.com, market channel).
    """
    try:
        return (PRICES[bid] if bid else 0), (PRICES[ask] if ask else ONE)
    except ValueError as error:
        raise WireError(f"best_bid or best_ask: {error}") from None
