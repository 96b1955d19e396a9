"""How a process comes to hold a shard: at once when it is free, or by taking over from a live one."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, Final

from arb_platform.domain.streams import StreamOutput
from arb_platform.ingest.handover import Continuation, Farewell, HandoverFailed, Successor, try_lease
from arb_platform.ingest.lease import Lease

# A successor asks when it has every book, or after so long with those it has.
WARM_SECONDS: Final = 20.0
# Closing sockets, landing and promoting what is left; a predecessor of old code never answers.
LET_GO_SECONDS: Final = 40.0
POLL_SECONDS: Final = 0.05
# About a minute of everything both venues send; more is not kept in memory for a renewal.
LARGEST_HELD: Final = 500_000


class Warm:
    """An adapter that streams already while its outputs are kept back; everything else is the adapter's."""

    def __init__(self, adapter: Any) -> None:
        self._adapter = adapter
        self._batches: AsyncGenerator[list[StreamOutput]] = adapter.stream()
        self._held: list[StreamOutput] = []
        self._released = False
        self._continuation: Continuation | None = None
        # by shard, the session that ours continue
        self.sessions_before: dict[int, str] = {}
        self.pump = asyncio.create_task(self._hold())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    async def _hold(self) -> None:
        """Ends with the first batch after the release; the generator is then read by :meth:`stream`."""
        async for batch in self._batches:
            self._held += batch
            if len(self._held) > LARGEST_HELD:
                raise HandoverFailed(
                    f"{LARGEST_HELD} rows came before the other run let go; it streams on. Nothing is lost; "
                    "stream_keeper tries again later."
                )
            if self._released:
                return

    def release(self, farewell: Farewell | None) -> None:
        """From now on outputs may be recorded, less what the predecessor has recorded by its ``farewell``."""
        if farewell is not None:
            self._continuation = Continuation(farewell)
            self.sessions_before = farewell.sessions
        self._released = True

    @property
    def dropped(self) -> int:
        """Snapshots that the predecessor had recorded already."""
        return 0 if self._continuation is None else self._continuation.dropped

    async def stream(self) -> AsyncGenerator[list[StreamOutput]]:
        try:
            held, self._held = self._held, []
            yield self._first(held)
            await self.pump
            yield self._next(self._held)
            async for batch in self._batches:
                yield self._next(batch)
        finally:
            await self._batches.aclose()

    async def close(self) -> None:
        await self._adapter.close()

    async def abandon(self) -> None:
        """Close without having been released: the other process goes on."""
        await self._adapter.close()
        await asyncio.gather(self.pump, return_exceptions=True)
        await self._batches.aclose()

    def _first(self, held: Sequence[StreamOutput]) -> list[StreamOutput]:
        return list(held) if self._continuation is None else self._continuation.kept(held)

    def _next(self, batch: list[StreamOutput]) -> list[StreamOutput]:
        if self._continuation is None or self._continuation.done:
            return batch
        return self._continuation.later(batch)


async def take_over(
    adapter: Any, root: Path, shard: int, *, owner: str, stop: asyncio.Event
) -> tuple[Lease, Warm] | None:
    """Stream beside whoever holds the shard until it lets go; the lease is entered, the adapter released.

    None when ``stop`` was set meanwhile: the other goes on. Raises HandoverFailed when it does not
    let go or another process is to be next already, and whatever the adapter raises.
    """
    lease = Lease(root, adapter.venue, shard, owner=owner, sleep=lambda _: None)
    with Successor(root, adapter.venue, shard, owner=owner) as claim:
        warm = Warm(adapter)
        asked = asyncio.create_task(stop.wait())
        try:
            if try_lease(lease) or await _until_warm(warm, lease, asked):
                if not lease.entered:
                    claim.ready()
                    await _until_free(warm, lease, asked)
                if lease.entered:
                    warm.release(Farewell.take(root, adapter.venue, shard, generation=lease.generation))
                    return lease, warm
            return None
        finally:
            asked.cancel()
            if not lease.entered:
                await warm.abandon()


async def _until_warm(warm: Warm, lease: Lease, asked: "asyncio.Task[bool]") -> bool:
    """True when it has every book, has waited for long, or is no longer kept out; False when asked to stop."""
    for _ in range(int(WARM_SECONDS / POLL_SECONDS)):
        if not await _go_on(warm, asked):
            return False
        if try_lease(lease) or (
            warm.connected and warm.assets_subscribed and warm.assets_with_book >= warm.assets_subscribed
        ):
            return True
    if not warm.assets_with_book:
        raise HandoverFailed(
            f"no book of {warm.venue} came within {WARM_SECONDS:.0f} s; the run that streams it goes on."
        )
    return True


async def _until_free(warm: Warm, lease: Lease, asked: "asyncio.Task[bool]") -> None:
    for _ in range(int(LET_GO_SECONDS / POLL_SECONDS)):
        if not await _go_on(warm, asked) or try_lease(lease):
            return
    raise HandoverFailed(
        f"the process that streams {warm.venue} did not let go within {LET_GO_SECONDS:.0f} s and goes on; if it is of "
        "an older release, terminate its run: stream_keeper starts a new one."
    )


async def _go_on(warm: Warm, asked: "asyncio.Task[bool]") -> bool:
    """Wait an instant; False when asked to stop. Raises what the adapter raised."""
    await asyncio.wait({warm.pump, asked}, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if warm.pump.done():
        warm.pump.result()
        raise HandoverFailed(f"the stream of {warm.venue} ended before it could take over")
    return not asked.done()
