"""One recorded shard, played: its feed is told again what it was told when it was recorded."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from arb_platform.domain.markets import Market
from arb_platform.domain.streams import StreamEvent, StreamOutput, StreamSession
from arb_platform.storage.raw_bodies import (
    BrokenBody,
    load_books,
    load_ids,
    load_markets,
    load_resumed,
    load_said,
    load_session,
)
from arb_platform.storage.raw_frames import FRAME, RESUME, RawRow
from arb_platform.venues.registry import VENUES
from arb_platform.venues.wiring import FollowingFeed

_NO_BEGINNING: Final = "the beginning of this session is missing in the recording"


class Player:
    """Plays the rows of one shard of one run; ``new_feed`` makes a feed of its venue."""

    def __init__(self, venue: str, shard: int, new_feed: Callable[[Sequence[Market]], FollowingFeed]) -> None:
        self.venue = venue
        self.shard = shard
        self._new_feed = new_feed
        # Whatever arrives is followed while nobody told which markets there are.
        self._feed = new_feed([])
        self._fed = False
        self._session: StreamSession | None = None
        self._last_at: datetime | None = None
        self._holes = 0
        self._news: list[Market] = []

    def play(self, row: RawRow) -> list[StreamOutput]:
        """What the feed says to this row, and what its connection said. Raises BrokenBody."""
        self._last_at = row.at
        if row.kind == FRAME:
            outputs = [] if self._in_session(row) else self._begin(self._unknown_session(row), row.at)
            outputs += self._feed.receive(row.body, row.at)
        else:
            play = _TOUCHES.get(row.kind)
            if play is None:
                raise BrokenBody(f"nothing is called {row.kind[:40]!r}")
            outputs = play(self, row)
        self._collect()
        return outputs

    def lose(self, at: datetime, reason: str) -> list[StreamOutput]:
        """Rows before ``at`` are missing: every book starts anew, with a ``gap`` row over the hole."""
        session = self._session
        if session is None:
            return []
        self._holes += 1
        gap = StreamEvent(
            event_id=f"{session.session_id}:gap:recording-{self._holes}",
            venue=self.venue,
            kind="gap",
            started_at=self._last_at or at,
            ended_at=at,
            session_id=session.session_id,
            detail=reason,
        )
        outputs: list[StreamOutput] = [gap, *self._feed.disconnected(at, reason)]
        outputs += self._feed.connected(session.session_id, at)
        self._collect()
        return outputs

    def drain_news(self) -> list[Market]:
        """Markets that were followed since the last call."""
        news, self._news = self._news, []
        return news

    def _in_session(self, row: RawRow) -> bool:
        return self._session is not None and self._session.session_id == row.session_id

    def _unknown_session(self, row: RawRow) -> StreamSession:
        return StreamSession(row.session_id, self.venue, self.shard, row.at, reason=_NO_BEGINNING)

    def _begin(self, session: StreamSession, at: datetime) -> list[StreamOutput]:
        self._session = session
        return [session, *self._feed.connected(session.session_id, at)]

    def _start(self, row: RawRow) -> list[StreamOutput]:
        self._replace_feed(load_markets(row.body))
        return []

    def _replace_feed(self, markets: list[Market]) -> None:
        self._feed = self._new_feed(markets)
        self._fed = True
        self._news += markets

    def _connected(self, row: RawRow) -> list[StreamOutput]:
        return self._begin(load_session(row.body), row.at)

    def _disconnected(self, row: RawRow) -> list[StreamOutput]:
        ended = load_session(row.body)
        self._session = None
        return [*self._feed.disconnected(row.at, ended.reason), ended]

    def _tick(self, row: RawRow) -> list[StreamOutput]:
        return list(self._feed.tick(row.at))

    def _books(self, row: RawRow) -> list[StreamOutput]:
        books = load_books(row.body)
        return [output for book in books for output in self._feed.receive_book(book, row.at)]

    def _follow(self, row: RawRow) -> list[StreamOutput]:
        markets = load_markets(row.body)
        self._news += markets
        return list(self._feed.follow(markets) or ())

    def _unfollow(self, row: RawRow) -> list[StreamOutput]:
        return list(self._feed.unfollow(load_ids(row.body), row.at) or ())

    def _said(self, row: RawRow) -> list[StreamOutput]:
        return load_said(row.body)

    def _resume(self, row: RawRow) -> list[StreamOutput]:
        """The state of the shard as the recording says it again; what is known already stays."""
        markets, session = load_resumed(row.body)
        outputs: list[StreamOutput] = []
        if self._session is not None and (session is None or session.session_id != self._session.session_id):
            outputs += self._feed.disconnected(row.at, "its end is missing in the recording")
            self._session = None
        if self._fed:
            outputs += self._refollow(markets, row.at)
        else:
            self._replace_feed(markets)
        if session is not None and self._session is None:
            outputs += self._begin(session, row.at)
        return outputs

    def _refollow(self, markets: list[Market], at: datetime) -> list[StreamOutput]:
        wanted = {market.market_id for market in markets}
        known = {market.market_id for market in self._feed.markets}
        added = [market for market in markets if market.market_id not in known]
        gone = sorted(known - wanted)
        self._news += added
        outputs = list(self._feed.unfollow(gone, at) or ()) if gone else []
        return [*outputs, *(self._feed.follow(added) or ())] if added else [*outputs]

    def _collect(self) -> None:
        # Nobody answers them, but a feed remembers what it has asked for.
        self._feed.frames_to_send()
        self._feed.books_wanted()


def new_player(venue: str, shard: int, max_depth: int) -> Player:
    """A player with the feeds of ``venue``, which must be one of the registry."""
    return Player(venue, shard, partial(VENUES[venue].feed, max_depth=max_depth))


_TOUCHES: Final[dict[str, Callable[[Player, RawRow], list[StreamOutput]]]] = {
    "feed": Player._start,  # noqa: SLF001 the table of this module's own class
    "connected": Player._connected,  # noqa: SLF001
    "disconnected": Player._disconnected,  # noqa: SLF001
    "tick": Player._tick,  # noqa: SLF001
    "books": Player._books,  # noqa: SLF001
    "follow": Player._follow,  # noqa: SLF001
    "unfollow": Player._unfollow,  # noqa: SLF001
    "said": Player._said,  # noqa: SLF001
    RESUME: Player._resume,  # noqa: SLF001
}
