"""One asset per registered report: a table and a picture in its metadata, its rows in the lake."""

import base64
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any, Final

import dagster as dg
import polars as pl

from arb_platform import pipeline
from arb_platform.defs.catalogue import kalshi_markets, polymarket_markets
from arb_platform.defs.conditions import FIRST_TOGETHER
from arb_platform.defs.matching import candidate_pairs, matched_pairs, pair_verdicts
from arb_platform.defs.names import OWNERS, REPORTS
from arb_platform.defs.streams import VENUES, order_book_snapshots
from arb_platform.defs.told import columns_of, failing_plainly, missing_before, sql_of_run
from arb_platform.ingest.heartbeat import read_heartbeat
from arb_platform.reports.charts import chart_png
from arb_platform.reports.registry import REPORTS as REGISTERED
from arb_platform.reports.render import markdown_table
from arb_platform.reports.report import Report
from arb_platform.settings import load_settings

# Dagster keeps every picture twice, in its log of the run and of the asset.
_PICTURE_WIDTH: Final = 560
# Less than this share of new rows, and an hour is soon enough to compute again.
_NEWS: Final = 0.05
_AT_LATEST: Final = timedelta(hours=1)
# A run begins some seconds after its tick.
_TOLERANCE: Final = timedelta(minutes=5)
_ROWS_TAG: Final = "arb/rows"
_NAMES = {"opportunities": "opportunities"}
_DEPENDS: dict[str, list[dg.AssetsDefinition | dg.AssetSpec]] = {
    "llm_cost": [pair_verdicts],
    "latency": [order_book_snapshots],
    "continuity": [order_book_snapshots],
    "matching": [candidate_pairs, pair_verdicts, polymarket_markets, kalshi_markets],
    "opportunities": [matched_pairs, order_book_snapshots],
}


def _report_asset(report: Report) -> dg.AssetsDefinition:
    @dg.asset(
        name=_NAMES.get(report.name, f"{report.name}_report"),
        deps=_DEPENDS.get(report.name, []),
        group_name=REPORTS,
        owners=OWNERS,
        kinds={"polars", "duckdb"},
        metadata=columns_of(report.table),
        automation_condition=FIRST_TOGETHER,
        description=report.description,
    )
    def computed() -> dg.MaterializeResult[None]:
        settings = load_settings()
        with failing_plainly():
            frame = pipeline.build_report(settings, report.name)
        upstream = [key.to_user_string() for key in _keys(report)]
        return dg.MaterializeResult(
            metadata={**_metadata(report, frame), **missing_before(settings, upstream)}
        )

    return computed


def _keys(report: Report) -> list[dg.AssetKey]:
    return [one.key for one in _DEPENDS.get(report.name, [])]


def _metadata(report: Report, frame: pl.DataFrame) -> dict[str, dg.MetadataValue[Any]]:
    picture = base64.b64encode(chart_png(frame, report, width=_PICTURE_WIDTH, scale=1)).decode()
    return {
        "dagster/row_count": dg.MetadataValue.int(frame.height),
        "headline": dg.MetadataValue.text(report.headline(frame)),
        "chart": dg.MetadataValue.md(f"![{report.title}](data:image/png;base64,{picture})"),
        "table": dg.MetadataValue.md(markdown_table(frame, 50, report=report)),
        "sql": dg.MetadataValue.text(f"SELECT * FROM lake.{report.table} ORDER BY day DESC"),
        **_wrote(report, frame),
    }


def _wrote(report: Report, frame: pl.DataFrame) -> dict[str, dg.MetadataValue[Any]]:
    """The days that this run read or computed."""
    if frame.is_empty():
        return {}
    first, last = frame.select(first=pl.col("day").min(), last=pl.col("day").max()).row(0)
    return sql_of_run(f"SELECT * FROM lake.{report.table} WHERE day BETWEEN DATE '{first}' AND DATE '{last}'")


report_assets = [_report_asset(report) for report in REGISTERED.values()]

compute_reports = dg.define_asset_job(
    "compute_reports",
    selection=dg.AssetSelection.groups(REPORTS),
    description="Compute every report for the days that are not settled yet.",
)


@dg.schedule(
    name="reports_schedule",
    job=compute_reports,
    cron_schedule="*/15 * * * *",
    execution_timezone="UTC",
    description="Every quarter of an hour while much is recorded, at the latest every hour; settled days are read, not computed again.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def reports_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    rows = _rows_recorded(load_settings().root)
    last = context.instance.get_run_records(dg.RunsFilter(job_name=compute_reports.name), limit=1)
    if last:
        age = context.scheduled_execution_time - last[0].create_timestamp.astimezone(UTC)
        if age < _AT_LATEST - _TOLERANCE and not _is_news(rows, last[0].dagster_run.tags.get(_ROWS_TAG)):
            return dg.SkipReason(
                "little was recorded since the last reports; they are computed again within the hour"
            )
    return dg.RunRequest(tags={_ROWS_TAG: str(rows)})


def _is_news(rows: int, before: str | None) -> bool:
    """True when ``rows`` are clearly more than those of the last run; fewer are those of a stream that began anew."""
    if before is None or not before.isdigit() or rows < int(before):
        return True
    return rows - int(before) > _NEWS * int(before)


def _rows_recorded(root: Path) -> int:
    """Rows that the streams of now have brought into the lake, by their heartbeats."""
    beats = (read_heartbeat(root, venue) for venue in VENUES)
    return sum(beat.promoted_rows for beat in beats if beat is not None)
