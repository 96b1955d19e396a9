import shutil

import pytest

from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform_tests.storage import samples


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory):
    """A migrated lake without rows, to be copied: a lake may be moved."""
    root = tmp_path_factory.mktemp("empty_lake")
    Lake.open(LakeLocation.local(root)).close()
    return root


@pytest.fixture
def location(empty_lake, tmp_path):
    root = tmp_path / "data"
    shutil.copytree(empty_lake, root)
    return LakeLocation.local(root)


@pytest.fixture
def lake(location):
    with Lake.open(location) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_lake(empty_lake, tmp_path_factory):
    """A lake for the tests of one module that each begin by emptying the tables they use."""
    root = tmp_path_factory.mktemp("shared_lake") / "data"
    shutil.copytree(empty_lake, root)
    with Lake.open(LakeLocation.local(root)) as opened:
        yield opened


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """A lake with a little of everything, for tests that only read."""
    location = LakeLocation.local(tmp_path_factory.mktemp("filled_lake"))
    with Lake.open(location) as opened:
        samples.fill(opened)
    return location


@pytest.fixture(scope="session")
def reader(filled):
    """The filled lake, open for reading: opening one takes longer than asking it."""
    with Lake.open(filled, read_only=True) as opened:
        yield opened
