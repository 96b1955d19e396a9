"""One lake for all checks: every test writes its rows at a time of its own, and looks from there."""

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import polars as pl
import pytest

from arb_platform.ingest.heartbeat import write_heartbeat
from arb_platform.pipeline.checks import CHECKS, Answer, Sight, evaluate
from arb_platform.settings import Settings, load_settings
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.streams import event_rows, quarantine_rows, session_rows, snapshot_rows
from arb_platform_tests.ingest.test_heartbeat import BEAT

_DAYS = count()
_FIRST = datetime(2025, 1, 1, 12, tzinfo=UTC)
_ROWS = {
    "book_snapshots": snapshot_rows, "stream_events": event_rows, "stream_sessions": session_rows,
    "quarantined_frames": quarantine_rows,
}  # fmt: skip


@dataclass
class World:
    """The shared lake, a folder of its own for files, and a moment that no other test looks at."""

    lake: Lake
    settings: Settings
    now: datetime

    @property
    def root(self):
        self.settings.root.mkdir(parents=True, exist_ok=True)
        return self.settings.root

    def ago(self, **span):
        return self.now - timedelta(**span)

    def write(self, table, items):
        self.lake.append(table, pl.DataFrame(_ROWS[table](items)))

    def beat(self, venue="kalshi", *, age=1, ran=3600, **fields):
        """The heartbeat of a stream that has run for so many seconds, said so many seconds ago."""
        known = {"connected": True, "assets": 400, "assets_with_book": 400, "frames": 1_000_000, **fields}
        beat = replace(BEAT, venue=venue, at=self.ago(seconds=age), started_at=self.ago(seconds=ran), **known)
        write_heartbeat(self.root, beat)

    def set(self, **changes):
        self.settings = self.settings.model_copy(update=changes)

    def ask(self, name, asset=None, lake=...) -> Answer:
        (check,) = (one for one in CHECKS if one.name == name and asset in {None, one.asset})
        return evaluate(check, Sight(self.settings, self.now, self.lake if lake is ... else lake))


def red(answer, *words):
    """A known fault, told in one sentence that says what to do."""
    assert answer.state == "failed", answer
    _readable(answer, *words)
    assert len(answer.sentence) > 60, "what happened and what to do next"


def green(answer, *words):
    assert answer.state == "passed", answer
    _readable(answer, *words)


def open_question(answer, *words):
    assert answer.state == "unknown", answer
    assert answer.passed, "what nobody knows is no alarm"
    _readable(answer, *words)


def _readable(answer, *words):
    assert "\n" not in answer.sentence
    for word in words:
        assert word in answer.sentence, answer.sentence


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory):
    """A migrated lake without rows, to be copied: a lake may be moved."""
    root = tmp_path_factory.mktemp("empty_lake")
    Lake.open(LakeLocation.local(root)).close()
    return root


@pytest.fixture(scope="session")
def checked_lake(empty_lake, tmp_path_factory):
    root = tmp_path_factory.mktemp("checked") / "data"
    shutil.copytree(empty_lake, root)
    with Lake.open(LakeLocation.local(root)) as opened:
        yield opened


@pytest.fixture
def world(checked_lake, tmp_path):
    settings = load_settings(data_dir=tmp_path / "data", profile="live")
    return World(checked_lake, settings, _FIRST + timedelta(days=10 * next(_DAYS)))
