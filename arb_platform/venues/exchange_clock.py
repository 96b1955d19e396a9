"""The venue's timestamps: read, converted, and compared with our clock."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from arb_platform.domain.streams import StreamEvent
from arb_platform.venues.journal import Journal

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Polymarket writes milliseconds; samples of ten to twelve digits are seconds (venue notes 1.4).
_SECONDS_BELOW: Final = 10**11
# September 2001: no prediction market of ours traded before.
_FLOOR_MS: Final = 10**12
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
    return number * 1_000 if abs(number) < _SECONDS_BELOW else number


class ExchangeClock:
    """One ``clock_skew`` event for each episode in which the venue's clock disagrees with ours.

    Late is normal (that is latency); ahead by more than a second, or a year that cannot be, is not.
    """

    __slots__ = ("_ceiling", "_episode", "_journal", "_last_ms", "_last_time")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._ceiling = -1
        self._episode: StreamEvent | None = None
        self._last_ms = -1
        self._last_time = EPOCH

    def judge(self, exchange_ms: int, received_at: datetime) -> list[StreamEvent]:
        """What there is to tell about this timestamp: mostly nothing, and then at the price of two comparisons."""
        # The ceiling lags behind our own clock; a timestamp above it is looked at properly.
        if _FLOOR_MS <= exchange_ms <= self._ceiling:
            return []
        received_ms = (received_at - EPOCH) // timedelta(milliseconds=1)
        ceiling = received_ms + _AHEAD_MS
        if _FLOOR_MS <= exchange_ms <= ceiling:
            self._ceiling = ceiling
            return self.end(received_at)
        if self._episode is not None:
            return []
        detail = f"exchange time {exchange_ms} ms, received {received_ms} ms"
        self._episode = self._journal.event("clock_skew", received_at, detail=detail)
        # From here on every timestamp takes the long way, so that the first good one ends the episode.
        self._ceiling = -1
        return [self._episode]

    def end(self, at: datetime) -> list[StreamEvent]:
        """Close an open episode."""
        if self._episode is None:
            return []
        ended, self._episode = replace(self._episode, ended_at=at), None
        return [ended]

    def time(self, exchange_ms: int | None, received_at: datetime) -> datetime | None:
        """The moment as a datetime, or None for a timestamp that cannot be true."""
        if exchange_ms is None:
            return None
        if exchange_ms != self._last_ms:
            if exchange_ms < _FLOOR_MS or exchange_ms > (received_at - EPOCH) / timedelta(milliseconds=1) + _ABSURD_MS:
                return None
            self._last_ms = exchange_ms
            self._last_time = EPOCH + timedelta(0, exchange_ms // 1_000, exchange_ms % 1_000 * 1_000)
        return self._last_time
