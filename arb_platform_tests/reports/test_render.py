"""Reports as people see them, built from real frames of a small day."""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser

import polars as pl
import pytest
from rich.console import Console

from arb_platform.reports import latency, llm_cost
from arb_platform.reports.cells import shown_value
from arb_platform.reports.registry import REPORTS
from arb_platform.reports.render import (
    chart_png,
    markdown_table,
    sparkline,
    terminal,
    terminal_text,
    to_html,
    to_json,
    to_page,
)
from arb_platform_tests.reports import test_latency, test_llm_cost
from arb_platform_tests.reports.world import NOW

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def frames():
    cost = test_llm_cost.built([test_llm_cost.call(), test_llm_cost.call("p2", "timeout", cost=None)])
    return {
        "llm_cost": cost,
        "latency": test_latency.built(test_latency.row(network=-9.0), test_latency.row()),
    }


def with_model(name):
    return test_llm_cost.built([{**test_llm_cost.call(), "model": name}])


class Page(HTMLParser):
    """Tags and addresses of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in {"src", "href", "xlink:href", "action"}]


def test_a_page_needs_no_network_and_no_script(frames):
    text = to_page([(REPORTS[name], frame) for name, frame in frames.items()], generated_at=NOW)
    page = Page(text)
    assert not page.tags & {"script", "link", "iframe", "img", "object"}
    # negative control: the parser does see addresses, and all of them stay on the page
    assert {"#llm_cost", "#latency"} <= set(page.addresses)
    assert all(address.startswith("#") for address in page.addresses)
    assert "url(http" not in text
    assert "@import" not in text
    assert text.count("<svg") == 4
    assert "Made 2026-11-20 18:00 UTC" in text


def test_a_page_fits_a_phone_and_follows_dark_and_light(frames):
    text = to_html(frames["latency"], REPORTS["latency"])
    assert 'name="viewport"' in text
    assert "prefers-color-scheme:dark" in text
    svg = text[text.index("<svg") : text.index("</svg>")]
    assert "var(--ink)" in svg
    # a colour written into the picture would not follow the page
    assert not re.findall(r'(?:fill|stroke)="#[0-9a-f]{3,8}"', svg)
    assert "<nav>" not in text


def test_other_peoples_words_stay_words(frames):
    frame = with_model(HOSTILE)
    assert HOSTILE not in to_html(frame, REPORTS["llm_cost"])
    assert "&lt;script&gt;" in to_html(frame, REPORTS["llm_cost"])
    assert HOSTILE not in markdown_table(frame)
    assert "[bold]" in terminal_text(with_model("[bold]"), REPORTS["llm_cost"], width=200)
    assert "a\\|b" in markdown_table(with_model("a|b"))


def test_a_picture_is_a_png_of_some_size(frames):
    for name, frame in frames.items():
        png = chart_png(frame, REPORTS[name])
        assert png.startswith(b"\x89PNG")
        assert int.from_bytes(png[16:20], "big") > 1000


def test_every_report_draws_and_prints_when_there_is_nothing(tmp_path):
    for name, report in REPORTS.items():
        empty = pl.DataFrame(schema=dict(report.columns))
        assert chart_png(empty, report).startswith(b"\x89PNG")
        assert report.headline(empty).endswith(".")
        assert report.title in terminal_text(empty, report)
        assert to_html(empty, report).startswith("<!doctype html>")
        assert to_json(empty) == "[]"
        assert name


def test_every_report_of_a_real_lake_prints_and_draws(whole_day):
    parts = [(REPORTS[name], frame) for name, frame in whole_day[0].items()]
    text = to_page(parts)
    assert len(text) < 3_000_000
    for report, frame in parts:
        assert "2026-11-20" in terminal_text(frame, report, width=160)
        assert f'id="{report.name}"' in text


def test_json_keeps_money_as_text_and_times_in_utc(frames):
    rows = json.loads(to_json(frames["llm_cost"]))
    assert rows[0]["cost_usd"] == "0.000123456789"
    assert rows[0]["day"] == "2026-11-20"
    hours = [row["hour"] for row in json.loads(to_json(frames["latency"])) if row["scope"] == "hour"]
    assert hours[0] == "2026-11-20T12:00:00Z"
    assert json.loads(to_json(test_llm_cost.built()))[0]["cost_per_validated_pair_usd"] is None


def test_a_terminal_shows_days_and_leaves_hours_to_the_sparkline():
    rows = [test_latency.row(test_latency.NOON.replace(hour=hour), network=10.0 * hour) for hour in (1, 2, 3)]
    text = terminal_text(test_latency.built(*rows), REPORTS["latency"], width=160)
    assert len([line for line in text.splitlines() if "received_to_handed" in line]) == 1
    assert "▃▆█  kalshi market update to handler" in text


def test_a_failed_day_is_red_and_an_empty_one_is_not():
    out = Console(force_terminal=True, color_system="standard", width=160)
    with out.capture() as captured:
        out.print(terminal(test_latency.built(), REPORTS["latency"]))
    assert "\x1b[1;31m" in captured.get()
    with out.capture() as captured:
        out.print(terminal(test_latency.built(sessions=()), REPORTS["latency"]))
    assert "\x1b[1;31m" not in captured.get()


def test_a_note_is_said_once():
    days = [llm_cost.build(period, {**SOURCES}) for period in (test_llm_cost.PERIOD,) * 3]
    text = terminal_text(pl.concat(days), REPORTS["llm_cost"])
    assert text.count("no validation ran on this day") == 1


SOURCES = {
    "calls": pl.DataFrame(schema=test_llm_cost.CALLS),
    "runs": pl.DataFrame(schema=test_llm_cost.RUNS),
    "earlier": pl.DataFrame({"cost_usd": [Decimal(0)], "pairs": [0]}),
}


def test_a_markdown_table_says_how_much_it_left_off(frames):
    text = markdown_table(frames["latency"], 2)
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 4
    assert text.endswith(f"{frames['latency'].height - 2} more rows are in the table.")
    assert "more rows" not in markdown_table(frames["latency"], 100, report=REPORTS["latency"])


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        (None, "", "–"), (True, "", "yes"), (1234567, "", "1,234,567"), (0.5, "fallback_share", "50.0%"),
        (Decimal("0.000123456789"), "", "0.0001235"), (Decimal("45.140000"), "", "45.14"), (Decimal(2), "", "2.00"),
        (Decimal("0.000000000000"), "", "0"), (0.1234, "", "0.12"), (1234.5, "", "1,234"), (date(2026, 1, 2), "", "2026-01-02"),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "", "01-02 03:00"), (3.0, "", "3"),
    ],
)  # fmt: skip
def test_figures_keep_the_digits_that_say_something(value, column, text):
    assert shown_value(value, column) == text


def test_a_sparkline_is_scaled_to_its_largest_and_a_missing_value_is_a_hole():
    assert sparkline([0, 1, None, 2]) == "▁▅ █"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


def test_the_latency_picture_has_the_budget_in_it(frames):
    svg = to_html(frames["latency"], REPORTS["latency"])
    assert f"{latency.BUDGET_MS} ms budget" in svg
