"""Two budgets on one ledger, each blind to what the other spent."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from arb_platform.domain.calls import LLMCall
from arb_platform.llm.ledger import MemoryLedger, Purse

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


def call(
    call_id: str, model: str, cost: str | None, *, fallback: bool = False, at: datetime = NOON
) -> LLMCall:
    usd = None if cost is None else Decimal(cost)
    return LLMCall(call_id, "r", None, "openai", model, 1, at, "ok", fallback, cost_usd=usd)


def test_second_opinions_are_paid_out_of_another_purse_than_everything_else() -> None:
    ledger = MemoryLedger()
    second, first = Purse(ledger, "gpt-4o", rest=False), Purse(ledger, "gpt-4o", rest=True)
    first.write(call("a", "deepseek-flash", "1"))
    first.write(call("b", "gpt-4o", "2", fallback=True))  # the same model as somebody's fallback
    second.write(call("c", "gpt-4o", "4"))
    second.write(call("d", "gpt-4o", None))
    second.write(call("e", "gpt-4o", "8", at=NOON - timedelta(days=1)))
    assert (first.spent_usd(NOON), second.spent_usd(NOON)) == (3, 4)
    assert first.spent_usd(NOON) + second.spent_usd(NOON) == ledger.spent_usd(NOON) == 7
    assert second.spent_usd(NOON - timedelta(days=1)) == 8
