"""What every stage stands on: the lake of the profile, and the line between demo and live."""

from arb_platform import api
from arb_platform.domain.errors import SettingsError
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.pipeline.clock import now
from arb_platform.settings import Settings
from arb_platform.storage.analyst import write_analyst_sql
from arb_platform.storage.lake import Lake
from arb_platform.venues.endpoints import REAL_ADDRESSES
from arb_platform.venues.registry import VENUES

__all__ = ["now", "open_writer", "refuse_real_venue", "venue_named"]


def open_writer(settings: Settings) -> Lake:
    """The lake of this profile for writing; creates or migrates it and writes ``analyst.sql`` beside it."""
    location = api.lake_location(settings)
    lake = Lake.open(location)
    write_analyst_sql(location)
    return lake


def venue_named(venue: str) -> str:
    """Raises SettingsError with the venues there are."""
    if venue not in VENUES:
        raise SettingsError(f"no venue is called {venue!r}; choose one of {', '.join(VENUES)}")
    return venue


def refuse_real_venue(settings: Settings, venue: str) -> None:
    """Raises SettingsError when this is the demo and ``venue`` is set to an address of the venue's own.

    What a demo writes must never be taken for the real thing.
    """
    addresses = {
        POLYMARKET: (settings.polymarket_ws_url, settings.polymarket_gamma_url, settings.polymarket_clob_url),
        KALSHI: (settings.kalshi_ws, settings.kalshi_rest),
    }[venue_named(venue)]
    if settings.profile == "demo" and REAL_ADDRESSES.issuperset(addresses):
        raise SettingsError(
            f"the demo profile talks to simulators, not to {addresses[-1]}, and none run here: start them with "
            "`arb up` (or `arb simulate`, which prints the variables to set), or use --profile live."
        )
