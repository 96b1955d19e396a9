"""What Kalshi's REST API is asked about: documents with the quotes of the moment, and books."""

from collections.abc import Callable, Mapping
from typing import Any

from arb_platform.simulate import kalshi_frames as frames
from arb_platform.simulate.books import ONE, Books, SimulatedBook
from arb_platform.simulate.faults import Faults
from arb_platform.simulate.walks import ListedMarket


class KalshiListing:
    """``results`` names the markets that ended; ``polled`` is called with each ticker whose book was read."""

    def __init__(
        self,
        markets: Mapping[str, ListedMarket],
        books: Books,
        results: Mapping[str, str],
        *,
        faults: Faults,
        polled: Callable[[str], None],
    ) -> None:
        self.faults = faults
        self._markets, self._books, self._results = markets, books, results
        self._polled = polled

    def market_documents(self) -> list[dict[str, Any]]:
        return [self._current(market) for market in self._markets.values()]

    def market_document(self, ticker: str) -> dict[str, Any] | None:
        market = self._markets.get(ticker)
        return None if market is None else self._current(market)

    def event_documents(self) -> list[dict[str, Any]]:
        """Every event with its markets nested."""
        events: dict[str, dict[str, Any]] = {}
        for market in self._markets.values():
            event = market.event_document
            known = events.setdefault(event["event_ticker"], {**event, "markets": []})
            known["markets"].append(self._current(market))
        return list(events.values())

    def series_documents(self) -> list[dict[str, Any]]:
        series: dict[str, dict[str, Any]] = {}
        for market in self._markets.values():
            document = market.series_document
            if document is not None:
                series.setdefault(document["ticker"], document)
        return list(series.values())

    def rest_book(self, ticker: str) -> SimulatedBook | None:
        """The YES book, or None for a ticker that is not listed."""
        if ticker not in self._markets:
            return None
        self._polled(ticker)
        return self._books.book(ticker)

    def _current(self, market: ListedMarket) -> dict[str, Any]:
        """The market object with the quotes of the moment, where the book has been looked at."""
        result = self._results.get(market.market_id)
        if result is not None:
            return market.document | {"status": "determined", "result": result}
        book = self._books.known(market.market_id)
        return market.document if book is None else market.document | _quotes(book)


def _quotes(book: SimulatedBook) -> dict[str, str]:
    bid = book.best_bid or 0
    ask = ONE if book.best_ask is None else book.best_ask
    return {
        "yes_bid_dollars": frames.dollars(bid),
        "yes_ask_dollars": frames.dollars(ask),
        "no_bid_dollars": frames.dollars(ONE - ask),
        "no_ask_dollars": frames.dollars(ONE - bid),
        "yes_bid_size_fp": frames.count(book.bids.get(bid, 0)),
        "yes_ask_size_fp": frames.count(book.asks.get(ask, 0)),
    }
