"""What an adapter counts about itself, cheap enough to be done for every frame."""

from collections import Counter, deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.streams import QuarantinedFrame, StreamEvent, StreamOutput

_RATE_WINDOW_SECONDS: Final = 10.0
_LAG_WINDOW: Final = 4096
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_REMEMBERED_EVENTS: Final = 10_000


class Meter:
    """Counters of one adapter, over all its sockets."""

    def __init__(self, *, measure_lag: bool = True) -> None:
        self._measure_lag = measure_lag
        self.frames = 0
        self.snapshots = 0
        self.quarantined = 0
        self.reconnections = 0
        self.books_fetched = 0
        self.books_failed = 0
        self.books_missing = 0
        self.events: Counter[str] = Counter()
        self._open_events: dict[str, None] = {}
        # microseconds
        self._lags: deque[int] = deque(maxlen=_LAG_WINDOW)
        self._samples: deque[tuple[float, int, int]] = deque()

    def count(self, outputs: Iterable[StreamOutput]) -> int:
        """Take note of what is about to be handed over; returns how many of it are snapshots."""
        snapshots = received_us = 0
        received_at: datetime | None = None
        for output in outputs:
            if isinstance(output, BookSnapshot):
                snapshots += 1
                # The first book of a connection tells when it last changed, which may be hours ago.
                if self._measure_lag and output.exchange_us is not None and output.sequence > 1:
                    if output.received_at is not received_at:
                        received_at = output.received_at
                        received_us = (received_at - _EPOCH) // _MICROSECOND
                    self._lags.append(received_us - output.exchange_us)
            elif isinstance(output, QuarantinedFrame):
                self.quarantined += 1
            elif isinstance(output, StreamEvent):
                self._count_event(output)
        self.snapshots += snapshots
        return snapshots

    def sample(self, at: float) -> None:
        """Remember the totals at ``at`` seconds of a monotonic clock; called about once a second."""
        samples = self._samples
        samples.append((at, self.frames, self.snapshots))
        while len(samples) > 2 and at - samples[0][0] > _RATE_WINDOW_SECONDS:
            samples.popleft()

    def rates(self, at: float) -> tuple[float, float]:
        """Frames and snapshots per second over about the last ten seconds."""
        if not self._samples:
            return 0.0, 0.0
        since, frames, snapshots = self._samples[0]
        elapsed = at - since
        if elapsed <= 0:
            return 0.0, 0.0
        return (self.frames - frames) / elapsed, (self.snapshots - snapshots) / elapsed

    def lag_seconds(self, percentile: float) -> float | None:
        """Percentile (0..100) of received minus exchange time of recent changes; None before the first.

        The two clocks are not the same, so a small negative lag is skew and counts as zero.
        """
        lags = sorted(self._lags)
        if not lags:
            return None
        position = min(len(lags) - 1, int(len(lags) * percentile / 100))
        return max(0, lags[position]) / 1e6

    def _count_event(self, event: StreamEvent) -> None:
        # The same event comes again when it ends or its reason changes, and counts once.
        if event.event_id in self._open_events:
            del self._open_events[event.event_id]
        else:
            self.events[event.kind] += 1
        if event.ended_at is None:
            self._open_events[event.event_id] = None
            if len(self._open_events) > _REMEMBERED_EVENTS:
                del self._open_events[next(iter(self._open_events))]
