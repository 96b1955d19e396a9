"""LAKE: two writers, ten readers, asset runs and maintenance on one lake at the same time."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import polars as pl

from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform_tests.benchmarks.lake_part import QUERIES, RATE, Said
from arb_platform_tests.benchmarks.measure import ROOT, Outcome, Pace, percentile, progress

TARGETS: Final = ("LAKE",)
_VENUES: Final = ("polymarket", "kalshi")
# Two analysts' processes with five connections each.
_READERS: Final = (5, 5)


def measure(pace: Pace) -> Outcome:
    seconds, every = pace.of(60, 600), pace.of(15, 60)
    readers = sum(_READERS)
    outcome = Outcome()
    with progress(f"LAKE: {seconds} s"), tempfile.TemporaryDirectory() as folder:
        location = LakeLocation.local(Path(folder))
        Lake.open(location).close()
        parts = [("write", venue) for venue in _VENUES] + [("read", str(number)) for number in _READERS]
        parts += [("watch", ""), ("keep_up", str(every))]
        said = _together(parts, location, seconds)
        writers, readings, (watched, upkeep) = said[:2], said[2:-2], said[-2:]
        with Lake.open(location, read_only=True) as lake:
            _exactly_once(lake, writers, outcome)
            _times(lake, writers, watched, outcome)
    for name in QUERIES:
        times = [took for one in readings for took in one["queries"][name]]
        outcome.told("LAKE", f"query: {name}", f"{_spread(times)}, {len(times)} times")
    for kind in ("merges", "maintenances", "publications"):
        outcome.told("LAKE", kind, f"{_spread(upkeep[kind])}, {len(upkeep[kind])} times")
    errors = [error for one in said for error in one["errors"]]
    what = f"errors of 2 writers, {readers} readers in a loop, assets, maintenance every {every} s, for {seconds} s"
    outcome.at_most("LAKE", what, len(errors), 0, "")
    for error in sorted(set(errors))[:3]:
        outcome.told("LAKE", "an error", error.splitlines()[0][:150])
    return outcome


def _together(parts: Sequence[tuple[str, str]], location: LakeLocation, seconds: int) -> list[Said]:
    """What each part says at its end; all of them begin when all are ready."""
    command = [sys.executable, "-m", "arb_platform_tests.benchmarks.lake_part"]
    with ExitStack() as stack:
        processes = []
        for role, detail in parts:
            process = subprocess.Popen(
                [*command, role, str(location.root), str(seconds), detail],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )  # fmt: skip
            processes.append(stack.enter_context(process))
            stack.callback(process.kill)  # before it is waited for
        pipes = [(one.stdin, one.stdout) for one in processes]
        for stdin, stdout in pipes:
            assert stdin is not None
            assert stdout is not None
            if stdout.readline() != "ready\n":
                raise RuntimeError("a part of LAKE did not start")
        for stdin, _ in pipes:
            stdin.write("go\n")
            stdin.flush()
        return [json.loads(stdout.read()) for _, stdout in pipes]


def _exactly_once(lake: Lake, writers: Sequence[Said], outcome: Outcome) -> None:
    made = sum(one["made"] for one in writers)
    stored, different = lake.query(
        "SELECT count(*), count(DISTINCT (session_id, sequence)) FROM book_snapshots"
    ).row(0)
    outcome.at_most(
        "LAKE", f"rows lost of {made:,} at {RATE * len(writers):,} rows/s", made - different, 0, ""
    )
    outcome.at_most("LAKE", "rows doubled", stored - different, 0, "")


def _times(lake: Lake, writers: Sequence[Said], watched: Said, outcome: Outcome) -> None:
    acks = [took for one in writers for took in one["acks"]]
    commits = [took for one in writers for took in one["commits"]]
    outcome.at_most("LAKE", "acknowledging a batch, p99", percentile(acks, 99), 200.0, " ms")
    outcome.told("LAKE", "the same: p50, p95, highest", _spread(acks))
    outcome.told("LAKE", "commits with the wait for the lock: p50, p95, highest", _spread(commits))
    rows = lake.query(
        "SELECT segment_id, epoch(received_at) AS received, epoch(landed_at) AS landed FROM book_snapshots"
    )
    seen = pl.DataFrame({"segment_id": list(watched["seen"]), "seen": list(watched["seen"].values())})
    joined = rows.join(seen, on="segment_id", how="inner")
    durable = ((rows["landed"] - rows["received"]) * 1000).to_list()
    visible = (joined["seen"] - joined["received"]).to_list()
    outcome.told("LAKE", "received to durable, batching included: p50, p95, highest", _spread(durable))
    outcome.at_most("LAKE", "received to queryable, p95", percentile(visible, 95), 3.0, " s")
    outcome.told(
        "LAKE",
        "the same: p50, highest",
        f"{percentile(visible, 50):.2f}, {max(visible):.2f} s; {len(visible):,} of {rows.height:,} rows watched",
    )


def _spread(times: Sequence[float]) -> str:
    if not times:
        return "never"
    return f"{percentile(times, 50):.0f}, {percentile(times, 95):.0f}, {max(times):.0f} ms"
