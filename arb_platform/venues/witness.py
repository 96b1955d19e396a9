"""What to think of a socket that has gone silent: ask the venue's REST books before judging.

A live socket with working keep-alives can be dead for data (Polymarket py-clob-client issue 292),
and a quiet night is not a fault. The REST book tells the two apart.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from arb_platform.domain.errors import TransportError, WireError
from arb_platform.domain.markets import Market
from arb_platform.domain.streams import StreamEvent, StreamSession
from arb_platform.venues.feed import Feed
from arb_platform.venues.wiring import Wiring

log = logging.getLogger(__name__)

SAMPLE: Final = 3
# A witness that does not answer proves nothing, but twice in a row nobody vouches for the socket.
_MUTE_LIMIT: Final = 2


@dataclass(frozen=True, slots=True)
class Testimony:
    """``stale`` is None when the witness could not tell."""

    stale: bool | None
    words: str


async def watch(feed: Feed, session: StreamSession, wiring: Wiring) -> str:
    """Sleep until the socket has been silent too long and is proved stale; returns the reason.

    Never asks more often than every ``silence_seconds``.
    """
    timing = wiring.timing
    asked_at = session.connected_at
    mute = 0
    while True:
        heard_at = last_heard(feed, session)
        left = wiring.silence_seconds - (timing.clock() - max(asked_at, heard_at)).total_seconds()
        if left > 0:
            await timing.sleep(left)
            continue
        asked_at = timing.clock()
        if not feed.markets:
            continue
        testimony = await _question(feed, session, wiring, silent_since=heard_at)
        mute = mute + 1 if testimony.stale is None else 0
        if testimony.stale or mute >= _MUTE_LIMIT:
            return f"silent for {(asked_at - heard_at).total_seconds():.0f} s: {testimony.words}"


def last_heard(feed: Feed, session: StreamSession) -> datetime:
    """When market data last came on this connection, or when it was opened."""
    heard_at = feed.last_market_frame_at
    return session.connected_at if heard_at is None else max(heard_at, session.connected_at)


async def _question(
    feed: Feed, session: StreamSession, wiring: Wiring, *, silent_since: datetime
) -> Testimony:
    """Ask the witness, with a ``silence`` event around it that always gets its end."""
    event = StreamEvent(
        event_id=f"{session.session_id}:silence:{wiring.timing.identifier()}",
        venue=wiring.venue,
        kind="silence",
        # The frame that came last is still trusted; doubt begins right after it.
        started_at=silent_since + timedelta(microseconds=1),
        ended_at=None,
        session_id=session.session_id,
        detail="no market data; asking the REST books",
    )
    _emit(wiring, session, event)
    words = "the connection ended before the REST books answered"
    try:
        testimony = await ask(feed, wiring)
        if last_heard(feed, session) > silent_since:
            testimony = Testimony(stale=False, words="market data came back while asking")
        words = testimony.words
    finally:
        heard_at = last_heard(feed, session)
        ended_at = heard_at if heard_at > silent_since else wiring.timing.clock()
        _emit(wiring, session, replace(event, ended_at=ended_at, detail=words))
    log.info("%s: %s was silent: %s", wiring.venue, session.session_id, words)
    return testimony


async def ask(feed: Feed, wiring: Wiring) -> Testimony:
    """Compare the REST books of a few markets with ours."""
    markets = wiring.timing.rng.sample(list(feed.markets), min(SAMPLE, len(feed.markets)))
    keys = {book_key(market): market for market in markets}
    try:
        books = await wiring.books.fetch(list(keys))
    except (TransportError, WireError) as error:
        return Testimony(stale=None, words=f"the REST books did not answer either: {error}")
    if not books:
        return Testimony(stale=None, words=f"the REST books know none of {', '.join(keys)}")
    for key, book in books.items():
        objection = _objection(feed, wiring, keys[key], book)
        if objection:
            return Testimony(stale=True, words=objection)
    return Testimony(
        stale=False, words=f"quiet, not stale: the REST books of {len(books)} markets equal ours"
    )


def book_key(market: Market) -> str:
    """The id by which the venue's REST books know this market's outcome."""
    if not market.asset_ids:
        return market.market_id
    if market.outcome in market.outcomes[: len(market.asset_ids)]:
        return market.asset_ids[market.outcomes.index(market.outcome)]
    return market.asset_ids[0]


def _objection(feed: Feed, wiring: Wiring, market: Market, book: object) -> str | None:
    # A feed of its own reads the witness's book: the venue file stays the only one that knows its shape.
    reader = wiring.new_feed([market])
    at = wiring.timing.clock()
    reader.connected("witness", at)
    reader.receive_book(book, at)
    theirs = reader.snapshot_of(market.market_id)
    if theirs is None:
        return None
    ours = feed.snapshot_of(market.market_id)
    if ours is None:
        return f"the REST books have a book of {market.market_id} and the socket brought none"
    if (ours.bids, ours.asks) != (theirs.bids, theirs.asks):
        return f"the REST book of {market.market_id} has changed and the socket did not tell"
    return None


def _emit(wiring: Wiring, session: StreamSession, event: StreamEvent) -> None:
    events: Sequence[StreamEvent] = [event]
    wiring.touch("said", session.shard, session.session_id, events)
    wiring.meter.count(events)
    wiring.outbox.put(events)
