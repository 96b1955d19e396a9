"""What the language models cost, by day, provider and model; money is summed exactly."""

from decimal import Decimal
from typing import Final, get_args

import polars as pl

from arb_platform.domain.calls import CallStatus
from arb_platform.reports import charts
from arb_platform.reports.drawing import alt
from arb_platform.reports.report import (
    DAY_SCOPE,
    EMPTY,
    FAILED,
    MONEY,
    OK,
    Period,
    Report,
    Sources,
    Theme,
    as_columns,
    day_trend,
)  # fmt: skip

# `started` left alone is a call whose process died, or one that still runs.
FAILURE_KINDS: Final = tuple(status for status in get_args(CallStatus) if status not in {"ok", "started"})

COLUMNS: Final[dict[str, pl.DataType]] = {
    "day": pl.Date(), "scope": pl.String(), "provider": pl.String(), "model": pl.String(),
    "calls": pl.Int64(), "ok": pl.Int64(), "failures": pl.Int64(),
    **{kind: pl.Int64() for kind in FAILURE_KINDS}, "unfinished": pl.Int64(),
    "fallback_calls": pl.Int64(), "fallback_share": pl.Float64(),
    "prompt_tokens": pl.Int64(), "cached_tokens": pl.Int64(), "completion_tokens": pl.Int64(), "total_tokens": pl.Int64(),
    "cached_share": pl.Float64(), "cost_usd": MONEY, "unknown_cost_calls": pl.Int64(),
    "validated_pairs": pl.Int64(), "cost_per_validated_pair_usd": MONEY, "cache_hits": pl.Int64(), "cache_saved_usd": MONEY,
    "latency_p50_ms": pl.Float64(), "latency_p95_ms": pl.Float64(), "state": pl.String(), "note": pl.String(),
}  # fmt: skip

SOURCES: Final = {
    "calls": """
        SELECT pair_hash, provider, model, status, latency_ms, prompt_tokens, cached_tokens, completion_tokens,
               cost_usd, fallback
        FROM lake.llm_calls WHERE started_at >= $1 AND started_at < $2""",
    "runs": """
        SELECT judge, asked, cached, stopped_reason
        FROM lake.validation_runs WHERE started_at >= $1 AND started_at < $2""",
    # What an answer used to cost, for the value of a cache hit on a day without a paid answer.
    "earlier": """
        SELECT coalesce(sum(cost_usd), 0) AS cost_usd, count(DISTINCT pair_hash) FILTER (status = 'ok') AS pairs
        FROM lake.llm_calls WHERE started_at >= $1 - INTERVAL 30 DAY AND started_at < $2""",
}

_CENT_FRACTION: Final = Decimal("1E-12")


def build(period: Period, sources: Sources) -> pl.DataFrame:
    """Rows of one day: one per provider and model (scope ``model``), one for all (scope ``day``).

    ``calls``: one row per attempt. ``runs``: one row per validation run with ``judge``, ``asked``,
    ``cached`` (verdicts reused: the cache hits) and ``stopped_reason``; runs of judges other than
    ``llm`` cost nothing and save nothing. ``earlier``: one row, cost_usd and pairs of the last 30 days.
    """
    calls, runs = sources["calls"], sources["runs"].filter(pl.col("judge") == "llm")
    by_model = _figures(calls, ["provider", "model"]).with_columns(
        pl.lit("model").alias("scope"), pl.lit(OK).alias("state"), _note().alias("note")
    )
    day = _figures(calls, []).with_columns(pl.lit(DAY_SCOPE).alias("scope"))
    day = day.with_columns(
        pl.Series("cache_hits", [_sum(runs, "cached")], dtype=pl.Int64),
        pl.Series("cache_saved_usd", [_saved(day, runs, sources["earlier"])], dtype=MONEY),
    )
    state, note = _state(day, runs, others=runs.height < sources["runs"].height)
    day = day.with_columns(pl.lit(state).alias("state"), pl.lit(note).alias("note"))
    frame = pl.concat([as_columns(by_model, COLUMNS), as_columns(day, COLUMNS)])
    return frame.with_columns(pl.lit(period.day).alias("day")).sort(
        "scope", "provider", "model", nulls_last=True
    )


def _figures(calls: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    failed = ~pl.col("status").is_in(["ok", "started"])
    answered = pl.col("status") == "ok"
    aggregates = [
        pl.len().cast(pl.Int64).alias("calls"),
        answered.sum().cast(pl.Int64).alias("ok"),
        failed.sum().cast(pl.Int64).alias("failures"),
        *[(pl.col("status") == kind).sum().cast(pl.Int64).alias(kind) for kind in FAILURE_KINDS],
        (pl.col("status") == "started").sum().cast(pl.Int64).alias("unfinished"),
        pl.col("fallback").sum().cast(pl.Int64).alias("fallback_calls"),
        *[
            pl.col(name).sum().cast(pl.Int64)
            for name in ("prompt_tokens", "cached_tokens", "completion_tokens")
        ],
        pl.col("cost_usd").cast(MONEY).sum().alias("cost_usd"),
        pl.col("cost_usd").null_count().cast(pl.Int64).alias("unknown_cost_calls"),
        pl.col("pair_hash").filter(answered).drop_nulls().n_unique().cast(pl.Int64).alias("validated_pairs"),
        pl.col("latency_ms").cast(pl.Float64).quantile(0.5, "linear").alias("latency_p50_ms"),
        pl.col("latency_ms").cast(pl.Float64).quantile(0.95, "linear").alias("latency_p95_ms"),
    ]
    figures = calls.group_by(keys).agg(aggregates) if keys else calls.select(aggregates)
    figures = figures.with_columns(
        (pl.col("prompt_tokens") + pl.col("completion_tokens")).alias("total_tokens"),
        _share("fallback_calls", "calls").alias("fallback_share"),
        _share("cached_tokens", "prompt_tokens").alias("cached_share"),
    )
    per_pair = [
        _per(cost, pairs) for cost, pairs in figures.select("cost_usd", "validated_pairs").iter_rows()
    ]
    return figures.with_columns(pl.Series("cost_per_validated_pair_usd", per_pair, dtype=MONEY))


def _share(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole)).otherwise(None)


def _per(cost: Decimal | None, pairs: int) -> Decimal | None:
    """Dollars a pair, failed attempts included, or None where no pair was validated."""
    return None if cost is None or not pairs else (cost / pairs).quantize(_CENT_FRACTION)


def _saved(day: pl.DataFrame, runs: pl.DataFrame, earlier: pl.DataFrame) -> Decimal | None:
    """An estimate: hits x what a validated pair costs today, or cost in the last 30 days."""
    hits = _sum(runs, "cached")
    price: Decimal | None = day["cost_per_validated_pair_usd"][0]
    if price is None and earlier.height:
        known = earlier.row(0, named=True)
        price = _per(Decimal(known["cost_usd"]), known["pairs"])
    if hits == 0:
        return Decimal(0)
    return None if price is None else hits * price


def _sum(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].sum() or 0) if frame.height else 0


def _note() -> pl.Expr:
    unknown = pl.when(pl.col("unknown_cost_calls") > 0).then(
        pl.format("{} calls of unknown cost are not in the sum", pl.col("unknown_cost_calls"))
    )
    return pl.concat_str([unknown.otherwise(None), pl.lit("")], separator="", ignore_nulls=True)


def _state(day: pl.DataFrame, runs: pl.DataFrame, *, others: bool) -> tuple[str, str]:
    row = day.row(0, named=True)
    notes = [
        f"a run stopped: {reason}" for reason in runs["stopped_reason"].drop_nulls().unique().sort() if reason
    ]
    if row["unknown_cost_calls"]:
        notes.append(f"{row['unknown_cost_calls']} calls of unknown cost are not in the sum")
    if row["calls"] == 0:
        state, said = _without_calls(
            _sum(runs, "asked"), _sum(runs, "cached"), stopped=bool(notes), others=others
        )
        return state, "; ".join([said, *notes])
    if row["ok"] == 0:
        return FAILED, "; ".join([f"none of {row['calls']} calls gave a usable answer", *notes])
    return OK, "; ".join(notes)


def _without_calls(asked: int, cached: int, *, stopped: bool, others: bool) -> tuple[str, str]:
    """A day without calls: nothing was to be asked, or something was and it did not come to it."""
    if asked or (stopped and not cached):
        return FAILED, f"{asked} pairs were to be asked and no call was made" if asked else "no call was made"
    if cached:
        return OK, f"no call was needed: {cached} pairs came from the cache"
    return EMPTY, "only a judge without a language model ran" if others else "no validation ran on this day"


def headline(frame: pl.DataFrame) -> str:
    """Spend, pairs and savings of the whole period."""
    days = frame.filter(pl.col("scope") == DAY_SCOPE)
    calls = int(days["calls"].sum() or 0)
    if calls == 0:
        return "No language model was called in this period."
    cost = Decimal(days["cost_usd"].sum() or 0)
    unknown = int(days["unknown_cost_calls"].sum() or 0)
    pairs, hits = int(days["validated_pairs"].sum() or 0), int(days["cache_hits"].sum() or 0)
    rest = f", and {unknown} calls of unknown cost" if unknown else ""
    saved = Decimal(days["cache_saved_usd"].sum() or 0)
    return (
        f"${cost:.4f} for {pairs} validated pairs in {calls} calls{rest}; "
        f"{hits} verdicts came from the cache and saved about ${saved:.4f}."
    )


def chart(frame: pl.DataFrame, theme: Theme, width: int) -> "alt.TopLevelMixin":
    """Dollars a day, stacked by provider and model."""
    models = frame.filter(pl.col("scope") == "model").select(
        pl.col("day"), (pl.col("provider") + " " + pl.col("model")).alias("series"), pl.col("cost_usd")
    )
    return charts.bars(
        models, theme, width, y="cost_usd", series="series", y_title="US dollars a day", days=frame["day"]
    )


REPORT: Final = Report(
    name="llm_cost",
    table="report_llm_cost",
    title="LLM cost",
    description="Calls, failures, tokens and dollars by day, provider and model; what the verdict cache saved.",
    sources=SOURCES,
    first_day="""
        SELECT CAST(min(started_at) AT TIME ZONE 'UTC' AS DATE) AS first FROM (
            SELECT min(started_at) AS started_at FROM lake.llm_calls
            UNION ALL SELECT min(started_at) FROM lake.validation_runs)""",
    columns=COLUMNS,
    build=build,
    chart=chart,
    headline=headline,
    shown=(
        "day",
        "provider",
        "model",
        "calls",
        "failures",
        "fallback_share",
        "total_tokens",
        "cached_share",
        "cost_usd",
        "unknown_cost_calls",
        "validated_pairs",
        "cost_per_validated_pair_usd",
        "cache_hits",
        "cache_saved_usd",
        "note",
    ),
    order=("day", "scope", "provider", "model"),
    trends=lambda frame: [
        ("US dollars a day", day_trend(frame, "cost_usd")),
        ("calls a day", day_trend(frame, "calls")),
    ],
)
