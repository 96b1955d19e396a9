"""Driving a venue's paging flow over HTTP: the one way to list its markets."""

from collections.abc import Callable
from typing import Any, Final

from arb_platform.domain.errors import ListingError, SettingsError, TransportError, WireError
from arb_platform.domain.markets import POLYMARKET, Listing
from arb_platform.venues.backoff import Timing
from arb_platform.venues.listing import FLOWS, Flow, HandOn, PageRequest
from arb_platform.venues.page_journal import PageJournal
from arb_platform.venues.rest_client import REQUESTS_PER_SECOND, RestClient

# Gamma takes 30 pages a second (venue documentation, 2026); the walk is one page after the other in any case.
_PER_SECOND: Final = {POLYMARKET: 20.0}
# A venue that says 429 for minutes is waited for; after that the walk breaks off, and the next one goes on there.
_PATIENCE: Final = 600.0

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
    hand_on: HandOn | None = None,
) -> Listing:
    """Walk through the venue's list of tradable markets, at ``base_url`` or with an open ``client``.

    A walk that broke off in the middle comes back as a Listing that is not complete and says why; with
    the same ``journal`` the next one goes on from there. With ``hand_on`` the markets go there page by
    page, and the Listing only counts them.
    Raises ListingError when nothing at all could be read.
    """
    if venue not in FLOWS:
        raise SettingsError(f"no venue is called {venue!r}; there are {', '.join(sorted(FLOWS))}")
    if (client is None) == (base_url is None):
        raise SettingsError("list_markets takes either base_url or client")
    timing = timing or Timing()
    rest = client or RestClient(
        base_url or "",
        venue=venue,
        timing=timing,
        per_second=_PER_SECOND.get(venue, REQUESTS_PER_SECOND),
        patience=_PATIENCE,
    )
    if journal is not None:
        journal.begin(timing.clock())
    try:
        listing = await _walk(
            FLOWS[venue](clock=timing.clock, limit=limit, hand_on=hand_on), rest, on_page, journal
        )
    finally:
        if journal is not None:
            journal.close()
        if client is None:
            await rest.aclose()
    if not listing.count and not listing.complete:
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
    if journal is not None and not (broke_off and not listing.complete and listing.count):
        journal.finish()
    if on_page is not None:
        on_page(listing.pages, listing.count)
    return listing


async def _page(request: PageRequest, rest: RestClient, journal: PageJournal | None) -> Any:
    if journal is None:
        return await rest.get(request.path, request.params)
    page = journal.recalled(request.path, request.params)
    if page is None:
        page = await rest.get(request.path, request.params)
        journal.keep(request.path, request.params, page)
    return page
