"""What matching proposed, what rules and judges said, and what people decided, by day."""

import json
from collections import Counter
from typing import Any, Final

import altair as alt
import polars as pl

from arb_platform.reports import charts
from arb_platform.reports.report import (
    DAY_SCOPE,
    EMPTY,
    FAILED,
    OK,
    Period,
    Report,
    Sources,
    Theme,
    day_trend,
    shaped,
)

STATUSES: Final = ("accepted", "review", "rejected", "failed")

COLUMNS: Final[dict[str, pl.DataType]] = {
    "day": pl.Date(), "scope": pl.String(), "candidates": pl.Int64(), "broken_by_rules": pl.Int64(),
    "asked": pl.Int64(), "cached": pl.Int64(), **{status: pl.Int64() for status in STATUSES},
    "accepted_share": pl.Float64(), "human_accepted": pl.Int64(), "human_rejected": pl.Int64(),
    "broken_rules": pl.String(), "state": pl.String(), "note": pl.String(),
}  # fmt: skip

SOURCES: Final = {
    # A pair that is proposed again moves its proposed_at, so a day has what was proposed around it too.
    "candidates": """
        SELECT pair_hash, broken_rules FROM lake.candidate_pairs WHERE proposed_at >= $1 AND first_proposed_at < $2""",
    "verdicts": """
        SELECT pair_hash, judge, status FROM lake.verdicts WHERE decided_at >= $1 AND decided_at < $2""",
    "runs": """
        SELECT asked, cached FROM lake.validation_runs WHERE started_at >= $1 AND started_at < $2""",
    "reviews": """
        SELECT decision FROM lake.reviews WHERE decided_at >= $1 AND decided_at < $2""",
}


def build(period: Period, sources: Sources) -> pl.DataFrame:
    """One row of one day. ``broken_rules`` of a candidate is a list of names, or JSON text of one."""
    candidates, verdicts = sources["candidates"], sources["verdicts"]
    broken = [_names(value) for value in candidates["broken_rules"].to_list()]
    counts = Counter(name for names in broken for name in names)
    by_status = Counter(verdicts["status"].to_list())
    decisions = Counter(sources["reviews"]["decision"].to_list())
    judged = sum(by_status[status] for status in ("accepted", "review", "rejected"))
    row: dict[str, Any] = {
        "day": period.day, "scope": DAY_SCOPE, "candidates": candidates.height,
        "broken_by_rules": sum(bool(names) for names in broken), "asked": _sum(sources["runs"], "asked"),
        "cached": _sum(sources["runs"], "cached"), **{status: by_status[status] for status in STATUSES},
        "accepted_share": by_status["accepted"] / judged if judged else None,
        "human_accepted": decisions["accept"] + decisions["accepted"],
        "human_rejected": decisions["reject"] + decisions["rejected"],
        "broken_rules": json.dumps(dict(counts.most_common()), ensure_ascii=False),
    }  # fmt: skip
    row["state"], row["note"] = _state(row, counts)
    return shaped([row], COLUMNS)


def _state(row: dict[str, Any], counts: "Counter[str]") -> tuple[str, str]:
    if not any(
        row[name] for name in ("candidates", "asked", "cached", "human_accepted", "human_rejected", *STATUSES)
    ):
        return EMPTY, "no candidate was proposed and no verdict given on this day"
    judged = row["accepted"] + row["review"] + row["rejected"]
    if row["failed"] and not judged:
        return FAILED, f"all {row['failed']} questions failed: no provider gave an answer"
    notes = [f"{row['failed']} questions failed and say nothing about their pairs"] if row["failed"] else []
    if counts:
        name, times = counts.most_common(1)[0]
        notes.append(f"most often broken: {name} ({times})")
    return OK, "; ".join(notes)


def _names(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return list(json.loads(value)) if value.strip() else []
    return list(value)


def _sum(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].sum() or 0) if frame.height else 0


def headline(frame: pl.DataFrame) -> str:
    """Counts of the whole period."""
    total = {name: int(frame[name].sum() or 0) for name in ("candidates", "broken_by_rules", *STATUSES)}
    if not any(total.values()):
        return "Nothing was matched in this period."
    return (
        f"{total['candidates']} candidates, {total['broken_by_rules']} of them broken by a hard rule; "
        f"verdicts: {total['accepted']} accepted, {total['review']} for review, {total['rejected']} rejected, "
        f"{total['failed']} failed."
    )


def chart(frame: pl.DataFrame, theme: Theme, width: int) -> alt.TopLevelMixin:
    """Verdicts a day by status."""
    verdicts = frame.unpivot(list(STATUSES), index="day", variable_name="status", value_name="verdicts")
    counted = verdicts.filter(pl.col("verdicts") > 0)
    return charts.bars(
        counted, theme, width, y="verdicts", series="status", y_title="verdicts a day", days=frame["day"]
    )


REPORT: Final = Report(
    name="matching",
    table="report_matching",
    title="Matching",
    description="Candidates, hard rules, verdicts and human decisions by day.",
    sources=SOURCES,
    first_day="SELECT CAST(min(first_proposed_at) AT TIME ZONE 'UTC' AS DATE) AS first FROM lake.candidate_pairs",
    columns=COLUMNS,
    build=build,
    chart=chart,
    headline=headline,
    shown=(
        "day",
        "candidates",
        "broken_by_rules",
        "asked",
        "cached",
        "accepted",
        "review",
        "rejected",
        "failed",
        "human_accepted",
        "human_rejected",
        "note",
    ),
    trends=lambda frame: [
        ("candidates a day", day_trend(frame, "candidates")),
        ("accepted a day", day_trend(frame, "accepted")),
    ],
)
