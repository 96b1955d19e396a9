"""From what a user names (ids, tickers, nothing at all) to markets that can be followed."""

import logging
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Protocol

from arb_platform.domain.errors import TransportError, WireError
from arb_platform.domain.markets import POLYMARKET, Market

log = logging.getLogger(__name__)

# Without a list of markets the most traded ones are followed.
DEFAULT_MARKETS: Final = 200


class Lookup(Protocol):
    """Where a venue's markets are looked up."""

    async def named(self, ids: Sequence[str]) -> dict[str, Market]:
        """Markets by the id that was asked for; ids the venue does not know are missing.

        Raises TransportError or WireError when the venue did not answer properly.
        """

    async def listed(self) -> Sequence[Market]:
        """All tradable markets of the venue."""

    def bare(self, market_id: str) -> Market:
        """A market of which nothing but its id is known."""


async def resolve(tracked: Sequence[Market | str] | None, lookup: Lookup) -> list[Market]:
    """The markets to follow, each once, in the order they were named.

    None means the most traded of all that the venue lists. An id that cannot be looked up is
    followed all the same, with a warning: a listing that is down must not stop a stream.
    """
    if tracked is None:
        return most_traded(await lookup.listed(), DEFAULT_MARKETS)
    ids = [_id(item) for item in tracked if isinstance(item, str) or incomplete(item)]
    try:
        found = await lookup.named(list(dict.fromkeys(ids))) if ids else {}
    except (TransportError, WireError) as error:
        log.warning("%d markets could not be looked up: %s", len(ids), error)
        found = {}
    markets: dict[str, Market] = {}
    for item in tracked:
        market_id = _id(item)
        market = found.get(market_id)
        if market is None:
            market = item if isinstance(item, Market) else lookup.bare(market_id)
            if market_id in ids:
                log.warning("%s does not know %s; it is followed all the same", market.venue, market_id)
        markets.setdefault(market.market_id, market)
    return list(markets.values())


def most_traded(markets: Sequence[Market], count: int) -> list[Market]:
    """The ``count`` markets of the largest volume; an unknown volume counts as none."""
    return sorted(markets, key=lambda market: market.volume or Decimal(0), reverse=True)[:count]


def _id(item: Market | str) -> str:
    return item if isinstance(item, str) else item.market_id


def incomplete(market: Market) -> bool:
    """A Polymarket market without its tokens cannot be subscribed."""
    return market.venue == POLYMARKET and not market.asset_ids
