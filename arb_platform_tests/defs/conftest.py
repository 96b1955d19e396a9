"""What tests of Dagster's view stand on."""

import dagster as dg
import pytest


@pytest.fixture
def environment(monkeypatch, simulated, tmp_path):
    """A process environment like that of a run which `arb up` launched in an empty demo."""

    def point_at(folder):
        for name, value in {**simulated, "ARB_DATA_DIR": str(folder)}.items():
            monkeypatch.setenv(name, value)

    point_at(tmp_path)
    return point_at


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral
