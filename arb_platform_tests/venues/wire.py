"""Samples and frames for the tests of the pure feeds."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import arb_platform_tests
from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.markets import KALSHI, POLYMARKET, Market
from arb_platform.domain.streams import QuarantinedFrame, StreamEvent

SAMPLES = Path(arb_platform_tests.__file__).parent / "wire_samples"
SHARED = Path(arb_platform_tests.__file__).parents[2] / "shared" / "fixtures"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)

YES = "27146956652877944551877724690365745048289675287536243265951843487691050000001"
NO = "33216695217861742195941369663873573949679634432452142092545486849801915000002"
CONDITION = "0x3bb59c17b8ec156f8ef55d6de522c53c3bb59c17b8ec156f8ef55d6de522c53c"
TICKER = "FED-23DEC-T3.00"


def sample(venue: str, name: str) -> bytes:
    return (SAMPLES / venue / name).read_bytes()


def document(venue: str, name: str) -> Any:
    return json.loads(sample(venue, name))


def fixture(path: str) -> Path:
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"the recorded data is not here: {found}")
    return found


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def polymarket(number: int = 0, **fields: Any) -> Market:
    """The market of the samples, or another one by number."""
    condition = CONDITION if number == 0 else f"0x{number:064x}"
    assets = (YES, NO) if number == 0 else (str(10**76 + 2 * number), str(10**76 + 2 * number + 1))
    return _market(POLYMARKET, condition, {"asset_ids": assets, **fields})


def kalshi(ticker: str = TICKER, **fields: Any) -> Market:
    return _market(KALSHI, ticker, fields)


def _market(venue: str, market_id: str, fields: dict[str, Any]) -> Market:
    return Market(
        venue=venue,
        market_id=market_id,
        symbol=market_id,
        title="",
        rules="",
        close_time=None,
        resolution_source="",
        **fields,
    )


def snapshots(outputs: list[Any]) -> list[BookSnapshot]:
    return [output for output in outputs if isinstance(output, BookSnapshot)]


def events(outputs: list[Any], kind: str | None = None) -> list[StreamEvent]:
    found = [output for output in outputs if isinstance(output, StreamEvent)]
    return [event for event in found if kind is None or event.kind == kind]


def quarantined(outputs: list[Any]) -> list[QuarantinedFrame]:
    return [output for output in outputs if isinstance(output, QuarantinedFrame)]


def top(snapshot: BookSnapshot | None) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Bids and asks as texts without trailing zeros, to compare with what was sent."""
    assert snapshot is not None

    def side(levels: Any) -> list[tuple[str, str]]:
        return [(f"{level.price.normalize():f}", f"{level.size.normalize():f}") for level in levels]

    return side(snapshot.bids), side(snapshot.asks)
