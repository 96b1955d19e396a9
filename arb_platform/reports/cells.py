"""How a figure and a column are written where people read them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import polars as pl

from arb_platform.reports.report import DAY_SCOPE, OK, Report

_SPLIT_BY: Final = frozenset({"provider", "model", "direction", "reason", "hour"})


def label(report: Report, column: str) -> str:
    """How a column is called on a page: ``cost_usd`` is "cost usd" unless the report names it."""
    return report.labels.get(column, column.replace("_", " "))


def cell(row: Mapping[str, Any], column: str) -> str:
    """One cell as text; a row that sums up a day is about "all" of what the other rows are split by."""
    value = row[column]
    if value is None and column in _SPLIT_BY and row.get("scope") == DAY_SCOPE and row.get("state") == OK:
        return "all"
    return shown_value(value, column)


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
    whole, _, fraction = f"{value:,.{places}f}".partition(".")
    # money keeps its cents
    return f"{whole}.{fraction.rstrip('0'):0<2}"


def _float(value: float) -> str:
    if value.is_integer():
        return f"{value:,.0f}"
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
