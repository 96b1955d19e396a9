"""What settled since: did accepted pairs settle alike, and which pairs were missed?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.domain.pairs import MarketPair
from arb_platform.matching.settlement import settled_alike
from arb_platform.pipeline.ground import now, open_writer, refuse_real_venue
from arb_platform.settings import Settings
from arb_platform.storage.audits import (
    AcceptedPair,
    LikelyMiss,
    Settlement,
    accepted_pairs,
    save_misses,
    save_results,
    save_settlements,
    settled_markets,
    unsettled_ids,
)
from arb_platform.storage.lake import Lake
from arb_platform.venues.lookups import KalshiLookup, PolymarketLookup
from arb_platform.venues.rest_client import RestClient

# How far back results are asked for, and of how many markets beside the accepted ones.
_LOOK_BACK: Final = timedelta(days=14)
_SAMPLE: Final = 500
# Two titles at least so near are worth a look, and so many of them are kept each time.
_ALIKE: Final = 0.5
_KEPT_MISSES: Final = 20
_NEIGHBOURS: Final = 3


@dataclass(frozen=True, slots=True)
class SettlementAudit:
    """Accepted pairs by how they settled; ``unlike`` is what must never happen."""

    accepted: int
    settled: int
    unlike: tuple[Settlement, ...]
    misses: tuple[LikelyMiss, ...]

    @property
    def passed(self) -> bool:
        """Whether no accepted pair settled in two ways: the blocking check."""
        return not self.unlike


async def audit_settlements(settings: Settings) -> SettlementAudit:
    """Ask the venues how markets settled, keep it, and compare. Raises TransportError or WireError."""
    for venue in (POLYMARKET, KALSHI):
        refuse_real_venue(settings, venue)
    with open_writer(settings) as lake:
        at = now()
        for venue, ids in _unsettled(lake, accepted_pairs(lake), at).items():
            save_results(lake, venue, await _results(settings, venue, ids))
        return audit_known(lake, at)


def settlement_check(settings: Settings) -> SettlementAudit:
    """The same comparison on what the lake knows already; nothing is asked."""
    with open_writer(settings) as lake:
        return audit_known(lake, now())


def audit_known(lake: Lake, at: datetime) -> SettlementAudit:
    """Compare what is known in ``lake``, and keep settlements and likely misses."""
    accepted = accepted_pairs(lake)
    found = [one for pair in accepted if (one := _settlement(pair, at)) is not None]
    save_settlements(lake, found)
    misses = _misses(lake, at)
    save_misses(lake, misses)
    return SettlementAudit(
        len(accepted), len(found), tuple(one for one in found if not one.settled_alike), tuple(misses)
    )


def _settlement(pair: AcceptedPair, at: datetime) -> Settlement | None:
    alike = settled_alike(pair.polymarket, pair.kalshi, orientation=pair.orientation)
    if alike is None:
        return None
    return Settlement(
        pair.pair_hash, pair.polymarket.market_id, pair.kalshi.market_id, pair.orientation,
        pair.polymarket.result or "", pair.kalshi.result or "", alike, pair.decided_by, at,
    )  # fmt: skip


def _unsettled(lake: Lake, accepted: Sequence[AcceptedPair], at: datetime) -> dict[str, list[str]]:
    """Ids to ask about: of accepted pairs whatever the age, and a sample of what closed lately."""
    wanted: dict[str, list[str]] = {}
    for venue in (POLYMARKET, KALSHI):
        markets = [getattr(pair, venue) for pair in accepted]
        own = [one.market_id for one in markets if not one.result and _over(one, at)]
        lately = unsettled_ids(lake, venue, closed_before=at, since=at - _LOOK_BACK, at_most=_SAMPLE)
        wanted[venue] = list(dict.fromkeys([*own, *lately]))
    return wanted


def _over(market: Market, at: datetime) -> bool:
    # Games are decided weeks before their market closes: one that is no longer active may have a result.
    return market.status != "active" or market.close_time is None or market.close_time <= at


async def _results(settings: Settings, venue: str, ids: list[str]) -> dict[str, Market]:
    if not ids:
        return {}
    base_url = settings.polymarket_gamma_url if venue == POLYMARKET else settings.kalshi_rest
    client = RestClient(base_url, venue=venue)
    try:
        lookup = PolymarketLookup(client) if venue == POLYMARKET else KalshiLookup(client)
        return await lookup.settled(ids)
    finally:
        await client.aclose()


def _misses(lake: Lake, at: datetime) -> list[LikelyMiss]:
    """Settled markets of both venues that look alike, break no rule, and were never proposed."""
    since = at - _LOOK_BACK
    left, right = (settled_markets(lake, venue, since=since) for venue in (POLYMARKET, KALSHI))
    if not left or not right:
        return []
    # scikit-learn takes longer to import than everything else together.
    from arb_platform.matching.candidates import propose  # noqa: PLC0415

    proposed = {
        (row[0], row[1])
        for row in lake.query("SELECT DISTINCT polymarket_id, kalshi_id FROM candidate_pairs").iter_rows()
    }
    found: list[LikelyMiss] = []
    proposals = propose(left, right, keep=_NEIGHBOURS, min_score=_ALIKE)
    for candidate in proposals:
        one, other = candidate.pair.polymarket, candidate.pair.kalshi
        if candidate.broken_rules or (one.market_id, other.market_id) in proposed:
            continue
        alike = settled_alike(one, other, orientation="same")
        if alike is not None:
            reason = _reason(lake, candidate.pair)
            found.append(LikelyMiss(one.market_id, other.market_id, candidate.score, alike, reason, at))
    return sorted(found, key=lambda miss: -miss.score)[:_KEPT_MISSES]


_TOGETHER: Final = """
SELECT count(*) AS n FROM market_versions p JOIN market_versions k
    ON p.valid_from < coalesce(k.valid_to, 'infinity') AND k.valid_from < coalesce(p.valid_to, 'infinity')
WHERE p.venue = 'polymarket' AND p.market_id = $1 AND k.venue = 'kalshi' AND k.market_id = $2"""


def _reason(lake: Lake, pair: MarketPair) -> str:
    """Why two markets that look alike were not proposed."""
    ids = [pair.polymarket.market_id, pair.kalshi.market_id]
    if not lake.query(_TOGETHER, ids)["n"][0]:
        return "never listed at the same time"
    others = lake.query(
        "SELECT count(*) AS n, min(score) AS least FROM candidate_pairs WHERE polymarket_id = $1", ids[:1]
    ).row(0)
    if not others[0]:
        return "no candidate was proposed for the Polymarket market while both were listed"
    return f"{others[0]} other candidates of the Polymarket market were nearer (the last one {others[1]:.2f})"
