"""Polymarket messages from a recording: the markets they tell of, and the books they add up to."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from arb_platform.domain.markets import POLYMARKET
from arb_platform.domain.units import units
from arb_platform.simulate.books import SimulatedBook
from arb_platform.simulate.documents import token_ids
from arb_platform.simulate.polymarket_frames import BookText, compact, levels_text
from arb_platform.simulate.recordings import RECORDED_VOLUME, RecordedMarket, Recording

# What the recorded books were hashed with, where their hash can be reproduced.
_MIN_ORDER_SIZE: Final = "5"
_LEGACY_SECONDS: Final = 100_000_000_000


def recorded_markets(recording: Recording, now: datetime) -> tuple[RecordedMarket, ...]:
    """A listing made from the ids in the frames; nothing else is known of these markets."""
    documents = {document["conditionId"]: document for document in recording.metadata}
    return tuple(
        _market(market_id, tokens, ticks, now, documents.get(market_id, {}))
        for market_id, (tokens, ticks) in _instruments(recording).items()
    )


def _instruments(recording: Recording) -> dict[str, tuple[list[str], str]]:
    """Token ids as the market's document has them, else in the order of their appearance, and the last grid."""
    documents = {document["conditionId"]: document for document in recording.metadata}
    tokens: dict[str, list[str]] = {}
    ticks: dict[str, str] = {}
    for element in (element for frame in recording.frames for element in elements_of(frame.message)):
        market_id = element["market"]
        known = tokens.setdefault(
            market_id, json.loads(documents.get(market_id, {}).get("clobTokenIds", "[]"))
        )
        known.extend(asset for asset in assets_in(element) if asset not in known)
        ticks[market_id] = (
            element.get("new_tick_size") or element.get("tick_size") or ticks.get(market_id, "0.01")
        )
    return {market_id: (known, ticks[market_id]) for market_id, known in tokens.items()}


def _market(
    market_id: str, tokens: list[str], tick: str, now: datetime, known: Mapping[str, Any]
) -> RecordedMarket:
    number = int.from_bytes(market_id.encode()[-6:])
    invented = [token for token in token_ids(market_id) if token not in tokens]
    pair = (tokens + invented)[:2]
    start, end = now - timedelta(days=30), now + timedelta(days=30)
    event = {
        "id": str(number), "slug": f"recorded-{market_id}", "ticker": f"recorded-{market_id}",
        "title": f"Recorded market {market_id}", "active": True, "closed": False, "endDate": _z(end), "negRisk": False,
    }  # fmt: skip
    document = {
        "id": str(number), "question": f"Recorded market {market_id}", "conditionId": market_id,
        "slug": f"recorded-{market_id}", "resolutionSource": "", "description": "Served again from recorded frames.",
        "endDate": _z(end), "startDate": _z(start), "outcomes": '["Yes", "No"]', "clobTokenIds": json.dumps(pair),
        "outcomePrices": '["0.5", "0.5"]', "active": True, "closed": False, "archived": False,
        "acceptingOrders": True, "enableOrderBook": True, "orderPriceMinTickSize": float(tick),
        "orderMinSize": int(_MIN_ORDER_SIZE), "negRisk": False, "feesEnabled": False, "version": "v1",
        "volume": str(RECORDED_VOLUME), "volumeNum": RECORDED_VOLUME, "liquidityNum": 0.0, "events": [event],
    }  # fmt: skip
    document |= {**known, "clobTokenIds": json.dumps(pair)}
    return RecordedMarket(POLYMARKET, market_id, document, event, None, 0.5, _units(tick) or 10_000)


class RecordedBooks:
    """The books of recorded assets, folded from what was played; an asset without a recorded book has none."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._instruments = _instruments(recording)
        self._books: dict[str, SimulatedBook] = {}
        self._tails: dict[str, tuple[str, str]] = {}
        self.rewind()

    def rewind(self) -> None:
        """Every asset as its first recorded book has it."""
        self._books.clear()
        for element in (e for frame in self._recording.frames for e in elements_of(frame.message)):
            if element["event_type"] == "book" and not set(assets_in(element)) & self._books.keys():
                self.apply(element)

    def markets(self) -> Mapping[str, list[str]]:
        """Token ids by market id."""
        return {market_id: tokens for market_id, (tokens, _) in self._instruments.items()}

    def first_asset(self, market_id: str) -> str | None:
        tokens = self._instruments.get(market_id, ([], ""))[0]
        return tokens[0] if tokens else None

    def book(self, asset: str) -> SimulatedBook | None:
        return self._books.get(asset)

    def apply(self, element: Mapping[str, Any]) -> None:
        """Fold one element; the owner's simplified shape has no asset and changes nothing."""
        kind = element["event_type"]
        if kind == "book" and isinstance(element.get("asset_id"), str):
            book = self._books.setdefault(element["asset_id"], SimulatedBook(tick=10_000))
            book.replace(_ladder(element.get("bids", ())), _ladder(element.get("asks", ())))
            self._tails[element["asset_id"]] = (
                element.get("tick_size", "0.01"),
                element.get("last_trade_price", ""),
            )
        elif kind == "price_change":
            legacy = [
                {**change, "asset_id": element.get("asset_id")} for change in element.get("changes", ())
            ]
            for change in element.get("price_changes", legacy):
                self._change(change)

    def text(self, market_id: str, asset: str, ms: int) -> BookText | None:
        """The asset's book as it stands, hashed for ``ms``; None where none was recorded."""
        book = self._books.get(asset)
        if book is None:
            return None
        tick, last = self._tails[asset]
        return BookText(
            market_id=market_id,
            token=asset,
            ms=ms,
            bids=levels_text(book.bids, mirrored=False, descending=False),
            asks=levels_text(book.asks, mirrored=False, descending=True),
            min_order_size=_MIN_ORDER_SIZE,
            tick_size=tick,
            neg_risk=False,
            last_trade_price=last,
        )

    def rendered(self, element: Mapping[str, Any], ms: int) -> dict[str, Any]:
        """The element with its time moved to ``ms``; a book's hash covers the time, so it is made anew."""
        if not self._recording.shift_times or "timestamp" not in element:
            return dict(element)
        told = element["timestamp"]
        moved: Any = str(ms) if isinstance(told, str) else ms
        if isinstance(told, int) and told < _LEGACY_SECONDS:
            moved = ms // 1000
        shifted = {**element, "timestamp": moved}
        if element["event_type"] == "book" and "tick_size" in element and "last_trade_price" in element:
            shifted["hash"] = recorded_hash(shifted)
        return shifted

    def _change(self, change: Mapping[str, Any]) -> None:
        book = self._books.get(str(change.get("asset_id")))
        price, size = _units(change.get("price")), _units(change.get("size"))
        if book is not None and price is not None and size is not None:
            book.set("bid" if change.get("side") == "BUY" else "ask", price, size)


def elements_of(message: Any) -> list[dict[str, Any]]:
    return message if isinstance(message, list) else [message]


def assets_in(element: Mapping[str, Any]) -> list[str]:
    """The token ids an element speaks of."""
    named = [
        element.get("asset_id"),
        *(change.get("asset_id") for change in element.get("price_changes", ())),
    ]
    return [asset for asset in named if isinstance(asset, str)]


def recorded_hash(book: Mapping[str, Any]) -> str:
    levels = {
        side: compact([{"price": level["price"], "size": level["size"]} for level in book[side]]).decode()
        for side in ("bids", "asks")
    }
    return BookText(
        book["market"], book["asset_id"], int(book["timestamp"]), levels["bids"], levels["asks"],
        _MIN_ORDER_SIZE, book["tick_size"], neg_risk=False, last_trade_price=book["last_trade_price"],
    ).digest  # fmt: skip


def _ladder(levels: Iterable[Mapping[str, Any]]) -> list[tuple[int, int]]:
    pairs = [(_units(level.get("price")), _units(level.get("size"))) for level in levels]
    return [(price, size) for price, size in pairs if price is not None and size is not None]


def _units(text: Any) -> int | None:
    try:
        return units(Decimal(str(text)))
    except (ValueError, InvalidOperation):
        return None


def _z(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
