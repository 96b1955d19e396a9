"""Listing the venues and proposing pairs of what they list."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from arb_platform import api
from arb_platform.domain.errors import ListingError
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.domain.pairs import Candidate
from arb_platform.pipeline.ground import now, open_writer, refuse_real_venue
from arb_platform.settings import Settings
from arb_platform.storage.attach import check_catalog
from arb_platform.storage.markets import ListingChange, load_markets, save_listing
from arb_platform.storage.pairs import save_candidates
from arb_platform.venues.registry import VENUES

# Asking a model about every pair that shares a word would cost more than it tells.
CANDIDATES_PER_MARKET: Final = 5

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Listed:
    """What listing a venue gave and changed."""

    venue: str
    markets: int
    pages: int
    complete: bool
    reason: str
    change: ListingChange
    seconds: float


async def list_venue(settings: Settings, venue: str, *, on_page: Progress | None = None) -> Listed:
    """List ``venue`` and save its markets. An incomplete listing updates markets and marks none as gone.

    Raises ListingError for an empty listing (a venue without a market is a venue that did not
    answer properly), TransportError when it cannot be reached.
    """
    refuse_real_venue(settings, venue)
    check_catalog(api.lake_location(settings), read_only=False)  # before minutes of listing
    base_url = settings.polymarket_gamma_url if venue == POLYMARKET else settings.kalshi_rest
    listing = await VENUES[venue].listing(base_url=base_url, on_page=on_page)
    if not listing.markets:
        raise ListingError(
            f"{venue} listed no markets at {base_url} ({listing.reason}); nothing was changed. "
            "Check the address and try again."
        )
    with open_writer(settings) as lake:
        change = save_listing(lake, listing)
    return Listed(
        venue,
        len(listing.markets),
        listing.pages,
        listing.complete,
        listing.reason,
        change,
        (listing.ended_at - listing.started_at).total_seconds(),
    )


def propose_candidates(settings: Settings, *, keep: int = CANDIDATES_PER_MARKET) -> list[Candidate]:
    """Propose pairs of the markets in the lake and save them.

    Raises ListingError when one venue has no markets yet.
    """
    with open_writer(settings) as lake:
        markets = {venue: load_markets(lake, venue) for venue in (POLYMARKET, KALSHI)}
        missing = [venue for venue, found in markets.items() if not found]
        if missing:
            raise ListingError(
                f"the lake has no active markets of {' and '.join(missing)} yet; "
                f"list them first: arb markets {missing[0]} (or materialize {missing[0]}_markets)"
            )
        # scikit-learn takes longer to import than everything else together, and streams never need it.
        from arb_platform.matching.candidates import propose  # noqa: PLC0415

        candidates = propose(markets[POLYMARKET], markets[KALSHI], keep=keep)
        save_candidates(lake, candidates, now())
    return candidates
