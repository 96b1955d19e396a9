"""Walking through a venue's list of markets, without I/O.

A flow is a generator: it yields the page it wants, is sent the decoded JSON of that page, and
returns the Listing. Whoever drives it may throw a WireError or TransportError in instead of a page;
the listing then ends as incomplete, with that reason. No flow raises for what a venue answers.
"""

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from arb_platform.domain.errors import TransportError, WireError
from arb_platform.domain.markets import KALSHI, POLYMARKET, Listing, Market
from arb_platform.venues import kalshi_markets, polymarket_markets

# The largest pages the venues give (Gamma 100, Kalshi events 200; venue documentation, 2026).
POLYMARKET_PAGE: Final = 100
KALSHI_PAGE: Final = 200
KALSHI_MARKETS_PAGE: Final = 1000
# Neither venue has lists that long; a walk that gets here goes in circles we did not see.
PAGE_LIMIT: Final = 20_000
_COMBO: Final = "KXMVE"
_COMPLETE: Final = "the last page was reached"

Clock = Callable[[], datetime]
# Takes the markets of each page; one that comes again replaces the one before.
HandOn = Callable[[Sequence[Market]], None]


class PageRequest(NamedTuple):
    """One page to fetch below the venue's REST address; the counts are for whoever shows progress."""

    path: str
    params: Mapping[str, str]
    pages: int = 0
    markets: int = 0


Flow = Generator[PageRequest, Any, Listing]
Pages = Generator[PageRequest, Any, str | None]


class _Walk:
    """What was read so far. ``limit`` ends the walk early, on purpose.

    With ``hand_on`` nothing but the ids is kept of the markets of finished pages.
    """

    def __init__(self, venue: str, clock: Clock, limit: int | None, hand_on: HandOn | None) -> None:
        self.venue = venue
        self.pages = 0
        self._seen: set[str] = set()
        self._kept: dict[str, Market] = {}
        self._hand_on = hand_on
        self.skipped: Counter[str] = Counter()
        self._longest = 0
        self._shrunk: str | None = None
        self._limit = limit
        self._clock = clock
        self._started_at = clock()

    @property
    def full(self) -> bool:
        return self._limit is not None and self.count >= self._limit

    @property
    def count(self) -> int:
        """Markets so far, each once."""
        return len(self._seen)

    def request(self, path: str, params: Mapping[str, Any]) -> PageRequest:
        sent = {name: str(value) for name, value in params.items() if value not in (None, "")}
        return PageRequest(path, sent, self.pages, self.count)

    def page_held(self, count: int, *, last: bool) -> None:
        """Count a page. One in the middle that is shorter than those before it has lost something."""
        self.pages += 1
        if not last and count < self._longest and self._shrunk is None:
            self._shrunk = (
                f"page {self.pages} held {count} entries where {self._longest} were given before, "
                "and the list went on after it"
            )
        self._longest = max(self._longest, count)
        self.page_done()

    def page_done(self) -> None:
        if self._hand_on is not None and self._kept:
            self._hand_on(tuple(self._kept.values()))
            self._kept.clear()

    def take(self, document: Any, read: Callable[[Any], Market]) -> None:
        """Add one market; what cannot be read is counted by its reason and does not stop the walk."""
        try:
            market = read(document)
        except WireError as error:
            # The reason without the value that made it unique.
            self.skipped[str(error).partition(":")[0][:80]] += 1
            return
        if market.market_id in self._seen:
            self.skipped["listed twice"] += 1
        self._seen.add(market.market_id)
        self._kept[market.market_id] = market

    def end(self, trouble: str | None) -> Listing:
        """``trouble`` says why the walk is not whole, None that it is."""
        self.page_done()
        markets = tuple(self._kept.values())
        trouble = trouble or self._shrunk
        reason = trouble or _COMPLETE
        if trouble is None and self._limit is not None and self.full:
            markets = markets[: self._limit]
            trouble = reason = f"stopped at the limit of {self._limit} markets"
        return Listing(
            venue=self.venue,
            markets=markets,
            pages=self.pages,
            started_at=self._started_at,
            ended_at=self._clock(),
            complete=trouble is None,
            reason=reason,
            skipped=dict(self.skipped),
            handed_on=self.count if self._hand_on is not None else 0,
        )


def list_polymarket(*, clock: Clock, limit: int | None = None, hand_on: HandOn | None = None) -> Flow:
    """Gamma's keyset pages; where they do not exist, the older list with its offsets."""
    walk = _Walk(POLYMARKET, clock, limit, hand_on)
    try:
        trouble = yield from _polymarket_pages(walk)
    except (WireError, TransportError) as error:
        trouble = str(error)
    return walk.end(trouble)


def list_kalshi(*, clock: Clock, limit: int | None = None, hand_on: HandOn | None = None) -> Flow:
    """Open events with their markets, and the series that say what the event does not."""
    walk = _Walk(KALSHI, clock, limit, hand_on)
    try:
        series = yield from _kalshi_series(walk)
        trouble = yield from _kalshi_pages(walk, series)
    except (WireError, TransportError) as error:
        trouble = str(error)
    return walk.end(trouble)


FLOWS: Final[dict[str, Callable[..., Flow]]] = {POLYMARKET: list_polymarket, KALSHI: list_kalshi}


def _polymarket_pages(walk: _Walk) -> Pages:
    seen: set[str] = set()
    cursor = ""
    while True:
        params = {"limit": POLYMARKET_PAGE, "closed": "false", "after_cursor": cursor}
        try:
            page = yield walk.request("/markets/keyset", params)
        except TransportError:
            if walk.pages:
                raise
            # An address without keyset lists, where the older one may still answer.
            page = yield walk.request("/markets", {"limit": POLYMARKET_PAGE, "closed": "false"})
        if isinstance(page, list):
            # An address that still answers with bare arrays knows nothing of cursors.
            return (yield from _offset_pages(walk, page))
        fields = _object(page, "Gamma")
        documents = _array(fields, "markets", "Gamma")
        for document in documents:
            walk.take(document, polymarket_markets.read_market)
        following = fields.get("next_cursor")
        walk.page_held(len(documents), last=following is None)
        if following is None:
            return None
        trouble = _cursor_trouble(following, seen, walk)
        if trouble is not None or walk.full:
            return trouble
        cursor = following


def _offset_pages(walk: _Walk, page: Any) -> Pages:
    """``/markets?limit&offset`` (deprecated since 2026-05): a short page is the last one."""
    while True:
        documents = page if isinstance(page, list) else _array(_object(page, "Gamma"), "markets", "Gamma")
        before = walk.count
        for document in documents:
            walk.take(document, polymarket_markets.read_market)
        walk.pages += 1
        walk.page_done()
        if len(documents) < POLYMARKET_PAGE or walk.full:
            return None
        if walk.count == before:
            return "Gamma repeats a page whatever the offset; the rest of the list was not seen"
        if walk.pages >= PAGE_LIMIT:
            return f"stopped after {walk.pages} pages"
        params = {"limit": POLYMARKET_PAGE, "closed": "false", "offset": walk.pages * POLYMARKET_PAGE}
        page = yield walk.request("/markets", params)


def _kalshi_series(walk: _Walk) -> Generator[PageRequest, Any, dict[str, Mapping[str, Any]]]:
    """Every series by its ticker, in one list; without it markets are read from their events alone."""
    found: dict[str, Mapping[str, Any]] = {}
    seen: set[str] = set()
    cursor = ""
    while True:
        try:
            page = yield walk.request("/series", {"cursor": cursor})
        except (WireError, TransportError):
            walk.skipped["the list of series"] += 1
            return found
        fields = page if isinstance(page, Mapping) else {}
        documents = fields.get("series")
        for document in documents if isinstance(documents, list) else ():
            ticker = document.get("ticker") if isinstance(document, Mapping) else None
            if isinstance(ticker, str):
                found[ticker] = document
        following = fields.get("cursor")
        if not isinstance(following, str) or not following or following in seen:
            return found
        seen.add(following)
        cursor = following


def _kalshi_pages(walk: _Walk, series: Mapping[str, Mapping[str, Any]]) -> Pages:
    seen: set[str] = set()
    cursor = ""
    while True:
        params = {
            "limit": KALSHI_PAGE,
            "status": "open",
            "with_nested_markets": "true",
            "cursor": cursor,
        }
        page = yield walk.request("/events", params)
        fields = _object(page, "Kalshi")
        events = _array(fields, "events", "Kalshi")
        for event in events:
            yield from _kalshi_event(walk, event, series)
        following = fields.get("cursor")
        walk.page_held(len(events), last=following in (None, ""))
        if following in (None, ""):
            return None
        trouble = _cursor_trouble(following, seen, walk)
        if trouble is not None or walk.full:
            return trouble
        cursor = following


def _kalshi_event(
    walk: _Walk, event: Any, series: Mapping[str, Mapping[str, Any]]
) -> Generator[PageRequest, Any, None]:
    if not isinstance(event, Mapping):
        walk.skipped["an event that is no object"] += 1
        return
    ticker = event.get("event_ticker")
    if isinstance(ticker, str) and ticker.startswith(_COMBO):
        # Combinations of other markets: hundreds of thousands, and never the same bet as anything.
        walk.skipped["multivariate event"] += 1
        return
    documents = event.get("markets")
    if documents is None and isinstance(ticker, str):
        page = yield walk.request(
            "/markets", {"event_ticker": ticker, "limit": KALSHI_MARKETS_PAGE, "mve_filter": "exclude"}
        )
        documents = _array(_object(page, "Kalshi"), "markets", "Kalshi")
    of_series = series.get(str(event.get("series_ticker")))
    for document in documents if isinstance(documents, list) else ():
        walk.take(document, lambda one: kalshi_markets.read_market(one, event=event, series=of_series))


def _cursor_trouble(following: Any, seen: set[str], walk: _Walk) -> str | None:
    """Why this cursor must not be followed, or None."""
    if not isinstance(following, str) or not following:
        return f"{walk.venue} gave {following!r} as the cursor of the next page; the rest of the list was not seen"
    if following in seen:
        return f"{walk.venue} repeats the cursor {following[:40]!r}; the rest of the list was not seen"
    if walk.pages >= PAGE_LIMIT:
        return f"stopped after {walk.pages} pages"
    seen.add(following)
    return None


def _object(page: Any, whose: str) -> Mapping[str, Any]:
    if not isinstance(page, Mapping):
        raise WireError(
            f"{whose} answered a page of its list with {type(page).__name__} where an object was due"
        )
    return page


def _array(fields: Mapping[str, Any], name: str, whose: str) -> list[Any]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise WireError(f"{whose} answered a page of its list without the array {name!r}")
    return value
