"""Kalshi frames from a recording: the listed markets, and the books that the frames add up to."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from arb_platform.domain.markets import KALSHI
from arb_platform.domain.units import units
from arb_platform.simulate.books import ONE, Change, SimulatedBook
from arb_platform.simulate.documents import PRICE_RANGES
from arb_platform.simulate.kalshi_frames import market_uuid
from arb_platform.simulate.recordings import RECORDED_VOLUME, RecordedFrame, RecordedMarket, Recording

_TIMES: Final = (
    "created_time", "open_time", "close_time", "expected_expiration_time", "expiration_time",
    "latest_expiration_time", "occurrence_datetime",
)  # fmt: skip
_OUTCOME: Final = ("settlement_ts", "settlement_value_dollars")
# A capture starts soon after its market opened.
_OPENED: Final = timedelta(seconds=60)


def recorded_markets(recording: Recording, now: datetime) -> tuple[RecordedMarket, ...]:
    """The recorded tickers with their recorded documents, moved in time so that they are open at ``now``."""
    known = {
        market["ticker"]: (market, answer["event"])
        for answer in recording.metadata
        for market in answer["markets"]
        if isinstance(market, dict) and isinstance(market.get("ticker"), str)
    }
    tickers = dict.fromkeys(frame.message["msg"]["market_ticker"] for frame in recording.frames)
    return tuple(_market(ticker, *known.get(ticker, ({}, {})), now) for ticker in tickers)


def _market(ticker: str, recorded: dict[str, Any], event: dict[str, Any], now: datetime) -> RecordedMarket:
    document = _invented(ticker, now) | copy.deepcopy(recorded)
    opened = _moment(recorded.get("open_time"))
    if opened is not None:
        ahead = now - _OPENED - opened
        for name in _TIMES:
            moment = _moment(recorded.get(name))
            if moment is not None:
                document[name] = _z(moment + ahead)
    for name in _OUTCOME:
        document.pop(name, None)
    document |= {"status": "active", "result": "", "expiration_value": "", "updated_time": _z(now),
                 # What the user asked to see again stands first by volume.
                 "volume_fp": f"{RECORDED_VOLUME:.2f}"}  # fmt: skip
    event_document = {
        "event_ticker": document["event_ticker"], "series_ticker": ticker.split("-", maxsplit=1)[0],
        "title": document["title"], "sub_title": "", "category": "", "mutually_exclusive": False,
        "settlement_sources": [],
    } | event  # fmt: skip
    series = {
        "ticker": event_document["series_ticker"], "title": event_document["title"],
        "category": event_document["category"], "settlement_sources": event_document["settlement_sources"],
        "tags": [], "frequency": "custom",
    }  # fmt: skip
    step = (document.get("price_ranges") or [{"step": "0.0100"}])[0]["step"]
    return RecordedMarket(KALSHI, ticker, document, event_document, series, 0.5, units(step))


def _invented(ticker: str, now: datetime) -> dict[str, Any]:
    """A document for a ticker without recorded metadata; recorded fields replace these."""
    return {
        "ticker": ticker, "event_ticker": ticker.rpartition("-")[0] or ticker, "market_type": "binary",
        "title": f"Recorded market {ticker}", "yes_sub_title": "", "no_sub_title": "",
        "open_time": _z(now - _OPENED), "close_time": _z(now + timedelta(days=1)),
        "rules_primary": "", "rules_secondary": "", "price_level_structure": "linear_cent",
        "price_ranges": PRICE_RANGES["linear_cent"], "open_interest_fp": "0.00", "liquidity_dollars": "0.0000",
        "notional_value_dollars": "1.0000",
    }  # fmt: skip


class RecordedKalshiBooks:
    """The books of recorded tickers, folded from what was played."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self.books: dict[str, SimulatedBook] = {}
        self.market_uuids: dict[str, str] = {}
        self._unseen: set[str] = set()
        # before the first round, clients get the first snapshots as the answer to their subscription
        self._answered = True
        for frame in recording.frames:
            message = frame.message["msg"]
            ticker = message["market_ticker"]
            self.market_uuids.setdefault(ticker, message.get("market_id") or market_uuid(ticker))
            self.books.setdefault(ticker, SimulatedBook(tick=10_000))
        self._reset()

    def rewind(self) -> None:
        """Back to the first snapshots, which are sent again from now on."""
        self._answered = False
        self._reset()

    def _reset(self) -> None:
        first = dict(self._first_snapshots())
        for ticker, book in self.books.items():
            book.replace(*_sides(first.get(ticker, {})))
        self._unseen = set(first)

    def _first_snapshots(self) -> Iterator[tuple[str, dict[str, Any]]]:
        seen: set[str] = set()
        for frame in self._recording.frames:
            ticker = frame.message["msg"]["market_ticker"]
            if frame.message["type"] == "orderbook_snapshot" and ticker not in seen:
                seen.add(ticker)
                yield ticker, frame.message["msg"]

    def snapshot(self, frame: RecordedFrame) -> bool:
        """Apply a recorded snapshot; False where every client has just been given it."""
        message = frame.message["msg"]
        ticker = message["market_ticker"]
        known = self._answered and ticker in self._unseen
        self._unseen.discard(ticker)
        if not known:
            self.books[ticker].replace(*_sides(message))
        return not known

    def delta(self, frame: RecordedFrame) -> Change:
        """Apply a recorded change and say what it did."""
        message = frame.message["msg"]
        book = self.books[message["market_ticker"]]
        price, delta = units(message["price_dollars"]), units(message["delta_fp"])
        if message["side"] == "yes":
            before = book.bids.get(price, 0)
            change = book.set("bid", price, before + delta)
        else:
            before = book.asks.get(ONE - price, 0)
            change = book.set("ask", ONE - price, before + delta)
        # The signed change goes out as it was recorded, also where it would make the level negative.
        return change._replace(size=before + delta)


def _sides(message: dict[str, Any]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """YES bids and YES asks of a snapshot message; the key of an empty side is absent."""
    yes = [(units(price), units(size)) for price, size in message.get("yes_dollars_fp", ())]
    no = [(ONE - units(price), units(size)) for price, size in message.get("no_dollars_fp", ())]
    return yes, no


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _z(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
