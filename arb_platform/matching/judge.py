"""What can be asked about pairs, and what a validation would ask of it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from arb_platform.domain.pairs import Candidate, MarketPair, Verdict

Rules = Callable[[MarketPair], Sequence[str]]


class Judge(Protocol):
    """Somebody who can be asked about a pair."""

    @property
    def name(self) -> str:
        """``llm`` or ``offline``; kept with every verdict."""

    @property
    def models(self) -> tuple[str, ...]:
        """Whose verdicts are as good as asking again, the preferred model first."""

    def broken_rules(self, pair: MarketPair) -> Sequence[str]:
        """The hard rules that object to ``pair``."""

    async def judge(self, candidate: Candidate) -> Verdict:
        """A verdict; one with status failed when nobody answered. Raises BudgetExceeded or ProvidersRefuse.

        The candidate's ``broken_rules`` are taken as they are: whoever asks has looked at the rules.
        """

    def spent_usd(self) -> Decimal:
        """Dollars this judge was billed since it exists."""

    def session(self) -> AbstractAsyncContextManager[Any]:
        """Keeps connections open over many questions."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a validation would do: whom it would ask about, what it knows already, what rules forbid."""

    to_ask: tuple[Candidate, ...]
    cached: tuple[Verdict, ...]
    skipped_by_rules: int


def plan(
    candidates: Sequence[Candidate], *, judge: Judge, known: Mapping[str, Verdict], now: datetime
) -> Plan:
    """What a validation would do now, all rules looked at; for saying beforehand what it would cost."""
    first = sorted_out(candidates, known, now)
    to_ask = tuple(candidate for candidate in first.to_ask if not judge.broken_rules(candidate.pair))
    return replace(
        first, to_ask=to_ask, skipped_by_rules=first.skipped_by_rules + len(first.to_ask) - len(to_ask)
    )


def sorted_out(candidates: Sequence[Candidate], known: Mapping[str, Verdict], now: datetime) -> Plan:
    """By what is already known; a pair that occurs twice is taken once, a failed or expired verdict is none."""
    unique = {candidate.pair_hash: candidate for candidate in candidates}
    to_ask: list[Candidate] = []
    cached: list[Verdict] = []
    for pair_hash, candidate in unique.items():
        verdict = known.get(pair_hash)
        if candidate.broken_rules:
            continue
        if verdict is not None and verdict.status != "failed" and verdict.valid_until > now:
            cached.append(verdict)
        else:
            to_ask.append(candidate)
    return Plan(tuple(to_ask), tuple(cached), len(unique) - len(to_ask) - len(cached))
