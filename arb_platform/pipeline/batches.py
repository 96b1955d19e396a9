"""Candidates judged through a provider's batches: sent by one run, collected by a later one, paid for once.

What is to be sent is in the lake before it is sent, under a name of ours that the provider keeps with the
batch. So a run that dies at any moment leaves either nothing at the provider, or a batch that the next run
finds by that name.
"""

import logging
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from arb_platform.domain.calls import BatchState, CallBatch, CallLedger, CallStatus, LLMCall
from arb_platform.domain.errors import LLMError, ProvidersRefuse, SettingsError
from arb_platform.domain.pairs import Candidate, Verdict
from arb_platform.llm.batches import BatchClient, RemoteBatch, read_line, request_line
from arb_platform.llm.ledger import Purse
from arb_platform.llm.prices import BATCH_PRICE_VERSION, batch_cost_usd
from arb_platform.llm.providers import PROVIDERS, located
from arb_platform.llm.replies import Outcome
from arb_platform.matching.prompt import RESPONSE_SCHEMA
from arb_platform.matching.validation import LLMValidator
from arb_platform.pipeline.clock import now
from arb_platform.pipeline.judges import BATCH_PROVIDER, batch_judge, batch_terms
from arb_platform.settings import Settings
from arb_platform.storage.batches import open_batches, unanswered_calls
from arb_platform.storage.lake import Lake
from arb_platform.storage.ledger import LakeLedger

# 30 MB; what is lost when a provider refuses a file is the upload.
MOST_REQUESTS: Final = 5_000
# So long a creation may be on its way or not listed yet; after that what the provider does not know was never there.
_ON_ITS_WAY: Final = timedelta(minutes=1)
_KEPT_AT_ONCE: Final = 100

# How a batch ended -> what became of a question without an answer, and whether it may be billed all the same.
_WITHOUT_ANSWER: Final[dict[str, tuple[CallStatus, bool]]] = {
    "failed": ("refused", False),
    "cancelled": ("cancelled", False),
    "expired": ("timeout", False),
}

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Collected:
    """What the answers of finished batches came to."""

    judged: set[str] = field(default_factory=set)
    failed: int = 0
    cost_usd: Decimal = Decimal(0)
    # paid for, and about words that no candidate has any more
    outdated: int = 0
    # why a batch could not be looked at or was refused as a whole
    troubles: list[str] = field(default_factory=list)

    def add(self, calls: Sequence[LLMCall], verdicts: Sequence[Verdict]) -> None:
        self.cost_usd += sum((call.cost_usd or Decimal(0) for call in calls), Decimal(0))
        self.outdated += len(calls) - len(verdicts)
        self.failed += sum(verdict.status == "failed" for verdict in verdicts)
        self.judged |= {verdict.pair_hash for verdict in verdicts if verdict.status != "failed"}


class Batches:
    """The batches of one provider in one lake. Only one process at a time: the caller holds the validation's lock.

    ``purse`` tells what the day's money was spent on, ``ledger`` keeps everything.
    """

    def __init__(
        self,
        lake: Lake,
        ledger: LakeLedger,
        client: BatchClient,
        judge: LLMValidator,
        *,
        run_id: str,
        purse: CallLedger,
        clock: Callable[[], datetime],
        most_requests: int = MOST_REQUESTS,
    ) -> None:
        self._lake, self._ledger = lake, ledger
        self._client, self._judge = client, judge
        self._run_id = run_id
        self._purse = purse
        self._clock = clock
        self._most_requests = most_requests

    async def collect(self, candidates: Sequence[Candidate]) -> Collected:
        """Look at every batch that is open, and keep the answers of those that ended. Raises ProvidersRefuse."""
        collected = Collected()
        by_hash = {candidate.pair_hash: candidate for candidate in candidates}
        for batch in open_batches(self._lake):
            if batch.provider != self._client.provider.name:
                continue
            try:
                await self._look_at(batch, by_hash, collected)
            except ProvidersRefuse:
                raise
            except LLMError as error:
                collected.troubles.append(str(error))
        return collected

    async def _look_at(self, batch: CallBatch, by_hash: dict[str, Candidate], collected: Collected) -> None:
        remote = await (
            self._client.look(batch.remote_id) if batch.remote_id else self._client.find(batch.batch_id)
        )
        if remote is None:
            if self._clock() - batch.prepared_at > _ON_ITS_WAY:
                self._never_sent(batch, "the process that was to send it ended before it did")
            return
        batch = replace(batch, state="submitted", remote_id=remote.remote_id, remote_status=remote.status, answered=remote.answered)  # fmt: skip
        if not remote.done:
            self._ledger.save_batch(batch)
            return
        await self._read(batch, remote, by_hash, collected)
        state: BatchState = "failed" if remote.status == "failed" else "collected"
        if remote.error:
            collected.troubles.append(f"{batch.provider} refused batch {batch.remote_id}: {remote.error}")
        self._ledger.save_batch(
            replace(batch, state=state, ended_at=remote.ended_at or self._clock(), error=remote.error)
        )
        await self._client.forget(remote.input_file, remote.output_file, remote.error_file)

    async def _read(
        self, batch: CallBatch, remote: RemoteBatch, by_hash: dict[str, Candidate], collected: Collected
    ) -> None:
        """Every call of the batch gets its end: what its line says, or that it has none."""
        waiting = unanswered_calls(self._lake, batch.batch_id)
        at = remote.ended_at or self._clock()
        ends: list[tuple[LLMCall, Outcome]] = []
        for file in (remote.output_file, remote.error_file):
            if file is None:
                continue
            async for line in self._client.lines(file):
                read = read_line(self._client.provider, line, RESPONSE_SCHEMA, at)
                call = waiting.pop(read[0], None) if read else None
                if read is None or call is None:
                    if line.strip():
                        log.warning("batch %s has a line that answers no open question", batch.remote_id)
                    continue
                ends.append((call, read[1]))
                if len(ends) >= _KEPT_AT_ONCE:
                    self._keep(ends, by_hash, at, collected)
                    ends = []
        status, maybe_billed = _WITHOUT_ANSWER.get(remote.status, ("timeout", True))
        why = f"no answer in batch {batch.remote_id}, which is {remote.status}"
        missing = Outcome(status, why, maybe_billed=maybe_billed)
        self._keep([*ends, *((call, missing) for call in waiting.values())], by_hash, at, collected)

    def _keep(
        self,
        ends: Sequence[tuple[LLMCall, Outcome]],
        by_hash: dict[str, Candidate],
        at: datetime,
        collected: Collected,
    ) -> None:
        """How calls ended, and verdicts where the pair still means what was asked about; both or neither."""
        finished = [_finished(call, outcome) for call, outcome in ends]
        verdicts: list[Verdict] = []
        for call, outcome in ends:
            candidate = by_hash.get(call.pair_hash or "")
            if candidate is not None:
                verdicts.append(self._verdict(candidate, call.model, outcome, at))
        self._ledger.keep_verdicts(verdicts, finished)
        collected.add(finished, verdicts)

    def _verdict(self, candidate: Candidate, model: str, outcome: Outcome, at: datetime) -> Verdict:
        reason = f"{outcome.status}, {outcome.error}"
        if outcome.answer is not None:
            broken = tuple(self._judge.broken_rules(candidate.pair))
            try:
                return self._judge.verdict(candidate.pair, broken, outcome.answer, model=model, at=at)
            except LLMError as error:
                reason = str(error)
        return self._judge.failed(candidate.pair, reason, model=model, at=at)

    async def submit(self, candidates: Sequence[Candidate], *, budget_usd: Decimal) -> "Submitted":
        """Send ``candidates``, which no rule forbids, as far as the day's money goes, in as many batches as they need.

        Raises LLMError when the provider takes none.
        """
        sent = Submitted()
        model = self._judge.models[0]
        waiting = iter(candidates)
        terms = batch_terms()
        while not sent.stopped_reason:
            now = self._clock()
            left = budget_usd - self._purse.spent_usd(now)
            batch = CallBatch(uuid.uuid4().hex, self._run_id, self._client.provider.name, model, "preparing", 0, Decimal(0), now)  # fmt: skip
            lines: list[bytes] = []
            calls: list[LLMCall] = []
            cost, size = Decimal(0), 0
            for candidate in waiting:
                estimate = self._judge.estimated_usd(candidate.pair) * terms.price_factor
                if cost + estimate > left:
                    sent.stopped_reason = _no_money(budget_usd, left, now)
                    break
                call = LLMCall(uuid.uuid4().hex, self._run_id, candidate.pair_hash, batch.provider, model, 1, now, "started", fallback=False, batch_id=batch.batch_id)  # fmt: skip
                calls.append(call)
                lines.append(
                    request_line(
                        self._client.provider, call.call_id, self._judge.request(candidate.pair, model)
                    )
                )
                cost, size = cost + estimate, size + len(lines[-1])
                if (
                    len(lines) >= min(self._most_requests, terms.most_requests)
                    or size > terms.most_bytes * 0.9
                ):
                    break
            if not lines:
                return sent
            await self._send(replace(batch, requests=len(lines), estimated_usd=cost), calls, lines)
            sent.submitted += len(lines)
        return sent

    async def _send(self, batch: CallBatch, calls: Sequence[LLMCall], lines: Sequence[bytes]) -> None:
        for call in calls:
            self._ledger.note(call)
        self._ledger.save_batch(batch)
        try:
            remote = await self._client.submit(batch.batch_id, b"".join(lines))
        except ProvidersRefuse as error:
            self._never_sent(batch, str(error))
            raise
        self._ledger.save_batch(
            replace(batch, state="submitted", remote_id=remote.remote_id, remote_status=remote.status)
        )

    def _never_sent(self, batch: CallBatch, why: str) -> None:
        """Nothing of it was asked, so nothing of it costs anything and its pairs are free again."""
        for call in unanswered_calls(self._lake, batch.batch_id).values():
            self._ledger.note(_finished(call, Outcome("cancelled", why)))
        self._ledger.save_batch(replace(batch, state="failed", ended_at=self._clock(), error=why))


@asynccontextmanager
async def batches_of(
    settings: Settings, lake: Lake, ledger: LakeLedger, *, run_id: str, needed: bool
) -> AsyncIterator[Batches | None]:
    """The batches of this profile; None where nobody can be asked about them and they are not ``needed``."""
    try:
        judge = batch_judge(settings, ledger=ledger, run_id=run_id)
    except SettingsError:
        if needed:
            raise
        yield None
        return
    second = settings.escalation_model
    if needed and second is not None and located(second)[1] == judge.models[0]:
        raise SettingsError(
            f"ARB_ESCALATION_MODEL names {second!r}, which is asked in batches anyway; name a better one, set ARB_OPENAI_MODEL, or unset it."
        )
    purse = ledger if second is None else Purse(ledger, located(second)[1], rest=True)
    key = settings.openai_api_key
    assert key is not None
    client = BatchClient(
        PROVIDERS[BATCH_PROVIDER], key=key.get_secret_value(), base_url=settings.openai_base_url, clock=now
    )
    async with client:
        yield Batches(lake, ledger, client, judge, run_id=run_id, purse=purse, clock=now)


@dataclass(slots=True)
class Submitted:
    """What was sent, and why not more."""

    submitted: int = 0
    stopped_reason: str = ""


def _finished(call: LLMCall, outcome: Outcome) -> LLMCall:
    """``call`` with its end. No latency: hours in a queue say nothing about how fast a model answers."""
    usage = outcome.usage
    cost = batch_cost_usd(call.provider, call.model, usage, call.started_at)
    # what was never executed is not billed, which is known; an answer without usage is not
    if usage is None and outcome.http_status is None and not outcome.maybe_billed:
        cost = Decimal(0)
    return replace(
        call,
        status=outcome.status,
        http_status=outcome.http_status,
        prompt_tokens=usage.prompt_tokens if usage else None,
        cached_tokens=usage.cached_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
        cost_usd=cost,
        price_version=BATCH_PRICE_VERSION if cost is not None else None,
        error=outcome.error,
    )


def _no_money(budget_usd: Decimal, left: Decimal, now: datetime) -> str:
    return (
        f"the language model budget of ${budget_usd} for {now.date().isoformat()} (UTC) allows no more questions in a batch: "
        f"${left:.6f} were left. Raise ARB_LLM_BUDGET_USD or go on after midnight UTC."
    )
