"""One lake of a whole day for all tests that only read it or run its reports again."""

import pytest

from arb_platform.reports.registry import REPORTS, run_report
from arb_platform_tests.reports.world import NOW, fill, open_lake


@pytest.fixture(scope="session")
def lake(tmp_path_factory):
    with open_lake(tmp_path_factory.mktemp("lake")) as opened:
        fill(opened)
        yield opened


@pytest.fixture(scope="session")
def whole_day(lake):
    """Every report of a whole day, and the edges beneath."""
    frames = {name: run_report(lake, name, now=NOW) for name in REPORTS}
    return frames, lake.query('SELECT * FROM lake.opportunities ORDER BY "at"')
