"""How fast a provider may be asked: a token bucket that keeps its promise in every window of a minute.

A plain bucket lets burst + rate through in one minute. This one also remembers its last grants, so
no minute ever holds more than ``per_minute``, and over many minutes it reaches exactly that.
"""

import asyncio
import fcntl
import os
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

MINUTE: Final = 60.0
# float sums of many small refills fall short of a whole token by rounding
_ROUNDING: Final = 1e-9
# a wait too small for the clock to show would be asked for again and again
_SHORTEST_WAIT: Final = 0.001


@dataclass(slots=True)
class BucketState:
    """What a bucket remembers; times are monotonic seconds."""

    tokens: float
    refilled_at: float
    grants: list[float] = field(default_factory=list)
    paused_until: float = float("-inf")


class Store(Protocol):
    """Where the state of a bucket is: of one process or of all."""

    def state(self, fresh: Callable[[], BucketState]) -> AbstractContextManager[BucketState]:
        """The state, ``fresh`` the first time, to be read and changed by nobody else meanwhile."""


class MemoryStore:
    """A bucket of one process."""

    def __init__(self) -> None:
        self._state: BucketState | None = None

    @contextmanager
    def state(self, fresh: Callable[[], BucketState]) -> Iterator[BucketState]:
        if self._state is None:
            self._state = fresh()
        yield self._state


class FileStore:
    """A bucket of all processes of this machine that name the same file.

    It holds doubles: a checksum of the rest, tokens, refilled_at, paused_until, then the grants. They are changed
    in place under flock: a file of text, a lock file and a rename cost thirty times as much, once for each call.
    The monotonic clock is the machine's and not the process's; after a restart of the machine it starts anew, so
    times ahead of it are forgotten.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def state(self, fresh: Callable[[], BucketState]) -> Iterator[BucketState]:
        descriptor = self._open()
        try:
            # of this open file, not of the process, so it holds back other threads as well
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # made only now: another process may have held the lock, and its times are not ahead of ours
            state = _read(os.pread(descriptor, _LARGEST_STATE, 0), fresh())
            yield state
            content = _bytes(state)
            os.pwrite(descriptor, content, 0)
            os.ftruncate(descriptor, len(content))
        finally:
            os.close(descriptor)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


_LARGEST_STATE: Final = 2**23


def _bytes(state: BucketState) -> bytes:
    rest = array("d", [state.tokens, state.refilled_at, state.paused_until, *state.grants]).tobytes()
    return array("d", [float(zlib.crc32(rest))]).tobytes() + rest


def _read(content: bytes, fresh: BucketState) -> BucketState:
    """What the file says; where it is not what one of us wrote, we know nothing and nothing is granted at once."""
    if not content:
        return fresh
    now = fresh.refilled_at
    numbers = array("d")
    try:
        numbers.frombytes(content)
        checksum, tokens, refilled_at, paused_until, *grants = numbers
    except ValueError:
        return BucketState(0.0, now)
    # a writer that was killed half way leaves a checksum that is wrong
    if checksum != zlib.crc32(content[numbers.itemsize :]) or not refilled_at <= now:
        return BucketState(0.0, now)
    return BucketState(tokens, refilled_at, grants, paused_until)


class TokenBucket:
    """Grants at most ``per_minute`` in any 60 seconds, and at most a tenth of that at once.

    ``clock`` is monotonic seconds. One bucket is shared by all tasks that ask one provider, and with
    a FileStore by all processes.
    """

    def __init__(
        self,
        per_minute: int,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        store: Store | None = None,
    ) -> None:
        self.per_minute = per_minute
        self.burst = max(1, per_minute // 10)
        self._clock = clock
        self._sleep = sleep
        self._store = store or MemoryStore()
        self._queue: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    async def acquire(self) -> float:
        """Wait for one grant; returns the seconds waited.

        One after the other: fifty that wait would otherwise all look each time that one is let through.
        """
        began = self._clock()
        async with self._turn():
            while (delay := self._try()) > 0:
                await self._sleep(max(delay, _SHORTEST_WAIT))
        return self._clock() - began

    def _turn(self) -> asyncio.Lock:
        """The queue of this event loop: a lock belongs to the loop in which somebody first waited for it."""
        loop = asyncio.get_running_loop()
        if self._queue is None or self._queue[0] is not loop:
            self._queue = (loop, asyncio.Lock())
        return self._queue[1]

    def pause(self, seconds: float) -> None:
        """Grant nothing for ``seconds``: the provider told us to wait, which concerns every task."""
        with self._state() as state:
            state.paused_until = max(state.paused_until, self._clock() + seconds)

    def _try(self) -> float:
        """Take a grant and return 0, or return the seconds until one may be possible."""
        with self._state() as state:
            now = self._clock()
            self._refill(state, now)
            delay = self._delay(state, now)
            if delay == 0:
                state.tokens -= 1.0
                state.grants.append(now)
            return delay

    def _state(self) -> AbstractContextManager[BucketState]:
        return self._store.state(lambda: BucketState(float(self.burst), self._clock()))

    def _delay(self, state: BucketState, now: float) -> float:
        missing = max(0.0, 1.0 - _ROUNDING - state.tokens)
        waits = [missing * MINUTE / self.per_minute, state.paused_until - now]
        if len(state.grants) >= self.per_minute:
            waits.append(state.grants[-self.per_minute] + MINUTE - now)
        return max(0.0, *waits)

    def _refill(self, state: BucketState, now: float) -> None:
        # A clock that steps back must not create tokens, one that leaps must not create more than a burst.
        elapsed = max(0.0, now - state.refilled_at)
        state.tokens = min(float(self.burst), state.tokens + elapsed * self.per_minute / MINUTE)
        state.refilled_at = now
        # older ones hold nobody back
        del state.grants[: bisect_right(state.grants, now - MINUTE)]
