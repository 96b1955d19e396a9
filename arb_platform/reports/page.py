"""Reports as one HTML file: no script, no network, dark and light, readable on a phone, printable."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

import polars as pl

from arb_platform.reports.cells import cell, label, useful
from arb_platform.reports.charts import chart_svg
from arb_platform.reports.report import DAY_SCOPE, EMPTY, FAILED, Report, Theme

# The page decides the colours, so one picture serves dark and light.
PAGE_THEME: Final = Theme(
    ink="var(--ink)", faint="var(--faint)", grid="var(--grid)", background=None,
    palette=tuple(f"var(--c{n})" for n in range(1, 7)), bad="var(--bad)",
)  # fmt: skip
WIDE: Final = 760
NARROW: Final = 300
_MOST_ROWS: Final = 400

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1f2328;--faint:#59636e;--grid:#d8dee4;--paper:#fff;--card:#f6f8fa;--bad:#cf222e;
--c1:#2f6fde;--c2:#c2571a;--c3:#1a8a5a;--c4:#8a4fd0;--c5:#9a7209;--c6:#5a6b7b}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--faint:#9198a1;--grid:#3d444d;--paper:#0d1117;--card:#151b23;--bad:#ff7b72;
--c1:#6ea8fe;--c2:#f0883e;--c3:#3fb980;--c4:#bc8cff;--c5:#d9b13b;--c6:#9fb0c0}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:72rem;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,'DejaVu Sans',sans-serif}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:.5rem 0;border-bottom:1px solid var(--grid)}
a{color:var(--c1)}h1{font-size:1.5rem;margin:.5rem 0 0}h2{font-size:1.25rem;margin:2rem 0 .25rem}
p{margin:.35rem 0}.about,footer{color:var(--faint)}.headline{font-size:1.05rem;font-weight:600}
figure{margin:1rem 0;padding:.5rem;background:var(--card);border-radius:.5rem}
figure svg{display:block;max-width:100%;height:auto;margin:auto}figure .narrow{display:none}
.scroll{overflow-x:auto;max-height:34rem;border:1px solid var(--grid);border-radius:.5rem}
table{border-collapse:collapse;width:100%;font-size:.86rem;font-variant-numeric:tabular-nums}
th{position:sticky;top:0;background:var(--card);text-align:left;font-weight:600}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--grid);vertical-align:top}th{vertical-align:bottom;line-height:1.25}
td{white-space:nowrap}td.words{white-space:normal;min-width:26rem}.number{text-align:right}summary{cursor:pointer;padding:.6rem 0}
tr.total td{font-weight:600}tr.empty td{color:var(--faint)}tr.failed td{color:var(--bad)}
footer{margin:2rem 0 1rem;font-size:.86rem}
@media (max-width:40rem){body{padding:.6rem}figure .wide{display:none}figure .narrow{display:block}}
@media print{:root{color-scheme:light}.scroll{max-height:none;overflow:visible}nav{display:none}section{break-inside:avoid-page}}
"""


def to_html(frame: pl.DataFrame, report: Report, *, generated_at: datetime | None = None) -> str:
    """One report as one HTML file."""
    return to_page([(report, frame)], generated_at=generated_at)


def to_page(parts: Sequence[tuple[Report, pl.DataFrame]], *, generated_at: datetime | None = None) -> str:
    """Several reports as one HTML file, with navigation where there is more than one."""
    title = parts[0][0].title if len(parts) == 1 else "Reports"
    links = "".join(f'<a href="#{report.name}">{escape(report.title)}</a>' for report, _ in parts)
    nav = f"<nav>{links}</nav>" if len(parts) > 1 else ""
    body = "".join(
        _section(report, frame, heading="h1" if len(parts) == 1 else "h2") for report, frame in parts
    )
    top = "" if len(parts) == 1 else f"<h1>{title}</h1>"
    made = f" Made {generated_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC." if generated_at else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} – arb_platform</title><style>{_STYLE}</style></head><body>"
        f"{top}{nav}<main>{body}</main>"
        f"<footer>All times are UTC; – means unknown.{made}</footer></body></html>\n"
    )


def _section(report: Report, frame: pl.DataFrame, *, heading: str) -> str:
    return (
        f'<section id="{report.name}"><{heading}>{escape(report.title)}</{heading}>'
        f'<p class="about">{escape(report.description)}</p>'
        f'<p class="headline">{escape(report.headline(frame))}</p>'
        f"{_figure(report, frame)}{_tables(report, frame)}</section>"
    )


def _figure(report: Report, frame: pl.DataFrame) -> str:
    """The picture twice, for a desk and for a phone: a wide one scaled down could not be read."""
    wide = chart_svg(frame, report, PAGE_THEME, width=WIDE)
    narrow = chart_svg(frame, report, PAGE_THEME, width=NARROW)
    return f'<figure><div class="wide">{wide}</div><div class="narrow">{narrow}</div></figure>'


def _tables(report: Report, frame: pl.DataFrame) -> str:
    """The days, and folded up beneath them the rows of the finer scope."""
    if report.finer is None:
        return _table(report, frame)
    finer = frame.filter(pl.col("scope") == report.finer)
    days = _table(report, frame.filter(pl.col("scope") != report.finer))
    fold = f"<details><summary>By {escape(report.finer)}</summary>{_table(report, finer)}</details>"
    return days + (fold if finer.height else "")


def _table(report: Report, frame: pl.DataFrame) -> str:
    """Newest days first, because a page is opened to see how things are."""
    columns = useful(frame, report)
    numbers = {name for name in columns if frame.schema[name].is_numeric()}
    head = "".join(f"<th{_class(name, numbers)}>{escape(label(report, name))}</th>" for name in columns)
    rows = frame.sort("day", descending=True, maintain_order=True).head(_MOST_ROWS)
    several = frame["scope"].n_unique() > 1
    body = "".join(_row(row, columns, numbers, several=several) for row in rows.iter_rows(named=True))
    left = frame.height - rows.height
    rest = f'<p class="about">{left:,} older rows are in lake.{report.table}.</p>' if left else ""
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{rest}'
    )


def _row(row: dict[str, object], columns: Sequence[str], numbers: set[str], *, several: bool) -> str:
    marks = [str(row["state"])] if row["state"] in {EMPTY, FAILED} else []
    if several and row["scope"] == DAY_SCOPE:
        marks.append("total")
    cells = "".join(f"<td{_class(name, numbers)}>{escape(cell(row, name))}</td>" for name in columns)
    return f'<tr class="{" ".join(marks)}">{cells}</tr>' if marks else f"<tr>{cells}</tr>"


def _class(name: str, numbers: set[str]) -> str:
    return ' class="number"' if name in numbers else ' class="words"' if name == "note" else ""
