"""What every adapter is: one stream of outputs, fed by tasks, ended by ``close()``."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, Final

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.errors import SettingsError
from arb_platform.domain.markets import Market
from arb_platform.domain.streams import StreamOutput
from arb_platform.venues.backoff import Timing
from arb_platform.venues.meters import Meter
from arb_platform.venues.outbox import CAPACITY, Outbox
from arb_platform.venues.rest_client import RestClient

log = logging.getLogger(__name__)

_SAMPLE_SECONDS: Final = 1.0


class VenueStream:
    """The common half of the adapters; a subclass says in ``_run`` what feeds the outbox."""

    venue: str

    def __init__(
        self,
        *,
        tracked_markets: Sequence[Market | str] | None,
        timing: Timing,
        clients: Sequence[RestClient],
        capacity: int = CAPACITY,
        measure_lag: bool = True,
    ) -> None:
        self._tracked = None if tracked_markets is None else list(tracked_markets)
        self._timing = timing
        self._clients = clients
        self._meter = Meter(measure_lag=measure_lag)
        self._outbox = Outbox(self.venue, clock=timing.clock, new_id=timing.identifier, capacity=capacity)
        self._tasks: set[asyncio.Task[None]] = set()
        self._streaming = False
        self._closed = False

    async def stream_orderbooks(self) -> AsyncIterator[BookSnapshot]:
        """Each snapshot as it comes, for as long as the adapter is open.

        Raises CredentialsError when the venue refuses us for good.
        """
        async with aclosing(self.stream()) as batches:
            async for batch in batches:
                for output in batch:
                    if isinstance(output, BookSnapshot):
                        yield output

    async def stream(self) -> AsyncGenerator[list[StreamOutput]]:
        """Everything in order, in batches: snapshots, events, quarantined frames, sessions.

        A batch is what came since the last one was taken. Raises CredentialsError when the venue
        refuses us for good, SettingsError when it is called while it runs already.
        """
        if self._streaming:
            raise SettingsError("this adapter is streaming already; make another one for a second consumer")
        self._streaming = True
        if not self._closed:
            self._spawn(self._run())
            self._spawn(self._sample())
        try:
            while batch := await self._outbox.take():
                yield batch
            # A failure ends the other tasks too, and what they still have to say comes before it.
            await self.close()
            if batch := await self._outbox.take():
                yield batch
            if self._outbox.failure is not None:
                raise self._outbox.failure
        finally:
            await self.close()

    async def close(self) -> None:
        """End the stream now, whatever it waits for: a frame, a handshake, a back-off.

        A consumer still gets what was received before, the end of each session included.
        """
        self._closed = True
        current = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for client in self._clients:
            await client.aclose()
        self._outbox.close()

    @property
    def connected(self) -> bool:
        """True while everything that is followed is being received."""
        raise NotImplementedError

    @property
    def reconnections(self) -> int:
        """How often a connection was replaced by a new one."""
        return self._meter.reconnections

    @property
    def unreadable_frames(self) -> int:
        """Frames that could not be read or were of a kind nobody knows; each is a quarantined row."""
        return self._meter.quarantined

    @property
    def frames(self) -> int:
        """Websocket frames, or REST books when polling, since the start."""
        return self._meter.frames

    @property
    def snapshots(self) -> int:
        """Snapshots handed over since the start."""
        return self._meter.snapshots

    @property
    def gaps(self) -> int:
        """How many ``gap`` events began."""
        return self._meter.events["gap"]

    @property
    def events(self) -> dict[str, int]:
        """How many events of each kind began."""
        return dict(self._meter.events)

    @property
    def conflated_snapshots(self) -> int:
        """Snapshots that gave way to a later one because the consumer was slow."""
        return self._outbox.conflated

    @property
    def frames_per_second(self) -> float:
        """Over about the last ten seconds."""
        return self._meter.rates(self._timing.monotonic())[0]

    @property
    def messages_per_second(self) -> float:
        """The venue's messages, keep-alives included: one frame is one message."""
        return self.frames_per_second

    @property
    def snapshots_per_second(self) -> float:
        """Over about the last ten seconds."""
        return self._meter.rates(self._timing.monotonic())[1]

    @property
    def lag_p50_ms(self) -> float | None:
        """Median of received minus exchange time over recent changes; None before the first."""
        return _milliseconds(self._meter.lag_seconds(50))

    @property
    def lag_p99_ms(self) -> float | None:
        """The 99th percentile of the same."""
        return _milliseconds(self._meter.lag_seconds(99))

    async def _run(self) -> None:
        """Find the markets and start what feeds the outbox."""
        raise NotImplementedError

    async def _sample(self) -> None:
        while True:
            self._meter.sample(self._timing.monotonic())
            await self._timing.sleep(_SAMPLE_SECONDS)

    def _spawn(self, job: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``job`` beside the stream; if it fails, the stream fails with the same exception."""
        task = asyncio.create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        failure = task.exception()
        if failure is not None:
            log.error("%s: the stream ends: %s", self.venue, failure)
            self._outbox.fail(failure)


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000.0
