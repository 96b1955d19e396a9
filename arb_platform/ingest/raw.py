"""The hook between an adapter and the raw frames on disk: everything a feed is told, in order.

The adapter calls :meth:`RawTape.on_frame` and :meth:`RawTape.on_touch` before its feed; both only
append to memory. At the start of each UTC day, and after frames were lost, the followed markets and
the open sessions are written again, so that a recording can be read from there on.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from arb_platform.domain.markets import Market
from arb_platform.domain.streams import StreamSession
from arb_platform.storage import raw_bodies
from arb_platform.storage.raw_frames import FRAME, LOST, RESUME, RawRow, RawWriter
from arb_platform.venues.touches import Touch

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class _Shard:
    markets: dict[str, Market] = field(default_factory=dict)
    session: StreamSession | None = None


class RawTape:
    """Records one venue's stream below ``root``; call :meth:`close` when the adapter has ended.

    ``options`` go to :class:`arb_platform.storage.raw_frames.RawWriter`.
    """

    def __init__(
        self, root: Path, venue: str, *, max_depth: int, run: str | None = None, **options: Any
    ) -> None:
        run = uuid.uuid4().hex if run is None else run
        self.writer = RawWriter(root, venue, run=run, metadata={"max_depth": max_depth}, **options)
        self._shards: dict[int, _Shard] = {}
        self._shard_of: dict[str, int] = {}
        self._tomorrow = _NEVER
        self._lost = 0

    def on_frame(self, frame: bytes, received_at: datetime, session_id: str) -> None:
        """A frame as it came off the socket; called for each, so nothing here may take long."""
        if received_at >= self._tomorrow or self._lost:
            self._renew(received_at)
        row = RawRow(FRAME, self._shard_of.get(session_id, 0), received_at, session_id, frame)
        if not self.writer.put(row):
            self._lost += 1

    def on_touch(self, touch: Touch) -> None:
        """What the feed is told besides frames."""
        if touch.at >= self._tomorrow or self._lost:
            self._renew(touch.at)
        try:
            body = _BODIES[touch.kind](touch.body)
        except RecursionError:
            # A REST book nested beyond sense: no book either way, and no reason to end the stream.
            self._lost += 1
        else:
            if not self.writer.put(RawRow(touch.kind, touch.shard, touch.at, touch.session_id, body)):
                self._lost += 1
        self._remember(touch)

    def close(self) -> None:
        """Write what is left; blocks for as long as that takes."""
        if self._lost:
            self._renew(self._tomorrow - timedelta(microseconds=1))
        self.writer.close()

    @property
    def trouble(self) -> str:
        """What is wrong with recording, in one sentence, or nothing."""
        return self.writer.trouble

    def _renew(self, at: datetime) -> None:
        """A new day, or room after a loss: say again what is followed and which sessions are open."""
        if self._lost:
            if not self.writer.roomy:
                return
            self.writer.put(RawRow(LOST, 0, at, "", raw_bodies.dump({"rows": self._lost})))
            self._lost = 0
        if at >= self._tomorrow:
            self.writer.cut()
            self._tomorrow = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + _DAY
        for number, shard in self._shards.items():
            session_id = "" if shard.session is None else shard.session.session_id
            session = None if shard.session is None else raw_bodies.plain(shard.session)
            body = raw_bodies.dump_markets(list(shard.markets.values()), session=session)
            if not self.writer.put(RawRow(RESUME, number, at, session_id, body)):
                self._lost += 1

    def _remember(self, touch: Touch) -> None:
        shard = self._shards.setdefault(touch.shard, _Shard())
        match touch.kind:
            case "feed":
                shard.markets = {market.market_id: market for market in touch.body}
            case "follow":
                shard.markets |= {market.market_id: market for market in touch.body}
            case "unfollow":
                for market_id in touch.body:
                    shard.markets.pop(market_id, None)
            case "connected":
                shard.session = touch.body
                self._shard_of[touch.body.session_id] = touch.shard
            case "disconnected":
                shard.session = None
                self._shard_of.pop(touch.body.session_id, None)
            case _:
                pass


def _nothing(_: Any) -> bytes:
    return b""


_BODIES: Final[dict[str, Callable[[Any], bytes]]] = {
    "feed": raw_bodies.dump_markets,
    "follow": raw_bodies.dump_markets,
    "unfollow": lambda ids: raw_bodies.dump(list(ids)),
    "connected": raw_bodies.dump_session,
    "disconnected": raw_bodies.dump_session,
    "books": lambda books: raw_bodies.dump(list(books)),
    "said": raw_bodies.dump_said,
    "tick": _nothing,
}
