"""Stream events of one feed, numbered."""

from datetime import datetime

from arb_platform.domain.streams import EventKind, QuarantinedFrame, StreamEvent

# Larger frames are not parsed; the largest real one (a first answer of 200 books) has under 2 MB.
LARGEST_FRAME = 32 * 1024 * 1024
# What is kept of a frame that we cannot read; the reason says how long it was.
KEPT_BYTES = 64 * 1024


class Journal:
    """Makes the rows that a feed tells: event ids are the session's id and a running number."""

    __slots__ = ("_number", "session_id", "venue")

    def __init__(self, venue: str) -> None:
        self.venue = venue
        self.session_id = ""
        self._number = 0

    def event(
        self,
        kind: EventKind,
        started_at: datetime,
        *,
        market_id: str | None = None,
        ended_at: datetime | None = None,
        epoch: int | None = None,
        detail: str = "",
    ) -> StreamEvent:
        self._number += 1
        return StreamEvent(
            event_id=f"{self.session_id or self.venue}:{kind}:{self._number}",
            venue=self.venue,
            kind=kind,
            started_at=started_at,
            ended_at=ended_at,
            market_id=market_id,
            session_id=self.session_id,
            epoch=epoch,
            detail=detail,
        )

    def quarantine(self, frame: bytes | str, received_at: datetime, reason: str) -> QuarantinedFrame:
        """The row of a frame that was not understood, with its first 64 KiB."""
        # A surrogate cannot come from a socket, but from a caller's text.
        start = frame[:KEPT_BYTES]
        kept = start.encode("utf-8", "surrogatepass") if isinstance(start, str) else bytes(start)
        if len(frame) > KEPT_BYTES:
            reason = f"{reason} (the first {KEPT_BYTES} of {len(frame)} are kept)"
        return QuarantinedFrame(self.venue, received_at, reason, kept, self.session_id)
