"""How commands talk: results on stdout, progress on stderr, lines instead of bars without a terminal."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

# Without a terminal there is no width to fit into.
_PIPE_WIDTH = 160
out = Console(soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = Console(stderr=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout; what JSON does not know becomes text."""
    sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_table(title: str, columns: list[str], rows: list[list[Any]]) -> None:
    table = Table(*columns, title=title, title_justify="left", box=None, header_style="bold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(table)


class Steps:
    """Progress of one long work: ``at(done, total)``; total 0 means that nobody knows."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar: Progress | None = None
        self._task: Any = None
        self._next_line = 1

    @contextmanager
    def shown(self) -> Iterator["Steps"]:
        if not err.is_terminal:
            yield self
            return
        columns = (
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        )  # fmt: skip
        with Progress(*columns, console=err, transient=True) as bar:
            self._bar, self._task = bar, bar.add_task(self._label, total=None)
            yield self

    def at(self, done: int, total: int = 0) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total or None)
        elif done >= self._next_line or (total and done == total):
            # Each line is twice as far as the one before: a log stays short however long the work.
            err.print(f"{self._label}: {done}" + (f" of {total}" if total else ""), highlight=False)
            self._next_line = max(done, 1) * 2
