"""The live page in a real browser while books land and sixty others watch: on a desk, on a phone, light and dark."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import pytest
from playwright.sync_api import Browser, expect

from arb_platform.reports.registry import report_named, run_with_sections
from arb_platform.reports.render import to_page
from arb_platform_tests.browser.chromium import chromium
from arb_platform_tests.live.page import Page, live_page
from arb_platform_tests.reports.world import add_books, add_calls, add_pair, open_lake, steps

pytestmark = pytest.mark.browser
PATIENCE_MS = 60_000
WATCHERS = 60


@contextmanager
def crowd(url: str) -> Iterator[None]:
    """Others who watch meanwhile."""
    loop = asyncio.new_event_loop()

    async def watch() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def one() -> None:
                async with session.get(f"{url}/events") as answer:
                    async for _ in answer.content.iter_any():
                        pass

            await asyncio.gather(*(one() for _ in range(WATCHERS)), return_exceptions=True)

    task = loop.create_task(watch())
    thread = threading.Thread(target=loop.run_until_complete, args=(asyncio.wait([task]),))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
        loop.close()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    root = tmp_path_factory.mktemp("live")
    with open_lake(root) as lake:
        add_pair(lake)
        add_calls(lake)
        add_books(lake, iter(list(steps())[:2]))
        with live_page(lake, root, every_seconds=0.5) as running, crowd(running.url):
            yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


def background(tab) -> str:
    return tab.evaluate("getComputedStyle(document.body).backgroundColor")


def fits(tab) -> bool:
    return tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_browser_shows_what_lands_while_others_watch(page, browser):
    tab = browser.new_page()
    faults: list[str] = []
    asked: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(page.url)
    expect(tab.locator("#link")).to_have_text("live", timeout=PATIENCE_MS)
    expect(tab.locator("[data-venue=polymarket]")).to_contain_text("2 of 2")
    expect(tab.locator("tr[data-reason=taken]")).to_contain_text("Will the Fed cut in December?")
    pair = tab.locator("tr[data-pair]")
    expect(pair).to_contain_text("50¢ × 80")
    expect(tab.locator("#spend")).to_contain_text("$0.0003 of $10.00")
    # ten books land one after the other; each closes or opens the edge
    for number in range(10):
        page.quote(
            "kalshi", *(("0.38", "0.41") if number % 2 == 0 else ("0.50", "0.52")), size=str(100 + number)
        )
    expect(pair).to_contain_text("50¢ × 109", timeout=PATIENCE_MS)
    page.quote("kalshi", "0.38", "0.41")
    expect(tab.locator("#edges")).to_have_text(
        "No edge is open between the books of matched pairs.", timeout=PATIENCE_MS
    )
    page.beat("kalshi", trouble="<img src=x onerror=alert(1)> & a full disk")
    expect(tab.locator("[data-venue=kalshi]")).to_contain_text(
        "<img src=x onerror=alert(1)> & a full disk", timeout=PATIENCE_MS
    )
    assert tab.locator("img").count() == 0
    assert int(tab.evaluate("document.body.dataset.pushes")) >= 3
    assert faults == []
    assert {url for url in asked if not url.startswith(("data:", page.url))} == set()
    tab.close()


def test_the_page_fits_a_phone_and_follows_dark_and_light(page, browser):
    colours = set()
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport={"width": 375, "height": 740}, color_scheme=scheme)
        tab = context.new_page()
        tab.goto(page.url)
        expect(tab.locator("tr[data-pair]")).to_be_visible(timeout=PATIENCE_MS)
        assert fits(tab)
        colours.add(background(tab))
        context.close()
    assert len(colours) == 2


def test_several_reports_as_one_page_navigate_and_fit_a_phone_without_network(page, browser, tmp_path):
    file = tmp_path / "all.html"
    file.write_text(whole_page(page))
    context = browser.new_context(viewport={"width": 375, "height": 740}, color_scheme="dark", offline=True)
    tab = context.new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(file.as_uri())
    for name in ("LLM cost", "Opportunities", "Lead and lag"):
        tab.get_by_role("navigation").get_by_role("link", name=name).click()
        heading = tab.get_by_role("heading", name=name)
        expect(heading).to_be_in_viewport()
    assert fits(tab)
    assert asked == [file.as_uri()]
    context.close()


def whole_page(page: Page) -> str:
    frames = {}
    for name in ("llm_cost", "opportunities"):  # each picture takes a while to draw
        frames |= run_with_sections(page.writer, name, now=page.clock.now)
    return to_page([(report_named(name), frame) for name, frame in frames.items()])
