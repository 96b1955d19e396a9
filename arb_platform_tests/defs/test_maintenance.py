"""What `maintain_lake` forgets of Dagster's own log, on an instance with real SQLite files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from arb_platform.definitions import defs
from arb_platform.defs.maintenance import (
    DONE_HOURS,
    KEPT_DAYS,
    forget_done_runs,
    forget_runs,
    forget_stream_runs,
    maintain_lake,
)
from arb_platform.defs.names import STREAM_TAG
from arb_platform.defs.reports import compute_reports
from arb_platform.defs.streams import stream_order_books

KEPT = timedelta(days=KEPT_DAYS)


@pytest.fixture
def instance(tmp_path):
    with dg.DagsterInstance.local_temp(str(tmp_path)) as local:
        yield local


def run(instance, venue=None, *, job=stream_order_books, ends=True):
    """A run with something in its log and in its captured output."""
    tags = {STREAM_TAG: venue} if venue else {}
    begun = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.report_engine_event("it streamed", begun)
    captured = Path(
        instance.compute_log_manager.get_captured_local_path([begun.run_id, "compute_logs", "x"], "out")
    )
    captured.parent.mkdir(parents=True)
    captured.write_text("said")
    if ends:
        instance.report_run_failed(begun)
    return begun.run_id


def there(instance):
    return {one.dagster_run.run_id for one in instance.get_run_records()}


def files(folder, run_id):
    return [path for path in folder.rglob("*") if run_id in path.name]


def test_ended_stream_runs_go_with_their_logs_when_they_are_old(instance, tmp_path):
    old = [run(instance, "kalshi"), run(instance, "polymarket"), run(instance)]
    edge = datetime.now(UTC)
    young = [run(instance, "kalshi"), run(instance, "polymarket")]
    assert forget_stream_runs(instance, now=edge + KEPT - timedelta(hours=1)) == 0
    assert there(instance) == {*old, *young}
    assert all(len(files(tmp_path, one)) >= 2 for one in old)  # events and captured output
    assert forget_stream_runs(instance, now=edge + KEPT) == 3
    assert there(instance) == set(young)
    assert not any(files(tmp_path, one) for one in old)
    assert all(instance.all_logs(one) for one in young)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as another:  # as any other process sees it
        assert not any(another.all_logs(one) for one in old)


def test_the_newest_run_of_each_venue_and_what_still_runs_stay_however_old_they_are(instance):
    streaming = run(instance, "kalshi", ends=False)
    ended = [run(instance, venue) for venue in ("kalshi", "polymarket", "kalshi")]
    asset = run(instance, job=maintain_lake)
    assert forget_stream_runs(instance, now=datetime.now(UTC) + 10 * KEPT) == 1
    assert there(instance) == {streaming, *ended[1:], asset}
    assert forget_stream_runs(instance, now=datetime.now(UTC) + 10 * KEPT) == 0


def test_runs_of_maintenance_are_forgotten_too_and_the_newest_stays(instance):
    runs = [run(instance, job=maintain_lake) for _ in range(3)]
    assert forget_runs(instance, maintain_lake.name, now=datetime.now(UTC) + 10 * KEPT) == 2
    assert there(instance) == {runs[-1]}


def test_what_runs_can_go_on_after_others_were_forgotten(instance):
    streaming = run(instance, "kalshi", ends=False)
    run(instance, "kalshi")
    run(instance, "kalshi")
    forget_stream_runs(instance, now=datetime.now(UTC) + 10 * KEPT)
    again = instance.get_run_by_id(streaming)
    instance.report_engine_event("and goes on", again)
    assert [one.message for one in instance.all_logs(streaming)] == ["it streamed", "and goes on"]


def test_runs_of_reports_that_went_well_are_forgotten_within_the_day_and_failures_are_kept(instance):
    job = defs.resolve_job_def(compute_reports.name)
    failed = run(instance, job=job)
    done = [instance.create_run_for_job(job, status=dg.DagsterRunStatus.SUCCESS).run_id for _ in range(3)]
    later = datetime.now(UTC) + timedelta(hours=DONE_HOURS, minutes=1)
    assert forget_done_runs(instance, compute_reports.name, now=later - timedelta(hours=1)) == 0
    assert forget_done_runs(instance, compute_reports.name, now=later) == 2
    assert there(instance) == {failed, done[-1]}
