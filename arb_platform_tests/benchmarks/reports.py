"""REPORTS: opportunities of a whole day, a month read from what is kept, and all of it as one page."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from arb_platform.reports import opportunities
from arb_platform.reports.registry import REPORTS, SECTIONS, report_named, run_with_sections
from arb_platform.reports.render import to_page
from arb_platform.reports.report import Period
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform_tests.benchmarks.measure import ROOT, Outcome, Pace, progress
from arb_platform_tests.benchmarks.reports_day import fill

TARGETS: Final = ("REPORTS",)
_TODAY: Final = datetime(2026, 11, 21, tzinfo=UTC)
_DAY: Final = _TODAY - timedelta(days=1)
# The running day has come this far, with a partition of some thousand books.
_NOW: Final = _TODAY + timedelta(hours=9)
_KEPT_DAYS: Final = 30


def measure(pace: Pace) -> Outcome:
    snapshots, pairs = pace.of(1_000_000, 5_000_000), pace.of(200, 1_000)
    outcome = Outcome()
    with (
        progress(f"REPORTS: {snapshots:,} snapshots of {pairs:,} pairs"),
        tempfile.TemporaryDirectory() as folder,
    ):
        with Lake.open(LakeLocation.local(Path(folder))) as lake:
            fill(lake, _DAY, pairs=pairs, snapshots=snapshots, seed=pace.seed)
        day, month = (_apart(part, folder) for part in ("day", "month"))
    what = f"opportunities of one day: {pairs:,} pairs, {snapshots:,} snapshots, {day['rows']:,} edges"
    if pace.full:
        outcome.at_most("REPORTS", what, day["seconds"], 60, " s")
    else:  # what is fixed weighs more
        outcome.told("REPORTS", what, f"{day['seconds']:.1f} s; 60 s are promised for five million (--full)")
    outcome.told("REPORTS", "the same, CPU seconds of all threads", f"{day['cpu']:.1f}")
    outcome.at_most("REPORTS", "its memory at most", day["megabytes"] / 1000, 2, " GB")
    if not day["same"]:
        raise ValueError("a second run of the same day gave other rows")
    outcome.told("REPORTS", "all reports of that day, not kept before", f"{month['first']:.1f} s")
    what = f"all reports of {_KEPT_DAYS + 2} days: kept days, and a running one"
    outcome.at_most("REPORTS", what, month["seconds"], 5, " s")
    outcome.at_most("REPORTS", f"one page of them, {month['rows']:,} rows", month["page_seconds"], 10, " s")
    outcome.at_most("REPORTS", "its size", month["page_bytes"] / 1e6, 3, " MB")
    return outcome


def _apart(part: str, folder: str) -> dict[str, Any]:
    """What ``part`` says, in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "arb_platform_tests.benchmarks.reports", part, folder]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def one_day(lake: Lake) -> dict[str, Any]:
    period = Period.of(_DAY.date(), _NOW)
    began, cpu = time.perf_counter(), time.process_time()
    rows = opportunities.prepare(lake, period)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    sums = "SELECT count(*), sum(hash(o)::HUGEINT)::VARCHAR FROM lake.opportunities o"
    before = lake.query(sums).row(0)
    opportunities.prepare(lake, period)
    return {"rows": rows, "seconds": seconds, "cpu": cpu, "megabytes": megabytes, "same": lake.query(sums).row(0) == before}  # fmt: skip


def one_month(lake: Lake) -> dict[str, Any]:
    """The day is computed once and stands for those before it; today has what a sample of it has."""
    first = (_DAY - timedelta(days=_KEPT_DAYS)).date()
    once = _timed(lambda: [run_with_sections(lake, name, since=_DAY.date(), now=_NOW) for name in REPORTS])[0]
    for name in (*REPORTS, *SECTIONS):
        _copied(lake, report_named(name).table, first)
    seconds, frames = _timed(
        lambda: [run_with_sections(lake, name, since=first, now=_NOW) for name in REPORTS]
    )
    parts = [(report_named(name), frame) for found in frames for name, frame in found.items()]
    page_seconds, page = _timed(lambda: to_page(parts, generated_at=_NOW))
    return {
        "first": once, "seconds": seconds, "rows": sum(frame.height for _, frame in parts),
        "page_seconds": page_seconds, "page_bytes": len(page.encode()),
    }  # fmt: skip


def _copied(lake: Lake, table: str, first: date) -> None:
    day = lake.query(f"SELECT * FROM lake.{table} WHERE day = $1", [_DAY.date()])
    moved = [
        day.with_columns(pl.lit(first + timedelta(days=back)).alias("day")) for back in range(_KEPT_DAYS)
    ]
    hours = [name for name in day.columns if name == "hour"]
    for number, frame in enumerate(moved):
        shift = timedelta(days=_KEPT_DAYS - number)
        moved[number] = frame.with_columns(pl.col(name) - shift for name in hours)
    lake.append(table, pl.concat(moved))


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


if __name__ == "__main__":
    with Lake.open(LakeLocation.local(Path(sys.argv[2]))) as opened:
        print(json.dumps({"day": one_day, "month": one_month}[sys.argv[1]](opened)))
