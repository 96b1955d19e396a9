"""Kalshi's REST market data: listings with cursors and filters, and order books."""

import base64
import json
from collections.abc import Callable
from typing import Any, Final, Protocol

from aiohttp import web

from arb_platform.simulate.books import ONE, SimulatedBook
from arb_platform.simulate.faults import Faults
from arb_platform.simulate.kalshi_frames import count, dollars

ROOT: Final = "/trade-api/v2"
_MARKETS_PAGE: Final = 1_000
_EVENTS_PAGE: Final = 200
_BOOKS_PER_REQUEST: Final = 100
# The filter's word for what an object calls active (venues.md 2.3).
_STATUS: Final = {
    "unopened": ("initialized",), "open": ("active",), "paused": ("inactive",),
    "closed": ("closed", "determined"), "settled": ("finalized",),
}  # fmt: skip
_COMBOS: Final = 30


class Exchange(Protocol):
    """What the REST answers are read from."""

    faults: Faults

    def market_documents(self) -> list[dict[str, Any]]: ...
    def event_documents(self) -> list[dict[str, Any]]: ...
    def series_documents(self) -> list[dict[str, Any]]: ...
    def market_document(self, ticker: str) -> dict[str, Any] | None: ...
    def rest_book(self, ticker: str) -> SimulatedBook | None: ...


def routes(exchange: Exchange) -> list[web.RouteDef]:
    """Every REST path that the simulator answers; none needs a key."""
    api = MarketData(exchange)
    return [
        web.get(f"{ROOT}/exchange/status", api.status),
        web.get(f"{ROOT}/markets", api.markets),
        web.get(f"{ROOT}/markets/orderbooks", api.orderbooks),
        web.get(f"{ROOT}/markets/{{ticker}}", api.market),
        web.get(f"{ROOT}/markets/{{ticker}}/orderbook", api.orderbook),
        web.get(f"{ROOT}/events", api.events),
        web.get(f"{ROOT}/events/{{ticker}}", api.event),
        web.get(f"{ROOT}/series", api.all_series),
        web.get(f"{ROOT}/series/fee_changes", api.fee_changes),
        web.get(f"{ROOT}/series/{{ticker}}", api.series),
    ]


class MarketData:
    """The public part of the REST API."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def status(self, _request: web.Request) -> web.Response:
        return web.json_response({"exchange_active": True, "trading_active": True})

    async def markets(self, request: web.Request) -> web.Response:
        found = self._exchange.market_documents()
        combos = request.query.get("mve_filter")
        if combos not in (None, "exclude", "only"):
            raise refused(400, "bad_request", "mve_filter")
        # Unfiltered pages are full of combinations: 100 of 100 in a captured page.
        if combos == "only":
            found = [_combo(number) for number in range(_COMBOS)]
        elif combos is None:
            found = [_combo(number) for number in range(_COMBOS)] + found
        found = _filtered(found, request)
        return self._page(request, "markets", found, default=100, cap=_MARKETS_PAGE)

    async def events(self, request: web.Request) -> web.Response:
        found = self._exchange.event_documents()
        series = request.query.get("series_ticker")
        if series:
            found = [event for event in found if event["series_ticker"] == series]
        status = request.query.get("status")
        if status:
            words = _words(status)
            found = [event for event in found if any(m["status"] in words for m in event["markets"])]
        if request.query.get("with_nested_markets") != "true":
            found = [{name: value for name, value in event.items() if name != "markets"} for event in found]
        return self._page(request, "events", found, default=200, cap=_EVENTS_PAGE, more={"milestones": []})

    async def event(self, request: web.Request) -> web.Response:
        ticker = request.match_info["ticker"]
        for event in self._exchange.event_documents():
            if event["event_ticker"] == ticker:
                markets = event.pop("markets")
                return web.json_response({"event": event, "markets": markets})
        raise refused(404, "not_found", ticker)

    async def market(self, request: web.Request) -> web.Response:
        document = self._exchange.market_document(request.match_info["ticker"])
        if document is None:
            raise refused(404, "not_found", request.match_info["ticker"])
        return web.json_response({"market": document})

    async def all_series(self, request: web.Request) -> web.Response:
        found = self._exchange.series_documents()
        category = request.query.get("category")
        if category:
            found = [series for series in found if series["category"] == category]
        return web.json_response({"series": found})

    async def series(self, request: web.Request) -> web.Response:
        ticker = request.match_info["ticker"]
        for series in self._exchange.series_documents():
            if series["ticker"] == ticker:
                return web.json_response({"series": series})
        raise refused(404, "not_found", ticker)

    async def fee_changes(self, _request: web.Request) -> web.Response:
        return web.json_response({"series_fee_change_arr": []})

    async def orderbook(self, request: web.Request) -> web.Response:
        book = self._exchange.rest_book(request.match_info["ticker"])
        if book is None:
            raise refused(404, "not_found", request.match_info["ticker"])
        depth = _whole(request, "depth", 0, 0, 100)
        return web.json_response({"orderbook_fp": _fp(book, depth)}, headers={"Cache-Control": "max-age=15"})

    async def orderbooks(self, request: web.Request) -> web.Response:
        """By repeated ``tickers``. ``A,B`` is read as one ticker, and a ticker nobody knows gets an empty book."""
        tickers = request.query.getall("tickers", [])
        if not tickers or len(tickers) > _BOOKS_PER_REQUEST:
            raise refused(400, "bad_request", "tickers")
        entries = []
        for ticker in dict.fromkeys(tickers):
            book = self._exchange.rest_book(ticker) or SimulatedBook(tick=10_000)
            entries.append({"ticker": ticker, "orderbook_fp": _fp(book, 0)})
        return web.json_response({"orderbooks": entries}, headers={"Cache-Control": "max-age=15"})

    def _page(
        self,
        request: web.Request,
        name: str,
        found: list[dict[str, Any]],
        *,
        default: int,
        cap: int,
        more: dict[str, Any] | None = None,
    ) -> web.Response:
        size = _whole(request, "limit", default, 1, cap)
        asked = request.query.get("cursor", "")
        start = _place(asked) if asked else 0
        last = start + size >= len(found)
        cursor = "" if last else _cursor(start + size)
        if not last and asked and self._exchange.faults.strikes("repeat_cursor"):
            self._exchange.faults.record("repeat_cursor", detail=request.path)
            cursor = asked
        return web.json_response({name: found[start : start + size], **(more or {}), "cursor": cursor})


def _filtered(found: list[dict[str, Any]], request: web.Request) -> list[dict[str, Any]]:
    query = request.query
    if query.get("status"):
        words = _words(query["status"])
        found = [market for market in found if market["status"] in words]
    if query.get("event_ticker"):
        events = set(query["event_ticker"].split(","))
        found = [market for market in found if market["event_ticker"] in events]
    if query.get("series_ticker"):
        series = query["series_ticker"] + "-"
        found = [market for market in found if (market["event_ticker"] + "-").startswith(series)]
    if query.get("tickers"):
        tickers = set(query["tickers"].split(","))
        found = [market for market in found if market["ticker"] in tickers]
    return found


def _words(status: str) -> set[str]:
    try:
        return {word for name in status.split(",") for word in _STATUS[name]}
    except KeyError:
        raise refused(400, "bad_request", "status") from None


def _fp(book: SimulatedBook, depth: int) -> dict[str, list[list[str]]]:
    """Ascending bids of both sides; ``depth`` keeps the best, 0 all."""
    yes = sorted(book.bids.items())
    no = sorted((ONE - price, size) for price, size in book.asks.items())
    return {
        name: [[dollars(price), count(size)] for price, size in levels[-depth:]]
        for name, levels in (("yes_dollars", yes), ("no_dollars", no))
    }


def _combo(number: int) -> dict[str, Any]:
    """A combination of legs, of which Kalshi lists hundreds of thousands."""
    ticker = f"KXMVESPORTSMULTIGAMEEXTENDED-S2026{number:07X}-{number:011X}"
    return {
        "ticker": ticker, "event_ticker": ticker.rpartition("-")[0], "market_type": "binary",
        "title": f"yes Leg {number},yes Leg {number + 1}", "yes_sub_title": "", "no_sub_title": "", "status": "active",
        "result": "", "rules_primary": "", "rules_secondary": "", "yes_bid_dollars": "0.0000",
        "yes_ask_dollars": "1.0000", "volume_fp": "0.00", "strike_type": "custom",
        "mve_collection_ticker": "KXMVESPORTSMULTIGAMEEXTENDED-R",
        "mve_selected_legs": [{"event_ticker": "E", "market_ticker": f"L{number}", "side": "yes"}],
        "close_time": "2099-01-01T00:00:00Z", "open_time": "2026-01-01T00:00:00Z",
    }  # fmt: skip


def _whole(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    try:
        value = int(request.query.get(name, default))
    except ValueError:
        raise refused(400, "bad_request", name) from None
    if not least <= value <= most:
        raise refused(400, "bad_request", name)
    return value


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(f"after:{place}".encode()).decode().rstrip("=")


def _place(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return int(text.removeprefix("after:"))
    except ValueError:
        raise refused(400, "bad_request", "cursor") from None


def refused(status: int, code: str, details: str) -> web.HTTPException:
    kinds: dict[int, Callable[..., web.HTTPException]] = {
        400: web.HTTPBadRequest, 401: web.HTTPUnauthorized, 404: web.HTTPNotFound,
    }  # fmt: skip
    body = {"error": {"code": code, "message": code.replace("_", " "), "details": details, "service": "rest"}}
    return kinds[status](text=json.dumps(body), content_type="application/json")
