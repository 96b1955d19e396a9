"""Reports, and the lake kept small."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from arb_platform import api
from arb_platform.pipeline.ground import now, open_writer
from arb_platform.settings import Settings
from arb_platform.storage.maintenance import MaintenanceReport, maintain
from arb_platform.storage.publish import Publication, publish
from arb_platform.storage.raw_frames import drop_days_before

if TYPE_CHECKING:
    from arb_platform.reports.edges import Thresholds


def build_report(settings: Settings, name: str, *, since: date | None = None) -> pl.DataFrame:
    """Compute a report, keep it in its table and return it."""
    return build_reports(settings, [name], since=since)[name]


def build_reports(
    settings: Settings, names: Sequence[str], *, since: date | None = None
) -> dict[str, pl.DataFrame]:
    """Compute reports, keep them in their tables and return them with their sections, by name."""
    # The pictures take longer to import than a stream needs to start, and no stream draws any.
    from arb_platform.reports.registry import run_with_sections  # noqa: PLC0415

    frames: dict[str, pl.DataFrame] = {}
    with open_writer(settings) as lake:
        for name in names:
            frames |= run_with_sections(
                lake, name, since=since, now=now(), thresholds=edge_thresholds(settings)
            )
    return frames


def edge_thresholds(settings: Settings) -> "Thresholds":
    """When an edge is refused, as set."""
    from arb_platform.reports.edges import Thresholds  # noqa: PLC0415

    return Thresholds(
        stale_after_ms=round(settings.edge_stale_seconds * 1000),
        max_skew_ms=round(settings.edge_skew_seconds * 1000),
        min_size=settings.edge_min_size,
        min_net_edge=settings.edge_min_net,
    )


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
