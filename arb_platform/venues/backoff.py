"""When to try again: capped exponential delays with full jitter, and what ``Retry-After`` says."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random, SystemRandom
from typing import Final

CAP_SECONDS: Final = 60.0
# A venue that asks for hours would silence us for hours; we come back after ten minutes at the latest.
RETRY_AFTER_CAP_SECONDS: Final = 600.0


# A server that takes us, sends something and hangs up, over and over (it refuses one of our batches, say),
# is come back to at the usual pace so often, and then ever more slowly.
SHORT_SECONDS: Final = 10.0
FORGIVEN: Final = 10


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """The world's clock, waiting and chance, in one place so that tests can bring their own.

    ``monotonic`` and ``sleep`` must run at the same speed; ``clock`` is what rows are stamped with.
    """

    clock: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    rng: Random = field(default_factory=SystemRandom)

    def identifier(self) -> str:
        """48 random bits behind the second they were drawn in: unique, and sorted by time."""
        return f"{self.clock():%Y%m%dT%H%M%S}-{self.rng.getrandbits(48):012x}"


def timing_of(
    *,
    clock: Callable[[], datetime] | None = None,
    sleep: Callable[[float], Awaitable[object]] | None = None,
    monotonic: Callable[[], float] | None = None,
    rng: Random | None = None,
) -> Timing:
    """The real world's timing, except for what is given."""
    real = Timing()
    return Timing(clock or real.clock, monotonic or real.monotonic, sleep or real.sleep, rng or real.rng)


class Backoff:
    """Delays that double from ``base`` up to ``cap`` seconds, each drawn evenly from 0 to that ceiling.

    Full jitter keeps a thousand clients that lost the same server from coming back together
    (AWS Architecture Blog, "Exponential Backoff And Jitter").
    """

    def __init__(self, base: float, *, rng: Random, cap: float = CAP_SECONDS) -> None:
        self._base = base
        self._cap = cap
        self._rng = rng
        self.failures = 0
        # connections in a row that were good and short
        self.short = 0

    @property
    def ceiling(self) -> float:
        """The longest that the next delay can be, in seconds."""
        # 2.0**1024 overflows; the cap is long reached by then.
        return min(self._cap, self._base * 2.0 ** min(self.failures, 60))

    def next_delay(self) -> float:
        delay = self._rng.uniform(0.0, self.ceiling)
        self.failures += 1
        return delay

    def reset(self) -> None:
        """Call this when something good came through, never because a connection opened."""
        self.failures = 0

    def was_good_for(self, seconds: float) -> None:
        """A connection that something good came through is over: reset, unless this goes in circles."""
        self.short = self.short + 1 if seconds < SHORT_SECONDS else 0
        if not self.looping:
            self.reset()

    @property
    def looping(self) -> bool:
        """True after too many good and short connections in a row."""
        return self.short > FORGIVEN


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait by a ``Retry-After`` header: a number or a date (RFC 9110, 10.2.3).

    None where the header is missing or says nothing readable: then the caller's own back-off holds.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return min(float(text), RETRY_AFTER_CAP_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), RETRY_AFTER_CAP_SECONDS)
