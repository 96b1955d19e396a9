"""Markets as rows of ``market_versions`` and back, exactly."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any, Final

import polars as pl
import pyarrow as pa

from arb_platform.domain.markets import Market
from arb_platform.storage.catalogue_tables import MARKET_VERSIONS
from arb_platform.storage.columns import ARROW_TYPES, Column
from arb_platform.storage.text import storable

# Follow the venue in the current version; a change of them is no new version.
VOLATILE: Final = (
    "status", "volume", "tick_size", "min_order_size", "fee_type", "fee_rate", "fee_exponent",
    "fee_multiplier", "result", "mutually_exclusive", "symbol", "category", "event_id", "series_id", "asset_ids",
)  # fmt: skip
# More digits than any column holds: Python's default of 28 would round DECIMAL(38,12).
_WIDE: Final = Context(prec=80)
_OWN: Final = frozenset({"content_hash", "exact", "valid_from", "valid_to", "gone"})
MARKET_COLUMNS: Final = tuple(column for column in MARKET_VERSIONS.columns if column.name not in _OWN)
_DECIMALS: Final = tuple(column.name for column in MARKET_COLUMNS if column.type.startswith("DECIMAL"))
_SCHEMA: Final = pa.schema(
    [MARKET_VERSIONS.arrow_schema().field(column.name) for column in MARKET_COLUMNS]
    + [("content_hash", pa.string()), ("exact", pa.string())]
)

# The columns that a listing tells.
LISTED: Final = tuple(_SCHEMA.names)


def market_frame(markets: Sequence[Market]) -> pl.DataFrame:
    """One row per market: its fields, ``content_hash`` and ``exact``.

    What a column cannot hold exactly (a strike of 13 decimals, a lone surrogate) is stored as near
    as it can be for SQL, and exactly as JSON in ``exact`` for :func:`read_market`.
    """
    exact: list[dict[str, Any]] = [{} for _ in markets]
    columns: list[pa.Array] = []
    for column in MARKET_COLUMNS:
        values = [getattr(market, column.name) for market in markets]
        columns.append(_column(column, values, exact))
    columns.append(pa.array([market.content_hash for market in markets], pa.string()))
    columns.append(pa.array([json.dumps(held) if held else None for held in exact], pa.string()))
    frame = pl.from_arrow(pa.table(columns, schema=_SCHEMA))
    assert isinstance(frame, pl.DataFrame)
    return frame


def read_market(row: dict[str, Any]) -> Market:
    """The Market of a row, every field as it was saved."""
    fields = {column.name: row[column.name] for column in MARKET_COLUMNS}
    for name in ("outcomes", "asset_ids"):
        fields[name] = tuple(fields[name] or ())
    if fields["close_time"] is not None:
        fields["close_time"] = fields["close_time"].astimezone(UTC)
    for name in _DECIMALS:
        if fields[name] is not None:
            fields[name] = _plain(fields[name])
    if row["exact"] is not None:
        fields |= {name: _restored(name, value) for name, value in json.loads(row["exact"]).items()}
    return Market(**fields)


def _column(column: Column, values: list[Any], exact: list[dict[str, Any]]) -> pa.Array:
    kind = ARROW_TYPES[column.type]
    stored: list[Any]
    if column.type.startswith("DECIMAL"):
        stored = [_fitting(value, kind.precision, kind.scale) for value in values]
    elif column.type == "VARCHAR":
        stored = [storable(value) for value in values]
    elif column.type == "VARCHAR[]":
        stored = [None if value is None else tuple(storable(text) for text in value) for value in values]
    elif column.type == "TIMESTAMPTZ":
        stored = [None if value is None else _aware(value) for value in values]
    else:
        return pa.array(values, kind)
    for held, value, kept in zip(exact, values, stored, strict=True):
        if value != kept:
            held[column.name] = str(value) if isinstance(value, Decimal) else value
    return pa.array(stored, kind)


def _fitting(number: Decimal | None, precision: int, scale: int) -> Decimal | None:
    """``number`` rounded to ``scale``, or None where it is too large or no number for its column."""
    if number is None or not number.is_finite() or number.adjusted() >= precision - scale:
        return None
    if number.as_tuple().exponent >= -scale:  # type: ignore[operator]
        return number
    rounded = number.quantize(Decimal(1).scaleb(-scale), context=_WIDE)
    return rounded if rounded.adjusted() < precision - scale else None


def _plain(number: Decimal) -> Decimal:
    """``number`` without the zeros of its column's scale, and without an exponent."""
    short = number.normalize(_WIDE)
    return short if short.as_tuple().exponent <= 0 else short.quantize(Decimal(1), context=_WIDE)  # type: ignore[operator]


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a market's close_time has no time zone")
    return moment.astimezone(UTC)


def _restored(name: str, value: Any) -> Any:
    column = MARKET_VERSIONS.column(name)
    if column.type.startswith("DECIMAL"):
        return Decimal(value)
    return tuple(value) if column.type == "VARCHAR[]" else value
