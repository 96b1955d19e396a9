"""What every asset tells in the same words: its columns, what a run wrote, what is missing before it, and why it failed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import dagster as dg

from arb_platform.api import lake_location
from arb_platform.domain.errors import ArbError
from arb_platform.settings import Settings
from arb_platform.storage.documentation import view_columns
from arb_platform.storage.lake import Lake
from arb_platform.storage.schema import TABLES
from arb_platform.storage.views import VIEWS

# Which rows are there once an asset was made, by a run or by the command line.
_ROWS: Final[Mapping[str, str]] = {
    "polymarket_markets": "market_versions WHERE venue = 'polymarket'",
    "kalshi_markets": "market_versions WHERE venue = 'kalshi'",
    "order_book_snapshots": "book_snapshots",
    "candidate_pairs": "candidate_pairs",
    "pair_verdicts": "verdicts",
    "matched_pairs": "matched_pairs",
}


def columns_of(name: str) -> dict[str, dg.TableSchema]:
    """The definition metadata of an asset that is the table or view ``name`` of the lake."""
    if name in TABLES:
        columns = [
            dg.TableColumn(one.name, type=one.type, description=one.text) for one in TABLES[name].columns
        ]
    else:
        view = next(view for view in VIEWS if view.name == name)
        columns = [dg.TableColumn(own, description=text) for own, text in view_columns(view).items()]
    return {"dagster/column_schema": dg.TableSchema(columns)}


def sql_since(table: str, column: str, at: datetime, *, also: str = "") -> dict[str, dg.MetadataValue[Any]]:
    """Metadata with the query that shows what a run which began at ``at`` wrote."""
    more = f" AND {also}" if also else ""
    return sql_of_run(
        f"SELECT * FROM lake.{table} WHERE \"{column}\" >= TIMESTAMPTZ '{at:%Y-%m-%d %H:%M:%S.%f}+00'{more}"
    )


def sql_of_run(query: str) -> dict[str, dg.MetadataValue[Any]]:
    """Metadata with ``query``, ready for `arb sql`."""
    return {"sql_of_this_run": dg.MetadataValue.md(f"```sql\n{query}\n```")}


def missing_before(settings: Settings, upstream: Sequence[str]) -> dict[str, str]:
    """Metadata that names the assets of ``upstream`` of which the lake has nothing yet; empty when all are there."""
    with Lake.open(lake_location(settings), read_only=True) as lake:
        missing = [
            asset for asset in upstream if lake.query(f"SELECT 1 FROM {_ROWS[asset]} LIMIT 1").is_empty()
        ]
    if not missing:
        return {}
    how = {"order_book_snapshots": "stream_keeper starts the streams that bring it"}
    steps = [how.get(asset, f"materialize {asset} first") for asset in missing]
    return {"missing_upstream": f"nothing yet of {', '.join(missing)}: {'; '.join(steps)}"}


@contextmanager
def failing_plainly() -> Iterator[None]:
    """What went wrong and what to do next is the run's failure, without the program's insides."""
    try:
        yield
    except ArbError as error:
        raise dg.Failure(str(error)) from error
