"""Everything the page shows, as one plain document: from the lake and the streams' heartbeats only."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

from arb_platform.domain.errors import StorageError
from arb_platform.ingest.heartbeat import alive, read_heartbeat
from arb_platform.live.books import PairBooks
from arb_platform.reports.edges import Thresholds
from arb_platform.storage.lake import Lake, LakeLocation

MOST_PAIRS: Final = 100
MOST_EDGES: Final = 50
MOST_GAPS: Final = 20
_SILENT_SECONDS: Final = 15.0

Document = dict[str, Any]

_SPEND: Final = """
    SELECT count(*) AS calls, count(*) FILTER (status NOT IN ('ok', 'started')) AS failed,
           count(*) FILTER (cost_usd IS NULL AND status <> 'started') AS unknown_cost, coalesce(sum(cost_usd), 0) AS usd
    FROM lake.llm_calls WHERE started_at >= $1 AND started_at < $2"""
_EVENTS: Final = """
    SELECT venue, kind, count(*) AS events, count(*) FILTER (ended_at IS NULL) AS lasting
    FROM lake.stream_events WHERE started_at >= $1 AND started_at < $2 GROUP BY ALL ORDER BY venue, kind"""
# An event whose connection has ended is over, whatever it says itself.
_LASTING: Final = """
    SELECT e.venue, e.kind, e.market_id, e.started_at, e.detail FROM lake.stream_events e
    LEFT JOIN lake.stream_sessions s ON s.session_id = e.session_id
    WHERE e.started_at >= $1 AND e.started_at < $2 AND e.ended_at IS NULL AND s.ended_at IS NULL
      AND e.kind IN ('gap', 'silence', 'resync', 'overflow', 'reconnect')
    ORDER BY e.started_at DESC LIMIT $3"""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the page says besides: when an edge is refused, and the day's budget."""

    thresholds: Thresholds
    budget_usd: Decimal
    profile: str


class Desk:
    """Looks at lake and heartbeats; not for two threads at once."""

    def __init__(
        self, root: Path, location: LakeLocation, limits: Limits, *, clock: Callable[[], datetime]
    ) -> None:
        self._root = root
        self._location = location
        self._limits = limits
        self._clock = clock
        self._lake: Lake | None = None
        self._books: PairBooks | None = None
        self._kept: Document = {
            "pairs": [], "pairs_in_all": 0, "edges": [], "edges_in_all": 0, "events": [], "lasting": [], "spend": None, "read_at": None,
        }  # fmt: skip

    def look(self) -> Document:
        """The document as of now. What the lake last said stays, with the sentence why it is not newer."""
        now = self._clock()
        trouble = ""
        try:
            self._kept = self._from_lake(now) | {"read_at": _iso(now)}
        except StorageError as error:
            trouble = str(error)
            self.close()
        streams = _streams(self._root, now)
        return {
            "at": _iso(now), "profile": self._limits.profile, "budget_usd": str(self._limits.budget_usd),
            "streams": streams, **self._kept, "trouble": trouble,
        }  # fmt: skip

    def close(self) -> None:
        if self._lake is not None:
            self._lake.close()
        self._lake = self._books = None

    def _from_lake(self, now: datetime) -> Document:
        if self._lake is None or self._books is None:
            self._lake = Lake.open(self._location, read_only=True)
            self._books = PairBooks(self._lake, self._limits.thresholds)
        self._books.look(now)
        today = [datetime.combine(now.astimezone(UTC).date(), time(), UTC), now]
        edges = self._books.edges(now)
        pairs = _pairs(self._books, edges, now)
        titles = {pair["pair_hash"]: pair["title"] for pair in pairs}
        spend = self._lake.query(_SPEND, today).row(0, named=True)
        return {
            "pairs": pairs[:MOST_PAIRS], "pairs_in_all": len(pairs),
            "edges": [_edge(row, titles) for row in _ranked(edges).head(MOST_EDGES).iter_rows(named=True)],
            "edges_in_all": edges.height,
            "events": [_plain(row) for row in self._lake.query(_EVENTS, today).iter_rows(named=True)],
            "lasting": [_plain(row) for row in self._lake.query(_LASTING, [*today, MOST_GAPS]).iter_rows(named=True)],
            "spend": _plain(spend),
        }  # fmt: skip


def _streams(root: Path, now: datetime) -> list[Document]:
    """One entry for each shard that ever said anything, with what it last said."""
    found = []
    for path in sorted((root / "streams").glob("*-*.json")):
        venue, _, shard = path.stem.rpartition("-")
        beat = read_heartbeat(root, venue, int(shard)) if shard.isdecimal() else None
        if beat is None:
            continue
        lives = alive(root, venue, beat.shard)
        silent = (now - beat.at).total_seconds()
        state = "ended" if not lives else "hangs" if silent > _SILENT_SECONDS else "live" if beat.connected else "connecting"  # fmt: skip
        wanted = (
            "venue", "shard", "at", "assets", "assets_with_book", "frames_per_second", "snapshots", "gaps",
            "reconnections", "quarantined", "lag_p50_ms", "lag_p99_ms", "promoted_rows", "trouble",
        )  # fmt: skip
        found.append({"state": state} | _plain({name: getattr(beat, name) for name in wanted}))
    return found


def _pairs(books: PairBooks, edges: pl.DataFrame, now: datetime) -> list[Document]:
    """Both books of every pair side by side, in Polymarket's words; pairs with an edge first, then by name."""
    legs = {(row["venue"], row["market_id"]): row for row in books.books.iter_rows(named=True)}
    doubted = _doubted(books.doubts)
    live = set(edges["pair_hash"])
    shown = {}
    for pair in books.pairs:
        if pair["stops"] is not None and pair["stops"] <= now:
            continue
        inverted = pair["orientation"] == "inverted"
        poly, kalshi = (
            legs.get(("polymarket", pair["polymarket_id"])),
            legs.get(("kalshi", pair["kalshi_id"])),
        )
        shown[pair["pair_hash"]] = {
            "pair_hash": pair["pair_hash"], "title": pair["polymarket_title"], "kalshi_title": pair["kalshi_title"],
            "kalshi_id": pair["kalshi_id"], "inverted": inverted,
            "polymarket": _book(poly, doubted, inverted=False), "kalshi": _book(kalshi, doubted, inverted=inverted),
        }  # fmt: skip
    return sorted(
        shown.values(), key=lambda one: (one["pair_hash"] not in live, one["title"], one["pair_hash"])
    )


def _doubted(doubts: pl.DataFrame) -> dict[tuple[str, str | None], datetime]:
    """The last doubt about a market of a session, or (market None) about all of it."""
    rows = doubts.sort("started_at").iter_rows(named=True) if doubts.height else ()
    return {(row["session_id"], row["market_id"]): row["started_at"] for row in rows}


def _book(
    row: dict[str, Any] | None, doubted: dict[tuple[str, str | None], datetime], *, inverted: bool
) -> Document:
    """The best quotes of one book and whether it can be trusted; without a book, only that there is none."""
    if row is None:
        return {"state": "none"}
    quotes = {name: row[f"{name}1_px"] for name in ("bid", "ask")}
    sizes = {name: row[f"{name}1_sz"] for name in ("bid", "ask")}
    if inverted:
        quotes = {"bid": _turned(quotes["ask"]), "ask": _turned(quotes["bid"])}
        sizes = {"bid": sizes["ask"], "ask": sizes["bid"]}
    keys = ((row["session_id"], row["market_id"]), (row["session_id"], None), ("", row["market_id"]))
    doubts = [doubted[key] for key in keys if key in doubted]
    lost = any(moment >= row["received_at"] for moment in doubts)
    state = "crossed" if row["crossed"] else "ended" if row["session_ended_at"] else "trusted" if row["trusted"] and not lost else "doubted"  # fmt: skip
    return {
        "state": state, "changed_at": _iso(row["received_at"]),
        **{name: _units(quotes[name]) for name in ("bid", "ask")},
        **{f"{name}_size": _units(sizes[name]) for name in ("bid", "ask")},
    }  # fmt: skip


def _turned(price: int | None) -> int | None:
    return None if price is None else 1_000_000 - price


def _units(millionths: int | None) -> float | None:
    """For people to look at, not to reckon with."""
    return None if millionths is None else millionths / 1_000_000


def _ranked(edges: pl.DataFrame) -> pl.DataFrame:
    """What could be taken first, then the largest."""
    return edges.sort(
        pl.col("reason").is_not_null(), pl.col("net_total"), descending=[False, True], nulls_last=True
    )


def _edge(row: dict[str, Any], titles: dict[str, str]) -> Document:
    wanted = (
        "pair_hash", "direction", "size", "polymarket_px", "kalshi_px", "gross_edge", "net_edge", "net_total",
        "annualised", "reason", "why",
    )  # fmt: skip
    return {"title": titles.get(row["pair_hash"], "")} | _plain({name: row[name] for name in wanted})


def _plain(row: dict[str, Any]) -> Document:
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return _iso(value) if isinstance(value, datetime) else value


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
