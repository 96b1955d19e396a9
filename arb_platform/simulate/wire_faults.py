"""Faults between a venue and one client: frames lost, doubled, cut, out of order, and things that are no frames."""

import re
from collections.abc import Callable
from typing import Final

from arb_platform.simulate.faults import Faults

# Builds a venue's own "unknown" or "nonsense" message about a market.
Oddity = Callable[[str, str | None], bytes]
_TIME: Final = re.compile(rb'"(timestamp|ts_ms)":("?)\d+("?)')
_SKEWED: Final = (b"0", b"4102444800000")
_GARBAGE: Final = (
    b"\x00\x01\x02 this is no JSON",
    b'{"event_type":"book","bids":[{"price":"0.5",',
    b"<html>502 Bad Gateway</html>",
    b"nul",
    b'"just a string"',
    b"[" * 2_000 + b"]" * 1_999,
    b"",
)
_HUGE: Final = 40 * 2**20


class FaultyWire:
    """The wire to one client. Only frames that change a book can be lost, cut, doubled or moved."""

    __slots__ = ("_faults", "_held", "_losing", "_name", "oddity")

    def __init__(self, faults: Faults, name: str, oddity: Oddity | None = None) -> None:
        self._faults = faults
        self._name = name
        self._held: bytes | None = None
        self._losing = 0
        self.oddity = oddity

    @property
    def busy(self) -> bool:
        """True while a run of frames is being lost or one is held back."""
        return bool(self._losing) or self._held is not None

    def passes(self, frame: bytes, market_id: str | None, detail: str) -> list[bytes]:
        """What arrives at the client in place of ``frame``."""
        out = self._insertions(market_id)
        passed = self._book_frame(frame, market_id, detail) if detail else [frame]
        if self._held is not None and passed and passed[0] is not self._held:
            passed.append(self._held)
            self._held = None
        elif passed and passed[0] is self._held:
            passed = []
        return out + passed

    def _book_frame(self, frame: bytes, market_id: str | None, detail: str) -> list[bytes]:
        faults = self._faults
        if self._losing:
            self._losing -= 1
            return []
        for word in ("drop", "gap", "truncate", "duplicate", "reorder", "skew"):
            if (word == "reorder" and self._held is not None) or not faults.strikes(word):
                continue
            if word == "skew" and not _TIME.search(frame):
                continue  # Kalshi's old form tells no time
            faults.record(word, market_id=market_id, connection=self._name, detail=detail)
            return self._spoiled(word, frame)
        return [frame]

    def _spoiled(self, word: str, frame: bytes) -> list[bytes]:
        rng = self._faults.rng
        if word == "drop":
            return []
        if word == "gap":
            self._losing = rng.randint(1, 19)
            return []
        if word == "truncate":
            return [frame[: rng.randint(1, max(1, len(frame) - 2))]]
        if word == "duplicate":
            return [frame, frame]
        if word == "skew":
            moment = rng.choice(_SKEWED)
            return [_TIME.sub(rb'"\g<1>":\g<2>' + moment + rb"\g<3>", frame)]
        self._held = frame
        return [frame]

    def _insertions(self, market_id: str | None) -> list[bytes]:
        faults, inserted = self._faults, []
        for word in ("garbage", "unknown", "nonsense", "huge"):
            if (word in ("unknown", "nonsense") and self.oddity is None) or not faults.strikes(word):
                continue
            faults.record(word, market_id=market_id, connection=self._name)
            inserted.append(self._oddity(word, market_id))
        return inserted

    def _oddity(self, word: str, market_id: str | None) -> bytes:
        if word == "garbage":
            return self._faults.rng.choice(_GARBAGE)
        if word == "huge":
            return b"[" + b" " * _HUGE + b"]"
        assert self.oddity is not None
        return self.oddity(word, market_id)
