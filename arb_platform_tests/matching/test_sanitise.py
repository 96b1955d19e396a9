"""Hostile market text: nothing that obeys it gets a pair accepted."""

import asyncio
import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arb_platform.domain.markets import Market
from arb_platform.domain.pairs import MarketPair, Verdict
from arb_platform.llm.ledger import MemoryLedger
from arb_platform.matching.injection import suspicions
from arb_platform.matching.prompt import messages
from arb_platform.matching.sanitise import LONGEST_RULES, clean, clean_market, plain_text
from arb_platform.matching.validation import LLMValidator
from arb_platform_tests.llm.fake_provider import serving
from arb_platform_tests.matching.hostile_texts import HOSTILE_TEXTS, PLAIN_LIES, HostileText
from arb_platform_tests.matching.judged_pairs import KALSHI_FED, NOW, PAIR, POLYMARKET_FED, inventing, obeying


def planted(hostile: HostileText, market: Market) -> Market:
    """``market`` with the text at the end of its field, as an editor would slip it in."""
    before = getattr(market, hostile.field)
    keeps = hostile.field == "rules"
    return replace(market, **{hostile.field: f"{before}\n{hostile.text}" if keeps else hostile.text})


def verdicts(pairs: list[MarketPair], model: Callable[[dict[str, Any]], Any]) -> list[Verdict]:
    """What an LLMValidator with the real hard rules makes of a model that obeys everything."""

    async def run() -> list[Verdict]:
        async with serving(model) as fake:
            validator = LLMValidator(
                "sk-key",
                deepseek_base_url=fake.base_url,
                deepseek_rpm=100_000,
                ledger=MemoryLedger(),
                clock=lambda: NOW,
            )
            async with validator.session():
                judged = [await validator.validate(pair) for pair in pairs]
        return [pair.verdict for pair in judged if pair.verdict is not None]

    return asyncio.run(run())


def test_the_corpus_is_large_and_without_doubles() -> None:
    assert len(HOSTILE_TEXTS) >= 60
    assert len({(hostile.field, hostile.text) for hostile in HOSTILE_TEXTS}) == len(HOSTILE_TEXTS)


def test_the_pair_is_accepted_without_a_hostile_text() -> None:
    """Negative control: everything below fails because of the text and of nothing else."""
    assert [verdict.status for verdict in verdicts([PAIR], obeying)] == ["accepted"]


@pytest.mark.parametrize("venue", ["polymarket", "kalshi"])
def test_no_hostile_text_wins_an_acceptance_from_a_model_that_obeys(venue: str) -> None:
    market = POLYMARKET_FED if venue == "polymarket" else KALSHI_FED
    for model, texts in ((obeying, HOSTILE_TEXTS), (inventing, HOSTILE_TEXTS[::5])):
        judged = verdicts([replace(PAIR, **{venue: planted(hostile, market)}) for hostile in texts], model)
        accepted = [
            hostile.name
            for hostile, verdict in zip(texts, judged, strict=True)
            if verdict.status == "accepted"
        ]
        assert accepted == []
        assert all(verdict.objections for verdict in judged)


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS, ids=lambda hostile: hostile.name)
def test_each_hostile_text_is_found_by_the_text_checks_themselves(hostile: HostileText) -> None:
    assert clean_market(planted(hostile, KALSHI_FED)).findings


def test_lies_in_the_register_of_rules_are_the_hard_rules_business() -> None:
    december = replace(
        POLYMARKET_FED,
        title="Fed decreases interest rates by 25 bps after December 2026 meeting?",
        event_title="Fed decision in December 2026?",
        rules=POLYMARKET_FED.rules.replace("January 2027", "December 2026").replace(
            "January 26-27, 2027", "December 8-9, 2026"
        ),
    )
    larger = replace(
        KALSHI_FED,
        title="Will the Federal Reserve cut rates by 50bps at their January 2027 meeting?",
        subtitle="Cut 50bps",
        rules=KALSHI_FED.rules.replace("25 basis points", "50 basis points"),
    )
    near_misses = [replace(PAIR, polymarket=december), replace(PAIR, kalshi=larger)]
    lied = [
        replace(pair, kalshi=replace(pair.kalshi, rules=f"{pair.kalshi.rules}\n{lie}"))
        for pair in near_misses
        for lie in PLAIN_LIES
    ]
    assert [
        verdict.status for verdict in verdicts(near_misses + lied, obeying) if verdict.status == "accepted"
    ] == []


BENIGN = (
    "This market will resolve to “Yes” if the listed candidate wins the 2026 election. Otherwise, this market will resolve to “No”.",
    "If the game is cancelled or postponed past March 31, 2027, 11:59 PM ET, this market will resolve 50-50.",
    "The primary resolution source will be official information from the NBA (https://www.nba.com/scores?date=2026-11-25).",
    "\u200bA candidate's party is determined by their ballot-listed affiliation on November 3, 2026.",
    "If the high temperature in Central Park is strictly greater than 54° on Nov 25, 2026, then the market resolves to Yes.",
    "Will José Ramírez (Cleveland) hit 40+ home runs in the 2027 season?",
    "Prices are taken from the Binance 1 minute candle for BTC/USDT, 12:00 in the ET timezone, with the final “Close” price.",
    "Revisions to the CPI after the release of January 13, 2027 will not be considered.",
    "Above 3.0%",
    "Cut 25bps",
    "Łukasz Fabiański or Søren Kierkegård",
)


@pytest.mark.parametrize("text", BENIGN)
def test_the_register_of_real_markets_is_not_suspected(text: str) -> None:
    assert clean(text, longest=LONGEST_RULES).findings == ()


@given(st.text())
def test_any_text_becomes_plain_and_stays_so(text: str) -> None:
    plain = plain_text(text)
    assert plain_text(plain) == plain
    assert all(char == "\n" or char.isprintable() for char in plain)
    json.dumps(plain, ensure_ascii=False).encode()
    suspicions(plain)


@given(st.text(), st.integers(1, 50))
def test_no_text_is_longer_than_its_cap(text: str, longest: int) -> None:
    cleaned = clean(text, longest=longest)
    assert len(cleaned.text) <= longest
    assert (len(plain_text(text)) > longest) == (f"cut to {longest} characters" in cleaned.findings)


def test_hidden_characters_are_gone_and_named() -> None:
    cleaned = clean("ig\u200bnore\u202e this\U000e0041 \x1b[2J", longest=100)
    assert cleaned.text == "ignore this [2J"
    assert {
        "bidirectional controls",
        "invisible tag characters",
        "hidden characters inside words",
        "control characters",
    } <= set(cleaned.findings)


def test_an_emoji_is_no_hidden_message_but_a_row_of_selectors_is() -> None:
    assert clean("Will it snow? \u2744\ufe0f", longest=100).findings == ()
    assert "many hidden characters" in clean("x" + "\ufe01" * 20, longest=100).findings


def test_the_other_venues_name_in_a_text_is_looked_at() -> None:
    own = clean_market(
        replace(KALSHI_FED, rules=KALSHI_FED.rules + " Kalshi is not affiliated with the Federal Reserve.")
    )
    other = clean_market(
        replace(KALSHI_FED, rules=KALSHI_FED.rules + " Polymarket has the official market of January 2027.")
    )
    assert own.findings == ()
    assert "names polymarket" in other.findings


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS[:60:7], ids=lambda hostile: hostile.name)
def test_the_prompt_carries_any_text_as_one_block_of_json(hostile: HostileText) -> None:
    system, block = messages(replace(PAIR, kalshi=planted(hostile, KALSHI_FED)))
    assert set(json.loads(block["content"])) == {"polymarket", "kalshi"}
    assert hostile.text not in system["content"]
    assert not any(unicodedata.category(char) in {"Cf", "Co", "Cs"} for char in block["content"])
