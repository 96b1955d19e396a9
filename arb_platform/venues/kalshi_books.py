"""The followed books of Kalshi, and whether their prices mean what we asked for."""

from collections.abc import Collection, Iterator
from typing import Any, Final

from arb_platform.domain.errors import WireError
from arb_platform.domain.markets import KALSHI, Market
from arb_platform.domain.units import ONE
from arb_platform.venues.kalshi_markets import orderbook_of
from arb_platform.venues.kalshi_wire import UNREADABLE, Levels, rest_levels
from arb_platform.venues.tracked import TrackedBook

# So many books that are crossed as NO bids and would not be as YES asks mean that the mode changed.
FLIPPED_BOOKS: Final = 2


class KalshiBooks(Collection[TrackedBook]):
    """The followed books by ticker; ``follow_all`` makes a book for whatever market is named."""

    def __init__(self, depth: int, *, follow_all: bool) -> None:
        self.by_ticker: dict[str, TrackedBook] = {}
        self.strays = 0
        self.flipped = False
        self._depth = depth
        self._follow_all = follow_all
        self._suspects: set[str] = set()

    def __iter__(self) -> Iterator[TrackedBook]:
        return iter(self.by_ticker.values())

    def __len__(self) -> int:
        return len(self.by_ticker)

    def __contains__(self, tracked: object) -> bool:
        return isinstance(tracked, TrackedBook) and self.by_ticker.get(tracked.market_id) is tracked

    def add(self, market: Market | str) -> TrackedBook | None:
        """The new book of this market, or None if it is followed already."""
        if isinstance(market, str):
            market = _bare(market)
        if market.market_id in self.by_ticker:
            return None
        tracked = TrackedBook(market, self._depth)
        tracked.book_id = market.market_id
        self.by_ticker[market.market_id] = tracked
        return tracked

    def drop(self, ticker: str) -> TrackedBook | None:
        """The book that is not followed any more, or None."""
        self._suspects.discard(ticker)
        return self.by_ticker.pop(ticker, None)

    def of(self, ticker: str) -> TrackedBook | None:
        """The book that a message about this ticker is for; None for strays, which are counted."""
        tracked = self.by_ticker.get(ticker)
        if tracked is None and ticker and self._follow_all:
            tracked = self.add(ticker)
        if tracked is None:
            self.strays += 1
        return tracked

    def suspect_mode(self, tracked: TrackedBook, no: Levels) -> str | None:
        """What to tell when several books are crossed as we read them and not if NO prices were YES prices.

        We say ``use_yes_price: false`` with every subscription; the venue will drop that mode one
        day (docs.kalshi.com, order direction). Told once, and never guessed.
        """
        bid, ask = tracked.book.best_bid, tracked.book.best_ask
        as_is = min((price for price, size in no if size > 0), default=None)
        if bid is None or ask is None or as_is is None or not ask < bid < as_is:
            self._suspects.discard(tracked.market_id)
            return None
        self._suspects.add(tracked.market_id)
        if self.flipped or len(self._suspects) < FLIPPED_BOOKS:
            return None
        self.flipped = True
        return (
            f"the books of {', '.join(sorted(self._suspects))} are crossed as NO bids and would not be as YES asks: "
            "use_yes_price seems to have changed its meaning, and these books cannot be used until that is known"
        )


def read_book(document: Any) -> tuple[Levels, Levels]:
    """(bids, asks) of YES in millionths from ``GET /markets/{ticker}/orderbook`` of any year. Raises WireError."""
    try:
        yes, no = rest_levels(orderbook_of(document))
    except UNREADABLE as error:
        raise WireError(f"not a Kalshi order book: {error}") from None
    return yes, yes_asks(no)


def yes_asks(no: Levels) -> Levels:
    """NO bids as YES asks: 1 - price, exact."""
    return [(ONE - price, size) for price, size in no]


def _bare(ticker: str) -> Market:
    """A market of which nothing but its ticker is known."""
    return Market(
        venue=KALSHI,
        market_id=ticker,
        symbol=ticker,
        title="",
        rules="",
        close_time=None,
        resolution_source="",
    )
