"""Driving a venue's paging flow over HTTP: the one way to list its markets."""

from collections.abc import Callable
from typing import Any

from arb_platform.domain.errors import ListingError, SettingsError, TransportError, WireError
from arb_platform.domain.markets import Listing
from arb_platform.venues.backoff import Timing
from arb_platform.venues.listing import FLOWS, Flow, PageRequest
from arb_platform.venues.page_journal import PageJournal
from arb_platform.venues.rest_client import RestClient

# Called with the pages and the markets read so far.
OnPage = Callable[[int, int], None]


async def list_markets(
    venue: str,
    *,
    base_url: str | None = None,
    limit: int | None = None,
    on_page: OnPage | None = None,
    client: RestClient | None = None,
    timing: Timing | None = None,
    journal: PageJournal | None = None,
) -> Listing:
    """Walk through the venue's list of tradable markets, at ``base_url`` or with an open ``client``.

    A walk that broke off in the middle comes back as a Listing that is not complete and says why; with
    the same ``journal`` the next one goes on from there.
    Raises ListingError when nothing at all could be read.
    """
    if venue not in FLOWS:
        raise SettingsError(f"no venue is called {venue!r}; there are {', '.join(sorted(FLOWS))}")
    if (client is None) == (base_url is None):
        raise SettingsError("list_markets takes either base_url or client")
    timing = timing or Timing()
    rest = client or RestClient(base_url or "", venue=venue, timing=timing)
    if journal is not None:
        journal.begin(timing.clock())
    try:
        listing = await _walk(FLOWS[venue](clock=timing.clock, limit=limit), rest, on_page, journal)
    finally:
        if client is None:
            await rest.aclose()
    if not listing.markets and not listing.complete:
        if journal is not None:
            journal.finish()
        raise ListingError(listing.reason)
    return listing


async def _walk(flow: Flow, rest: RestClient, on_page: OnPage | None, journal: PageJournal | None) -> Listing:
    broke_off = False
    try:
        request = next(flow)
        while True:
            if on_page is not None:
                on_page(request.pages, request.markets)
            try:
                page = await _page(request, rest, journal)
            except (TransportError, WireError) as error:
                broke_off = True
                request = flow.throw(error)
            else:
                request = flow.send(page)
    except StopIteration as end:
        listing = end.value
    assert isinstance(listing, Listing)
    if journal is not None and not (broke_off and not listing.complete):
        journal.finish()
    if on_page is not None:
        on_page(listing.pages, len(listing.markets))
    return listing


async def _page(request: PageRequest, rest: RestClient, journal: PageJournal | None) -> Any:
    if journal is None:
        return await rest.get(request.path, request.params)
    page = journal.recalled(request.path, request.params)
    if page is None:
        page = await rest.get(request.path, request.params)
        journal.keep(request.path, request.params, page)
    return page
