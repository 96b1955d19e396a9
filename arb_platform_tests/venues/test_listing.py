"""Walking through listings, page by page, without a network."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.domain.errors import TransportError, WireError
from arb_platform.venues.listing import FLOWS, list_kalshi, list_polymarket
from arb_platform_tests.venues.wire import NOW, document


def gamma(number):
    market = copy.deepcopy(document("polymarket", "http_get_markets_keyset.json")["markets"][0])
    return market | {"conditionId": f"0x{number:064x}"}


def kalshi_event(number, markets=2):
    event = copy.deepcopy(document("kalshi", "http_get_events.json")["events"][0])
    event["markets"] = [{**event["markets"][0], "ticker": f"KX-{number}-{one}"} for one in range(markets)]
    return event | {"event_ticker": f"KX-{number}"}


SERIES = document("kalshi", "http_get_series.json")


def walk(flow, answer, most=200):
    """Drive a flow; ``answer`` gives the page of a request or raises. Returns the listing and the requests."""
    requests = []
    try:
        request = next(flow)
        while True:
            requests.append(request)
            assert len(requests) < most, "the walk does not end"
            try:
                page = answer(request)
            except (WireError, TransportError) as error:
                request = flow.throw(error)
            else:
                request = flow.send(page)
    except StopIteration as stop:
        return stop.value, requests


def clock():
    return NOW


def pages_of(pages):
    """Pages by cursor: the first for none, then each under the cursor before it."""

    def answer(request):
        return pages[request.params.get("after_cursor", request.params.get("cursor", ""))]

    return answer


def test_keyset_pages_are_followed_by_after_cursor_until_there_is_no_next():
    pages = {
        "": {"markets": [gamma(1), gamma(2)], "next_cursor": "c1"},
        "c1": {"markets": [gamma(3), gamma(4)], "next_cursor": "c2"},
        "c2": {"markets": [gamma(5)]},
    }
    listing, requests = walk(list_polymarket(clock=clock), pages_of(pages))
    assert listing.complete
    assert (listing.pages, len(listing.markets), listing.skipped) == (3, 5, {})
    assert [request.path for request in requests] == ["/markets/keyset"] * 3
    assert all(
        request.params["limit"] == "100" and request.params["closed"] == "false" for request in requests
    )
    assert [request.params.get("after_cursor") for request in requests] == [None, "c1", "c2"]
    assert (requests[-1].pages, requests[-1].markets) == (2, 4)


@pytest.mark.parametrize(
    ("cursor", "words"),
    [("c1", "repeats the cursor"), ("", "gave ''"), (5, "gave 5"), (["c"], "gave ['c']")],
)
def test_a_cursor_that_cannot_be_followed_ends_the_listing_as_incomplete(cursor, words):
    pages = {
        "": {"markets": [gamma(1)], "next_cursor": "c1"},
        "c1": {"markets": [gamma(2)], "next_cursor": cursor},
    }
    listing, _ = walk(list_polymarket(clock=clock), pages_of(pages))
    assert not listing.complete
    assert words in listing.reason
    assert len(listing.markets) == 2


def shrinking(sizes):
    """Pages of both venues of so many entries each, the last one without a cursor."""

    def answer(request):
        if request.path == "/series":
            return SERIES
        number = int(request.params.get("after_cursor", request.params.get("cursor", "0")))
        following = str(number + 1) if number + 1 < len(sizes) else None
        entries = [1000 * number + one for one in range(sizes[number])]
        page = {
            "markets": [gamma(one) for one in entries],
            "events": [kalshi_event(one, 1) for one in entries],
        }
        return page | ({"next_cursor": following, "cursor": following} if following else {"cursor": ""})

    return answer


@pytest.mark.parametrize("venue", sorted(FLOWS))
@pytest.mark.parametrize("sizes", [[3, 2, 3], [3, 0, 3, 1], [2, 3, 2, 1]])
def test_a_page_that_shrinks_while_the_list_goes_on_makes_it_incomplete(venue, sizes):
    listing, _ = walk(FLOWS[venue](clock=clock), shrinking(sizes))
    assert not listing.complete
    assert "the list went on after it" in listing.reason
    assert len(listing.markets) == sum(sizes)  # and everything that came is kept


@pytest.mark.parametrize("venue", sorted(FLOWS))
@pytest.mark.parametrize("sizes", [[3, 3, 1], [2], [2, 3, 3, 3]])
def test_a_last_page_may_be_short(venue, sizes):
    listing, _ = walk(FLOWS[venue](clock=clock), shrinking(sizes))
    assert listing.complete, listing.reason


@pytest.mark.parametrize("venue", sorted(FLOWS))
def test_a_list_without_an_end_is_cut_off_and_incomplete(venue, monkeypatch):
    monkeypatch.setattr("arb_platform.venues.listing.PAGE_LIMIT", 5)
    listing, _ = walk(FLOWS[venue](clock=clock), shrinking([1] * 50))
    assert not listing.complete
    assert listing.reason == "stopped after 5 pages"


def test_bare_arrays_are_walked_by_offset_until_a_short_page():
    def answer(request):
        if request.path == "/markets/keyset":
            return [gamma(number) for number in range(100)]
        start = int(request.params["offset"])
        return [gamma(number) for number in range(start, min(start + 100, 230))]

    listing, requests = walk(list_polymarket(clock=clock), answer)
    assert listing.complete
    assert len(listing.markets) == 230
    assert [request.params.get("offset") for request in requests] == [None, "100", "200"]


def test_an_address_without_keyset_lists_is_asked_the_older_way():
    def answer(request):
        if request.path == "/markets/keyset":
            raise TransportError("HTTP 404")
        return [gamma(1)]

    listing, requests = walk(list_polymarket(clock=clock), answer)
    assert listing.complete
    assert [request.path for request in requests] == ["/markets/keyset", "/markets"]


def test_a_page_that_repeats_whatever_the_offset_ends_the_listing_as_incomplete():
    listing, _ = walk(list_polymarket(clock=clock), lambda request: [gamma(number) for number in range(100)])
    assert not listing.complete
    assert "repeats a page" in listing.reason


@pytest.mark.parametrize("venue", sorted(FLOWS))
@pytest.mark.parametrize("page", [None, 7, "login", {}, {"markets": 5, "events": "x"}, {"error": "busy"}])
def test_a_page_that_is_none_ends_the_listing_as_incomplete(venue, page):
    listing, _ = walk(FLOWS[venue](clock=clock), lambda request: page)
    assert not listing.complete
    assert listing.reason
    assert listing.markets == ()


@pytest.mark.parametrize("venue", sorted(FLOWS))
@pytest.mark.parametrize("error", [WireError("not JSON"), TransportError("refused")])
def test_what_is_thrown_in_instead_of_a_page_ends_the_listing_with_its_reason(venue, error):
    def answer(request):
        raise error

    listing, _ = walk(FLOWS[venue](clock=clock), answer)
    assert not listing.complete
    assert listing.reason == str(error)


def test_what_was_read_before_the_trouble_is_kept():
    def answer(request):
        if "after_cursor" in request.params:
            raise TransportError("gone")
        return {"markets": [gamma(1)], "next_cursor": "c1"}

    listing, _ = walk(list_polymarket(clock=clock), answer)
    assert (listing.complete, listing.reason, len(listing.markets)) == (False, "gone", 1)


def test_markets_that_cannot_be_read_are_skipped_and_counted_by_reason():
    bad = [gamma(1) | {"conditionId": ""}, gamma(2) | {"question": None}, 5, gamma(3), gamma(3)]
    listing, _ = walk(list_polymarket(clock=clock), lambda request: {"markets": bad})
    assert listing.complete
    assert len(listing.markets) == 1
    assert listing.skipped == {
        "conditionId is missing": 1,
        "question is missing": 1,
        "a Polymarket market came as int where an object was due": 1,
        "listed twice": 1,
    }


def kalshi_answer(events):
    def answer(request):
        if request.path == "/series":
            return SERIES
        return events[request.params.get("cursor", "")]

    return answer


def test_open_events_with_their_markets_are_joined_with_the_series_fetched_once():
    events = {
        "": {"events": [kalshi_event(1), kalshi_event(2)], "cursor": "c1"},
        "c1": {"events": [kalshi_event(3)], "cursor": ""},
    }
    listing, requests = walk(list_kalshi(clock=clock), kalshi_answer(events))
    assert listing.complete
    assert (len(listing.markets), listing.pages) == (6, 2)
    assert [request.path for request in requests] == ["/series", "/events", "/events"]
    expected = {"limit": "200", "status": "open", "with_nested_markets": "true"}
    assert dict(requests[1].params) == expected
    assert listing.markets[0].fee_type == "quadratic"
    assert listing.markets[0].category == "Crypto"


def test_combinations_of_other_markets_are_left_out_and_counted():
    events = [kalshi_event(1), kalshi_event(2) | {"event_ticker": "KXMVESPORTS-1"}]
    listing, _ = walk(list_kalshi(clock=clock), kalshi_answer({"": {"events": events, "cursor": None}}))
    assert len(listing.markets) == 2
    assert listing.skipped == {"multivariate event": 1}


def test_an_event_without_nested_markets_has_them_fetched_without_combinations():
    event = kalshi_event(1)
    markets = event.pop("markets")

    def answer(request):
        if request.path == "/series":
            return SERIES
        return {"markets": markets} if request.path == "/markets" else {"events": [event]}

    listing, requests = walk(list_kalshi(clock=clock), answer)
    assert len(listing.markets) == 2
    assert requests[-1].params["mve_filter"] == "exclude"
    assert requests[-1].params["event_ticker"] == "KX-1"


def test_a_kalshi_cursor_that_repeats_ends_the_listing_as_incomplete():
    page = {"events": [kalshi_event(1)], "cursor": "c1"}
    listing, _ = walk(list_kalshi(clock=clock), kalshi_answer({"": page, "c1": page}))
    assert not listing.complete
    assert "repeats the cursor" in listing.reason


def test_markets_are_read_from_their_events_when_the_series_do_not_come():
    def answer(request):
        if request.path == "/series":
            raise TransportError("HTTP 500")
        return {"events": [kalshi_event(1)], "cursor": ""}

    listing, _ = walk(list_kalshi(clock=clock), answer)
    assert listing.complete
    assert listing.markets[0].fee_type is None
    assert listing.skipped == {"the list of series": 1}


@pytest.mark.parametrize("venue", sorted(FLOWS))
def test_a_limit_ends_the_walk_on_purpose_and_says_so(venue):
    def answer(request):
        if request.path == "/series":
            return SERIES
        number = int(request.params.get("after_cursor", request.params.get("cursor", "0")))
        page = {"next_cursor": str(number + 10), "cursor": str(number + 10)}
        markets = [gamma(one) for one in range(number, number + 10)]
        return page | {"markets": markets, "events": [kalshi_event(number, 10)]}

    listing, requests = walk(FLOWS[venue](clock=clock, limit=25), answer)
    assert not listing.complete
    assert listing.reason == "stopped at the limit of 25 markets"
    assert len(listing.markets) == 25
    assert len(requests) <= 4


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["markets", "events", "next_cursor", "cursor", "series", "ticker", "event_ticker", "conditionId"]), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


@given(st.sampled_from(sorted(FLOWS)), st.lists(json_values, min_size=1, max_size=6))
def test_whatever_a_venue_answers_a_listing_comes_out(venue, pages):
    answers = iter(pages * 50)
    listing, _ = walk(FLOWS[venue](clock=clock), lambda request: next(answers), most=300)
    assert listing.reason
