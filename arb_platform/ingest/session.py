"""One streaming job: an adapter's outputs into the spool, the spool into the lake, and an ordered end."""

import asyncio
import contextlib
import itertools
import logging
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from arb_platform.domain.markets import Market
from arb_platform.domain.streams import StreamOutput
from arb_platform.ingest.handover import Farewell, last_books, waiting_successor
from arb_platform.ingest.heartbeat import Heartbeat, write_heartbeat
from arb_platform.ingest.lease import Lease
from arb_platform.ingest.pauses import short_pauses
from arb_platform.ingest.recorder import Recorder
from arb_platform.ingest.succession import take_over
from arb_platform.storage.attach import LakeLocation
from arb_platform.storage.lake import Lake
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.spool import Spool

log = logging.getLogger(__name__)

BEAT_SECONDS: Final = 1.0
PROMOTE_SECONDS: Final = 1.0
# How often a successor is looked for.
LOOK_SECONDS: Final = 0.25
# The counts of a connection that goes on are landed once a minute.
BEATS_TO_SESSIONS: Final = 60


class Adapter(Protocol):
    """What a session needs of an adapter; polling and websocket adapters both are one."""

    venue: str

    def stream(self) -> AsyncGenerator[list[StreamOutput]]: ...

    async def close(self) -> None: ...

    async def follow(self, markets: Sequence[Market | str]) -> None: ...

    async def unfollow(self, market_ids: Sequence[str]) -> None: ...

    @property
    def markets(self) -> Sequence[Market]: ...

    @property
    def connected(self) -> bool: ...


@dataclass(slots=True)
class StreamSummary:
    """What one streaming job did."""

    venue: str
    snapshots: int = 0
    frames: int = 0
    gaps: int = 0
    quarantined: int = 0
    acknowledged_rows: int = 0
    promoted_rows: int = 0
    reconnections: int = 0
    beat: Heartbeat | None = field(default=None, repr=False)


async def record(
    adapter: Adapter,
    location: LakeLocation,
    *,
    stop: asyncio.Event,
    run_id: str = "",
    shard: int = 0,
    on_beat: Callable[[Heartbeat], None] = lambda _: None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    trouble: Callable[[], str] = str,
    renew: bool = False,
) -> StreamSummary:
    """Stream until ``stop`` is set or the adapter ends, then land and promote everything that came.

    With ``renew`` it takes over from the process that streams the shard now, without a gap; in its
    turn it lets go, and sets ``stop``, when a successor is ready (handover.py). Raises ShardBusy when
    another process streams this shard, HandoverFailed when it does not let go, LeaseLost when the
    lease was taken away, CredentialsError when the venue refuses us, StorageError when the last rows
    could not be written. ``trouble`` says what else the heartbeat should tell.
    """
    lease = Lease(location.root, adapter.venue, shard, owner=run_id)
    continues: dict[int, str] = {}
    if renew:
        taken = await take_over(adapter, location.root, shard, owner=run_id, stop=stop)
        if taken is None:
            return StreamSummary(adapter.venue)
        lease, warm = taken
        adapter, continues = warm, warm.sessions_before
    recorder = Recorder(
        Spool(location.spool), adapter.venue, clock=clock, fence=lease.check, continues=continues
    )
    with (
        _entered(lease),
        Lake.open(location, threads=1) as lake,
        short_pauses(),
    ):
        promoter = Promoter(lake, Spool(location.spool), clock=clock)
        pulse = _Pulse(adapter, recorder, promoter, location, run_id, shard, clock, on_beat, trouble)
        async with (
            _promoting(promoter) as promoting,
            _beating(pulse) as beating,
            _landing(recorder) as landing,
        ):
            leaving = _Leaving(adapter, recorder, lease, clock)
            watching = asyncio.create_task(leaving.watch(stop))
            try:
                await _consume(
                    adapter,
                    recorder,
                    stop,
                    background={promoting, beating, landing, watching},
                    on_closing=[leaving.prepare, pulse.beat],
                )
            finally:
                watching.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watching
        leaving.finish()
        # while the heartbeat's file is still ours to write
        pulse.beat()
    return pulse.summary()


@contextmanager
def _entered(lease: Lease) -> Iterator[Lease]:
    """Hold ``lease``, which may be entered already, until the end."""
    with ExitStack() as stack:
        if lease.entered:
            stack.push(lease)
        else:
            stack.enter_context(lease)
        yield lease


class _Leaving:
    """Lets go of the shard in favour of a successor, and leaves it a farewell."""

    def __init__(
        self,
        adapter: Adapter,
        recorder: Recorder,
        lease: Lease,
        clock: Callable[[], datetime],
    ) -> None:
        self._adapter: Any = adapter
        self._recorder = recorder
        self._lease = lease
        self._place = (lease.root, lease.venue, lease.shard)
        self._clock = clock
        self._farewell: Farewell | None = None

    async def watch(self, stop: asyncio.Event) -> None:
        """Set ``stop`` when a live successor has every book."""
        while (to := waiting_successor(*self._place)) is None:  # noqa: ASYNC110 another process says it, in a file
            await asyncio.sleep(LOOK_SECONDS)
        self._note_for(to)
        stop.set()

    def prepare(self) -> None:
        """Note the books as they are now and what is recorded from here on; does nothing without a successor."""
        to = waiting_successor(*self._place) if self._farewell is None else None
        if to is not None:
            self._note_for(to)

    def _note_for(self, to: str) -> None:
        log.info("%s: handed over to run %s", self._adapter.venue, to)
        books = last_books(getattr(self._adapter, "books", ()))
        self._farewell = Farewell(to, self._lease.generation, self._clock(), books)
        self._recorder.leave(self._farewell)

    def finish(self) -> None:
        """Everything is landed: leave the farewell, before the lease goes."""
        if self._farewell is not None:
            self._farewell.at = self._clock()
            with contextlib.suppress(OSError):  # then some rows come twice, which is better than not at all
                self._farewell.write(*self._place)


async def _consume(
    adapter: Adapter,
    recorder: Recorder,
    stop: asyncio.Event,
    *,
    background: set[asyncio.Task[None]],
    on_closing: Sequence[Callable[[], None]],
) -> None:
    """Hand every output to the recorder; when ``stop`` is set the adapter closes and says its last words.

    A background task that ends early has failed: the stream closes too, and the task's error is raised
    where it is awaited.
    """

    async def close_in_time() -> None:
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({asked, *background}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            asked.cancel()
        for call in on_closing:
            call()
        recorder.end()
        await adapter.close()

    closing = asyncio.create_task(close_in_time())
    try:
        async with aclosing(adapter.stream()) as batches:
            async for outputs in batches:
                await recorder.take(outputs)
    finally:
        closing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await closing


@asynccontextmanager
async def _landing(recorder: Recorder) -> AsyncIterator[asyncio.Task[None]]:
    """Land in the background; the last batch is written before this ends, also after a failure."""
    finished = asyncio.Event()
    landing = asyncio.create_task(recorder.land(finished))
    try:
        yield landing
    finally:
        finished.set()
        await landing


@asynccontextmanager
async def _promoting(promoter: Promoter) -> AsyncIterator[asyncio.Task[None]]:
    """Promote in a thread; everything acknowledged is promoted once more before this ends."""
    stop = threading.Event()
    promoting = asyncio.create_task(asyncio.to_thread(promoter.run, stop, PROMOTE_SECONDS))
    try:
        yield promoting
    finally:
        stop.set()
        await promoting


@asynccontextmanager
async def _beating(pulse: "_Pulse") -> AsyncIterator[asyncio.Task[None]]:
    beating = asyncio.create_task(pulse.run())
    try:
        yield beating
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating


class _Pulse:
    """Writes the heartbeat every second."""

    def __init__(  # noqa: PLR0917 made in one place
        self,
        adapter: Adapter,
        recorder: Recorder,
        promoter: Promoter,
        location: LakeLocation,
        run_id: str,
        shard: int,
        clock: Callable[[], datetime],
        on_beat: Callable[[Heartbeat], None],
        trouble: Callable[[], str],
    ) -> None:
        self._adapter: Any = adapter
        self._recorder = recorder
        self._promoter = promoter
        self._root = location.root
        self._run_id = run_id
        self._shard = shard
        self._clock = clock
        self._on_beat = on_beat
        self._trouble = trouble
        self._started_at = clock()
        self._connected: Heartbeat | None = None

    async def run(self) -> None:
        for beats in itertools.count():
            self.beat()
            if beats and beats % BEATS_TO_SESSIONS == 0:
                self._recorder.refresh(getattr(self._adapter, "sessions_so_far", ()))
            await asyncio.sleep(BEAT_SECONDS)

    def beat(self) -> None:
        beat = self.current()
        with contextlib.suppress(OSError):  # a full disk is the recorder's to report
            write_heartbeat(self._root, beat)
        self._on_beat(beat)
        if beat.connected:
            self._connected = beat

    def current(self) -> Heartbeat:
        adapter, recorder = self._adapter, self._recorder
        return Heartbeat(
            venue=adapter.venue,
            shard=self._shard,
            pid=os.getpid(),
            run_id=self._run_id,
            started_at=self._started_at,
            at=self._clock(),
            connected=adapter.connected,
            sockets=getattr(adapter, "sockets_connected", int(adapter.connected)),
            assets=adapter.assets_subscribed,
            assets_with_book=adapter.assets_with_book,
            frames=adapter.frames,
            frames_per_second=round(adapter.frames_per_second, 1),
            snapshots=recorder.snapshots,
            gaps=recorder.gaps,
            reconnections=adapter.reconnections,
            quarantined=recorder.quarantined,
            lag_p50_ms=adapter.lag_p50_ms,
            lag_p99_ms=adapter.lag_p99_ms,
            spooled_rows=recorder.acknowledged_rows,
            promoted_rows=self._promoter.total.rows,
            trouble=recorder.last_error or self._promoter.last_error or self._trouble(),
        )

    def last(self) -> Heartbeat:
        """The end of the job, with the books it had while it was connected: a closed stream has none."""
        beat, before = self.current(), self._connected
        if before is None:
            return beat
        return replace(beat, assets=before.assets, assets_with_book=before.assets_with_book)

    def summary(self) -> StreamSummary:
        return StreamSummary(
            venue=self._adapter.venue,
            snapshots=self._recorder.snapshots,
            frames=self._adapter.frames,
            gaps=self._recorder.gaps,
            quarantined=self._recorder.quarantined,
            acknowledged_rows=self._recorder.acknowledged_rows,
            promoted_rows=self._promoter.total.rows,
            reconnections=self._adapter.reconnections,
            beat=self.last(),
        )
