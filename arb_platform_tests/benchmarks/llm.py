"""LLM: judging pairs against simulated providers: time, rate, CPU, memory, and what a thousand pairs cost."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice, product
from pathlib import Path
from typing import Any, Final

from arb_platform.domain.calls import CallLedger, LLMCall
from arb_platform.domain.pairs import Candidate, MarketPair, Verdict
from arb_platform.llm.ledger import MemoryLedger
from arb_platform.llm.prices import cost_usd
from arb_platform.llm.providers import PROVIDERS, Usage
from arb_platform.matching.validation import CONCURRENCY, LLMValidator, ValidationSummary, validate_candidates
from arb_platform.pipeline.keeping import VerdictKeeper
from arb_platform.simulate.catalogue import SimulatedMarket
from arb_platform.simulate.llm import DEEPSEEK_KEY, OPENAI_KEY
from arb_platform.simulate.llm_billing import PRICES
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.ledger import LakeLedger
from arb_platform.venues.kalshi_markets import read_market as read_kalshi
from arb_platform.venues.polymarket_markets import read_market as read_polymarket
from arb_platform_tests.benchmarks.llm_provider import AT, Provider, catalogue, provider
from arb_platform_tests.benchmarks.measure import Outcome, Pace, progress, resident_mb

TARGETS: Final = ("LLM",)
_PAIRS: Final = 1_000
_LATENCY: Final = 0.4
# Nothing waits for these: more than can be asked in a minute here.
_LIFTED: Final = {"deepseek_rpm": 1_000_000, "openai_rpm": 1_000_000}
# The first fifth fills caches of cleaned texts and connections.
_WARM_UP: Final = 5


def measure(pace: Pace) -> Outcome:
    outcome = Outcome()
    candidates = pairs(pace.seed, max(_PAIRS, pace.of(10_000, 50_000)))
    with progress(
        f"LLM: {_PAIRS:,} pairs, {CONCURRENCY} at a time, {_LATENCY * 1000:.0f} ms each, into a lake"
    ):
        _speed(pace, candidates[:_PAIRS], outcome)
    with progress("LLM: at the limits of a minute, both providers at once"):
        _limits(pace, candidates, outcome)
    with progress(f"LLM: memory over {len(candidates):,} pairs"):
        _memory(pace, candidates, outcome)
    with progress("LLM: what a thousand pairs cost"):
        _costs(pace, candidates, outcome)
    return outcome


def pairs(seed: int, count: int) -> list[Candidate]:
    """Pairs of the simulators' catalogue, each of its own hash; the rules are not asked about them here."""
    known = catalogue(seed)
    polymarket = [read_polymarket(market.document) for market in known.polymarket]
    kalshi = [_kalshi(market) for market in known.kalshi]
    crossed = (MarketPair(one, other) for one, other in product(polymarket, kalshi))
    return [Candidate(pair, 1.0) for pair in islice(crossed, count)]


def _kalshi(market: SimulatedMarket) -> Any:
    return read_kalshi(
        market.document, event=market.event_document, series=getattr(market, "series_document", None)
    )


def validator(at: Provider, ledger: CallLedger, **options: Any) -> LLMValidator:
    primary = options.get("primary_provider", "deepseek")
    return LLMValidator(
        DEEPSEEK_KEY if primary == "deepseek" else None, OPENAI_KEY if primary == "openai" else None, ledger=ledger,
        deepseek_base_url=at.deepseek_base_url, openai_base_url=at.openai_base_url, rules=lambda _: (), clock=lambda: AT, **options,
    )  # fmt: skip


def judged(
    judge: LLMValidator, candidates: Sequence[Candidate], keep: Callable[[list[Verdict]], None] = lambda _: None, **options: Any
) -> ValidationSummary:  # fmt: skip
    """Every candidate asked about. Raises RuntimeError when one was not: then no figure means anything."""
    summary = asyncio.run(validate_candidates(candidates, judge=judge, known={}, on_batch=keep, **options))
    if summary.failed or summary.asked != len(candidates):
        raise RuntimeError(f"{summary.failed} of {summary.asked} questions failed: {summary.stopped_reason}")
    return summary


def _speed(pace: Pace, candidates: Sequence[Candidate], outcome: Outcome) -> None:
    """As `arb validate` does it: a lake, its ledger with a sync before and after each call, limits shared by a file."""
    with tempfile.TemporaryDirectory() as folder, provider(pace.seed, _LATENCY) as at:
        with Lake.open(LakeLocation.local(Path(folder))) as lake:
            wall, cpu = time.monotonic(), time.process_time()
            with LakeLedger(lake) as ledger, VerdictKeeper(ledger) as keeper:
                options = {"limits_dir": Path(folder) / "limits", "budget_usd": Decimal(100), **_LIFTED}
                summary = judged(validator(at, ledger, **options), candidates, keeper.keep)
            (kept,) = lake.query(
                "SELECT (SELECT count(*) FROM verdicts), (SELECT count(*) FROM llm_calls)"
            ).rows()
            wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        billed = sum((Decimal(line["usd"]) for line in at.invoice().values()), Decimal(0))
    if kept != (len(candidates), len(candidates)):
        raise RuntimeError(f"{kept} verdicts and calls are in the lake of {len(candidates)}")
    if abs(billed - summary.cost_usd) > Decimal("0.000001"):
        raise RuntimeError(f"the invoice says ${billed}, the ledger ${summary.cost_usd}")
    best = len(candidates) / CONCURRENCY * _LATENCY
    outcome.at_most(
        "LLM",
        f"{len(candidates):,} pairs, {CONCURRENCY} at a time, 400 ms each: {best:.0f} s is the least",
        wall,
        15.0,
        " s",
    )
    outcome.at_most(
        "LLM", "CPU a call, ledger, lake and verdict in it", cpu / len(candidates) * 1000, 3.0, " ms"
    )
    outcome.told("LLM", "ledger against the provider's invoice", f"${summary.cost_usd:.6f}, ${billed:.6f}")


@dataclass(slots=True)
class Starts:
    """A ledger that keeps when calls started, by the clock of the limits."""

    at: list[float] = field(default_factory=list)

    def write(self, call: LLMCall) -> None:
        if call.status == "started":
            self.at.append(time.monotonic())

    def spent_usd(self, _now: Any) -> Decimal:
        return Decimal(0)


def pace_of(starts: Sequence[float], burst: int) -> float:
    """Calls a minute once the burst is used up."""
    steady = sorted(starts)[burst:]
    return (len(steady) - 1) / (steady[-1] - steady[0]) * 60


def _limits(pace: Pace, candidates: Sequence[Candidate], outcome: Outcome) -> None:
    limits = {name: entry.requests_per_minute for name, entry in PROVIDERS.items()}
    seconds = pace.of(20, 58)

    async def work(at: Provider) -> dict[str, Starts]:
        books = {name: Starts() for name in limits}

        async def one(name: str) -> None:
            count = limits[name] // 10 + limits[name] * seconds // 60
            await validate_candidates(
                candidates[:count], judge=validator(at, books[name], primary_provider=name), known={}, on_batch=lambda _: None
            )  # fmt: skip

        await asyncio.gather(*(one(name) for name in limits))
        return books

    with provider(pace.seed, 0.05) as at:
        books = asyncio.run(work(at))
    for name, book in books.items():
        off = abs(pace_of(book.at, limits[name] // 10) / limits[name] - 1) * 100
        outcome.at_most("LLM", f"{name} at its limit of {limits[name]} a minute: off by", off, 2.0, " %")


def _memory(pace: Pace, candidates: Sequence[Candidate], outcome: Outcome) -> None:
    seen: list[float] = []
    every = max(1, len(candidates) // 50)

    def look(done: int, _total: int) -> None:
        if done % every == 0:
            seen.append(resident_mb())

    with provider(pace.seed, 0.0) as at:
        began = time.process_time()
        judged(validator(at, Starts(), **_LIFTED), candidates, progress=look)
        cost = (time.process_time() - began) / len(candidates)
    grown(seen, len(candidates), outcome)
    outcome.cost("judging a pair: prompt, HTTP, checks, verdict", cost * 1e6, "no latency, no lake")


def grown(seen: Sequence[float], count: int, outcome: Outcome) -> None:
    """Whether the mean of the last fifth is that of the second one."""
    part = len(seen) // _WARM_UP
    early, late = (sum(some) / len(some) for some in (seen[part : 2 * part], seen[-part:]))
    outcome.at_most("LLM", f"memory over {count:,} pairs: last fifth over the second", late / early, 1.05)
    outcome.told("LLM", "the same: lowest, last", f"{min(seen):.0f}, {seen[-1]:.0f} MB")


def _costs(pace: Pace, candidates: Sequence[Candidate], outcome: Outcome) -> None:
    count = pace.of(200, _PAIRS)
    with provider(pace.seed, 0.0) as at:
        for name, models in PRICES.items():
            for model in models:
                options = {"primary_provider": name, f"{name}_model": model, **_LIFTED}
                judged(validator(at, MemoryLedger(), **options), candidates[:count])
                (line,) = at.invoice().values()
                cold, cached = priced(name, model, line)
                told = f"${cold * _PAIRS / count:.2f} cold, ${cached * _PAIRS / count:.2f} with the prefix cached"
                if terms := PROVIDERS[name].batch:
                    told += f", ${cached * terms.price_factor * _PAIRS / count:.2f} of that in batches"
                outcome.told("LLM", f"1,000 pairs with {model} of {name}", told)
    outcome.told("LLM", "1,000 pairs whose verdicts are known", "$0.00, no call")


def priced(name: str, model: str, line: dict[str, int]) -> tuple[Decimal, Decimal]:
    """Dollars off-peak for the usage of an invoice's line: as if nothing had been cached, and as billed."""
    costs = [
        cost_usd(name, model, Usage(line["prompt_tokens"], cached, line["completion_tokens"]), AT)
        for cached in (0, line["cached_tokens"])
    ]
    cold, cached = costs
    if cold is None or cached is None:
        raise RuntimeError(f"{model} of {name} has no known price")
    return cold, cached
