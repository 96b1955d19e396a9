"""Verdicts on their way into the lake: durable at once, there in the background, many at a time."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Self

from arb_platform.domain.pairs import Verdict
from arb_platform.storage.ledger import LakeLedger

# A transaction costs a tenth of a second whatever is in it, so not every small batch gets one of its own.
AT_ONCE: Final = 2_000
SECONDS: Final = 10.0


class VerdictKeeper:
    """``keep`` is for :func:`arb_platform.matching.validation.validate_candidates`.

    What it was given is durable in the ledger's journal when it returns: a process that is killed then
    leaves it for the next one to merge. An error of the merge in the background is raised by the next ``keep``.
    """

    def __init__(
        self,
        ledger: LakeLedger,
        *,
        at_once: int = AT_ONCE,
        seconds: float = SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._at_once, self._seconds = at_once, seconds
        self._monotonic = monotonic
        self._doubts: list[Verdict] = []
        self._waiting = 0
        self._merged_at = monotonic()
        self._merge: Future[int] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="verdicts")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Waits for the merge under way; what is left is merged when the ledger is closed."""
        self._thread.shutdown(wait=True)

    def doubt(self, verdict: Verdict) -> None:
        """The first model's word where a second one decides; kept with the next batch."""
        self._doubts.append(verdict)

    def keep(self, verdicts: Sequence[Verdict]) -> None:
        """Durable when this returns. Raises StorageError."""
        if self._merge is not None and self._merge.done():
            merge, self._merge = self._merge, None
            merge.result()
        self._ledger.keep_verdicts([*self._doubts, *verdicts])
        self._doubts.clear()
        self._waiting += len(verdicts)
        late = self._monotonic() - self._merged_at >= self._seconds
        if self._merge is None and (late or self._waiting >= self._at_once):
            self._waiting, self._merged_at = 0, self._monotonic()
            self._merge = self._thread.submit(self._ledger.flush)
