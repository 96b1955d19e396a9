"""A report for people: in a terminal, as JSON, as Markdown, as a picture, as one HTML page."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from typing import Any, Final

import polars as pl
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from arb_platform.reports.cells import cell, label, shown_value, useful
from arb_platform.reports.charts import chart_png
from arb_platform.reports.page import to_html, to_page
from arb_platform.reports.report import Report

__all__ = [
    "chart_png",
    "markdown_table",
    "sparkline",
    "terminal",
    "terminal_text",
    "to_html",
    "to_json",
    "to_page",
]

_BARS: Final = "▁▂▃▄▅▆▇█"
_STATE_STYLE: Final = {"ok": "", "empty": "dim", "failed": "bold red"}


def sparkline(values: Sequence[float | int | Decimal | None]) -> str:
    """One block character a value, the largest full height; a missing value is a space.

    >>> sparkline([0, 1, None, 2])
    '▁▅ █'
    """
    known = [float(value) for value in values if value is not None]
    top = max(known, default=0.0)
    marks = []
    for value in values:
        if value is None:
            marks.append(" ")
        else:
            share = float(value) / top if top > 0 else 0.0
            marks.append(_BARS[max(0, min(len(_BARS) - 1, int(share * (len(_BARS) - 1) + 0.5)))])
    return "".join(marks)


def terminal(frame: pl.DataFrame, report: Report) -> RenderableType:
    """The report for a terminal: its headline, trends as sparklines, the shown columns, and notes beneath.

    Rows of the finer scope are left to the trends; ``--html`` and the table have them.
    """
    coarse = frame.filter(pl.col("scope") != report.finer) if report.finer else frame
    columns = [name for name in useful(coarse, report) if name != "note"]
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    for column in columns:
        number = frame.schema[column].is_numeric()
        # One word a line keeps a column as narrow as its figures.
        head = label(report, column).replace(" ", "\n")
        table.add_column(head, justify="right" if number else "left", vertical="bottom", no_wrap=True)
    for row in coarse.iter_rows(named=True):
        style = _STATE_STYLE.get(row["state"] or "", "")
        # Text, not markup: model names and notes are other people's words.
        table.add_row(*(Text(cell(row, name)) for name in columns), style=style)
    title, said = Text(report.title, style="bold"), Text(report.headline(frame))
    return Group(title, said, *_trends(frame, report), Text(), table, *_notes(coarse))


def _notes(frame: pl.DataFrame) -> Iterator[Text]:
    """Each different note once, after the first row it is about."""
    noted = frame.filter(pl.col("note").fill_null("") != "").unique("note", keep="first", maintain_order=True)
    for row in noted.iter_rows(named=True):
        about = " ".join(
            str(row[name]) for name in ("day", "venue", "stage", "model") if row.get(name) is not None
        )
        yield Text(f"{about}: {row['note']}", style=_STATE_STYLE.get(row["state"] or "") or "dim")


def terminal_text(frame: pl.DataFrame, report: Report, *, width: int = 120) -> str:
    """:func:`terminal` as plain text, for a file or a pipe."""
    out = StringIO()
    Console(file=out, width=width, no_color=True, legacy_windows=False).print(terminal(frame, report))
    return out.getvalue()


def _trends(frame: pl.DataFrame, report: Report) -> Iterator[Text]:
    for name, values in report.trends(frame) if report.trends else ():
        if len(values) > 1:
            newest = next((shown_value(value, name) for value in reversed(values) if value is not None), "–")
            yield Text(f"{sparkline(values)}  {name}, last {newest}", style="cyan")


def to_json(frame: pl.DataFrame) -> str:
    """One array of objects; DECIMAL as text, times as ISO 8601 UTC, unknown as null."""
    return json.dumps(
        [{key: _plain(value) for key, value in row.items()} for row in frame.iter_rows(named=True)],
        ensure_ascii=False,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


def markdown_table(frame: pl.DataFrame, limit: int = 50, *, report: Report | None = None) -> str:
    """The first ``limit`` rows as a Markdown table, and how many were left off."""
    columns = useful(frame, report) if report else frame.columns
    names = [label(report, name) if report else name for name in columns]
    lines = [
        _markdown_row(names),
        _markdown_row(["---:" if frame.schema[name].is_numeric() else "---" for name in columns]),
    ]
    rows = frame.head(limit).iter_rows(named=True)
    lines.extend(_markdown_row([cell(row, name) for name in columns]) for row in rows)
    if frame.height > limit:
        lines.append(f"\n{frame.height - limit} more rows are in the table.")
    return "\n".join(lines)


def _markdown_row(cells: Sequence[str]) -> str:
    escaped = (
        cell.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
        for cell in cells
    )
    return f"| {' | '.join(escaped)} |"
