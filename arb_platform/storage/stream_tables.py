"""The tables that streams fill, through the spool."""

from typing import Final

from arb_platform.storage.columns import Column, Table

_LEVELS: Final = tuple(
    column
    for side, word in (("bid", "bid, the highest is 1"), ("ask", "ask, the lowest is 1"))
    for level in (1, 2, 3)
    for column in (
        Column(
            f"{side}{level}_px", "DECIMAL(9,6)", f"price in dollars of {word}; NULL: there is no such level"
        ),
        Column(f"{side}{level}_sz", "DECIMAL(18,6)", f"size in contracts at {side}{level}_px"),
    )
)

BOOK_SNAPSHOTS: Final = Table(
    "book_snapshots",
    "the top of one book, every time its visible levels changed",
    (
        Column("day", "DATE", "UTC day of received_at; filter by it first, files are laid out by it"),
        Column("venue", "VARCHAR", "polymarket or kalshi"),
        Column("market_id", "VARCHAR", "the venue's key: condition id or ticker"),
        Column("exchange_time", "TIMESTAMPTZ", "the venue's clock; NULL where the venue sent none"),
        Column("received_at", "TIMESTAMPTZ", "our clock when the frame came off the socket"),
        Column("handed_at", "TIMESTAMPTZ", "our clock when the consumer got the snapshot"),
        Column("landed_at", "TIMESTAMPTZ", "our clock when the row's spool segment was durable"),
        Column("sequence", "BIGINT", "count of what this book emitted on this connection"),
        Column("session_id", "VARCHAR", "the connection, see stream_sessions"),
        Column(
            "epoch", "INTEGER", "how often this book started anew; no change is applied across two epochs"
        ),
        *_LEVELS,
        Column("crossed", "BOOLEAN", "best bid at or above best ask"),
        Column("segment_id", "VARCHAR", "the spool segment it came in, see ingest_segments"),
    ),
    partitioned_by=("day", "venue"),
    sorted_by=("market_id", "received_at"),
    expires_by="day",
)

STREAM_SESSIONS: Final = Table(
    "stream_sessions",
    "one connection, from handshake to end",
    (
        Column("session_id", "VARCHAR", "key"),
        Column("venue", "VARCHAR", "polymarket or kalshi"),
        Column("shard", "INTEGER", "which part of the watch list this connection carries"),
        Column("connected_at", "TIMESTAMPTZ", "our clock after the handshake"),
        Column(
            "ended_at", "TIMESTAMPTZ", "our clock at its end; NULL while it lasts or when its process died"
        ),
        Column("reason", "VARCHAR", "why it ended"),
        Column("frames", "BIGINT", "frames received"),
        Column("snapshots", "BIGINT", "snapshots emitted"),
        Column("reconnect_of", "VARCHAR", "the session it replaced"),
    ),
    key=("session_id",),
)

STREAM_EVENTS: Final = Table(
    "stream_events",
    "something that makes a book or a connection less than trustworthy, from started_at to ended_at",
    (
        Column("event_id", "VARCHAR", "key"),
        Column("venue", "VARCHAR", "polymarket or kalshi"),
        Column("market_id", "VARCHAR", "NULL: the whole connection is meant"),
        Column("session_id", "VARCHAR", "the connection, see stream_sessions"),
        Column(
            "kind", "VARCHAR", "gap, silence, resync, quarantine, overflow, crossed, clock_skew or reconnect"
        ),
        Column("started_at", "TIMESTAMPTZ", "from when the book cannot be vouched for"),
        Column("ended_at", "TIMESTAMPTZ", "until when; NULL while it goes on"),
        Column("epoch", "INTEGER", "the book's epoch in which it happened"),
        Column("detail", "VARCHAR", "what happened, in words"),
    ),
    key=("event_id",),
)

QUARANTINED_FRAMES: Final = Table(
    "quarantined_frames",
    "a frame we could not read, as it came",
    (
        Column("received_at", "TIMESTAMPTZ", "our clock when the frame came off the socket"),
        Column("venue", "VARCHAR", "polymarket or kalshi"),
        Column("session_id", "VARCHAR", "the connection, see stream_sessions"),
        Column("reason", "VARCHAR", "what was wrong with it"),
        Column("frame", "BLOB", "its bytes; decode(frame) gives text where it is UTF-8"),
    ),
    expires_by="received_at",
)

INGEST_SEGMENTS: Final = Table(
    "ingest_segments",
    "a spool segment that was promoted into the lake: the ledger that makes landing exactly-once",
    (
        Column("day", "DATE", "UTC day of landed_at"),
        Column("segment_id", "VARCHAR", "key; book_snapshots.segment_id points here"),
        Column("venue", "VARCHAR", "polymarket or kalshi"),
        Column("table_name", "VARCHAR", "the table its rows went to"),
        Column("row_count", "BIGINT", "rows in it"),
        Column(
            "landed_at", "TIMESTAMPTZ", "when it was durable in the spool, which is when it was acknowledged"
        ),
        Column("promoted_at", "TIMESTAMPTZ", "taken just before the commit that made its rows visible"),
    ),
    key=("segment_id",),
    partitioned_by=("day",),
    expires_by="day",
)

STREAM_TABLES: Final = (BOOK_SNAPSHOTS, STREAM_SESSIONS, STREAM_EVENTS, QUARANTINED_FRAMES, INGEST_SEGMENTS)

# What a spool segment may hold, and the columns that its promotion fills in.
SPOOLED_TABLES: Final = (BOOK_SNAPSHOTS, STREAM_SESSIONS, STREAM_EVENTS, QUARANTINED_FRAMES)
PROMOTED_COLUMNS: Final = ("landed_at", "segment_id")
