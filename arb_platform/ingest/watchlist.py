"""Which markets a stream follows: ``ARB_TRACK``."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.storage.lake import Lake
from arb_platform.storage.markets import load_markets

# `pairs` fills up with the most traded markets to so many in all.
LARGEST_WATCHLIST: Final = 400


def watchlist(lake: Lake, venue: str, track: str, *, limit: int = LARGEST_WATCHLIST) -> list[Market] | None:
    """The markets of ``venue`` to follow, or None when the lake does not know any yet.

    ``track`` is ``pairs`` (accepted pairs first, then candidates, then by volume) or ``all``; for
    anything else see :func:`named_markets`.
    """
    markets = {market.market_id: market for market in load_markets(lake, venue)}
    by_volume = sorted(markets.values(), key=lambda market: market.volume or Decimal(0), reverse=True)
    if track == "all":
        return by_volume or None
    first = [markets[name] for name in _in_pairs(lake, venue) if name in markets]
    return list({market.market_id: market for market in [*first, *by_volume]}.values())[:limit] or None


def is_list(track: str) -> bool:
    """True when ``track`` names markets, and nothing but these is to be followed."""
    return track not in {"pairs", "all"}


def named(track: str) -> list[str]:
    """The ids of a comma-separated list."""
    return [name.strip() for name in track.split(",") if name.strip()]


def named_of(track: str, venue: str) -> list[str]:
    """Those ids of a list for both venues that have the form of ``venue``'s.

    Polymarket's condition ids begin with 0x and its token ids are decimal numbers; everything else is a Kalshi ticker.
    """
    return [
        name
        for name in named(track)
        if (POLYMARKET if name.startswith("0x") or name.isdecimal() else KALSHI) == venue
    ]


def named_markets(lake: Lake, venue: str, names: Sequence[str]) -> list[Market | str]:
    """What was named, as far as the lake knows it; an id that it does not know is looked up at the venue."""
    known = {market.market_id: market for market in load_markets(lake, venue, ids=names, active_only=False)}
    return [known.get(name, name) for name in names]


def _in_pairs(lake: Lake, venue: str) -> Sequence[str]:
    """Markets of accepted pairs, then of unbroken candidates, the likelier first."""
    column = f"{venue}_id"
    frame = lake.query(
        f"""
        SELECT market_id FROM (
            SELECT {column} AS market_id, 0 AS tier, -similarity AS rank FROM lake.matched_pairs
            UNION ALL
            SELECT {column}, 1, -score FROM lake.candidate_pairs
            WHERE len(broken_rules) = 0
        ) GROUP BY market_id ORDER BY min(tier), min(rank)
        """
    )
    return frame["market_id"].to_list()
