"""A stream's landing without a stream, in processes that can be killed.

Each line on stdin names a session; a fork of this process then prints its process id, writes
segments of 20 numbered rows on and on, promotes in a thread, and prints each segment's number after
its acknowledgement. The parent never opens a lake and has no threads, so that forking it is safe,
and the imports are paid for once: ``python -m arb_platform_tests.storage.writer LOCATION [SEGMENTS]``.
"""

import os
import sys
import threading

from arb_platform.storage.lake import Lake
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.spool import Spool
from arb_platform_tests.storage.address import location_of
from arb_platform_tests.storage.samples import rows

ROWS = 20


def land(location, session, segments):
    spool, stop = Spool(location.root), threading.Event()
    with Lake.open(location) as lake:
        promoter = Promoter(lake, spool)
        thread = threading.Thread(target=promoter.run, args=(stop, 0.02), daemon=True)
        thread.start()
        for number in range(segments):
            spool.write("kalshi", "book_snapshots", rows(ROWS, start=number * ROWS, session=session))
            print(number, flush=True)
            stop.wait(0.005)
        stop.set()
        thread.join()
        print(f"failures {promoter.failures} {promoter.last_error}", flush=True)


def main(location, segments):
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            print(os.getpid(), flush=True)
            land(location, line.strip(), segments)
            os._exit(0)
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main(location_of(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000)
