"""A child process with its log file, started in a group of its own so that it can be ended whole."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from arb_platform.domain.errors import ArbError

_LARGEST_LOG_BYTES: Final = 20_000_000
_POLL_SECONDS: Final = 0.1
_GROUP_SECONDS: Final = 3.0


class StartFailed(ArbError):
    """A child did not come up; the sentence names its log."""


class Child:
    """One process. ``ready`` is asked until it says yes; ``command`` may be started again after a death."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._environment = dict(environment)
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None
        self.restarts = 0
        # a process that died may have left its own children behind in its group
        self._groups: set[int] = set()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start in a session of its own: a Ctrl-C at the terminal reaches us, and we end it in order."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LARGEST_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._groups.add(self._process.pid)

    def wait_ready(self, seconds: float) -> None:
        """Raises StartFailed when it dies or does not answer in time."""
        deadline = time.monotonic() + seconds
        while not self._ready():
            if not self.running:
                raise StartFailed(
                    f"{self.name} ended while it started: {self.last_words()} (log: {self.log})"
                )
            if time.monotonic() > deadline:
                raise StartFailed(f"{self.name} did not answer within {seconds:.0f} s; see {self.log}")
            time.sleep(_POLL_SECONDS)

    def stop(self, *, seconds: float = 10.0, how: signal.Signals = signal.SIGTERM) -> None:
        """Ask the process to end, and end its whole group if it does not; waits until it is gone."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
        for group in self._groups:
            end_group(group, seconds=min(seconds, _GROUP_SECONDS))
        process.wait()

    def last_words(self) -> str:
        """The last line of its log that is not blank."""
        with contextlib.suppress(OSError):
            lines = self.log.read_bytes()[-4000:].decode("utf-8", "replace").splitlines()
            return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        return "it left no log"


def end_group(group: int, *, seconds: float = _GROUP_SECONDS) -> None:
    """End whatever is left of a process group: ask first, then insist."""
    for how, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 1.0)):
        deadline = time.monotonic() + patience
        while _group_alive(group):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, how)
            if time.monotonic() > deadline:
                break
            time.sleep(_POLL_SECONDS)


def port_answers(port: int, host: str = "127.0.0.1") -> bool:
    """True when somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return not _all_zombies(group)


def _all_zombies(group: int) -> bool:
    """Dead processes that nobody has collected yet still count as a group; they need no more killing."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = entry.read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] != "Z":
                return False
    return Path("/proc/self").exists()
