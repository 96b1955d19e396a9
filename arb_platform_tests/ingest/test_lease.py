import fcntl
import json
import os
import subprocess
import sys

import pytest

from arb_platform.domain.errors import StorageError
from arb_platform.ingest.lease import Lease, ShardBusy, held

HOLD = """
import sys
from pathlib import Path
from arb_platform.ingest.lease import Lease
with Lease(Path(sys.argv[1]), "kalshi", owner="run-7"):
    print("held", flush=True)
    sys.stdin.read()
"""


def no_sleep(_seconds):
    pass


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lease of kalshi's first shard."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lease_is_held_exactly_while_it_is_entered(tmp_path):
    assert not held(tmp_path, "kalshi")
    with Lease(tmp_path, "kalshi"):
        assert held(tmp_path, "kalshi")
    assert not held(tmp_path, "kalshi")


def test_a_second_holder_is_refused_and_told_who_holds_it(tmp_path):
    with Lease(tmp_path, "kalshi", owner="run-1"), pytest.raises(ShardBusy) as caught:
        Lease(tmp_path, "kalshi", sleep=no_sleep).__enter__()
    assert f'"pid": {os.getpid()}, "owner": "run-1"' in str(caught.value)
    assert "ARB_DATA_DIR" in str(caught.value)


def test_the_loser_lets_go_of_nothing_that_is_not_its_own(tmp_path):
    loser = Lease(tmp_path, "kalshi", sleep=no_sleep)
    with Lease(tmp_path, "kalshi"):
        with pytest.raises(ShardBusy), loser:
            raise AssertionError("entered")
        loser.__exit__(None, None, None)
        assert held(tmp_path, "kalshi")


def test_other_venues_shards_and_folders_have_leases_of_their_own(tmp_path):
    with Lease(tmp_path, "kalshi"), Lease(tmp_path, "polymarket"), Lease(tmp_path, "kalshi", 1):
        assert held(tmp_path, "kalshi", 1)
        assert not held(tmp_path, "kalshi", 2)
        assert not held(tmp_path / "other", "kalshi")


def test_a_process_that_is_killed_lets_go_in_the_same_moment(tmp_path, holder):
    assert held(tmp_path, "kalshi")
    with pytest.raises(ShardBusy, match="run-7"):
        Lease(tmp_path, "kalshi", sleep=no_sleep).__enter__()
    holder.kill()
    holder.wait(10)
    assert not held(tmp_path, "kalshi")
    with Lease(tmp_path, "kalshi", owner="next"):
        assert json.loads((tmp_path / "streams" / "kalshi-0.lease").read_text())["owner"] == "next"


def test_somebody_who_only_looks_for_an_instant_does_not_cost_a_stream_its_lease(tmp_path):
    with Lease(tmp_path, "kalshi"):
        pass
    looking = os.open(tmp_path / "streams" / "kalshi-0.lease", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)  # as `held` does
    with Lease(tmp_path, "kalshi", sleep=lambda _: os.close(looking)):
        assert held(tmp_path, "kalshi")


def test_looking_needs_no_right_to_write(tmp_path):
    with Lease(tmp_path, "kalshi"):
        (tmp_path / "streams" / "kalshi-0.lease").chmod(0o444)
        assert held(tmp_path, "kalshi")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError, match="ARB_DATA_DIR"):
        Lease(tmp_path / "file", "kalshi").__enter__()
    assert not held(tmp_path / "file", "kalshi")
