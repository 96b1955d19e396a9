"""A market as a venue lists it, in the words both venues share."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

POLYMARKET: Final = "polymarket"
KALSHI: Final = "kalshi"


@dataclass(frozen=True, slots=True)
class Market:
    """One tradable question: buying ``outcome`` pays one dollar when it comes true.

    ``market_id`` is the venue's own key (Polymarket: condition id, Kalshi: ticker). ``symbol`` is
    what people call it (Polymarket: slug, Kalshi: ticker). ``asset_ids`` are Polymarket's token
    ids in the order of ``outcomes``: 77-digit decimals, therefore text.
    """

    venue: str
    market_id: str
    symbol: str
    title: str
    rules: str
    close_time: datetime | None
    resolution_source: str
    outcome: str = "Yes"
    event_id: str | None = None
    category: str | None = None
    subtitle: str = ""
    event_title: str = ""
    series_id: str | None = None
    outcomes: tuple[str, ...] = ("Yes", "No")
    asset_ids: tuple[str, ...] = ()
    # active, or the venue's own word for why it cannot be traded
    status: str = "active"
    market_type: str = "binary"
    mutually_exclusive: bool | None = None
    tick_size: Decimal | None = None
    min_order_size: Decimal | None = None
    # Kalshi's structured strike: greater, greater_or_equal, less, less_or_equal, between, ...
    strike_type: str | None = None
    floor_strike: Decimal | None = None
    cap_strike: Decimal | None = None
    # Fees are None where the venue did not tell; None is unknown and never zero.
    fee_type: str | None = None
    fee_rate: Decimal | None = None
    fee_exponent: Decimal | None = None
    fee_multiplier: Decimal | None = None
    volume: Decimal | None = None
    result: str | None = None

    @property
    def content_hash(self) -> str:
        """SHA-256 of what the market *means*: its words, outcomes, strikes and deadline.

        Prices, volumes, fees and status change without changing the bet, so they are left out.
        """
        return sha256_of(self.semantic_fields())

    def semantic_fields(self) -> dict[str, Any]:
        """The fields that say which bet this is, as plain JSON values."""
        return {
            "venue": self.venue,
            "market_id": self.market_id,
            "title": self.title,
            "subtitle": self.subtitle,
            "event_title": self.event_title,
            "rules": self.rules,
            "outcome": self.outcome,
            "outcomes": list(self.outcomes),
            "close_time": iso_utc(self.close_time),
            "resolution_source": self.resolution_source,
            "market_type": self.market_type,
            "strike_type": self.strike_type,
            "floor_strike": _text(self.floor_strike),
            "cap_strike": _text(self.cap_strike),
        }


@dataclass(frozen=True, slots=True)
class Listing:
    """What one walk through a venue's list of markets gave, and whether it can be trusted to be whole."""

    venue: str
    markets: tuple[Market, ...]
    pages: int
    started_at: datetime
    ended_at: datetime
    complete: bool
    # why it is not complete, or how it ended
    reason: str
    skipped: dict[str, int] = field(default_factory=dict)
    # markets that were handed on page by page while the list was walked, and are not in ``markets``
    handed_on: int = 0

    @property
    def count(self) -> int:
        """How many markets the walk gave, kept or handed on."""
        return len(self.markets) + self.handed_on


def sha256_of(value: Any) -> str:
    """Hex SHA-256 of the canonical JSON of ``value`` (sorted keys, no spaces, UTF-8)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # Market text is hostile input: a lone surrogate must not stop a listing.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def iso_utc(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC, or None."""
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _text(number: Decimal | None) -> str | None:
    return None if number is None else format(number.normalize(), "f")
