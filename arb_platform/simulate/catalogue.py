"""One seeded catalogue of markets for both venues, with the truth about every pair in it.

The same seed on the same day gives the same markets, so verdicts cached yesterday evening are still
good after a restart. Documents are rendered when somebody asks for them: two hundred thousand drafts
fit into memory, as many JSON objects would not.
"""

import gc
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from arb_platform.domain.errors import SettingsError
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.simulate import documents
from arb_platform.simulate.drafts import KalshiDraft, PolymarketDraft, Topic
from arb_platform.simulate.families import FAMILIES
from arb_platform.simulate.truth import UNRELATED, Claim, Truth, TruthTable

__all__ = ["UNRELATED", "Catalogue", "SimulatedMarket", "Truth", "TruthTable", "build_catalogue"]

DEFAULT_MARKETS: Final = 400
# After the first topics of each family, the share of topics that both venues list (the real share of events is about this).
SHARED: Final = 0.06
LOWEST_PRICE: Final = 0.02
HIGHEST_PRICE: Final = 0.98


@dataclass(slots=True, eq=False)
class SimulatedMarket:
    """A market as its venue lists it; the three documents are rendered once, when first read.

    ``fair_price`` is of the first outcome and between 0.02 and 0.98; ``tick_units`` is in millionths;
    ``volume`` is in dollars and has a heavy tail.
    """

    venue: str
    market_id: str
    fair_price: float
    tick_units: int
    volume: float
    now: datetime
    draft: PolymarketDraft | KalshiDraft = field(repr=False)
    topic: str = ""
    # rendered events and series, shared by the markets of a catalogue
    shared_documents: dict[int, dict[str, Any]] = field(default_factory=dict, repr=False)
    _document: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def document(self) -> dict[str, Any]:
        """The venue's own market object; Polymarket's has its event in ``events``, as Gamma does."""
        if self._document is None:
            self._document = self._rendered()
        return self._document

    @property
    def event_document(self) -> dict[str, Any]:
        """The venue's own event object, without nested markets (see :meth:`Catalogue.events`)."""
        known = self.shared_documents.get(id(self.draft.event))
        if known is None:
            if isinstance(self.draft, KalshiDraft):
                known = documents.kalshi_event(self.draft.event, now=self.now)
            else:
                known = documents.polymarket_event(self.draft.event, now=self.now)
            self.shared_documents[id(self.draft.event)] = known
        return known

    @property
    def series_document(self) -> dict[str, Any] | None:
        """Kalshi's series object; None for Polymarket."""
        if not isinstance(self.draft, KalshiDraft):
            return None
        return documents.kalshi_series(self.draft.event.series, now=self.now)

    @property
    def asset_ids(self) -> tuple[str, ...]:
        """Polymarket's two token ids; nothing for Kalshi."""
        return documents.token_ids(self.market_id) if self.venue == POLYMARKET else ()

    def _rendered(self) -> dict[str, Any]:
        if isinstance(self.draft, KalshiDraft):
            return documents.kalshi_market(
                self.draft, price=self.fair_price, volume=self.volume, now=self.now
            )
        market = documents.polymarket_market(
            self.draft, market_id=self.market_id, price=self.fair_price, volume=self.volume, now=self.now
        )
        return market | {"events": [self.event_document], "tags": self.event_document["tags"]}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Both venues' markets in listing order, and the truth about them."""

    polymarket: tuple[SimulatedMarket, ...]
    kalshi: tuple[SimulatedMarket, ...]
    truth: TruthTable
    seed: int
    now: datetime

    def of(self, venue: str) -> tuple[SimulatedMarket, ...]:
        return self.polymarket if venue == POLYMARKET else self.kalshi

    def market_ids(self, venue: str) -> frozenset[str]:
        return frozenset(market.market_id for market in self.of(venue))

    def events(self, venue: str) -> list[dict[str, Any]]:
        """Every event of a venue with its markets nested, the way ``/events`` answers."""
        grouped: dict[int, list[SimulatedMarket]] = {}
        for market in self.of(venue):
            grouped.setdefault(id(market.draft.event), []).append(market)
        return [
            {**markets[0].event_document, "markets": [_nested(market) for market in markets]}
            for markets in grouped.values()
        ]

    def series(self) -> list[dict[str, Any]]:
        """Kalshi's series, each once."""
        found: dict[str, dict[str, Any]] = {}
        for market in self.kalshi:
            document = market.series_document
            if document is not None:
                found.setdefault(document["ticker"], document)
        return list(found.values())


def build_catalogue(
    seed: int = 7,
    *,
    now: datetime,
    markets_per_venue: int = DEFAULT_MARKETS,
    kalshi_markets: int | None = None,
    shared: float = SHARED,
) -> Catalogue:
    """A catalogue of open markets around ``now``: the same arguments give the same markets.

    ``kalshi_markets`` makes the venues of unequal size (the real ones are about 200,000 by 85,000);
    ``shared`` is the share of topics that both venues list. Raises SettingsError for fewer than one market.
    """
    kalshi_wanted = markets_per_venue if kalshi_markets is None else kalshi_markets
    wanted = {POLYMARKET: markets_per_venue, KALSHI: kalshi_wanted}
    if min(wanted.values()) < 1:
        raise SettingsError("a catalogue needs at least one market for each venue; ask for more")
    assembly = _Assembly(seed, now.astimezone(UTC), wanted)
    with _collector_paused():
        for topic in assembly.topics(shared):
            assembly.add(topic)
            if not any(assembly.missing().values()):
                break
    polymarket, kalshi = (tuple(assembly.found[venue].values()) for venue in (POLYMARKET, KALSHI))
    return Catalogue(polymarket, kalshi, assembly.truth, seed, assembly.now)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Nothing here is garbage, and looking for it again and again takes half the time of a large catalogue."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _Assembly:
    """Topics of all families in turn, until both venues have enough markets."""

    def __init__(self, seed: int, now: datetime, wanted: Mapping[str, int]) -> None:
        self.seed = seed
        self.now = now
        self.wanted = wanted
        self.found: dict[str, dict[str, SimulatedMarket]] = {POLYMARKET: {}, KALSHI: {}}
        self.truth = TruthTable()
        self._documents: dict[int, dict[str, Any]] = {}

    def missing(self) -> dict[str, int]:
        return {venue: self.wanted[venue] - len(self.found[venue]) for venue in self.wanted}

    def topics(self, shared: float) -> Iterator[Topic]:
        """The next topic of the family that is furthest behind its share."""
        sources = {
            family.name: family.topics(Random(f"{self.seed}/{family.name}"), self.now) for family in FAMILIES
        }
        families = {family.name: family for family in FAMILIES}
        given = dict.fromkeys(sources, 0)
        counts = dict.fromkeys(sources, 0)
        chooser = Random(f"{self.seed}/venues")
        while sources:
            name = min(sources, key=lambda candidate: given[candidate] / families[candidate].share)
            topic = next(sources[name], None)
            if topic is None:
                del sources[name]
                continue
            counts[name] += 1
            if counts[name] > families[name].listed_twice:
                topic = self._on_some_venues(topic, chooser, shared)
            given[name] += len(topic.polymarket) + len(topic.kalshi)
            yield topic

    def _on_some_venues(self, topic: Topic, chooser: Random, shared: float) -> Topic:
        """Most questions are asked on one venue only; the venue that lacks more markets gets more of them."""
        missing = self.missing()
        if chooser.random() < shared and all(missing.values()):
            return topic
        if chooser.random() * sum(missing.values()) < missing[POLYMARKET]:
            return replace(topic, kalshi=())
        return replace(topic, polymarket=())

    def add(self, topic: Topic) -> None:
        rng = Random(f"{self.seed}/{topic.key}")
        # One venue leans the same way on the whole topic; now and then far enough for an edge.
        lean = rng.gauss(0, 0.006) if rng.random() < 0.9 else rng.choice((-1, 1)) * rng.uniform(0.025, 0.06)
        conditions = {documents.condition_id(self.seed, draft.key): draft for draft in topic.polymarket}
        tickers = {draft.ticker: draft for draft in topic.kalshi}
        if (len(conditions), len(tickers)) != (len(topic.polymarket), len(topic.kalshi)):
            raise ValueError(f"two markets of the topic {topic.key} have the same id")
        polymarket = self._list(POLYMARKET, topic.key, conditions, rng=rng, lean=0.0)
        kalshi = self._list(KALSHI, topic.key, tickers, rng=rng, lean=lean)
        self.truth.add_topic(polymarket, kalshi, topic.links)

    def _list(
        self,
        venue: str,
        topic: str,
        drafts: Mapping[str, PolymarketDraft] | Mapping[str, KalshiDraft],
        *,
        rng: Random,
        lean: float,
    ) -> dict[str, Claim]:
        """List the drafts on a venue while it has room, and return their claims by id."""
        known = self.found[venue]
        claims: dict[str, Claim] = {}
        for market_id, draft in drafts.items():
            if len(known) >= self.wanted[venue]:
                break
            if market_id in known:
                raise ValueError(
                    f"two simulated markets have the id {market_id}: the family of {topic} is wrong"
                )
            price = draft.price + lean + rng.gauss(0, 0.002)
            price = round(min(HIGHEST_PRICE, max(LOWEST_PRICE, price)), 4)
            volume = round(min(5e7, math.exp(rng.gauss(8.5, 2.2))), 2)
            known[market_id] = SimulatedMarket(
                venue,
                market_id,
                price,
                _tick_units(draft, price),
                volume,
                self.now,
                draft,
                topic,
                self._documents,
            )
            claims[market_id] = draft.claim
        return claims


def _tick_units(draft: PolymarketDraft | KalshiDraft, price: float) -> int:
    if isinstance(draft, KalshiDraft):
        return round(documents.kalshi_tick(draft.event.series.price_levels) * 1_000_000)
    return round(documents.polymarket_tick(price) * 1_000_000)


def _nested(market: SimulatedMarket) -> dict[str, Any]:
    """A market inside its event does not repeat the event."""
    return {name: value for name, value in market.document.items() if name not in ("events", "tags")}
