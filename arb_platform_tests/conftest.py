"""What every part of the suite may use: a clean environment and the three simulators, started once."""

import asyncio
import shutil
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pytest

from arb_platform import api, pipeline
from arb_platform.domain.pairs import Candidate
from arb_platform.matching.validation import ValidationSummary
from arb_platform.settings import Settings, load_settings
from arb_platform.simulate.catalogue import build_catalogue
from arb_platform.simulate.stand import build_stand
from arb_platform.storage.lake import Lake
from arb_platform.storage.pairs import load_candidates
from arb_platform.venues.registry import VENUES

MARKETS = 60
SEED = 7
STARTED_AT = datetime.now(UTC)


@dataclass(frozen=True)
class Worked:
    """Where a demo worked, and what its stages gave."""

    settings: Settings
    listed: dict[str, pipeline.Listed]
    candidates: list[Candidate]
    validation: ValidationSummary


@pytest.fixture(scope="session", autouse=True)
def _clean_environment():
    """The developer's own keys and folders are nobody's business here."""
    with pytest.MonkeyPatch.context() as patch:
        for field in Settings.model_fields.values():
            patch.delenv(str(field.alias), raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_thread_a_query():
    """Two workers share two cores; a second thread for a small query only costs, half as much again."""
    with pytest.MonkeyPatch.context() as patch:
        connect = duckdb.connect
        patch.setattr(
            duckdb,
            "connect",
            lambda *words, config=None, **options: connect(
                *words, config={"threads": 1, **(config or {})}, **options
            ),
        )
        patch.setitem(Lake.__init__.__kwdefaults__, "threads", 1)
        yield


class SimulatorThread(threading.Thread):
    """An event loop of its own in which simulators live until ``end``."""

    def __init__(self, *stands):
        super().__init__(name="simulators", daemon=True)
        self.stands = stands
        self.up = threading.Event()
        self.trouble = None
        self._loop = None
        self._over = None

    def run(self):
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self.trouble = error
            self.up.set()
            raise

    async def _serve(self):
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as stack:
            for stand in self.stands:
                await stand.server.start()
                stack.push_async_callback(stand.server.stop)
            self.up.set()
            await self._over.wait()

    def __enter__(self):
        self.start()
        assert self.up.wait(60), "the simulators did not start"
        assert self.trouble is None, self.trouble
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._over.set)
        self.join(30)
        assert not self.is_alive()


@pytest.fixture(scope="session")
def catalogue():
    """What the simulators know: the markets of both venues, and which of them are the same bet."""
    return build_catalogue(SEED, now=STARTED_AT, markets_per_venue=MARKETS)


@pytest.fixture(scope="session")
def stands():
    """The three simulators by name, up for the whole session: one catalogue, no faults, no limits that bite."""
    built = [
        build_stand(what, port=0, seed=SEED, now=STARTED_AT, markets_per_venue=MARKETS, faults="none" if what == "llm" else "")
        for what in ("polymarket", "kalshi", "llm")
    ]  # fmt: skip
    with SimulatorThread(*built):
        yield {stand.what: stand for stand in built}


@pytest.fixture(scope="session")
def simulated(stands):
    """The variables that make the platform talk to the simulators."""
    variables = {"ARB_DEEPSEEK_RPM": "60000", "ARB_OPENAI_RPM": "60000"}
    for stand in stands.values():
        variables |= stand.environment
    return variables


@pytest.fixture
def settings(simulated, tmp_path):
    """Settings of a demo of its own against the simulators."""
    return load_settings(**simulated, ARB_DATA_DIR=str(tmp_path))


@pytest.fixture(scope="session")
def worked(simulated, tmp_path_factory):
    """A demo that has listed, proposed and validated once, for tests that only add to it or read."""
    own = load_settings(**simulated, ARB_DATA_DIR=str(tmp_path_factory.mktemp("worked")))
    listed = {venue: asyncio.run(pipeline.list_venue(own, venue)) for venue in VENUES}
    pipeline.propose_candidates(own)
    with Lake.open(api.lake_location(own), read_only=True) as lake:
        candidates = load_candidates(lake)
    return Worked(own, listed, candidates, asyncio.run(pipeline.validate_pairs(own, run_id="worked")))


@pytest.fixture
def copied(worked, tmp_path):
    """What ``worked`` made, in a folder of its own; and a way to change its settings."""
    shutil.copytree(worked.settings.data_dir, tmp_path / "copy")

    def settings(**changes):
        return worked.settings.model_copy(update={"data_dir": tmp_path / "copy", **changes})

    return settings
