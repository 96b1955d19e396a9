"""``arb up``: every process of the platform under one roof, and one Ctrl-C that ends them in order."""

import contextlib
import json
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import filelock

from arb_platform.domain.errors import SettingsError, StorageError, TransportError
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.ingest.heartbeat import Heartbeat, alive, read_heartbeat
from arb_platform.settings import Settings
from arb_platform.supervise import graphql
from arb_platform.supervise.dagster_home import dagster_children, prepare_home, stop_signal
from arb_platform.supervise.live_page import live_page
from arb_platform.supervise.processes import Child, end_group, port_answers
from arb_platform.supervise.simulators import simulators

_READY_SECONDS: Final = 90.0
_LOOK_SECONDS: Final = 1.0
_STREAM_LINE_SECONDS: Final = 60.0
_RUNS_END_SECONDS: Final = 20.0
_FIRST_RESTART_SECONDS: Final = 1.0
_LONGEST_RESTART_SECONDS: Final = 60.0

Say = Callable[[str], None]


def up(settings: Settings, *, port: int, say: Say, recordings: Sequence[Path] = ()) -> None:
    """Start everything, keep it running until SIGINT or SIGTERM, and stop everything.

    Raises SettingsError when the port is taken or this data directory is in use by another
    ``arb up``, StartFailed when a process does not come up.
    """
    stop = threading.Event()
    with _signals(stop), _alone(settings.root), ExitStack() as stack:
        # not before: what a killed `arb up` left behind may still hold the port
        _need_free(port)
        variables = {"ARB_DATA_DIR": str(settings.data_dir.resolve()), "ARB_PROFILE": settings.profile}
        household = Household(settings.root, say)
        stack.callback(household.forget)
        if settings.profile == "demo":
            say("starting the simulators of both venues and of the model providers")
            children, addresses = stack.enter_context(simulators(settings, recordings=recordings, say=say))
            household.add(children)
            variables |= addresses
        say("opening the lake and preparing Dagster")
        home = prepare_home(settings)
        dagster = dagster_children(settings, home, port=port, variables=variables)
        stack.callback(_stop_dagster, dagster, settings.root, port, say)
        for child in dagster:
            if stop.is_set():
                return
            child.start()
            household.add([child])
            child.wait_ready(_READY_SECONDS)
        _introduce(settings, port, say)
        household.add(stack.enter_context(live_page(settings, web_port=port, variables=variables, say=say)))
        Watch(settings, household, port, say).until(stop)
        say("stopping: streams first, so that they land what they hold")


def _need_free(port: int) -> None:
    if port_answers(port):
        raise SettingsError(
            f"port {port} is in use already; stop what listens there or choose another one: {_command('arb')} up --port {port + 1}"
        )


@dataclass(slots=True)
class Household:
    """The children that are up, written down so that the next ``arb up`` can end what a crash left."""

    root: Path
    say: Say
    children: list[Child] = field(default_factory=list)

    def add(self, children: Sequence[Child]) -> None:
        self.children += children
        pids = [child.pid for child in self.children if child.pid is not None]
        self._file.write_text(json.dumps({str(pid): _born(pid) for pid in pids}))

    def forget(self) -> None:
        self._file.unlink(missing_ok=True)

    @property
    def _file(self) -> Path:
        return self.root / "up.json"


class Watch:
    """Looks after the children and tells what is new: streams, assets, deaths."""

    def __init__(self, settings: Settings, household: Household, port: int, say: Say) -> None:
        self._root = settings.root
        self._household = household
        self._port = port
        self._say = say
        self._started = time.monotonic()
        self._started_at = datetime.now(UTC)
        self._told: set[str] = set()
        self._streams_told = 0.0
        self._due: dict[str, float] = {}

    def until(self, stop: threading.Event) -> None:
        while not stop.wait(_LOOK_SECONDS):
            self._restart_the_dead()
            self._tell_streams()
            if "assets" not in self._told:
                self._tell_assets()

    def _restart_the_dead(self) -> None:
        now = time.monotonic()
        for child in self._household.children:
            if child.running:
                continue
            due = self._due.get(child.name)
            if due is None:
                delay = min(_FIRST_RESTART_SECONDS * 2**child.restarts, _LONGEST_RESTART_SECONDS)
                self._due[child.name] = now + delay
                self._say(f"{child.name} ended ({child.last_words()}); starting it again in {delay:.0f} s")
            elif now >= due:
                del self._due[child.name]
                child.restarts += 1
                child.start()
                self._household.add([])

    def _tell_streams(self) -> None:
        beats = [beat for venue in (POLYMARKET, KALSHI) if (beat := read_heartbeat(self._root, venue))]
        live = [beat for beat in beats if alive(self._root, beat.venue) and beat.promoted_rows]
        for beat in live:
            if beat.venue not in self._told:
                self._told.add(beat.venue)
                self._news(_stream_line(beat))
        now = time.monotonic()
        if live and now - self._streams_told > _STREAM_LINE_SECONDS and len(self._told) > len(live):
            self._streams_told = now
            for beat in live:
                self._news(_stream_line(beat))

    def _tell_assets(self) -> None:
        with contextlib.suppress(TransportError):
            found = graphql.assets(self._port)
            # an earlier start's do not count: what is on the screen is of this one
            if found and all(at is not None and at >= self._started_at for at in found.values()):
                self._told.add("assets")
                self._streams_told = time.monotonic()
                self._news(f"the asset graph has been materialized once: {', '.join(sorted(found))}")

    def _news(self, text: str) -> None:
        seconds = int(time.monotonic() - self._started)
        self._say(f"[{seconds // 60:02}:{seconds % 60:02}] {text}")


def _introduce(settings: Settings, port: int, say: Say) -> None:
    live = (
        "" if settings.profile == "live" else " (simulated venues and models: no real market, no real money)"
    )
    say(f"arb_platform is up, profile {settings.profile}{live}")
    say(f"  web UI   http://127.0.0.1:{port}")
    say(f"  data     {settings.root}")
    say(f"  SQL      {_command('duckdb')} -init {settings.root / 'analyst.sql'}")
    profile = "" if settings.profile == "demo" else f" --profile {settings.profile}"
    say(
        f'           {_command("arb")} sql{profile} "SELECT venue, count(*) FROM book_snapshots GROUP BY venue"'
    )
    say(f"  logs     {settings.root / 'logs'}")
    say("  stop     Ctrl-C")


def _command(name: str) -> str:
    """What to type for a command of this installation, whose folder need not be on the path."""
    ours = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if found is not None and Path(found).resolve() == ours.resolve():
        return name
    return str(ours.relative_to(Path.cwd()) if ours.is_relative_to(Path.cwd()) else ours)


def _stream_line(beat: Heartbeat) -> str:
    return (
        f"{beat.venue}: {beat.promoted_rows:,} rows in the lake, {beat.assets_with_book}/{beat.assets} books, "
        f"{beat.frames_per_second:.0f} frames/s, {beat.gaps} gaps"
    )


def _stop_dagster(children: list[Child], root: Path, port: int, say: Say) -> None:
    """Daemon first, so that nothing new starts; then the runs; then the servers."""
    code_server, web, daemon = children
    daemon.stop(how=stop_signal(daemon))
    if web.running:
        with contextlib.suppress(TransportError):
            _end_runs(root, port)
    web.stop(how=stop_signal(web))
    code_server.stop(how=stop_signal(code_server))
    say("everything has ended")


def _end_runs(root: Path, port: int) -> None:
    """Ask every run to end, also those that the daemon had launched and that only now begin."""
    asked: set[str] = set()
    deadline = time.monotonic() + _RUNS_END_SECONDS
    while time.monotonic() < deadline:
        runs = {run for run, _ in graphql.runs_in_progress(port)}
        graphql.terminate_runs(port, sorted(runs - asked))
        asked |= runs
        if not runs and not any(alive(root, venue) for venue in (POLYMARKET, KALSHI)):
            return
        time.sleep(0.2)


@contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM ask for an ordered end; children start with the default handlers."""
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.signal(kind, lambda *_: stop.set()) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Only one ``arb up`` for a data directory; what an earlier one left behind is ended first."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(root / "up.lock")
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise SettingsError(
            f"another `arb up` runs on {root} already; stop it first or choose another folder with ARB_DATA_DIR."
        ) from None
    except OSError as error:
        raise StorageError(
            f"{root} cannot be written ({error.strerror}); choose a folder you can write with ARB_DATA_DIR."
        ) from error
    try:
        _end_leftovers(root / "up.json")
        yield
    finally:
        lock.release()


def _end_leftovers(file: Path) -> None:
    try:
        left = {int(pid): born for pid, born in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError):  # no such file, or not one of ours
        return
    for pid, born in left.items():
        if born and _born(pid) == born:
            end_group(pid)
    file.unlink(missing_ok=True)


def _born(pid: int) -> str:
    """When a process started, by the kernel's count: a number that was reused is another process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
