"""Maintenance in processes that can be killed, as writer.py does for landing.

Each line on stdin is a number of rounds; a fork of this process then prints its process id, lands
that many small commits, prints how many rows there are and their hash, says ``maintaining``, and
maintains and prints ``done`` with the milliseconds it took.
"""

import os
import sys
import time
from datetime import UTC, datetime, timedelta

from arb_platform.storage.lake import Lake
from arb_platform.storage.maintenance import maintain
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.spool import Spool
from arb_platform_tests.storage.address import location_of
from arb_platform_tests.storage.samples import rows

CONTENT = "SELECT count(*), sum(hash(t)::HUGEINT) FROM book_snapshots t"
ROWS = 50
# So late that snapshots expire and the files of the maintenance before go.
LATER = timedelta(days=3)


def work(location, rounds, session):
    spool = Spool(location.root)
    with Lake.open(location) as lake:
        promoter = Promoter(lake, spool)
        for number in range(rounds):
            spool.write("kalshi", "book_snapshots", rows(ROWS, start=number * ROWS, session=session))
            promoter.promote()
        print(*lake.query(CONTENT).row(0), flush=True)
        print("maintaining", flush=True)
        began = time.monotonic()
        maintain(lake, retention_days=3650, now=datetime.now(UTC) + LATER)
        print("done", int((time.monotonic() - began) * 1000), flush=True)


def main(location):
    for number, line in enumerate(sys.stdin):
        child = os.fork()
        if child == 0:
            print(os.getpid(), flush=True)
            work(location, int(line), f"s-{number}")
            os._exit(0)
        os.waitpid(child, 0)
        print("gone", flush=True)


if __name__ == "__main__":
    main(location_of(sys.argv[1]))
