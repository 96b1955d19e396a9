"""A stream's process for T8: frames on standard input, a line each; books and rows as in the live one.

Run as ``python -m arb_platform_tests.benchmarks.soak SEED FOLDER``; lands in ``FOLDER``, and says its
memory in MB after every ``LOOK`` frames, then ``books`` and the whole books as JSON.
"""

import gc
import json
import sys
from pathlib import Path
from typing import Final

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.markets import POLYMARKET
from arb_platform.ingest.recorder import BATCH_ROWS
from arb_platform.storage.spool import Spool
from arb_platform.storage.stream_tables import BOOK_SNAPSHOTS
from arb_platform.storage.streams import snapshot_rows
from arb_platform_tests.benchmarks.hot_path import AT, MARKETS
from arb_platform_tests.benchmarks.load import source
from arb_platform_tests.benchmarks.measure import FEEDS, our_book, resident_mb

LOOK: Final = 20_000


def main(seed: int, folder: Path) -> None:
    markets = source(POLYMARKET, markets=MARKETS, seed=seed).markets
    gc.collect()
    feed = FEEDS[POLYMARKET](markets)
    feed.connected("bench", AT)
    spool = Spool(folder)
    handed = []
    for number, line in enumerate(sys.stdin.buffer, 1 - MARKETS):
        handed += [(one, AT) for one in feed.receive(line, AT) if isinstance(one, BookSnapshot)]
        if len(handed) >= BATCH_ROWS:
            spool.write(POLYMARKET, BOOK_SNAPSHOTS.name, snapshot_rows(handed)).path.unlink()
            handed.clear()
        if number > 0 and number % LOOK == 0:
            print(f"{resident_mb():.2f}", flush=True)
    print("books")
    json.dump({market.market_id: our_book(feed, market.market_id) for market in markets}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
