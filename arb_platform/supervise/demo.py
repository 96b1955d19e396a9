"""``arb demo``: the main job once, without UI, against the simulators."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from arb_platform import api, pipeline
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.ingest.session import StreamSummary
from arb_platform.matching.validation import ValidationSummary
from arb_platform.reports.registry import REPORTS
from arb_platform.settings import Settings, load_settings
from arb_platform.storage.lake import Lake
from arb_platform.supervise.simulators import simulators

Say = Callable[[str], None]
_VENUES: Final = (POLYMARKET, KALSHI)

# From the venue's clock to our handler: what a trader would call the latency of the feed. The first
# book of a connection answers our subscription; the time on it is not of a change.
_LATENCY: Final = """
SELECT venue, quantile_cont(ms, [0.5, 0.95, 0.99]) AS quantiles FROM (
    SELECT venue, greatest(0, epoch_us(handed_at) - epoch_us(exchange_time)) / 1000.0 AS ms
    FROM lake.book_snapshots WHERE received_at >= $1 AND exchange_time IS NOT NULL AND sequence > 1
) GROUP BY venue
"""
_CALLS: Final = "SELECT count(*) AS calls, sum(cost_usd) AS cost FROM lake.llm_calls WHERE started_at >= $1"


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What one demo did; ``document`` is the object of ``arb demo --json``."""

    document: dict[str, Any]
    stopped_reason: str


def run_demo(
    settings: Settings,
    *,
    seconds: float,
    recordings: Sequence[Path] = (),
    speed: float = 1.0,
    stop: asyncio.Event,
    say: Say,
) -> DemoResult:
    """List, stream, match, validate and report once; blocks until it is done or ``stop`` is set."""
    say("starting the simulators")
    with simulators(settings, recordings=recordings, speed=speed, say=say) as (_, variables):
        demo = load_settings(**{**variables, "ARB_DATA_DIR": str(settings.data_dir)})
        started_at = pipeline.now()
        return asyncio.run(_main_job(demo, seconds, started_at, stop, say))


async def _main_job(
    settings: Settings, seconds: float, started_at: datetime, stop: asyncio.Event, say: Say
) -> DemoResult:
    listed = {}
    for venue in _VENUES:
        say(f"listing {venue}")
        listed[venue] = (await pipeline.list_venue(settings, venue)).markets
    say("proposing candidate pairs")
    proposed = await asyncio.to_thread(pipeline.propose_candidates, settings)
    say(f"streaming both venues for {seconds:.0f} s while {proposed.candidates} candidates are judged")
    streams = [
        asyncio.create_task(pipeline.stream_venue(settings, venue, stop=stop, seconds=seconds, run_id="demo"))
        for venue in _VENUES
    ]
    # Keeping verdicts commits to the lake, which the sockets must not wait for: a loop of its own.
    validation = asyncio.create_task(asyncio.to_thread(_validate, settings))
    summaries = await asyncio.gather(*streams)
    summary = await validation
    say("computing the reports")
    for name in REPORTS:
        await asyncio.to_thread(pipeline.build_report, settings, name)
    document = _document(settings, started_at, listed, proposed.candidates, summaries, summary)
    return DemoResult(document, summary.stopped_reason)


def _validate(settings: Settings) -> ValidationSummary:
    return asyncio.run(pipeline.validate_pairs(settings))


def _document(  # noqa: PLR0917 made in one place
    settings: Settings,
    started_at: datetime,
    listed: dict[str, int],
    candidates: int,
    streams: Sequence[StreamSummary],
    validation: ValidationSummary,
) -> dict[str, Any]:
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        latency = dict(lake.query(_LATENCY, [started_at]).iter_rows())
        calls, cost = lake.query(_CALLS, [started_at]).row(0)
    return {
        "snapshots": {stream.venue: stream.snapshots for stream in streams},
        "markets": listed,
        "candidates": candidates,
        "validated": validation.asked + validation.cached,
        "accepted": validation.accepted,
        "llm_calls": calls,
        "llm_cost_usd": float(cost or Decimal(0)),
        "gaps": sum(stream.gaps for stream in streams),
        "quarantined": sum(stream.quarantined for stream in streams),
        "latency_ms": {venue: _percentiles(latency.get(venue)) for venue in _VENUES},
        "frames": {stream.venue: stream.frames for stream in streams},
        "review": validation.review,
        "rejected": validation.rejected,
        "data_dir": str(settings.root),
    }


def _percentiles(quantiles: list[float] | None) -> dict[str, float | None]:
    values: list[float | None] = (
        [None, None, None] if quantiles is None else [round(value, 3) for value in quantiles]
    )
    return dict(zip(("p50", "p95", "p99"), values, strict=True))
