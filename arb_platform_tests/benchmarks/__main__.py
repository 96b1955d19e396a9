"""Measure the targets and print each with its verdict; without a name all of them."""

import argparse
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from arb_platform_tests.benchmarks.measure import MEMORY_FRAMES, BooksDiffer, Figure, Outcome, Pace

_SHORT_MEMORY: Final = 500_000


@dataclass(frozen=True, slots=True)
class Bench:
    """A module here with ``measure(pace) -> Outcome``; imported when it is wanted, for what it needs besides.

    ``seconds`` and ``full`` are what it took on two idle cores.
    """

    module: str
    targets: tuple[str, ...]
    about: str
    seconds: int
    full: int


BENCHES: Final = (
    Bench("hot_path", ("T1", "T3", "T10"), "bytes to handler: naive, decode alone, books equal", 15, 45),
    Bench("peers", ("T2",), "ccxt, cryptofeed, nautilus_trader, kalshi-simple-ws-orderbook", 20, 60),
    Bench(
        "sockets", ("T4", "T5", "T9"), "over websockets: saturated, latency, 100 sockets, a burst", 120, 270
    ),
    Bench("landing", ("T6", "T7"), "snapshots to durable rows, and the event loop meanwhile", 40, 110),
    Bench("memory", ("T8",), "memory over millions of frames, bytes a row", 170, 180),
    Bench("replaying", ("REPLAY",), "recorded frames through the whole pipeline", 15, 60),
    Bench("lake", ("LAKE",), "two writers, ten readers, assets and maintenance on one lake", 75, 625),
    Bench("llm", ("LLM",), "judging pairs: time, limits, CPU, memory, dollars", 90, 300),
    Bench(
        "matching", ("MATCH",), "candidates of whole catalogues: recall, time, memory, a refresh", 120, 600
    ),
    Bench("idle", ("IDLE",), "the whole stack at rest: memory, CPU, Dagster's log", 240, 420),
    Bench("listing", ("LIST",), "both venues listed whole from the simulators: pages, time, memory", 60, 600),
    Bench("day", ("DAY",), "a day of snapshots in small files, before and after maintenance", 45, 240),
    Bench("reports", ("REPORTS",), "opportunities of a day, a month of reports, all as one page", 40, 150),
)
TARGETS: Final = tuple(
    sorted((target for bench in BENCHES for target in bench.targets), key=lambda name: (len(name), name))
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when everything was measured, whatever it was; 1 when something could not be; 2 for wrong usage."""
    options = _options(arguments)
    if options.list:
        print(_listing())
        return 0
    wanted = frozenset(name.upper() for name in options.targets)
    if unknown := wanted.difference(TARGETS):
        print(
            f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}", file=sys.stderr
        )
        return 2
    memory_frames = options.frames or (_SHORT_MEMORY if options.quick else MEMORY_FRAMES)
    pace = Pace(options.full, options.seed, memory_frames, wanted, options.peers)
    benches = [bench for bench in BENCHES if not wanted or wanted.intersection(bench.targets)]
    machine = f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores"
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{machine}, load {load} at the start, seed {pace.seed}, {'full' if pace.full else 'short'}")
    print(f"about {_minutes(benches, pace)} min on two idle cores", flush=True)
    began = time.monotonic()
    outcome, failures = _measured(benches, pace)
    figures = sorted(
        (one for one in outcome.figures if pace.wants(one.target)), key=lambda one: TARGETS.index(one.target)
    )
    print(_table(figures))
    print(_summary(figures, time.monotonic() - began))
    if outcome.absolute:
        print(_absolute(outcome.absolute, machine))
    for failure in failures:
        print(failure, file=sys.stderr)
    if options.json:
        document = {
            "machine": machine, "load": load, "seed": pace.seed, "figures": [asdict(one) for one in figures], "absolute": outcome.absolute, "failures": failures,
        }  # fmt: skip
        options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 1 if failures else 0


def _measured(benches: Sequence[Bench], pace: Pace) -> tuple[Outcome, list[str]]:
    """Everything measured, and a sentence about each bench that gave nothing."""
    whole, failures = Outcome(), []
    for number, bench in enumerate(benches, 1):
        targets = ", ".join(bench.targets)
        print(f"[{number}/{len(benches)}] {targets}: {bench.about}", file=sys.stderr, flush=True)
        try:
            module = importlib.import_module(f"arb_platform_tests.benchmarks.{bench.module}")
            outcome = module.measure(pace)
        except BooksDiffer as error:
            failures.append(f"nothing is told about {targets}: {error}")
        except Exception as error:  # noqa: BLE001 - minutes of the others' figures are not thrown away for it
            failures.append(f"{targets} could not be measured: {type(error).__name__}: {error}")
        else:
            whole.figures += outcome.figures
            whole.absolute += outcome.absolute
    return whole, failures


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m arb_platform_tests.benchmarks",
        description=__doc__,
        epilog="docs/benchmarks.md says more.",
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"any of {' '.join(TARGETS)}")
    parser.add_argument("--list", action="store_true", help="say what there is and how long it takes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--frames", type=int, metavar="N", help="T8's frames (5,000,000; with --quick 500,000)"
    )
    parser.add_argument(
        "--peers", type=Path, metavar="PYTHON", help="an interpreter with T2's peers (.venv-peers/bin/python)"
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="a short T8, which gets no verdict")
    length.add_argument(
        "--full", action="store_true", help="longer: 60 s at 20,000 frames/s, more frames everywhere"
    )
    return parser.parse_args(arguments)


def _listing() -> str:
    lines = [f"{', '.join(one.targets):12} {one.seconds:4} s ({one.full} s)  {one.about}" for one in BENCHES]
    return "\n".join(["targets, time (with --full), what", *lines])


def _minutes(benches: Sequence[Bench], pace: Pace) -> int:
    seconds = sum(bench.full if pace.full else bench.seconds for bench in benches)
    if any(bench.module == "memory" for bench in benches):
        seconds -= int(160 * (1 - min(pace.memory_frames / MEMORY_FRAMES, 1.0)))
    return max(1, round(seconds / 60))


def _table(figures: Sequence[Figure]) -> str:
    lines = ["", "| target | what | measured | wanted | |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.target} | {one.what} | {one.measured} | {one.wanted} | {one.verdict} |" for one in figures
    ]
    return "\n".join(lines)


def _summary(figures: Sequence[Figure], seconds: float) -> str:
    promised = [one for one in figures if one.ok is not None]
    short = [one for one in promised if not one.ok]
    return f"\n{len(promised)} figures with a target: {len(promised) - len(short)} ok, {len(short)} SHORT; {seconds:.0f} s"


def _absolute(rows: Sequence[tuple[str, float, str]], machine: str) -> str:
    lines = ["", f"The same run, absolute ({machine}):", ""]
    lines += ["| what | us each (CPU) | each CPU second | |", "|---|---|---|---|"]
    lines += [f"| {what} | {cost:.2f} | {1e6 / cost:,.0f} | {note} |" for what, cost, note in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
