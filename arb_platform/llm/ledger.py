"""A ledger in memory, two budgets on one ledger, and the running totals of one client."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Protocol

from arb_platform.domain.calls import JournalLedger, LLMCall
from arb_platform.llm.providers import PROVIDERS


class MemoryLedger:
    """Keeps the calls of this process only: the default for a program that brings no ledger of its own."""

    # memory has no disk to wait for
    unsynced = False

    def __init__(self) -> None:
        self._calls: dict[str, LLMCall] = {}

    @property
    def calls(self) -> list[LLMCall]:
        """The latest row of every call, in the order they started."""
        return list(self._calls.values())

    def write(self, call: LLMCall) -> None:
        self._calls[call.call_id] = call

    def note(self, call: LLMCall) -> None:
        self.write(call)

    def sync(self) -> None:
        """Nothing to do."""

    def spent_usd(self, now: datetime) -> Decimal:
        return sum(self.spending(now).values(), Decimal(0))

    def spending(self, now: datetime) -> dict[tuple[str, bool], Decimal]:
        today = now.astimezone(UTC).date()
        spent: dict[tuple[str, bool], Decimal] = {}
        for call in self._calls.values():
            if call.cost_usd is not None and call.started_at.astimezone(UTC).date() == today:
                spender = (call.model, call.fallback)
                spent[spender] = spent.get(spender, Decimal(0)) + call.cost_usd
        return spent


class SpendingLedger(JournalLedger, Protocol):
    """A ledger that can tell who spent what."""

    def spending(self, now: datetime) -> Mapping[tuple[str, bool], Decimal]:
        """Dollars since midnight UTC of ``now`` by (model, whether it was asked as a fallback)."""


class Purse:
    """One of the two budgets on one ledger: what ``model`` spent as a first choice, or all the rest.

    Escalation has a budget apart. What tells its calls from the others is their model and that they are
    nobody's fallback, so the same model may be the fallback of the first one as well.
    """

    def __init__(self, ledger: SpendingLedger, model: str, *, rest: bool) -> None:
        self._ledger = ledger
        self._model = model
        self._rest = rest

    def write(self, call: LLMCall) -> None:
        self._ledger.write(call)

    @property
    def unsynced(self) -> bool:
        return self._ledger.unsynced

    def note(self, call: LLMCall) -> None:
        self._ledger.note(call)

    def sync(self) -> None:
        self._ledger.sync()

    def spent_usd(self, now: datetime) -> Decimal:
        own = (self._model, False)
        return sum(
            (usd for spender, usd in self._ledger.spending(now).items() if (spender == own) != self._rest),
            Decimal(0),
        )


@dataclass(slots=True)
class _Totals:
    calls: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)


class UsageTotals:
    """What one client was billed for. A call counts when a provider answered it with usage or content."""

    def __init__(self) -> None:
        self._by_provider = {name: _Totals() for name in PROVIDERS}
        self.attempts = 0
        self.failed_attempts = 0
        self.unknown_cost_calls = 0

    def add(self, call: LLMCall) -> None:
        """Count a finished attempt."""
        self.attempts += 1
        self.failed_attempts += call.status != "ok"
        if call.http_status != 200:
            return
        totals = self._by_provider[call.provider]
        totals.calls += 1
        totals.tokens += (call.prompt_tokens or 0) + (call.completion_tokens or 0)
        totals.cost_usd += call.cost_usd or Decimal(0)
        self.unknown_cost_calls += call.cost_usd is None

    @property
    def cost_usd(self) -> Decimal:
        return _sum(totals.cost_usd for totals in self._by_provider.values())

    def summary(self) -> dict[str, Any]:
        """The owner's keys, then ours; dollars are float here because they are for reading."""
        calls = {f"{name}_calls": totals.calls for name, totals in self._by_provider.items()}
        costs = {f"{name}_cost_usd": float(totals.cost_usd) for name, totals in self._by_provider.items()}
        return {
            "total_calls": sum(calls.values()),
            **calls,
            "total_tokens": sum(totals.tokens for totals in self._by_provider.values()),
            **costs,
            "total_cost_usd": float(self.cost_usd),
            "attempts": self.attempts,
            "failed_attempts": self.failed_attempts,
            "unknown_cost_calls": self.unknown_cost_calls,
        }


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
