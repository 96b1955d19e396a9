"""The markets of one listing on their way into the lake, in a file: a venue lists more than memory should hold."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from arb_platform.domain.markets import Market
from arb_platform.storage.lake import Connection
from arb_platform.storage.market_rows import market_frame

_SUFFIX: Final = ".incoming"
# Longer than any listing takes: what is older was left by a process that was killed.
_LEFT_OVER: Final = timedelta(days=1)
# Markets in memory before they are a row group; a page of a venue is shorter.
_AT_ONCE: Final = 2_000


class MarketIntake:
    """Takes markets page by page; one that comes again replaces the one before.

    A context manager: the file is gone when it ends, whatever happened.
    """

    def __init__(self, directory: Path, *, at: datetime) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        _sweep(directory, at)
        self.path = directory / f"{uuid4().hex}{_SUFFIX}"
        self._waiting: list[Market] = []
        self._writer: pq.ParquetWriter | None = None
        # by id the place of its newest row, and the places of rows that were replaced
        self._places: dict[str, int] = {}
        self._replaced: list[int] = []
        self._rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        self.path.unlink(missing_ok=True)

    def __len__(self) -> int:
        """How many markets there are, each once."""
        return len(self._places)

    def add(self, markets: Sequence[Market]) -> None:
        for market in markets:
            before = self._places.get(market.market_id)
            if before is not None:
                self._replaced.append(before)
            self._places[market.market_id] = self._rows
            self._rows += 1
            self._waiting.append(market)
        if len(self._waiting) >= _AT_ONCE:
            self._write()

    def register(self, connection: Connection, name: str) -> None:
        """Make the newest row of every market a temporary view."""
        if self._waiting or self._writer is None:
            self._write()
        assert self._writer is not None
        self._writer.close()
        path = str(self.path).replace("'", "''")
        replaced = ", ".join(str(place) for place in self._replaced)
        where = f"WHERE place NOT IN ({replaced})" if replaced else ""
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * EXCLUDE (place) FROM read_parquet('{path}') {where}"
        )

    def _write(self) -> None:
        table = market_frame(self._waiting).to_arrow()
        first = self._rows - len(self._waiting)
        table = table.append_column("place", pa.array(range(first, self._rows), pa.int64()))
        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, table.schema, compression="zstd")
        self._writer.write_table(table)
        self._waiting.clear()


def _sweep(directory: Path, at: datetime) -> None:
    for left in directory.glob(f"*{_SUFFIX}"):
        with suppress(OSError):
            if left.stat().st_mtime < (at - _LEFT_OVER).timestamp():
                left.unlink()
