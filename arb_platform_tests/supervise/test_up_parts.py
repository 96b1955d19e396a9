"""What ``arb up`` is made of, without Dagster's processes."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

import arb_platform
from arb_platform.domain.errors import SettingsError, StorageError, TransportError
from arb_platform.ingest.heartbeat import write_heartbeat
from arb_platform.ingest.lease import Lease
from arb_platform.settings import load_settings
from arb_platform.supervise import graphql
from arb_platform.supervise.dagster_home import dagster_children, instance_configuration, stop_signal
from arb_platform.supervise.processes import Child, free_port
from arb_platform.supervise.simulators import _by_venue, simulators
from arb_platform.supervise.up import Household, Watch, _alone, _born, up
from arb_platform_tests.ingest.test_heartbeat import BEAT
from arb_platform_tests.supervise.test_processes import WAITS, gone

ROOT = Path(arb_platform.__file__).parents[1]
HOLD = """
import sys
from pathlib import Path
from arb_platform.supervise.up import _alone
with _alone(Path(sys.argv[1])):
    print("alone", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def sleeper():
    """Starts processes that wait, each in a group of its own, and ends them."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", WAITS], stdout=subprocess.PIPE, start_new_session=True
        )
        assert process.stdout.readline() == b"up\n"
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(10)
        process.stdout.close()


def test_the_instance_of_arb_up_is_configured_as_the_dagster_yaml_in_the_root():
    assert (ROOT / "dagster.yaml").read_text() == instance_configuration()


def test_the_instance_is_private_quiet_and_has_one_run_per_stream():
    configured = yaml.safe_load(instance_configuration())
    assert configured["telemetry"] == configured["nux"] == {"enabled": False}
    runs = configured["concurrency"]["runs"]
    (limit,) = runs["tag_concurrency_limits"]
    assert limit == {"key": "arb/stream", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
    assert runs["max_concurrent_runs"] > 2


def test_the_workspace_for_dagster_dev_is_the_module_of_definitions():
    (entry,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    assert entry["python_module"]["module_name"] == "arb_platform.definitions"


def test_dagsters_processes_share_one_home_and_listen_on_this_machine_only(settings, tmp_path):
    children = dagster_children(settings, tmp_path, port=3333, variables={"ARB_PROFILE": "demo"})
    assert [child.name for child in children] == ["code server", "web UI", "daemon"]
    assert [stop_signal(child) for child in children] == [signal.SIGTERM, signal.SIGINT, signal.SIGINT]
    for child in children:
        assert child._environment["DAGSTER_HOME"] == str(tmp_path)
        assert child._environment["ARB_PROFILE"] == "demo"
        assert child.log.parent == settings.root / "logs"
    code_server, web, _ = (child._command for child in children)
    assert code_server[1:3] == ["-m", "arb_platform.supervise.code_server"]
    assert web[1:5] == ["--host", "127.0.0.1", "--port", "3333"]
    (entry,) = yaml.safe_load((tmp_path / "workspace.yaml").read_text())["load_from"]
    assert str(entry["grpc_server"]["port"]) in code_server


def test_two_on_one_folder_are_refused_also_from_another_process(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "alone\n"
        with pytest.raises(SettingsError, match=r"another `arb up` runs on .*ARB_DATA_DIR"), _alone(tmp_path):
            raise AssertionError("entered")
        holder.kill()
        holder.wait(10)
        with _alone(tmp_path):
            pass


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="ARB_DATA_DIR"), _alone(tmp_path / "file"):
        raise AssertionError("entered")


def test_what_a_crash_left_behind_is_ended_first(tmp_path, sleeper):
    left = sleeper()
    (tmp_path / "up.json").write_text(json.dumps({str(left.pid): _born(left.pid)}))
    with _alone(tmp_path):
        assert gone(left.pid)
        assert not (tmp_path / "up.json").exists()


def test_a_process_that_only_got_the_same_number_is_left_alone(tmp_path, sleeper):
    stranger = sleeper()
    (tmp_path / "up.json").write_text(json.dumps({str(stranger.pid): "1", "999999999": ""}))
    with _alone(tmp_path):
        assert not gone(stranger.pid)


@pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"x": "y"}', '{"1": null}', "null"])
def test_notes_that_cannot_be_read_are_no_reason_not_to_start(tmp_path, content):
    (tmp_path / "up.json").write_text(content)
    with _alone(tmp_path):
        pass


def test_the_household_writes_down_who_is_up_and_forgets_at_the_end(tmp_path, sleeper):
    left = sleeper()
    household = Household(tmp_path, print)
    household.add([_Known(left.pid), _Known(None)])
    assert json.loads((tmp_path / "up.json").read_text()) == {str(left.pid): _born(left.pid)}
    household.forget()
    household.forget()
    assert not (tmp_path / "up.json").exists()


class _Known:
    def __init__(self, pid):
        self.pid = pid


def test_a_port_that_is_in_use_is_told_before_anything_starts(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port} is in use.*--port {port + 1}"):
            up(settings, port=port, say=print)
    assert not (settings.root / "logs").exists()


def test_what_a_killed_one_left_behind_does_not_keep_the_port_from_the_next(settings, tmp_path):
    serving = [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"]
    left = subprocess.Popen(
        [sys.executable, "-u", *serving[1:]], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    with left:
        port = int(re.search(r"port (\d+)", left.stdout.readline())[1])
        settings.root.mkdir(parents=True)
        (settings.root / "up.json").write_text(json.dumps({str(left.pid): _born(left.pid)}))
        # it gets as far as the recordings, which are none
        with pytest.raises(SettingsError, match="no-such-folder"):
            up(settings, port=port, say=print, recordings=[tmp_path / "no-such-folder"])
        assert left.wait(20) != 0


def test_signals_are_as_they_were_after_a_start_that_failed(tmp_path):
    (tmp_path / "file").write_text("")
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(StorageError):
        up(load_settings(data_dir=tmp_path / "file"), port=free_port(), say=print)
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_watch_tells_of_a_stream_once_and_starts_a_dead_child_again(tmp_path, monkeypatch):
    monkeypatch.setattr("arb_platform.supervise.up._LOOK_SECONDS", 0.01)
    monkeypatch.setattr("arb_platform.supervise.up._FIRST_RESTART_SECONDS", 0.01)
    write_heartbeat(tmp_path, replace(BEAT, at=datetime.now(UTC)))
    said, restarted = [], threading.Event()
    child = Child(
        "tiny", [sys.executable, "-c", "print('broken')"], environment=dict(os.environ), log=tmp_path / "log"
    )

    def say(text):
        said.append(text)
        if sum("broken" in one for one in said) == 2:
            restarted.set()

    child.start()
    household = Household(tmp_path, say)
    household.add([child])
    with Lease(tmp_path, "kalshi"):
        watching = threading.Thread(target=Watch(load_settings(data_dir=tmp_path, profile="live"), household, free_port(), say).until, args=(restarted,))  # fmt: skip
        watching.start()
        watching.join(30)
    child.stop()
    assert child.restarts >= 1
    assert len([text for text in said if "kalshi: 880 rows in the lake" in text]) == 1


def test_a_web_server_that_does_not_answer_is_one_sentence():
    with pytest.raises(TransportError, match="did not answer"):
        graphql.runs_in_progress(free_port())


def test_what_of_a_recording_cannot_be_served_is_told_beforehand(tmp_path):
    event = {"type": "orderbook_snapshot", "sid": 1, "seq": 1, "msg": {"market_ticker": "KXG-1", "yes_dollars_fp": [["0.40", "1.00"]]}}  # fmt: skip
    whole = json.dumps({"recv_ms": 1_760_000_000_000, "event": event})
    said = []
    for name, lines in (("broken", [whole, '{"recv', "{}"]), ("whole", [whole])):
        (tmp_path / name / "events").mkdir(parents=True)
        (tmp_path / name / "events" / "a.ndjson").write_text("\n".join(lines))
        assert _by_venue([tmp_path / name], said.append) == {"kalshi": tmp_path / name}
    (sentence,) = said
    assert re.match(
        rf"2 pieces of {tmp_path}/broken cannot be read and are left out, the first: a.ndjson line 2: ",
        sentence,
    )


def test_the_simulators_are_processes_that_end_with_the_block_and_hide_the_users_keys(tmp_path, monkeypatch):
    monkeypatch.setenv("KALSHI_PRIVATE_KEY", "the real one")
    monkeypatch.setenv("DEEPSEEK_API_KEY", "the real one")
    settings = load_settings(data_dir=tmp_path)
    with simulators(settings) as (children, variables):
        assert [child.running for child in children] == [True] * 3
        demo = load_settings(**variables, ARB_DATA_DIR=str(tmp_path))
        for secret in ("deepseek_api_key", "openai_api_key", "kalshi_api_key", "kalshi_private_key"):
            assert "real" not in str(getattr(demo, secret) and getattr(demo, secret).get_secret_value())
        addresses = [value for name, value in variables.items() if name.endswith("_URL")]
        assert len(addresses) == 7
        assert all("//127.0.0.1:" in address for address in addresses)
        assert demo.kalshi_private_key_path.stat().st_mode & 0o077 == 0
    assert not any(child.running for child in children)
