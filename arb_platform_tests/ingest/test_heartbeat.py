import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from arb_platform.ingest.heartbeat import Heartbeat, alive, heartbeat_path, read_heartbeat, write_heartbeat
from arb_platform.ingest.lease import Lease

BEAT = Heartbeat(
    "kalshi", 0, 4711, "run-1", datetime(2026, 11, 20, 12, tzinfo=UTC), datetime(2026, 11, 20, 12, 1, tzinfo=UTC),
    connected=True, sockets=2, assets=400, assets_with_book=399, frames=1234, frames_per_second=20.5, snapshots=900,
    gaps=1, reconnections=2, quarantined=3, lag_p50_ms=1.5, lag_p99_ms=None, spooled_rows=904, promoted_rows=880,
)  # fmt: skip


def test_a_heartbeat_is_read_as_it_was_written(tmp_path):
    write_heartbeat(tmp_path, BEAT)
    assert read_heartbeat(tmp_path, "kalshi") == BEAT


def test_the_last_heartbeat_counts_and_leaves_no_other_file(tmp_path):
    write_heartbeat(tmp_path, BEAT)
    later = replace(BEAT, at=BEAT.at + timedelta(seconds=1), trouble="the disk is full")
    path = write_heartbeat(tmp_path, later)
    assert read_heartbeat(tmp_path, "kalshi") == later
    assert list(path.parent.iterdir()) == [path]


def test_every_shard_of_every_venue_has_its_own(tmp_path):
    write_heartbeat(tmp_path, BEAT)
    write_heartbeat(tmp_path, replace(BEAT, shard=1, frames=1))
    assert read_heartbeat(tmp_path, "kalshi", 1).frames == 1
    assert read_heartbeat(tmp_path, "polymarket") is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", "{}", json.dumps({"venue": "kalshi", "at": "yesterday"}), "\x00\xff"]
)
def test_a_file_that_cannot_be_read_is_no_heartbeat(tmp_path, content):
    path = heartbeat_path(tmp_path, "kalshi")
    path.parent.mkdir()
    path.write_bytes(content.encode("latin-1"))
    assert read_heartbeat(tmp_path, "kalshi") is None


def test_a_heartbeat_of_another_version_of_this_program_is_none(tmp_path):
    path = write_heartbeat(tmp_path, BEAT)
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "blue"}))
    assert read_heartbeat(tmp_path, "kalshi") is None


def test_a_shard_is_alive_by_its_lease_and_not_by_its_last_word(tmp_path):
    write_heartbeat(tmp_path, BEAT)
    assert not alive(tmp_path, "kalshi")
    with Lease(tmp_path, "kalshi"):
        assert alive(tmp_path, "kalshi")


def test_a_heartbeat_that_the_disk_refuses_is_the_callers_to_answer(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_heartbeat(tmp_path / "file", BEAT)
