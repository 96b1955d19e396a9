"""Latency by venue and hour, one row per stage, percentiles from all rows.

Stages are told apart because only some are ours: what passes between the venue's clock and our
socket is the network and the venue. Ages below zero come from clocks that disagree; they are
clamped to zero, counted, and the disagreement is shown.
"""

from datetime import timedelta
from typing import Final

import polars as pl

from arb_platform.domain.streams import LATENCY_BUDGET_MS
from arb_platform.reports import charts
from arb_platform.reports.drawing import alt
from arb_platform.reports.report import (
    DAY_SCOPE,
    EMPTY,
    FAILED,
    OK,
    Period,
    Report,
    Sources,
    Theme,
    as_columns,
    shaped,
)

BUDGET_MS: Final = LATENCY_BUDGET_MS

# stage -> (from, to, is it ours)
STAGES: Final[dict[str, tuple[str, str, bool]]] = {
    "exchange_to_received": ("exchange_time", "received_at", False),
    "received_to_handed": ("received_at", "handed_at", True),
    "handed_to_durable": ("handed_at", "landed_at", True),
    "durable_to_queryable": ("landed_at", "promoted_at", True),
    "exchange_to_handed": ("exchange_time", "handed_at", False),
    "received_to_queryable": ("received_at", "promoted_at", True),
    "total": ("exchange_time", "promoted_at", False),
}
ALERT_STAGES: Final = ("received_to_handed", "exchange_to_handed")
"""Stages that end at the handler: the budget is about these."""

COLUMNS: Final[dict[str, pl.DataType]] = {
    "day": pl.Date(), "hour": pl.Datetime("us", "UTC"), "scope": pl.String(), "venue": pl.String(), "stage": pl.String(),
    "ours": pl.Boolean(), "samples": pl.Int64(), "missing": pl.Int64(), "clamped": pl.Int64(), "skew_ms": pl.Float64(),
    "p50_ms": pl.Float64(), "p95_ms": pl.Float64(), "p99_ms": pl.Float64(), "max_ms": pl.Float64(),
    "budget_ms": pl.Float64(), "over_budget": pl.Int64(), "over_budget_share": pl.Float64(), "budget_met": pl.Boolean(),
    "state": pl.String(), "note": pl.String(),
}  # fmt: skip

SOURCES: Final = {
    "snapshots": """
        -- The first book of a connection answers our subscription: the time on it is not of a change.
        SELECT s.venue, CASE WHEN s.sequence > 1 THEN s.exchange_time END AS exchange_time, s.received_at, s.handed_at, s.landed_at, i.promoted_at
        FROM lake.book_snapshots s LEFT JOIN lake.ingest_segments i USING (segment_id)
        WHERE s.day = CAST($1 AT TIME ZONE 'UTC' AS DATE) AND s.received_at >= $1 AND s.received_at < $2""",
    "sessions": """
        SELECT DISTINCT venue FROM lake.stream_sessions
        WHERE connected_at < $2 AND coalesce(ended_at, $2) >= $1""",
}


def build(period: Period, sources: Sources) -> pl.DataFrame:
    """Rows of one day.

    ``snapshots``: venue, exchange_time, received_at, handed_at, landed_at, promoted_at (UTC times,
    any of them NULL where it is not known). ``sessions``: the venues that had a connection.
    """
    snapshots = sources["snapshots"].select(
        "venue", *_ages(), pl.col("received_at").dt.convert_time_zone("UTC").dt.truncate("1h").alias("hour")
    )
    parts = []
    if snapshots.height:
        parts = [
            _percentiles(snapshots, ["venue", "hour"], "hour"),
            _percentiles(snapshots, ["venue"], DAY_SCOPE),
        ]
    seen = set(snapshots["venue"].unique())
    silent = sorted(set(sources["sessions"]["venue"].unique()) - seen)
    parts.append(shaped([_silent(venue) for venue in silent], COLUMNS))
    if not seen and not silent:
        parts.append(shaped([_EMPTY_DAY], COLUMNS))
    frame = pl.concat([as_columns(part, COLUMNS) for part in parts])
    stage_order = pl.col("stage").replace_strict(list(STAGES), range(len(STAGES)), default=99)
    return frame.with_columns(pl.lit(period.day).alias("day")).sort(
        "venue", "scope", "hour", stage_order, nulls_last=True
    )


def _ages() -> list[pl.Expr]:
    return [
        (pl.col(end) - pl.col(start)).dt.total_microseconds().alias(stage)
        for stage, (start, end, _) in STAGES.items()
    ]


def _percentiles(ages: pl.DataFrame, keys: list[str], scope: str) -> pl.DataFrame:
    return pl.concat(_of_stage(ages, keys, stage) for stage in STAGES).with_columns(
        pl.lit(scope).alias("scope"), pl.lit(OK).alias("state")
    )


def _of_stage(ages: pl.DataFrame, keys: list[str], stage: str) -> pl.DataFrame:
    """Exact percentiles (linear between neighbours, as numpy's default) of one stage, in ms."""
    age = pl.col(stage)
    clamped = age.clip(lower_bound=0)
    in_budget = stage in ALERT_STAGES
    figures = ages.group_by(keys).agg(
        age.count().alias("samples").cast(pl.Int64),
        age.null_count().alias("missing").cast(pl.Int64),
        (age < 0).sum().alias("clamped").cast(pl.Int64),
        (-age.min()).clip(lower_bound=0).truediv(1000).alias("skew_ms"),
        *[
            clamped.quantile(q, "linear").truediv(1000).alias(f"p{round(q * 100)}_ms")
            for q in (0.5, 0.95, 0.99)
        ],
        clamped.max().truediv(1000).alias("max_ms"),
        (clamped > BUDGET_MS * 1000).sum().cast(pl.Int64).alias("over_budget"),
    )
    return figures.with_columns(
        pl.lit(stage).alias("stage"),
        pl.lit(STAGES[stage][2]).alias("ours"),
        pl.lit(float(BUDGET_MS) if in_budget else None, dtype=pl.Float64).alias("budget_ms"),
        pl.col("over_budget") if in_budget else pl.lit(None, dtype=pl.Int64).alias("over_budget"),
        (pl.col("over_budget") / pl.col("samples") if in_budget else pl.lit(None, dtype=pl.Float64)).alias(
            "over_budget_share"
        ),
        (pl.col("p50_ms") <= BUDGET_MS if in_budget else pl.lit(None, dtype=pl.Boolean)).alias("budget_met"),
        _note(stage).alias("note"),
    )


def _note(stage: str) -> pl.Expr:
    """What a reader must know about this row, in words; empty when there is nothing to add."""
    start, end, ours = STAGES[stage]
    sentences = [
        pl.when(pl.col("samples") == 0).then(pl.lit(f"no row has both {start} and {end}")).otherwise(None),
        pl.when(pl.col("clamped") > 0)
        .then(
            pl.format(
                "clocks disagree by at least {} ms: {} negative ages count as 0",
                pl.col("skew_ms").round(1),
                pl.col("clamped"),
            )
        )
        .otherwise(None),
    ]
    if end == "promoted_at":
        waiting = pl.when((pl.col("missing") > 0) & (pl.col("samples") > 0))
        sentences.append(
            waiting.then(pl.format("{} rows without this figure", pl.col("missing"))).otherwise(None)
        )
    if not ours:
        sentences.append(pl.lit("network and venue included: not ours"))
    return pl.concat_str(sentences, separator="; ", ignore_nulls=True)


def _silent(venue: str) -> dict[str, object]:
    note = f"{venue} was connected and no snapshot landed; look at stream_events and quarantined_frames"
    return {"scope": DAY_SCOPE, "venue": venue, "samples": 0, "state": FAILED, "note": note}


_EMPTY_DAY: Final[dict[str, object]] = {
    "scope": DAY_SCOPE, "samples": 0, "state": EMPTY, "note": "no stream ran on this day",
}  # fmt: skip


def headline(frame: pl.DataFrame) -> str:
    """The budget stage of each venue on the newest day that has rows."""
    rows = frame.filter(
        (pl.col("scope") == DAY_SCOPE) & (pl.col("stage") == "exchange_to_handed") & (pl.col("samples") > 0)
    )
    if rows.is_empty():
        return "No latency was measured in this period."
    newest = rows.filter(pl.col("day") == pl.col("day").max()).sort("venue")
    said = [
        f"{row['venue']} {row['p50_ms']:.1f} ms ({'within' if row['budget_met'] else 'OVER'} {BUDGET_MS} ms)"
        for row in newest.iter_rows(named=True)
    ]
    return f"Market update to handler, p50 on {newest['day'][0]}: {', '.join(said)}."


# Hours of more days than these are too many to see, and too many to send.
_MOST_DAYS_BY_HOUR: Final = 7


def chart(frame: pl.DataFrame, theme: Theme, width: int) -> "alt.TopLevelMixin":
    """p50 and p95 up to the handler by hour and venue, against the budget; by day where the period is long."""
    by_day = frame["day"].n_unique() > _MOST_DAYS_BY_HOUR
    rows = frame.filter(
        (pl.col("scope") == (DAY_SCOPE if by_day else "hour"))
        & (pl.col("stage") == "exchange_to_handed")
        & (pl.col("samples") > 0)
    )
    noon = pl.col("day").cast(pl.Datetime("us", "UTC")) + pl.duration(hours=12)
    times = rows.with_columns((noon if by_day else pl.col("hour")).alias("time"))
    lines = times.unpivot(
        ["p50_ms", "p95_ms"], index=["time", "venue"], variable_name="figure", value_name="ms"
    )
    lines = lines.with_columns(
        (pl.col("venue") + " " + pl.col("figure").str.strip_suffix("_ms")).alias("series"),
        pl.col("ms").clip(lower_bound=0.001),
    )
    return charts.lines(
        lines, theme, width, x="time", y="ms", series="series", y_title="market update → handler, ms (log)",
        log=True, rule=float(BUDGET_MS), rule_label=f"{BUDGET_MS} ms budget", step=timedelta(days=1) if by_day else timedelta(hours=1),
    )  # fmt: skip


def _trends(frame: pl.DataFrame) -> list[tuple[str, list[float | None]]]:
    hours = frame.filter((pl.col("scope") == "hour") & (pl.col("stage") == "exchange_to_handed")).sort("hour")
    return [
        (f"{venue} market update to handler, p50 ms by hour", rows["p50_ms"].to_list())
        for (venue,), rows in sorted(hours.group_by("venue", maintain_order=True))
    ]


REPORT: Final = Report(
    name="latency",
    table="report_latency",
    title="Latency",
    description="Where the time goes between the venue's clock and a row that can be queried, by venue and hour.",
    sources=SOURCES,
    first_day="SELECT min(day) AS first FROM lake.book_snapshots",
    columns=COLUMNS,
    build=build,
    chart=chart,
    headline=headline,
    shown=(
        "day",
        "hour",
        "venue",
        "stage",
        "samples",
        "p50_ms",
        "p95_ms",
        "p99_ms",
        "max_ms",
        "clamped",
        "over_budget_share",
        "note",
    ),
    order=("day", "venue", "scope", "hour"),
    finer="hour",
    trends=_trends,
)
