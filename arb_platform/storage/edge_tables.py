"""The tables about edges: what trading costs by date, the edges themselves, and which venue moves first."""

from typing import Final

from arb_platform.storage.columns import Column, Table

FEE_VERSIONS: Final = Table(
    "fee_versions",
    "what a venue said that one market charges, from valid_from until its next row",
    (
        Column("venue", "VARCHAR", "polymarket or kalshi", since=3),
        Column("market_id", "VARCHAR", "condition id or ticker", since=3),
        Column(
            "series_id", "VARCHAR", "the series whose schedule it is; Kalshi sets fees by series", since=3
        ),
        Column(
            "category",
            "VARCHAR",
            "the venue's category, for the table that answers where a market has no schedule",
            since=3,
        ),
        Column("fee_type", "VARCHAR", "the venue's fee formula", since=3),
        Column("fee_rate", "DECIMAL(18,12)", "Polymarket's rate; NULL is unknown, never zero", since=3),
        Column("fee_exponent", "DECIMAL(18,12)", "as fee_rate", since=3),
        Column(
            "fee_multiplier", "DECIMAL(18,12)", "Kalshi's multiplier; NULL is unknown, never one", since=3
        ),
        Column(
            "valid_from",
            "TIMESTAMPTZ",
            "end of the listing that first showed it; the first row of a market also holds for the time before",
            since=3,
        ),
    ),
    key=("venue", "market_id", "valid_from"),
    partitioned_by=("venue",),
    sorted_by=("market_id",),
    since=3,
)

OPPORTUNITIES: Final = Table(
    "opportunities",
    "one checked edge between the two books of a matched pair, taken or refused",
    (
        Column("pair_hash", "VARCHAR", "the pair, see matched_pairs"),
        Column("at", "TIMESTAMPTZ", "the moment that was checked; a reserved word, quote it"),
        Column(
            "until",
            "TIMESTAMPTZ",
            "when this edge changed, closed or could no longer be vouched for; NULL: it stood at the end of what was checked",
        ),
        Column("direction", "VARCHAR", "which side is bought where, as polymarket_yes+kalshi_no"),
        Column("polymarket_id", "VARCHAR", "condition id"),
        Column("kalshi_id", "VARCHAR", "ticker"),
        Column("size", "DECIMAL(18,6)", "contracts the visible levels hold while the next one pays its fees"),
        Column("polymarket_px", "DECIMAL(9,6)", "best price of the leg on Polymarket"),
        Column("kalshi_px", "DECIMAL(9,6)", "best price of the leg on Kalshi"),
        Column("gross_edge", "DECIMAL(18,12)", "dollars per contract before fees"),
        Column("fees", "DECIMAL(18,12)", "dollars per contract; NULL: unknown"),
        Column("net_edge", "DECIMAL(18,12)", "gross_edge minus fees; NULL: fees are unknown"),
        Column("gross_total", "DECIMAL(38,12)", "dollars for the whole size before fees, exact"),
        Column(
            "fees_total",
            "DECIMAL(38,12)",
            "fees of both legs in dollars, rounded as the venues round; NULL: unknown",
        ),
        Column("net_total", "DECIMAL(38,12)", "gross_total minus fees_total"),
        Column(
            "fee_basis",
            "VARCHAR",
            "where the fees of polymarket/kalshi come from: market, category_table or none",
        ),
        Column("days_locked", "DOUBLE", "days until the later market closes; NULL: one has no close time"),
        Column("annualised", "DOUBLE", "yearly return until both markets close"),
        Column("book_age_ms", "DOUBLE", "age of the older of the two books"),
        Column("skew_ms", "DOUBLE", "time between the two books"),
        Column(
            "reason",
            "VARCHAR",
            "NULL: could be taken; else stale, skewed, gap, crossed, unknown_fee, too_small, below_threshold or resolution_risk",
        ),
        Column(
            "why",
            "VARCHAR",
            "what the reason is about, in words; NULL where there is nothing to add",
            since=3,
        ),
    ),
    sorted_by=("pair_hash", "at"),
    expires_by="at",
)

REPORT_LEAD_LAG: Final = Table(
    "report_lead_lag",
    "which venue of one pair moved first on one day, or how many pairs have a leader",
    (
        Column("day", "DATE", "UTC day", since=3),
        Column("scope", "VARCHAR", "pair: one pair; day: all of them", since=3),
        Column("pair_hash", "VARCHAR", "the pair; NULL in scope day", since=3),
        Column("polymarket_id", "VARCHAR", "condition id", since=3),
        Column("kalshi_id", "VARCHAR", "ticker", since=3),
        Column(
            "leader",
            "VARCHAR",
            "the venue that moved first in at least three of four windows that follow each other; NULL: none did",
            since=3,
        ),
        Column(
            "lag_seconds",
            "DOUBLE",
            "median seconds by which it was ahead, in the windows that name it",
            since=3,
        ),
        Column(
            "correlation", "DOUBLE", "median correlation at that lag, in the windows that name it", since=3
        ),
        Column(
            "windows",
            "BIGINT",
            "windows of half an hour in which both mids moved often enough to tell",
            since=3,
        ),
        Column("windows_polymarket", "BIGINT", "of them with Polymarket ahead", since=3),
        Column("windows_kalshi", "BIGINT", "of them with Kalshi ahead", since=3),
        Column("pairs", "BIGINT", "scope day: pairs with bars of both venues", since=3),
        Column("led_by_polymarket", "BIGINT", "scope day: pairs of which Polymarket is the leader", since=3),
        Column("led_by_kalshi", "BIGINT", "scope day: pairs of which Kalshi is the leader", since=3),
        Column(
            "state",
            "VARCHAR",
            "ok; empty: nothing ran, so nothing is there; failed: something ran and nothing came of it",
            since=3,
        ),
        Column("note", "VARCHAR", "what a reader must know about this row, in words", since=3),
        Column("computed_at", "TIMESTAMPTZ", "when the report was run", since=3),
    ),
    key=("day", "scope", "pair_hash"),
    since=3,
)

EDGE_TABLES: Final = (FEE_VERSIONS, OPPORTUNITIES, REPORT_LEAD_LAG)
