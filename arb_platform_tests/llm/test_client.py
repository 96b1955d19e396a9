"""The client over real HTTP on loopback: what it sends, when it gives up, what it writes down."""

import asyncio
import logging
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr

from arb_platform.domain.calls import LLMCall
from arb_platform.domain.errors import BudgetExceeded, LLMError, ProvidersRefuse, SettingsError
from arb_platform.llm.client import LLMClient
from arb_platform.llm.ledger import MemoryLedger
from arb_platform_tests.llm.fake_provider import (
    FakeProvider,
    FakeTime,
    Reply,
    Script,
    chat,
    error,
    in_turn,
    serving,
)

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
QUESTION = [{"role": "user", "content": "Answer in json: are these the same?"}]
GOOD = {"similarity": 1.0}
KEY, OTHER_KEY = "sk-deepseek-secret-1", "sk-openai-secret-2"
SCHEMA = {
    "type": "object",
    "required": ["similarity"],
    "properties": {"similarity": {"type": "number", "minimum": 0, "maximum": 1}},
    "additionalProperties": False,
}


class Bench:
    """Both providers, a ledger that keeps every write, and time that only sleeping moves."""

    def __init__(self, deepseek: FakeProvider, openai: FakeProvider) -> None:
        self.deepseek, self.openai = deepseek, openai
        self.time = FakeTime()
        self.ledger = JournalLedger()

    def client(self, **changes: Any) -> LLMClient:
        arguments: dict[str, Any] = {
            "deepseek_api_key": KEY,
            "openai_api_key": OTHER_KEY,
            "deepseek_base_url": self.deepseek.base_url,
            "openai_base_url": self.openai.base_url,
            "ledger": self.ledger,
            "clock": lambda: NOON,
            "monotonic": self.time.monotonic,
            "sleep": self.time.sleep,
            "rng": Random(7),
        }
        return LLMClient(**(arguments | changes))


class JournalLedger(MemoryLedger):
    """Keeps also the order of the writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[LLMCall] = []

    def write(self, call: LLMCall) -> None:
        self.writes.append(call)
        super().write(call)

    @property
    def statuses(self) -> list[tuple[str, str]]:
        return [(call.provider, call.status) for call in self.calls]


def on_bench(test: Any, deepseek: Script, openai: Script | None = None) -> Any:
    """Run ``test(bench)`` between two servers."""

    async def run() -> Any:
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(serving(deepseek))
            other = openai or in_turn(chat(GOOD, openai=True))
            second = await stack.enter_async_context(serving(other))
            return await test(Bench(first, second))

    return asyncio.run(run())


async def ask_often(client: LLMClient, times: int) -> None:
    for _ in range(times):
        await client.complete(QUESTION)


def test_an_answer_comes_back_as_a_dict_and_its_cost_is_exact() -> None:
    async def test(bench: Bench) -> None:
        client = bench.client(run_id="run-1")
        assert await client.complete(QUESTION, pair_hash="abc") == GOOD
        (call,) = bench.ledger.calls
        # 200 fresh at .15, 800 cached at .003, 100 out at .60 per million
        assert call.cost_usd == Decimal("0.0000924")
        assert (call.prompt_tokens, call.cached_tokens, call.completion_tokens) == (1000, 800, 100)
        assert (call.run_id, call.pair_hash, call.model, call.attempt) == (
            "run-1",
            "abc",
            "deepseek-flash",
            1,
        )
        assert call.price_version is not None
        assert not call.fallback
        assert client.get_total_cost() == pytest.approx(0.0000924)
        assert client.get_usage_summary() == {
            "total_calls": 1,
            "deepseek_calls": 1,
            "openai_calls": 0,
            "total_tokens": 1100,
            "deepseek_cost_usd": pytest.approx(0.0000924),
            "openai_cost_usd": 0.0,
            "total_cost_usd": pytest.approx(0.0000924),
            "attempts": 1,
            "failed_attempts": 0,
            "unknown_cost_calls": 0,
        }

    on_bench(test, in_turn(chat(GOOD)))


def test_each_provider_is_asked_in_its_own_form() -> None:
    async def test(bench: Bench) -> None:
        await bench.client().complete(QUESTION, max_tokens=77, response_schema=SCHEMA)
        await bench.client(primary_provider="openai").complete(QUESTION, response_schema=SCHEMA)
        await bench.client(primary_provider="openai", openai_model="gpt-6-luna").complete(QUESTION)
        (deepseek,), (gpt, luna) = bench.deepseek.asked, bench.openai.asked
        assert deepseek["thinking"] == {"type": "disabled"}
        assert deepseek["response_format"] == {"type": "json_object"}
        assert (deepseek["max_tokens"], deepseek["temperature"], deepseek["stream"]) == (77, 0.0, False)
        strict = gpt["response_format"]["json_schema"]
        assert strict["strict"] is True
        assert strict["schema"]["properties"]["similarity"] == {"type": "number"}
        assert gpt["model"] == "gpt-4o"
        assert luna["response_format"] == {"type": "json_object"}
        assert luna["max_completion_tokens"] == 500
        assert "thinking" not in gpt
        assert bench.deepseek.keys == [f"Bearer {KEY}"]
        assert bench.openai.keys == [f"Bearer {OTHER_KEY}"] * 2

    on_bench(test, in_turn(chat(GOOD)))


def test_the_word_json_is_added_only_when_it_is_missing() -> None:
    async def test(bench: Bench) -> None:
        client = bench.client()
        await client.complete([{"role": "user", "content": "same or not?"}])
        await client.complete(QUESTION)
        without, with_it = bench.deepseek.asked
        assert "json" in str(without["messages"]).lower()
        assert without["messages"][1:] == [{"role": "user", "content": "same or not?"}]
        assert with_it["messages"] == QUESTION

    on_bench(test, in_turn(chat(GOOD)))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failure_that_may_pass_is_retried_three_times_with_growing_waits(status: int) -> None:
    async def test(bench: Bench) -> None:
        assert await bench.client().complete(QUESTION) == GOOD
        assert len(bench.deepseek.asked) == 4
        assert not bench.openai.asked
        first, second, third = bench.time.slept[-3:]
        assert 0.25 <= first <= 0.5 <= second <= 1.0 <= third <= 2.0
        assert [call.attempt for call in bench.ledger.calls] == [1, 2, 3, 4]

    bad = error(status)
    on_bench(test, in_turn(bad, bad, bad, chat(GOOD)))


def test_after_the_retries_the_other_provider_answers() -> None:
    async def test(bench: Bench) -> None:
        client = bench.client()
        assert await client.complete(QUESTION) == GOOD
        assert bench.ledger.statuses == [("deepseek", "http_error")] * 4 + [("openai", "ok")]
        assert [call.fallback for call in bench.ledger.calls] == [False] * 4 + [True]
        assert client.get_usage_summary()["openai_calls"] == 1
        assert client.get_usage_summary()["deepseek_calls"] == 0

    on_bench(test, in_turn(error(500)))


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422])
def test_a_refusal_is_not_retried_and_falls_back_at_once(status: int) -> None:
    async def test(bench: Bench) -> None:
        assert await bench.client().complete(QUESTION) == GOOD
        assert bench.ledger.statuses == [("deepseek", "refused"), ("openai", "ok")]
        assert bench.ledger.calls[0].http_status == status
        assert bench.ledger.calls[0].cost_usd is None

    on_bench(test, in_turn(error(status)))


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_provider_that_refuses_the_key_or_the_account_is_not_asked_again(status: int) -> None:
    async def test(bench: Bench) -> None:
        client = bench.client()
        for _ in range(3):
            assert await client.complete(QUESTION) == GOOD
        assert [provider for provider, _ in bench.ledger.statuses] == [
            "deepseek",
            "openai",
            "openai",
            "openai",
        ]
        # whoever is asked instead stays a fallback: alerts and budgets go by that
        assert [call.fallback for call in bench.ledger.calls] == [False, True, True, True]
        lonely = bench.client(enable_fallback=False)
        with pytest.raises(LLMError, match="refused"):
            await lonely.complete(QUESTION)
        asked = len(bench.ledger.calls)
        with pytest.raises(ProvidersRefuse, match="DEEPSEEK_API_KEY"):
            await lonely.complete(QUESTION)
        assert len(bench.ledger.calls) == asked

    on_bench(test, in_turn(error(status)))


@pytest.mark.parametrize("status", [400, 404, 422, 500])
def test_a_provider_that_refuses_one_question_is_asked_the_next(status: int) -> None:
    async def test(bench: Bench) -> None:
        client = bench.client()
        for _ in range(2):
            await client.complete(QUESTION)
        assert bench.ledger.statuses[-1] == ("deepseek", "ok")

    on_bench(test, in_turn(*[error(status)] * (4 if status == 500 else 1), chat(GOOD)))


def test_without_fallback_the_error_says_what_the_provider_said() -> None:
    async def test(bench: Bench) -> None:
        with pytest.raises(
            LLMError, match=r"deepseek \(deepseek-flash\): refused, HTTP 402: Insufficient Balance"
        ):
            await bench.client(enable_fallback=False).complete(QUESTION)
        assert not bench.openai.asked

    on_bench(test, in_turn(error(402, "Insufficient Balance")))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": format_datetime(NOON + timedelta(seconds=9), usegmt=True)}, 9.0),
        ({"x-ratelimit-reset-requests": "1m2s", "x-ratelimit-remaining-requests": "3", "x-ratelimit-reset-tokens": "5s"}, 5.0),
        ({"x-ratelimit-reset-requests": "6s500ms"}, 6.5),
        ({"Retry-After": "soon", "x-ratelimit-reset": "4"}, 4.0),
    ],
)  # fmt: skip
def test_a_provider_that_names_a_wait_is_given_it(headers: dict[str, str], seconds: float) -> None:
    async def test(bench: Bench) -> None:
        await bench.client().complete(QUESTION)
        assert bench.time.now - 1000.0 == pytest.approx(seconds)
        assert bench.ledger.statuses == [("deepseek", "rate_limited"), ("deepseek", "ok")]

    on_bench(test, in_turn(error(429, headers=headers), chat(GOOD)))


def test_a_provider_that_asks_for_an_hour_is_left_for_the_other() -> None:
    async def test(bench: Bench) -> None:
        await bench.client().complete(QUESTION)
        assert bench.ledger.statuses == [("deepseek", "rate_limited"), ("openai", "ok")]
        assert bench.time.now == 1000.0

    on_bench(test, in_turn(error(429, headers={"Retry-After": "3600"})))


BAD_ANSWERS = {
    "blank_content": chat("  \n "),
    "truncated": chat('{"similarity": 1', finish="length"),
    "not_json": chat('Sure! Here it is: {"similarity": 1.0}'),
    "wrong_shape": chat({"similarity": 1.5}),
}


@pytest.mark.parametrize("status", BAD_ANSWERS)
def test_a_bad_answer_is_named_and_repaired_once(status: str) -> None:
    async def test(bench: Bench) -> None:
        assert await bench.client().complete(QUESTION, response_schema=SCHEMA) == GOOD
        assert bench.ledger.statuses == [("deepseek", status), ("deepseek", "ok")]
        assert all(call.cost_usd == Decimal("0.0000924") for call in bench.ledger.calls)
        first, repair = bench.deepseek.asked
        assert repair["messages"][: len(first["messages"])] == first["messages"]
        assert repair != first
        assert repair["max_tokens"] <= 2000

    on_bench(test, in_turn(BAD_ANSWERS[status], chat(GOOD)))


@pytest.mark.parametrize("status", BAD_ANSWERS)
def test_a_bad_answer_twice_goes_to_the_other_provider(status: str) -> None:
    async def test(bench: Bench) -> None:
        assert await bench.client().complete(QUESTION, response_schema=SCHEMA) == GOOD
        assert bench.ledger.statuses == [("deepseek", status)] * 2 + [("openai", "ok")]

    on_bench(test, in_turn(BAD_ANSWERS[status]))


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ('{"similarity": NaN}', "not_json"),
        ('{"similarity": 0.1, "similarity": 1.0}', "not_json"),
        ("[" * 100_000, "not_json"),
        ('```json\n{"similarity": 1.0}\n```', "not_json"),
        ("[1.0]", "wrong_shape"),
        ('{"similarity": "1.0"}', "wrong_shape"),
        ('{"similarity": true}', "wrong_shape"),
        ("{}", "wrong_shape"),
        (None, "blank_content"),
    ],
)
def test_answers_that_only_look_right_are_refused(content: str | None, status: str) -> None:
    async def test(bench: Bench) -> None:
        with pytest.raises(LLMError):
            await bench.client(openai_api_key=None).complete(QUESTION, response_schema=SCHEMA)
        assert {call.status for call in bench.ledger.calls} == {status}

    on_bench(test, in_turn(chat(content)))


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply("<html>proxy says hello</html>"), "not_json"),
        (Reply('{"choices": []}'), "wrong_shape"),
        (Reply("null"), "not_json"),
        (Reply('{"choices": [{"message": 7}]}'), "wrong_shape"),
        (Reply("x" * 2_100_000), "wrong_shape"),
    ],
)
def test_replies_of_something_else_than_a_provider_are_named_and_have_no_price(
    reply: Reply, status: str
) -> None:
    async def test(bench: Bench) -> None:
        client = bench.client(openai_api_key=None)
        with pytest.raises(LLMError):
            await client.complete(QUESTION)
        assert {call.status for call in bench.ledger.calls} == {status}
        assert {call.cost_usd for call in bench.ledger.calls} == {None}
        assert client.get_usage_summary()["unknown_cost_calls"] == 2

    on_bench(test, in_turn(reply))


def test_a_redirect_is_not_followed_and_carries_no_key_elsewhere() -> None:
    async def test(bench: Bench) -> None:
        target = f"{bench.openai.base_url}/chat/completions"
        bench.deepseek._script = in_turn(Reply("", 307, {"Location": target}))
        with pytest.raises(LLMError, match="HTTP 307"):
            await bench.client(openai_api_key=None).complete(QUESTION)
        assert not bench.openai.asked
        assert len(bench.deepseek.asked) == 1

    on_bench(test, in_turn(chat(GOOD)))


def test_a_server_that_drips_blank_lines_times_out_as_a_whole() -> None:
    async def test(bench: Bench) -> None:
        assert await bench.client(timeout_seconds=0.08).complete(QUESTION) == GOOD
        assert bench.ledger.statuses == [("deepseek", "timeout")] * 4 + [("openai", "ok")]

    on_bench(test, in_turn(Reply("", drip=True)))


def test_a_refused_connection_and_a_cut_one_are_connection_errors() -> None:
    async def test(bench: Bench) -> None:
        with pytest.raises(LLMError, match="cannot connect"):
            await bench.client(openai_api_key=None, deepseek_base_url="http://127.0.0.1:9").complete(QUESTION)
        assert bench.ledger.statuses == [("deepseek", "connection_error")] * 4
        assert await bench.client().complete(QUESTION) == GOOD
        assert bench.ledger.statuses[4:] == [("deepseek", "connection_error"), ("deepseek", "ok")]

    on_bench(test, in_turn(Reply("", cut=True), chat(GOOD)))


def test_every_attempt_is_written_before_and_after() -> None:
    async def test(bench: Bench) -> None:
        gate = asyncio.Event()
        reply = chat(GOOD)
        reply.gate = gate
        bench.deepseek._script = in_turn(reply)
        task = asyncio.create_task(bench.client().complete(QUESTION))
        await asyncio.wait_for(bench.deepseek.arrived.wait(), 5)
        assert [call.status for call in bench.ledger.writes] == ["started"]
        gate.set()
        await task
        assert [call.status for call in bench.ledger.writes] == ["started", "ok"]
        assert len({call.call_id for call in bench.ledger.writes}) == 1

    on_bench(test, in_turn(chat(GOOD)))


def test_a_cancelled_call_is_written_as_cancelled() -> None:
    async def test(bench: Bench) -> None:
        reply = chat(GOOD)
        reply.gate = asyncio.Event()
        bench.deepseek._script = in_turn(reply)
        task = asyncio.create_task(bench.client().complete(QUESTION))
        await asyncio.wait_for(bench.deepseek.arrived.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert bench.ledger.statuses == [("deepseek", "cancelled")]
        reply.gate.set()

    on_bench(test, in_turn(chat(GOOD)))


def test_a_spent_budget_stops_before_anything_is_sent() -> None:
    async def test(bench: Bench) -> None:
        client = bench.client(budget_usd=Decimal("0.0008"))
        with pytest.raises(BudgetExceeded, match="ARB_LLM_BUDGET_USD"):
            await ask_often(client, 100)
        spent = bench.ledger.spent_usd(NOON)
        assert Decimal(0) < spent <= Decimal("0.0008")
        assert len(bench.deepseek.asked) == len(bench.ledger.calls) > 1
        # yesterday's money is not today's
        assert bench.ledger.spent_usd(NOON + timedelta(days=1)) == 0

    on_bench(test, in_turn(chat(GOOD)))


def test_calls_in_flight_count_against_the_budget() -> None:
    async def test(bench: Bench) -> None:
        client = bench.client(budget_usd=Decimal("0.002"))
        results = await asyncio.gather(
            *(client.complete(QUESTION) for _ in range(50)), return_exceptions=True
        )
        assert any(isinstance(result, BudgetExceeded) for result in results)
        assert any(result == GOOD for result in results)
        assert bench.ledger.spent_usd(NOON) <= Decimal("0.002")

    on_bench(test, in_turn(chat(GOOD)))


def test_a_budget_stops_also_calls_that_do_not_tell_their_cost() -> None:
    async def test(bench: Bench) -> None:
        client = bench.client(budget_usd=Decimal("0.0008"), openai_api_key=None)
        with pytest.raises(BudgetExceeded):
            await ask_often(client, 20)
        assert {call.cost_usd for call in bench.ledger.calls} == {None}
        assert client.get_total_cost() == 0.0
        assert client.get_usage_summary()["unknown_cost_calls"] == len(bench.ledger.calls)

    on_bench(test, in_turn(chat(GOOD, usage=False)))


def test_an_unknown_model_has_no_price_and_says_so() -> None:
    async def test(bench: Bench) -> None:
        client = bench.client(deepseek_model="llama-of-my-own")
        assert await client.complete(QUESTION) == GOOD
        (call,) = bench.ledger.calls
        assert (call.cost_usd, call.price_version, call.prompt_tokens) == (None, None, 1000)

    on_bench(test, in_turn(chat(GOOD)))


def test_without_a_key_the_error_names_the_variables_and_nothing_is_sent() -> None:
    async def test(bench: Bench) -> None:
        nobody = bench.client(deepseek_api_key=None, openai_api_key="  ")
        with pytest.raises(LLMError, match="DEEPSEEK_API_KEY or OPENAI_API_KEY"):
            await nobody.complete(QUESTION)
        assert nobody.models == ()
        only_second = bench.client(deepseek_api_key=None, enable_fallback=False)
        with pytest.raises(LLMError, match="set DEEPSEEK_API_KEY,"):
            await only_second.complete(QUESTION)
        assert not bench.ledger.calls
        assert await bench.client(deepseek_api_key=None).complete(QUESTION) == GOOD

    on_bench(test, in_turn(chat(GOOD)))


def test_keys_never_show(caplog: pytest.LogCaptureFixture) -> None:
    async def test(bench: Bench) -> None:
        client = bench.client(deepseek_api_key=SecretStr(KEY))
        with caplog.at_level(logging.DEBUG), pytest.raises(LLMError) as caught:
            await client.complete(QUESTION)
        seen = [
            repr(client),
            str(caught.value),
            repr(caught.value),
            caplog.text,
            repr(vars(client)),
            repr(bench.ledger.calls),
        ]
        assert bench.deepseek.keys == [f"Bearer {KEY}"]
        assert "refused" in caplog.text
        for secret in (KEY, OTHER_KEY, "sk-dee****ret"):
            assert not any(secret in text for text in seen)

    echo = error(401, f"Incorrect API key provided: {KEY} or {OTHER_KEY} or sk-dee****ret.")
    on_bench(test, in_turn(echo), in_turn(echo))


def test_the_client_works_in_one_event_loop_after_another() -> None:
    async def test(bench: Bench) -> LLMClient:
        client = bench.client()
        await client.complete(QUESTION)
        assert client._pool._current is None
        return client

    client = on_bench(test, in_turn(chat(GOOD)))
    with pytest.raises(LLMError, match="no language model gave a usable answer"):
        asyncio.run(client.complete(QUESTION))


def test_a_client_opened_as_a_context_keeps_its_connection() -> None:
    async def test(bench: Bench) -> None:
        async with bench.client() as client:
            await client.complete(QUESTION)
            kept = client._pool._current
            await client.complete(QUESTION)
            assert client._pool._current is kept is not None
        assert client._pool._current is None

    on_bench(test, in_turn(chat(GOOD)))


def test_no_more_calls_are_under_way_than_allowed() -> None:
    async def test(bench: Bench) -> None:
        under_way, most = 0, 0
        full = asyncio.Event()

        async def slow(_body: dict[str, Any]) -> Reply:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            if under_way == 3:
                full.set()
            await asyncio.wait_for(full.wait(), 5)
            under_way -= 1
            return chat(GOOD)

        bench.deepseek._script = slow
        client = bench.client(max_concurrency=3, deepseek_rpm=10_000)
        await asyncio.gather(*(client.complete(QUESTION) for _ in range(12)))
        assert most == 3

    on_bench(test, in_turn(chat(GOOD)))


@pytest.mark.parametrize(
    "changes",
    [
        {"primary_provider": "nobody"},
        {"timeout_seconds": 0},
        {"deepseek_rpm": 0},
        {"deepseek_base_url": "ftp://example.test"},
        {"deepseek_base_url": "nonsense"},
    ],
)
def test_arguments_that_make_no_sense_are_refused_at_once(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        LLMClient(**({"deepseek_api_key": KEY} | changes))


def test_an_empty_question_is_refused() -> None:
    with pytest.raises(SettingsError):
        asyncio.run(LLMClient(KEY).complete([]))


def test_a_wall_clock_that_jumps_changes_no_latency_and_no_limit_and_each_day_has_its_own_budget() -> None:
    async def test(bench: Bench) -> None:
        jumps = iter([NOON, NOON - timedelta(hours=3), NOON + timedelta(days=400), NOON])
        client = bench.client(clock=lambda: next(jumps, NOON), budget_usd=Decimal("0.002"))
        for _ in range(3):
            assert await client.complete(QUESTION) == GOOD
        assert all(0 <= (call.latency_ms or 0) < 60_000 for call in bench.ledger.calls)
        assert all(call.cost_usd is not None and call.cost_usd > 0 for call in bench.ledger.calls)
        assert bench.time.slept == []

    on_bench(test, in_turn(chat(GOOD)))


def test_a_proxy_that_answers_with_a_page_is_no_answer_whatever_its_status() -> None:
    page = "<!DOCTYPE html><html><body><h1>Sign in to the network</h1></body></html>"

    async def test(bench: Bench) -> None:
        assert await bench.client().complete(QUESTION) == GOOD
        assert [status for provider, status in bench.ledger.statuses if provider == "deepseek"] == [
            "not_json",
            "not_json",
        ]
        assert all(call.cost_usd is None for call in bench.ledger.calls if call.provider == "deepseek")
        with pytest.raises(LLMError, match="not a JSON object"):
            await bench.client(enable_fallback=False).complete(QUESTION)

    on_bench(test, in_turn(Reply(page)))
    for status, said in [(403, "refused"), (502, "http_error")]:

        async def behind(bench: Bench, said: str = said) -> None:
            with pytest.raises(LLMError, match=said):
                await bench.client(enable_fallback=False).complete(QUESTION)

        on_bench(behind, in_turn(Reply(page, status)))
