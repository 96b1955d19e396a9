"""Reports, and the lake kept small."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from arb_platform import api
from arb_platform.pipeline.ground import now, open_writer
from arb_platform.settings import Settings
from arb_platform.storage.maintenance import MaintenanceReport, maintain
from arb_platform.storage.publish import Publication, publish
from arb_platform.storage.raw_frames import drop_days_before


def build_report(settings: Settings, name: str, *, since: date | None = None) -> pl.DataFrame:
    """Compute a report, keep it in its table and return it."""
    # The pictures take longer to import than a stream needs to start, and no stream draws any.
    from arb_platform.reports.registry import run_report  # noqa: PLC0415

    with open_writer(settings) as lake:
        return run_report(lake, name, since=since, now=now())


def maintain_lake(settings: Settings) -> MaintenanceReport:
    """Merge, expire, clean up, retention; raw frames beyond retention go too."""
    at = now()
    with open_writer(settings) as lake:
        report = maintain(lake, retention_days=settings.retention_days, now=at)
    dropped = drop_days_before(settings.root, (at - timedelta(days=settings.retention_days)).date())
    return replace(report, raw_segments_dropped=dropped)


def publish_lake(settings: Settings) -> Publication:
    """Refresh ``published.duckdb``, a plain DuckDB file for tools that cannot attach the lake."""
    return publish(api.lake_location(settings))
