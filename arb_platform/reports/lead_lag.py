"""Which venue moves first, by accepted pair and day: a section of the opportunities.

Both books are put on one clock, ours (``received_at``), as mids of five-second bars.
"""

from statistics import median
from typing import Any, Final

import numpy as np
import polars as pl

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.reports import charts
from arb_platform.reports.accepted import ACCEPTED, FIRST_ACCEPTED
from arb_platform.reports.drawing import alt
from arb_platform.reports.leads import BAR_SECONDS, Lead, lead_of
from arb_platform.reports.report import (
    DAY_SCOPE,
    EMPTY,
    FAILED,
    OK,
    Period,
    Report,
    Sources,
    Theme,
    shaped,
)

PAIR_SCOPE: Final = "pair"

COLUMNS: Final[dict[str, pl.DataType]] = {
    "day": pl.Date(), "scope": pl.String(), "pair_hash": pl.String(), "polymarket_id": pl.String(),
    "kalshi_id": pl.String(), "leader": pl.String(), "lag_seconds": pl.Float64(), "correlation": pl.Float64(),
    "windows": pl.Int64(), "windows_polymarket": pl.Int64(), "windows_kalshi": pl.Int64(), "pairs": pl.Int64(),
    "led_by_polymarket": pl.Int64(), "led_by_kalshi": pl.Int64(), "state": pl.String(), "note": pl.String(),
}  # fmt: skip

_NUMBERED: Final = f"""
    SELECT *, row_number() OVER (ORDER BY pair_hash) - 1 AS pair FROM (
        SELECT pair_hash, polymarket_id, kalshi_id, any_value(orientation) AS orientation FROM ({ACCEPTED})
        GROUP BY ALL)"""

SOURCES: Final = {
    "pairs": f"SELECT * FROM ({_NUMBERED}) ORDER BY pair",
    # The last trusted mid of each bar in which a book changed. A side without a quote has no mid.
    "bars": f"""
        WITH pair AS ({_NUMBERED}), leg AS (
            SELECT pair, 'polymarket' AS venue, polymarket_id AS market_id FROM pair
            UNION ALL SELECT pair, 'kalshi', kalshi_id FROM pair
        )
        SELECT l.pair, s.venue = 'kalshi' AS kalshi, CAST(floor(epoch(s.received_at - $1) / {BAR_SECONDS}) AS INTEGER) AS bar,
               arg_max(CAST(s.bid1_px + s.ask1_px AS DOUBLE) / 2, (s.received_at, s.sequence)) AS mid
        FROM lake.books_trusted s JOIN leg l ON l.venue = s.venue AND l.market_id = s.market_id
        WHERE s.day = CAST($1 AT TIME ZONE 'UTC' AS DATE) AND s.received_at >= $1 AND s.received_at < $2
          AND s.bid1_px > 0 AND s.bid1_px < 1 AND s.ask1_px > 0 AND s.ask1_px < 1
        GROUP BY ALL""",
}


def build(period: Period, sources: Sources) -> pl.DataFrame:
    """Rows of one day: one for each pair with bars of both venues, and one (scope ``day``) for all.

    ``pairs``: pair (a number), pair_hash, polymarket_id, kalshi_id, orientation. ``bars``: pair,
    kalshi (or polymarket), bar (since the start of the day) and mid, in which a bar without a
    change is missing.
    """
    found = _leads(sources["pairs"], sources["bars"])
    rows = [_row(pair, lead) for pair, lead in found]
    day = _day([lead for _, lead in found], sources)
    return shaped([*rows, day], COLUMNS).with_columns(pl.lit(period.day).alias("day")).sort(
        "scope", "pair_hash", nulls_last=True
    )  # fmt: skip


def _leads(pairs: pl.DataFrame, bars: pl.DataFrame) -> list[tuple[dict[str, Any], Lead]]:
    named = {row["pair"]: row for row in pairs.iter_rows(named=True)}
    found = []
    for (number,), mine in bars.sort("pair", "bar").group_by("pair", maintain_order=True):
        legs = [mine.filter(pl.col("kalshi") == kalshi) for kalshi in (False, True)]
        if any(leg.is_empty() for leg in legs):
            continue
        pair = named[number]
        # Only where both are known; from there on a book that does not change stands as it was.
        first = max(int(leg["bar"][0]) for leg in legs)
        last = int(mine["bar"][-1])
        series = [_filled(leg["bar"].to_numpy(), leg["mid"].to_numpy(), first, last) for leg in legs]
        if pair["orientation"] == "inverted":
            series[1] = 1 - series[1]
        found.append((pair, lead_of(series[0], series[1])))
    return found


def _filled(bars: Any, mids: Any, first: int, last: int) -> Any:
    """The mid at the end of every bar from ``first`` to ``last``."""
    return mids[np.searchsorted(bars, np.arange(first, last + 1), side="right") - 1]


def _row(pair: dict[str, Any], lead: Lead) -> dict[str, Any]:
    leader = {1: POLYMARKET, -1: KALSHI, 0: None}[lead.leader]
    return {
        "scope": PAIR_SCOPE, **{name: pair[name] for name in ("pair_hash", "polymarket_id", "kalshi_id")},
        "leader": leader, "lag_seconds": None if lead.lag_bars is None else lead.lag_bars * BAR_SECONDS,
        "correlation": lead.correlation, "windows": lead.windows, "windows_polymarket": lead.first,
        "windows_kalshi": lead.second, "state": OK, "note": _note(lead),
    }  # fmt: skip


def _note(lead: Lead) -> str:
    if lead.leader:
        return ""
    if lead.windows == 0:
        return "in no half hour did both mids move often enough to tell"
    return f"no venue was ahead in three of four windows (of {lead.windows} that tell)"


def _day(leads: list[Lead], sources: Sources) -> dict[str, Any]:
    state, note = _state(leads, sources)
    return {
        "scope": DAY_SCOPE, "pairs": len(leads), "led_by_polymarket": sum(lead.leader > 0 for lead in leads),
        "led_by_kalshi": sum(lead.leader < 0 for lead in leads), "windows": sum(lead.windows for lead in leads),
        "windows_polymarket": sum(lead.first for lead in leads), "windows_kalshi": sum(lead.second for lead in leads),
        "state": state, "note": note,
    }  # fmt: skip


def _state(leads: list[Lead], sources: Sources) -> tuple[str, str]:
    pairs = sources["pairs"].height
    if leads:
        return OK, ""
    if not pairs:
        return EMPTY, "no pair is accepted, so there is nothing to compare"
    if sources["bars"].is_empty():
        return EMPTY, "no trusted book with two sides landed on this day for any accepted pair"
    seen = [KALSHI if kalshi else POLYMARKET for kalshi in sources["bars"]["kalshi"].unique()]
    if len(seen) == 1:
        return (
            FAILED,
            f"{pairs} pairs could not be compared: no trusted book came from the venue beside {seen[0]}",
        )
    return OK, f"none of {pairs} pairs has trusted books of both venues"


def headline(frame: pl.DataFrame) -> str:
    """Who leads, over all pairs and days of the period."""
    days = frame.filter(pl.col("scope") == DAY_SCOPE)
    pairs, poly, kalshi = (
        int(days[name].sum() or 0) for name in ("pairs", "led_by_polymarket", "led_by_kalshi")
    )
    if not pairs:
        return "No pair could be compared in this period."
    lags = frame.filter(pl.col("leader").is_not_null())["lag_seconds"].to_list()
    ahead = f", by {median(lags):.0f} s in the middle" if lags else ""
    return (
        f"Of {pairs} pair-days Polymarket moved first in {poly} and Kalshi in {kalshi}{ahead}; "
        f"in {pairs - poly - kalshi} neither did for long enough."
    )


def chart(frame: pl.DataFrame, theme: Theme, width: int) -> "alt.TopLevelMixin":
    """Pairs a day by who leads."""
    days = frame.filter((pl.col("scope") == DAY_SCOPE) & (pl.col("pairs") > 0)).with_columns(
        (pl.col("pairs") - pl.col("led_by_polymarket") - pl.col("led_by_kalshi")).alias("nobody"),
        pl.col("led_by_polymarket").alias(POLYMARKET), pl.col("led_by_kalshi").alias(KALSHI),
    )  # fmt: skip
    counted = days.unpivot([POLYMARKET, KALSHI, "nobody"], index="day", variable_name="who", value_name="number")  # fmt: skip
    shown = counted.filter(pl.col("number") > 0)
    return charts.bars(
        shown, theme, width, y="number", series="who", y_title="pairs a day", days=frame["day"]
    )


REPORT: Final = Report(
    name="lead_lag",
    table="report_lead_lag",
    title="Lead and lag",
    description="Which venue of an accepted pair moves first: five-second mids, cross-correlation by half hours, and only who leads in three of four.",
    sources=SOURCES,
    first_day=FIRST_ACCEPTED,
    columns=COLUMNS,
    build=build,
    chart=chart,
    headline=headline,
    shown=(
        "day", "pair_hash", "kalshi_id", "leader", "lag_seconds", "correlation", "windows", "windows_polymarket",
        "windows_kalshi", "pairs", "led_by_polymarket", "led_by_kalshi", "note",
    ),
    order=("day", "scope", "pair_hash"),
    finer=PAIR_SCOPE,
)  # fmt: skip
