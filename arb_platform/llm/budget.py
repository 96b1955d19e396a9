"""The hard stop per UTC day, counted before the money is spent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from arb_platform.domain.calls import CallLedger
from arb_platform.domain.errors import BudgetExceeded
from arb_platform.llm.prices import cost_usd
from arb_platform.llm.providers import ChatRequest, Usage

# English and JSON come to about four characters a token; three is on the safe side.
_CHARACTERS_PER_TOKEN: Final = 3
# What a call to a model without a known price is counted with, $ per token: dearer than any model we
# name. The ledger says unknown; a hard budget must still stop somewhere.
_ASSUMED_INPUT: Final = Decimal("0.000005")
_ASSUMED_OUTPUT: Final = Decimal("0.00002")


def estimated_usd(provider: str, request: ChatRequest, at: datetime) -> Decimal:
    """The most that one attempt of ``request`` should cost: nothing cached, the whole answer used."""
    text = json.dumps([dict(message) for message in request.messages], ensure_ascii=True)
    prompt = len(text) // _CHARACTERS_PER_TOKEN + 16
    known = cost_usd(provider, request.model, Usage(prompt, 0, request.max_tokens), at)
    return prompt * _ASSUMED_INPUT + request.max_tokens * _ASSUMED_OUTPUT if known is None else known


class Budget:
    """Dollars of this UTC day: what the ledger knows, what is in flight, and what may have been billed unseen."""

    def __init__(
        self, limit_usd: Decimal | None, ledger: CallLedger, *, variable: str = "ARB_LLM_BUDGET_USD"
    ) -> None:
        self.limit_usd = limit_usd
        self._variable = variable
        self._ledger = ledger
        self._in_flight = Decimal(0)
        self._unseen: dict[date, Decimal] = {}

    @contextmanager
    def reserved(self, estimate: Decimal, now: datetime) -> Iterator["Reservation"]:
        """Hold ``estimate`` while a call is under way. Raises BudgetExceeded before anything is sent."""
        self._check(estimate, now)
        self._in_flight += estimate
        reservation = Reservation()
        try:
            yield reservation
        finally:
            self._in_flight -= estimate
            if reservation.unseen:
                day = now.astimezone(UTC).date()
                self._unseen[day] = self._unseen.get(day, Decimal(0)) + estimate

    def _check(self, estimate: Decimal, now: datetime) -> None:
        if self.limit_usd is None:
            return
        day = now.astimezone(UTC).date()
        spent = self._ledger.spent_usd(now) + self._unseen.get(day, Decimal(0))
        if spent + self._in_flight + estimate > self.limit_usd:
            raise BudgetExceeded(
                f"the language model budget of ${self.limit_usd} for {day.isoformat()} (UTC) does not allow another call: "
                f"${spent:.6f} is spent and ${self._in_flight:.6f} under way, the next call could cost ${estimate:.6f}. "
                f"Raise {self._variable} or go on after midnight UTC."
            )


class Reservation:
    """``unseen`` is set when the attempt ended without telling what it cost."""

    __slots__ = ("unseen",)

    def __init__(self) -> None:
        self.unseen = False
