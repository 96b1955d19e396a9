"""What markets charged and when: fee changes kept as rows, while ``market_versions`` shows the newest only."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from arb_platform.domain.fees import FeeTerms
from arb_platform.storage.lake import Connection, Lake

_TERMS: Final = ("category", "fee_type", "fee_rate", "fee_exponent", "fee_multiplier")
_LISTED: Final = ", ".join(("series_id", *_TERMS))
_CHANGED: Final = " OR ".join(f"f.{name} IS DISTINCT FROM i.{name}" for name in _TERMS)


def note_fees(connection: Connection, venue: str, at: datetime) -> None:
    """Add a version for each market of the registered ``incoming`` whose fees are new or changed.

    Part of the transaction that stores a listing.
    """
    connection.execute(
        f"""
        INSERT INTO fee_versions (venue, market_id, {_LISTED}, valid_from)
        SELECT $1, i.market_id, {", ".join(f"i.{name}" for name in ("series_id", *_TERMS))}, $2
        FROM incoming i LEFT JOIN (
            SELECT * FROM fee_versions WHERE venue = $1
            QUALIFY row_number() OVER (PARTITION BY market_id ORDER BY valid_from DESC) = 1
        ) f USING (market_id)
        WHERE f.market_id IS NULL OR {_CHANGED}""",
        [venue, at],
    )


def load_fee_terms(lake: Lake, market_ids: Sequence[str]) -> dict[tuple[str, str], list[FeeTerms]]:
    """The versions of each of ``market_ids``, the oldest first, by venue and id; a market without any is not there."""
    rows = lake.query(
        f"SELECT venue, market_id, {', '.join(_TERMS)}, valid_from FROM fee_versions "
        "WHERE market_id IN (SELECT unnest($1::VARCHAR[])) ORDER BY venue, market_id, valid_from",
        [list(market_ids)],
    )
    terms: dict[tuple[str, str], list[FeeTerms]] = defaultdict(list)
    for row in rows.iter_rows(named=True):
        known = {name: row[name] for name in _TERMS}
        valid_from = row["valid_from"].astimezone(UTC)
        terms[row["venue"], row["market_id"]].append(FeeTerms(row["venue"], valid_from=valid_from, **known))
    return dict(terms)
