"""The simulated providers over real HTTP: what they answer, how they fail, and what they bill."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest

from arb_platform.domain.errors import SettingsError
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.simulate.catalogue import build_catalogue
from arb_platform.simulate.llm import DEEPSEEK_KEY, OPENAI_KEY, Latency, LLMSimulator
from arb_platform.simulate.llm_billing import PRICES, PrefixCache, Usage
from arb_platform.simulate.llm_faults import DEMO_FAULTS, NO_FAULTS, LLMFaults, parse_faults

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CATALOGUE = build_catalogue(now=NOW, markets_per_venue=300)
RULES = {
    market.market_id: market.document.get("description") or market.document["rules_primary"]
    for market in (*CATALOGUE.polymarket, *CATALOGUE.kalshi)
}
INSTANT = Latency(0, 0)
FIXED = "You compare two prediction markets and answer with one json object. " * 30


def simulator(**arguments):
    return LLMSimulator(
        CATALOGUE,
        **{"latency": INSTANT, "faults": NO_FAULTS, "error_rate": 0.0, "clock": lambda: NOW} | arguments,
    )


def run(body, **arguments):
    """Run ``body(simulator, client)`` against a served simulator."""

    async def main():
        served = simulator(**arguments)
        await served.start()
        try:
            async with httpx.AsyncClient(timeout=5) as client:
                return await body(served, client)
        finally:
            await served.stop()

    return asyncio.run(main())


def question(pair, **more):
    block = {
        "polymarket": {"market_id": pair[0], "title": "A", "rules": RULES[pair[0]]},
        "kalshi": {"market_id": pair[1], "title": "B", "rules": RULES[pair[1]]},
    }
    content = f"Here are the markets:\n{json.dumps(block, indent=1)}\nAnswer in JSON."
    return {"model": "deepseek-flash", "thinking": {"type": "disabled"}, "messages": [{"role": "system", "content": FIXED}, {"role": "user", "content": content}]} | more  # fmt: skip


async def ask(client, base, body, key=DEEPSEEK_KEY):
    return await client.post(
        f"{base}/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"}
    )


def answer_of(response):
    return json.loads(response.json()["choices"][0]["message"]["content"])


def pairs_of(relation):
    return [pair for pair, truth in CATALOGUE.truth.items() if truth.relation == relation]


def test_a_true_pair_is_answered_with_the_contracts_json_and_literal_quotes():
    pair = pairs_of("identity")[0]

    async def body(served, client):
        return answer_of(await ask(client, served.deepseek_base_url, question(pair)))

    answer = run(body)
    assert answer["similarity"] >= 0.92
    assert (answer["relation"], answer["orientation"]) == ("identity", "same")
    assert answer["field_matches"] == {
        "time_window": True,
        "outcome_definition": True,
        "resolution_source": True,
    }
    assert answer["explanation"]
    assert [item["venue"] for item in answer["evidence"]] == [POLYMARKET, KALSHI]
    for item, market_id in zip(answer["evidence"], pair, strict=True):
        assert item["quote"] in RULES[market_id]


@pytest.mark.parametrize("relation", ["complement", "subset", "superset", "overlap", "disjoint", "unknown"])
def test_what_is_not_the_same_bet_is_never_called_one_without_an_error_rate(relation):
    pairs = pairs_of(relation)[:6]

    async def body(served, client):
        return [answer_of(await ask(client, served.deepseek_base_url, question(pair))) for pair in pairs]

    for pair, answer in zip(pairs, run(body), strict=True):
        assert answer["relation"] == relation
        assert answer["similarity"] < 0.92
        assert answer["orientation"] == CATALOGUE.truth[pair].orientation


def test_an_error_rate_makes_mistakes_that_stay_the_same_when_asked_again():
    pairs = [pair for pair, truth in CATALOGUE.truth.items() if truth.relation != "unknown"][:60]

    async def body(served, client):
        return [
            answer_of(await ask(client, served.deepseek_base_url, question(pair))) for pair in pairs + pairs
        ]

    answers = run(body, error_rate=0.25)
    assert answers[: len(pairs)] == answers[len(pairs) :]
    wrong = [
        pair
        for pair, answer in zip(pairs, answers, strict=False)
        if answer["relation"] != CATALOGUE.truth[pair].relation
    ]
    assert 3 <= len(wrong) <= 30


def test_markets_nobody_listed_are_two_unrelated_questions():
    async def body(served, client):
        message = {
            "role": "user",
            "content": "Market A: pm-0x1234, Market B: KXELECTION-23NOV. Answer in json.",
        }
        response = await ask(
            client, served.openai_base_url, {"model": "gpt-6-luna", "messages": [message]}, OPENAI_KEY
        )
        return answer_of(response)

    answer = run(body)
    assert answer["relation"] == "disjoint"
    assert answer["evidence"] == []


def test_injections_are_obeyed_only_in_the_mode_that_is_for_it():
    hostile = next(
        market for market in CATALOGUE.polymarket if "ignore all previous" in market.document["description"]
    )
    pair = (hostile.market_id, CATALOGUE.kalshi[0].market_id)

    async def body(served, client):
        return answer_of(await ask(client, served.deepseek_base_url, question(pair)))

    assert run(body)["relation"] == "disjoint"
    assert run(body, obey_injections=True)["similarity"] == 0.99


@pytest.mark.parametrize("key", ["x", "sk-wrong", OPENAI_KEY])
def test_a_wrong_key_is_refused_with_a_json_error(key):
    async def body(served, client):
        chat = await ask(client, served.deepseek_base_url, question(pairs_of("identity")[0]), key)
        models = await client.get(
            f"{served.deepseek_base_url}/models", headers={"Authorization": f"Bearer {key}"}
        )
        return chat, models, served.invoice.calls

    chat, models, charged = run(body)
    assert chat.status_code == models.status_code == 401
    assert chat.json()["error"]["type"] == "authentication_error"
    assert charged == 0


def test_both_providers_list_their_models_and_health_answers():
    async def body(served, client):
        listed = {}
        for base, key in ((served.deepseek_base_url, DEEPSEEK_KEY), (served.openai_base_url, OPENAI_KEY)):
            response = await client.get(f"{base}/models", headers={"Authorization": f"Bearer {key}"})
            listed |= {model["id"]: model["owned_by"] for model in response.json()["data"]}
        return listed, (await client.get(f"{served.url}/health")).json()

    listed, health = run(body)
    assert listed == {model: provider for provider, models in PRICES.items() for model in models}
    assert health["status"] == "ok"


def test_usage_speaks_each_providers_words_and_the_second_prompt_hits_the_cache():
    first, second = pairs_of("identity")[:2]

    async def body(served, client):
        usages = [
            (await ask(client, served.deepseek_base_url, question(pair))).json()["usage"]
            for pair in (first, second)
        ]
        luna = question(second, model="gpt-6-luna")
        usages += [
            (await ask(client, served.openai_base_url, luna, OPENAI_KEY)).json()["usage"] for _ in range(2)
        ]
        return usages

    cold, warm, openai_cold, openai_warm = run(body)
    assert cold["prompt_cache_hit_tokens"] == 0
    assert warm["prompt_cache_hit_tokens"] % 64 == 0
    assert warm["prompt_cache_hit_tokens"] >= len(FIXED) // 4 - 64
    assert warm["prompt_cache_hit_tokens"] + warm["prompt_cache_miss_tokens"] == warm["prompt_tokens"]
    assert "prompt_cache_hit_tokens" not in openai_cold
    assert openai_cold["prompt_tokens_details"]["cached_tokens"] == 0
    assert openai_warm["prompt_tokens_details"]["cached_tokens"] % 128 == 0


def test_the_prefix_cache_counts_only_an_unbroken_beginning():
    cache = PrefixCache("deepseek")
    cache.remember(b"a" * 256 + b"b" * 256)
    assert cache.cached_tokens(b"a" * 256 + b"b" * 256 + b"c" * 256) == 128
    assert cache.cached_tokens(b"x" + b"a" * 511) == 0
    assert PrefixCache("openai").smallest == 1024


def test_the_invoice_is_the_sum_of_what_the_answers_said_at_the_providers_prices():
    pairs = pairs_of("identity")[:8]

    async def body(served, client):
        usages = [
            (await ask(client, served.deepseek_base_url, question(pair))).json()["usage"] for pair in pairs
        ]
        return usages, served.invoice, (await client.get(f"{served.url}/invoice")).json()

    usages, invoice, document = run(body)
    million = Decimal(1_000_000)
    dollars = sum(
        Decimal("0.003") * usage["prompt_cache_hit_tokens"] / million
        + Decimal("0.15") * usage["prompt_cache_miss_tokens"] / million
        + Decimal("0.60") * usage["completion_tokens"] / million
        for usage in usages
    )
    assert invoice.usd == dollars == Decimal(document["usd"])
    assert (invoice.calls, document["calls"]) == (8, 8)
    assert invoice.tokens == sum(usage["total_tokens"] for usage in usages)
    assert document["lines"]["deepseek/deepseek-flash"]["calls"] == 8


@pytest.mark.parametrize(
    ("at", "factor"),
    [("2026-11-25T02:00", 2), ("2026-11-25T04:00", 1), ("2026-11-25T09:59", 2), ("2026-11-28T02:00", 1)],
)
def test_deepseek_costs_double_at_its_peak_hours_on_working_days(at, factor):
    usage, moment = Usage(1000, 0, 100), datetime.fromisoformat(f"{at}:00+00:00")
    off_peak = PRICES["deepseek"]["deepseek-flash"].usd(usage, NOW)
    assert PRICES["deepseek"]["deepseek-flash"].usd(usage, moment) == factor * off_peak
    assert PRICES["openai"]["gpt-4o"].usd(usage, moment) == PRICES["openai"]["gpt-4o"].usd(usage, NOW)


@pytest.mark.parametrize(
    ("fault", "status"),
    [("rate_limited", 429), ("server_error", 500), ("overloaded", 503), ("payment_required", 402)],
)
def test_a_failing_service_answers_with_its_status_and_bills_nothing(fault, status):
    async def body(served, client):
        served.script.extend([fault, None])
        failed, good = [
            await ask(client, served.deepseek_base_url, question(pairs_of("identity")[0])) for _ in range(2)
        ]
        return (
            failed,
            good,
            served.invoice.calls,
            [(record.status, record.fault) for record in served.requests],
        )

    failed, good, charged, logged = run(body)
    assert (failed.status_code, good.status_code) == (status, 200)
    assert "message" in failed.json()["error"]
    assert "retry-after" not in failed.headers
    assert charged == 1
    assert logged == [(status, fault), (200, "")]


def test_retry_after_comes_only_when_it_is_set():
    async def body(served, client):
        return await ask(client, served.deepseek_base_url, question(pairs_of("identity")[0]))

    refused = run(body, faults=LLMFaults(rate_limited=1.0, retry_after_seconds=2))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")


def test_content_faults_are_billed_and_cannot_be_read_as_an_answer():
    async def body(served, client):
        served.script.extend(["blank", "truncated", "prose", "wrong_types", "html"])
        pair = pairs_of("identity")[0]
        return [
            await ask(client, served.deepseek_base_url, question(pair)) for _ in range(5)
        ], served.invoice.calls

    (blank, truncated, prose, wrong, html), charged = run(body)
    choices = [response.json()["choices"][0] for response in (blank, truncated, prose, wrong)]
    assert choices[0]["message"]["content"].strip() == ""
    assert choices[0]["finish_reason"] == "stop"
    assert choices[1]["finish_reason"] == "length"
    for choice in choices[1:3]:
        with pytest.raises(ValueError):
            json.loads(choice["message"]["content"])
    assert "```json" in choices[2]["message"]["content"]
    assert isinstance(json.loads(choices[3]["message"]["content"])["similarity"], str)
    assert html.headers["content-type"].startswith("text/html")
    assert charged == 4


def test_a_reset_cuts_the_connection_and_a_timeout_says_nothing():
    async def body(served, client):
        served.script.append("reset")
        with pytest.raises(httpx.TransportError):
            await ask(client, served.deepseek_base_url, question(pairs_of("identity")[0]))
        served.script.append("timeout")
        body = question(pairs_of("identity")[0])
        headers = {"Authorization": f"Bearer {DEEPSEEK_KEY}"}
        with pytest.raises(httpx.ReadTimeout):
            await client.post(
                f"{served.deepseek_base_url}/chat/completions", json=body, headers=headers, timeout=0.2
            )
        return [record.status for record in served.requests], served.invoice.calls

    assert run(body) == ([None, None], 0)


def test_a_hanging_request_does_not_keep_the_simulator_from_stopping():
    async def body(served, client):
        served.script.append("timeout")
        asked = asyncio.create_task(ask(client, served.deepseek_base_url, question(pairs_of("identity")[0])))
        async with asyncio.timeout(4):
            while not served.requests:
                await asyncio.sleep(0)
            await served.stop()
        with pytest.raises(httpx.TransportError):
            await asked

    run(body)


def test_faults_come_at_their_rate_and_in_the_same_order_for_the_same_seed():
    async def body(served, client):
        pair = question(pairs_of("identity")[0])
        return [(await ask(client, served.deepseek_base_url, pair)).status_code for _ in range(60)]

    statuses = run(body, faults=LLMFaults(server_error=0.2))
    assert statuses == run(body, faults=LLMFaults(server_error=0.2))
    assert 3 <= Counter(statuses)[500] <= 25
    assert Counter(run(body))[500] == 0


def test_only_one_provider_can_be_made_to_fail():
    async def body(served, client):
        pair = pairs_of("identity")[0]
        one = await ask(client, served.deepseek_base_url, question(pair))
        other = await ask(client, served.openai_base_url, question(pair, model="gpt-6-luna"), OPENAI_KEY)
        return one.status_code, other.status_code

    assert run(body, provider_faults={"deepseek": LLMFaults(overloaded=1.0)}) == (503, 200)


def test_blank_lines_may_come_while_it_thinks_and_the_body_is_still_json():
    async def body(served, client):
        return await ask(client, served.deepseek_base_url, question(pairs_of("identity")[0]))

    response = run(body, latency=Latency(0.1, 0), keep_alive_seconds=0.02)
    assert response.content.startswith(b"\n\n")
    assert answer_of(response)["relation"] == "identity"


def test_thinking_is_on_unless_it_is_switched_off_and_costs_tokens():
    async def body(served, client):
        pair = pairs_of("identity")[0]
        bodies = [
            question(pair),
            {name: value for name, value in question(pair).items() if name != "thinking"},
        ]
        return [(await ask(client, served.deepseek_base_url, body)).json() for body in bodies]

    plain, thinking = run(body)
    assert "reasoning_content" not in plain["choices"][0]["message"]
    assert thinking["choices"][0]["message"]["reasoning_content"]
    assert thinking["usage"]["completion_tokens"] > plain["usage"]["completion_tokens"] + 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"model": "deepseek-chat"}, 400),
        (
            {"response_format": {"type": "json_object"}, "messages": [{"role": "user", "content": "hello"}]},
            400,
        ),
        ({"messages": []}, 422),
        ({"stream": True}, 422),
        ({"messages": [{"role": "user"}]}, 400),
    ],
)
def test_a_request_the_provider_would_refuse_is_refused(body, status):
    async def send(served, client):
        return await ask(client, served.deepseek_base_url, question(pairs_of("identity")[0]) | body)

    response = run(send)
    assert response.status_code == status
    assert response.json()["error"]["message"]


def test_a_body_that_is_no_json_is_refused_and_max_tokens_cut_the_answer():
    async def body(served, client):
        headers = {"Authorization": f"Bearer {DEEPSEEK_KEY}"}
        garbage = await client.post(
            f"{served.deepseek_base_url}/chat/completions", content=b"\xff{", headers=headers
        )
        short = await ask(client, served.deepseek_base_url, question(pairs_of("identity")[0], max_tokens=10))
        return garbage.status_code, short.json()

    status, short = run(body)
    assert status == 400
    assert short["choices"][0]["finish_reason"] == "length"
    assert short["usage"]["completion_tokens"] == 10


def test_a_strict_schema_gets_only_its_properties():
    schema = {
        "type": "json_schema",
        "json_schema": {
            "name": "x",
            "strict": True,
            "schema": {"properties": {"similarity": {}, "explanation": {}}},
        },
    }

    async def body(served, client):
        request = question(pairs_of("identity")[0], model="gpt-4o", response_format=schema)
        return answer_of(await ask(client, served.openai_base_url, request, OPENAI_KEY))

    assert run(body).keys() == {"similarity", "explanation"}


def test_more_requests_at_once_than_allowed_are_limited():
    async def body(served, client):
        pair = question(pairs_of("identity")[0])
        responses = await asyncio.gather(*[ask(client, served.deepseek_base_url, pair) for _ in range(12)])
        return Counter(response.status_code for response in responses)

    statuses = run(body, latency=Latency(0.2, 0), max_in_flight=4)
    assert statuses[200] >= 4
    assert statuses[429] >= 1


def test_the_log_names_the_pair_the_model_and_the_tokens():
    pair = pairs_of("identity")[0]

    async def body(served, client):
        await ask(client, served.deepseek_base_url, question(pair))
        return served.requests[-1]

    record = run(body)
    assert (record.polymarket_id, record.kalshi_id) == pair
    assert (record.provider, record.model, record.at) == ("deepseek", "deepseek-flash", NOW)
    assert record.usage.prompt_tokens > 500


def test_fault_specs_are_read_and_wrong_ones_explained():
    assert parse_faults("rate_limited=0.1, blank=0.02") == LLMFaults(rate_limited=0.1, blank=0.02)
    assert parse_faults("demo") == DEMO_FAULTS
    assert parse_faults("none") == NO_FAULTS
    for spec, words in (
        ("typo=0.1", "no fault is called"),
        ("blank=x", "needs a number"),
        ("blank=0.7,html=0.7", "at most 1"),
        ("blank=-1", "from 0 to 1"),
    ):
        with pytest.raises(SettingsError, match=words):
            parse_faults(spec)
