"""Keeping the lake small and fast, and a plain DuckDB file of it fresh."""

import dagster as dg

from arb_platform import pipeline
from arb_platform.defs.names import MAINTENANCE
from arb_platform.settings import load_settings


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
    target = pipeline.publish_lake(load_settings())
    context.add_output_metadata({"file": dg.MetadataValue.path(target), "bytes": target.stat().st_size})


@dg.job(
    executor_def=dg.in_process_executor,
    description="Merge, sort, expire, clean up, retention; then refresh published.duckdb.",
)
def maintain_lake() -> None:
    publish(maintain())


maintain_lake_schedule = dg.ScheduleDefinition(
    name="maintain_lake_schedule",
    job=maintain_lake,
    cron_schedule="*/10 * * * *",
    execution_timezone="UTC",
    description="Every ten minutes: commits slow down after a hundred without it.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
