"""Markets and their versions: what a listing changed, and the markets as they are now."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import polars as pl

from arb_platform.domain.markets import Listing, Market
from arb_platform.storage.fee_versions import note_fees
from arb_platform.storage.intake import MarketIntake
from arb_platform.storage.lake import Connection, Lake, insert
from arb_platform.storage.market_rows import LISTED, VOLATILE, market_frame, read_market

# How the reason of a listing begins that ended by itself and was doubted all the same.
FELL: Final = "the count fell by half"

# DuckDB keeps the rows of a file in memory until it is written, and rule texts are long.
_ROWS_AT_ONCE: Final = 25_000


@dataclass(frozen=True, slots=True)
class ListingChange:
    """How many markets a listing showed for the first time, with another meaning, no more, or as before."""

    new: int
    changed: int
    gone: int
    unchanged: int


_COUNT: Final = """
SELECT
    count(*) FILTER (c.market_id IS NULL) AS new,
    count(*) FILTER (c.content_hash <> i.content_hash) AS changed,
    count(*) FILTER (i.market_id IS NULL) AS gone,
    count(*) FILTER (c.content_hash = i.content_hash) AS unchanged
FROM current c FULL JOIN incoming i USING (market_id)
"""
_FOLLOWED: Final = ", ".join(f"{name} = i.{name}" for name in (*VOLATILE, "exact"))
_MOVED: Final = " OR ".join(f"t.{name} IS DISTINCT FROM i.{name}" for name in (*VOLATILE, "exact"))


def save_listing(lake: Lake, listing: Listing, intake: MarketIntake | None = None) -> ListingChange:
    """Store what ``listing`` says, in one transaction; its markets were handed on to ``intake`` where there is one.

    A market that means something else gets a new version; a market that is missing is gone only if
    the listing is complete, and an empty listing is never taken for a venue without markets.
    """
    if intake is not None:
        return lake.run(lambda connection: _taken_in(connection, listing, intake))
    unique = {market.market_id: market for market in listing.markets}
    frame = market_frame(list(unique.values()))
    return lake.run(lambda connection: _registered(connection, listing, frame))


def _taken_in(connection: Connection, listing: Listing, intake: MarketIntake) -> ListingChange:
    intake.register(connection, "incoming")
    change = _save(connection, listing, len(intake))
    connection.execute("DROP VIEW incoming")
    return _noted(connection, listing, change, len(intake))


def _registered(connection: Connection, listing: Listing, frame: pl.DataFrame) -> ListingChange:
    connection.register("incoming", frame.to_arrow())
    change = _save(connection, listing, frame.height)
    connection.unregister("incoming")
    return _noted(connection, listing, change, frame.height)


def _save(connection: Connection, listing: Listing, rows: int) -> ListingChange:
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE current AS SELECT market_id, content_hash FROM market_versions WHERE venue = $1 AND valid_to IS NULL",
        [listing.venue],
    )
    row = connection.execute(_COUNT).fetchone()
    assert row is not None
    whole = listing.complete and rows > 0
    change = ListingChange(row[0], row[1], row[2] if whole else 0, row[3])
    at, venue = listing.ended_at, listing.venue
    if whole and change.gone:
        connection.execute(
            "UPDATE market_versions SET valid_to = $1, gone = true WHERE venue = $2 AND valid_to IS NULL "
            "AND market_id NOT IN (SELECT market_id FROM incoming)",
            [at, venue],
        )
    if change.unchanged:
        connection.execute(
            f"UPDATE market_versions t SET {_FOLLOWED} FROM incoming i WHERE t.venue = $1 AND t.valid_to IS NULL "
            f"AND t.market_id = i.market_id AND t.content_hash = i.content_hash AND ({_MOVED})",
            [venue],
        )
    if change.changed:
        connection.execute(
            "UPDATE market_versions t SET valid_to = $1 FROM incoming i WHERE t.venue = $2 AND t.valid_to IS NULL "
            "AND t.market_id = i.market_id AND t.content_hash <> i.content_hash",
            [at, venue],
        )
    if change.new or change.changed:
        listed = ", ".join(f'"{name}"' for name in LISTED)
        slices = 1 + (change.new + change.changed) // _ROWS_AT_ONCE
        for one in range(slices):
            connection.execute(
                f"INSERT INTO market_versions ({listed}, valid_from, gone) SELECT {listed}, $1, false FROM incoming i "
                f"WHERE hash(i.market_id) % {slices} = {one} AND NOT EXISTS "
                "(SELECT 1 FROM current c WHERE c.market_id = i.market_id AND c.content_hash = i.content_hash)",
                [at],
            )
    note_fees(connection, venue, at)
    connection.execute("DROP TABLE current")
    return change


def _noted(connection: Connection, listing: Listing, change: ListingChange, rows: int) -> ListingChange:
    insert(connection, "listings", _listing_row(listing, change, rows))
    return change


def _listing_row(listing: Listing, change: ListingChange, rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "listing_id": [uuid.uuid4().hex],
            "venue": [listing.venue],
            "started_at": [listing.started_at],
            "ended_at": [listing.ended_at],
            "duration_s": [(listing.ended_at - listing.started_at).total_seconds()],
            "pages": [listing.pages],
            "row_count": [rows],
            "complete": [listing.complete],
            "reason": [listing.reason],
            "new": [change.new],
            "changed": [change.changed],
            "gone": [change.gone],
            "unchanged": [change.unchanged],
            "skipped": [json.dumps(listing.skipped, sort_keys=True)],
        }
    )


def load_markets(
    lake: Lake, venue: str, *, ids: Sequence[str] | None = None, active_only: bool = True
) -> list[Market]:
    """The current markets of ``venue``, all fields as they were listed, in the order of their ids."""
    sql = "SELECT * FROM markets WHERE venue = $venue"
    parameters: dict[str, object] = {"venue": venue}
    if active_only:
        sql += " AND status = 'active'"
    if ids is not None:
        sql += " AND market_id IN (SELECT unnest($ids::VARCHAR[]))"
        parameters["ids"] = list(ids)
    frame = lake.query(sql + " ORDER BY market_id", parameters)
    return [read_market(row) for row in frame.iter_rows(named=True)]


def market_contents(lake: Lake, venue: str) -> dict[str, str]:
    """Content hash by id of the active markets of ``venue``, in the order of their ids."""
    frame = lake.query(
        "SELECT market_id, content_hash FROM markets WHERE venue = $1 AND status = 'active' ORDER BY market_id",
        [venue],
    )
    return dict(frame.iter_rows())


def last_count(lake: Lake, venue: str) -> int | None:
    """Markets in the last listing that the venue itself ended; None when there was none."""
    frame = lake.query(
        "SELECT row_count FROM listings WHERE venue = $1 AND (complete OR starts_with(reason, $2)) "
        "ORDER BY ended_at DESC LIMIT 1",
        [venue, FELL],
    )
    return None if frame.is_empty() else int(frame["row_count"][0])


@dataclass(frozen=True, slots=True)
class MarketVersion:
    """What a market meant from one moment to another; ``valid_to`` None means that it still does."""

    market: Market
    valid_from: datetime
    valid_to: datetime | None
    gone: bool


def market_history(lake: Lake, market: str) -> list[MarketVersion]:
    """Every version of a market named by its id or its symbol, the oldest first; empty for an unknown one."""
    frame = lake.query(
        "SELECT * FROM market_versions WHERE (venue, market_id) IN "
        "(SELECT (venue, market_id) FROM market_versions WHERE market_id = $1 OR symbol = $1) ORDER BY venue, market_id, valid_from",
        [market],
    )
    return [
        MarketVersion(
            read_market(row),
            row["valid_from"].astimezone(UTC),
            row["valid_to"].astimezone(UTC) if row["valid_to"] else None,
            bool(row["gone"]),
        )
        for row in frame.iter_rows(named=True)
    ]
