"""Listing the venues and proposing pairs of what they list."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from arb_platform import api
from arb_platform.domain.errors import ListingError
from arb_platform.domain.markets import KALSHI, POLYMARKET, Listing
from arb_platform.domain.pairs import Candidate
from arb_platform.pipeline.ground import now, open_writer, refuse_real_venue
from arb_platform.settings import Settings
from arb_platform.storage.attach import check_catalog
from arb_platform.storage.intake import MarketIntake
from arb_platform.storage.markets import FELL, ListingChange, last_count, market_contents, save_listing
from arb_platform.storage.pairs import count_candidates, load_candidates
from arb_platform.venues.page_journal import PageJournal
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
    journal = PageJournal(settings.root / f"listing-{venue}.pages", address=base_url)
    with MarketIntake(settings.root / "intake", at=now()) as intake:
        listing = await VENUES[venue].listing(
            base_url=base_url, on_page=on_page, journal=journal, hand_on=intake.add
        )
        if not len(intake):
            raise ListingError(
                f"{venue} listed no markets at {base_url} ({listing.reason}); nothing was changed. "
                "Check the address and try again."
            )
        with open_writer(settings) as lake:
            listing = _doubted(listing, last_count(lake, venue))
            change = save_listing(lake, listing, intake)
    return Listed(
        venue,
        listing.count,
        listing.pages,
        listing.complete,
        listing.reason,
        change,
        (listing.ended_at - listing.started_at).total_seconds(),
    )


def _doubted(listing: Listing, before: int | None) -> Listing:
    """The listing as incomplete when it lost half of what the last one had, whatever the venue says.

    The next listing is compared with this one: a venue that did lose half is believed the second time.
    """
    if not listing.complete or before is None or 2 * listing.count > before:
        return listing
    reason = f"{FELL}: {listing.count} markets where {before} were listed the last time"
    return replace(listing, complete=False, reason=reason)


@dataclass(frozen=True, slots=True)
class Proposed:
    """What stands after a proposal: ``new`` of the pairs were not there, or not like that, before it."""

    candidates: int
    unbroken: int
    new: int
    # the best ones that break no rule
    best: list[Candidate]


def propose_candidates(
    settings: Settings,
    *,
    keep: int = CANDIDATES_PER_MARKET,
    best: int = 25,
    progress: Progress | None = None,
) -> Proposed:
    """Propose pairs of the markets in the lake and save them; after the first time, of what changed.

    ``progress`` is told how many of the pairs to save are saved.

    Raises ListingError when one venue has no markets yet.
    """
    with open_writer(settings) as lake:
        contents = {venue: market_contents(lake, venue) for venue in (POLYMARKET, KALSHI)}
        missing = [venue for venue, found in contents.items() if not found]
        if missing:
            raise ListingError(
                f"the lake has no active markets of {' and '.join(missing)} yet; "
                f"list them first: arb markets {missing[0]} (or materialize {missing[0]}_markets)"
            )
        # scikit-learn takes longer to import than everything else together, and streams never need it.
        from arb_platform.pipeline.proposing import propose_changes  # noqa: PLC0415

        at = now()
        new = propose_changes(
            lake, contents, settings.root / "nearness.npz", keep=keep, at=at, progress=progress
        )
        candidates, unbroken = count_candidates(lake, at)
        return Proposed(candidates, unbroken, new, load_candidates(lake, unbroken_only=True, at_most=best))
