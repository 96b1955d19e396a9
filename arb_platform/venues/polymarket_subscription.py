"""What we send to Polymarket's market channel: subscriptions in batches, and the keep-alive."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

BATCH: Final = 100
PING_EVERY: Final = timedelta(seconds=10)
# The official client calls a connection stale after 30 s without PONG (polymarket-client 0.14.0).
PONG_WITHIN: Final = timedelta(seconds=30)


class Subscription:
    """The assets of one connection and the frames that ask for them.

    The first frame of a connection opens the subscription and later ones change it: repeating the
    first form is answered with INVALID OPERATION or ignored, and a PING before it closes the
    socket with 1008 (observed by users of the venue, 2026).
    """

    def __init__(self) -> None:
        self.open = False
        self.outgoing: list[str] = []
        self._ping_at: datetime | None = None
        self._unanswered_since: datetime | None = None

    def connected(self, assets: Iterable[str], at: datetime) -> None:
        self.outgoing = []
        self._ping_at = at + PING_EVERY
        self._unanswered_since = None
        self.open = True
        batches = _batches(assets) or [[]]
        self._send({"type": "market", "assets_ids": batches[0], "custom_feature_enabled": True})
        self._subscribe(batches[1:])

    def disconnected(self) -> None:
        self.open = False
        self.outgoing = []
        self._ping_at = self._unanswered_since = None

    def add(self, assets: Iterable[str]) -> None:
        if self.open:
            self._subscribe(_batches(assets))

    def drop(self, assets: Iterable[str]) -> None:
        if self.open:
            for batch in _batches(assets):
                self._send({"operation": "unsubscribe", "assets_ids": batch})

    def frames_to_send(self) -> list[str]:
        outgoing, self.outgoing = self.outgoing, []
        return outgoing

    def tick(self, now: datetime) -> str | None:
        """Queue a PING when one is due; returns why the connection is dead, or None."""
        if self._ping_at is None:
            return None
        if self._unanswered_since is not None and now - self._unanswered_since >= PONG_WITHIN:
            return f"no PONG for {(now - self._unanswered_since).total_seconds():.0f} s"
        if now >= self._ping_at:
            self._ping_at = now + PING_EVERY
            self.outgoing.append("PING")
            if self._unanswered_since is None:
                self._unanswered_since = now
        return None

    def pong(self) -> None:
        self._unanswered_since = None

    def pinged(self) -> None:
        """The venue asked whether we are alive."""
        self.outgoing.append("PONG")

    def _subscribe(self, batches: Iterable[list[str]]) -> None:
        for batch in batches:
            self._send({"operation": "subscribe", "assets_ids": batch, "custom_feature_enabled": True})

    def _send(self, message: dict[str, Any]) -> None:
        self.outgoing.append(json.dumps(message, separators=(",", ":")))


def _batches(assets: Iterable[str]) -> list[list[str]]:
    """Batches of token ids; what is no token id comes last and alone, so that it spoils no other."""
    known = list(dict.fromkeys(assets))
    tokens = [asset for asset in known if asset.isdecimal()]
    others = [asset for asset in known if not asset.isdecimal()]
    return [
        group[start : start + BATCH] for group in (tokens, others) for start in range(0, len(group), BATCH)
    ]
