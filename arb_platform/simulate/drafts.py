"""What a family of topics writes down about its markets, before it becomes a venue's own document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from arb_platform.simulate.truth import Claim, Link

EMPTY: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class PolymarketEvent:
    """A page of markets. ``category`` decides the fee; ``neg_risk`` says that exactly one of them pays."""

    slug: str
    title: str
    category: str
    tags: tuple[str, ...]
    end: datetime
    neg_risk: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class PolymarketDraft:
    """One Polymarket market; ``more`` holds Gamma fields of some markets only, such as ``line``."""

    event: PolymarketEvent
    question: str
    rules: str
    claim: Claim
    price: float
    group_title: str = ""
    resolution_source: str = ""
    outcomes: tuple[str, str] = ("Yes", "No")
    end: datetime | None = None
    more: Mapping[str, Any] = field(default_factory=lambda: EMPTY)

    @property
    def key(self) -> str:
        return f"{self.event.slug}/{self.question}"


@dataclass(frozen=True, slots=True)
class KalshiSeries:
    """A recurring question: category, fees and settlement sources are said here, not on the market."""

    ticker: str
    title: str
    category: str
    sources: tuple[tuple[str, str], ...]
    tags: tuple[str, ...] = ()
    frequency: str = "custom"
    fee_type: str = "quadratic"
    fee_multiplier: float = 1
    price_levels: str = "linear_cent"


@dataclass(frozen=True, slots=True)
class KalshiEvent:
    """One occasion of a series; ``code`` is its part of the ticker."""

    series: KalshiSeries
    code: str
    title: str
    sub_title: str
    close: datetime
    mutually_exclusive: bool = False
    strike_date: datetime | None = None
    # when the outcome is expected to be known; None: at the close
    expected: datetime | None = None

    @property
    def ticker(self) -> str:
        return f"{self.series.ticker}-{self.code}"


@dataclass(frozen=True, slots=True)
class KalshiDraft:
    """One Kalshi market; an empty ``code`` makes its ticker the event's."""

    event: KalshiEvent
    code: str
    title: str
    yes_sub_title: str
    rules_primary: str
    rules_secondary: str
    claim: Claim
    price: float
    strike_type: str = ""
    floor_strike: float | None = None
    cap_strike: float | None = None
    custom_strike: Mapping[str, str] | None = None
    early_close: str = ""
    no_sub_title: str = ""
    market_type: str = "binary"

    @property
    def ticker(self) -> str:
        return f"{self.event.ticker}-{self.code}" if self.code else self.event.ticker


@dataclass(frozen=True, slots=True)
class Topic:
    """Markets of both venues about one thing: whatever is related is inside one topic."""

    key: str
    polymarket: tuple[PolymarketDraft, ...]
    kalshi: tuple[KalshiDraft, ...]
    links: tuple[Link, ...] = ()
