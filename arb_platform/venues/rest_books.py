"""Order books over REST: those a feed asks for, those of the witness, and polling."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import quote

from arb_platform.domain.errors import CredentialsError, WireError
from arb_platform.venues.rest_client import NotFound, RestClient

log = logging.getLogger(__name__)

# POST /books breaks near 500 ids (observed 2026); half of that is safe.
POLYMARKET_CHUNK: Final = 250
# "List of market tickers ... 1-100" (docs.kalshi.com, get-multiple-market-orderbooks).
KALSHI_CHUNK: Final = 100


class BookSource(Protocol):
    """Where a venue's books can be fetched, by the ids its feed uses."""

    async def fetch(self, ids: Sequence[str]) -> Mapping[str, Any]:
        """Decoded books by id; an id the venue has no book for is missing from the answer.

        Raises TransportError or WireError when the venue did not answer properly.
        """


class PolymarketRestBooks:
    """``POST /books`` of the CLOB API, by token id."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    async def fetch(self, ids: Sequence[str]) -> Mapping[str, Any]:
        answers = await asyncio.gather(*(self._chunk(chunk) for chunk in chunks(ids, POLYMARKET_CHUNK)))
        return {token: book for answer in answers for token, book in answer.items()}

    async def _chunk(self, tokens: Sequence[str]) -> dict[str, Any]:
        answer = await self._client.post("/books", [{"token_id": token} for token in tokens])
        if not isinstance(answer, list):
            raise WireError(
                f"polymarket: POST /books answered {type(answer).__name__} where an array was due."
            )
        wanted = set(tokens)
        return {
            book["asset_id"]: book
            for book in answer
            if isinstance(book, dict) and book.get("asset_id") in wanted
        }


class KalshiRestBooks:
    """``GET /markets/orderbooks`` by repeated ``tickers``, and one by one what that did not bring.

    ``tickers=A,B`` would be read as one ticker and answered with one empty book, as any ticker is that
    does not exist (observed 2026). So an entry that was not asked for is not believed, and an empty
    book only after the single request, which knows 404, has said once that there is such a market.
    """

    def __init__(self, client: RestClient) -> None:
        self._client = client
        self._batched = True
        self._exist: set[str] = set()

    async def fetch(self, ids: Sequence[str]) -> Mapping[str, Any]:
        answers = await asyncio.gather(*(self._chunk(chunk) for chunk in chunks(ids, KALSHI_CHUNK)))
        return {ticker: book for answer in answers for ticker, book in answer.items()}

    async def _chunk(self, tickers: Sequence[str]) -> dict[str, Any]:
        books = await self._batch(tickers) if self._batched and len(tickers) > 1 else {}
        missing = [ticker for ticker in tickers if ticker not in books]
        singles = await asyncio.gather(*(self._single(ticker) for ticker in missing))
        books.update(
            {ticker: book for ticker, book in zip(missing, singles, strict=True) if book is not None}
        )
        return books

    async def _batch(self, tickers: Sequence[str]) -> dict[str, Any]:
        try:
            answer = await self._client.get(
                "/markets/orderbooks", [("tickers", ticker) for ticker in tickers]
            )
        except NotFound:
            # One unknown ticker can make the whole answer a 404, and so does a host without this path.
            return {}
        except CredentialsError:
            log.warning("kalshi refuses to give many books at once; they are fetched one by one")
            self._batched = False
            return {}
        entries = answer.get("orderbooks") if isinstance(answer, dict) else None
        if not isinstance(entries, list):
            raise WireError("kalshi: GET /markets/orderbooks answered without the array `orderbooks`.")
        wanted = set(tickers)
        return {
            entry["ticker"]: entry
            for entry in entries
            if isinstance(entry, dict)
            and entry.get("ticker") in wanted
            and (entry["ticker"] in self._exist or not _empty(entry))
        }

    async def _single(self, ticker: str) -> dict[str, Any] | None:
        try:
            answer = await self._client.get(f"/markets/{quote(ticker, safe='')}/orderbook")
        except NotFound:
            return None
        if not isinstance(answer, dict):
            raise WireError(f"kalshi: the order book of {ticker} came as {type(answer).__name__}.")
        self._exist.add(ticker)
        return {"ticker": ticker, **answer}


def _empty(entry: Mapping[str, Any]) -> bool:
    book = entry.get("orderbook_fp")
    return isinstance(book, dict) and not any(book.values())


def chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """``items`` in order, at most ``size`` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
