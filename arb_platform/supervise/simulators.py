"""The simulators of the demo, each a process of its own, and the settings that point at them."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from arb_platform.domain.errors import SettingsError
from arb_platform.settings import Settings, child_environment
from arb_platform.supervise.processes import Child, free_port, port_answers

SIMULATORS: Final = ("polymarket", "kalshi", "llm")
# The demo's provider is ours, so how often it may be asked is too.
_REQUESTS_PER_MINUTE: Final = "6000"
_START_SECONDS: Final = 60.0

Say = Callable[[str], None]


def running_simulators(settings: Settings) -> dict[str, str]:
    """The variables that point at the simulators of an `arb up` on this data directory; empty when none run."""
    files = [settings.root / "simulators" / f"{what}.json" for what in SIMULATORS]
    try:
        variables = _environment(files)
    except (OSError, ValueError):
        return {}
    ports = {urlsplit(value).port for name, value in variables.items() if name.endswith("_URL")}
    return variables if all(port is not None and port_answers(port) for port in ports) else {}


@contextmanager
def simulators(
    settings: Settings, *, recordings: Sequence[Path] = (), speed: float = 1.0, say: Say = lambda _: None
) -> Iterator[tuple[list[Child], dict[str, str]]]:
    """Run the simulators; yields them and the variables for everything that talks to them.

    ``say`` is told what of a recording cannot be served. The variables name every address and key, whatever the user has set: a demo must never reach a
    real venue or spend real money.
    """
    served = _by_venue(recordings, say)
    folder = settings.root / "simulators"
    folder.mkdir(parents=True, exist_ok=True)
    files = {what: folder / f"{what}.json" for what in SIMULATORS}
    children = [_child(settings, what, files[what], served.get(what), speed) for what in SIMULATORS]
    try:
        for child in children:
            child.start()
        for child in children:
            child.wait_ready(_START_SECONDS)
        yield children, _environment(files.values())
    finally:
        for child in children:
            child.stop(seconds=5.0)
        for file in files.values():
            file.unlink(missing_ok=True)


def _child(settings: Settings, what: str, file: Path, recording: Path | None, speed: float) -> Child:
    file.unlink(missing_ok=True)
    recorded = [] if recording is None else ["--recordings", str(recording), "--speed", str(speed)]
    return Child(
        f"{what} simulator",
        [
            sys.executable, "-m", "arb_platform.cli", "simulate", what,
            "--port", str(free_port()), "--environment-file", str(file), *recorded,
        ],
        environment=child_environment({}),
        log=settings.root / "logs" / f"simulator-{what}.log",
        ready=file.exists,
    )  # fmt: skip


def _environment(files: Iterable[Path]) -> dict[str, str]:
    variables = {
        "ARB_PROFILE": "demo",
        "ARB_DEEPSEEK_RPM": _REQUESTS_PER_MINUTE,
        "ARB_OPENAI_RPM": _REQUESTS_PER_MINUTE,
    }
    for file in files:
        variables |= json.loads(file.read_text())
    return variables


def _by_venue(recordings: Sequence[Path], say: Say) -> dict[str, Path]:
    # every command looks for running simulators, few serve a recording
    from arb_platform.simulate.recordings import load_recording  # noqa: PLC0415

    served: dict[str, Path] = {}
    for folder in recordings:
        recording = load_recording(folder)
        venue = recording.venue
        if venue in served:
            raise SettingsError(
                f"two recordings of {venue}: {served[venue]} and {folder}; give one of each venue"
            )
        served[venue] = folder.resolve()
        if recording.broken:
            say(
                f"{len(recording.broken)} pieces of {folder} cannot be read and are left out, the first: {recording.broken[0]}"
            )
    return served
