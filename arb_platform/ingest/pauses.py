"""The interpreter set up so that nothing holds up the event loop of a stream for long."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# How long a thread that lands rows may keep the loop waiting; Python's own 5 ms shows in the p99.
SWITCH_SECONDS: Final = 0.000_5
# A young collection looks at 2,000 objects, which takes under a millisecond. The older ones look at
# every row that waits to be landed and find nothing: no cycle is made on the way of a frame.
THRESHOLDS: Final = (2_000, 5_000, 10)


@contextmanager
def short_pauses() -> Iterator[None]:
    """For a whole process: everything that is loaded by now is left out of garbage collections.

    It is taken in again at the end, because DuckDB reports what is frozen at exit as leaked.
    """
    thresholds, seconds = gc.get_threshold(), sys.getswitchinterval()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(seconds)
        gc.set_threshold(*thresholds)
        gc.unfreeze()
