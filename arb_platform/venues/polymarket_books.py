"""Which book a message of Polymarket is about: one per market, whatever token it names."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Final

from arb_platform.domain.books import BID, Ladder, Side
from arb_platform.domain.markets import POLYMARKET, Market
from arb_platform.venues.polymarket_wire import is_json, named_ids
from arb_platform.venues.tracked import TrackedBook


def _bare(market_id: str, *, symbol: str = "", asset_ids: tuple[str, ...] = ()) -> Market:
    """A market of which nothing but its ids is known."""
    return Market(
        venue=POLYMARKET,
        market_id=market_id,
        symbol=symbol or market_id,
        title="",
        rules="",
        close_time=None,
        resolution_source="",
        asset_ids=asset_ids,
    )


# Stands for the token on the other side of a followed market: its messages say nothing new.
MIRROR: Final = TrackedBook(_bare("mirror"), 1)


class PolymarketBooks(Collection[TrackedBook]):
    """The followed books by market id and by token id.

    ``follow_all`` makes a book for whatever market is named. A condition id whose tokens are
    unknown adopts the first token whose book comes.
    """

    def __init__(self, depth: int, *, follow_all: bool) -> None:
        self.by_asset: dict[str, TrackedBook] = {}
        self.by_market: dict[str, TrackedBook] = {}
        self.mirrored = 0
        self.strays = 0
        self._depth = depth
        self._follow_all = follow_all

    def __iter__(self) -> Iterator[TrackedBook]:
        return iter(self.by_market.values())

    def __len__(self) -> int:
        return len(self.by_market)

    def __contains__(self, tracked: object) -> bool:
        return isinstance(tracked, TrackedBook) and self.by_market.get(tracked.market_id) is tracked

    def get(self, market_id: str) -> TrackedBook | None:
        return self.by_market.get(market_id)

    def add(self, market: Market | str) -> TrackedBook | None:
        """The new book of this market, or None if it is followed already."""
        if isinstance(market, str):
            market = _bare(market, asset_ids=(market,) if market.isdecimal() else ())
        if market.market_id in self.by_market:
            return None
        tracked = TrackedBook(market, self._depth)
        tracked.book_id = _asset_of(market)
        self.by_market[market.market_id] = tracked
        for asset in market.asset_ids:
            self._name(tracked, asset)
        return tracked

    def drop(self, market_id: str) -> TrackedBook | None:
        """The book that is not followed any more, or None."""
        tracked = self.by_market.pop(market_id, None)
        if tracked is not None:
            for asset in (*tracked.market.asset_ids, tracked.book_id or "", tracked.mirror_id or ""):
                self.by_asset.pop(asset, None)
        return tracked

    def of(self, asset: str | None, market_id: str, *, adopt: bool = False) -> TrackedBook | None:
        """The book that a message about this token is for; None for mirrors and strays, which are counted."""
        tracked = self.by_asset.get(asset) if asset is not None else None
        if tracked is None:
            tracked = self._by_market_id(asset, market_id, adopt=adopt)
        if tracked is MIRROR:
            self.mirrored += 1
            return None
        if tracked is None:
            self.strays += 1
        return tracked

    def assets(self, books: Iterable[TrackedBook] | None = None) -> list[str]:
        """What to subscribe for these books: token ids, or the condition id where no token is known."""
        return [tracked.book_id or tracked.market_id for tracked in (self if books is None else books)]

    def named(self, parts: Iterable[bytes | str]) -> list[TrackedBook]:
        """The books that unreadable messages were about: those they name, or all where one was cut off before."""
        named: dict[str, TrackedBook] = {}
        for part in parts:
            ids = named_ids(part)
            if not ids and not is_json(part):
                return list(self)
            for one in ids:
                tracked = self.by_asset.get(one) or self.by_market.get(one)
                if tracked is not None and tracked is not MIRROR:
                    named[tracked.market_id] = tracked
        return list(named.values())

    def _by_market_id(self, asset: str | None, market_id: str, *, adopt: bool) -> TrackedBook | None:
        tracked = self.by_market.get(market_id)
        if tracked is None:
            if not self._follow_all or not market_id:
                return None
            tracked = self.add(_bare(market_id, symbol=asset or ""))
            assert tracked is not None
        if asset is None:
            # The owner's simplified shape names no token and means the first outcome.
            return tracked
        if tracked.book_id is None:
            if adopt:
                self._adopt(tracked, asset)
            return tracked
        if len(tracked.market.asset_ids) > 1:
            return None
        self._name(tracked, asset)
        return MIRROR

    def _name(self, tracked: TrackedBook, asset: str) -> None:
        """Remember this token of a market: that of its book, or one on the other side of it."""
        if asset == tracked.book_id:
            self.by_asset[asset] = tracked
        else:
            self.by_asset[asset] = MIRROR
            tracked.mirror_id = asset

    def _adopt(self, tracked: TrackedBook, asset: str) -> None:
        tracked.book_id = asset
        market = tracked.market
        symbol = asset if market.symbol == market.market_id and self._follow_all else market.symbol
        tracked.market = replace(market, symbol=symbol, asset_ids=(asset,))
        self.by_asset[asset] = tracked


def unexplained(side: Side, ours: Ladder, fresh: Iterable[tuple[int, int]]) -> set[str]:
    """Levels below the best of a whole side that are not ours, for a row: trades take the best, so none is why."""
    theirs = {price: size for price, size in fresh if size > 0}
    if not theirs or theirs == ours.sizes:
        return set()
    best = (max if side == BID else min)(theirs)
    differing = {price for price, _ in theirs.items() ^ ours.sizes.items()}
    return {f"{side} {price}" for price in differing if (price < best if side == BID else price > best)}


def _asset_of(market: Market) -> str | None:
    """The token of the market's outcome, or the first one where the outcome is not among its outcomes."""
    if not market.asset_ids:
        return None
    position = market.outcomes.index(market.outcome) if market.outcome in market.outcomes else 0
    return market.asset_ids[position] if position < len(market.asset_ids) else market.asset_ids[0]
