"""Candidates of a demo in known states."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from arb_platform import api, pipeline
from arb_platform.domain.pairs import Candidate
from arb_platform.matching.prompt import PROMPT_VERSION
from arb_platform.matching.rules import RULES_VERSION
from arb_platform.matching.verdicts import text_findings
from arb_platform.settings import Settings
from arb_platform.storage.lake import Lake
from arb_platform.storage.pairs import load_candidates, save_verdicts
from arb_platform_tests.storage.samples import verdict


def asked(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        return lake.query(sql).rows()


@contextmanager
def prompt_batches(stands: Any) -> Iterator[Any]:
    """The simulated Batch API, done with a batch as soon as somebody looks, and as it was before afterwards."""
    batches = stands["llm"].server.batches
    before, batches.seconds = batches.seconds, 0.0
    yield batches
    batches.seconds = before
    batches.script.clear()
    batches.cut.clear()


@pytest.fixture
def doubted() -> Callable[[Settings], Candidate]:
    """Leaves exactly one pair in doubt: the last word of the first model about it is `review`."""

    def doubt(settings: Settings) -> Candidate:
        with pipeline.open_writer(settings) as lake:
            candidate = next(
                one for one in load_candidates(lake) if not one.broken_rules and not text_findings(one.pair)
            )
            with lake.transaction() as connection:
                connection.execute("UPDATE verdicts SET status = 'rejected' WHERE status = 'review'")
                connection.execute("DELETE FROM verdicts WHERE pair_hash = $1", [candidate.pair_hash])
            words = {"prompt_version": PROMPT_VERSION, "rules_version": RULES_VERSION, "similarity": 0.85}
            at = pipeline.now() - timedelta(minutes=1)
            save_verdicts(lake, [verdict(candidate.pair, "review", at=at, **words)])
        return candidate

    return doubt
