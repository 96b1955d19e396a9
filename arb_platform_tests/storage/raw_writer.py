"""A recording in a process that can be killed: ``python -m arb_platform_tests.storage.raw_writer ROOT``.

Numbered frames without end; prints how many segments are finished after each.
"""

import itertools
import sys
from datetime import timedelta
from pathlib import Path

from arb_platform.storage.raw_frames import FRAME, RawRow, RawWriter, write_all
from arb_platform_tests.storage.samples import NOON

ROWS = 100


def main(root):
    finished = 0

    def write(descriptor, content):
        nonlocal finished
        write_all(descriptor, content)
        # one before this one is certainly finished
        print(finished, flush=True)
        finished += 1

    writer = RawWriter(root, "kalshi", run="a" * 32, metadata={"max_depth": 3}, write_bytes=write)
    for number in itertools.count():
        row = RawRow(FRAME, 0, NOON + timedelta(milliseconds=number), "s-1", str(number).encode())
        while not writer.put(row):
            pass
        if number % ROWS == ROWS - 1:
            writer.cut()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
