"""Driving a venue's paging flow over HTTP: the one way to list its markets."""

from collections.abc import Callable

from arb_platform.domain.errors import ListingError, SettingsError, WireError
from arb_platform.domain.markets import Listing
from arb_platform.venues.backoff import Timing
from arb_platform.venues.listing import FLOWS
from arb_platform.venues.rest_client import RestClient


async def list_markets(
    venue: str,
    *,
    base_url: str | None = None,
    limit: int | None = None,
    on_page: Callable[[int, int], None] | None = None,
    client: RestClient | None = None,
    timing: Timing | None = None,
) -> Listing:
    """Walk through the venue's list of tradable markets, with ``base_url`` or an open ``client``.

    ``on_page`` is called with the pages and markets read so far. Raises ListingError when the list
    cannot be trusted to be whole, TransportError when the venue does not answer.
    """
    if venue not in FLOWS:
        raise SettingsError(f"no venue is called {venue!r}; there are {', '.join(sorted(FLOWS))}")
    if (client is None) == (base_url is None):
        raise SettingsError("list_markets takes either base_url or client")
    rest = client or RestClient(base_url or "", venue=venue, timing=timing)
    clock = (timing or Timing()).clock
    try:
        return await _walk(FLOWS[venue](limit=limit, clock=clock), rest, on_page)
    except WireError as error:
        raise ListingError(str(error)) from error
    finally:
        if client is None:
            await rest.aclose()
