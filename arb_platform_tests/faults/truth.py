"""What a simulator's books really were, change by change, to hold the platform's rows against."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from arb_platform.simulate.books import Books, Change, SimulatedBook
from arb_platform.simulate.kalshi import KalshiSimulator
from arb_platform.simulate.polymarket import PolymarketSimulator
from arb_platform.simulate.polymarket_frames import Instrument

Ladder = Mapping[int, int]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MILLISECOND = timedelta(milliseconds=1)
# How long a state may have been over when a frame that shows it comes in: a whole book waits its turn.
LATEST = timedelta(seconds=1)


def milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MILLISECOND


class StrictClock:
    """The real time, plus ``ahead``, and no two looks alike; :meth:`step` begins a new millisecond, so that each change has its own."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._last = datetime.now(UTC)

    def __call__(self) -> datetime:
        self._last = max(self._last + MICROSECOND, datetime.now(UTC) + self.ahead)
        return self._last

    def step(self) -> int:
        """Begin the next millisecond and return it."""
        following = milliseconds(self._last) + 1
        self._last = max(EPOCH + following * MILLISECOND, datetime.now(UTC) + self.ahead)
        return milliseconds(self._last)


@dataclass(frozen=True, slots=True)
class State:
    """A book from millisecond ``since`` on; ``changed`` are the levels that were others before."""

    since: int
    bids: Ladder
    asks: Ladder
    changed: frozenset[tuple[str, int]]


@dataclass(slots=True)
class Truth:
    """Every state that each market's book was in."""

    clock: StrictClock
    states: dict[str, list[State]] = field(default_factory=dict)

    def begin(self, books: Books, market_ids: list[str]) -> None:
        since = self.clock.step()
        for market_id in market_ids:
            book = books.book(market_id)
            self.states[market_id] = [State(since, dict(book.bids), dict(book.asks), frozenset())]

    def note(self, books: Books, since: int) -> None:
        """Add a state for each book that is not what it was."""
        for market_id, states in self.states.items():
            book, last = books.book(market_id), states[-1]
            if book.bids == last.bids and book.asks == last.asks:
                continue
            changed = frozenset(
                {
                    *(("bid", price) for price, _ in book.bids.items() ^ last.bids.items()),
                    *(("ask", price) for price, _ in book.asks.items() ^ last.asks.items()),
                }
            )
            states.append(State(since, dict(book.bids), dict(book.asks), changed))

    def index_at(self, market_id: str, ms: int) -> int:
        """The number of the state that a frame of this millisecond tells, or -1."""
        return bisect_right(self.states[market_id], ms, key=lambda state: state.since) - 1

    def between(
        self, market_id: str, exchange_time: datetime | None, received_at: datetime
    ) -> Iterator[tuple[int, State]]:
        """The states, newest first, that a snapshot of these times may show."""
        states = self.states[market_id]
        newest = self.index_at(market_id, milliseconds(received_at))
        earliest = received_at - LATEST if exchange_time is None else exchange_time
        oldest = max(0, self.index_at(market_id, milliseconds(earliest)))
        for number in range(newest, oldest - 1, -1):
            yield number, states[number]


class RecordedPolymarket(PolymarketSimulator):
    """Polymarket's simulator with its truth written down; ``paused`` stops its books.

    Without ``refreshes`` no whole book follows a trade.
    """

    truth: Truth
    paused = False
    refreshes = True
    _since = 0

    def change(self, market_id: str | None = None) -> Change | None:
        if self.paused:
            return None
        self._since = self.truth.clock.step()
        change = super().change(market_id)
        self.truth.note(self.books, self._since)
        return change

    def change_tick_size(self, market_id: str) -> None:
        super().change_tick_size(market_id)
        self.truth.note(self.books, self._since)
        # the change of a level that follows gets a millisecond of its own
        self._since = self.truth.clock.step()

    def _aftermath(self, instrument: Instrument, book: SimulatedBook, change: Change, ms: int) -> None:
        super()._aftermath(instrument, book, change if self.refreshes else change._replace(traded=0), ms)


class RecordedKalshi(KalshiSimulator):
    """Kalshi's simulator likewise."""

    truth: Truth
    paused = False

    def change(self, market_id: str | None = None) -> Change | None:
        if self.paused:
            return None
        since = self.truth.clock.step()
        change = super().change(market_id)
        self.truth.note(self.books, since)
        return change
