"""LIST: both venues' whole catalogues from the simulators into a lake, in one process and little memory.

The simulators run in a process of their own, and so does the listing, so that its memory is its own.
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from arb_platform import pipeline
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.settings import load_settings
from arb_platform.simulate.catalogue import build_catalogue
from arb_platform.simulate.kalshi import KalshiSimulator
from arb_platform.simulate.polymarket import PolymarketSimulator
from arb_platform_tests.benchmarks.measure import Outcome, Pace, progress

TARGETS: Final = ("LIST",)
# What the venues list (November 2026), and a tenth of it.
_LARGE: Final = {POLYMARKET: 200_000, KALSHI: 85_000}
_SMALL: Final = {POLYMARKET: 20_000, KALSHI: 8_500}
_GIGABYTES: Final = 1.0


def measure(pace: Pace) -> Outcome:
    outcome = Outcome()
    wanted = _LARGE if pace.full else _SMALL
    size = " + ".join(f"{count:,}" for count in wanted.values())
    with (
        tempfile.TemporaryDirectory() as folder,
        progress(f"LIST: simulators of {size} markets"),
        _served(wanted, pace.seed) as addresses,
        progress("LIST: both venues listed twice, in a process of their own"),
    ):
        found = _child("walk", folder, json.dumps(addresses))
    for venue, first, again in zip(wanted, found["first"], found["again"], strict=True):
        outcome.at_least(
            "LIST", f"{venue}: markets listed whole", first["markets"] * first["complete"], wanted[venue], ""
        )
        outcome.told(
            "LIST", f"{venue}: pages and seconds", f"{first['pages']} pages in {first['seconds']:.0f} s, again in {again['seconds']:.0f} s"
        )  # fmt: skip
        outcome.at_most(
            "LIST", f"{venue}: markets changed or gone in a second listing", again["moved"], 0, ""
        )
    outcome.at_most("LIST", f"peak memory of listing {size} twice", found["peak_gb"], _GIGABYTES, " GB")
    return outcome


@contextmanager
def _served(wanted: dict[str, int], seed: int) -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", __spec__.name if __name__ == "__main__" else __name__, "serve", json.dumps(wanted), str(seed)]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            raise RuntimeError("the simulators did not start")
        yield json.loads(line)
        child.stdin.close()


def _child(what: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "arb_platform_tests.benchmarks.listing", what, *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{what}: {done.stderr.strip().splitlines()[-1]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


async def serve(wanted: str, seed: str) -> None:
    """Both simulators until stdin ends; their addresses are the first line of stdout."""
    counts = json.loads(wanted)
    catalogue = build_catalogue(
        int(seed), now=datetime.now(UTC), markets_per_venue=counts[POLYMARKET], kalshi_markets=counts[KALSHI]
    )
    polymarket = PolymarketSimulator(catalogue, seed=int(seed), rate=0)
    kalshi = KalshiSimulator(catalogue, seed=int(seed), rate=0)
    # The simulator makes its whole list anew for each page, since books move; here none does.
    documents = polymarket._listing.market_documents()
    polymarket._listing.market_documents = lambda: documents  # type: ignore[method-assign]
    await polymarket.start()
    await kalshi.start()
    print(json.dumps({"ARB_POLYMARKET_GAMMA_URL": polymarket.gamma_url, "ARB_KALSHI_REST_URL": kalshi.rest_url}), flush=True)  # fmt: skip
    await asyncio.to_thread(sys.stdin.read)
    await polymarket.stop()
    await kalshi.stop()


def walk(folder: str, addresses: str) -> dict[str, Any]:
    """List both venues into the lake below ``folder``, twice."""
    settings = load_settings(ARB_DATA_DIR=folder, **json.loads(addresses))
    found: dict[str, Any] = {"first": [], "again": []}
    for turn in found.values():
        for venue in _LARGE:
            began = time.monotonic()
            listed = asyncio.run(pipeline.list_venue(settings, venue))
            turn.append(
                {
                    "markets": listed.markets,
                    "pages": listed.pages,
                    "complete": listed.complete,
                    "seconds": time.monotonic() - began,
                    "moved": listed.change.changed + listed.change.gone,
                    "peak_gb": _peak_gb(),
                }
            )
            print(json.dumps(turn[-1]), file=sys.stderr)
    return found | {"peak_gb": _peak_gb()}


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(*sys.argv[2:]))
    else:
        print(json.dumps(walk(*[str(Path(sys.argv[2])), *sys.argv[3:]])))
