"""Each check of listings, candidates, judgements and models, seen red and seen green."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from arb_platform.domain.markets import Listing
from arb_platform.domain.pairs import Candidate, MarketPair
from arb_platform.llm import prices
from arb_platform.llm.providers import PROVIDERS
from arb_platform.storage.audits import EvaluationRow, Settlement, save_evaluation, save_settlements
from arb_platform.storage.ledger import LakeLedger
from arb_platform.storage.markets import save_listing
from arb_platform.storage.pairs import (
    ValidationRun,
    save_candidates,
    save_review,
    save_validation_run,
    save_verdicts,
)
from arb_platform_tests.pipeline.checks.conftest import green, open_question, red
from arb_platform_tests.storage.samples import call, market, verdict

EARLY = datetime(2024, 1, 1, tzinfo=UTC)
FOR_EVER = datetime(2099, 1, 1, tzinfo=UTC)


# Listings and candidates


def listed(world, *, complete, reason):
    at = world.ago(minutes=5)
    save_listing(world.lake, Listing("kalshi", (market("KX-LISTED"),), 2, at, at, complete, reason))


def test_a_listing_that_the_venue_ended_is_complete(world):
    listed(world, complete=True, reason="last page")
    green(world.ask("listing_is_complete", "kalshi_markets"), "kalshi listed 1 markets")


def test_a_listing_that_was_cut_off_is_not(world):
    listed(world, complete=False, reason="the cursor came twice")
    red(
        world.ask("listing_is_complete", "kalshi_markets"),
        "the cursor came twice",
        "materialize kalshi_markets again",
    )


def evaluated(world, lost, *, ago=1, stage="candidates", file="pairs.jsonl"):
    row = EvaluationRow(world.ago(hours=ago), file, stage, "all", 193 - lost, lost, 400, 34, "r1", None)
    save_evaluation(world.lake, [row])


def test_a_gold_set_of_which_one_pair_is_lost_is_as_good_as_today(world):
    evaluated(world, 9, ago=3)
    evaluated(world, 1)
    evaluated(world, 9, stage="rules")
    evaluated(world, 9, file="other.jsonl")
    green(world.ask("candidate_recall_holds"), "192/193")


def test_a_gold_set_of_which_two_pairs_are_lost_is_a_step_back(world):
    evaluated(world, 2)
    red(world.ask("candidate_recall_holds"), "191/193", "arb evaluate")


# Validation runs


def ran(world, *, ago=1.0, run_id=None, **counts):
    at = world.ago(hours=ago)
    run = ValidationRun(
        run_id or f"checks-{at.timestamp()}", at, at + timedelta(minutes=5), "llm", "deepseek-flash", 100,
        **{"asked": 20, "cached": 80, "accepted": 5, "rejected": 15, "review": 0, "failed": 0, **counts},
    )  # fmt: skip
    save_validation_run(world.lake, run)
    return run


def called(world, number, status="ok", *, ago=1.0, name="c", fallback=False, pairs=(), **fields):
    """Calls of the ledger: so many, or one about each of ``pairs``."""
    with LakeLedger(world.lake, world.root) as ledger:
        for n, about in enumerate(pairs or [None] * number):
            call_id, pair_hash = f"{name}-{world.now.timestamp()}-{n}", about and about.pair_hash
            made = call(call_id, status, at=world.ago(hours=ago), pair_hash=pair_hash, **fields)
            ledger.write(replace(made, fallback=fallback))


def test_a_validation_with_an_answer_to_every_question_is_in_order(world):
    ran(world, ago=3, failed=5)
    ran(world)
    green(world.ask("answers_came"), "all 20 questions")


def test_questions_without_an_answer_are_told(world):
    ran(world, failed=3)
    red(world.ask("answers_came"), "3 of 20", "asked again", "llm_calls")


@pytest.fixture(scope="module")
def proposed(checked_lake):
    """Hands out candidates that nobody has judged; two in a row share their Kalshi market where ``doubled``."""
    pairs = [MarketPair(market(f"0xc{n}", "polymarket"), market(f"KX-C{n}")) for n in range(20)]
    twins = [MarketPair(market(f"0xt{n}", "polymarket"), market("KX-TWICE")) for n in range(2)]
    for venue in ("polymarket", "kalshi"):
        markets = {getattr(one, venue).market_id: getattr(one, venue) for one in (*pairs, *twins)}
        save_listing(
            checked_lake, Listing(venue, tuple(markets.values()), 1, EARLY, EARLY, False, "a part of it")
        )
    save_candidates(checked_lake, [Candidate(one, 0.9) for one in (*pairs, *twins)], EARLY)
    left = iter(pairs)
    return lambda *, doubled=False: twins if doubled else next(left)


def judged(world, *pairs, status="accepted", ago=24.0, **fields):
    said = [verdict(one, status, at=world.ago(hours=ago), **fields) for one in pairs]
    save_verdicts(world.lake, [replace(one, valid_until=FOR_EVER) for one in said])


@pytest.mark.parametrize(("again", "expected"), [(4, green), (5, red)])
def test_what_was_judged_and_still_holds_is_not_paid_for_again(world, proposed, again, expected):
    pairs = [proposed() for _ in range(6)]
    judged(world, *pairs[:5])
    run = ran(world, cached=80)
    called(world, 0, run_id=run.run_id, pairs=[*pairs[:again], pairs[5]])
    answer = world.ask("verdicts_are_reused")
    assert answer.figures["asked_again"] == again
    expected(answer, *(["new rules"] if expected is red else []))


def test_a_second_opinion_is_not_paid_for_again(world, proposed):
    one = proposed()
    judged(world, one)
    run = ran(world, cached=1)
    called(world, 1, run_id=run.run_id, pairs=[one], model="gpt-4o")
    green(world.ask("verdicts_are_reused"), "100.0%")


# Judgements


def test_a_doubt_that_a_second_model_resolved_is_no_contradiction(world, proposed):
    one = proposed()
    judged(world, one, status="review")
    judged(world, one, status="accepted", ago=23, model="gpt-4o")
    green(world.ask("judgements_agree"))


def test_two_models_of_which_one_accepts_and_one_refuses_contradict_each_other_until_a_person_decides(
    world, proposed
):
    one = proposed()
    judged(world, one, status="rejected")
    judged(world, one, status="accepted", model="gpt-4o")
    red(world.ask("judgements_agree"), "1 pairs", one.pair_hash[:12], "arb review reject")
    save_review(world.lake, one.pair_hash, "reject", "another day", "ann", world.now)
    green(world.ask("judgements_agree"))


def test_a_market_that_is_the_same_bet_as_two_others_is_a_contradiction_until_one_is_refused(world, proposed):
    pairs = proposed(doubled=True)
    judged(world, *pairs)
    red(world.ask("judgements_agree"), "1 markets", "KX-TWICE")
    save_review(world.lake, pairs[0].pair_hash, "reject", "another year", "ann", world.now)
    green(world.ask("judgements_agree"))


def settled(world, one, *, alike):
    result = Settlement(
        one.pair_hash, one.polymarket.market_id, one.kalshi.market_id, "same", "Yes", "yes" if alike else "no", alike,
        "llm:deepseek-flash", world.ago(hours=1),
    )  # fmt: skip
    save_settlements(world.lake, [result])


def test_accepted_pairs_that_paid_alike_settled_alike(world, proposed):
    one = proposed()
    judged(world, one)
    settled(world, one, alike=True)
    green(world.ask("settled_alike"), "ended alike")


def test_an_accepted_pair_that_paid_in_two_ways_stops_the_line_until_it_is_refused(world, proposed):
    one = proposed()
    judged(world, one)
    settled(world, one, alike=False)
    red(world.ask("settled_alike"), "two ways", "arb review reject")
    save_review(world.lake, one.pair_hash, "reject", "it was not", "ann", world.now)
    green(world.ask("settled_alike"))


def test_a_pair_that_waits_for_six_days_is_young(world, proposed):
    one = proposed()
    judged(world, one, status="review", ago=6 * 24)
    green(world.ask("review_queue_is_young"), "1 pairs wait")
    save_review(world.lake, one.pair_hash, "reject", "seen", "ann", world.now)
    green(world.ask("review_queue_is_young"), "no pair waits")


def test_a_pair_that_waits_for_eight_days_is_told_even_if_it_was_judged_again(world, proposed):
    one = proposed()
    judged(world, one, status="review", ago=8 * 24)
    judged(world, one, status="review", ago=1, model="gpt-4o")
    red(world.ask("review_queue_is_young"), "8 days", "arb review list")
    save_review(world.lake, one.pair_hash, "reject", "seen", "ann", world.now)


# Money and models


def test_a_day_that_costs_less_than_its_budget_is_in_order(world):
    called(world, 1, cost="9.99")
    called(world, 1, ago=13, cost="5", name="yesterday")
    ran(world)
    ran(world, ago=13, stopped_reason="yesterday's budget")
    green(world.ask("within_budget"), "$9.99")


@pytest.mark.parametrize("spent", ["10", "10.01"])
def test_a_budget_that_is_spent_is_told(world, spent):
    called(world, 1, cost=spent)
    red(world.ask("within_budget"), "today's $10", "ARB_LLM_BUDGET_USD")


def test_a_validation_that_was_stopped_today_is_told_by_its_reason(world):
    ran(
        world,
        stopped_reason="the budget does not allow another call. Raise ARB_LLM_BUDGET_USD or go on after midnight UTC.",
    )
    red(world.ask("within_budget"), "does not allow another call")


def test_a_fifth_of_failing_calls_is_usual(world):
    called(world, 16)
    called(world, 4, "timeout", cost=None, name="lost")
    green(world.ask("calls_succeed"), "4 of 20")


def test_more_than_a_fifth_of_failing_calls_is_told_with_what_fails_most(world):
    called(world, 15)
    called(world, 5, "timeout", cost=None, name="lost")
    red(world.ask("calls_succeed"), "5 of 20", "timeout", "llm_calls")


def test_a_few_failing_calls_are_chance(world):
    called(world, 19, "timeout", cost=None)
    green(world.ask("calls_succeed"))


def test_a_fifth_of_the_calls_may_go_to_the_fallback(world):
    called(world, 16)
    called(world, 4, name="second", fallback=True)
    green(world.ask("fallback_is_rare"), "4 of 20")


def test_a_first_provider_that_is_down_is_seen_by_the_fallback(world):
    called(world, 15)
    called(world, 5, name="second", fallback=True)
    red(world.ask("fallback_is_rare"), "5 of 20", "first provider fails")


def test_a_call_that_was_written_before_and_after_is_counted_once(world):
    called(world, 1, "started", cost=None)
    called(world, 1)
    green(world.ask("calls_are_counted_once"))


def test_a_call_that_is_in_the_ledger_twice_makes_costs_too_high(world):
    called(world, 1)
    row = world.lake.query("SELECT * FROM llm_calls ORDER BY started_at DESC LIMIT 1")
    world.lake.append("llm_calls", row)
    red(world.ask("calls_are_counted_once"), "1 calls", "report it")


def keys(world, **changes):
    secret = type(PROVIDERS)  # never looked at: whether a key is set is all that counts
    world.set(deepseek_api_key=secret, **changes)


def test_models_with_a_known_price_are_in_order(world):
    world.now = datetime(2026, 11, 25, tzinfo=UTC)
    keys(world)
    green(world.ask("prices_are_known"), "deepseek-flash")


def test_a_model_whose_price_nobody_knows_is_told(world):
    world.now = datetime(2026, 11, 25, tzinfo=UTC)
    keys(world, deepseek_model="deepseek-9")
    red(world.ask("prices_are_known"), "deepseek-9 of deepseek", "genai-prices")


@pytest.mark.parametrize("name", ["prices_are_known", "models_stay"])
def test_without_a_key_no_model_is_judged(world, name):
    open_question(world.ask(name), "DEEPSEEK_API_KEY")


def test_a_price_table_of_last_month_is_young(world):
    world.now = datetime(2026, 11, 25, tzinfo=UTC)
    green(world.ask("price_table_is_young"), "21 days old")


@pytest.mark.parametrize(("day", "words"), [(date(2026, 8, 26), "91 days old"), (None, "nobody noted")])
def test_a_price_table_of_a_quarter_ago_or_of_no_day_is_told(world, monkeypatch, day, words):
    world.now = datetime(2026, 11, 25, tzinfo=UTC)
    monkeypatch.setattr(prices, "_TABLE_DAYS", {} if day is None else dict.fromkeys(prices._TABLE_DAYS, day))
    red(world.ask("price_table_is_young"), words)


def test_the_day_of_the_installed_price_table_is_noted():
    assert prices.price_table_day() is not None


@pytest.mark.parametrize(("day", "expected"), [(date(2026, 11, 14), green), (date(2026, 11, 15), red)])
def test_a_model_in_use_that_retires_is_told_sixty_days_ahead(world, day, expected):
    world.now = datetime(day.year, day.month, day.day, tzinfo=UTC)
    keys(world, openai_api_key=keys)
    expected(world.ask("models_stay"), "gpt-4o")


def test_a_budget_of_nothing_that_is_kept_is_in_order(world):
    world.set(llm_budget_usd=Decimal(0))
    green(world.ask("within_budget"))
