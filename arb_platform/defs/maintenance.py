"""Keeping the lake and Dagster's own log small and fast, and a plain DuckDB file of the lake fresh."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import dagster as dg

from arb_platform import pipeline
from arb_platform.defs.names import MAINTENANCE, STREAM_TAG
from arb_platform.defs.streams import VENUES, stream_order_books
from arb_platform.settings import load_settings

_JOB: Final = "maintain_lake"
_ENDED: Final = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
# What a run of a stream or of maintenance did is in the lake; its log is for looking into trouble.
KEPT_DAYS: Final = 7
# What runs that come round the clock did well is in the lake, and their next run tells it anew.
DONE_HOURS: Final = 6
_ROUND_THE_CLOCK: Final = (_JOB, "compute_reports")
# Forgetting a run takes about ten milliseconds: a long history goes in several maintenances.
_AT_ONCE: Final = 500


@dg.op(
    description="Merge and sort small files, expire old versions, apply retention. One at a time.",
    pool=MAINTENANCE,
)
def maintain(context: dg.OpExecutionContext) -> None:
    done = pipeline.maintain_lake(load_settings())
    context.add_output_metadata(
        {
            "files_before": done.files_before,
            "files_after": done.files_after,
            "bytes_before": done.bytes_before,
            "bytes_after": done.bytes_after,
            "rows": done.rows,
            "files_removed": done.files_removed,
            "orphans_removed": done.orphans_removed,
            "rows_beyond_retention": sum(done.dropped.values()),
        }
    )


@dg.op(
    ins={"maintained": dg.In(dg.Nothing)},
    description="Refresh published.duckdb, for tools that cannot attach the lake. Readers keep what they opened.",
)
def publish(context: dg.OpExecutionContext) -> None:
    done = pipeline.publish_lake(load_settings())
    context.add_output_metadata(
        {
            "file": dg.MetadataValue.path(done.path),
            "bytes": done.path.stat().st_size,
            "refreshed": done.refreshed,
            "first_day": str(done.first_day),
        }
    )


@dg.op(
    description=f"Forget ended runs of streams and of maintenance after {KEPT_DAYS} days, and of maintenance and reports those that went well after "
    f"{DONE_HOURS} hours; the newest of each stays.",
)
def forget_old_runs(context: dg.OpExecutionContext) -> None:
    streams = forget_stream_runs(context.instance, now=pipeline.now())
    upkeep = forget_runs(context.instance, _JOB, now=pipeline.now())
    done = sum(forget_done_runs(context.instance, job, now=pipeline.now()) for job in _ROUND_THE_CLOCK)
    context.add_output_metadata(
        {"stream_runs_forgotten": streams, "maintenance_runs_forgotten": upkeep, "done_runs_forgotten": done}
    )


def forget_stream_runs(instance: dg.DagsterInstance, *, now: datetime, kept_days: int = KEPT_DAYS) -> int:
    """As :func:`forget_runs`; the newest run of each venue stays."""
    newest = frozenset(
        run.dagster_run.run_id
        for venue in VENUES
        for run in instance.get_run_records(
            dg.RunsFilter(job_name=stream_order_books.name, tags={STREAM_TAG: venue}), limit=1
        )
    )
    return forget_runs(instance, stream_order_books.name, now=now, kept_days=kept_days, keep=newest)


def forget_done_runs(instance: dg.DagsterInstance, job: str, *, now: datetime) -> int:
    """As :func:`forget_runs`, but only those that went well, and those sooner."""
    kept = timedelta(hours=DONE_HOURS) / timedelta(days=1)
    return forget_runs(instance, job, now=now, kept_days=kept, ended=[dg.DagsterRunStatus.SUCCESS])


def forget_runs(
    instance: dg.DagsterInstance,
    job: str,
    *,
    now: datetime,
    kept_days: float = KEPT_DAYS,
    keep: frozenset[str] = frozenset(),
    ended: Sequence[dg.DagsterRunStatus] = _ENDED,
) -> int:
    """Delete the runs of ``job`` that ended more than ``kept_days`` before ``now``, with their logs.

    Its newest run stays however old it is, and so do those in ``keep``: the last materialization can
    be looked up. Returns how many went; at most 500 at once, the oldest first.
    """
    newest = instance.get_run_records(dg.RunsFilter(job_name=job), limit=1)
    kept = {run.dagster_run.run_id for run in newest} | keep
    old = dg.RunsFilter(job_name=job, statuses=list(ended), updated_before=now - timedelta(days=kept_days))
    found = instance.get_run_records(old, limit=_AT_ONCE, ascending=True)
    runs = [run.dagster_run.run_id for run in found if run.dagster_run.run_id not in kept]
    for run_id in runs:
        instance.delete_run(run_id)
        instance.compute_log_manager.delete_logs(prefix=[run_id])
        _remove_event_file(instance, run_id)
    return len(runs)


def _remove_event_file(instance: dg.DagsterInstance, run_id: str) -> None:
    """On SQLite a run has an event file of its own, which Dagster empties and leaves (100 KB each)."""
    path_of = getattr(instance.event_log_storage, "path_for_shard", None)
    if path_of is not None:
        shard = Path(path_of(run_id))
        for path in (shard, shard.with_name(f"{shard.name}-wal"), shard.with_name(f"{shard.name}-shm")):
            path.unlink(missing_ok=True)


@dg.job(
    name=_JOB,
    executor_def=dg.in_process_executor,
    description="Merge, sort, expire, clean up, retention; refresh published.duckdb; forget old runs of streams.",
)
def maintain_lake() -> None:
    publish(maintain())
    forget_old_runs()


maintain_lake_schedule = dg.ScheduleDefinition(
    name="maintain_lake_schedule",
    job=maintain_lake,
    cron_schedule="*/10 * * * *",
    execution_timezone="UTC",
    description="Every ten minutes: commits slow down after a hundred without it.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
