"""The tables of the reports: each run replaces the days it computed.

A row of scope `day` sums up the finer rows of its day, so a query asks for one scope or the other.
"""

from typing import Final

from arb_platform.storage.columns import Column, Table

_DAY: Final = Column("day", "DATE", "UTC day")
_STATE: Final = (
    Column(
        "state",
        "VARCHAR",
        "ok; empty: nothing ran, so nothing is there; failed: something ran and nothing came of it",
    ),
    Column("note", "VARCHAR", "what a reader must know about this row, in words"),
    Column("computed_at", "TIMESTAMPTZ", "when the report was run"),
)

REPORT_LLM_COST: Final = Table(
    "report_llm_cost",
    "what one model, or all of them, cost on one day",
    (
        _DAY,
        Column("scope", "VARCHAR", "model: one model of one provider; day: all of them"),
        Column("provider", "VARCHAR", "deepseek, openai, ...; NULL in scope day"),
        Column("model", "VARCHAR", "model that was asked; NULL in scope day"),
        Column("calls", "BIGINT", "attempts"),
        Column("ok", "BIGINT", "attempts with a usable answer"),
        Column("failures", "BIGINT", "attempts without one"),
        Column("timeout", "BIGINT", "attempts of this status"),
        Column("connection_error", "BIGINT", "attempts of this status"),
        Column("rate_limited", "BIGINT", "attempts of this status"),
        Column("refused", "BIGINT", "attempts of this status"),
        Column("http_error", "BIGINT", "attempts of this status"),
        Column("blank_content", "BIGINT", "attempts of this status"),
        Column("truncated", "BIGINT", "attempts of this status"),
        Column("not_json", "BIGINT", "attempts of this status"),
        Column("wrong_shape", "BIGINT", "attempts of this status"),
        Column("cancelled", "BIGINT", "attempts of this status"),
        Column(
            "unfinished",
            "BIGINT",
            "attempts that started and did not end: they still run, or their process died",
        ),
        Column("fallback_calls", "BIGINT", "attempts made because the first provider failed"),
        Column("fallback_share", "DOUBLE", "fallback_calls / calls"),
        Column("prompt_tokens", "BIGINT", "as billed"),
        Column("cached_tokens", "BIGINT", "of them cached by the provider"),
        Column("completion_tokens", "BIGINT", "as billed"),
        Column("total_tokens", "BIGINT", "prompt_tokens + completion_tokens"),
        Column("cached_share", "DOUBLE", "cached_tokens / prompt_tokens"),
        Column("cost_usd", "DECIMAL(38,12)", "known cost"),
        Column("unknown_cost_calls", "BIGINT", "attempts whose cost is not known; they are not in cost_usd"),
        Column("validated_pairs", "BIGINT", "different pairs with a usable answer"),
        Column(
            "cost_per_validated_pair_usd",
            "DECIMAL(38,12)",
            "cost_usd / validated_pairs, failed attempts included; NULL: none was validated",
        ),
        Column(
            "cache_hits",
            "BIGINT",
            "pairs that needed no call because a valid verdict was there; scope day only",
        ),
        Column(
            "cache_saved_usd",
            "DECIMAL(38,12)",
            "an estimate: cache_hits times what a validated pair cost that day, or in the 30 days before",
        ),
        Column("latency_p50_ms", "DOUBLE", "median of a call"),
        Column("latency_p95_ms", "DOUBLE", "95th percentile of a call"),
        *_STATE,
    ),
    key=("day", "scope", "provider", "model"),
)

REPORT_LATENCY: Final = Table(
    "report_latency",
    "how long one stage took at one venue in one hour or on one day",
    (
        _DAY,
        Column("hour", "TIMESTAMPTZ", "start of the hour; NULL in scope day"),
        Column("scope", "VARCHAR", "hour or day"),
        Column("venue", "VARCHAR", "polymarket or kalshi"),
        Column(
            "stage",
            "VARCHAR",
            "exchange_to_received, received_to_handed, handed_to_durable, durable_to_queryable, exchange_to_handed, received_to_queryable or total",
        ),
        Column("ours", "BOOLEAN", "false: the network and the venue are part of it"),
        Column("samples", "BIGINT", "snapshots measured"),
        Column("missing", "BIGINT", "snapshots without one of the two times"),
        Column("clamped", "BIGINT", "negative ages, which come from clocks that disagree and count as 0"),
        Column("skew_ms", "DOUBLE", "the most negative age: clocks disagree by at least so much"),
        Column("p50_ms", "DOUBLE", "median of all rows"),
        Column("p95_ms", "DOUBLE", "95th percentile"),
        Column("p99_ms", "DOUBLE", "99th percentile"),
        Column("max_ms", "DOUBLE", "worst"),
        Column(
            "budget_ms",
            "DOUBLE",
            "what the median of a stage that ends at the handler may be; NULL: no budget",
        ),
        Column("over_budget", "BIGINT", "samples above the budget"),
        Column("over_budget_share", "DOUBLE", "over_budget / samples"),
        Column("budget_met", "BOOLEAN", "p50_ms <= budget_ms"),
        *_STATE,
    ),
    key=("day", "hour", "venue", "stage"),
)

REPORT_CONTINUITY: Final = Table(
    "report_continuity",
    "how whole one venue's stream was on one day",
    (
        _DAY,
        Column("scope", "VARCHAR", "day"),
        Column("venue", "VARCHAR", "polymarket or kalshi"),
        Column("sessions", "BIGINT", "connections that began on this day"),
        Column("markets", "BIGINT", "different markets with a snapshot"),
        Column("frames", "BIGINT", "frames received, counted on the day the connection began"),
        Column("snapshots", "BIGINT", "snapshots stored"),
        Column("gaps", "BIGINT", "events of this kind that began on this day"),
        Column("silences", "BIGINT", "events of this kind that began on this day"),
        Column("resyncs", "BIGINT", "events of this kind that began on this day"),
        Column("quarantines", "BIGINT", "events of this kind that began on this day"),
        Column("overflows", "BIGINT", "events of this kind that began on this day"),
        Column("crossed", "BIGINT", "events of this kind that began on this day"),
        Column("clock_skews", "BIGINT", "events of this kind that began on this day"),
        Column("reconnects", "BIGINT", "events of this kind that began on this day"),
        Column("quarantined_frames", "BIGINT", "frames kept aside"),
        Column("gaps_per_million_frames", "DOUBLE", "NULL: no frames are counted yet"),
        Column("streamed_seconds", "DOUBLE", "connected time, summed over shards"),
        Column(
            "streamed_share",
            "DOUBLE",
            "share of the day, as far as it has passed, with at least one connection",
        ),
        Column(
            "vouched_share",
            "DOUBLE",
            "share of the market-seconds between first connect and last end without gap, silence, overflow or lost connection",
        ),
        *_STATE,
    ),
    key=("day", "venue"),
)

REPORT_MATCHING: Final = Table(
    "report_matching",
    "what was proposed, judged and decided on one day",
    (
        _DAY,
        Column(
            "scope",
            "VARCHAR",
            "day: all of it; check: one stage on one stratum of a labelled file, or one pair that was probably missed",
        ),
        Column("candidates", "BIGINT", "pairs proposed up to that day and still on or after it"),
        Column("broken_by_rules", "BIGINT", "of them with a broken hard rule"),
        Column("asked", "BIGINT", "pairs put to the judge"),
        Column("cached", "BIGINT", "pairs that a valid verdict answered"),
        Column("accepted", "BIGINT", "verdicts of this status"),
        Column("review", "BIGINT", "verdicts of this status"),
        Column("rejected", "BIGINT", "verdicts of this status"),
        Column("failed", "BIGINT", "verdicts of this status"),
        Column("accepted_share", "DOUBLE", "accepted / (accepted + review + rejected)"),
        Column("human_accepted", "BIGINT", "reviews that accepted"),
        Column("human_rejected", "BIGINT", "reviews that rejected"),
        Column("broken_rules", "VARCHAR", "JSON: rule -> how many candidates broke it"),
        Column("settled_alike", "BIGINT", "accepted pairs of which both markets settled alike", since=2),
        Column("settled_unlike", "BIGINT", "accepted pairs of which they did not: an alarm", since=2),
        Column("file", "VARCHAR", "scope check: the labelled file", since=2),
        Column(
            "stage",
            "VARCHAR",
            "scope check: candidates, rules or verdicts; missed: a pair of settled markets that look alike",
            since=2,
        ),
        Column("stratum", "VARCHAR", "scope check: kind of pair; `all` sums them up", since=2),
        Column("identical_passed", "BIGINT", "scope check: identical pairs let through", since=2),
        Column("identical_refused", "BIGINT", "scope check: identical pairs lost", since=2),
        Column("other_passed", "BIGINT", "scope check: other pairs let through", since=2),
        Column("other_refused", "BIGINT", "scope check: other pairs refused", since=2),
        Column("recall", "DOUBLE", "identical_passed / identical pairs; NULL: there are none", since=2),
        Column("recall_low", "DOUBLE", "lower end of Wilson's 95 % interval", since=2),
        Column("recall_high", "DOUBLE", "upper end of it", since=2),
        Column("let_through", "DOUBLE", "other_passed / other pairs; NULL: there are none", since=2),
        Column("let_through_low", "DOUBLE", "lower end of Wilson's 95 % interval", since=2),
        Column("let_through_high", "DOUBLE", "upper end of it", since=2),
        Column("polymarket_id", "VARCHAR", "scope check: condition id", since=2),
        Column("kalshi_id", "VARCHAR", "scope check: ticker", since=2),
        Column("score", "DOUBLE", "scope check: similarity of the texts", since=2),
        *_STATE,
    ),
    key=("day", "scope", "file", "stage", "stratum", "polymarket_id", "kalshi_id"),
)

REPORT_OPPORTUNITIES: Final = Table(
    "report_opportunities",
    "edges seen on one day, by what became of them",
    (
        _DAY,
        Column("scope", "VARCHAR", "reason: edges of one direction and reason; day: all of them"),
        Column("direction", "VARCHAR", "which side is bought where; NULL in scope day"),
        Column("reason", "VARCHAR", "`taken`, or why not; NULL in scope day"),
        Column("edges", "BIGINT", "rows of opportunities"),
        Column("pairs", "BIGINT", "different pairs"),
        Column("net_edge_p50", "DOUBLE", "median dollars per contract after fees"),
        Column("net_edge_max", "DECIMAL(38,12)", "the best; in scope day the best that could be taken"),
        Column("size", "DECIMAL(38,12)", "contracts at the best moment of each pair and direction, summed"),
        Column(
            "net_usd",
            "DECIMAL(38,12)",
            "dollars after fees at the best moment of each pair and direction, summed",
        ),
        Column("annualised_max", "DOUBLE", "best yearly return"),
        *_STATE,
    ),
    key=("day", "scope", "direction", "reason"),
)

REPORT_TABLES: Final = (
    REPORT_LLM_COST,
    REPORT_LATENCY,
    REPORT_CONTINUITY,
    REPORT_MATCHING,
    REPORT_OPPORTUNITIES,
)
