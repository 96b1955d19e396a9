"""Our own raw frames (``ARB_RAW_FRAMES=on``) as a recording that a simulator can serve."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from arb_platform.domain.errors import SettingsError
from arb_platform.domain.markets import KALSHI, Market
from arb_platform.simulate.recordings import (
    BrokenLine,
    RecordedFrame,
    check_element,
    check_event,
    recorded_lag,
)
from arb_platform.storage.raw_bodies import BrokenBody, load_markets
from arb_platform.storage.raw_frames import (
    FRAME,
    RESUME,
    BrokenSegment,
    RawRow,
    RawSegment,
    read_segment,
    rows_of,
)

_MARKETS: Final = ("feed", "follow", RESUME)
# Answers to what we asked, which a simulator gives by itself.
_CONTROL: Final = ("subscribed", "ok", "unsubscribed", "error")
_KEEP_ALIVE: Final = (b"PING", b"PONG", b"[]")
# A frame of brackets only is too deep for the decoder.
_BAD: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)

Read = tuple[str, tuple[RecordedFrame, ...], tuple[dict[str, Any], ...]]


def read_raw(
    segments: list[RawSegment], venue: str | None, broken: list[BrokenLine], directory: Path
) -> Read:
    """The venue, its frames in the order of their receive times, and what is known of its markets.

    Raises SettingsError when the folder holds both venues and ``venue`` says not which.
    """
    venues = sorted({segment.venue for segment in segments})
    if venue is None and len(venues) > 1:
        raise SettingsError(
            f"{directory} holds raw frames of {' and '.join(venues)}; name the folder of one of them: {directory}/raw/{venues[0]}"
        )
    chosen = venue or venues[0]
    frames: list[tuple[int, Any]] = []
    markets: dict[str, Market] = {}
    for file, number, row in _rows([one for one in segments if one.venue == chosen], broken):
        try:
            if row.kind in _MARKETS:
                markets.update({market.market_id: market for market in load_markets(row.body)})
            elif row.kind == FRAME and (message := _message(chosen, row.body)) is not None:
                frames.append((round(row.at.timestamp() * 1000), message))
        except (BrokenBody, *_BAD) as error:
            broken.append(BrokenLine(file, number, str(error) or type(error).__name__))
    frames.sort(key=lambda item: item[0])
    first = frames[0][0] if frames else 0
    recorded = tuple(
        RecordedFrame(at - first, message, recorded_lag(at, message) if chosen == KALSHI else None)
        for at, message in frames
    )
    known = tuple(_answer(market) if chosen == KALSHI else _document(market) for market in markets.values())
    return chosen, recorded, known


def _rows(segments: list[RawSegment], broken: list[BrokenLine]) -> Iterator[tuple[str, int, RawRow]]:
    for segment in segments:
        try:
            _, table = read_segment(segment)
        except BrokenSegment as error:
            broken.append(BrokenLine(segment.path.name, 0, str(error)))
            continue
        for number, row in enumerate(rows_of(table), start=1):
            yield segment.path.name, number, row


def _message(venue: str, body: bytes) -> Any:
    """The decoded message, None for what is no market data. Raises for anything a simulator cannot send."""
    if body.strip() in _KEEP_ALIVE:
        return None
    message = json.loads(body)
    if venue == KALSHI:
        if message["type"] in _CONTROL or "market_ticker" not in message["msg"]:
            return None
        check_event(message)
        return message
    elements = message if isinstance(message, list) else [message]
    for element in elements:
        check_element(element)
    return message


def _answer(market: Market) -> dict[str, Any]:
    """What GET /events/{ticker} might say, as far as a Market knows it; its times are of another day."""
    document = {
        "ticker": market.market_id, "event_ticker": market.event_id or market.market_id, "title": market.title,
        "yes_sub_title": market.subtitle, "rules_primary": market.rules, "strike_type": market.strike_type,
        "floor_strike": _number(market.floor_strike), "cap_strike": _number(market.cap_strike),
    }  # fmt: skip
    event = {
        "event_ticker": document["event_ticker"], "title": market.event_title, "category": market.category or "",
        "mutually_exclusive": bool(market.mutually_exclusive),
        "series_ticker": market.series_id or market.market_id.split("-", maxsplit=1)[0],
        "settlement_sources": [{"name": market.resolution_source, "url": ""}] if market.resolution_source else [],
    }  # fmt: skip
    return {
        "event": event,
        "markets": [{name: value for name, value in document.items() if value is not None}],
    }


def _document(market: Market) -> dict[str, Any]:
    """The fields of a Gamma document that a Market knows."""
    return {
        "conditionId": market.market_id, "question": market.title, "slug": market.symbol,
        "description": market.rules, "resolutionSource": market.resolution_source,
        "outcomes": json.dumps(list(market.outcomes)), "clobTokenIds": json.dumps(list(market.asset_ids)),
        "groupItemTitle": market.subtitle,
    }  # fmt: skip


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
