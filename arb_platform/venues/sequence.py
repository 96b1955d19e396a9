"""Sequence numbers that count over all frames of a subscription."""

from enum import Enum
from typing import Final

# So many old numbers in a row, each one more than the last, are no echo: the venue counts anew.
RESTARTED_AFTER: Final = 8


class Step(Enum):
    NEXT = "next"
    DUPLICATE = "duplicate"
    GAP = "gap"
    RESTART = "restart"


class Sequences:
    """The last number of each subscription; ``last`` may be advanced by one from outside, for speed."""

    __slots__ = ("_echo", "last")

    def __init__(self) -> None:
        self.last: dict[int, int] = {}
        # sid -> (last old number, how many in a row, the newest number meanwhile)
        self._echo: dict[int, tuple[int, int, int]] = {}

    def step(self, sid: int, seq: int) -> Step:
        """What this number means, and take note of it.

        A subscription may be met in the middle: its first number is always right.
        """
        last = self.last.get(sid)
        if last is None or seq == last + 1:
            self.last[sid] = seq
            return Step.NEXT
        if seq <= last:
            before, row, newest = self._echo.get(sid, (seq, 0, last))
            # A new number in between means that the sequence goes on, and this is an echo of it.
            row = row + 1 if seq == before + 1 and newest == last else 1
            if row < RESTARTED_AFTER:
                self._echo[sid] = (seq, row, last)
                return Step.DUPLICATE
        self.last[sid] = seq
        self._echo.pop(sid, None)
        return Step.GAP if seq > last else Step.RESTART

    def forget(self, sid: int | None = None) -> None:
        """Start anew with this subscription, or with all of them."""
        if sid is None:
            self.last.clear()
            self._echo.clear()
        else:
            self.last.pop(sid, None)
            self._echo.pop(sid, None)
