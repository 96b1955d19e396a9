"""The reports by name, and the one way to compute and to read them.

A day is computed alone, so memory is bounded by one day, and all computed days are replaced in one transaction. A
day computed after it ended is settled and is not computed again: a month is read, not recomputed.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

import polars as pl

from arb_platform.domain.errors import SettingsError
from arb_platform.reports import continuity, latency, llm_cost, matching, opportunities
from arb_platform.reports.edges import Thresholds
from arb_platform.reports.report import Period, Report
from arb_platform.storage.lake import Connection, Lake, insert

REPORTS: Final[dict[str, Report]] = {
    report.name: report
    for report in (
        llm_cost.REPORT, latency.REPORT, continuity.REPORT, matching.REPORT, opportunities.REPORT,
    )
}  # fmt: skip

# Rows of a day can still land after midnight: a spool drained late, a call that ended late.
_SETTLES_AFTER: Final = timedelta(hours=2)
_LOOK_BACK: Final = timedelta(days=31)


# What is shown with a report and has a table of its own; by name as a report is.
SECTIONS: Final[dict[str, Report]] = {
    section.name: section for report in REPORTS.values() for section in report.sections
}


def report_named(name: str) -> Report:
    """Raises SettingsError with the names there are."""
    try:
        return {**REPORTS, **SECTIONS}[name]
    except KeyError:
        known = ", ".join([*REPORTS, *SECTIONS])
        raise SettingsError(f"there is no report {name!r}; choose one of {known}") from None


def run_report(
    lake: Lake,
    name: str,
    *,
    since: date | None = None,
    now: datetime,
    recompute: bool = False,
    thresholds: Thresholds | None = None,
) -> pl.DataFrame:
    """Compute the unsettled days from ``since`` to ``now``, keep them, and return the rows since then.

    ``since`` None starts at the first day with anything to report on, at most 31 days back.
    ``recompute`` computes settled days again too, for instance after ``thresholds`` changed. The
    report's sections are computed and kept as well.
    """
    frames = run_with_sections(lake, name, since=since, now=now, recompute=recompute, thresholds=thresholds)
    return frames[name]


def run_with_sections(
    lake: Lake,
    name: str,
    *,
    since: date | None = None,
    now: datetime,
    recompute: bool = False,
    thresholds: Thresholds | None = None,
) -> dict[str, pl.DataFrame]:
    """As :func:`run_report`: its rows and those of its sections, by name."""
    report = report_named(name)
    first = since or _first_day(lake, report, now)
    parts = (report, *report.sections)
    for one in parts:
        _compute(lake, one, first, now, recompute=recompute, thresholds=thresholds or Thresholds())
    return {one.name: read_report(lake, one.name, since=first) for one in parts}


def _compute(
    lake: Lake, report: Report, first: date, now: datetime, *, recompute: bool, thresholds: Thresholds
) -> None:
    settled = set() if recompute else _settled(lake, report, first)
    days = [day for day in _days(first, now) if day not in settled]
    built = [build_day(lake, report, Period.of(day, now), thresholds) for day in days]
    if built:
        _replace(lake, report, pl.concat(built), now)


def read_report(lake: Lake, name: str, *, since: date) -> pl.DataFrame:
    """The kept rows of a report from ``since`` on, in its own order."""
    report = report_named(name)
    columns = ", ".join(f'"{column}"' for column in report.columns)
    frame = lake.query(f"SELECT {columns} FROM lake.{report.table} WHERE day >= $1", [since])
    return frame.select(pl.col(column).cast(kind) for column, kind in report.columns.items()).sort(
        list(report.order), nulls_last=True, maintain_order=True
    )


def build_day(
    lake: Lake, report: Report, period: Period, thresholds: Thresholds | None = None
) -> pl.DataFrame:
    """Read the inputs of one day and build its rows; they are not kept."""
    if report.prepare is not None:
        report.prepare(lake, period, thresholds or Thresholds())
    moments = [period.start, period.end]
    return report.build(period, {name: lake.query(sql, moments) for name, sql in report.sources.items()})


def _replace(lake: Lake, report: Report, frame: pl.DataFrame, now: datetime) -> None:
    """Put ``frame`` in the place of the days it has; every day that was built has a row."""
    rows = frame.with_columns(pl.lit(now.astimezone(UTC)).alias("computed_at"))
    days = rows["day"].unique().to_list()

    def replace(connection: Connection) -> None:
        connection.execute(f"DELETE FROM {report.table} WHERE list_contains($1::DATE[], day)", [days])
        insert(connection, report.table, rows)

    lake.run(replace)


def _first_day(lake: Lake, report: Report, now: datetime) -> date:
    today = now.astimezone(UTC).date()
    first: date | None = lake.query(report.first_day)["first"][0]
    return today if first is None else min(today, max(first, today - _LOOK_BACK))


def _settled(lake: Lake, report: Report, first: date) -> set[date]:
    """Days whose rows were computed well after they ended."""
    kept = lake.query(
        f"SELECT day, min(computed_at) AS computed_at FROM lake.{report.table} WHERE day >= $1 GROUP BY day",
        [first],
    )
    return {
        day
        for day, computed_at in kept.iter_rows()
        if computed_at >= Period.of(day, computed_at + timedelta(days=2)).end + _SETTLES_AFTER
    }


def _days(first: date, now: datetime) -> Iterator[date]:
    today = now.astimezone(UTC).date()
    day = first
    while day <= today:
        yield day
        day += timedelta(days=1)
