"""A listing that was interrupted goes on where it stopped."""

import asyncio
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from aiohttp import web

from arb_platform.venues.backoff import Timing
from arb_platform.venues.page_journal import KEPT_FOR, PageJournal
from arb_platform.venues.rest import list_markets
from arb_platform.venues.rest_client import RestClient
from arb_platform_tests.venues.test_listing import gamma
from arb_platform_tests.venues.wire import NOW

ADDRESS = "http://venue"


@contextmanager
def begun(path, *, address=ADDRESS, at=NOW):
    journal = PageJournal(path, address=address)
    journal.begin(at)
    try:
        yield journal
    finally:
        journal.close()


def filled(path, pages=3):
    with begun(path) as journal:
        for number in range(pages):
            journal.keep("/markets", {"cursor": str(number)}, {"page": number, "price": Decimal("0.10")})


def recalled(path, **options):
    found = []
    with begun(path, **options) as journal:
        while (page := journal.recalled("/markets", {"cursor": str(len(found))})) is not None:
            found.append(page)
    return found


def test_pages_come_back_in_their_order_with_exact_numbers(tmp_path):
    filled(tmp_path / "p")
    pages = recalled(tmp_path / "p")
    assert [page["page"] for page in pages] == [0, 1, 2]
    assert str(pages[0]["price"]) == "0.10"


def test_a_torn_last_page_is_read_again_from_the_venue(tmp_path):
    path = tmp_path / "p"
    filled(path)
    whole = path.read_bytes()
    for cut in (1, 5, 30):
        path.write_bytes(whole[:-cut])
        assert len(recalled(path)) == 2
    path.write_bytes(whole[:-20] + b"\x00" * 20)
    assert len(recalled(path)) == 2


def test_what_is_written_after_a_torn_page_is_read_the_next_time(tmp_path):
    path = tmp_path / "p"
    filled(path)
    path.write_bytes(path.read_bytes()[:-4])
    with begun(path) as journal:
        for number in range(2):
            assert journal.recalled("/markets", {"cursor": str(number)}) is not None
        assert journal.recalled("/markets", {"cursor": "2"}) is None
        journal.keep("/markets", {"cursor": "2"}, {"page": "again"})
    assert [page["page"] for page in recalled(path)] == [0, 1, "again"]


def test_a_walk_that_comes_another_way_is_not_sent_the_old_pages(tmp_path):
    path = tmp_path / "p"
    filled(path)
    with begun(path) as journal:
        assert journal.recalled("/markets", {"cursor": "0"}) is not None
        assert journal.recalled("/markets", {"cursor": "elsewhere"}) is None
        journal.keep("/markets", {"cursor": "elsewhere"}, {"page": "new"})
    assert [page["page"] for page in recalled(path)] == [0]


@pytest.mark.parametrize(
    "options",
    [{"address": "http://other"}, {"at": NOW + KEPT_FOR}, {"at": NOW - timedelta(seconds=1)}],
    ids=["another address", "too old", "from the future"],
)
def test_a_journal_that_does_not_fit_is_begun_anew(tmp_path, options):
    filled(tmp_path / "p")
    assert recalled(tmp_path / "p", **options) == []
    assert len(recalled(tmp_path / "p", **options)) == 0


def test_a_file_that_is_no_journal_is_begun_anew(tmp_path):
    for content in (b"", b"\xff" * 100, b"\x00" * 8, b"<html>"):
        (tmp_path / "p").write_bytes(content)
        assert recalled(tmp_path / "p") == []


def test_of_two_walks_at_once_only_the_first_keeps_its_pages(tmp_path):
    path = tmp_path / "p"
    with begun(path) as first, begun(path) as second:
        first.keep("/markets", {"cursor": "0"}, {"page": 0})
        assert second.recalled("/markets", {"cursor": "0"}) is None
        second.keep("/markets", {"cursor": "0"}, {"page": "of the second"})
        second.finish()
        first.keep("/markets", {"cursor": "1"}, {"page": 1})
    assert [page["page"] for page in recalled(path)] == [0, 1]


def test_a_walk_begun_while_another_one_ends_has_a_file_of_its_own(tmp_path):
    path = tmp_path / "p"
    with begun(path) as first:
        first.keep("/markets", {"cursor": "0"}, {"page": 0})
        first.finish()
        with begun(path) as second:
            assert second.recalled("/markets", {"cursor": "0"}) is None
            second.keep("/markets", {"cursor": "0"}, {"page": "new"})
    assert [page["page"] for page in recalled(path)] == ["new"]


class Breaking:
    """Gamma's keyset pages of one market each; dead from a certain page on until it is mended."""

    def __init__(self, pages):
        self.pages = pages
        self.dead_from = pages
        self.asked = []

    async def start(self):
        application = web.Application()
        application.router.add_get("/markets/keyset", self.page)
        self.runner = web.AppRunner(application)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def page(self, request):
        number = int(request.query.get("after_cursor", "0"))
        self.asked.append(number)
        if number >= self.dead_from:
            raise web.HTTPBadRequest(text="down")
        document = {"markets": [gamma(number)]}
        return web.json_response(
            document | ({"next_cursor": str(number + 1)} if number + 1 < self.pages else {})
        )


async def listed(url, journal):
    client = RestClient(url, venue="polymarket", per_second=1e6)
    try:
        return await list_markets(
            "polymarket", client=client, journal=journal, timing=Timing(clock=lambda: NOW)
        )
    finally:
        await client.aclose()


def test_a_listing_that_broke_off_goes_on_at_the_page_that_failed(tmp_path):
    path = tmp_path / "listing.pages"

    async def scenario():
        venue = Breaking(6)
        venue.dead_from = 4
        url = await venue.start()
        try:
            broken = await listed(url, PageJournal(path, address=url))
            assert (broken.complete, len(broken.markets)) == (False, 4)
            assert path.exists()
            venue.asked.clear()
            venue.dead_from = 6
            whole = await listed(url, PageJournal(path, address=url))
            assert (whole.complete, len(whole.markets), venue.asked) == (True, 6, [4, 5])
            assert not path.exists()
            venue.asked.clear()
            again = await listed(url, PageJournal(path, address=url))
            assert again.complete
            assert venue.asked == [0, 1, 2, 3, 4, 5]  # nothing of the old walk is left
        finally:
            await venue.runner.cleanup()

    asyncio.run(scenario())
