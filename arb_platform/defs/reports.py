"""One asset per registered report: a table and a picture in its metadata, its rows in the lake."""

import base64

import dagster as dg
import polars as pl

from arb_platform import pipeline
from arb_platform.defs.catalogue import kalshi_markets, polymarket_markets
from arb_platform.defs.conditions import FIRST_TIME
from arb_platform.defs.matching import candidate_pairs, matched_pairs, pair_verdicts
from arb_platform.defs.names import OWNERS, REPORTS
from arb_platform.defs.streams import order_book_snapshots
from arb_platform.reports.charts import chart_png
from arb_platform.reports.registry import REPORTS as REGISTERED
from arb_platform.reports.render import markdown_table
from arb_platform.reports.report import Report
from arb_platform.settings import load_settings

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
        automation_condition=FIRST_TIME,
        description=report.description,
    )
    def computed() -> dg.MaterializeResult[None]:
        frame = pipeline.build_report(load_settings(), report.name)
        return dg.MaterializeResult(metadata=_metadata(report, frame))

    return computed


def _metadata(report: Report, frame: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    picture = base64.b64encode(chart_png(frame, report)).decode()
    return {
        "dagster/row_count": dg.MetadataValue.int(frame.height),
        "headline": dg.MetadataValue.text(report.headline(frame)),
        "chart": dg.MetadataValue.md(f"![{report.title}](data:image/png;base64,{picture})"),
        "table": dg.MetadataValue.md(markdown_table(frame, 50, report=report)),
        "sql": dg.MetadataValue.text(f"SELECT * FROM lake.{report.table} ORDER BY day DESC"),
    }


report_assets = [_report_asset(report) for report in REGISTERED.values()]

compute_reports = dg.define_asset_job(
    "compute_reports",
    selection=dg.AssetSelection.groups(REPORTS),
    description="Compute every report for the days that are not settled yet.",
)
reports_schedule = dg.ScheduleDefinition(
    name="reports_schedule",
    job=compute_reports,
    cron_schedule="*/15 * * * *",
    execution_timezone="UTC",
    description="Every quarter of an hour; settled days are read, not computed again.",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
