"""What the whole stack costs while hardly anything happens: memory, CPU, and what Dagster's log grows by.

The real processes of ``arb up`` (profile live, on simulated venues that change one book a second and are not counted);
first they list, match and report once, then they are left alone.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from arb_platform.settings import child_environment
from arb_platform.simulate.stand import build_stand
from arb_platform.supervise import graphql
from arb_platform.supervise.processes import free_port
from arb_platform_tests.benchmarks.measure import Outcome, Pace, progress
from arb_platform_tests.conftest import SimulatorThread

TARGETS: Final = ("IDLE",)
_CHANGES_A_SECOND: Final = 1.0
_MARKETS: Final = 100
_START_SECONDS: Final = 240.0
_SETTLE_SECONDS: Final = 10.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_LAUNCH: Final = """mutation($job: String!) { launchRun(executionParams: {mode: "default", runConfigData: {}, selector: {
  repositoryLocationName: "arb_platform", repositoryName: "__repository__", pipelineName: $job}}) {
  ... on LaunchRunSuccess { run { runId } } } }"""
_STATUS: Final = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
# Runs a day of what comes round the clock while little is recorded (defs/reports.py, defs/maintenance.py, defs/catalogue.py).
_A_DAY: Final = {"compute_reports": 24, "maintain_lake": 144, "refresh_markets": 24}
_NAMES: Final = {
    "dagster-webserver": "web UI", "dagster-daemon": "daemon", "code_server": "code server", "cli up": "arb up",
    "spawn_main": "stream", "resource_tracker": "tracker",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Process:
    """One process now; ``family_cpu`` is with its children that have ended."""

    pid: int
    parent: int
    name: str
    cpu: float
    family_cpu: float
    resident_mb: float


def measure(pace: Pace) -> Outcome:
    """Two minutes at rest (``--full``: five)."""
    outcome = Outcome()
    seconds = pace.of(120, 300)
    with tempfile.TemporaryDirectory() as folder, _stack(Path(folder), pace.seed) as (root, port):
        with progress("the stack comes up and fills itself once"):
            _until_filled(Path(folder))
            time.sleep(_SETTLE_SECONDS)
        with progress(f"{seconds} s at rest"):
            before, log_before, began = _family(root), _log_bytes(Path(folder)), time.monotonic()
            time.sleep(seconds)
            after, log_after, took = _family(root), _log_bytes(Path(folder)), time.monotonic() - began
        _tell(outcome, before, after, took)
        with progress("one run of each job that comes round the clock"):
            runs = {job: _run_once(Path(folder), port, job) for job in _A_DAY}
        at_rest = (log_after - log_before) / took * 86_400
        written = at_rest + sum(runs[job] * times for job, times in _A_DAY.items())
        kept = at_rest + runs["refresh_markets"] * _A_DAY["refresh_markets"]
        outcome.at_most(
            "IDLE", "Dagster's log a day, after maintenance has forgotten what was done", kept / 1e6, 5, " MB"
        )
        outcome.told(
            "IDLE",
            "written to it a day",
            f"{written / 1e6:.1f} MB: at rest {at_rest / 1e6:.1f}, "
            + ", ".join(f"{job} {size / 1e3:.0f} kB a run" for job, size in runs.items()),
        )
    return outcome


def _tell(outcome: Outcome, before: Mapping[int, Process], after: Mapping[int, Process], took: float) -> None:
    spent = sum(one.family_cpu for one in after.values()) - sum(one.family_cpu for one in before.values())
    outcome.at_most(
        "IDLE",
        "resident memory of all processes, shared pages counted in each",
        sum(one.resident_mb for one in after.values()),
        900,
        " MB",
    )
    outcome.at_most("IDLE", "CPU of all processes", 100 * spent / took, 10, " % of a core")
    for pid, one in sorted(after.items()):
        if one.resident_mb > 20:
            was = before[pid].cpu if pid in before else 0.0
            outcome.told(
                "IDLE", f"  {one.name}", f"{one.resident_mb:.0f} MB, {100 * (one.cpu - was) / took:.2f} %"
            )


@contextmanager
def _stack(folder: Path, seed: int) -> Iterator[tuple[int, int]]:
    """`arb up` on quiet venues: (its process, the web UI's port)."""
    stands = [
        build_stand(what, port=0, seed=seed, now=datetime.now(UTC), markets_per_venue=_MARKETS, rate=_CHANGES_A_SECOND, faults="none" if what == "llm" else "")
        for what in ("polymarket", "kalshi", "llm")
    ]  # fmt: skip
    with SimulatorThread(*stands), (folder / "terminal.txt").open("w") as terminal:
        addresses = {name: value for stand in stands for name, value in stand.environment.items()}
        port = free_port()
        up = subprocess.Popen(
            [sys.executable, "-m", "arb_platform.cli", "up", "--profile", "live", "--port", str(port)],
            env=child_environment({**addresses, "ARB_DATA_DIR": str(folder / "data"), "ARB_DEEPSEEK_RPM": "6000"}),
            stdout=terminal, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            yield up.pid, port
        finally:
            up.send_signal(signal.SIGINT)
            try:
                up.wait(90)
            except subprocess.TimeoutExpired:
                os.killpg(up.pid, signal.SIGKILL)


def _until_filled(folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while "materialized once" not in (said := (folder / "terminal.txt").read_text()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the stack did not fill itself: {said[-500:]}")
        time.sleep(0.5)


def _family(root: int) -> dict[int, Process]:
    """``root`` and all its descendants."""
    everyone = {one.pid: one for one in map(_process, Path("/proc").glob("[0-9]*")) if one is not None}
    family = {root}
    while more := {one.pid for one in everyone.values() if one.parent in family} - family:
        family |= more
    return {pid: everyone[pid] for pid in family if pid in everyone}


def _process(entry: Path) -> Process | None:
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
        command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    name = next((name for part, name in _NAMES.items() if part in command), command[:40])
    own, ended = (sum(map(int, fields[at : at + 2])) / _TICKS for at in (11, 13))
    return Process(int(entry.name), int(fields[1]), name, own, own + ended, int(fields[21]) * _PAGE / 1e6)


def _log_bytes(folder: Path) -> int:
    """What is in Dagster's databases of runs and events; free pages do not count, which are used again."""
    return sum(map(_used, (folder / "data" / "dagster" / "history").rglob("*.db")))


def _used(file: Path) -> int:
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as connection:
            pages, free, size = (
                connection.execute(f"PRAGMA {what}").fetchone()[0]
                for what in ("page_count", "freelist_count", "page_size")
            )
    except sqlite3.OperationalError:  # forgotten meanwhile
        return 0
    return int((pages - free) * size)


def _run_once(folder: Path, port: int, job: str) -> int:
    """Bytes that one run of ``job`` adds."""
    before = _log_bytes(folder)
    run = graphql.ask(port, _LAUNCH, job=job)["launchRun"]["run"]["runId"]
    deadline = time.monotonic() + _START_SECONDS
    while (status := graphql.ask(port, _STATUS, id=run)["runOrError"]["status"]) not in {
        "SUCCESS",
        "FAILURE",
    }:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{job} is still {status}")
        time.sleep(0.5)
    return _log_bytes(folder) - before
