"""Batches against the simulated provider: sent by one run, collected by another, whatever happens in between."""

import asyncio
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from arb_platform import pipeline
from arb_platform.domain.errors import ProvidersRefuse, SettingsError
from arb_platform.llm.batches import BatchClient
from arb_platform.llm.ledger import MemoryLedger
from arb_platform.llm.providers import PROVIDERS
from arb_platform.pipeline.batches import Batches
from arb_platform.pipeline.judges import batch_judge
from arb_platform.storage.batches import open_batches, pairs_in_batches
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.ledger import LakeLedger
from arb_platform.storage.pairs import load_verdicts
from arb_platform_tests.pipeline.conftest import prompt_batches

RICH = Decimal(10)


@pytest.fixture
def service(stands):
    with prompt_batches(stands) as batches:
        yield batches


@pytest.fixture
def few(worked):
    return [one for one in worked.candidates if not one.broken_rules][:30]


class Desk:
    """One lake and what runs after each other do with it; ``late`` moves the clock of the next run."""

    def __init__(self, lake, settings):
        self.lake = lake
        self.settings = settings
        self.late = timedelta(0)

    def run(self, work, **changes):
        """What ``work`` gives for the batches of one run."""
        settings = self.settings.model_copy(update=changes)

        def clock():
            return pipeline.now() + self.late

        async def go():
            key = settings.openai_api_key.get_secret_value()
            with LakeLedger(self.lake) as ledger:
                async with BatchClient(
                    PROVIDERS["openai"], key=key, base_url=settings.openai_base_url, clock=clock, sleep=lambda _: asyncio.sleep(0)
                ) as client:  # fmt: skip
                    judge = batch_judge(settings, ledger=ledger, run_id="run")
                    return await work(
                        Batches(self.lake, ledger, client, judge, run_id="run", purse=ledger, clock=clock, most_requests=4)
                    )  # fmt: skip

        return asyncio.run(go())

    def submit(self, candidates, budget=RICH, **changes):
        return self.run(lambda batches: batches.submit(candidates, budget_usd=budget), **changes)

    def collect(self, candidates, **changes):
        return self.run(lambda batches: batches.collect(candidates), **changes)

    def rows(self, sql):
        return self.lake.query(sql).rows()


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    with Lake.open(LakeLocation.local(tmp_path_factory.mktemp("batches"))) as made:
        yield made


@pytest.fixture
def desk(lake, settings):
    yield Desk(lake, settings)
    with lake.transaction() as connection:
        for table in ("llm_calls", "llm_batches", "verdicts"):
            connection.execute(f"DELETE FROM {table}")


def billed(stands, since):
    return sum((charge.usd for charge in stands["llm"].server.invoice.charges[since:]), Decimal(0))


def test_what_is_sent_is_answered_later_at_half_price_and_is_the_answer_of_the_live_mode(
    desk, few, service, stands
):
    six = few[:6]
    service.seconds = 1e9
    charges = len(stands["llm"].server.invoice.charges)
    assert desk.submit(six).submitted == 6
    assert desk.rows("SELECT state, requests FROM llm_batches ORDER BY requests") == [
        ("submitted", 2),
        ("submitted", 4),
    ]
    assert desk.rows("SELECT count(*), count(cost_usd) FROM llm_calls WHERE status = 'started'") == [(6, 0)]
    assert pairs_in_batches(desk.lake) == {one.pair_hash for one in six}
    waiting = desk.collect(six)
    assert (waiting.judged, waiting.failed, waiting.cost_usd) == (set(), 0, 0)
    service.seconds = 0.0
    done = desk.collect(six)
    assert done.judged == {one.pair_hash for one in six}
    assert done.cost_usd == billed(stands, charges) > 0
    assert desk.rows("SELECT sum(cost_usd), bool_and(latency_ms IS NULL) FROM llm_calls WHERE status = 'ok'") == [(done.cost_usd, True)]  # fmt: skip
    assert desk.rows("SELECT DISTINCT price_version LIKE '%batch' FROM llm_calls") == [(True,)]
    assert desk.rows("SELECT DISTINCT state FROM llm_batches") == [("collected",)]
    assert not pairs_in_batches(desk.lake)
    # nothing of ours is left at the provider
    assert service.files == []
    judge = batch_judge(desk.settings, ledger=MemoryLedger(), run_id="live")
    for verdict in load_verdicts(desk.lake)[:2]:
        candidate = next(one for one in six if one.pair_hash == verdict.pair_hash)
        live = asyncio.run(judge.judge(candidate))
        assert (verdict.status, verdict.similarity, verdict.objections) == (
            live.status,
            live.similarity,
            live.objections,
        )
    assert desk.collect(six).judged == set()


# How a batch ends -> questions with an answer, what becomes of the others, and whether their cost is known.
ENDS = {
    None: (1, None, True),
    "expired": (2, "timeout", True),
    "cancelled": (2, "cancelled", True),
    "failed": (0, "refused", True),
    "left_out": (3, "timeout", False),
    "damaged": (3, "timeout", False),
    "out_of_order": (4, None, True),
}


def test_a_batch_that_ends_badly_keeps_what_it_has_and_frees_the_rest(desk, few, service, stands):
    server = stands["llm"].server
    charges = len(server.invoice.charges)
    service.script.extend([*ENDS, "stuck"])
    # the questions of the first batch fail by themselves, all but one
    server.script.extend([None, "server_error", "truncated", "prose"])
    assert desk.submit(few).submitted == 30
    done = desk.collect(few)
    # the one of two questions that is stuck
    assert len(pairs_in_batches(desk.lake)) == 2
    found = {}
    for batch, remote in zip(
        desk.rows("SELECT batch_id FROM llm_batches ORDER BY prepared_at"), [*ENDS, "stuck"], strict=True
    ):
        found[remote] = Counter(status for (status,) in desk.rows(f"SELECT status FROM llm_calls WHERE batch_id = '{batch[0]}'"))  # fmt: skip
    assert found.pop("stuck") == {"started": 2}
    assert found.pop(None) == {"ok": 1, "http_error": 1, "truncated": 1, "not_json": 1}
    for remote, counts in found.items():
        good, other, _ = ENDS[remote]
        assert counts == Counter({"ok": good, other: 4 - good} if other else {"ok": 4}), remote
    assert (len(done.judged), done.failed) == (
        sum(good for good, _, _ in ENDS.values()),
        28 - len(done.judged),
    )
    # a failed line is not billed and says so; a line that is missing or cut was billed, and nobody knows how much
    assert desk.rows("SELECT status, count(*) FROM llm_calls WHERE cost_usd IS NULL GROUP BY 1 ORDER BY 1") == [
        ("http_error", 1), ("started", 2), ("timeout", 2),
    ]  # fmt: skip
    [lost] = desk.rows("SELECT min(cost_usd), max(cost_usd) FROM llm_calls WHERE status = 'ok'")
    assert lost[0] * 2 <= billed(stands, charges) - done.cost_usd <= lost[1] * 2
    [stuck] = [one for one in service._batches.values() if one.status == "in_progress"]
    stuck.created_at -= timedelta(hours=25)
    late = desk.collect(few)
    assert (late.failed, late.cost_usd, pairs_in_batches(desk.lake)) == (2, 0, set())


def test_a_creation_whose_answer_was_cut_off_is_found_and_edited_words_are_paid_for_but_not_judged(
    desk, few, service
):
    before = len(service.statuses)
    service.cut.append("POST /batches")
    assert desk.submit(few[:3]).submitted == 3
    assert len(service.statuses) == before + 1
    done = desk.collect(few[1:3])
    assert (len(done.judged), done.outdated) == (2, 1)
    assert desk.rows("SELECT count(*) FROM llm_calls WHERE status = 'ok'") == [(3,)]
    assert len(load_verdicts(desk.lake)) == 2


def test_a_process_that_died_after_sending_leaves_a_batch_that_the_next_one_adopts(
    desk, few, service, monkeypatch
):
    submit, before = BatchClient.submit, len(service.statuses)

    async def dies(self, label, content):
        await submit(self, label, content)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(BatchClient, "submit", dies)
        with pytest.raises(KeyboardInterrupt):
            desk.submit(few[:2])
    assert desk.rows("SELECT state, remote_id FROM llm_batches") == [("preparing", None)]
    assert len(desk.collect(few).judged) == 2
    assert len(service.statuses) == before + 1


def test_a_wrong_key_or_a_provider_that_is_down_is_one_sentence_and_nothing_is_lost(desk, few, service):
    wrong = {"openai_api_key": type(desk.settings.openai_api_key)("sk-wrong")}
    with pytest.raises(ProvidersRefuse, match="OPENAI_API_KEY") as refused:
        desk.submit(few[:2], **wrong)
    assert "sk-wrong" not in str(refused.value)
    assert not pairs_in_batches(desk.lake)
    assert desk.rows("SELECT state FROM llm_batches") == [("failed",)]
    desk.submit(few[:2])
    done = desk.collect(few, openai_base_url="http://127.0.0.1:9/v1")
    assert done.judged == set()
    assert "cannot be reached" in done.troubles[0]
    assert len(desk.collect(few).judged) == 2


def test_a_batch_of_a_process_that_died_before_sending_is_given_up_after_a_while(
    desk, few, service, monkeypatch
):
    async def dies(self, label, content):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(BatchClient, "submit", dies)
        with pytest.raises(KeyboardInterrupt):
            desk.submit(few[:2])
    assert desk.rows("SELECT state, requests FROM llm_batches") == [("preparing", 2)]
    # it may be on its way
    desk.collect(few)
    assert len(pairs_in_batches(desk.lake)) == 2
    desk.late = timedelta(minutes=2)
    desk.collect(few)
    assert not pairs_in_batches(desk.lake)
    assert desk.rows("SELECT DISTINCT status, cost_usd FROM llm_calls") == [("cancelled", 0)]
    assert desk.rows("SELECT state FROM llm_batches") == [("failed",)]


def test_the_day_s_money_holds_for_batches_too_and_open_ones_count_as_estimated(desk, few, service):
    service.seconds = 1e9
    one = batch_judge(desk.settings, ledger=MemoryLedger(), run_id="x").estimated_usd(few[0].pair) / 2
    sent = desk.submit(few[:6], budget=one * Decimal("3.5"))
    assert 2 <= sent.submitted <= 3
    assert "ARB_LLM_BUDGET_USD" in sent.stopped_reason
    with LakeLedger(desk.lake) as ledger:
        reserved = ledger.spent_usd(pipeline.now())
        assert reserved == sum(batch.estimated_usd for batch in open_batches(desk.lake)) > one
    again = desk.submit(few[3:6], budget=one * Decimal("3.5"))
    assert again.submitted <= 1
    service.seconds = 0.0
    done = desk.collect(few)
    with LakeLedger(desk.lake) as ledger:
        # the truth, which is less
        assert ledger.spent_usd(pipeline.now()) == done.cost_usd < reserved


def test_batches_need_the_key_of_the_provider_that_takes_them(settings):
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        asyncio.run(
            pipeline.validate_pairs(settings.model_copy(update={"openai_api_key": None}), mode="batch")
        )
    with pytest.raises(SettingsError, match="no batches"):
        BatchClient(PROVIDERS["deepseek"], key="k")


def test_second_opinions_are_asked_live_and_nothing_is_sent_for_them(copied, doubted, service, stands):
    settings = copied(escalation_model="openai/gpt-6-luna")
    doubted(settings)
    sent = len(service.statuses)
    done = asyncio.run(pipeline.validate_pairs(settings, mode="batch"))
    assert (done.escalated, done.submitted) == (1, 0)
    assert len(service.statuses) == sent
    same = settings.model_copy(update={"escalation_model": "gpt-4o"})
    with pytest.raises(SettingsError, match="asked in batches anyway"):
        asyncio.run(pipeline.validate_pairs(same, mode="batch"))
