"""How markets are looked up at each venue."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from arb_platform.domain.errors import CredentialsError, TransportError, WireError
from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.venues import kalshi_markets, polymarket_markets
from arb_platform.venues.rest import list_markets
from arb_platform.venues.rest_books import chunks
from arb_platform.venues.rest_client import RestClient

log = logging.getLogger(__name__)

# `condition_ids` takes at most 100 a request; Kalshi's `tickers` is kept as short.
_CHUNK: Final = 100


class PolymarketLookup:
    """Gamma: condition ids become markets with token ids; a bare token id is followed as it is."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    async def named(self, ids: Sequence[str]) -> dict[str, Market]:
        found: dict[str, Market] = {}
        for chunk in chunks([market_id for market_id in ids if market_id.startswith("0x")], _CHUNK):
            # The keyset list is the one that stays; the older one still answers where it is not there.
            for path in ("/markets/keyset", "/markets"):
                missing = [market_id for market_id in chunk if market_id not in found]
                if missing:
                    found.update(await self._page(path, missing))
        return found | {token: self.bare(token) for token in ids if token.isdigit()}

    async def settled(self, ids: Sequence[str]) -> dict[str, Market]:
        """Those of ``ids`` that have a result, by id. Raises TransportError or WireError."""
        found: dict[str, Market] = {}
        for chunk in chunks(list(ids), _CHUNK):
            found.update(await self._page("/markets/keyset", chunk, closed="true"))
        return {one: market for one, market in found.items() if market.result}

    async def listed(self) -> Sequence[Market]:
        return await _listed(POLYMARKET, self._client)

    def bare(self, market_id: str) -> Market:
        return Market(
            venue=POLYMARKET,
            market_id=market_id,
            symbol=market_id,
            title="",
            rules="",
            close_time=None,
            resolution_source="",
            asset_ids=(market_id,) if market_id.isdigit() else (),
        )

    async def _page(self, path: str, ids: Sequence[str], *, closed: str = "false") -> dict[str, Market]:
        params = [("limit", str(_CHUNK)), ("closed", closed), *(("condition_ids", item) for item in ids)]
        try:
            answer = await self._client.get(path, params)
        except CredentialsError:
            raise
        except (TransportError, WireError) as error:
            log.warning("polymarket: the lookup %s failed: %s", path, error)
            return {}
        documents = answer.get("markets") if isinstance(answer, dict) else answer
        return _read(documents, polymarket_markets.read_market, ids)


class KalshiLookup:
    """``GET /markets?tickers=A,B``: here, other than for books, the comma form is the right one."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    async def named(self, ids: Sequence[str]) -> dict[str, Market]:
        found: dict[str, Market] = {}
        for chunk in chunks(ids, _CHUNK):
            answer = await self._client.get("/markets", {"tickers": ",".join(chunk), "limit": len(chunk)})
            documents = answer.get("markets") if isinstance(answer, dict) else None
            found.update(_read(documents, kalshi_markets.read_market, chunk))
        return found

    async def settled(self, ids: Sequence[str]) -> dict[str, Market]:
        """Those of ``ids`` that have a result, by ticker. Raises TransportError or WireError."""
        return {one: market for one, market in (await self.named(ids)).items() if market.result}

    async def listed(self) -> Sequence[Market]:
        return await _listed(KALSHI, self._client)

    def bare(self, market_id: str) -> Market:
        return Market(
            venue=KALSHI,
            market_id=market_id,
            symbol=market_id,
            title="",
            rules="",
            close_time=None,
            resolution_source="",
        )


async def _listed(venue: str, client: RestClient) -> Sequence[Market]:
    listing = await list_markets(venue, client=client)
    if not listing.complete:
        log.warning("%s: the listing is not whole: %s", venue, listing.reason)
    return [market for market in listing.markets if market.status == "active"]


def _read(documents: Any, read: Callable[[Any], Market], ids: Sequence[str]) -> dict[str, Market]:
    """The readable ones of ``documents`` that were asked for, by id; the others are logged."""
    if not isinstance(documents, list):
        raise WireError("the venue answered a lookup of markets without a list of markets.")
    wanted = set(ids)
    markets: dict[str, Market] = {}
    for document in documents:
        try:
            market = read(document)
        except WireError as error:
            log.warning("a market cannot be read: %s", error)
            continue
        if market.market_id in wanted:
            markets[market.market_id] = market
    return markets
