"""The pairs that were accepted on one day, and for which part of it.

The view `matched_pairs` says what holds now. A report about yesterday must not lose a pair because
one of its markets has settled since, so here a pair holds while both markets meant what was judged.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from arb_platform.domain.fees import FeeTerms
from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.reports.edge_pairs import pair_rows
from arb_platform.reports.report import Period
from arb_platform.storage.fee_versions import load_fee_terms
from arb_platform.storage.lake import Lake

# Of several verdicts the newest counts, also for the time before it: that two texts mean the same
# does not begin with somebody saying so. `failed` says nothing, an offline judge decides nothing.
# The first version of a market also holds before it was listed.
ACCEPTED: Final = """
    WITH verdict AS (
        SELECT * FROM lake.verdicts WHERE judge <> 'offline' AND status <> 'failed' AND valid_until > $1
        QUALIFY row_number() OVER (PARTITION BY pair_hash ORDER BY decided_at DESC, status = 'accepted') = 1
    ), review AS (
        SELECT * FROM lake.reviews
        QUALIFY row_number() OVER (PARTITION BY pair_hash ORDER BY decided_at DESC, decision DESC) = 1
    ), version AS (
        SELECT *, CASE WHEN row_number() OVER (PARTITION BY venue, market_id ORDER BY valid_from) > 1 THEN valid_from END AS since
        FROM lake.market_versions
    )
    SELECT c.pair_hash, c.polymarket_id, c.kalshi_id, v.orientation, greatest(p.since, k.since) AS begins,
           least(p.valid_to, k.valid_to, CASE WHEN r.decision IS DISTINCT FROM 'accept' THEN v.valid_until END) AS stops,
           p.valid_from AS polymarket_version, k.valid_from AS kalshi_version
    FROM lake.candidate_pairs c
    JOIN version p ON p.venue = 'polymarket' AND p.market_id = c.polymarket_id AND p.content_hash = c.polymarket_content_hash
    JOIN version k ON k.venue = 'kalshi' AND k.market_id = c.kalshi_id AND k.content_hash = c.kalshi_content_hash
    LEFT JOIN verdict v ON v.pair_hash = c.pair_hash
    LEFT JOIN review r ON r.pair_hash = c.pair_hash
    WHERE (r.decision = 'accept' OR (r.decision IS NULL AND v.status = 'accepted'))
      AND coalesce(greatest(p.since, k.since) < $2, true)
      AND coalesce(least(p.valid_to, k.valid_to) > greatest($1, p.since, k.since), true)"""

FIRST_ACCEPTED: Final = """
    SELECT CAST(min(decided_at) AT TIME ZONE 'UTC' AS DATE) AS first FROM (
        SELECT decided_at FROM lake.verdicts WHERE status = 'accepted' AND judge <> 'offline'
        UNION ALL SELECT decided_at FROM lake.reviews WHERE decision = 'accept')"""

_LEGS: Final = f"""
    WITH accepted AS ({ACCEPTED})
    SELECT a.pair_hash, a.orientation, a.begins, a.stops, v.* EXCLUDE (valid_to)
    FROM accepted a JOIN lake.market_versions v
        ON (v.venue = 'polymarket' AND v.market_id = a.polymarket_id AND v.valid_from = a.polymarket_version)
        OR (v.venue = 'kalshi' AND v.market_id = a.kalshi_id AND v.valid_from = a.kalshi_version)
    ORDER BY a.pair_hash, a.begins NULLS FIRST, v.venue"""

# As much of a market as an edge depends on.
_WANTED: Final = (
    "venue", "market_id", "symbol", "title", "rules", "close_time", "resolution_source", "category", "outcome",
    "status", "mutually_exclusive", "fee_type", "fee_rate", "fee_exponent", "fee_multiplier",
)  # fmt: skip


def dated_pairs(lake: Lake, period: Period) -> list[dict[str, Any]]:
    """What edges must know of each pair that was one within ``period``, a row for each stretch of equal fees."""
    legs: dict[tuple[str, datetime | None], dict[str, dict[str, Any]]] = {}
    for row in lake.query(_LEGS, [period.start, period.end]).iter_rows(named=True):
        legs.setdefault((row["pair_hash"], row["begins"]), {})[row["venue"]] = row
    ids = sorted({row["market_id"] for both in legs.values() for row in both.values()})
    terms = load_fee_terms(lake, ids)
    pairs: list[dict[str, Any]] = []
    for (pair_hash, begins), both in legs.items():
        if len(both) == 2:
            pairs += _rows(pair_hash, begins, both, terms, period)
    return pairs


def _rows(
    pair_hash: str,
    begins: datetime | None,
    both: dict[str, dict[str, Any]],
    terms: dict[tuple[str, str], list[FeeTerms]],
    period: Period,
) -> list[dict[str, Any]]:
    poly, kalshi = both[POLYMARKET], both[KALSHI]
    fees = tuple(terms.get((row["venue"], row["market_id"]), []) for row in (poly, kalshi))
    return pair_rows(
        pair_hash, _market(poly), _market(kalshi), poly["orientation"] or "unknown",
        start=period.start, end=max(period.end, period.start + timedelta(microseconds=1)),
        terms=(fees[0], fees[1]), begins=_utc(begins), stops=_utc(poly["stops"]),
    )  # fmt: skip


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _market(row: dict[str, Any]) -> Market:
    values = {name: row[name] for name in _WANTED} | {"close_time": _utc(row["close_time"])}
    return Market(**values, subtitle=row["subtitle"] or "", market_type=row["market_type"] or "binary")
