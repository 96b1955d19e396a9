"""Keeping the lake small and fast."""

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


@dg.job(executor_def=dg.in_process_executor, description="Merge, sort, expire, clean up, retention.")
def maintain_lake() -> None:
    maintain()


maintain_lake_schedule = dg.ScheduleDefinition(
    name="maintain_lake_schedule",
    job=maintain_lake,
    cron_schedule="*/10 * * * *",
    execution_timezone="UTC",
    description="Every ten minutes: commits slow down after a hundred without it.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
