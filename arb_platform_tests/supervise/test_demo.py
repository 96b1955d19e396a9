"""The main job of ``arb demo`` against simulators that are up already."""

import asyncio

import pytest

from arb_platform import api, pipeline
from arb_platform.reports.registry import REPORTS
from arb_platform.settings import load_settings
from arb_platform.storage.lake import Lake
from arb_platform.supervise.demo import _main_job
from arb_platform_tests.conftest import MARKETS

VENUES = ("polymarket", "kalshi")
# design.md, section 5: what `arb demo --json` prints at least.
CONTRACT = {
    "snapshots", "markets", "candidates", "validated", "accepted", "llm_calls", "llm_cost_usd", "gaps", "quarantined",
    "latency_ms", "data_dir",
}  # fmt: skip


@pytest.fixture(scope="module")
def demo(simulated, tmp_path_factory):
    """Settings, what was said, and the result of one demo."""
    settings = load_settings(**simulated, ARB_DATA_DIR=str(tmp_path_factory.mktemp("demo")))
    said = []
    result = asyncio.run(_main_job(settings, 2.0, pipeline.now(), asyncio.Event(), said.append))
    return settings, said, result


def ask(settings, sql):
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        return lake.query(sql).row(0)


def test_the_demo_gives_the_object_of_the_contract(demo):
    settings, _, result = demo
    document = result.document
    assert set(document) >= CONTRACT
    assert document["markets"] == dict.fromkeys(VENUES, MARKETS)
    assert set(document["snapshots"]) == set(VENUES)
    assert all(document["snapshots"].values())
    assert 0 < document["accepted"] <= document["validated"] <= document["candidates"]
    assert (document["gaps"], document["quarantined"]) == (0, 0)
    assert document["data_dir"] == str(settings.root)


def test_the_latency_of_both_venues_is_told_in_order(demo):
    for venue in VENUES:
        latency = demo[2].document["latency_ms"][venue]
        assert list(latency) == ["p50", "p95", "p99"]
        assert 0 <= latency["p50"] <= latency["p95"] <= latency["p99"]


def test_the_numbers_of_the_demo_are_those_of_its_lake(demo):
    settings, _, result = demo
    document = result.document
    assert ask(settings, "SELECT count(*) FROM book_snapshots") == (sum(document["snapshots"].values()),)
    assert ask(settings, "SELECT count(*) FROM matched_pairs") == (document["accepted"],)
    calls, cost = ask(settings, "SELECT count(*), sum(cost_usd) FROM llm_calls")
    assert (document["llm_calls"], document["llm_cost_usd"]) == (calls, float(cost))


def test_every_report_of_the_demo_is_in_the_lake_and_every_step_was_told(demo):
    settings, said, result = demo
    for name in ("llm_cost", "latency", "matching"):
        assert ask(settings, f"SELECT count(*) > 0 FROM {REPORTS[name].table}") == (True,)
    assert result.stopped_reason == ""
    assert [step.split()[0] for step in said] == ["listing", "listing", "proposing", "streaming", "computing"]
