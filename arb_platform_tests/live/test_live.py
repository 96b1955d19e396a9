"""The live page's server as a program sees it; a browser looks at it in ``browser/test_live_page.py``."""

import asyncio
import json
import socket
import sys
from dataclasses import replace
from datetime import timedelta

import aiohttp
import polars as pl
import pytest

from arb_platform.cli import main
from arb_platform.domain.markets import Listing
from arb_platform.domain.streams import StreamEvent
from arb_platform.ingest.lease import Lease
from arb_platform.live.server import PAGE, Live
from arb_platform.storage.markets import save_listing
from arb_platform.storage.streams import event_rows
from arb_platform_tests.live.page import live_page
from arb_platform_tests.reports.world import (
    KALSHI,
    NOON,
    PAIR,
    add_books,
    add_calls,
    add_pair,
    open_lake,
    steps,
)

SECONDS = 30.0


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """For those who only look."""
    yield from served(tmp_path_factory.mktemp("page"))


@pytest.fixture
def own_page(tmp_path):
    """For one that changes what is there."""
    yield from served(tmp_path)


def served(folder):
    with open_lake(folder) as lake:
        add_pair(lake)
        add_calls(lake)
        add_books(lake, iter(list(steps())[:2]))
        with live_page(lake, folder) as running:
            yield running


async def events(session, url):
    """Documents as they are pushed."""
    async with session.get(f"{url}/events") as answer:
        assert answer.content_type == "text/event-stream"
        async for line in answer.content:
            if line.startswith(b"data: "):
                yield json.loads(line[6:])


async def until(session, url, wanted):
    async with asyncio.timeout(SECONDS):
        async for document in events(session, url):
            if wanted(document):
                return document
    raise AssertionError("the push ended")


async def get(session, url):
    async with session.get(url) as answer:
        return answer.status, dict(answer.headers), await answer.text()


def asked(work, page):
    async def run():
        async with aiohttp.ClientSession() as session:
            return await work(session, page)

    return asyncio.run(run())


def test_the_document_has_streams_books_edges_gaps_and_spend(page):
    async def work(session, page):
        return json.loads((await get(session, f"{page.url}/state"))[2])

    document = asked(work, page)
    assert [(one["venue"], one["assets_with_book"]) for one in document["streams"]] == [("kalshi", 2), ("polymarket", 2)]  # fmt: skip
    [pair] = document["pairs"]
    assert (pair["pair_hash"], pair["polymarket"]["bid"], pair["kalshi"]["ask"]) == (
        PAIR.pair_hash,
        0.38,
        0.52,
    )
    assert {pair[venue]["state"] for venue in ("polymarket", "kalshi")} == {"trusted"}
    [edge] = document["edges"]
    assert (edge["direction"], edge["size"], edge["reason"], edge["net_total"]) == ("polymarket_yes+kalshi_no", "80", None, "5.64")  # fmt: skip
    assert document["spend"] == {"calls": 2, "failed": 1, "unknown_cost": 1, "usd": "0.000271"}
    assert (document["events"], document["lasting"], document["trouble"]) == ([], [], "")


def test_what_lands_is_pushed_and_a_gap_takes_trust_and_edge_away(own_page):
    async def work(session, page):
        first = await until(session, page.url, lambda document: document["edges"])
        await asyncio.to_thread(page.quote, "kalshi", "0.38", "0.41")
        closed = await until(session, page.url, lambda document: not document["edges"])
        await asyncio.to_thread(page.quote, "kalshi", "0.50", "0.52")
        gap = StreamEvent(
            "e9", "kalshi", "gap", page.clock.now, None, KALSHI.market_id, "s-kalshi", detail="lost 3"
        )
        page.writer.append("stream_events", pl.DataFrame(event_rows([gap])))
        page.clock.now += timedelta(seconds=1)
        return first, closed, await until(session, page.url, lambda document: document["lasting"])

    first, closed, blind = asked(work, own_page)
    assert first["edges"][0]["reason"] is None
    assert closed["pairs"][0]["kalshi"]["bid"] == 0.38
    assert [edge["reason"] for edge in blind["edges"]] == ["gap"]
    assert blind["pairs"][0]["kalshi"]["state"] == "doubted"
    assert blind["pairs"][0]["polymarket"]["state"] == "trusted"
    assert (blind["lasting"][0]["kind"], blind["lasting"][0]["detail"]) == ("gap", "lost 3")


def test_many_may_watch_and_cost_one_look(page):
    watchers = 60

    async def work(session, page):
        looks = await asyncio.gather(
            *(until(session, page.url, lambda document: document["pairs"]) for _ in range(watchers))
        )
        return {look["at"] for look in looks}

    # the clock stands still: every one of them saw the same moment
    assert len(asked(work, page)) == 1


def test_an_inverted_pair_is_turned_round_and_one_that_ended_is_off_the_page(own_page):
    page = own_page
    with page.writer.transaction() as connection:
        connection.execute("UPDATE verdicts SET orientation = 'inverted'")

    async def work(session, page):
        return await until(session, page.url, lambda document: document["pairs"])

    [pair] = asked(work, page)["pairs"]
    assert pair["inverted"]
    assert (pair["kalshi"]["bid"], pair["kalshi"]["ask"]) == (0.48, 0.5)
    # its market settles: the next listing is without it
    other = replace(KALSHI, market_id="KXOTHER", symbol="KXOTHER")
    save_listing(page.writer, Listing("kalshi", (other,), 1, NOON, NOON, complete=True, reason="last page"))
    page.clock.now += timedelta(seconds=31)

    async def gone(session, page):
        return await until(session, page.url, lambda document: not document["pairs"])

    assert asked(gone, page)["edges"] == []


def test_a_stream_that_hangs_and_one_that_ended_are_told_apart(page):
    for venue in ("polymarket", "kalshi"):
        page.beat(venue, at=NOON - timedelta(seconds=60))

    async def work(session, page):
        return await until(session, page.url, lambda document: document["streams"])

    with Lease(page.root, "kalshi", 0):
        states = {one["venue"]: one["state"] for one in asked(work, page)["streams"]}
    assert states == {"polymarket": "ended", "kalshi": "hangs"}


def test_without_a_lake_the_page_says_so_and_shows_the_streams(tmp_path):
    with live_page(None, tmp_path) as page:

        async def work(session, page):
            return await until(session, page.url, lambda document: document["trouble"])

        document = asked(work, page)
    assert "there is no lake at" in document["trouble"]
    assert (document["read_at"], document["spend"], len(document["streams"])) == (None, None, 2)


def test_nobody_can_write_and_the_page_runs_nothing_but_its_own_script(page):
    async def work(session, page):
        status, headers, text = await get(session, page.url)
        refused = []
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            async with session.request(method, f"{page.url}/state") as answer:
                refused.append(answer.status)
        return status, headers, text, refused

    status, headers, text, refused = asked(work, page)
    assert (status, refused) == (200, [405] * 4)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert text == PAGE
    assert "http://" not in text
    assert "https://" not in text
    assert "innerHTML" not in text


def test_a_reader_that_went_away_is_forgotten_and_then_nobody_looks():
    class Counted:
        looks = 0

        def look(self):
            self.looks += 1
            return {"number": self.looks}

        def close(self):
            pass

    async def run():
        desk = Counted()
        live = Live(desk, every_seconds=0.001)
        runner = aiohttp.web.AppRunner(live.application(), shutdown_timeout=1.0)
        await runner.setup()
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with aiohttp.ClientSession() as session:
            assert desk.looks == 0
            await until(session, url, lambda document: document["number"] >= 3)
        async with asyncio.timeout(SECONDS):
            while live._watchers:
                await asyncio.sleep(0)
        await runner.cleanup()
        return desk.looks

    assert asyncio.run(run()) >= 3


def test_a_port_that_is_taken_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARB_DATA_DIR", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            main(["live", "--port", str(port)])
    assert ended.value.code == 1
    assert f"the live page cannot have port {port}" in capsys.readouterr().err
    assert sys.exc_info() == (None, None, None)
