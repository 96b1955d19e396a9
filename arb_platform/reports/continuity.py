"""How whole the record is, by venue: what came, what is missing, and for how much time we vouch.

The unit of vouching is the market-second: one market followed for one second. A gap of one market
among a thousand costs a thousandth of what a broken connection costs.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import polars as pl

from arb_platform.domain.streams import EVENT_KINDS
from arb_platform.reports import charts
from arb_platform.reports.drawing import alt
from arb_platform.reports.intervals import Interval, clipped, seconds
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

# While one of these lasts, the books it is about are not vouched for.
BLIND_KINDS: Final = ("gap", "silence", "resync", "overflow", "reconnect")
# contract word -> column
_KIND_COLUMNS: Final = {
    "gap": "gaps", "silence": "silences", "resync": "resyncs", "quarantine": "quarantines", "overflow": "overflows",
    "crossed": "crossed", "clock_skew": "clock_skews", "reconnect": "reconnects",
}  # fmt: skip

COLUMNS: Final[dict[str, pl.DataType]] = {
    "day": pl.Date(), "scope": pl.String(), "venue": pl.String(), "sessions": pl.Int64(), "markets": pl.Int64(),
    "frames": pl.Int64(), "snapshots": pl.Int64(), **{column: pl.Int64() for column in _KIND_COLUMNS.values()},
    "quarantined_frames": pl.Int64(), "gaps_per_million_frames": pl.Float64(), "streamed_seconds": pl.Float64(),
    "streamed_share": pl.Float64(), "vouched_share": pl.Float64(), "state": pl.String(), "note": pl.String(),
}  # fmt: skip

SOURCES: Final = {
    "sessions": """
        SELECT s.session_id, s.venue, s.shard, s.connected_at, s.ended_at, s.frames, p.session_id AS continues
        FROM lake.stream_sessions s
        LEFT JOIN lake.stream_sessions p ON p.session_id = s.reconnect_of AND p.reason LIKE 'handed over %'
        WHERE s.connected_at < $2 AND coalesce(s.ended_at, $2) >= $1""",
    "events": """
        SELECT venue, market_id, session_id, kind, started_at, ended_at FROM lake.stream_events
        WHERE started_at < $2 AND coalesce(ended_at, $2) >= $1""",
    "quarantined": """
        SELECT venue, count(*) AS frames FROM lake.quarantined_frames
        WHERE received_at >= $1 AND received_at < $2 GROUP BY venue""",
    "landed": """
        SELECT venue, session_id, count(*) AS snapshots, count(DISTINCT market_id) AS markets,
               max(received_at) AS last_received
        FROM lake.book_snapshots
        WHERE day = CAST($1 AT TIME ZONE 'UTC' AS DATE) AND received_at >= $1 AND received_at < $2
        GROUP BY venue, session_id""",
    "markets": """
        SELECT venue, count(DISTINCT market_id) AS markets FROM lake.book_snapshots
        WHERE day = CAST($1 AT TIME ZONE 'UTC' AS DATE) AND received_at >= $1 AND received_at < $2 GROUP BY venue""",
}


def build(period: Period, sources: Sources) -> pl.DataFrame:
    """One row per venue of one day. Frames count on the day on which their connection began."""
    venues = sorted(
        {venue for name in ("sessions", "landed", "events") for venue in sources[name]["venue"].unique()}
    )
    if not venues:
        return shaped([{**_BLANK, "day": period.day}], COLUMNS)
    return shaped([_row(period, sources, venue) for venue in venues], COLUMNS)


def _row(period: Period, sources: Sources, venue: str) -> dict[str, Any]:
    sessions, events, landed = (
        sources[name].filter(pl.col("venue") == venue).to_dicts() for name in ("sessions", "events", "landed")
    )
    started = [row for row in sessions if row["connected_at"] >= period.start]
    began = [row for row in events if row["started_at"] >= period.start]
    frames, snapshots = sum(row["frames"] or 0 for row in started), sum(row["snapshots"] for row in landed)
    spans = _spans(period, sessions, landed)
    streamed = seconds(span for shard in spans.values() for _, span in shard)
    counts = {column: sum(row["kind"] == kind for row in began) for kind, column in _KIND_COLUMNS.items()}
    state = OK if snapshots else FAILED
    note = (
        ""
        if snapshots
        else f"{venue} was connected and no snapshot landed; look at stream_events and quarantined_frames"
    )
    return {
        "day": period.day, "scope": DAY_SCOPE, "venue": venue, "sessions": len(started),
        "markets": _one(sources["markets"], venue, "markets"), "frames": frames, "snapshots": snapshots, **counts,
        "quarantined_frames": _one(sources["quarantined"], venue, "frames"),
        "gaps_per_million_frames": counts["gaps"] / frames * 1_000_000 if frames else None,
        "streamed_seconds": streamed, "streamed_share": streamed / period.seconds if period.seconds else None,
        "vouched_share": vouched_share(period, spans, events, _followed(sessions, landed)), "state": state, "note": note,
    }  # fmt: skip


def _one(frame: pl.DataFrame, venue: str, column: str) -> int:
    return int(frame.filter(pl.col("venue") == venue)[column].sum() or 0)


def _spans(
    period: Period, sessions: Sequence[dict[str, Any]], landed: Sequence[dict[str, Any]]
) -> dict[int, list[tuple[str, Interval]]]:
    """Shard -> its connections within the period.

    A connection without an end may be alive or may have died with its process: it counts up to the
    last thing it landed, because nobody can vouch for more.
    """
    last = {row["session_id"]: row["last_received"] for row in landed}
    spans: dict[int, list[tuple[str, Interval]]] = defaultdict(list)
    for row in sorted(sessions, key=lambda row: row["connected_at"]):
        end = row["ended_at"] or last.get(row["session_id"], row["connected_at"])
        for span in clipped([(row["connected_at"], end)], period.start, period.end):
            spans[row["shard"]].append((row["session_id"], span))
    return dict(spans)


def _followed(sessions: Sequence[dict[str, Any]], landed: Sequence[dict[str, Any]]) -> dict[str, int]:
    """How many markets each connection followed, as far as rows tell.

    One that took over from another without a gap has no rows of what did not change since.
    """
    markets = {row["session_id"]: row["markets"] for row in landed}
    for row in sorted(sessions, key=lambda row: row["connected_at"]):
        before = markets.get(row["continues"], 0)
        markets[row["session_id"]] = max(markets.get(row["session_id"], 0), before)
    return markets


def vouched_share(
    period: Period,
    spans: dict[int, list[tuple[str, Interval]]],
    events: Sequence[dict[str, Any]],
    markets: Mapping[str, int],
) -> float | None:
    """Share of the market-seconds between a shard's first connect and last end that is vouched for.

    ``markets`` is how many each connection followed.

    Not vouched for: time between two connections of a shard, and the time of a gap, silence,
    overflow or reconnect, for all markets of the connection or for the one it names.
    """
    expected = vouched = 0.0
    for connections in spans.values():
        first, last = min(span[0] for _, span in connections), max(span[1] for _, span in connections)
        followed = max((markets.get(session, 0) for session, _ in connections), default=0)
        expected += followed * seconds([(first, last)])
        for session, span in connections:
            blind = [row for row in events if row["session_id"] == session and row["kind"] in BLIND_KINDS]
            vouched += _vouched(span, blind, markets.get(session, 0), period.end)
    return max(0.0, min(1.0, vouched / expected)) if expected else None


def _vouched(span: Interval, blind: Sequence[dict[str, Any]], markets: int, until: datetime) -> float:
    """Market-seconds of one connection with ``markets`` markets, less what ``blind`` takes away."""
    by_market: dict[str | None, list[Interval]] = defaultdict(list)
    for row in blind:
        by_market[row["market_id"]].append((row["started_at"], row["ended_at"] or until))
    everyone = clipped(by_market.pop(None, []), *span)
    lost_by_all = seconds(everyone)
    lost = markets * lost_by_all
    for intervals in by_market.values():
        lost += seconds([*clipped(intervals, *span), *everyone]) - lost_by_all
    return max(0.0, markets * seconds([span]) - lost)


_BLANK: Final[dict[str, Any]] = {
    "scope": DAY_SCOPE, "sessions": 0, "frames": 0, "snapshots": 0, "state": EMPTY, "note": "no stream ran on this day",
}  # fmt: skip

assert set(_KIND_COLUMNS) == set(EVENT_KINDS)


def headline(frame: pl.DataFrame) -> str:
    """Vouched share and gap rate of each venue on the newest day with a stream."""
    rows = frame.filter(pl.col("venue").is_not_null())
    if rows.is_empty():
        return "No stream ran in this period."
    newest = rows.filter(pl.col("day") == pl.col("day").max()).sort("venue")
    said = []
    for row in newest.iter_rows(named=True):
        share = "unknown" if row["vouched_share"] is None else f"{row['vouched_share']:.2%}"
        rate = row["gaps_per_million_frames"]
        gaps = "" if rate is None else f", {rate:.1f} gaps per million frames"
        said.append(f"{row['venue']} {share} of market time vouched for{gaps}")
    return f"On {newest['day'][0]}: {'; '.join(said)}."


def chart(frame: pl.DataFrame, theme: Theme, width: int) -> "alt.TopLevelMixin":
    """Events a day that cost us trust, by kind."""
    kinds = ["gaps", "silences", "overflows", "reconnects", "crossed", "quarantines"]
    counted = (
        frame.filter(pl.col("venue").is_not_null())
        .select("day", *kinds)
        .unpivot(kinds, index="day", variable_name="kind", value_name="events")
        .group_by("day", "kind")
        .agg(pl.col("events").sum())
        .filter(pl.col("events") > 0)
        .sort("day", "kind")
    )
    if counted.is_empty() and frame["snapshots"].sum():
        return charts.nothing("no gap, silence, overflow, reconnect or quarantined frame", theme, width)
    return charts.bars(
        counted, theme, width, y="events", series="kind", y_title="events a day", days=frame["day"]
    )


REPORT: Final = Report(
    name="continuity",
    table="report_continuity",
    title="Continuity",
    description="What the streams brought, what is missing, and the share of market time we vouch for, by venue.",
    sources=SOURCES,
    first_day="SELECT CAST(min(connected_at) AT TIME ZONE 'UTC' AS DATE) AS first FROM lake.stream_sessions",
    columns=COLUMNS,
    build=build,
    chart=chart,
    headline=headline,
    shown=(
        "day",
        "venue",
        "sessions",
        "markets",
        "frames",
        "snapshots",
        "gaps",
        "silences",
        "reconnects",
        "quarantined_frames",
        "crossed",
        "gaps_per_million_frames",
        "vouched_share",
        "note",
    ),
    order=("day", "venue"),
    trends=lambda frame: [
        ("snapshots a day", day_trend(frame, "snapshots")),
        ("gaps a day", day_trend(frame, "gaps")),
    ],
)
