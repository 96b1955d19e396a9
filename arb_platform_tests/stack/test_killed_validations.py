"""Validations that are killed: kill -9 in the middle repays at most what was in flight, in both modes."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from decimal import Decimal

import pytest

from arb_platform import pipeline
from arb_platform.domain.errors import LLMError
from arb_platform.matching.validation import BATCH_SIZE
from arb_platform.settings import child_environment
from arb_platform_tests.pipeline.conftest import asked, prompt_batches

RICH = Decimal(10)


@pytest.fixture
def service(stands):
    with prompt_batches(stands) as batches:
        yield batches


def forgotten(settings):
    with pipeline.open_writer(settings) as lake, lake.transaction() as connection:
        connection.execute("DELETE FROM verdicts")


KILLED = """
import os, signal, sys
from arb_platform.llm.batches import BatchClient
from arb_platform.cli import main
submit = BatchClient.submit

async def killed(self, label, content):
    await submit(self, label, content)
    os.kill(os.getpid(), signal.SIGKILL)

BatchClient.submit = killed
main(["validate", "--mode", "batch"])
"""


def test_after_kill_9_the_next_run_adopts_the_batch_and_no_pair_is_paid_twice(
    copied, simulated, service, stands
):
    settings = copied()
    forgotten(settings)
    allowed = pipeline.forecast_validation(settings, mode="batch")
    assert allowed.to_ask > 20
    assert 0 < allowed.estimated_usd < RICH
    server = stands["llm"].server
    before = len(server.requests)
    environment = child_environment({**simulated, "ARB_DATA_DIR": str(settings.data_dir)})
    dead = subprocess.run([sys.executable, "-c", KILLED], env=environment, capture_output=True, check=False)
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    assert asked(settings, "SELECT state, remote_id FROM llm_batches") == [("preparing", None)]
    # neither mode asks about what is in it
    ahead = pipeline.forecast_validation(settings)
    assert (ahead.to_ask, ahead.in_batches) == (0, allowed.to_ask)
    service.seconds = 1e9
    held = asyncio.run(pipeline.validate_pairs(settings))
    assert (held.asked, held.in_batches) == (0, allowed.to_ask)
    service.seconds = 0.0
    done = asyncio.run(pipeline.validate_pairs(settings, mode="batch"))
    assert (done.asked, done.failed, done.submitted, done.in_batches) == (allowed.to_ask, 0, 0, 0)
    assert done.accepted + done.rejected + done.review + done.failed == done.asked + done.cached
    pairs = Counter((one.polymarket_id, one.kalshi_id) for one in list(server.requests)[before:])
    assert len(pairs) == allowed.to_ask
    assert set(pairs.values()) == {1}
    assert asked(settings, "SELECT count(*) FROM llm_calls WHERE status = 'started'") == [(0,)]
    assert asyncio.run(pipeline.validate_pairs(settings, mode="batch")).asked == 0


def test_a_provider_that_takes_no_batch_is_an_error_after_everything_else_is_kept(copied, service):
    settings = copied()
    forgotten(settings)
    nowhere = settings.model_copy(update={"openai_base_url": "http://127.0.0.1:9/v1"})
    with pytest.raises(LLMError, match="cannot be reached"):
        asyncio.run(pipeline.validate_pairs(nowhere, mode="batch"))
    assert asked(settings, "SELECT stopped_reason IS NOT NULL FROM validation_runs ORDER BY started_at DESC LIMIT 1") == [(True,)]  # fmt: skip


KILLED_LIVE = """
import os, signal, sys
import arb_platform.pipeline.validation as stage
from arb_platform.cli import main

class Deadly(stage.VerdictKeeper):
    def keep(self, verdicts):
        super().keep(verdicts)
        os.kill(os.getpid(), signal.SIGKILL)

stage.VerdictKeeper = Deadly
main(["validate"])
"""


def test_kill_9_in_the_middle_repays_at_most_what_was_in_flight(copied, simulated, stands):
    settings = copied()
    forgotten(settings)
    server = stands["llm"].server
    before = len(server.requests)
    environment = child_environment({**simulated, "ARB_DATA_DIR": str(settings.data_dir)})
    dead = subprocess.run(
        [sys.executable, "-c", KILLED_LIVE], env=environment, capture_output=True, check=False
    )
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    # in no table yet, and not lost
    assert asked(settings, "SELECT count(*) FROM verdicts") == [(0,)]
    done = asyncio.run(pipeline.validate_pairs(settings))
    assert done.failed == 0
    # the batch that was kept is not asked again; what was under way when it died is
    assert done.cached >= BATCH_SIZE
    pairs = Counter((one.polymarket_id, one.kalshi_id) for one in list(server.requests)[before:])
    assert len(pairs) == done.asked + done.cached
    assert sum(pairs.values()) <= 2 * len(pairs) - BATCH_SIZE
    assert asked(settings, "SELECT count(DISTINCT pair_hash), count(*) FROM verdicts") == [
        (len(pairs), len(pairs))
    ]
