"""A stream without a websocket: books asked for every few seconds over REST.

A feed reads the REST books, so both kinds of adapter share every rule of a venue's books.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.errors import (
    CredentialsError,
    ListingError,
    SettingsError,
    TransportError,
    WireError,
)
from arb_platform.domain.markets import Market
from arb_platform.domain.streams import StreamEvent, StreamOutput, StreamSession
from arb_platform.venues.backoff import Backoff, Timing
from arb_platform.venues.rest_books import BookSource
from arb_platform.venues.rest_client import RestClient
from arb_platform.venues.shard import assets_of
from arb_platform.venues.stream import VenueStream
from arb_platform.venues.touches import Touch, TouchHook, TouchKind
from arb_platform.venues.tracking import Lookup, resolve
from arb_platform.venues.wiring import FollowingFeed
from arb_platform.venues.witness import book_key

log = logging.getLogger(__name__)


class PolledStream(VenueStream):
    """The common half of the polling adapters. A session lasts from the first answer to a failure."""

    def __init__(
        self,
        *,
        tracked_markets: Sequence[Market | str] | None,
        new_feed: Callable[[Sequence[Market]], FollowingFeed],
        lookup: Lookup,
        books: BookSource,
        clients: Sequence[RestClient],
        timing: Timing,
        reconnect_delay: float,
        poll_seconds: float,
        on_touch: TouchHook | None = None,
    ) -> None:
        if reconnect_delay <= 0 or poll_seconds <= 0:
            raise SettingsError("reconnect_delay and poll_seconds must be more than 0 seconds")
        super().__init__(tracked_markets=tracked_markets, timing=timing, clients=clients, measure_lag=False)
        self._lookup = lookup
        self._books = books
        self._poll_seconds = poll_seconds
        self._on_touch = on_touch
        self._backoff = Backoff(reconnect_delay, rng=timing.rng)
        self._feed = new_feed([])
        self._new_feed = new_feed
        self._added: list[Market | str] = []
        self._opened = False
        self._session: StreamSession | None = None
        self._last_session: str | None = None
        # frames and snapshots of the adapter when the session began
        self._counted = (0, 0)
        self._outage: StreamEvent | None = None
        # markets the venue gave no book for, each with its open gap
        self._missing: dict[str, StreamEvent] = {}

    async def follow(self, markets: Sequence[Market | str]) -> None:
        """Poll these markets too, from the next round on."""
        if not self._opened:
            self._added.extend(markets)
            return
        followed = {market.market_id for market in self._feed.markets}
        found = await resolve(markets, self._lookup)
        added = [market for market in found if market.market_id not in followed]
        self._touch("follow", added)
        self._hand_over(self._feed.follow(added))
        self._discard_requests()

    async def unfollow(self, market_ids: Sequence[str]) -> None:
        """Stop polling these markets."""
        at = self._timing.clock()
        self._touch("unfollow", list(market_ids), at=at)
        self._hand_over(self._feed.unfollow(list(market_ids), at))
        self._discard_requests()
        for market_id in market_ids:
            self._end_missing(market_id, at, "no longer followed")

    @property
    def markets(self) -> list[Market]:
        """What is followed now."""
        return list(self._feed.markets)

    @property
    def connected(self) -> bool:
        """True while the venue answers."""
        return self._session is not None

    @property
    def assets_subscribed(self) -> int:
        """Assets followed; a Polymarket market has two."""
        return sum(map(assets_of, self._feed.markets))

    @property
    def assets_with_book(self) -> int:
        """Assets whose book can be vouched for now."""
        known = (m for m in self._feed.markets if self._feed.snapshot_of(m.market_id) is not None)
        return sum(map(assets_of, known))

    @property
    def books(self) -> list[BookSnapshot]:
        """The last snapshot of each book that can be vouched for now."""
        found = (self._feed.snapshot_of(market.market_id) for market in self._feed.markets)
        return [snapshot for snapshot in found if snapshot is not None]

    @property
    def sessions_so_far(self) -> list[StreamSession]:
        """The session that goes on, if any, with what it has brought."""
        if self._session is None:
            return []
        frames, snapshots = self._counted
        return [
            replace(
                self._session, frames=self._meter.frames - frames, snapshots=self._meter.snapshots - snapshots
            )
        ]

    async def _run(self) -> None:
        markets = await resolve(self._tracked, self._lookup)
        if not markets and self._tracked is None:
            raise ListingError(
                f"{self.venue} lists no tradable market at all; check the venue's address in the settings."
            )
        self._touch("feed", markets)
        self._feed = self._new_feed(markets)
        self._opened = True
        added, self._added = self._added, []
        if added:
            await self.follow(added)
        try:
            await self._poll()
        finally:
            self._stop()

    def _stop(self) -> None:
        """No row stays open for ever."""
        at = self._timing.clock()
        self._end_session("closed by us")
        for market_id in list(self._missing):
            self._end_missing(market_id, at, "stopped while it lasted")
        if self._outage is not None:
            self._say(
                replace(self._outage, ended_at=at, detail=f"{self._outage.detail}; stopped while it lasted")
            )
            self._outage = None

    async def _poll(self) -> None:
        timing = self._timing
        while True:
            started = timing.monotonic()
            delay = self._poll_seconds
            keys = {book_key(market): market for market in self._feed.markets}
            try:
                books = await self._books.fetch(list(keys)) if keys else {}
            except CredentialsError:
                raise
            except (TransportError, WireError) as error:
                self._failed(str(error))
                delay = max(delay, self._backoff.next_delay())
            else:
                self._backoff.reset()
                self._answered(keys, books)
            # Asking takes its time at ten requests a second; a round never starts before the last one ended.
            await timing.sleep(max(0.0, delay - (timing.monotonic() - started)))

    def _answered(self, keys: Mapping[str, Market], books: Mapping[str, Any]) -> None:
        at = self._timing.clock()
        if self._session is None and books:
            self._begin_session(at)
        self._meter.frames += len(books)
        for key, book in books.items():
            self._end_missing(keys[key].market_id, at, "the venue has a book again")
            self._touch("books", [book], at=at)
            self._hand_over(self._feed.receive_book(book, at))
        for key, market in keys.items():
            if key not in books:
                self._begin_missing(market, at)
        self._discard_requests()

    def _begin_session(self, at: datetime) -> None:
        session = StreamSession(
            session_id=f"{self.venue}-rest-{self._timing.identifier()}",
            venue=self.venue,
            shard=0,
            connected_at=at,
            reconnect_of=self._last_session,
        )
        if self._last_session is not None:
            self._meter.reconnections += 1
        self._session, self._last_session = session, session.session_id
        self._counted = (self._meter.frames, self._meter.snapshots)
        self._hand_over([session])
        if self._outage is not None:
            self._say(replace(self._outage, ended_at=at))
            self._outage = None
        self._touch("connected", session, at=at)
        self._hand_over(self._feed.connected(session.session_id, at))

    def _end_session(self, reason: str) -> None:
        if self._session is None:
            return
        at = self._timing.clock()
        (session,), self._session = self.sessions_so_far, None
        ended = replace(session, ended_at=at, reason=reason)
        self._touch("disconnected", ended, at=at)
        self._hand_over(self._feed.disconnected(at, reason))
        self._hand_over([ended])

    def _failed(self, reason: str) -> None:
        """No answer is not an empty book: the session ends, and with it every book's epoch."""
        log.warning("%s: a poll failed: %s", self.venue, reason)
        self._end_session(reason)
        if self._outage is None:
            self._outage = StreamEvent(
                event_id=f"{self.venue}-rest:gap:{self._timing.identifier()}",
                venue=self.venue,
                kind="gap",
                started_at=self._timing.clock(),
                ended_at=None,
                session_id=self._last_session or "",
                detail=reason,
            )
            self._say(self._outage)

    def _begin_missing(self, market: Market, at: datetime) -> None:
        if market.market_id in self._missing:
            return
        gap = StreamEvent(
            event_id=f"{self.venue}-rest:gap:{self._timing.identifier()}",
            venue=self.venue,
            kind="gap",
            started_at=at,
            ended_at=None,
            market_id=market.market_id,
            session_id=self._last_session or "",
            detail="the venue answered without a book of this market",
        )
        self._missing[market.market_id] = gap
        self._say(gap)

    def _end_missing(self, market_id: str, at: datetime, detail: str) -> None:
        gap = self._missing.pop(market_id, None)
        if gap is not None:
            self._say(replace(gap, ended_at=at, detail=detail))

    def _touch(self, kind: TouchKind, body: Any, *, at: datetime | None = None) -> None:
        if self._on_touch is not None:
            session_id = "" if self._session is None else self._session.session_id
            self._on_touch(Touch(kind, 0, self._timing.clock() if at is None else at, session_id, body))

    def _say(self, event: StreamEvent) -> None:
        self._touch("said", [event])
        self._hand_over([event])

    def _hand_over(self, outputs: Sequence[StreamOutput] | None) -> None:
        if outputs:
            self._meter.count(outputs)
            self._outbox.put(outputs)

    def _discard_requests(self) -> None:
        # Nothing can be sent here, and every book is asked for in every round anyway.
        self._feed.frames_to_send()
        self._feed.books_wanted()
