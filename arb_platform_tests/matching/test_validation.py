"""From answers to verdicts, and many candidates through one code path, against a real HTTP server."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from arb_platform.domain.errors import StorageError
from arb_platform.domain.pairs import Candidate, MarketPair, Verdict
from arb_platform.llm.client import LLMClient
from arb_platform.llm.ledger import MemoryLedger
from arb_platform.matching.judge import plan
from arb_platform.matching.prompt import PROMPT_VERSION, read_answer
from arb_platform.matching.rules import RULES_VERSION, broken_rules
from arb_platform.matching.validation import (
    FAILURES_IN_A_ROW,
    LLMValidator,
    ValidationSummary,
    validate_candidates,
)
from arb_platform.matching.verdicts import decide
from arb_platform_tests.llm.fake_provider import FakeProvider, Script, chat, error, in_turn, serving
from arb_platform_tests.matching.judged_pairs import (
    FIELDS,
    KALSHI_FED,
    NO,
    NOW,
    PAIR,
    YES,
    inventing,
    numbered,
    obeying,
)


def verdict_on(
    changes: dict[str, Any], *, pair: MarketPair = PAIR, rules: tuple[str, ...] = (), now: datetime = NOW
) -> Verdict:
    return decide(read_answer(YES | changes, pair), pair, rules, 0.92, now, model="m", rules_version="r")


def test_an_answer_without_an_objection_is_accepted() -> None:
    verdict = verdict_on({})
    assert (verdict.status, verdict.objections) == ("accepted", ())
    assert (verdict.judge, verdict.model, verdict.prompt_version, verdict.rules_version) == (
        "llm",
        "m",
        PROMPT_VERSION,
        "r",
    )
    assert verdict.pair_hash == PAIR.pair_hash
    assert broken_rules(PAIR) == ()


FALSE_QUOTE = [
    YES["evidence"][0],
    {"venue": "kalshi", "quote": "cuts the lower bound of the federal funds rate"},
]
SWAPPED = [
    {"venue": "polymarket", "quote": YES["evidence"][1]["quote"]},
    {"venue": "kalshi", "quote": YES["evidence"][0]["quote"]},
]


@pytest.mark.parametrize(
    ("changes", "rules", "status", "objection"),
    [
        ({"field_matches": FIELDS | {"time_window": False}}, (), "review", "time_window does not match"),
        ({"field_matches": FIELDS | {"resolution_source": False}}, (), "review", "resolution_source does not match"),
        ({}, ("threshold: 3 against 4",), "review", "rule: threshold: 3 against 4"),
        ({"orientation": "unknown"}, (), "review", "orientation is unknown"),
        ({"relation": "subset"}, (), "review", "relation is subset"),
        ({"relation": "unknown"}, (), "review", "relation is unknown"),
        ({"evidence": FALSE_QUOTE}, (), "review", "evidence: a quote is not in the text of kalshi"),
        ({"evidence": SWAPPED}, (), "review", "evidence: a quote is not in the text of polymarket"),
        ({"evidence": YES["evidence"][:1]}, (), "review", "evidence: no quote from the text of kalshi"),
        ({"evidence": []}, (), "review", "evidence: no quote from the text of polymarket"),
        ({"similarity": 0.9199}, (), "review", "similarity 0.920 is below 0.92"),
        ({"similarity": 0.3}, (), "review", "similarity 0.300 is below 0.92"),
        ({"similarity": 0.3, "relation": "overlap"}, (), "rejected", "relation is overlap"),
        ({"similarity": 0.8, "relation": "unknown"}, (), "review", "relation is unknown"),
        ({"similarity": 0.5, "relation": "unknown"}, (), "rejected", "relation is unknown"),
        ({"similarity": 0.8}, ("threshold: 3 against 4",), "rejected", "rule: threshold: 3 against 4"),
        ({"relation": "complement", "orientation": "inverted"}, (), "rejected", "relation is complement"),
    ],
)  # fmt: skip
def test_any_single_objection_keeps_an_answer_from_being_accepted(
    changes: dict[str, Any], rules: tuple[str, ...], status: str, objection: str
) -> None:
    verdict = verdict_on(changes, rules=rules)
    assert verdict.status == status
    assert objection in verdict.objections


def test_a_known_inverted_orientation_can_be_accepted() -> None:
    assert verdict_on({"orientation": "inverted"}).status == "accepted"


def test_the_owners_simple_answer_is_read_and_never_accepted() -> None:
    simple = {key: YES[key] for key in ("similarity", "explanation", "field_matches")}
    verdict = decide(read_answer(simple, PAIR), PAIR, (), 0.92, NOW)
    assert (verdict.status, verdict.relation, verdict.orientation) == ("review", "unknown", "unknown")


def test_text_that_was_cut_or_gives_orders_is_looked_at_by_a_person() -> None:
    long = replace(PAIR, kalshi=replace(KALSHI_FED, rules=KALSHI_FED.rules + " The source is the Fed." * 500))
    verdict = decide(read_answer(YES, long), long, (), 0.92, NOW)
    assert verdict.status == "review"
    assert any("cut to 8000 characters" in objection for objection in verdict.objections)


@pytest.mark.parametrize(("days", "holds"), [(90, 30), (31, 30), (30, 7), (2, 7), (-1, 7)])
def test_a_verdict_holds_thirty_days_and_seven_near_the_close(days: int, holds: int) -> None:
    closing = replace(
        PAIR,
        kalshi=replace(KALSHI_FED, close_time=None),
        polymarket=replace(PAIR.polymarket, close_time=NOW + timedelta(days=days)),
    )
    assert verdict_on({}, pair=closing).valid_until == NOW + timedelta(days=holds)


def at_server(test: Any, script: Script) -> Any:
    async def run() -> Any:
        async with serving(script) as fake:
            return await test(fake)

    return asyncio.run(run())


def validator(fake: FakeProvider, **changes: Any) -> LLMValidator:
    arguments: dict[str, Any] = {"ledger": MemoryLedger(), "clock": lambda: NOW, "deepseek_rpm": 100_000}
    return LLMValidator("sk-key", deepseek_base_url=fake.base_url, **(arguments | changes))


def test_validate_fills_in_similarity_rules_and_verdict() -> None:
    async def test(fake: FakeProvider) -> MarketPair:
        return await validator(fake).validate(PAIR)

    pair = at_server(test, in_turn(chat(YES)))
    assert (pair.llm_similarity, pair.hard_rules_passed) == (0.97, True)
    assert pair.verdict is not None
    assert (pair.verdict.status, pair.verdict.model, pair.verdict.rules_version) == (
        "accepted",
        "deepseek-flash",
        RULES_VERSION,
    )


def test_validate_reports_a_broken_rule_whatever_the_model_says() -> None:
    async def test(fake: FakeProvider) -> MarketPair:
        return await validator(fake, rules=lambda _pair: ("threshold: 3 against 4",)).validate(PAIR)

    pair = at_server(test, obeying)
    assert pair.hard_rules_passed is False
    assert pair.verdict is not None
    assert pair.verdict.status == "review"


def test_an_outage_gives_zero_and_a_failure_that_is_over_at_once() -> None:
    async def test(fake: FakeProvider) -> MarketPair:
        return await validator(fake).validate(PAIR)

    pair = at_server(test, in_turn(error(401)))
    assert (pair.llm_similarity, pair.hard_rules_passed) == (0.0, True)
    assert pair.verdict is not None
    assert pair.verdict.status == "failed"
    assert pair.verdict.valid_until == pair.verdict.decided_at
    assert "HTTP 401" in pair.verdict.objections[0]


def test_validate_without_a_key_is_a_failure_with_the_sentence() -> None:
    pair = asyncio.run(LLMValidator(clock=lambda: NOW).validate(PAIR))
    assert pair.llm_similarity == 0.0
    assert pair.verdict is not None
    assert "DEEPSEEK_API_KEY" in pair.verdict.objections[0]


def test_the_model_that_answered_is_kept_with_the_verdict() -> None:
    async def test(fake: FakeProvider) -> MarketPair:
        client = LLMClient(
            "k1", "k2", deepseek_base_url="http://127.0.0.1:9", openai_base_url=fake.base_url, sleep=_at_once
        )
        return await LLMValidator(client=client, clock=lambda: NOW).validate(PAIR)

    pair = at_server(test, in_turn(chat(YES, openai=True)))
    assert pair.verdict is not None
    assert pair.verdict.model in {"gpt-4o", "gpt-6-luna"}


async def _at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


class Kept:
    """What ``on_batch`` was given."""

    def __init__(self) -> None:
        self.batches: list[list[Verdict]] = []

    def __call__(self, batch: list[Verdict]) -> None:
        self.batches.append(list(batch))

    @property
    def by_hash(self) -> dict[str, Verdict]:
        return {verdict.pair_hash: verdict for batch in self.batches for verdict in batch}


async def run_all(
    judge: Any, candidates: list[Candidate], known: Mapping[str, Verdict], kept: Any, **options: Any
) -> ValidationSummary:
    return await validate_candidates(
        candidates, judge=judge, known=known, on_batch=kept, clock=lambda: NOW, **options
    )


def test_an_unchanged_universe_costs_nothing_the_second_time() -> None:
    candidates = [numbered(n) for n in range(25)]
    kept = Kept()
    seen: list[tuple[int, int]] = []

    async def test(fake: FakeProvider) -> None:
        judge = validator(fake)
        first = await run_all(
            judge, candidates, {}, kept, batch_size=10, progress=lambda *at: seen.append(at)
        )
        assert first == ValidationSummary(25, 0, 25, 0, 0, 0, 0, first.cost_usd)
        assert first.cost_usd == 25 * Decimal("0.0000924")
        assert [len(batch) for batch in kept.batches] == [10, 10, 5]
        assert seen[-1] == (25, 25)
        again = await run_all(judge, candidates, kept.by_hash, kept)
        assert again == ValidationSummary(0, 25, 25, 0, 0, 0, 0, Decimal(0))
        assert len(fake.asked) == 25

    at_server(test, in_turn(chat(YES)))


def test_an_edited_rule_text_asks_exactly_its_pair_again() -> None:
    candidates = [numbered(n) for n in range(5)]
    kept = Kept()

    async def test(fake: FakeProvider) -> None:
        await run_all(validator(fake), candidates, {}, kept)
        edited = replace(
            candidates[2].pair.kalshi, rules=KALSHI_FED.rules + " Revisions of the data are not counted."
        )
        changed = [
            *candidates[:2],
            Candidate(replace(candidates[2].pair, kalshi=edited), 0.9),
            *candidates[3:],
        ]
        summary = await run_all(validator(fake), changed, kept.by_hash, kept)
        assert (summary.asked, summary.cached) == (1, 4)

    at_server(test, in_turn(chat(YES)))


def test_failures_and_expired_verdicts_are_asked_again() -> None:
    candidates = [numbered(n) for n in range(3)]
    good = decide(read_answer(YES, candidates[0].pair), candidates[0].pair, (), 0.92, NOW)
    known = {
        candidates[0].pair_hash: good,
        candidates[1].pair_hash: replace(good, valid_until=NOW),
        candidates[2].pair_hash: replace(good, status="failed"),
    }

    async def test(fake: FakeProvider) -> None:
        summary = await run_all(validator(fake), candidates, known, Kept())
        assert (summary.asked, summary.cached) == (2, 1)

    at_server(test, in_turn(chat(YES)))


def test_pairs_that_break_a_rule_are_counted_and_never_asked() -> None:
    candidates = [
        numbered(1),
        replace(numbered(2), broken_rules=("subject: a against b",)),
        numbered(3),
        numbered(3),
    ]

    def third(pair: MarketPair) -> tuple[str, ...]:
        return ("new rule",) if pair.kalshi.market_id.endswith("-3") else ()

    async def test(fake: FakeProvider) -> None:
        summary = await run_all(validator(fake, rules=third), candidates, {}, Kept())
        assert (summary.asked, summary.skipped_by_rules) == (1, 2)
        assert len(fake.asked) == 1

    at_server(test, in_turn(chat(YES)))


def test_a_spent_budget_stops_and_keeps_what_there_is() -> None:
    candidates = [numbered(n) for n in range(40)]
    kept = Kept()

    async def test(fake: FakeProvider) -> None:
        summary = await run_all(
            validator(fake, budget_usd=Decimal("0.003")), candidates, {}, kept, concurrency=2
        )
        assert 0 < summary.asked < 40
        assert summary.asked + summary.not_asked == 40
        assert "ARB_LLM_BUDGET_USD" in summary.stopped_reason
        assert len(kept.by_hash) == summary.asked == len(fake.asked)
        assert summary.cost_usd <= Decimal("0.003")

    at_server(test, in_turn(chat(YES)))


def test_outages_are_counted_as_failed_and_the_run_goes_on() -> None:
    async def test(fake: FakeProvider) -> None:
        summary = await run_all(validator(fake), [numbered(n) for n in range(3)], {}, Kept(), concurrency=1)
        assert (summary.asked, summary.failed, summary.accepted, summary.rejected) == (3, 1, 1, 1)

    at_server(test, in_turn(error(400), chat(YES), chat(NO)))


def test_a_key_that_is_refused_ends_the_run_after_one_round() -> None:
    async def test(fake: FakeProvider) -> None:
        candidates = [numbered(n) for n in range(40)]
        summary = await run_all(validator(fake), candidates, {}, Kept(), concurrency=2)
        assert len(fake.asked) == summary.failed <= 2
        assert summary.asked + summary.not_asked == 40
        assert "DEEPSEEK_API_KEY" in summary.stopped_reason
        pair = await validator(fake).validate(numbered(1).pair)
        assert (pair.llm_similarity, pair.verdict.status) == (0.0, "failed")

    at_server(test, in_turn(error(401)))


def test_a_run_of_nothing_but_failures_is_given_up_and_one_success_in_between_is_hope() -> None:
    async def test(fake: FakeProvider) -> None:
        candidates = [numbered(n) for n in range(40)]
        summary = await run_all(validator(fake), candidates, {}, Kept(), concurrency=1)
        assert summary.asked == FAILURES_IN_A_ROW - 1 + 1 + FAILURES_IN_A_ROW
        assert "in a row failed" in summary.stopped_reason

    at_server(test, in_turn(*[error(400)] * (FAILURES_IN_A_ROW - 1), chat(YES), error(400)))


def test_cancelling_keeps_what_was_paid_for() -> None:
    kept = Kept()

    async def test(fake: FakeProvider) -> None:
        third = asyncio.Event()
        run = run_all(
            validator(fake),
            [numbered(n) for n in range(10)],
            {},
            kept,
            concurrency=1,
            progress=lambda done, _total: third.set() if done == 3 else None,
        )
        task = asyncio.create_task(run)
        await asyncio.wait_for(third.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(kept.by_hash) == 3

    at_server(test, in_turn(chat(YES)))


def test_a_full_disk_ends_the_run_with_its_own_error() -> None:
    def full(_batch: list[Verdict]) -> None:
        raise StorageError("no room")

    async def test(fake: FakeProvider) -> None:
        with pytest.raises(StorageError, match="no room"):
            await run_all(validator(fake), [numbered(n) for n in range(3)], {}, full, batch_size=1)

    at_server(test, in_turn(chat(YES)))


def test_a_plan_says_beforehand_how_many_calls_and_about_how_many_dollars() -> None:
    judge = LLMValidator("sk-key", clock=lambda: NOW)
    known = {numbered(1).pair_hash: verdict_on({})}
    planned = plan([numbered(n) for n in range(4)], judge=judge, known=known, now=NOW)
    assert (len(planned.to_ask), len(planned.cached), planned.skipped_by_rules) == (3, 1, 0)
    assert Decimal("0.0003") < judge.estimated_usd(planned.to_ask[0].pair) < Decimal("0.002")


def test_invented_quotes_never_win() -> None:
    async def test(fake: FakeProvider) -> MarketPair:
        return await validator(fake).validate(PAIR)

    invented, copied = at_server(test, inventing), at_server(test, obeying)
    assert invented.verdict.status == "review"
    assert copied.verdict.status == "accepted", "the negative control: true quotes of a true pair"
