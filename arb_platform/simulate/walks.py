"""Where a simulated price stands at a moment: a seeded, mean-reverting function of the wall clock.

Being a function of time and not of a history, it needs no state: two simulators in two processes
that are given the same seed move the two venues' books of one bet together without knowing each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final, Protocol

# Three rhythms: seconds between two knots of the curve, and the share of the movement in it.
_RHYTHMS: Final = ((3.0, 0.25), (17.0, 0.45), (90.0, 0.60))
# How far a price at 50 cents wanders (standard deviation, dollars), and how far a venue errs on its own.
AMPLITUDE: Final = 0.03
OWN_NOISE: Final = 0.006
# Kalshi's book answers to what Polymarket's already knows after up to so many seconds.
LONGEST_LAG: Final = 4.0


class ListedMarket(Protocol):
    """What a venue simulator asks of a market; the catalogue's and a recording's both have it.

    ``fair_price`` is of the first outcome, in dollars; ``tick_units`` is in millionths.
    """

    @property
    def market_id(self) -> str: ...
    @property
    def fair_price(self) -> float: ...
    @property
    def tick_units(self) -> int: ...
    @property
    def document(self) -> dict[str, Any]: ...
    @property
    def event_document(self) -> dict[str, Any]: ...
    @property
    def series_document(self) -> dict[str, Any] | None: ...


class Relationship(Protocol):
    """How a pair of markets relates, in the words of the catalogue's truth."""

    @property
    def relation(self) -> Any: ...
    @property
    def orientation(self) -> Any: ...


class MarketCatalogue(Protocol):
    """Both venues' markets and the truth about their pairs."""

    @property
    def polymarket(self) -> tuple[Any, ...]: ...
    @property
    def kalshi(self) -> tuple[Any, ...]: ...
    @property
    def truth(self) -> Mapping[tuple[str, str], Any]: ...


class Wander:
    """A curve around 0 with a standard deviation of about 1, the same in every process."""

    __slots__ = ("_key", "_knots")

    def __init__(self, key: str) -> None:
        self._key = key
        # The two knots around the last moment, for each rhythm: curves are read forwards.
        self._knots: list[tuple[int, float, float] | None] = [None] * len(_RHYTHMS)

    def at(self, seconds: float) -> float:
        total = 0.0
        for rhythm, (period, share) in enumerate(_RHYTHMS):
            place, part = divmod(seconds / period, 1.0)
            before, after = self._around(rhythm, int(place))
            total += share * (before + (after - before) * part)
        return total

    def _around(self, rhythm: int, place: int) -> tuple[float, float]:
        known = self._knots[rhythm]
        if known is None or known[0] != place:
            known = (place, self._knot(rhythm, place), self._knot(rhythm, place + 1))
            self._knots[rhythm] = known
        return known[1], known[2]

    def _knot(self, rhythm: int, place: int) -> float:
        return Random(f"{self._key}/{rhythm}/{place}").gauss(0, 1.2)


@dataclass(slots=True)
class FairPrice:
    """What a market's first outcome is worth at a moment, in dollars, from its own venue's point of view."""

    base: float
    shared: Wander
    own: Wander
    sign: int = 1
    lag: float = 0.0

    def at(self, seconds: float) -> float:
        """The fair price at ``seconds`` of the epoch, between half a cent and 99.5 cents."""
        room = 4 * self.base * (1 - self.base)
        moved = self.sign * AMPLITUDE * self.shared.at(seconds - self.lag)
        price = self.base + room * (moved + OWN_NOISE * self.own.at(seconds))
        return min(0.995, max(0.005, price))


class WalkMap:
    """Which curve each market follows: both sides of an identity or a complement follow one."""

    def __init__(self, catalogue: MarketCatalogue | None, *, seed: int) -> None:
        self._seed = seed
        self._truth: Mapping[tuple[str, str], Relationship] = catalogue.truth if catalogue else {}
        self._polymarket: dict[str, list[str]] = {}
        for market in catalogue.polymarket if catalogue else ():
            self._polymarket.setdefault(getattr(market, "topic", ""), []).append(market.market_id)

    def polymarket(self, market: ListedMarket) -> FairPrice:
        return self._fair(market, key=market.market_id, sign=1, lag=0.0)

    def kalshi(self, market: ListedMarket) -> FairPrice:
        """The curve of the Polymarket market that is the same bet, a little later, or one of its own."""
        lag = Random(f"{self._seed}/lag/{market.market_id}").uniform(0.5, LONGEST_LAG)
        for partner in self._polymarket.get(getattr(market, "topic", ""), ()):
            truth = self._truth.get((partner, market.market_id))
            if truth is not None and truth.relation in ("identity", "complement"):
                sign = -1 if truth.orientation == "inverted" else 1
                return self._fair(market, key=partner, sign=sign, lag=lag)
        return self._fair(market, key=market.market_id, sign=1, lag=lag)

    def _fair(self, market: ListedMarket, *, key: str, sign: int, lag: float) -> FairPrice:
        return FairPrice(
            base=market.fair_price,
            shared=Wander(f"{self._seed}/{key}"),
            own=Wander(f"{self._seed}/own/{market.market_id}"),
            sign=sign,
            lag=lag,
        )
