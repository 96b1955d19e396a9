"""Checks of the streams: do they run, are they connected, and do they hear anything?"""

from functools import partial
from typing import Any, Final

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.domain.streams import EventKind
from arb_platform.ingest.heartbeat import Heartbeat, alive, heartbeats
from arb_platform.pipeline.checks.check import Answer, Check, Figure, Sight, failed, passed, unknown
from arb_platform.pipeline.checks.words import span

VENUES: Final = (POLYMARKET, KALSHI)
STREAMS: Final = "live_streams"

# Promotion and the looks at it take seconds; five minutes without a change of any followed book are not chance.
FRESH_SECONDS: Final = 300.0
# A heartbeat is written every second; a machine under full load has been seen to be late by several.
YOUNG_SECONDS: Final = 30.0
# A quiet minute is asked about and is over; a connection that falls silent again and again is sick.
SILENCES_AN_HOUR: Final = 3


def beats_of(sight: Sight, venue: str) -> list[Heartbeat]:
    """The heartbeats of shards that stream now, as far as their word is young."""
    return [
        beat
        for beat in heartbeats(sight.root, venue)
        if (sight.now - beat.at).total_seconds() <= YOUNG_SECONDS
    ]


_NEWEST: Final = """
SELECT max(received_at) AS newest FROM lake.book_snapshots
WHERE venue = $1 AND day >= CAST($2 AT TIME ZONE 'UTC' AS DATE) AND received_at <= $3"""


def books_are_fresh(venue: str, sight: Sight) -> Answer:
    limit = max(FRESH_SECONDS, 3 * sight.settings.silence_seconds)
    newest = sight.row(_NEWEST, venue, sight.ago(days=1), sight.now)["newest"]
    if newest is None:
        ever = sight.rows("SELECT 1 FROM lake.book_snapshots WHERE venue = $1 AND received_at <= $2 LIMIT 1", venue, sight.now)  # fmt: skip
        if not ever:
            return unknown(
                f"no snapshots of {venue} yet: stream_keeper starts its stream, or `arb stream {venue}`"
            )
        return failed(
            f"no book of {venue} has come for more than a day; is stream_keeper on, and how did the newest stream_order_books run end?"
        )
    age = (sight.now - newest).total_seconds()
    figures = {"age_seconds": round(age, 1), "limit_seconds": limit}
    if age <= limit:
        return passed(f"the newest book of {venue} is {span(age)} old", **figures)
    why = (
        "its stream runs: does the venue trade, and does `arb doctor` show books and frames?"
        if alive(sight.root, venue)
        else "its stream does not run: is stream_keeper on, and how did the newest stream_order_books run end?"
    )
    return failed(f"the newest book of {venue} is {span(age)} old; {why}", **figures)


# Of whole connections since $3, when the oldest running stream began: an event from before it has died with its process.
_EVENTS: Final = """
SELECT count(*) FILTER (ended_at IS NULL) AS open, count(*) FILTER (started_at >= $5) AS lately, max_by(detail, started_at) AS detail
FROM lake.stream_events WHERE kind = $1 AND venue = $2 AND started_at BETWEEN $3 AND $4 AND market_id IS NULL"""


def _events(sight: Sight, kind: EventKind) -> dict[str, dict[str, Any]]:
    """Venue that streams now -> its events of this kind: still open, in the last hour, what the last one said."""
    found = {}
    for venue in VENUES:
        if beats := beats_of(sight, venue):
            since = min(beat.started_at for beat in beats)
            found[venue] = sight.row(_EVENTS, kind, venue, since, sight.now, sight.ago(hours=1))
    return found


_NO_STREAM: Final = "no stream runs now: stream_keeper starts them, or `arb stream VENUE`"


def no_stream_is_silent(sight: Sight) -> Answer:
    events = _events(sight, "silence")
    bad: list[str] = []
    for venue, row in events.items():
        if row["open"]:
            bad.append(f"a connection of {venue} is silent ({row['detail']})")
        elif row["lately"] > SILENCES_AN_HOUR:
            bad.append(
                f"connections of {venue} fell silent {row['lately']} times in an hour (last: {row['detail']})"
            )
    if not events:
        return unknown(_NO_STREAM)
    figures = {f"{venue}_silences_in_an_hour": row["lately"] for venue, row in events.items()}
    if bad:
        return failed(
            f"{' and '.join(bad)}; the stream asks over REST and replaces the connection itself: if this stays, look at the "
            "venue's status page, and raise ARB_SILENCE_SECONDS if the followed markets are simply quiet",
            **figures,
        )
    return passed("no connection is silent", **figures)


def no_frame_was_dropped(sight: Sight) -> Answer:
    rows = sight.rows(
        "SELECT venue, count(*) AS n, max_by(detail, started_at) AS detail FROM lake.stream_events "
        "WHERE kind = 'overflow' AND started_at BETWEEN $1 AND $2 GROUP BY venue ORDER BY venue",
        sight.ago(hours=1), sight.now,
    )  # fmt: skip
    if rows:
        said = " and ".join(
            f"{row['venue']} dropped frames {row['n']} times ({row['detail']})" for row in rows
        )
        return failed(
            f"{said} in the last hour; we read too slowly: follow fewer markets (ARB_TRACK) or give the machine to the streams",
            overflows=sum(row["n"] for row in rows),
        )
    return passed("no stream was too slow to read in the last hour", overflows=0)


def clocks_agree(sight: Sight) -> Answer:
    events = _events(sight, "clock_skew")
    if not events:
        return unknown(_NO_STREAM)
    bad = [f"{venue}: {row['detail']}" for venue, row in events.items() if row["open"]]
    if bad:
        return failed(
            f"our clock and the venue's disagree ({'; '.join(bad)}); check this machine's time synchronisation (timedatectl)",
            venues=len(bad),
        )
    return passed(f"our clock agrees with that of {' and '.join(events)}", venues=0)


def heartbeats_are_young(sight: Sight) -> Answer:
    bad: list[str] = []
    figures: dict[str, Figure] = {}
    for venue in VENUES:
        for beat in heartbeats(sight.root, venue):
            age = (sight.now - beat.at).total_seconds()
            figures[f"{venue}_{beat.shard}_seconds"] = round(age, 1)
            if age > YOUNG_SECONDS:
                state = "hangs" if alive(sight.root, venue, beat.shard) else "has stopped"
                bad.append(f"the stream of {venue} (shard {beat.shard}) {state}, last heartbeat {span(age)} ago")  # fmt: skip
    if not figures:
        return unknown("no stream has run here yet: stream_keeper starts them, or `arb stream VENUE`")
    if bad:
        return failed(
            f"{' and '.join(bad)}; stream_keeper starts it anew: is it on, and what does the newest stream_order_books run say?",
            **figures,
        )
    return passed("every stream was heard of in the last seconds", **figures)


def streams_are_connected(sight: Sight) -> Answer:
    beats = [beat for venue in VENUES for beat in beats_of(sight, venue)]
    if not beats:
        return unknown(_NO_STREAM)
    sockets = sum(beat.sockets for beat in beats)
    bad = [f"{beat.venue} has trouble: {beat.trouble}" for beat in beats if beat.trouble]
    bad += [f"{beat.venue} is not connected" for beat in beats if not (beat.connected or beat.trouble)]
    if bad:
        return failed(
            f"{' and '.join(bad)}; it tries again by itself: stream_sessions say why connections ended, `arb doctor` looks at keys and disk",
            sockets=sockets,
        )
    return passed(f"{' and '.join(sorted({beat.venue for beat in beats}))} are connected", sockets=sockets)


STREAM_CHECKS: Final = (
    *(
        Check(
            f"{venue}_books_are_fresh", STREAMS, "error",
            f"a book of {venue} changed in the last 5 minutes (or three times `ARB_SILENCE_SECONDS`)",
            "is `stream_keeper` on, and how did the newest `stream_order_books` run end?",
            partial(books_are_fresh, venue),
        )
        for venue in VENUES
    ),
    Check("heartbeats_are_young", STREAMS, "error", "every stream that ever ran said something in the last 30 s", "as above; a stream that hangs is ended and started by `stream_keeper`", heartbeats_are_young, needs_lake=False),
    Check("streams_are_connected", STREAMS, "error", "every running stream is connected and reports no trouble", "`stream_sessions` say why connections ended; `arb doctor` looks at keys and disk", streams_are_connected, needs_lake=False),
    Check("no_stream_is_silent", STREAMS, "error", "no connection is silent now, none fell silent more than 3 times in an hour", "the venue's status page; `ARB_SILENCE_SECONDS` if the followed markets are quiet", no_stream_is_silent),
    Check("no_frame_was_dropped", STREAMS, "warn", "no stream was too slow to read in the last hour", "follow fewer markets (`ARB_TRACK`) or free the machine", no_frame_was_dropped),
    Check("clocks_agree", STREAMS, "error", "no venue's clock contradicts ours", "this machine's time synchronisation (`timedatectl`)", clocks_agree),
)  # fmt: skip
