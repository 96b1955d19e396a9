"""The seam between a venue's protocol and the world: bytes in, snapshots and frames-to-send out.

A feed has no socket and no clock (the sans-I/O pattern), so every rule of a venue's protocol can
be tested with a list of frames. An adapter owns the socket and drives one feed per connection
shard for as long as the process lives, across reconnects.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.markets import Market
from arb_platform.domain.streams import FeedOutput


class Feed(Protocol):
    """One shard of one venue: its books, its subscription, its idea of what is missing."""

    venue: str

    @property
    def markets(self) -> Sequence[Market]:
        """The markets that are followed now."""

    def connected(self, session_id: str, at: datetime) -> list[FeedOutput]:
        """A new connection is up: every book starts a new epoch and waits for its first snapshot.

        Queues the subscription; read it with :meth:`frames_to_send`.
        """

    def receive(self, frame: bytes | str, received_at: datetime) -> list[FeedOutput]:
        """Apply one frame and return what it changed: usually nothing or one snapshot.

        Never raises on bad input: what cannot be read comes back as a QuarantinedFrame.
        """

    def tick(self, now: datetime) -> list[FeedOutput]:
        """Let time pass: keep-alives become due, healing that took too long gives up."""

    @property
    def wants_something(self) -> bool:
        """True when there is something to drain below, or a reason to reconnect; asked after every frame."""

    def frames_to_send(self) -> list[str]:
        """Drain the frames that want to go out."""

    def books_wanted(self) -> list[str]:
        """Drain the market or asset ids whose book should be fetched over REST."""

    def receive_book(self, book: Any, received_at: datetime) -> list[FeedOutput]:
        """Apply the decoded REST answer for a book asked for by :meth:`books_wanted`, or compare it with a live one."""

    def disconnected(self, at: datetime, reason: str) -> list[FeedOutput]:
        """The connection is gone: nothing we hold can be vouched for any more."""

    @property
    def reconnect_reason(self) -> str | None:
        """Why this connection should be replaced, or None while it is fine."""

    @property
    def last_market_frame_at(self) -> datetime | None:
        """When market data last came on this connection; keep-alives do not count."""

    @property
    def good_frames(self) -> int:
        """Frames of this connection that carried market data; the back-off is reset by the first."""

    def snapshot_of(self, market_id: str) -> BookSnapshot | None:
        """The book of ``market_id`` as it stands, or None while it cannot be vouched for."""
