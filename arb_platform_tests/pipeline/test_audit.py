"""Accepted pairs must settle alike; what was never proposed and settled alike is told."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from arb_platform import api
from arb_platform.domain.markets import Listing
from arb_platform.domain.pairs import Candidate, MarketPair
from arb_platform.pipeline.audit import audit_known, audit_settlements
from arb_platform.reports.registry import run_report
from arb_platform.settings import load_settings
from arb_platform.storage.lake import Lake
from arb_platform.storage.markets import save_listing
from arb_platform.storage.pairs import save_candidates, save_review, save_verdicts
from arb_platform_tests.matching.written_pairs import SAME_BET, kalshi, polymarket
from arb_platform_tests.storage.samples import verdict
from arb_platform_tests.venues.test_listing import gamma

NOW = datetime.now(UTC)
YESTERDAY = NOW - timedelta(days=1)
PAIRS = [MarketPair(*(replace(market, close_time=YESTERDAY) for market in pair)) for pair in SAME_BET[:6]]

ALIKE = MarketPair(
    polymarket("Stripe IPO by June 30, 2027?", close=f"{YESTERDAY:%Y-%m-%d}"),
    kalshi("Stripe IPO before Jul 1, 2027?", close=f"{YESTERDAY:%Y-%m-%d}"),
)


def listed(lake, venue, *markets, at=YESTERDAY):
    save_listing(lake, Listing(venue, markets, 1, at, at, True, "end"))


def accepted(lake, *pairs, **changes):
    listed(lake, "polymarket", *(pair.polymarket for pair in pairs), at=YESTERDAY - timedelta(days=1))
    listed(lake, "kalshi", *(pair.kalshi for pair in pairs), at=YESTERDAY - timedelta(days=1))
    save_candidates(lake, [Candidate(pair, 0.9) for pair in pairs], YESTERDAY)
    save_verdicts(lake, [replace(verdict(pair, "accepted", at=YESTERDAY), **changes) for pair in pairs])


def settled(lake, pair, one, other):
    listed(lake, "polymarket", replace(pair.polymarket, result=one, status="closed"))
    listed(lake, "kalshi", replace(pair.kalshi, result=other, status="finalized"))


@pytest.fixture
def lake(tmp_path):
    with Lake.open(api.lake_location(load_settings(ARB_DATA_DIR=str(tmp_path)))) as opened:
        yield opened


def test_pairs_that_settled_alike_pass_and_are_rows(lake):
    accepted(lake, PAIRS[0])
    assert (audit_known(lake, NOW).settled, audit_known(lake, NOW).passed) == (0, True)
    settled(lake, PAIRS[0], "Yes", "yes")
    audit = audit_known(lake, NOW)
    assert (audit.accepted, audit.settled, audit.passed, audit.misses) == (1, 1, True, ())
    assert lake.query("SELECT polymarket_result, kalshi_result, settled_alike FROM settlements").rows() == [("Yes", "yes", True)]  # fmt: skip


def test_a_pair_that_settled_in_two_ways_is_an_alarm_row_and_fails_the_check(lake):
    accepted(lake, PAIRS[0])
    settled(lake, PAIRS[0], "Yes", "no")
    audit = audit_known(lake, NOW)
    assert not audit.passed
    (unlike,) = audit.unlike
    assert (unlike.pair_hash, unlike.decided_by[:4]) == (PAIRS[0].pair_hash, "llm:")
    report = run_report(lake, "matching", now=NOW + timedelta(seconds=1))
    today = report.filter(report["scope"] == "day").row(-1, named=True)
    assert today["settled_unlike"] == 1
    assert "ALARM: 1 accepted pairs did not settle alike" in today["note"]


def test_an_inverted_pair_must_settle_the_other_way_round(lake):
    accepted(lake, PAIRS[0], orientation="inverted")
    settled(lake, PAIRS[0], "Yes", "no")
    assert audit_known(lake, NOW).passed


def test_a_person_who_took_back_an_acceptance_is_not_alarmed_by_it(lake):
    accepted(lake, PAIRS[0])
    save_review(lake, PAIRS[0].pair_hash, "reject", "another source", "ann", YESTERDAY)
    settled(lake, PAIRS[0], "Yes", "no")
    audit = audit_known(lake, NOW)
    assert (audit.accepted, audit.passed) == (0, True)


def test_settled_markets_that_look_alike_and_were_never_proposed_are_likely_misses_with_a_reason(lake):
    pair = ALIKE
    settled(lake, pair, "No", "no")
    (miss,) = audit_known(lake, NOW).misses
    assert (miss.polymarket_id, miss.kalshi_id) == (pair.polymarket.market_id, pair.kalshi.market_id)
    assert miss.settled_alike
    assert miss.reason == "no candidate was proposed for the Polymarket market while both were listed"
    rows = run_report(lake, "matching", now=NOW + timedelta(seconds=1))
    missed = rows.filter(rows["stage"] == "missed").row(0, named=True)
    assert missed["note"] == f"settled alike; {miss.reason}"
    save_candidates(lake, [Candidate(pair, 0.9)], NOW)
    assert audit_known(lake, NOW).misses == ()  # it was proposed after all


def test_markets_that_were_never_listed_together_are_missed_for_that_reason(lake):
    pair = ALIKE
    listed(
        lake,
        "polymarket",
        replace(pair.polymarket, result="Yes", status="closed"),
        at=YESTERDAY - timedelta(days=3),
    )
    listed(lake, "polymarket", PAIRS[0].polymarket, at=YESTERDAY - timedelta(days=2))
    listed(lake, "kalshi", replace(pair.kalshi, result="yes"), at=YESTERDAY)
    (miss,) = audit_known(lake, NOW).misses
    assert miss.reason == "never listed at the same time"


def test_what_a_rule_refuses_is_no_likely_miss(lake):
    settled(lake, MarketPair(ALIKE.polymarket, replace(ALIKE.kalshi, market_type="scalar")), "Yes", "yes")
    assert audit_known(lake, NOW).misses == ()


class Settling:
    """Both venues' lists as they answer about markets that are over."""

    def __init__(self, pair):
        self.pair = pair
        self.asked = []

    async def __aenter__(self):
        application = web.Application()
        application.router.add_get("/markets/keyset", self.polymarket)
        application.router.add_get("/markets", self.kalshi)
        self.runner = web.AppRunner(application)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *error):
        await self.runner.cleanup()

    async def polymarket(self, request):
        assert request.query["closed"] == "true"
        self.asked += request.query.getall("condition_ids")
        document = gamma(1) | {
            "conditionId": self.pair.polymarket.market_id, "closed": True, "outcomes": '["Yes","No"]', "outcomePrices": '["0","1"]',
        }  # fmt: skip
        return web.json_response({"markets": [document]})

    async def kalshi(self, request):
        self.asked += request.query["tickers"].split(",")
        document = {"ticker": self.pair.kalshi.market_id, "title": "T", "status": "finalized", "result": "no"}
        return web.json_response({"markets": [document]})


def test_results_are_asked_for_once_and_kept_without_a_new_version(tmp_path):
    pair = MarketPair(*(replace(m, market_id=name) for m, name in ((PAIRS[0].polymarket, "0xabc"), (PAIRS[0].kalshi, "KX-1"))))  # fmt: skip

    async def scenario():
        async with Settling(pair) as venues:
            settings = load_settings(
                ARB_DATA_DIR=str(tmp_path), ARB_POLYMARKET_GAMMA_URL=venues.url, ARB_KALSHI_REST_URL=venues.url,
                ARB_KALSHI_WS_URL="ws://127.0.0.1:9", ARB_POLYMARKET_WS_URL="ws://127.0.0.1:9", ARB_POLYMARKET_CLOB_URL=venues.url,
            )  # fmt: skip
            with Lake.open(api.lake_location(settings)) as lake:
                accepted(lake, pair)
            audit = await audit_settlements(settings)
            assert (audit.settled, audit.passed, sorted(venues.asked)) == (1, True, ["0xabc", "KX-1"])
            venues.asked.clear()
            assert (await audit_settlements(settings)).settled == 1
            assert venues.asked == []
            with Lake.open(api.lake_location(settings), read_only=True) as lake:
                assert lake.query("SELECT venue, result, status FROM market_versions ORDER BY venue").rows() == [
                    ("kalshi", "no", "finalized"), ("polymarket", "No", "closed"),
                ]  # fmt: skip

    asyncio.run(scenario())
