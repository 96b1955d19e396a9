"""Fixtures with the names of the storage suite's, whose lakes are on two servers."""

import pytest

from arb_platform.storage.attach import LakeLocation, S3Access
from arb_platform.storage.lake import Lake
from arb_platform_tests.scale.servers import BUCKET, KEY_ID, SECRET, ObjectStore, Postgres


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    server = Postgres(tmp_path_factory.mktemp("postgres"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    server = ObjectStore(tmp_path_factory.mktemp("store") / "files")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def somewhere(postgres, store):
    """Makes lakes that share nothing but the two servers."""
    made = []

    def location(root, **access):
        made.append(root)
        keys = {
            "key_id": KEY_ID,
            "secret": SECRET,
            "region": "us-east-1",
            "endpoint_url": store.url,
            **access,
        }
        return LakeLocation.at(
            root, catalog=postgres.new_database(), data=f"s3://{BUCKET}/{len(made)}", s3=S3Access(**keys)
        )

    return location


@pytest.fixture
def location(somewhere, tmp_path):
    place = somewhere(tmp_path / "data")
    Lake.open(place).close()
    return place


@pytest.fixture
def lake(location):
    with Lake.open(location) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_lake(somewhere, tmp_path_factory):
    with Lake.open(somewhere(tmp_path_factory.mktemp("shared"))) as opened:
        yield opened
