"""What `stream_keeper` decides, look by look: stuck processes, sleep, clock jumps, renewals, early deaths."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from arb_platform import pipeline
from arb_platform.defs import keeper
from arb_platform.defs.decisions import RENEW_AGAIN_SECONDS, Memory, Sight, decide, remember
from arb_platform.defs.names import STREAM_TAG, stream_tags, venue_of
from arb_platform.defs.streams import StreamConfig, stream_order_books
from arb_platform.ingest.heartbeat import write_heartbeat
from arb_platform.ingest.lease import Lease, has_open, held, lease_path
from arb_platform_tests.ingest.test_heartbeat import BEAT

START = 1_800_000_000.0


def look(memory, *, after=5.0, **sees):
    """One look ``after`` so many seconds: the decision and the memory."""
    sight = Sight(**{"now": (memory.looked_at or START) + after, "leased": False, "begun_seconds": None, "silent_seconds": None} | sees)  # fmt: skip
    decision = decide(sight, memory)
    return decision, remember(decision, sight, memory)


def looks(memory, times, **sees):
    """The decisions of so many looks, each only as often as it changed."""
    said = []
    for _ in range(times):
        decision, memory = look(memory, **sees)
        if said[-1:] != [decision]:
            said.append(decision)
    return said, memory


STREAMING = {"leased": True, "begun_seconds": 900.0, "last_word": "12:00:00"}


def test_a_process_that_holds_a_venue_and_says_nothing_for_a_minute_is_ended():
    said, memory = looks(Memory(), 12, **STREAMING)
    assert said == ["streaming", "silent"]
    assert looks(memory, 3, **STREAMING)[0] == ["silent", "end"]
    _, memory = look(memory, **{**STREAMING, "last_word": "12:01:00"})
    assert memory.silent == 0.0


def test_a_machine_that_slept_for_a_night_ends_nobody():
    _, memory = looks(Memory(), 3, **STREAMING)
    assert look(memory, after=9 * 3600, **STREAMING)[0] == "silent"
    _, memory = look(memory, after=9 * 3600, **STREAMING)
    assert look(memory, **{**STREAMING, "last_word": "21:00:00"})[0] == "streaming"
    starting = {"begun_seconds": 9 * 3600.0}
    _, memory = look(Memory(), begun_seconds=2.0)
    assert look(memory, after=9 * 3600, **starting)[0] == "starting"


def test_a_run_of_an_earlier_code_server_is_given_up_sooner_than_one_that_ours_is_starting():
    assert looks(Memory(), 25, begun_seconds=500.0)[0] == ["starting"]
    assert looks(Memory(), 26, begun_seconds=500.0)[0] == ["starting", "give up"]
    assert looks(Memory(), 6, begun_seconds=500.0, orphaned=True)[0][:2] == ["starting", "give up"]


def test_a_holder_that_has_not_said_its_first_word_is_waited_for():
    assert looks(Memory(), 100, leased=True, begun_seconds=900.0)[0] == ["streaming"]


def test_a_clock_that_is_set_back_does_not_keep_a_venue_off():
    _, memory = look(Memory())
    assert memory.backoff_seconds == 5
    assert look(memory, after=1)[0] == "back off"
    assert look(memory, after=-86_400)[0] == "launch"


def test_runs_that_die_at_once_are_counted_until_one_lives():
    memory = Memory()
    for deaths in range(4):
        decision, memory = look(memory, after=600)
        assert (decision, memory.young_deaths) == ("launch", deaths)
    _, memory = look(memory, after=61, **STREAMING)
    assert (memory.young_deaths, memory.backoff_seconds) == (0, 0.0)


def test_a_renewal_is_asked_for_once_and_again_after_a_while():
    overdue = {**STREAMING, "overdue": True}
    decision, memory = look(Memory(), **overdue)
    assert (decision, memory.attempt) == ("renew", 1)
    handing = [look(memory, **{**overdue, "successor": True, "last_word": word})[0] for word in "ab"]
    assert handing == ["handing over"] * 2
    assert look(memory, after=30, **{**overdue, "last_word": "c"})[0] == "streaming"
    assert look(memory, after=RENEW_AGAIN_SECONDS, **{**overdue, "last_word": "d"})[0] == "renew"


@pytest.fixture
def root(monkeypatch, tmp_path):
    monkeypatch.setenv("ARB_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(keeper, "_CODE_SINCE", datetime.now(UTC))
    return tmp_path / "demo"


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def keep(instance, cursor=None):
    result = keeper.stream_keeper(dg.build_sensor_context(instance=instance, cursor=cursor))
    return {request.tags[STREAM_TAG]: request for request in result.run_requests or []}, result.cursor


def begun(instance, tag):
    return instance.create_run_for_job(
        stream_order_books, tags={STREAM_TAG: tag}, status=dg.DagsterRunStatus.STARTED
    )


def rewritten(root, **fields):
    """The lease as a run of other code, or an earlier one, would have written it."""
    path = lease_path(root, "kalshi")
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.mark.parametrize("tag", ["kalshi", "kalshi-renewed"])
def test_a_run_of_older_code_is_renewed_under_the_tag_that_is_free(root, instance, tag):
    run = begun(instance, tag)
    with Lease(root, "kalshi", owner=run.run_id):
        write_heartbeat(
            root, replace(BEAT, at=pipeline.now(), pid=os.getpid(), run_id=run.run_id, connected=True)
        )
        assert not set(stream_tags("kalshi")) & set(keep(instance)[0])
        rewritten(root, code="older", since=datetime.now(UTC).isoformat())
        assert not set(stream_tags("kalshi")) & set(keep(instance)[0])  # it began after this code was loaded
        rewritten(root, since=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
        requests, cursor = keep(instance)
        (other,) = set(stream_tags("kalshi")) - {tag}
        config = requests[other].run_config["ops"]["stream_order_book"]["config"]
        assert (config["venue"], config["renew"]) == ("kalshi", True)
        begun(instance, other)
        write_heartbeat(
            root, replace(BEAT, at=pipeline.now(), pid=os.getpid(), run_id=run.run_id, connected=True)
        )
        assert not set(stream_tags("kalshi")) & set(keep(instance, cursor)[0])


@pytest.mark.parametrize(("hours", "setting", "renewed"), [(23, "24", False), (25, "24", True), (2000, "0", False)])  # fmt: skip
def test_a_run_older_than_the_setting_is_renewed(root, instance, monkeypatch, hours, setting, renewed):
    monkeypatch.setenv("ARB_STREAM_HOURS", setting)
    run = begun(instance, "kalshi")
    with Lease(root, "kalshi", owner=run.run_id):
        write_heartbeat(
            root, replace(BEAT, at=pipeline.now(), pid=os.getpid(), run_id=run.run_id, connected=True)
        )
        rewritten(root, since=(datetime.now(UTC) - timedelta(hours=hours)).isoformat())
        assert ("kalshi-renewed" in keep(instance)[0]) == renewed


def test_a_stream_that_somebody_runs_by_hand_is_not_renewed(root, instance):
    with Lease(root, "kalshi", owner=""):
        write_heartbeat(root, replace(BEAT, at=pipeline.now(), pid=os.getpid(), run_id="", connected=True))
        rewritten(root, code="older", since="2020-01-01T00:00:00+00:00")
        assert not set(stream_tags("kalshi")) & set(keep(instance)[0])


HOLD = """
import sys
from pathlib import Path
from arb_platform.ingest.lease import Lease
with Lease(Path(sys.argv[1]), "kalshi", owner="stuck"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_only_a_process_that_really_holds_the_lease_is_killed(root, instance):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as stuck:
        assert stuck.stdout.readline() == "held\n"
        path = lease_path(root, "kalshi")
        assert has_open(stuck.pid, path)
        assert not has_open(os.getpid(), path)
        context = dg.build_sensor_context(instance=instance)
        rewritten(root, pid=os.getpid())  # a number that is another process by now: us
        keeper._end(context, root, "kalshi")
        assert held(root, "kalshi")
        rewritten(root, pid=stuck.pid)
        keeper._end(context, root, "kalshi")
        assert stuck.wait(10) == -signal.SIGKILL
        assert not held(root, "kalshi")


def test_the_note_is_fresh_only_while_the_keeper_looks(root, instance):
    keep(instance)
    now = datetime.now(UTC)
    assert set(keeper.read_note(root, now)) == {"polymarket", "kalshi"}
    assert keeper.read_note(root, now + timedelta(seconds=90)) is None
    (root / "streams" / "keeper.json").write_text("{")
    assert keeper.read_note(root, now) is None


def test_the_tags_of_a_venue_name_it():
    assert [venue_of({STREAM_TAG: tag}) for tag in stream_tags("kalshi")] == ["kalshi", "kalshi"]
    assert venue_of({}) is None


# A run beside the one that streams


def beside(instance, **config):
    config = dg.RunConfig(ops={"stream_order_book": StreamConfig(venue="kalshi", **config)})
    return stream_order_books.execute_in_process(instance=instance, run_config=config, raise_on_error=False)


@pytest.fixture
def streamed_elsewhere(root, simulated, monkeypatch):
    for name, value in simulated.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ARB_DATA_DIR", str(root.parent))
    with Lease(root, "kalshi", owner="12345678-run"):
        yield


def test_a_run_beside_the_keepers_succeeds_and_says_who_streams(streamed_elsewhere, instance):
    result = beside(instance)
    assert result.success
    (event,) = [event for event in result.all_events if event.event_type_value == "ASSET_OBSERVATION"]
    told = event.event_specific_data.asset_observation
    assert "run 12345678-run" in told.metadata["lease_held_by"].value
    assert "there is nothing to do" in told.description


def test_a_run_that_wants_something_of_its_own_is_told_why_it_cannot_have_it(streamed_elsewhere, instance):
    result = beside(instance, seconds=5.0)
    assert not result.success
    (failure,) = result.get_step_failure_events()
    assert "Switch stream_keeper off" in str(failure.event_specific_data.error)
