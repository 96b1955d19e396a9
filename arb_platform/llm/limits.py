"""How fast a provider may be asked: a token bucket that keeps its promise in every window of a minute.

A plain bucket lets burst + rate through in one minute. This one also remembers its last grants, so
no minute ever holds more than ``per_minute``, and over many minutes it reaches exactly that.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

MINUTE: Final = 60.0
# float sums of many small refills fall short of a whole token by rounding
_ROUNDING: Final = 1e-9
# a wait too small for the clock to show would be asked for again and again
_SHORTEST_WAIT: Final = 0.001


class TokenBucket:
    """Grants at most ``per_minute`` in any 60 seconds, and at most a tenth of that at once.

    ``clock`` is monotonic seconds. One bucket is shared by all tasks that ask one provider.
    """

    def __init__(
        self, per_minute: int, *, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self.per_minute = per_minute
        self.burst = max(1, per_minute // 10)
        self._clock = clock
        self._sleep = sleep
        self._tokens = float(self.burst)
        self._refilled_at = clock()
        self._grants: deque[float] = deque(maxlen=per_minute)
        self._paused_until = float("-inf")

    async def acquire(self) -> float:
        """Wait for one grant; returns the seconds waited."""
        waited = 0.0
        while (delay := self.delay()) > 0:
            delay = max(delay, _SHORTEST_WAIT)
            await self._sleep(delay)
            waited += delay
        self._take()
        return waited

    def pause(self, seconds: float) -> None:
        """Grant nothing for ``seconds``: the provider told us to wait, which concerns every task."""
        self._paused_until = max(self._paused_until, self._clock() + seconds)

    def delay(self) -> float:
        """Seconds until a grant may be possible; 0 when one is possible now."""
        now = self._refill()
        missing = max(0.0, 1.0 - _ROUNDING - self._tokens)
        waits = [missing * MINUTE / self.per_minute, self._paused_until - now]
        if len(self._grants) == self.per_minute:
            waits.append(self._grants[0] + MINUTE - now)
        return max(0.0, *waits)

    def _take(self) -> None:
        self._tokens -= 1.0
        self._grants.append(self._clock())

    def _refill(self) -> float:
        now = self._clock()
        # A clock that steps back must not create tokens, one that leaps must not create more than a burst.
        elapsed = max(0.0, now - self._refilled_at)
        self._tokens = min(float(self.burst), self._tokens + elapsed * self.per_minute / MINUTE)
        self._refilled_at = now
        return now
