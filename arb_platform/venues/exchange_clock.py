"""The venue's timestamps: read, converted, and compared with our clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from arb_platform.domain.streams import FeedOutput, StreamEvent
from arb_platform.venues.journal import Journal

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Polymarket writes milliseconds; samples of ten to twelve digits are seconds (venue notes 1.4).
SECONDS_BELOW: Final = 10**11
# September 2001: no prediction market of ours traded before.
FLOOR_MS: Final = 10**12
_AHEAD_MS: Final = 1_000
_ABSURD_MS: Final = 24 * 3600 * 1_000
_LONGEST: Final = 20


def milliseconds(value: str | int | None) -> int | None:
    """Epoch milliseconds of a timestamp in milliseconds or seconds; None for nothing.

    Raises ValueError for what is not a number.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) > _LONGEST:
        raise ValueError(f"not a timestamp: {value[:40]!r}")
    number = int(value)
    return number * 1_000 if abs(number) < SECONDS_BELOW else number


class ExchangeClock:
    """One ``clock_skew`` event for each episode in which the venue's clock disagrees with ours.

    Late is normal (that is latency); ahead by more than a second, or a year that cannot be, is not.
    """

    __slots__ = ("_episode", "_journal", "ceiling")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        # Timestamps from FLOOR_MS to here are fine; it lags behind our own clock, so that whatever
        # is above must be judged before it is blamed.
        self.ceiling = -1
        self._episode: StreamEvent | None = None

    def judge(self, exchange_ms: int, received_at: datetime, outputs: list[FeedOutput]) -> bool:
        """Append what there is to tell about this timestamp; False if it cannot be true at all."""
        received_ms = (received_at - EPOCH) // timedelta(milliseconds=1)
        if FLOOR_MS <= exchange_ms <= received_ms + _AHEAD_MS:
            self.ceiling = received_ms + _AHEAD_MS
            self.end(received_at, outputs)
            return True
        if self._episode is None:
            detail = f"exchange time {str(exchange_ms)[:24]} ms, received {received_ms} ms"
            self._episode = self._journal.event("clock_skew", received_at, detail=detail)
            outputs.append(self._episode)
        # From here on every timestamp is judged, so that the first good one ends the episode.
        self.ceiling = -1
        return FLOOR_MS <= exchange_ms <= received_ms + _ABSURD_MS

    def end(self, at: datetime, outputs: list[FeedOutput]) -> None:
        """Close an open episode."""
        if self._episode is not None:
            outputs.append(replace(self._episode, ended_at=at))
            self._episode = None

    def time(self, exchange_ms: int | None) -> datetime | None:
        """The moment as a datetime; only for timestamps that :meth:`judge` believed."""
        if exchange_ms is None:
            return None
        return EPOCH + timedelta(milliseconds=exchange_ms)
