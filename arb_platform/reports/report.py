"""What a report is: inputs in SQL, one pure function, a table of its own, a picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

import polars as pl

from arb_platform.reports.drawing import alt
from arb_platform.reports.edges import Thresholds
from arb_platform.storage.lake import Lake

# ok: there were rows. empty: nothing ran, so nothing could be there. failed: something ran or was
# asked for and nothing came of it. An empty day is not a failed day.
State = Literal["ok", "empty", "failed"]
OK: Final[State] = "ok"
EMPTY: Final[State] = "empty"
FAILED: Final[State] = "failed"

# A row with scope "day" sums up the rows of finer scope of its day: never add the two up.
DAY_SCOPE: Final = "day"

Sources = Mapping[str, pl.DataFrame]
Columns = Mapping[str, pl.DataType]

MONEY: Final = pl.Decimal(38, 12)


@dataclass(frozen=True, slots=True)
class Period:
    """One UTC day, or as much of it as has passed: from ``start`` to before ``end``."""

    start: datetime
    end: datetime

    @property
    def day(self) -> date:
        return self.start.date()

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()

    @classmethod
    def of(cls, day: date, now: datetime) -> "Period":
        start = datetime.combine(day, time(), UTC)
        return cls(start, max(start, min(start + timedelta(days=1), now.astimezone(UTC))))


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours of a picture: concrete ones for PNG, CSS variables where a page switches dark and light."""

    ink: str
    faint: str
    grid: str
    background: str | None
    palette: tuple[str, ...]
    bad: str


LIGHT: Final = Theme(
    ink="#1f2328", faint="#59636e", grid="#d8dee4", background="#ffffff",
    palette=("#2f6fde", "#c2571a", "#1a8a5a", "#8a4fd0", "#b8860b", "#5a6b7b"), bad="#cf222e",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """One report.

    Each text of ``sources`` reads one input of one day; ``$1`` is its start (included) and ``$2``
    its end (excluded), and both must occur. ``build`` gets the answers under the same names and
    returns exactly ``columns``. ``first_day`` is SQL for the first day there is anything to report
    on. ``headline`` is the report in one sentence.
    """

    name: str
    table: str
    title: str
    description: str
    sources: Mapping[str, str]
    first_day: str
    columns: Columns
    build: Callable[[Period, Sources], pl.DataFrame]
    chart: Callable[[pl.DataFrame, Theme, int], "alt.TopLevelMixin"]
    headline: Callable[[pl.DataFrame], str]
    # what a terminal or a phone shows first; everything else is in the table
    shown: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    # fills the tables the sources read, one day at a time; most reports have nothing to prepare
    prepare: Callable[[Lake, Period, Thresholds], int] | None = None
    # computed, kept and shown together with this report, each in a table of its own
    sections: tuple["Report", ...] = ()
    # a scope of many rows, which readers unfold only when they want to
    finer: str | None = None
    # what moves from day to day, by name, oldest first: the sparklines of a terminal
    trends: Callable[[pl.DataFrame], list[tuple[str, list[float | None]]]] | None = None
    # columns by which rows are ordered wherever they are read
    order: tuple[str, ...] = ("day",)


def day_trend(frame: pl.DataFrame, column: str, *, total: str = "sum") -> list[float | None]:
    """``column`` of the day rows by day, oldest first: their sum, or with ``total="max"`` their worst."""
    value = pl.col(column).cast(pl.Float64)
    merged = pl.when(value.count() > 0).then(value.max() if total == "max" else value.sum())
    days = frame.filter(pl.col("scope") == DAY_SCOPE).group_by("day").agg(merged.alias("trend"))
    return days.sort("day")["trend"].to_list()


def shaped(rows: list[dict[str, object]], columns: Columns) -> pl.DataFrame:
    """``rows`` as a frame of exactly ``columns``; what a row does not name is NULL."""
    complete = [{name: row.get(name) for name in columns} for row in rows]
    return pl.DataFrame(complete, schema=dict(columns), orient="row")


def as_columns(frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
    """``frame`` with exactly ``columns``, cast; what it does not have is NULL."""
    missing = [
        pl.lit(None, dtype=kind).alias(name) for name, kind in columns.items() if name not in frame.columns
    ]
    return frame.with_columns(missing).select(pl.col(name).cast(kind) for name, kind in columns.items())
