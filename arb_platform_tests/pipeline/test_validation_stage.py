"""Second opinions, prompts and two validations at once, against the simulated providers."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal

import pytest

from arb_platform import pipeline
from arb_platform.domain.errors import SettingsError, StorageError
from arb_platform.matching.escalation import EscalatingJudge
from arb_platform.matching.prompt import messages
from arb_platform.settings import child_environment, load_settings
from arb_platform.storage.pairs import save_review
from arb_platform_tests.pipeline.conftest import asked


def validate(settings):
    return asyncio.run(pipeline.validate_pairs(settings))


def test_a_pair_in_doubt_is_decided_by_the_second_model_and_the_first_is_not_paid_again(
    copied, doubted, stands
):
    settings = copied(escalation_model="gpt-4o")
    candidate = doubted(settings)
    before = len(stands["llm"].server.requests)
    ahead = pipeline.forecast_validation(settings)
    assert (ahead.to_ask, ahead.escalation_usd) == (1, 2)
    done = validate(settings)
    assert (done.asked, done.escalated, done.stopped_reason) == (1, 1, "")
    assert [one.model for one in list(stands["llm"].server.requests)[before:]] == ["gpt-4o"]
    told = asked(
        settings,
        f"SELECT model, status FROM verdicts WHERE pair_hash = '{candidate.pair_hash}' ORDER BY decided_at",
    )
    assert [model for model, _ in told] == ["deepseek-flash", "gpt-4o"]
    assert told[0][1] == "review"
    assert asked(settings, "SELECT count(*) FROM llm_calls WHERE model = 'gpt-4o' AND NOT fallback") == [(1,)]
    assert asked(settings, "SELECT model FROM validation_runs ORDER BY started_at DESC LIMIT 1") == [
        ("deepseek-flash",)
    ]
    again = validate(settings)
    assert (again.asked, again.cost_usd) == (0, 0)


def test_the_second_model_has_a_budget_of_its_own(copied, doubted):
    poor = copied(escalation_model="gpt-4o", escalation_budget_usd=Decimal("0.0000001"))
    doubted(poor)
    done = validate(poor)
    assert (done.asked, done.escalated, done.review, done.cost_usd) == (1, 0, 1, 0)
    assert "ARB_ESCALATION_BUDGET_USD" in done.stopped_reason
    # the first one's budget is spent, and that does not matter to the second
    done = validate(
        poor.model_copy(update={"escalation_budget_usd": Decimal(1), "llm_budget_usd": Decimal(0)})
    )
    assert (done.escalated, done.stopped_reason) == (1, "")
    assert done.cost_usd > 0


def test_what_the_second_model_costs_does_not_count_against_the_first_ones_budget(copied, doubted):
    settings = copied(escalation_model="openai/gpt-4o")
    doubted(settings)
    assert validate(settings).escalated == 1
    second = "model = 'gpt-4o' AND NOT fallback"
    spent = asked(settings, f"SELECT sum(cost_usd) FROM llm_calls WHERE NOT ({second})")
    # in one purse with the rest this would leave nothing
    assert asked(settings, f"SELECT sum(cost_usd) > 0.002 FROM llm_calls WHERE {second}") == [(True,)]
    with pipeline.open_writer(settings) as lake, lake.transaction() as connection:
        connection.execute("DELETE FROM verdicts")
    # room for the first model's calls of today and one more
    done = validate(settings.model_copy(update={"llm_budget_usd": spent[0][0] + Decimal("0.002")}))
    assert done.asked > 0


def test_without_a_second_model_a_doubt_stays_and_is_not_asked_again(copied, doubted):
    doubted(copied())
    done = validate(copied())
    assert (done.asked, done.review, done.escalated) == (0, 1, 0)


def test_a_doubt_that_a_person_settled_needs_no_second_opinion(copied, doubted):
    settings = copied(escalation_model="gpt-4o")
    candidate = doubted(settings)
    with pipeline.open_writer(settings) as lake:
        save_review(lake, candidate.pair_hash, "reject", "other source", "ann", pipeline.now())
    assert validate(settings).asked == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"escalation_model": "deepseek-flash"}, "asked first anyway"),
        ({"escalation_model": "gpt-4o", "openai_api_key": None}, "OPENAI_API_KEY"),
        ({"escalation_model": "oracle"}, "provider/model"),
    ],
)
def test_a_second_model_that_cannot_be_asked_is_one_sentence(settings, changes, said):
    with pytest.raises(SettingsError, match=said):
        pipeline.judge_for(settings.model_copy(update=changes), ledger=None, run_id="x")


def test_the_second_model_is_one_that_is_named(settings):
    named = settings.model_copy(update={"escalation_model": "gpt-4o"})
    assert isinstance(pipeline.judge_for(named, ledger=None, run_id="x"), EscalatingJudge)
    assert not isinstance(pipeline.judge_for(settings, ledger=None, run_id="x"), EscalatingJudge)


def test_the_prompt_of_a_pair_is_shown_letter_by_letter(worked, stands):
    candidate = worked.candidates[0]
    assert pipeline.shown_prompt(worked.settings, candidate.pair_hash[:16]) == messages(candidate.pair)


@pytest.mark.parametrize(("beginning", "said"), [("", "begins with"), ("nonsense", "'nonsense'")])
def test_a_prompt_of_no_pair_is_one_sentence(worked, beginning, said):
    with pytest.raises(StorageError, match=said):
        pipeline.shown_prompt(worked.settings, beginning)


def test_a_beginning_that_several_pairs_share_is_not_enough(worked):
    crowd = [one for one in worked.candidates if one.pair_hash[0] == worked.candidates[0].pair_hash[0]]
    assert len(crowd) > 1
    with pytest.raises(StorageError, match=f"{len(crowd)} candidate pairs"):
        pipeline.candidate_of(worked.candidates, crowd[0].pair_hash[0])


def test_two_processes_that_validate_at_once_ask_no_pair_twice(copied, simulated, stands):
    settings = copied()
    with pipeline.open_writer(settings) as lake, lake.transaction() as connection:
        connection.execute("DELETE FROM verdicts")
    server = stands["llm"].server
    before = len(server.requests)
    environment = child_environment({**simulated, "ARB_DATA_DIR": str(settings.data_dir)})
    command = [sys.executable, "-m", "arb_platform.cli", "validate", "--json"]
    both = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ended = [process.communicate(timeout=100) for process in both]
    assert [process.returncode for process in both] == [0, 0], [errors for _, errors in ended]
    summaries = [json.loads(out) for out, _ in ended]
    allowed = pipeline.forecast_validation(settings).cached
    assert sorted(one["asked"] for one in summaries) == [0, allowed]
    assert [one["asked"] + one["cached"] for one in summaries] == [allowed] * 2
    pairs = Counter((one.polymarket_id, one.kalshi_id) for one in list(server.requests)[before:])
    assert set(pairs.values()) == {1}
    assert len(pairs) == allowed
    # what the check would have seen of two processes that do not share a lake
    assert max((pairs + pairs).values()) == 2
    assert len(asked(settings, "SELECT pair_hash FROM verdicts")) == allowed
    assert asked(settings, "SELECT count(*) FROM llm_calls WHERE status = 'started'") == [(0,)]


def test_the_settings_name_no_second_model_by_themselves():
    assert load_settings().escalation_model is None
