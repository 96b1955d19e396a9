"""Recorded frames through the same feeds, recorder, spool and lake, with the recorded times as the clock.

Everything in the tables follows from the recording: sessions and events keep their ids, rows are
landed in batches by recorded time, segments are numbered. So two replays give the same bytes.
"""

import asyncio
import hashlib
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from arb_platform.domain.errors import SettingsError
from arb_platform.domain.markets import Listing, Market
from arb_platform.domain.streams import StreamEvent, StreamOutput, StreamSession
from arb_platform.ingest.lease import Lease
from arb_platform.ingest.recorder import BATCH_ROWS, Recorder
from arb_platform.ingest.replayed import Player, new_player
from arb_platform.ingest.tapes import BrokenPart, Played, Tapes
from arb_platform.storage.attach import LakeLocation
from arb_platform.storage.lake import Lake
from arb_platform.storage.markets import save_listing
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.raw_bodies import BrokenBody
from arb_platform.storage.raw_frames import FRAME, LOST
from arb_platform.storage.spool import Spool

# In recorded time; a live stream lands twice a second, which at this speed would only be waiting for the disk.
BATCH_SECONDS: Final = 10.0
PROMOTE_SECONDS: Final = 300.0
MARKER: Final = "replay.json"
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Rows between two looks at the stop event.
_STRIDE: Final = 500


@dataclass(slots=True)
class ReplaySummary:
    """What one replay did. ``broken`` names what was skipped; ``lost`` rows were never recorded."""

    directory: Path
    frames: int = 0
    snapshots: int = 0
    events: int = 0
    sessions: int = 0
    quarantined: int = 0
    rows: int = 0
    lost: int = 0
    recorded_seconds: float = 0.0
    elapsed_seconds: float = 0.0
    stopped: bool = False
    broken: list[BrokenPart] = field(default_factory=list)
    frames_by_venue: dict[str, int] = field(default_factory=dict)

    @property
    def speed(self) -> float:
        """Recorded seconds per second."""
        return self.recorded_seconds / self.elapsed_seconds if self.elapsed_seconds else 0.0


async def replay(
    directory: Path,
    location: LakeLocation,
    *,
    speed: float,
    stop: asyncio.Event,
    mix: bool = False,
    on_progress: Callable[[int], None] = lambda _: None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> ReplaySummary:
    """Replay what ``directory`` holds into the lake at ``location``; ``speed`` may be infinity.

    Raises SettingsError when there is nothing to replay, or when the lake there is not one of
    replays only and ``mix`` is not given; StorageError when the lake cannot be written.
    """
    tapes = Tapes.found(directory)
    _check_target(location, mix=mix)
    fresh = location.catalog_file is not None and not location.catalog_file.exists()
    with Lease(location.root, "replay", owner=str(directory)), Lake.open(location) as lake:
        if fresh:
            _mark(location, directory)
        own = (location.root / MARKER).exists()
        run = _Replay(tapes, lake, speed, monotonic=monotonic, sleep=sleep, list_markets=own)
        return await run.play(ReplaySummary(directory), stop, on_progress)


def _check_target(location: LakeLocation, *, mix: bool) -> None:
    catalog = location.catalog_file
    is_there = catalog is None or catalog.exists()
    if is_there and not mix and not (location.root / MARKER).exists():
        raise SettingsError(
            f"the lake at {location.root} holds more than replays, and rows of a replay cannot be told from recorded ones; "
            "choose another folder with --into, or add --mix if you really mean this one."
        )


def _mark(location: LakeLocation, directory: Path) -> None:
    note = {"replays": "every row of this lake comes from a replay", "first": str(directory.resolve())}
    (location.root / MARKER).write_text(json.dumps(note) + "\n")


class _ReplayClock:
    """Recorded time, which never goes back."""

    def __init__(self) -> None:
        self.now = _NEVER

    def __call__(self) -> datetime:
        return self.now

    def reach(self, at: datetime) -> None:
        self.now = max(self.now, at)


class _Replay:
    def __init__(
        self,
        tapes: Tapes,
        lake: Lake,
        speed: float,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]],
        list_markets: bool,
    ) -> None:
        self._list_markets_too = list_markets
        self._tapes = tapes
        self._lake = lake
        self._speed = speed
        self._monotonic = monotonic
        self._sleep = sleep
        self._clock = _ReplayClock()
        numbers = itertools.count()
        identity = tapes.identity
        self._spool = Spool(
            lake.location.spool,
            clock=self._clock,
            new_id=lambda: hashlib.sha256(f"{identity}:{next(numbers)}".encode()).hexdigest()[:32],
        )
        self._promoter = Promoter(lake, self._spool, clock=self._clock)
        self._recorders: dict[str, Recorder] = {}
        self._players: dict[tuple[str, int], Player] = {}
        self._markets: dict[str, dict[str, Market]] = {}
        self._events: set[str] = set()
        self._sessions: set[str] = set()
        self._batch_since: datetime | None = None
        self._promoted_at = _NEVER

    async def play(
        self, summary: ReplaySummary, stop: asyncio.Event, on_progress: Callable[[int], None]
    ) -> ReplaySummary:
        begun = self._monotonic()
        first: datetime | None = None
        for number, played in enumerate(self._tapes.rows(summary.broken)):
            at = played.row.at
            if first is None:
                first = self._promoted_at = at
                self._clock.reach(at)
            if number % _STRIDE == 0:
                await asyncio.sleep(0)
                on_progress(summary.frames)
            await self._pace(begun + (at - first).total_seconds() / self._speed, stop)
            if stop.is_set():
                summary.stopped = True
                break
            await self._turn(at)
            self._clock.reach(at)
            await self._play(played, summary)
        if not summary.stopped:
            # A batch that is cut short would take the number of the whole one, which a later replay lands.
            await self._land()
        await self._promote()
        if self._list_markets_too:
            await asyncio.to_thread(self._list_markets, first or _NEVER)
        summary.rows = self._promoter.total.rows
        summary.elapsed_seconds = self._monotonic() - begun
        summary.recorded_seconds = (self._clock.now - first).total_seconds() if first else 0.0
        self._add_up(summary)
        return summary

    async def _pace(self, due: float, stop: asyncio.Event) -> None:
        """Wait for ``due`` of the monotonic clock, in steps short enough to notice the stop."""
        if self._speed == float("inf"):
            return
        while not stop.is_set() and (wait := due - self._monotonic()) > 0.001:
            await self._sleep(min(wait, 0.2))

    async def _play(self, played: Played, summary: ReplaySummary) -> None:
        row, venue = played.row, played.venue
        recorder = self._recorders.get(venue)
        if recorder is None:
            recorder = self._recorders[venue] = Recorder(self._spool, venue, clock=self._clock)
        if played.hole or row.kind == LOST:
            summary.lost += played.lost
            await self._take(recorder, self._lose(played))
        if row.kind == LOST:
            return
        key = played.run, row.shard
        player = self._players.get(key)
        if player is None:
            player = self._players[key] = new_player(venue, row.shard, played.max_depth)
        try:
            outputs = player.play(row)
        except BrokenBody as error:
            summary.broken.append(BrokenPart(played.file, f"row {played.number} ({row.kind}): {error}"))
            return
        if row.kind == FRAME:
            summary.frames += 1
            summary.frames_by_venue[venue] = summary.frames_by_venue.get(venue, 0) + 1
        else:
            for market in player.drain_news():
                self._markets.setdefault(venue, {})[market.market_id] = market
        if outputs:
            await self._take(recorder, outputs)

    async def _take(self, recorder: Recorder, outputs: list[StreamOutput]) -> None:
        if self._batch_since is None:
            self._batch_since = self._clock.now
        for output in outputs:
            if isinstance(output, StreamEvent):
                self._events.add(output.event_id)
            elif isinstance(output, StreamSession):
                self._sessions.add(output.session_id)
        await recorder.take(outputs)

    def _lose(self, played: Played) -> list[StreamOutput]:
        """Rows are missing here: no book of this run is vouched for until it is whole again."""
        outputs: list[StreamOutput] = []
        for (run, _), player in self._players.items():
            if run == played.run:
                outputs += player.lose(played.row.at, "raw frames are missing in the recording")
        return outputs

    async def _turn(self, at: datetime) -> None:
        """Land and promote what is due when recorded time becomes ``at``."""
        crowded = any(recorder.waiting >= BATCH_ROWS for recorder in self._recorders.values())
        since = self._batch_since
        if crowded or (since is not None and (at - since).total_seconds() >= BATCH_SECONDS):
            await self._land()
        if (at - self._promoted_at).total_seconds() >= PROMOTE_SECONDS:
            await self._promote()

    async def _land(self) -> None:
        self._batch_since = None
        for recorder in self._recorders.values():
            await recorder.flush()

    async def _promote(self) -> None:
        self._promoted_at = self._clock.now
        await asyncio.to_thread(self._promoter.promote)

    def _list_markets(self, at: datetime) -> None:
        """What the recording knows of its markets; an unfinished listing, so that none is taken for gone."""
        for venue, markets in sorted(self._markets.items()):
            save_listing(
                self._lake,
                Listing(venue, tuple(markets.values()), 0, at, at, complete=False, reason="from a recording"),
            )

    def _add_up(self, summary: ReplaySummary) -> None:
        for recorder in self._recorders.values():
            summary.snapshots += recorder.snapshots
            summary.quarantined += recorder.quarantined
        summary.events, summary.sessions = len(self._events), len(self._sessions)
