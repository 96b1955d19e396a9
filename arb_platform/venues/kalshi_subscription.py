"""What we send to Kalshi's websocket, and what its answers to that mean."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from arb_platform.venues.kalshi_wire import Fault

# 256 tickers a command was a documented cap once.
BATCH: Final = 200
CHANNEL: Final = "orderbook_delta"
# docs.kalshi.com, websocket error codes.
UNKNOWN_SID: Final = 7
NO_AUTH: Final = 9
CHANNEL_ERROR: Final = 10
OVERFLOW: Final = 25
MARKET_LIMIT: Final = 26
COMMAND_RATE: Final = 27
# After these the subscription is dead and must be made anew.
TERMINAL: Final = frozenset({UNKNOWN_SID, CHANNEL_ERROR, OVERFLOW})
# The venue's own trouble with a command that is right; the same command may be good later.
PASSING: Final = frozenset({1, 18, COMMAND_RATE})
RETRY_AFTER: Final = timedelta(seconds=1)
RETRIES: Final = 5
RESUBSCRIPTIONS: Final = 3


class _Command(NamedTuple):
    action: str
    tickers: list[str]


class Subscription:
    """One subscription to ``orderbook_delta`` and the tickers in it.

    The first batch subscribes and brings the sid, the others are added to it, so that one sequence
    covers all books. A batch that the venue refuses is halved until the tickers at fault are alone.
    """

    def __init__(self) -> None:
        self.sid: int | None = None
        self.open = False
        # tickers that the venue does not take, with its reason
        self.refused: dict[str, str] = {}
        self.reconnect_reason: str | None = None
        self.outgoing: list[str] = []
        self._groups: list[list[str]] = []
        self._sent: dict[int, _Command] = {}
        self._number = 0
        self._subscribing = False
        self._retry_at: datetime | None = None
        self._retries = 0
        self._renewals = 0

    def connected(self, tickers: Iterable[str]) -> None:
        self.__init__()  # type: ignore[misc]
        self.open = True
        self.add(tickers)

    def disconnected(self) -> None:
        self.open = False
        self.outgoing = []

    def add(self, tickers: Iterable[str]) -> None:
        if self.open:
            self._groups += _batches(tickers)
            self._advance()

    def drop(self, tickers: Sequence[str]) -> None:
        dropped = set(tickers)
        self._groups = [
            left for group in self._groups if (left := [one for one in group if one not in dropped])
        ]
        if self.sid is not None:
            for batch in _batches(tickers):
                self._update("delete_markets", batch)

    def ask_snapshots(self, tickers: Iterable[str]) -> None:
        """``get_snapshot``: the whole book in sequence, unlike REST, whose books may be 15 s old."""
        if self.sid is not None:
            for batch in _batches(tickers):
                self._update("get_snapshot", batch)

    def subscribed(self, sid: int) -> None:
        """Our books come under ``sid``: known from the acknowledgement, or from a first book without one."""
        self.sid = sid
        self._subscribing = False
        self._advance()

    def dead(self, tickers: Iterable[str], reason: str) -> None:
        """The venue ended the subscription; make a new one, but not for ever."""
        self.sid = None
        self._subscribing = False
        self._renewals += 1
        if self._renewals > RESUBSCRIPTIONS:
            self.reconnect_reason = f"the subscription ended {self._renewals} times: {reason}"
            return
        self._groups = _batches(tickers)
        self._advance()

    def failed(self, number: int | None, fault: Fault, now: datetime) -> list[str]:
        """An error answer to command ``number``; returns tickers that are given up."""
        command = self._sent.pop(number, None) if number is not None else None
        reason = f"error {fault.code}: {fault.msg[:200]}"
        if fault.code == NO_AUTH:
            self.reconnect_reason = reason
            return []
        if command is None or command.action == "delete_markets":
            return []
        if command.action == "subscribe":
            self._subscribing = False
        if fault.code in PASSING:
            self._later(command, reason, now)
            return []
        if command.action == "get_snapshot":
            return []
        return self._refuse(command.tickers, fault, reason)

    def tick(self, now: datetime) -> None:
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            self._advance()

    def frames_to_send(self) -> list[str]:
        outgoing, self.outgoing = self.outgoing, []
        return outgoing

    def _later(self, command: _Command, reason: str, now: datetime) -> None:
        self._retries += 1
        if self._retries > RETRIES:
            self.reconnect_reason = f"a command failed {self._retries} times: {reason}"
        elif command.action in ("subscribe", "add_markets"):
            self._groups.append(command.tickers)
            self._retry_at = now + RETRY_AFTER * 2**self._retries

    def _refuse(self, tickers: list[str], fault: Fault, reason: str) -> list[str]:
        if fault.code == MARKET_LIMIT:
            given_up = tickers
        elif fault.market_ticker in tickers:
            given_up = [fault.market_ticker]
            self._groups += _batches(one for one in tickers if one != fault.market_ticker)
        elif len(tickers) > 1:
            half = len(tickers) // 2
            self._groups += [tickers[:half], tickers[half:]]
            given_up = []
        else:
            given_up = tickers
        self.refused.update(dict.fromkeys(given_up, reason))
        self._advance()
        return given_up

    def _advance(self) -> None:
        if self._retry_at is not None or not self._groups or not self.open:
            return
        if self.sid is None:
            if not self._subscribing:
                self._subscribing = True
                tickers = self._groups.pop(0)
                # Sent although it is the default: the default will change without a date (docs.kalshi.com).
                params = {"channels": [CHANNEL], "market_tickers": tickers, "use_yes_price": False}
                self._send("subscribe", params, _Command("subscribe", tickers))
            return
        groups, self._groups = self._groups, []
        for tickers in groups:
            self._update("add_markets", tickers)

    def _update(self, action: str, tickers: list[str]) -> None:
        params = {"sids": [self.sid], "market_tickers": tickers, "action": action}
        self._send("update_subscription", params, _Command(action, tickers))

    def _send(self, cmd: str, params: dict[str, Any], command: _Command) -> None:
        self._number += 1
        self._sent[self._number] = command
        message = {"id": self._number, "cmd": cmd, "params": params}
        self.outgoing.append(json.dumps(message, separators=(",", ":")))

    def answered(self, number: int | None) -> None:
        """Forget a command that was answered well."""
        if number is not None:
            self._sent.pop(number, None)


def _batches(tickers: Iterable[str]) -> list[list[str]]:
    known = list(dict.fromkeys(tickers))
    return [known[start : start + BATCH] for start in range(0, len(known), BATCH)]
