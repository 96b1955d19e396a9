"""How a figure and a column are written where people read them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from arb_platform.reports.report import Report


def label(report: Report, column: str) -> str:
    """How a column is called on a page: ``cost_usd`` is "cost usd" unless the report names it."""
    return report.labels.get(column, column.replace("_", " "))


def shown_value(value: Any, column: str = "") -> str:
    """A cell as text: unknown is a dash, shares are percent, money keeps the digits that say something."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, float):
        return f"{value:.1%}" if column.endswith(("_share", "annualised_max")) else _float(value)
    return str(value)


def _decimal(value: Decimal) -> str:
    if value == 0:
        return "0"
    places = 2 if abs(value) >= 100 else 4 if abs(value) >= Decimal("0.01") else 7
    return f"{value:,.{places}f}"


def _float(value: float) -> str:
    places = (
        0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2 if abs(value) >= 0.01 or value == 0 else 4
    )
    return f"{value:,.{places}f}"


def useful(frame: pl.DataFrame, report: Report) -> list[str]:
    """The shown columns that say something somewhere in this frame."""
    return [
        column
        for column in report.shown
        if column == "day"
        or (frame[column].null_count() < frame.height and not (frame[column].cast(pl.String) == "").all())
    ]
