"""What matching proposed, what rules and judges said, and what people decided, by day."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from arb_platform.domain.wilson import Proportion
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
    day_trend,
    shaped,
)

# One stage on one stratum of a labelled file, or one pair that was probably missed.
FINER: Final = "check"
STATUSES: Final = ("accepted", "review", "rejected", "failed")

COUNTS: Final = ("identical_passed", "identical_refused", "other_passed", "other_refused")
SHARES: Final = ("recall", "recall_low", "recall_high", "let_through", "let_through_low", "let_through_high")

COLUMNS: Final[dict[str, pl.DataType]] = {
    "day": pl.Date(), "scope": pl.String(), "candidates": pl.Int64(), "broken_by_rules": pl.Int64(),
    "asked": pl.Int64(), "cached": pl.Int64(), **{status: pl.Int64() for status in STATUSES},
    "accepted_share": pl.Float64(), "human_accepted": pl.Int64(), "human_rejected": pl.Int64(),
    "broken_rules": pl.String(), "settled_alike": pl.Int64(), "settled_unlike": pl.Int64(),
    "file": pl.String(), "stage": pl.String(), "stratum": pl.String(), **{name: pl.Int64() for name in COUNTS},
    **dict.fromkeys(SHARES, pl.Float64()), "polymarket_id": pl.String(), "kalshi_id": pl.String(), "score": pl.Float64(),
    "state": pl.String(), "note": pl.String(),
}  # fmt: skip

SOURCES: Final = {
    # A pair that is proposed again moves its proposed_at, so a day has what was proposed around it too.
    "candidates": """
        SELECT pair_hash, broken_rules FROM lake.candidate_pairs WHERE proposed_at >= $1 AND first_proposed_at < $2""",
    "verdicts": """
        SELECT pair_hash, judge, status FROM lake.verdicts v WHERE decided_at >= $1 AND decided_at < $2
        AND EXISTS (SELECT 1 FROM lake.candidate_pairs c WHERE c.pair_hash = v.pair_hash)""",
    "runs": """
        SELECT asked, cached FROM lake.validation_runs WHERE started_at >= $1 AND started_at < $2""",
    "reviews": """
        SELECT decision FROM lake.reviews WHERE decided_at >= $1 AND decided_at < $2""",
    # The last evaluation of each file on this day.
    "evaluations": """
        SELECT * FROM lake.evaluations WHERE evaluated_at >= $1 AND evaluated_at < $2
        QUALIFY rank() OVER (PARTITION BY file, stage ORDER BY evaluated_at DESC) = 1
        ORDER BY file, stage, stratum <> 'all', stratum""",
    "settlements": """
        SELECT settled_alike FROM lake.settlements WHERE found_at >= $1 AND found_at < $2""",
    "misses": """
        SELECT * FROM lake.likely_misses WHERE found_at >= $1 AND found_at < $2 ORDER BY score DESC, polymarket_id, kalshi_id""",
}


def build(period: Period, sources: Sources) -> pl.DataFrame:
    """The row of one day, and below it what was measured and missed on it.

    ``broken_rules`` of a candidate is a list of names, or JSON text of one.
    """
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
        **_settled(sources["settlements"]),
    }  # fmt: skip
    row["state"], row["note"] = _state(row, counts)
    finer = [*_evaluated(period, sources["evaluations"]), *_missed(period, sources["misses"])]
    return shaped([row, *finer], COLUMNS)


def _settled(settlements: pl.DataFrame) -> dict[str, int]:
    alike = Counter(settlements["settled_alike"].to_list())
    return {"settled_alike": alike[True], "settled_unlike": alike[False]}


def _evaluated(period: Period, evaluations: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in evaluations.iter_rows(named=True):
        recall = Proportion(row["identical_passed"], row["identical_passed"] + row["identical_refused"])
        through = Proportion(row["other_passed"], row["other_passed"] + row["other_refused"])
        model = f", judged by {row['model']}" if row["model"] else ""
        yield {
            "day": period.day, "scope": FINER, **{name: row[name] for name in ("file", "stage", "stratum", *COUNTS)},
            **_shares("recall", recall), **_shares("let_through", through), "state": OK,
            "note": f"rules {row['rules_version']}{model}",
        }  # fmt: skip


def _shares(name: str, share: Proportion) -> dict[str, float | None]:
    low, high = share.interval or (None, None)
    return {name: share.value, f"{name}_low": low, f"{name}_high": high}


def _missed(period: Period, misses: pl.DataFrame) -> Iterator[dict[str, Any]]:
    for row in misses.iter_rows(named=True):
        settled = "settled alike" if row["settled_alike"] else "settled unlike"
        yield {
            "day": period.day, "scope": FINER, "stage": "missed", "polymarket_id": row["polymarket_id"], "kalshi_id": row["kalshi_id"],
            "score": row["score"], "state": OK, "note": f"{settled}; {row['reason']}",
        }  # fmt: skip


def _state(row: dict[str, Any], counts: "Counter[str]") -> tuple[str, str]:
    if not any(
        row[name]
        for name in (
            "candidates",
            "asked",
            "cached",
            "human_accepted",
            "human_rejected",
            "settled_alike",
            "settled_unlike",
            *STATUSES,
        )
    ):
        return EMPTY, "no candidate was proposed and no verdict given on this day"
    judged = row["accepted"] + row["review"] + row["rejected"]
    alarm = f"ALARM: {row['settled_unlike']} accepted pairs did not settle alike; see table settlements"
    if row["failed"] and not judged:
        return FAILED, f"all {row['failed']} questions failed: no provider gave an answer"
    notes = [alarm] if row["settled_unlike"] else []
    notes += [f"{row['failed']} questions failed and say nothing about their pairs"] * bool(row["failed"])
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
    days = frame.filter(pl.col("scope") == DAY_SCOPE)
    total = {name: int(days[name].sum() or 0) for name in ("candidates", "broken_by_rules", "settled_unlike", *STATUSES)}  # fmt: skip
    if not any(total.values()):
        return "Nothing was matched in this period."
    return (
        f"{total['candidates']} candidates, {total['broken_by_rules']} of them broken by a hard rule; "
        f"verdicts: {total['accepted']} accepted, {total['review']} for review, {total['rejected']} rejected, "
        f"{total['failed']} failed." + (f" ALARM: {total['settled_unlike']} accepted pairs did not settle alike." if total["settled_unlike"] else "")
    )  # fmt: skip


def chart(frame: pl.DataFrame, theme: Theme, width: int) -> "alt.TopLevelMixin":
    """Verdicts a day by status."""
    verdicts = frame.unpivot(list(STATUSES), index="day", variable_name="status", value_name="verdicts")
    counted = verdicts.filter(pl.col("verdicts") > 0)
    return charts.bars(
        counted,
        theme,
        width,
        y="verdicts",
        series="status",
        y_title="verdicts a day",
        days=frame["day"].unique(),
    )


REPORT: Final = Report(
    name="matching",
    table="report_matching",
    title="Matching",
    description="Candidates, hard rules, verdicts, human decisions and settlements by day; below each day what was measured on labelled pairs and what was probably missed.",
    sources=SOURCES,
    first_day="""SELECT CAST(min(moment) AT TIME ZONE 'UTC' AS DATE) AS first FROM (
        SELECT min(first_proposed_at) AS moment FROM lake.candidate_pairs UNION ALL SELECT min(evaluated_at) FROM lake.evaluations)""",
    columns=COLUMNS,
    build=build,
    chart=chart,
    headline=headline,
    finer=FINER,
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
        "settled_alike",
        "settled_unlike",
        "file",
        "stage",
        "stratum",
        "recall",
        "recall_low",
        "let_through",
        "let_through_high",
        "polymarket_id",
        "kalshi_id",
        "score",
        "note",
    ),
    trends=lambda frame: [
        ("candidates a day", day_trend(frame, "candidates")),
        ("accepted a day", day_trend(frame, "accepted")),
    ],
)
