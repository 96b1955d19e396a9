"""``python -m arb_platform_tests.benchmarks [--only T1,T5] [--full]``: every target measured and printed."""

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from types import ModuleType

from arb_platform_tests.benchmarks import hot_path, landing, memory, peers, sockets
from arb_platform_tests.benchmarks.measure import BooksDiffer, Figure, Outcome, Pace

MODULES: Sequence[ModuleType] = (hot_path, peers, sockets, landing, memory)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when everything was measured, whatever it was; 1 when a book was wrong."""
    options = _options(arguments)
    wanted = {word.strip().upper() for word in options.only.split(",") if word.strip()}
    unknown = wanted - {target for module in MODULES for target in module.TARGETS}
    if unknown:
        print(f"no such target: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    pace = Pace(full=options.full, seed=options.seed)
    print(_machine(pace), flush=True)
    outcomes: list[Outcome] = []
    for module in MODULES:
        if wanted and not wanted.intersection(module.TARGETS):
            continue
        try:
            outcomes.append(module.measure(pace))
        except BooksDiffer as error:
            print(f"nothing is told about {', '.join(module.TARGETS)}: {error}", file=sys.stderr)
            return 1
    figures = [figure for outcome in outcomes for figure in outcome.figures]
    print(_table(sorted(figures, key=lambda one: int(one.target[1:]))))
    print(_absolute([row for outcome in outcomes for row in outcome.absolute]))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only", default="", help="targets, as in T1,T5; a module that measures one prints all of its own"
    )
    parser.add_argument("--seed", type=int, default=7)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="under six minutes (the default)")
    length.add_argument("--full", action="store_true", help="5 million frames, 60 s at 20,000 frames/s")
    return parser.parse_args(arguments)


def _machine(pace: Pace) -> str:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, load {load} at the "
        f"start, seed {pace.seed}, {'full' if pace.full else 'quick'}"
    )


def _table(figures: Sequence[Figure]) -> str:
    lines = ["", "| target | what | measured | wanted | |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.target} | {one.what} | {one.measured} | {one.wanted} | {one.verdict} |" for one in figures
    ]
    return "\n".join(lines)


def _absolute(rows: Sequence[tuple[str, float, str]]) -> str:
    lines = ["", "| the same run, absolute | us each (CPU) | each CPU second | |", "|---|---|---|---|"]
    lines += [f"| {what} | {cost:.2f} | {1e6 / cost:,.0f} | {note} |" for what, cost, note in rows]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
