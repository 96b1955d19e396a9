"""Calls are durable before they are sent, and one sync serves all who wait for it."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from arb_platform.domain.calls import LLMCall
from arb_platform.domain.errors import DiskFull
from arb_platform.llm.client import LLMClient
from arb_platform.llm.ledger import MemoryLedger
from arb_platform.llm.writing import Books
from arb_platform_tests.llm.fake_provider import chat, in_turn, serving
from arb_platform_tests.llm.test_client import GOOD, QUESTION

CALL = LLMCall(
    "a", "r", None, "deepseek", "m", 1, datetime(2026, 11, 25, tzinfo=UTC), "started", fallback=False
)


class SlowDisk(MemoryLedger):
    """A sync waits until the test lets it; ``durable`` are the calls that were noted before a sync began."""

    def __init__(self):
        super().__init__()
        self.noted, self.durable, self.syncs = [], [], 0
        self.began, self.go = threading.Event(), threading.Event()
        self.trouble = None

    @property
    def unsynced(self):
        return len(self.durable) < len(self.noted)

    def note(self, call):
        super().note(call)
        self.noted.append(call.call_id)

    def sync(self):
        mine = list(self.noted)
        self.syncs += 1
        self.began.set()
        assert self.go.wait(10)
        if self.trouble:
            raise self.trouble
        self.durable = mine


def test_one_sync_serves_all_who_wait_and_the_event_loop_goes_on():
    async def test():
        disk = SlowDisk()
        books = Books(disk)
        first = asyncio.create_task(books.start(CALL))
        await asyncio.to_thread(disk.began.wait, 10)
        others = [asyncio.create_task(books.start(replace(CALL, call_id=f"{n}"))) for n in range(50)]
        await asyncio.sleep(0)
        assert not first.done()
        disk.go.set()
        await asyncio.gather(first, *others)
        # the first sync began before the others were noted, so it does not count for them
        assert (len(disk.durable), disk.syncs) == (51, 2)

    asyncio.run(test())


def test_who_gives_up_waiting_does_not_stop_the_others():
    async def test():
        disk = SlowDisk()
        books = Books(disk)
        tasks = [asyncio.create_task(books.start(replace(CALL, call_id=name))) for name in "ab"]
        await asyncio.to_thread(disk.began.wait, 10)
        tasks[0].cancel()
        await asyncio.sleep(0)
        disk.go.set()
        await tasks[1]
        assert tasks[0].cancelled()
        assert disk.durable == ["a", "b"]

    asyncio.run(test())


def test_nothing_is_sent_that_could_not_be_written_down():
    async def test():
        disk = SlowDisk()
        disk.trouble = DiskFull("the disk is full; free some space.")
        disk.go.set()
        async with serving(in_turn(chat(GOOD))) as fake:
            client = LLMClient("k", deepseek_base_url=fake.base_url, ledger=disk)
            with pytest.raises(DiskFull):
                await client.complete(QUESTION)
            assert fake.asked == []
            disk.trouble = None
            assert await client.complete(QUESTION) == GOOD
            assert len(fake.asked) == 1

    asyncio.run(test())


def test_a_call_cancelled_while_it_waits_for_the_disk_was_never_sent():
    async def test():
        disk = SlowDisk()
        async with serving(in_turn(chat(GOOD))) as fake:
            task = asyncio.create_task(
                LLMClient("k", deepseek_base_url=fake.base_url, ledger=disk).complete(QUESTION)
            )
            await asyncio.to_thread(disk.began.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            disk.go.set()
            assert fake.asked == []
            assert [call.status for call in disk.calls] == ["cancelled"]

    asyncio.run(test())
