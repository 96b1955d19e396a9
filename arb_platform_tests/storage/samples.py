"""Small rows of every kind, and a lake that holds some of each."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl

from arb_platform.domain.books import BookSnapshot, Level
from arb_platform.domain.calls import LLMCall
from arb_platform.domain.markets import Listing, Market
from arb_platform.domain.pairs import Candidate, Evidence, FieldMatches, MarketPair, Verdict
from arb_platform.domain.streams import StreamEvent, StreamSession
from arb_platform.storage.ledger import LakeLedger
from arb_platform.storage.markets import save_listing
from arb_platform.storage.pairs import save_candidates, save_review, save_verdicts
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.spool import Spool
from arb_platform.storage.streams import event_rows, session_rows, snapshot_rows

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def market(market_id="KX-1", venue="kalshi", **fields):
    known = {
        "symbol": market_id, "title": f"Will {market_id} happen?", "rules": f"Yes if {market_id} happens by 2026-12-31.",
        "close_time": datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "resolution_source": "BLS",
    }  # fmt: skip
    return Market(venue, market_id, **{**known, **fields})


def snapshot(sequence=1, *, of=None, at=NOON, bid=500_000, ask=510_000, session="s-1", epoch=1, **fields):
    return BookSnapshot(
        of or market(),
        () if bid is None else (Level(bid, 10_000_000), Level(bid - 10_000, 5_250_000)),
        () if ask is None else (Level(ask, 1),),
        at - timedelta(milliseconds=20),
        at,
        sequence,
        epoch,
        crossed=bid is not None and ask is not None and bid >= ask,
        session_id=session,
        **fields,
    )


def rows(count, *, start=0, session="s-1", at=NOON):
    """Snapshot rows whose (session_id, sequence) identify them."""
    return snapshot_rows(
        [
            (snapshot(start + n, at=at + timedelta(milliseconds=start + n), session=session), at)
            for n in range(count)
        ]
    )


def event(event_id="e-1", kind="gap", *, start=NOON, end=None, market_id="KX-1", session="s-1", epoch=1):
    return StreamEvent(event_id, "kalshi", kind, start, end, market_id, session, epoch, "frames are missing")


def listing(*markets, at=NOON, complete=True):
    return Listing(
        markets[0].venue if markets else "kalshi", tuple(markets), 2, at - timedelta(seconds=5), at, complete, "end",
        {"not binary": 3},
    )  # fmt: skip


def pair(number=1, **kalshi_fields):
    return MarketPair(market(f"0x{number}", "polymarket"), market(f"KX-{number}", **kalshi_fields))


def verdict(of, status="accepted", *, at=NOON, days=30, judge="llm", **fields):
    known = {
        "similarity": 0.97, "relation": "identity", "orientation": "same", "field_matches": FieldMatches(True, True, True),
        "explanation": "The same event.", "evidence": (Evidence("kalshi", "Yes if"),), "model": "deepseek-flash",
        "prompt_version": "p1", "rules_version": "r1",
    }  # fmt: skip
    return Verdict(
        pair_hash=of.pair_hash, status=status, judge=judge, decided_at=at, valid_until=at + timedelta(days=days),
        **{**known, **fields},
    )  # fmt: skip


def call(call_id="c-1", status="ok", *, at=NOON, cost="0.0000027", **fields):
    known = {
        "run_id": "r-1",
        "pair_hash": None,
        "provider": "deepseek",
        "model": "deepseek-flash",
        "attempt": 1,
    }
    return LLMCall(
        call_id=call_id, started_at=at, status=status, fallback=False, cost_usd=None if cost is None else Decimal(cost),
        **{**known, **fields},
    )  # fmt: skip


def fill(lake):
    """A little of everything: two matched pairs, a refused one, two venues' books, a gap, calls, a review."""
    soon = datetime.now(UTC)
    pairs = [pair(1), pair(2), pair(3)]
    save_listing(lake, listing(*(one.polymarket for one in pairs)))
    save_listing(lake, listing(*(one.kalshi for one in pairs)))
    save_candidates(
        lake,
        [
            Candidate(one, 0.9, {"cosine": 0.9}, ("release month",) if n == 2 else ())
            for n, one in enumerate(pairs)
        ],
        NOON,
    )
    save_verdicts(
        lake,
        [
            verdict(pairs[0], at=soon),
            verdict(pairs[1], "review", at=soon),
            verdict(pairs[2], "rejected", at=soon),
        ],
    )
    save_review(lake, pairs[1].pair_hash, "accept", "same release", "ann", soon)
    changed = market("KX-3", rules="Yes if KX-3 happens by 2027.")
    save_listing(lake, listing(pairs[0].kalshi, pairs[1].kalshi, changed, at=NOON + timedelta(hours=1)))
    edge = {
        "pair_hash": [pairs[0].pair_hash],
        "at": [NOON],
        "direction": ["polymarket_yes+kalshi_no"],
        "net_edge": [Decimal("0.01")],
    }
    lake.append("opportunities", pl.DataFrame(edge))
    with LakeLedger(lake) as ledger:
        ledger.write(call("c-1", pair_hash=pairs[0].pair_hash))
        ledger.write(call("c-2", "timeout", cost=None, pair_hash=pairs[0].pair_hash))
    spool = Spool(lake.location.root)
    for venue, ids in (("kalshi", "KX-"), ("polymarket", "0x")):
        books = [
            (snapshot(n, of=market(f"{ids}{1 + n % 2}", venue), at=NOON + timedelta(seconds=n), session=f"s-{venue}"), NOON + timedelta(seconds=n))
            for n in range(120)
        ]  # fmt: skip
        spool.write(venue, "book_snapshots", snapshot_rows(books))
        session = StreamSession(
            f"s-{venue}", venue, 0, NOON, NOON + timedelta(minutes=3), "closed", 1000, 120
        )
        spool.write(venue, "stream_sessions", session_rows([session]))
    spool.write(
        "kalshi", "stream_events", event_rows([event(session="s-kalshi", end=NOON + timedelta(seconds=2))])
    )
    Promoter(lake, spool).promote()
    return pairs
