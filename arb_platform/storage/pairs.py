"""Candidates, verdicts, reviews and validation runs, there and back."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, Literal, get_args

import polars as pl
import pyarrow as pa

from arb_platform.domain.errors import StorageError
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.domain.pairs import Candidate, Evidence, FieldMatches, MarketPair, Verdict, VerdictStatus
from arb_platform.storage.catalogue_tables import CANDIDATE_PAIRS, REVIEWS, VALIDATION_RUNS, VERDICTS
from arb_platform.storage.columns import Table
from arb_platform.storage.lake import Connection, Lake, merge_into
from arb_platform.storage.market_rows import read_market
from arb_platform.storage.text import storable

Decision = Literal["accept", "reject"]


@dataclass(frozen=True, slots=True)
class Review:
    """One human decision about a pair."""

    pair_hash: str
    decision: Decision
    reason: str
    reviewer: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class ValidationRun:
    """One walk of the validator through the candidates, in counts."""

    run_id: str
    started_at: datetime
    ended_at: datetime
    judge: str
    model: str
    candidates: int
    asked: int
    cached: int
    accepted: int
    rejected: int
    review: int
    failed: int
    cost_usd: Decimal | None = None
    stopped_reason: str | None = None


def save_candidates(lake: Lake, candidates: Sequence[Candidate], proposed_at: datetime) -> None:
    """Insert candidates or refresh those that are there; ``first_proposed_at`` keeps its value."""
    if not candidates:
        return
    frame = _frame(
        CANDIDATE_PAIRS,
        (
            {
                "pair_hash": candidate.pair_hash,
                "polymarket_id": candidate.pair.polymarket.market_id,
                "kalshi_id": candidate.pair.kalshi.market_id,
                "polymarket_content_hash": candidate.pair.polymarket.content_hash,
                "kalshi_content_hash": candidate.pair.kalshi.content_hash,
                "score": candidate.score,
                "features": json.dumps(candidate.features, sort_keys=True, default=str),
                "broken_rules": list(candidate.broken_rules),
                "proposed_at": proposed_at,
                "first_proposed_at": proposed_at,
            }
            for candidate in candidates
        ),
    )
    lake.run(
        lambda connection: merge_into(
            connection, CANDIDATE_PAIRS.name, frame, ["pair_hash"], insert_only=["first_proposed_at"]
        )
    )


def confirm_candidates(lake: Lake, pairs: Sequence[tuple[str, str, str, str]], proposed_at: datetime) -> int:
    """Say of pairs that are kept already that this run proposed them too; returns how many are kept.

    A pair is told by polymarket_id, kalshi_id and the content hashes of both.
    """
    names = ("polymarket_id", "kalshi_id", "polymarket_content_hash", "kalshi_content_hash")
    frame = pl.DataFrame(
        [tuple(storable(part) for part in pair) for pair in pairs], schema=dict.fromkeys(names, pl.String), orient="row"
    )  # fmt: skip
    on = " AND ".join(f"t.{name} = s.{name}" for name in names)

    def confirm(connection: Connection) -> int:
        connection.register("incoming", frame.to_arrow())
        row = connection.execute(
            f"UPDATE candidate_pairs t SET proposed_at = $1 FROM incoming s WHERE {on}", [proposed_at]
        ).fetchone()
        connection.unregister("incoming")
        return int(row[0]) if row else 0

    return lake.run(confirm) if pairs else 0


def count_candidates(lake: Lake, proposed_at: datetime) -> tuple[int, int]:
    """How many pairs the run of that moment proposed, and how many of them break no rule."""
    row = lake.query(
        "SELECT count(*) AS n, count(*) FILTER (len(broken_rules) = 0) AS unbroken FROM candidate_pairs WHERE proposed_at = $1",
        [proposed_at],
    ).row(0)
    return int(row[0]), int(row[1])


def load_candidates(
    lake: Lake, *, unbroken_only: bool = False, at_most: int | None = None
) -> list[Candidate]:
    """Candidates whose markets still mean what they meant, best score first.

    A candidate with a market that changed or is gone is another pair, which a new proposal makes.
    """
    broken = "AND len(c.broken_rules) = 0" if unbroken_only else ""
    limit = "" if at_most is None else f"LIMIT {at_most:d}"
    pairs = lake.query(
        f"""
        SELECT c.polymarket_id, c.kalshi_id, c.score, c.features, c.broken_rules FROM candidate_pairs c
        WHERE EXISTS (SELECT 1 FROM markets m WHERE m.venue = '{POLYMARKET}' AND m.market_id = c.polymarket_id
                      AND m.content_hash = c.polymarket_content_hash)
          AND EXISTS (SELECT 1 FROM markets m WHERE m.venue = '{KALSHI}' AND m.market_id = c.kalshi_id
                      AND m.content_hash = c.kalshi_content_hash) {broken}
        ORDER BY c.score DESC, c.pair_hash {limit}"""
    )
    if pairs.is_empty():
        return []
    frame = lake.query(
        "SELECT * FROM markets WHERE (venue = $1 AND market_id IN (SELECT unnest($3::VARCHAR[]))) "
        "OR (venue = $2 AND market_id IN (SELECT unnest($4::VARCHAR[])))",
        [POLYMARKET, KALSHI, *(pairs[name].unique().to_list() for name in ("polymarket_id", "kalshi_id"))],
    )
    markets = {(row["venue"], row["market_id"]): read_market(row) for row in frame.iter_rows(named=True)}
    found: list[Candidate] = []
    for row in pairs.iter_rows(named=True):
        polymarket = markets.get((POLYMARKET, row["polymarket_id"]))
        kalshi = markets.get((KALSHI, row["kalshi_id"]))
        if polymarket is None or kalshi is None:
            continue  # gone between the two queries
        pair = MarketPair(polymarket, kalshi)
        found.append(Candidate(pair, row["score"], json.loads(row["features"]), tuple(row["broken_rules"])))
    return found


def save_verdicts(lake: Lake, verdicts: Iterable[Verdict]) -> None:
    """Store judgements; saving the same one again changes nothing."""
    rows = [verdict_row(verdict_document(verdict)) for verdict in verdicts]
    if rows:
        lake.run(lambda connection: merge_verdicts(connection, rows))


def merge_verdicts(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """The same inside a transaction, of rows that :func:`verdict_row` gave."""
    if rows:
        merge_into(connection, VERDICTS.name, _frame(VERDICTS, rows), VERDICTS.key)


def valid_verdicts(
    lake: Lake, *, model: str, prompt_version: str, rules_version: str, now: datetime
) -> dict[str, Verdict]:
    """pair_hash -> the newest verdict of this model, prompt and rules that still holds.

    Failed questions are not among them: nobody answered, so they must be asked again. A verdict from ahead of
    ``now`` was given by a clock that was set back since; up to ten minutes of that is no reason to pay twice.
    """
    frame = lake.query(
        "SELECT * FROM verdicts WHERE model = $1 AND prompt_version = $2 AND rules_version = $3 "
        "AND status <> 'failed' AND valid_until > $4 AND decided_at <= $4 + INTERVAL 10 MINUTE ORDER BY decided_at",
        [model, prompt_version, rules_version, now],
    )
    return {row["pair_hash"]: _verdict(row) for row in frame.iter_rows(named=True)}


def load_verdicts(lake: Lake, status: VerdictStatus | None = None, *, history: bool = False) -> list[Verdict]:
    """The newest verdict of each pair, or with ``history`` all, newest first; ``status`` filters them."""
    newest = (
        "" if history else "QUALIFY row_number() OVER (PARTITION BY pair_hash ORDER BY decided_at DESC) = 1"
    )
    frame = lake.query(
        f"SELECT * FROM (SELECT * FROM verdicts {newest}) WHERE $1::VARCHAR IS NULL OR status = $1 ORDER BY decided_at DESC, pair_hash",
        [status],
    )
    return [_verdict(row) for row in frame.iter_rows(named=True)]


def save_review(  # noqa: PLR0917 the order is the command line's
    lake: Lake, pair_hash: str, decision: Decision, reason: str, reviewer: str, decided_at: datetime
) -> None:
    """Keep a human decision. Raises StorageError for a pair nobody proposed or a decision that is none."""
    if decision not in get_args(Decision):
        raise StorageError(f"a review says accept or reject, not {decision!r}.")
    if lake.query("SELECT 1 FROM candidate_pairs WHERE pair_hash = $1", [pair_hash]).is_empty():
        raise StorageError(
            f"no candidate pair has the hash {pair_hash!r}; `arb review list` shows those that wait."
        )
    row = {
        "pair_hash": pair_hash,
        "decision": decision,
        "reason": reason,
        "reviewer": reviewer,
        "decided_at": decided_at,
    }
    lake.append(REVIEWS.name, _frame(REVIEWS, [row]))


def load_reviews(lake: Lake) -> list[Review]:
    """All human decisions, newest first."""
    frame = lake.query(
        "SELECT pair_hash, decision, reason, reviewer, decided_at FROM reviews ORDER BY decided_at DESC"
    )
    return [Review(**{**row, "decided_at": _utc(row["decided_at"])}) for row in frame.iter_rows(named=True)]


def save_validation_run(lake: Lake, run: ValidationRun) -> None:
    """Keep the counts of one validation run, replacing an earlier row of the same ``run_id``."""
    row = {column.name: getattr(run, column.name) for column in VALIDATION_RUNS.columns}
    lake.merge(VALIDATION_RUNS.name, _frame(VALIDATION_RUNS, [row]), VALIDATION_RUNS.key)


_FIELDS: Final = ("time_window", "outcome_definition", "resolution_source")
_TIMES: Final = ("decided_at", "valid_until")


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """``verdict`` as JSON values, times as ISO text: what a journal keeps."""
    document = {name: getattr(verdict.field_matches, name) for name in _FIELDS}
    for column in VERDICTS.columns:
        if column.name not in document:
            document[column.name] = getattr(verdict, column.name)
    quotes = [{"venue": evidence.venue, "quote": evidence.quote} for evidence in verdict.evidence]
    times = {name: _utc(document[name]).isoformat() for name in _TIMES}
    return document | times | {"evidence": json.dumps(quotes), "objections": list(verdict.objections)}


def verdict_row(document: dict[str, Any]) -> dict[str, Any]:
    """The row of ``verdicts`` that a document says. Raises ValueError, KeyError or TypeError where it is none."""
    row = {name: document[name] for name in VERDICTS.names}
    return row | {name: datetime.fromisoformat(row[name]) for name in _TIMES}


def _verdict(row: dict[str, Any]) -> Verdict:
    matches = FieldMatches(**{name: row.pop(name) for name in _FIELDS})
    evidence = tuple(Evidence(quote["venue"], quote["quote"]) for quote in json.loads(row.pop("evidence")))
    for name in _TIMES:
        row[name] = _utc(row[name])
    return Verdict(
        **row | {"field_matches": matches, "evidence": evidence, "objections": tuple(row["objections"])}
    )


def _frame(table: Table, rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    schema = table.arrow_schema()
    frame = pl.from_arrow(pa.Table.from_pylist([_storable(row) for row in rows], schema))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _storable(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: storable(value)
        if isinstance(value, str)
        else [storable(text) for text in value]
        if isinstance(value, list)
        else value
        for name, value in row.items()
    }


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
