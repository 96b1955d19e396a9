"""``arb sql``: read-only SQL on the lake, at any moment."""

import os
import readline
import sys
from pathlib import Path
from typing import get_args

import click

from arb_platform import api
from arb_platform.cli.options import profile_option, settings_for
from arb_platform.domain.errors import ArbError, StorageError
from arb_platform.storage.lake import Lake
from arb_platform.storage.sql import Format, query_only, render, run_query

_HELP = "End a query with ; and Enter. .tables lists the tables, .quit leaves, Ctrl-C drops what you typed."


@click.command()
@click.argument("query", required=False)
@click.option("--format", "form", type=click.Choice(get_args(Format)), default="table", show_default=True)
@profile_option
def sql(query: str | None, form: Format, profile: str | None) -> None:
    """Run QUERY on the lake, read-only; without one, an interactive shell (or queries from a pipe)."""
    settings = settings_for(profile)
    location = api.lake_location(settings)
    if query is None and not sys.stdin.isatty():
        query = sys.stdin.read()
    if query is not None:
        click.echo(render(run_query(location, query), form))
        return
    with Lake.open(location, read_only=True) as lake:
        _shell(lake, form, settings.root / ".sql_history")


def _shell(lake: Lake, form: Format, history: Path) -> None:
    click.echo(f"lake at {lake.location.root}, read-only. {_HELP}")
    if history.exists():
        readline.read_history_file(history)
    try:
        while (text := _statement()) is not None:
            _answer(lake, text, form)
    finally:
        readline.set_history_length(2000)
        try:
            readline.write_history_file(history)
        except OSError as error:
            raise StorageError(
                f"the history could not be kept in {history} ({os.strerror(error.errno or 0)})"
            ) from error


def _statement() -> str | None:
    """What was typed up to a semicolon, or None at the end of input."""
    lines: list[str] = []
    while True:
        try:
            line = input("arb> " if not lines else "...> ")
        except EOFError:
            click.echo()
            return None
        except KeyboardInterrupt:
            click.echo()
            lines = []
            continue
        word = line.strip()
        if not lines and word in {".quit", ".exit", "exit", "quit"}:
            return None
        if not lines and word.startswith("."):
            return word
        lines.append(line)
        if word.endswith(";"):
            return "\n".join(lines).rstrip().rstrip(";")


def _answer(lake: Lake, text: str, form: Format) -> None:
    if text == ".tables":
        text = "SELECT table_name, table_type FROM information_schema.tables WHERE table_catalog = 'lake' ORDER BY 1"
    elif text.startswith("."):
        click.echo(_HELP)
        return
    if not text.strip():
        return
    try:
        click.echo(render(query_only(lake, text), form))
    except ArbError as error:
        click.echo(f"arb: {error}", err=True)
