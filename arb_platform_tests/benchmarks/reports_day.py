"""A day of accepted pairs and their books, straight into a lake, as REPORTS reads it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import numpy as np
import polars as pl

from arb_platform.domain.markets import KALSHI, POLYMARKET, Listing, Market
from arb_platform.domain.pairs import Candidate, FieldMatches, MarketPair, Verdict
from arb_platform.domain.streams import StreamEvent, StreamSession
from arb_platform.storage.lake import Lake
from arb_platform.storage.markets import save_listing
from arb_platform.storage.pairs import save_candidates, save_verdicts
from arb_platform.storage.streams import event_rows, session_rows

VENUES: Final = (POLYMARKET, KALSHI)
_DAY_SECONDS: Final = 86_400
_COMMIT: Final = 250_000
_GAPS: Final = 200


def fill(lake: Lake, start: datetime, *, pairs: int, snapshots: int, seed: int) -> None:
    """``pairs`` accepted pairs and ``snapshots`` of their books spread over the day from ``start``."""
    _accept(lake, start, pairs)
    drawn = np.random.default_rng(seed)
    end = start + timedelta(days=1)
    sessions = [StreamSession(f"s-{venue}", venue, 0, start, end, "stopped", snapshots, snapshots // 2) for venue in VENUES]  # fmt: skip
    lake.append("stream_sessions", pl.DataFrame(session_rows(sessions)))
    lake.append("stream_events", pl.DataFrame(event_rows(list(_gaps(start, pairs, drawn)))))
    # Where the middle of each pair's market is, in cents: the same for both venues, which differ by a cent of noise.
    middles = drawn.integers(20, 80, pairs)
    for venue in VENUES:
        for number, frame in enumerate(_books(venue, start, middles, snapshots // 2, drawn)):
            segment = f"{venue}-{number}"
            lake.append("book_snapshots", frame.with_columns(pl.lit(segment).alias("segment_id")))
            landed = {
                "day": [start.date()], "segment_id": [segment], "venue": [venue], "table_name": ["book_snapshots"],
                "row_count": [frame.height], "landed_at": [end], "promoted_at": [end],
            }  # fmt: skip
            lake.append("ingest_segments", pl.DataFrame(landed))


def _accept(lake: Lake, start: datetime, pairs: int) -> None:
    close = start + timedelta(days=30)
    poly = [
        Market(POLYMARKET, f"0x{n:064x}", f"m-{n}", f"Will it happen ({n})?", "If it happens, Yes.", close, "", fee_rate=Decimal("0.04"), fee_exponent=Decimal(1))
        for n in range(pairs)
    ]  # fmt: skip
    kalshi = [
        Market(KALSHI, f"KXIT-{n}", f"KXIT-{n}", f"It happens ({n})?", "If it happens, Yes.", close, "", fee_type="quadratic", fee_multiplier=Decimal(1))
        for n in range(pairs)
    ]  # fmt: skip
    for markets in (poly, kalshi):
        save_listing(lake, Listing(markets[0].venue, tuple(markets), 1, start, start, complete=True, reason="last page"))  # fmt: skip
    both = [MarketPair(one, other) for one, other in zip(poly, kalshi, strict=True)]
    save_candidates(lake, [Candidate(pair, 0.97) for pair in both], start)
    same = FieldMatches(time_window=True, outcome_definition=True, resolution_source=True)
    save_verdicts(lake, [
        Verdict(pair.pair_hash, 0.97, "identity", "same" if n % 10 else "inverted", same, "", (), "llm", "m", "1", "1", "accepted", start, start + timedelta(days=60))
        for n, pair in enumerate(both)
    ])  # fmt: skip


def _gaps(start: datetime, pairs: int, drawn: np.random.Generator) -> Iterator[StreamEvent]:
    for number, (market, second) in enumerate(zip(drawn.integers(0, pairs, _GAPS), drawn.integers(0, _DAY_SECONDS - 60, _GAPS), strict=True)):  # fmt: skip
        began = start + timedelta(seconds=int(second))
        yield StreamEvent(f"e-{number}", KALSHI, "gap", began, began + timedelta(seconds=30), f"KXIT-{market}", "s-kalshi")  # fmt: skip


def _books(
    venue: str, start: datetime, middles: np.ndarray, rows: int, drawn: np.random.Generator
) -> Iterator[pl.DataFrame]:
    """Commits in the order of arrival, which mixes all markets."""
    names = np.array([f"0x{n:064x}" if venue == POLYMARKET else f"KXIT-{n}" for n in range(len(middles))])
    for begin in range(0, rows, _COMMIT):
        count = min(_COMMIT, rows - begin)
        markets = drawn.integers(0, len(middles), count)
        micros = (np.arange(begin, begin + count) * (_DAY_SECONDS * 1_000_000 // rows)).astype(
            "timedelta64[us]"
        )
        times = pl.Series(np.datetime64(start.replace(tzinfo=None), "us") + micros).dt.replace_time_zone(
            "UTC"
        )
        # both venues drift alike, by the hour of the day
        drift = np.round(8 * np.sin(micros.astype("int64") / 3.6e9 + markets)).astype(np.int64)
        bids = middles[markets] + drift + drawn.integers(-1, 2, count)
        yield pl.DataFrame({
            "day": pl.Series([start.date()]).extend_constant(start.date(), count - 1), "venue": pl.repeat(venue, count, eager=True),
            "market_id": names[markets], "exchange_time": times - timedelta(milliseconds=30), "received_at": times,
            "handed_at": times + timedelta(milliseconds=2), "landed_at": times + timedelta(milliseconds=500),
            "sequence": np.arange(begin + 2, begin + count + 2), "session_id": pl.repeat(f"s-{venue}", count, eager=True),
            "epoch": pl.repeat(1, count, dtype=pl.Int32, eager=True), "crossed": pl.repeat(False, count, eager=True),
            **_levels("bid", bids, -1, drawn), **_levels("ask", bids + 1, 1, drawn),
        })  # fmt: skip


def _levels(side: str, best: np.ndarray, step: int, drawn: np.random.Generator) -> dict[str, pl.Series]:
    found = {}
    for n in range(1, 4):
        cents = pl.Series(best + step * (n - 1), dtype=pl.Int64)
        found[f"{side}{n}_px"] = cents.cast(pl.Decimal(38, 2)) / Decimal(100)
        found[f"{side}{n}_sz"] = pl.Series(drawn.integers(1, 500, len(best))).cast(pl.Decimal(18, 6))
    return {name: one.cast(pl.Decimal(9, 6) if name.endswith("px") else pl.Decimal(18, 6)) for name, one in found.items()}  # fmt: skip
