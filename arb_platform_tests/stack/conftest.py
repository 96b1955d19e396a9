"""The PostgreSQL of the scale suite, for Dagster's own storage."""

import pytest

from arb_platform_tests.scale.servers import Postgres


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    yield server
    server.stop()
