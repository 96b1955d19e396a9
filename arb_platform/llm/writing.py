"""The ledger as many tasks use it: one sync for all who wait, and the event loop does not wait for the disk."""

import asyncio

from arb_platform.domain.calls import CallLedger, JournalLedger, LLMCall


class Books:
    """Writes calls down in ``ledger``.

    A call is durable before it is sent. How it ended outlives this process at once, and a loss of power
    together with the next call or verdict: until then its row says ``started``, which is the truth of a crash.
    A ledger without a journal is written to directly.
    """

    def __init__(self, ledger: CallLedger) -> None:
        self._ledger = ledger
        self._journal = ledger if isinstance(ledger, JournalLedger) else None
        self._syncing: asyncio.Future[None] | None = None

    async def start(self, call: LLMCall) -> None:
        """Keep ``call`` durably. Raises what the ledger raises; then nothing may be sent."""
        if self._journal is None:
            self._ledger.write(call)
            return
        self._journal.note(call)
        # one that is under way may have begun before our line was there; the one after it has not
        for _ in range(2):
            if not self._journal.unsynced:
                return
            await self._next_sync(self._journal)

    def finish(self, call: LLMCall) -> None:
        """Keep how ``call`` ended."""
        (self._journal.note if self._journal else self._ledger.write)(call)

    async def _next_sync(self, journal: JournalLedger) -> None:
        loop = asyncio.get_running_loop()
        syncing = self._syncing
        if syncing is None or syncing.done() or syncing.get_loop() is not loop:
            syncing = self._syncing = loop.run_in_executor(None, journal.sync)
        # whoever gives up waiting must not stop the sync of the others
        await asyncio.shield(syncing)
