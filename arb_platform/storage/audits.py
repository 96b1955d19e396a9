"""What is checked about matching afterwards: evaluations, settlements, likely misses."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import polars as pl
import pyarrow as pa

from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.storage.catalogue_tables import EVALUATIONS, LIKELY_MISSES, SETTLEMENTS
from arb_platform.storage.columns import Table
from arb_platform.storage.lake import Connection, Lake, merge_into
from arb_platform.storage.market_rows import read_market

# Every pair whose last decision was to accept it, expired or not; a person's word goes before a model's.
_ACCEPTED = """
WITH model AS (
    SELECT pair_hash, orientation, status = 'accepted' AS accepted, judge || ':' || model AS decided_by
    FROM verdicts WHERE status <> 'failed' AND judge <> 'offline'
    QUALIFY row_number() OVER (PARTITION BY pair_hash ORDER BY decided_at DESC, status = 'accepted') = 1
), person AS (
    SELECT pair_hash, decision = 'accept' AS accepted, 'human:' || reviewer AS decided_by
    FROM reviews QUALIFY row_number() OVER (PARTITION BY pair_hash ORDER BY decided_at DESC, decision DESC) = 1
)
SELECT c.pair_hash, CASE WHEN m.orientation = 'inverted' THEN 'inverted' ELSE 'same' END AS orientation,
    coalesce(p.decided_by, m.decided_by) AS decided_by, c.polymarket_id, c.kalshi_id
FROM candidate_pairs c LEFT JOIN model m ON m.pair_hash = c.pair_hash LEFT JOIN person p ON p.pair_hash = c.pair_hash
WHERE coalesce(p.accepted, m.accepted, false) ORDER BY c.pair_hash"""
_LAST = """
SELECT * EXCLUDE (place) FROM (
    SELECT *, row_number() OVER (PARTITION BY venue, market_id ORDER BY valid_from DESC) AS place
    FROM market_versions WHERE venue = $1 AND {which}
) WHERE place = 1 ORDER BY market_id"""


@dataclass(frozen=True, slots=True)
class AcceptedPair:
    """A pair that a model or a person accepted, as its markets are known last."""

    pair_hash: str
    orientation: str
    decided_by: str
    polymarket: Market
    kalshi: Market


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an accepted pair settled."""

    pair_hash: str
    polymarket_id: str
    kalshi_id: str
    orientation: str
    polymarket_result: str
    kalshi_result: str
    settled_alike: bool
    decided_by: str
    found_at: datetime


@dataclass(frozen=True, slots=True)
class LikelyMiss:
    """Two settled markets that look alike and were never proposed, and why not."""

    polymarket_id: str
    kalshi_id: str
    score: float
    settled_alike: bool
    reason: str
    found_at: datetime


@dataclass(frozen=True, slots=True)
class EvaluationRow:
    """One stage on one stratum of one labelled file."""

    evaluated_at: datetime
    file: str
    stage: str
    stratum: str
    identical_passed: int
    identical_refused: int
    other_passed: int
    other_refused: int
    rules_version: str
    model: str | None


def accepted_pairs(lake: Lake) -> list[AcceptedPair]:
    """Pairs whose last decision was to accept them, also of markets that are gone."""
    pairs = lake.query(_ACCEPTED)
    if pairs.is_empty():
        return []
    known = {
        venue: {one.market_id: one for one in last_markets(lake, venue, pairs[column].unique().to_list())}
        for venue, column in ((POLYMARKET, "polymarket_id"), (KALSHI, "kalshi_id"))
    }
    return [
        AcceptedPair(
            row["pair_hash"], row["orientation"], row["decided_by"],
            known[POLYMARKET][row["polymarket_id"]], known[KALSHI][row["kalshi_id"]],
        )
        for row in pairs.iter_rows(named=True)
        if row["polymarket_id"] in known[POLYMARKET] and row["kalshi_id"] in known[KALSHI]
    ]  # fmt: skip


def last_markets(lake: Lake, venue: str, ids: Sequence[str]) -> list[Market]:
    """The last known version of markets, listed still or not."""
    sql = _LAST.format(which="market_id IN (SELECT unnest($2::VARCHAR[]))")
    return [read_market(row) for row in lake.query(sql, [venue, list(ids)]).iter_rows(named=True)]


def settled_markets(lake: Lake, venue: str, *, since: datetime) -> list[Market]:
    """Markets whose result is known and that closed since then."""
    sql = _LAST.format(which="coalesce(result, '') <> '' AND close_time >= $2")
    return [read_market(row) for row in lake.query(sql, [venue, since]).iter_rows(named=True)]


def unsettled_ids(
    lake: Lake, venue: str, *, closed_before: datetime, since: datetime, at_most: int
) -> list[str]:
    """Markets that should have a result by now and have none in the lake, the latest to close first."""
    frame = lake.query(
        """
        SELECT market_id, max(close_time) AS closed FROM market_versions
        WHERE venue = $1 GROUP BY market_id
        HAVING bool_and(coalesce(result, '') = '') AND max(close_time) < $2 AND max(close_time) >= $3
        ORDER BY closed DESC, market_id LIMIT $4""",
        [venue, closed_before, since, at_most],
    )
    return frame["market_id"].to_list()


def save_results(lake: Lake, venue: str, found: Mapping[str, Market]) -> int:
    """Note status and result of settled markets in their last version; no new version, as always for results."""
    rows = [(one, market.status, market.result) for one, market in found.items() if market.result]
    if not rows:
        return 0
    frame = pl.DataFrame(rows, schema=["market_id", "status", "result"], orient="row")

    def note(connection: Connection) -> None:
        connection.register("incoming", frame.to_arrow())
        connection.execute(
            "UPDATE market_versions t SET status = i.status, result = i.result FROM incoming i WHERE t.venue = $1 "
            "AND t.market_id = i.market_id AND t.valid_from = (SELECT max(v.valid_from) FROM market_versions v "
            "WHERE v.venue = $1 AND v.market_id = i.market_id)",
            [venue],
        )
        connection.unregister("incoming")

    lake.run(note)
    return len(rows)


def save_settlements(lake: Lake, settlements: Sequence[Settlement]) -> None:
    """Keep how pairs settled; the time of the first finding stays."""
    _merge(lake, SETTLEMENTS, settlements)


def save_misses(lake: Lake, misses: Sequence[LikelyMiss]) -> None:
    """Keep likely misses; the time of the first finding stays."""
    _merge(lake, LIKELY_MISSES, misses)


def save_evaluation(lake: Lake, rows: Sequence[EvaluationRow]) -> None:
    """Keep one evaluation."""
    lake.append(EVALUATIONS.name, _frame(EVALUATIONS, rows))


def _merge(lake: Lake, table: Table, rows: Sequence[Settlement] | Sequence[LikelyMiss]) -> None:
    if rows:
        frame = _frame(table, rows)
        lake.run(
            lambda connection: merge_into(connection, table.name, frame, table.key, insert_only=["found_at"])
        )


def _frame(
    table: Table, rows: Sequence[Settlement] | Sequence[LikelyMiss] | Sequence[EvaluationRow]
) -> pl.DataFrame:
    frame = pl.from_arrow(pa.Table.from_pylist([asdict(row) for row in rows], table.arrow_schema()))
    assert isinstance(frame, pl.DataFrame)
    return frame
