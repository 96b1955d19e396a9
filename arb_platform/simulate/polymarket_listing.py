"""What Polymarket's REST APIs are asked about: documents with the quotes of the moment, and books."""

from collections.abc import Callable, Iterable
from typing import Any

from arb_platform.simulate.books import ONE, Books
from arb_platform.simulate.faults import Faults
from arb_platform.simulate.polymarket_frames import BookText, Instrument, book_text, instrument_of
from arb_platform.simulate.polymarket_replay import PolymarketReplay
from arb_platform.simulate.walks import ListedMarket


class PolymarketListing:
    """The markets by condition id and by token; ``milliseconds`` is the venue's clock."""

    def __init__(
        self,
        markets: Iterable[ListedMarket],
        books: Books,
        replay: PolymarketReplay | None,
        *,
        faults: Faults,
        milliseconds: Callable[[], int],
    ) -> None:
        self.faults = faults
        # markets whose book somebody read over REST: they move, also without a websocket
        self.polled: dict[str, None] = {}
        self._markets = {market.market_id: market for market in markets}
        self._books, self._replay, self._milliseconds = books, replay, milliseconds
        self.instruments: dict[str, Instrument] = {}
        self.by_token: dict[str, Instrument] = {}
        for market in self._markets.values():
            instrument = instrument_of(market.market_id, market.tick_units, market.document)
            self.instruments[market.market_id] = instrument
            self.by_token.update(dict.fromkeys(instrument.tokens, instrument))

    def instrument(self, market_id: str) -> Instrument | None:
        return self.instruments.get(market_id)

    def instrument_of_token(self, token: str) -> Instrument | None:
        return self.by_token.get(token)

    def book_text(self, token: str) -> BookText | None:
        """A token's book now; None for an unknown token or one without a book."""
        instrument = self.by_token.get(token)
        if instrument is None or instrument.resolved:
            return None
        if self._replay is not None and instrument.market_id in self._replay.markets:
            return self._replay.text(instrument.market_id, token, self._milliseconds())
        book = self._books.book(instrument.market_id)
        self.polled[instrument.market_id] = None
        if instrument.last_prices == [None, None] and book.last_price is not None:
            instrument.last_prices = [book.last_price, ONE - book.last_price]
        return book_text(instrument, book, instrument.tokens.index(token), self._milliseconds())

    def market_documents(self) -> list[dict[str, Any]]:
        return [self._current(market) for market in self._markets.values()]

    def event_documents(self) -> list[dict[str, Any]]:
        """Every event with its markets nested, which do not repeat the event."""
        events: dict[str, dict[str, Any]] = {}
        for market in self._markets.values():
            event = market.event_document
            current = self._current(market)
            nested = {name: value for name, value in current.items() if name not in ("events", "tags")}
            events.setdefault(str(event["id"]), {**event, "markets": []})["markets"].append(nested)
        return list(events.values())

    def _current(self, market: ListedMarket) -> dict[str, Any]:
        """Gamma's object with the quotes of the moment, where the book has been looked at."""
        instrument, document = self.instruments[market.market_id], market.document
        if instrument.resolved:
            return document | {"closed": True, "acceptingOrders": False}
        book = self._books.known(market.market_id)
        if book is None:
            return document
        bid = (book.best_bid or 0) / ONE
        ask = (ONE if book.best_ask is None else book.best_ask) / ONE
        tick = instrument.tick / ONE
        spread = round(ask - bid, 6)
        return document | {"bestBid": bid, "bestAsk": ask, "spread": spread, "orderPriceMinTickSize": tick}
