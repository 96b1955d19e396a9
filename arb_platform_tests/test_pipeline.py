"""Every stage against the simulators on real sockets, its rows read back from a real lake."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace

import pytest

from arb_platform import api, pipeline
from arb_platform.domain.errors import (
    CredentialsError,
    LakeUnavailable,
    ListingError,
    LLMError,
    SettingsError,
)
from arb_platform.matching.offline import OfflineJudge
from arb_platform.reports.registry import REPORTS
from arb_platform.settings import load_settings
from arb_platform.storage.lake import Lake
from arb_platform.venues.adapters import KalshiWebsocketAdapter
from arb_platform.venues.polling import KalshiAdapter
from arb_platform_tests.conftest import MARKETS, SimulatorThread
from arb_platform_tests.empty_venue import EmptyVenue

VENUES = ("polymarket", "kalshi")


def ask(settings, sql):
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        return lake.query(sql).rows()


def test_listing_keeps_every_market_of_both_venues(worked):
    for venue in VENUES:
        listed = worked.listed[venue]
        assert listed.complete, listed.reason
        assert listed.markets == listed.change.new == MARKETS
    assert ask(worked.settings, "SELECT venue, count(*) FROM markets GROUP BY venue ORDER BY 1") == [
        ("kalshi", MARKETS),
        ("polymarket", MARKETS),
    ]


def test_candidates_are_kept_with_the_rules_they_break(worked):
    assert worked.candidates
    assert ask(worked.settings, "SELECT count(*), count(DISTINCT pair_hash) FROM candidate_pairs") == [
        (len(worked.candidates),) * 2
    ]


def test_every_candidate_without_an_objection_is_judged_and_some_are_accepted(worked):
    done = worked.validation
    allowed = [one for one in worked.candidates if not one.broken_rules]
    assert done.asked + done.cached == len(allowed)
    assert done.skipped_by_rules == len(worked.candidates) - len(allowed)
    assert 0 < done.accepted < len(allowed)
    assert (done.failed, done.stopped_reason) == (0, "")
    assert ask(worked.settings, "SELECT count(*) FROM matched_pairs") == [(done.accepted,)]


def test_every_accepted_pair_is_the_same_bet_by_the_simulators_own_truth(worked, catalogue):
    pairs = ask(worked.settings, "SELECT polymarket_id, kalshi_id FROM matched_pairs")
    assert pairs
    assert {catalogue.truth[pair].relation for pair in pairs} == {"identity"}


def test_the_ledger_has_one_row_for_each_attempt_with_its_cost(worked):
    calls, cost, runs = ask(
        worked.settings,
        "SELECT count(*), sum(cost_usd), count(DISTINCT run_id) FROM llm_calls WHERE run_id = 'worked'",
    )[0]
    assert calls >= worked.validation.asked
    assert cost == worked.validation.cost_usd > 0
    assert runs == 1


def test_nothing_is_paid_twice(copied, stands):
    invoice = stands["llm"].server.invoice
    before = invoice.document()
    again = asyncio.run(pipeline.validate_pairs(copied()))
    assert (again.asked, again.cost_usd) == (0, 0)
    assert again.cached == again.accepted + again.rejected + again.review
    assert invoice.document() == before
    assert pipeline.forecast_validation(copied()).to_ask == 0


def test_listing_again_changes_nothing(copied):
    change = asyncio.run(pipeline.list_venue(copied(), "kalshi")).change
    assert (change.new, change.changed, change.gone, change.unchanged) == (0, 0, 0, MARKETS)


def test_a_forecast_names_a_price_and_asks_nothing(settings, copied):
    lake = copied()
    with pipeline.open_writer(lake) as opened, opened.transaction() as connection:
        connection.execute("DELETE FROM verdicts")
    ahead = pipeline.forecast_validation(lake)
    assert ahead.to_ask > 0
    assert ahead.estimated_usd > 0
    assert ask(lake, "SELECT count(*) FROM verdicts") == [(0,)]


def test_a_budget_that_is_spent_stops_before_anything_is_sent(copied, stands):
    lake = copied()
    with pipeline.open_writer(lake) as opened, opened.transaction() as connection:
        connection.execute("DELETE FROM verdicts")
    before = stands["llm"].server.invoice.document()
    stopped = asyncio.run(pipeline.validate_pairs(lake, budget_usd=Decimal("0.0000001")))
    assert "budget" in stopped.stopped_reason
    assert (stopped.asked, stopped.cost_usd) == (0, 0)
    assert stopped.not_asked > 0
    assert stands["llm"].server.invoice.document() == before


def test_without_a_key_the_offline_judge_ranks_and_accepts_nothing(copied):
    lake = copied(deepseek_api_key=None, openai_api_key=None)
    assert isinstance(pipeline.judge_for(lake, ledger=None, run_id="x"), OfflineJudge)
    done = asyncio.run(pipeline.validate_pairs(lake))
    assert done.asked > 0
    assert (done.accepted, done.cost_usd) == (0, 0)


def test_a_wrong_key_of_the_model_is_no_verdict(copied):
    wrong = load_settings(OPENAI_API_KEY="sesame").openai_api_key
    lake = copied(deepseek_api_key=None, openai_api_key=wrong)
    with pipeline.open_writer(lake) as opened, opened.transaction() as connection:
        connection.execute("DELETE FROM verdicts")
    try:
        done = asyncio.run(pipeline.validate_pairs(lake))
    except LLMError as error:
        said = str(error)
    else:
        assert done.accepted == 0
        said = done.stopped_reason or f"{done.failed} failed"
    assert "sesame" not in said
    assert ask(lake, "SELECT count(*) FROM verdicts WHERE status <> 'failed'") == [(0,)]


def test_every_report_is_computed_and_kept(copied):
    lake = copied()
    for name, report in REPORTS.items():
        frame = pipeline.build_report(lake, name)
        assert ask(lake, f"SELECT count(*) FROM {report.table}") == [(frame.height,)]
    assert ask(lake, "SELECT sum(calls) FROM report_llm_cost WHERE scope = 'model'") == ask(
        lake, "SELECT count(*) FROM llm_calls"
    )


def test_maintenance_keeps_every_row(copied):
    lake = copied()
    before = ask(lake, "SELECT count(*) FROM market_versions")
    done = pipeline.maintain_lake(lake)
    assert done.rows > 0
    assert sum(done.dropped.values()) == 0
    assert ask(lake, "SELECT count(*) FROM market_versions") == before


def stream(settings, venue, *, books, **options):
    """Stream until all ``books`` are there."""

    async def work():
        stop = asyncio.Event()

        def look(beat):
            if beat.assets_with_book == books:
                stop.set()

        return await pipeline.stream_venue(settings, venue, stop=stop, on_beat=look, **options)

    return asyncio.run(asyncio.wait_for(work(), 60))


# Polymarket has a token, and a book, for each outcome.
@pytest.mark.parametrize(("venue", "books"), [("polymarket", 2 * MARKETS), ("kalshi", MARKETS)])
def test_streaming_lands_what_the_venue_sends(copied, venue, books):
    lake = copied()
    summary = stream(lake, venue, books=books, run_id="r-1")
    assert summary.snapshots > 0
    assert (summary.gaps, summary.quarantined) == (0, 0)
    assert summary.promoted_rows == summary.acknowledged_rows
    markets, crossed = ask(
        lake, "SELECT count(DISTINCT market_id), count(*) FILTER (crossed) FROM books_trusted"
    )[0]
    assert markets == MARKETS
    assert summary.beat.assets_with_book == summary.beat.assets == books
    assert crossed == 0


def test_only_the_named_markets_are_streamed(copied, catalogue):
    ticker = catalogue.kalshi[0].market_id
    lake = copied()
    summary = stream(lake, "kalshi", markets=ticker, books=1)
    assert summary.beat.assets == 1
    assert ask(lake, "SELECT DISTINCT market_id FROM book_snapshots") == [(ticker,)]


def test_a_stream_ends_after_its_seconds(copied):
    async def work():
        return await pipeline.stream_venue(copied(), "kalshi", stop=asyncio.Event(), seconds=0.1)

    assert asyncio.run(asyncio.wait_for(work(), 60)).venue == "kalshi"


def test_named_markets_that_the_lake_does_not_know_are_asked_for_all_the_same(settings):
    assert pipeline.markets_to_stream(settings, "kalshi", only="KX-9, KX-8") == ["KX-9", "KX-8"]
    assert pipeline.markets_to_stream(settings, "kalshi") is None


def test_a_track_that_is_a_list_is_followed_to_the_letter_also_where_it_names_nothing(copied):
    listed = copied(track="KX-9")
    assert pipeline.markets_to_stream(listed, "kalshi") == ["KX-9"]
    assert pipeline.markets_to_stream(listed, "polymarket") == []
    assert len(pipeline.markets_to_stream(copied(track="all"), "polymarket")) == MARKETS


def test_kalshi_is_polled_without_a_key_and_pushed_with_one(settings):
    bare = settings.model_copy(update={"kalshi_api_key": None, "kalshi_private_key_path": None})
    assert isinstance(pipeline.adapter_for(bare, "kalshi", markets=["KX-1"]), KalshiAdapter)
    assert isinstance(pipeline.adapter_for(settings, "kalshi", markets=["KX-1"]), KalshiWebsocketAdapter)


@pytest.mark.parametrize("missing", ["kalshi_api_key", "kalshi_private_key_path"])
def test_half_a_key_for_kalshi_is_one_sentence_with_the_names_of_both(settings, missing):
    half = settings.model_copy(update={missing: None})
    with pytest.raises(CredentialsError, match=r"KALSHI_API_KEY.*KALSHI_PRIVATE_KEY_PATH.*poll instead"):
        pipeline.adapter_for(half, "kalshi", markets=["KX-1"])


def test_a_key_that_kalshi_refuses_ends_the_stream_with_one_sentence(settings):
    wrong = load_settings(KALSHI_API_KEY="somebody-else").kalshi_api_key
    with pytest.raises(CredentialsError, match=r"401.*KALSHI_API_KEY") as caught:
        stream(settings.model_copy(update={"kalshi_api_key": wrong}), "kalshi", books=MARKETS)
    assert "somebody-else" not in str(caught.value)


@pytest.mark.parametrize("venue", VENUES)
def test_an_empty_listing_is_refused_and_nothing_is_marked_as_gone(copied, venue):
    empty = EmptyVenue()
    with SimulatorThread(SimpleNamespace(server=empty)):
        lake = copied(polymarket_gamma_url=empty.url, kalshi_rest_url=empty.url)
        with pytest.raises(ListingError, match="nothing was changed"):
            asyncio.run(pipeline.list_venue(lake, venue))
    assert ask(lake, f"SELECT count(*) FROM markets WHERE venue = '{venue}' AND status = 'active'") == [
        (MARKETS,)
    ]


def test_a_venue_that_nobody_knows_is_told_which_there_are(settings):
    with pytest.raises(SettingsError, match=r"'binance'.*polymarket, kalshi"):
        pipeline.venue_named("binance")


def test_candidates_before_a_listing_say_which_command_lists(settings):
    with pytest.raises(ListingError, match="arb markets polymarket"):
        pipeline.propose_candidates(settings)


def test_reading_a_lake_that_is_not_there_creates_nothing(settings):
    with pytest.raises(LakeUnavailable, match="no lake"):
        pipeline.forecast_validation(settings)
    assert not settings.root.exists()


def test_a_demo_is_not_confused_by_the_users_own_kalshi_key(monkeypatch, simulated, tmp_path):
    monkeypatch.setenv("KALSHI_PRIVATE_KEY", "the real one")
    demo = load_settings(**simulated, ARB_DATA_DIR=str(tmp_path))
    assert api.kalshi_private_key(demo) == simulated["KALSHI_PRIVATE_KEY_PATH"]
    assert api.kalshi_private_key(load_settings()) == "the real one"
