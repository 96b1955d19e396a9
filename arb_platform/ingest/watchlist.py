"""Which markets a stream follows: ``ARB_TRACK``."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from arb_platform.domain.markets import Market
from arb_platform.storage.lake import Lake
from arb_platform.storage.markets import load_markets

# `pairs` fills up with the most traded markets to so many in all.
LARGEST_WATCHLIST: Final = 400


def watchlist(lake: Lake, venue: str, track: str, *, limit: int = LARGEST_WATCHLIST) -> list[Market] | None:
    """The markets of ``venue`` to follow, or None when the lake does not know any yet.

    ``track`` is ``pairs`` (accepted pairs first, then candidates, then by volume), ``all``, or a
    comma-separated list of ids of either venue.
    """
    markets = {market.market_id: market for market in load_markets(lake, venue)}
    if track not in {"pairs", "all"}:
        return [markets[name] for name in named(track) if name in markets] or None
    by_volume = sorted(markets.values(), key=lambda market: market.volume or Decimal(0), reverse=True)
    if track == "all":
        return by_volume or None
    first = [markets[name] for name in _in_pairs(lake, venue) if name in markets]
    return list({market.market_id: market for market in [*first, *by_volume]}.values())[:limit] or None


def named(track: str) -> list[str]:
    """The ids of a comma-separated list."""
    return [name.strip() for name in track.split(",") if name.strip()]


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
