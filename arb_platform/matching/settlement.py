"""Whether two markets paid alike: the only judge of a match that nobody can argue with."""

from typing import Final, Literal

from arb_platform.domain.markets import POLYMARKET, Market

Side = Literal["yes", "no", "neither"]
# Kalshi's words for a market that paid neither side in full (API documentation, 2026), and ours for Polymarket's.
_NEITHER: Final = frozenset({"scalar", "void", "50-50"})


def paid(market: Market) -> Side | None:
    """Which side of ``market.outcome`` was paid; None while it is not settled or says something unknown."""
    result = (market.result or "").strip().casefold()
    if not result:
        return None
    if result in _NEITHER:
        return "neither"
    if market.venue == POLYMARKET:
        if result not in (outcome.casefold() for outcome in market.outcomes):
            return None
        return "yes" if result == market.outcome.casefold() else "no"
    return {"yes": "yes", "no": "no"}.get(result)  # type: ignore[return-value]


def settled_alike(one: Market, other: Market, *, orientation: str) -> bool | None:
    """Whether the two paid as the same bet would, or the inverted one; None while one of them is open.

    A market that was voided beside one that paid is a disagreement: it cost whoever held both.
    """
    mine, theirs = paid(one), paid(other)
    if mine is None or theirs is None:
        return None
    if "neither" in (mine, theirs):
        return mine == theirs
    return (mine == theirs) == (orientation != "inverted")
