"""Polymarket's REST answers: Gamma's listings with their traps, and the CLOB's books."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from aiohttp import web

from arb_platform.simulate.faults import Faults
from arb_platform.simulate.polymarket_frames import BookText, Instrument, plain

_MARKETS_PAGE: Final = 100
_EVENTS_PAGE: Final = 500
# Gamma answers 422 from here on (observed 2026-09).
_OFFSET_WALL: Final = 2_100
_IDS_PER_REQUEST: Final = 100
_BOOKS_PER_REQUEST: Final = 500


class Exchange(Protocol):
    """What the REST answers are read from."""

    faults: Faults

    def market_documents(self) -> list[dict[str, Any]]: ...
    def event_documents(self) -> list[dict[str, Any]]: ...
    def instrument(self, market_id: str) -> Instrument | None: ...
    def instrument_of_token(self, token: str) -> Instrument | None: ...
    def book_text(self, token: str) -> BookText | None: ...


def routes(exchange: Exchange) -> list[web.RouteDef]:
    """Every path of Gamma and the CLOB that the simulator answers."""
    gamma, clob = Gamma(exchange), Clob(exchange)
    return [
        web.get("/markets/keyset", gamma.markets_keyset),
        web.get("/events/keyset", gamma.events_keyset),
        web.get("/markets", gamma.markets_legacy),
        web.get("/events", gamma.events_legacy),
        web.get("/markets/{market_id}", clob.market),
        web.get("/book", clob.book),
        web.post("/books", clob.books),
        web.get("/midpoint", clob.midpoint),
        web.get("/spread", clob.spread),
        web.get("/price", clob.price),
        web.get("/last-trade-price", clob.last_trade_price),
        web.get("/tick-size", clob.tick_size),
        web.get("/fee-rate", clob.fee_rate),
    ]


class Gamma:
    """The listing API."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def markets_keyset(self, request: web.Request) -> web.Response:
        return self._keyset(request, "markets", self._markets(request), _MARKETS_PAGE)

    async def events_keyset(self, request: web.Request) -> web.Response:
        return self._keyset(request, "events", self._events(request), _EVENTS_PAGE)

    async def markets_legacy(self, request: web.Request) -> web.Response:
        return self._legacy(request, self._markets(request))

    async def events_legacy(self, request: web.Request) -> web.Response:
        return self._legacy(request, self._events(request))

    def _markets(self, request: web.Request) -> list[dict[str, Any]]:
        query = request.query
        found = self._exchange.market_documents()
        conditions = _ids(request, "condition_ids")
        tokens = _ids(request, "clob_token_ids")
        if conditions:
            found = [market for market in found if market["conditionId"] in conditions]
        if tokens:
            found = [market for market in found if tokens & set(_token_list(market))]
        for name in ("id", "slug"):
            if name in query:
                wanted = set(query.getall(name))
                found = [market for market in found if market.get(name) in wanted]
        return _by_flag(found, query.get("closed"), default=None)

    def _events(self, request: web.Request) -> list[dict[str, Any]]:
        # Without `closed` only closed events come (Polymarket's cli, issue 71).
        return _by_flag(self._exchange.event_documents(), request.query.get("closed"), default="true")

    def _keyset(self, request: web.Request, name: str, found: list[dict[str, Any]], cap: int) -> web.Response:
        """Pages by ``after_cursor``; a plain ``cursor`` is not looked at, so it repeats the first page."""
        if "offset" in request.query:
            raise _unprocessable("offset is not supported, use after_cursor")
        asked = request.query.get("after_cursor")
        start = 0 if asked is None else _place(asked)
        size = min(_whole(request, "limit", 20), cap)
        page: dict[str, Any] = {name: found[start : start + size]}
        if start + size < len(found):
            page["next_cursor"] = _cursor(start + size)
            if asked is not None and self._exchange.faults.strikes("repeat_cursor"):
                self._exchange.faults.record("repeat_cursor", detail=request.path)
                page["next_cursor"] = asked
        return web.json_response(page, headers={"Cache-Control": "max-age=300"})

    def _legacy(self, request: web.Request, found: list[dict[str, Any]]) -> web.Response:
        offset = _whole(request, "offset", 0, least=0)
        if offset >= _OFFSET_WALL:
            raise _unprocessable("offset exceeds maximum")
        size = min(_whole(request, "limit", 20), _MARKETS_PAGE)
        headers = {"deprecation": "true", "sunset": "2026-05-01", "Cache-Control": "max-age=300"}
        return web.json_response(found[offset : offset + size], headers=headers)


class Clob:
    """The order book API, by token."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def book(self, request: web.Request) -> web.Response:
        return web.Response(text=self._book(_token(request)).rest(), content_type="application/json")

    async def books(self, request: web.Request) -> web.Response:
        """Unknown ids are missing from the answer, without a word; more than 500 are refused."""
        try:
            body = await request.json()
            tokens = [str(entry["token_id"]) for entry in body]
        except (ValueError, TypeError, KeyError):
            raise _refused(400, "Invalid payload") from None
        if len(tokens) > _BOOKS_PER_REQUEST:
            raise _refused(400, "Payload exceeds the limit")
        found = [self._exchange.book_text(token) for token in dict.fromkeys(tokens)]
        text = "[" + ",".join(book.rest() for book in found if book is not None) + "]"
        return web.Response(text=text, content_type="application/json")

    async def market(self, request: web.Request) -> web.Response:
        """The CLOB's own market object, in snake case."""
        instrument = self._exchange.instrument(request.match_info["market_id"])
        if instrument is None:
            raise _refused(404, "market not found")
        document = instrument.document
        outcomes = document.get("outcomes", '["Yes","No"]')
        names = json.loads(outcomes) if isinstance(outcomes, str) else outcomes
        return web.json_response({
            "condition_id": instrument.market_id, "question": document.get("question", ""),
            "market_slug": document.get("slug", ""), "active": True, "closed": instrument.resolved,
            "accepting_orders": not instrument.resolved, "enable_order_book": True,
            "minimum_order_size": float(instrument.min_order_size),
            "minimum_tick_size": instrument.tick / 1_000_000, "neg_risk": instrument.neg_risk,
            "end_date_iso": document.get("endDate"),
            "tokens": [{"token_id": token, "outcome": name} for token, name in zip(instrument.tokens, names, strict=True)],
        })  # fmt: skip

    async def midpoint(self, request: web.Request) -> web.Response:
        bid, ask = self._top(_token(request))
        return web.json_response({"mid": plain((bid + ask) // 2)})

    async def spread(self, request: web.Request) -> web.Response:
        bid, ask = self._top(_token(request))
        return web.json_response({"spread": plain(ask - bid)})

    async def price(self, request: web.Request) -> web.Response:
        bid, ask = self._top(_token(request))
        side = request.query.get("side", "").upper()
        if side not in ("BUY", "SELL"):
            raise _refused(400, "Invalid side")
        return web.json_response({"price": plain(bid if side == "BUY" else ask)})

    async def last_trade_price(self, request: web.Request) -> web.Response:
        return web.json_response({"price": self._book(_token(request)).last_trade_price, "side": ""})

    async def tick_size(self, request: web.Request) -> web.Response:
        return web.json_response({"minimum_tick_size": float(self._book(_token(request)).tick_size)})

    async def fee_rate(self, request: web.Request) -> web.Response:
        instrument = self._exchange.instrument_of_token(_token(request))
        if instrument is None:
            raise _refused(404, "fee rate not found for market")
        # The base fee is not the schedule's rate (venues.md 1.3).
        return web.json_response({"base_fee": 1000 if instrument.document.get("feesEnabled") else 0})

    def _book(self, token: str) -> BookText:
        book = self._exchange.book_text(token)
        if book is None:
            raise _refused(404, "No orderbook exists for the requested token id")
        return book

    def _top(self, token: str) -> tuple[int, int]:
        book = self._book(token)
        bids, asks = json.loads(book.bids), json.loads(book.asks)
        bid = round(float(bids[-1]["price"]) * 1_000_000) if bids else 0
        ask = round(float(asks[-1]["price"]) * 1_000_000) if asks else 1_000_000
        return bid, ask


def _ids(request: web.Request, name: str) -> set[str]:
    given = request.query.getall(name, [])
    if len(given) > _IDS_PER_REQUEST:
        raise _unprocessable(f"{name}: at most {_IDS_PER_REQUEST}")
    return set(given)


def _token_list(market: Mapping[str, Any]) -> list[str]:
    tokens = market["clobTokenIds"]
    return list(json.loads(tokens) if isinstance(tokens, str) else tokens)


def _by_flag(found: list[dict[str, Any]], closed: str | None, *, default: str | None) -> list[dict[str, Any]]:
    wanted = closed if closed is not None else default
    if wanted is None:
        return found
    return [entry for entry in found if entry.get("closed", False) == (wanted.lower() == "true")]


def _whole(request: web.Request, name: str, default: int, *, least: int = 1) -> int:
    try:
        value = int(request.query.get(name, default))
    except ValueError:
        raise _unprocessable(f"{name} must be a number") from None
    if value < least:
        raise _unprocessable(f"{name} must be at least {least}")
    return value


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"after": place}).encode()).decode()


def _place(cursor: str) -> int:
    try:
        return int(json.loads(base64.urlsafe_b64decode(cursor))["after"])
    except (ValueError, KeyError, TypeError):
        raise _unprocessable("after_cursor is not valid") from None


def _token(request: web.Request) -> str:
    token = request.query.get("token_id", "")
    if not token:
        raise _refused(400, "Invalid token id")
    return token


def _unprocessable(reason: str) -> web.HTTPException:
    return web.HTTPUnprocessableEntity(
        text=json.dumps({"type": "validation error", "error": reason}), content_type="application/json"
    )


def _refused(status: int, reason: str) -> web.HTTPException:
    kind: Callable[..., web.HTTPException] = {400: web.HTTPBadRequest, 404: web.HTTPNotFound}[status]
    return kind(text=json.dumps({"error": reason}), content_type="application/json")
