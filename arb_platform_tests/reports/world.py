"""A small lake with one accepted pair, books of both venues, calls and runs, written through the storage layer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from arb_platform.domain.markets import Listing, Market
from arb_platform.domain.pairs import Candidate, Evidence, FieldMatches, MarketPair, Verdict
from arb_platform.domain.streams import StreamEvent, StreamSession
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.markets import save_listing
from arb_platform.storage.pairs import ValidationRun, save_candidates, save_validation_run, save_verdicts
from arb_platform.storage.streams import event_rows, session_rows

DAY = datetime(2026, 11, 20, tzinfo=UTC)
NOON = DAY + timedelta(hours=12)
NOW = DAY + timedelta(hours=18)

POLYMARKET = Market(
    "polymarket", "0xfed", "fed-cut-december", "Will the Fed cut in December?", "Resolves YES if the Fed cuts.",
    DAY + timedelta(days=20), "Federal Reserve", asset_ids=("1", "2"), fee_type="economics_fees",
    fee_rate=Decimal("0.05"), fee_exponent=Decimal(1), category="Economics",
)  # fmt: skip
KALSHI = Market(
    "kalshi", "KXFED-26DEC", "KXFED-26DEC", "Fed cut in December?", "If the Fed cuts, resolves to Yes.",
    DAY + timedelta(days=21), "Federal Reserve", fee_type="quadratic", fee_multiplier=Decimal(1),
)  # fmt: skip
PAIR = MarketPair(POLYMARKET, KALSHI)


def open_lake(root: Path) -> Lake:
    return Lake.open(LakeLocation.local(root))


def fill(lake: Lake) -> None:
    """Everything a whole day writes."""
    add_pair(lake)
    add_streams(lake)
    add_books(lake, steps())
    add_calls(lake)


def add_pair(lake: Lake) -> None:
    for market in (POLYMARKET, KALSHI):
        save_listing(lake, Listing(market.venue, (market,), 1, DAY, DAY, complete=True, reason="last page"))
    save_candidates(lake, [Candidate(PAIR, 0.97)], DAY + timedelta(hours=1))
    evidence = (Evidence("kalshi", "the Fed cuts"),)
    save_verdicts(lake, [
        Verdict(
            PAIR.pair_hash, 0.97, "identity", "same", FieldMatches(True, True, True), "the same", evidence, "llm",
            "deepseek-flash", "1", "1", "accepted", DAY + timedelta(hours=2), datetime(2099, 1, 1, tzinfo=UTC),
        )
    ])  # fmt: skip


def add_streams(lake: Lake) -> None:
    sessions = [
        StreamSession(f"s-{venue}", venue, 0, NOON - timedelta(minutes=1), NOON + timedelta(hours=2), "stopped", 50_000, 6)
        for venue in ("polymarket", "kalshi")
    ]  # fmt: skip
    gap = StreamEvent("e1", "kalshi", "gap", NOON + timedelta(minutes=30), NOON + timedelta(minutes=31), KALSHI.market_id, "s-kalshi")  # fmt: skip
    lake.append("stream_sessions", pl.DataFrame(session_rows(sessions)))
    lake.append("stream_events", pl.DataFrame(event_rows([gap])))


def steps() -> Iterator[dict]:
    """YES at 0.40 here, NO at 0.50 there: an edge at noon, closed a minute later, blind from 12:30 on."""
    yield book("polymarket", NOON, ("0.38", "100"), ("0.40", "100"), 1)
    yield book("kalshi", NOON + timedelta(seconds=1), ("0.50", "80"), ("0.52", "80"), 1)
    yield book("kalshi", NOON + timedelta(seconds=61), ("0.38", "80"), ("0.41", "80"), 2)
    yield book("kalshi", NOON + timedelta(minutes=29, seconds=30), ("0.50", "80"), ("0.52", "80"), 3)
    yield book("polymarket", NOON + timedelta(minutes=30, seconds=5), ("0.38", "90"), ("0.40", "90"), 2)


def book(venue: str, at: datetime, bid: tuple[str, str], ask: tuple[str, str], sequence: int) -> dict:
    return {
        "day": at.date(), "venue": venue, "market_id": (POLYMARKET if venue == "polymarket" else KALSHI).market_id,
        "exchange_time": at - timedelta(milliseconds=30), "received_at": at,
        "handed_at": at + timedelta(milliseconds=2), "landed_at": at + timedelta(milliseconds=102),
        "sequence": sequence, "session_id": f"s-{venue}", "epoch": 1,
        "bid1_px": Decimal(bid[0]), "bid1_sz": Decimal(bid[1]), "ask1_px": Decimal(ask[0]), "ask1_sz": Decimal(ask[1]),
        "crossed": False, "segment_id": f"segment-{venue}",
    }  # fmt: skip


def add_books(lake: Lake, books: Iterator[dict]) -> None:
    rows = list(books)
    for name in ("bid1_px", "ask1_px"):
        assert all(name in row for row in rows)
    lake.append("book_snapshots", pl.DataFrame(rows))
    promoted = [
        {"day": DAY.date(), "segment_id": f"segment-{venue}", "venue": venue, "table_name": "book_snapshots",
         "row_count": 3, "landed_at": NOON, "promoted_at": NOON + timedelta(hours=1)}
        for venue in ("polymarket", "kalshi")
    ]  # fmt: skip
    lake.append("ingest_segments", pl.DataFrame(promoted))


def add_calls(lake: Lake) -> None:
    rows = [
        {"call_id": f"c{n}", "run_id": "r1", "pair_hash": PAIR.pair_hash, "provider": "deepseek", "model": "deepseek-flash",
         "attempt": n + 1, "started_at": DAY + timedelta(hours=2, seconds=n), "latency_ms": 300.0, "status": status,
         "prompt_tokens": tokens, "cached_tokens": 0, "completion_tokens": tokens, "cost_usd": cost, "fallback": False}
        for n, (status, tokens, cost) in enumerate([("timeout", None, None), ("ok", 1000, Decimal("0.000271"))])
    ]  # fmt: skip
    lake.append("llm_calls", pl.DataFrame(rows))
    save_validation_run(lake, ValidationRun("r1", DAY + timedelta(hours=2), DAY + timedelta(hours=3), "llm", "deepseek-flash", 5, 1, 4, 1, 0, 0, 0))  # fmt: skip
