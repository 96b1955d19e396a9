"""What all processes share: the requests of a minute and the dollars of a day; two real processes each time."""

import asyncio
import json
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arb_platform.domain.errors import BudgetExceeded
from arb_platform.llm.client import LLMClient
from arb_platform.llm.ledger import MemoryLedger
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.ledger import LakeLedger
from arb_platform_tests.llm.fake_provider import chat, in_turn, serving
from arb_platform_tests.llm.test_client import GOOD, NOON, QUESTION

GRABBING = """
import asyncio, json, sys, time
from pathlib import Path
from arb_platform.llm.limits import FileStore, TokenBucket

async def grab(path, seconds):
    bucket = TokenBucket(1200, clock=time.monotonic, sleep=asyncio.sleep, store=FileStore(Path(path)))
    print("ready", flush=True)
    sys.stdin.readline()
    end, times = time.monotonic() + seconds, []
    while time.monotonic() < end:
        await bucket.acquire()
        times.append(time.monotonic())
    print(json.dumps(times), flush=True)

asyncio.run(grab(sys.argv[1], float(sys.argv[2])))
"""

SPENDING = """
import asyncio, json, sys
from decimal import Decimal
from pathlib import Path
from arb_platform.domain.errors import BudgetExceeded
from arb_platform.llm.client import LLMClient
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.ledger import LakeLedger
from arb_platform_tests.llm.test_client import NOON, QUESTION

async def spend(root, address, budget):
    with Lake.open(LakeLocation.local(Path(root))) as lake, LakeLedger(lake) as ledger:
        client = LLMClient(
            "k", enable_fallback=False, deepseek_base_url=address, deepseek_rpm=60_000, ledger=ledger,
            budget_usd=Decimal(budget), clock=lambda: NOON,
        )
        print("ready", flush=True)
        sys.stdin.readline()
        calls = 0
        try:
            while True:
                await client.complete(QUESTION)
                calls += 1
        except BudgetExceeded as error:
            print(json.dumps([calls, str(error)]), flush=True)

asyncio.run(spend(*sys.argv[1:]))
"""


async def both(script: str, arguments: Sequence[Sequence[str]]) -> list[Any]:
    """What each process says at its end; all begin together."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            limit=2**20,
        )
        for words in arguments
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
    told = await asyncio.gather(
        *(asyncio.wait_for(process.communicate(b"go\n"), 60) for process in processes)
    )
    assert [process.returncode for process in processes] == [0] * len(processes)
    return [json.loads(out) for out, _ in told]


@pytest.mark.parametrize("names", ["aa", "ab"], ids=["one file", "a file each"])
def test_two_processes_together_keep_to_one_limit_when_they_name_one_file(tmp_path: Path, names: str) -> None:
    paths = [str(tmp_path / f"{name}.json") for name in names]
    told = asyncio.run(both(GRABBING, [(path, "0.6") for path in paths]))
    assert all(told)
    times = sorted(at for grants in told for at in grants)
    # 1,200 a minute: a burst of 120, then 20 a second
    allowed = 120 + 20 * (times[-1] - times[0]) + 1
    assert (len(times) <= allowed) == (names == "aa")
    assert len(times) >= 120


def test_two_processes_together_keep_to_one_budget(tmp_path: Path) -> None:
    """A call costs $0.0000924 and could cost $0.0003, so one process alone would make about 50."""

    async def run() -> list[Any]:
        async with serving(in_turn(chat(GOOD))) as fake:
            Lake.open(LakeLocation.local(tmp_path)).close()
            words = [str(tmp_path), fake.base_url, "0.005"]
            told = await both(SPENDING, [words, words])
            with Lake.open(LakeLocation.local(tmp_path)) as lake, LakeLedger(lake) as ledger:
                options = {
                    "deepseek_base_url": fake.base_url,
                    "budget_usd": Decimal("0.005"),
                    "clock": lambda: NOON,
                }
                with pytest.raises(BudgetExceeded):
                    await LLMClient("k", ledger=ledger, **options).complete(QUESTION)
                # a ledger of its own would let a process spend it all again
                assert await LLMClient("k", ledger=MemoryLedger(), **options).complete(QUESTION) == GOOD
                spent = lake.query("SELECT sum(cost_usd) AS usd, count(*) AS calls FROM llm_calls").row(0)
            assert spent[1] == sum(calls for calls, _ in told) == len(fake.asked) - 1
            # never more than the other's call in flight above it
            assert Decimal("0.0045") < spent[0] <= Decimal("0.005") + Decimal("0.0000924")
            return told

    told = asyncio.run(run())
    assert all(calls for calls, _ in told)
    assert all("does not allow another call" in str(sentence) for _, sentence in told)
