"""The simulated providers in a process of their own, so that their CPU is not taken for ours.

``python -m arb_platform_tests.benchmarks.llm_provider SEED LATENCY_SECONDS`` prints the base addresses as JSON, then the
invoice since the last time for each line on stdin, and ends with stdin.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any, Final

from arb_platform.simulate.catalogue import Catalogue, build_catalogue
from arb_platform.simulate.llm import Latency, LLMSimulator
from arb_platform.simulate.llm_billing import Invoice
from arb_platform.simulate.llm_faults import LLMFaults
from arb_platform_tests.benchmarks.measure import ROOT

MARKETS: Final = 400
AT: Final = datetime(2026, 11, 25, 12, tzinfo=UTC)


def catalogue(seed: int) -> Catalogue:
    """What both processes know."""
    return build_catalogue(seed, now=AT, markets_per_venue=MARKETS)


@dataclass(frozen=True, slots=True)
class Provider:
    """Where the simulator is, and what it bills."""

    deepseek_base_url: str
    openai_base_url: str
    pipes: tuple[IO[str], IO[str]]

    def invoice(self) -> dict[str, Any]:
        """The lines of the invoice since the last time, by ``provider/model``."""
        to, back = self.pipes
        to.write("invoice\n")
        to.flush()
        lines: dict[str, Any] = json.loads(back.readline())["lines"]
        return lines


@contextmanager
def provider(seed: int, latency_seconds: float) -> Iterator[Provider]:
    command = [
        sys.executable,
        "-m",
        "arb_platform_tests.benchmarks.llm_provider",
        str(seed),
        str(latency_seconds),
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        try:
            yield Provider(**addresses, pipes=(process.stdin, process.stdout))
        finally:
            process.stdin.close()


async def _serve(seed: int, latency_seconds: float) -> None:
    simulator = LLMSimulator(
        catalogue(seed), seed=seed, latency=Latency(latency_seconds, 0.0), error_rate=0.0, faults=LLMFaults(), clock=lambda: AT
    )  # fmt: skip
    await simulator.start()
    addresses = {
        "deepseek_base_url": simulator.deepseek_base_url,
        "openai_base_url": simulator.openai_base_url,
    }
    print(json.dumps(addresses), flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(simulator.invoice.document()), flush=True)
        simulator.invoice = Invoice()
    await simulator.stop()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
