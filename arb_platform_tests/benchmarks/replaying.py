"""REPLAY: recorded frames through the same feeds, recorder, spool and lake, against the time they took."""

import asyncio
import math
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.domain.streams import StreamSession
from arb_platform.ingest.raw import RawTape
from arb_platform.ingest.replay import ReplaySummary, replay
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.venues.touches import Touch
from arb_platform_tests.benchmarks.hot_path import AT
from arb_platform_tests.benchmarks.load import ONE, Load, load
from arb_platform_tests.benchmarks.measure import BooksDiffer, Outcome, Pace, progress
from arb_platform_tests.benchmarks.naive import DEPTH

TARGETS: Final = ("REPLAY",)
WANTED: Final = 50.0
# The busiest recording we have, two 15-minute markets of August 2026, makes 85 frames/s.
FRAMES_PER_SECOND: Final = 100
_MARKETS: Final = 100
_LEVELS: Final = ", ".join(
    f"{side}{level}_{what}"
    for side in ("bid", "ask")
    for level in range(1, DEPTH + 1)
    for what in ("px", "sz")
)
_NEWEST: Final = (
    f"SELECT market_id, {_LEVELS} FROM book_snapshots "
    "QUALIFY row_number() OVER (PARTITION BY market_id ORDER BY received_at DESC, sequence DESC) = 1"
)


def measure(pace: Pace) -> Outcome:
    outcome = Outcome()
    for venue in (POLYMARKET, KALSHI):
        with progress(f"REPLAY: {venue}"), tempfile.TemporaryDirectory() as folder:
            made = load(venue, frames=pace.of(60_000, 300_000), markets=_MARKETS, seed=pace.seed)
            record(made, Path(folder) / "recorded")
            location = LakeLocation.local(Path(folder) / "replayed")
            stop = asyncio.Event()
            summary = asyncio.run(replay(Path(folder) / "recorded", location, speed=math.inf, stop=stop))
            books = checked(summary, made, location)
        frames = len(made.frames)
        what = f"{venue}: replay over recorded time, {FRAMES_PER_SECOND} frames/s, rows in the lake"
        outcome.at_least("REPLAY", what, summary.speed, WANTED)
        outcome.told(
            "REPLAY",
            f"{venue}: replayed",
            f"{frames / summary.elapsed_seconds:,.0f} frames/s, {books} books equal",
        )
    return outcome


def record(made: Load, root: Path) -> None:
    """The load as a stream would have recorded it, in one session."""
    # Frames come faster here than they are written, and none is to be lost.
    tape = RawTape(root, made.venue, max_depth=3, memory_bytes=2**30)
    session = StreamSession("bench", made.venue, 0, AT)
    tape.on_touch(Touch("feed", 0, AT, "", list(made.markets)))
    tape.on_touch(Touch("connected", 0, AT, session.session_id, session))
    for frame in made.opening:
        tape.on_frame(frame, AT, session.session_id)
    for number, frame in enumerate(made.frames, 1):
        tape.on_frame(frame, received(number), session.session_id)
    tape.close()


def received(number: int) -> datetime:
    return AT + timedelta(seconds=number / FRAMES_PER_SECOND)


def checked(summary: ReplaySummary, made: Load, location: LakeLocation) -> int:
    """How many books are equal to the generator's. Raises BooksDiffer when something is not in the lake."""
    frames = len(made.opening) + len(made.frames)
    if (summary.frames, summary.lost, summary.quarantined, summary.broken) != (frames, 0, 0, []):
        raise BooksDiffer(
            f"replay: {summary.frames} of {frames} frames, {summary.lost} lost, {summary.quarantined} quarantined, "
            f"{len(summary.broken)} parts broken"
        )
    with Lake.open(location, read_only=True) as lake:
        newest = {key: [int(one * ONE) for one in levels] for key, *levels in lake.query(_NEWEST).rows()}
    tops = {
        key: [number for side in sides for level in side[:DEPTH] for number in level]
        for key, sides in made.books.items()
    }
    if wrong := [key for key, top in tops.items() if newest.get(key) != top]:
        raise BooksDiffer(f"replay: {len(wrong)} of {len(tops)} books in the lake differ, first {wrong[0]}")
    return len(tops)
