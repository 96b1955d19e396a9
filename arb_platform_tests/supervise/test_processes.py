"""Children that are real processes: start, readiness, death, and the end of a whole group."""

import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest

from arb_platform.supervise import processes
from arb_platform.supervise.processes import Child, StartFailed, end_group, free_port, port_answers

WAITS = "import sys, signal; print('up', flush=True); signal.pause()"
# Starts a grandchild in the same group, says its number, and dies with 3.
LEAVES = """
import subprocess, sys
child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'], stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
sys.exit(3)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
POLITE = """
import signal, sys
signal.signal(signal.SIGINT, lambda *_: (print('goodbye', flush=True), sys.exit(0)))
print('up', flush=True)
signal.pause()
"""


@pytest.fixture
def child(tmp_path):
    """Makes children whose readiness is that they said something; ends them all."""
    made = []

    def make(code, **options):
        log = tmp_path / "logs" / f"{len(made)}.log"
        options = {
            "ready": lambda: log.exists() and log.stat().st_size > 0,
            "environment": dict(os.environ),
            **options,
        }
        made.append(Child("tiny", [sys.executable, "-c", code], log=log, **options))
        return made[-1]

    yield make
    for one in made:
        one.stop(seconds=0.1, how=signal.SIGKILL)


def gone(pid):
    """True when the process is no more, or dead and not collected yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_child_runs_in_a_group_of_its_own_from_start_to_stop(child):
    tiny = child(WAITS)
    assert (tiny.pid, tiny.running) == (None, False)
    tiny.start()
    tiny.wait_ready(30)
    assert tiny.running
    assert os.getpgid(tiny.pid) == tiny.pid != os.getpgid(0)
    tiny.stop()
    assert not tiny.running
    assert gone(tiny.pid)


def test_a_child_gets_the_given_environment_and_no_terminal(child):
    tiny = child(
        "import os, sys, json; print(json.dumps([os.environ.get('A'), os.environ.get('HOME'), sys.stdin.read()]))",
        environment={"A": "1"},
    )
    tiny.start()
    tiny.wait_ready(30)
    assert json.loads(tiny.last_words()) == ["1", None, ""]


def test_stopping_twice_or_before_the_start_is_nothing(child):
    tiny = child(WAITS)
    tiny.stop()
    tiny.start()
    tiny.wait_ready(30)
    tiny.stop()
    tiny.stop()


def test_a_child_is_asked_with_the_signal_it_understands(child):
    tiny = child(POLITE)
    tiny.start()
    tiny.wait_ready(30)
    tiny.stop(how=signal.SIGINT)
    assert tiny.last_words() == "goodbye"


def test_a_child_that_does_not_listen_is_killed(child):
    tiny = child(DEAF)
    tiny.start()
    tiny.wait_ready(30)
    tiny.stop(seconds=0.1)
    assert gone(tiny.pid)


def test_what_a_dead_child_left_behind_in_its_group_ends_with_it(child):
    tiny = child(LEAVES)
    tiny.start()
    tiny.wait_ready(30)
    grandchild = int(tiny.last_words())
    assert not gone(grandchild)
    tiny.stop()
    assert gone(grandchild)


def test_what_a_child_left_behind_before_it_was_started_again_ends_too(child):
    tiny = child(LEAVES)
    tiny.start()
    tiny.wait_ready(30)
    first = int(tiny.last_words())
    tiny._process.wait(30)
    tiny.start()
    assert not gone(first)
    tiny.stop()
    assert gone(first)


def test_a_child_that_dies_while_it_starts_is_told_with_its_last_words_and_its_log(child):
    tiny = child(
        "import sys; print(); print('no such table', file=sys.stderr); sys.exit(1)", ready=lambda: False
    )
    tiny.start()
    with pytest.raises(StartFailed, match="tiny ended while it started: no such table") as caught:
        tiny.wait_ready(30)
    assert str(tiny.log) in str(caught.value)


def test_a_child_that_never_answers_is_told_after_the_time(child):
    tiny = child(WAITS, ready=lambda: False)
    tiny.start()
    with pytest.raises(StartFailed, match=r"did not answer within 0 s; see .*\.log"):
        tiny.wait_ready(0.05)


def test_a_log_is_continued_and_set_aside_when_it_is_too_long(child, monkeypatch):
    monkeypatch.setattr(processes, "_LARGEST_LOG_BYTES", 10)
    tiny = child("print('the same fifteen')")
    tiny.start()
    tiny._process.wait(30)
    tiny.start()
    tiny._process.wait(30)
    assert tiny.log.read_text() == "the same fifteen\n"
    assert tiny.log.with_suffix(".log.1").read_text() == "the same fifteen\n"


def test_a_child_that_said_nothing_or_has_no_log_has_words_for_that(child):
    tiny = child("pass", ready=lambda: True)
    assert tiny.last_words() == "it left no log"
    tiny.start()
    tiny._process.wait(30)
    assert tiny.last_words() == "it said nothing"


def test_ending_a_group_that_is_gone_is_nothing(child):
    tiny = child("pass")
    tiny.start()
    tiny._process.wait(30)
    end_group(tiny.pid)


def test_a_port_answers_while_somebody_listens_there():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert port_answers(port)
    assert not port_answers(port)


def test_a_free_port_can_be_listened_on():
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname()[1] > 0


def test_waiting_ends_as_soon_as_the_child_is_ready(child):
    ready = threading.Event()
    tiny = child(WAITS, ready=lambda: ready.is_set() or ready.set())
    tiny.start()
    tiny.wait_ready(30)
    assert tiny.running
