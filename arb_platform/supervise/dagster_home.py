"""The Dagster instance of the platform: its home, its configuration, its processes."""

import signal
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from arb_platform.settings import Settings, child_environment
from arb_platform.supervise.code_server import LOCATION
from arb_platform.supervise.processes import Child, free_port, port_answers

# Every thread that allocates gets an arena of its own, which a small process with many threads does not need.
_FRUGAL: Final = {"MALLOC_ARENA_MAX": "2"}


def prepare_home(settings: Settings) -> Path:
    """Create ``<data>/dagster`` with its dagster.yaml; the code server brings its databases to this Dagster's schema."""
    home = settings.root / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(instance_configuration())
    return home


def instance_configuration() -> str:
    """dagster.yaml as it is committed."""
    return files("arb_platform.supervise").joinpath("dagster.yaml").read_text(encoding="utf-8")


def dagster_children(
    settings: Settings, home: Path, *, port: int, variables: Mapping[str, str]
) -> list[Child]:
    """Code server, web UI and daemon, in the order in which they start."""
    code_port = free_port()
    workspace = home / "workspace.yaml"
    workspace.write_text(
        f"load_from:\n  - grpc_server: {{host: 127.0.0.1, port: {code_port}, location_name: {LOCATION}}}\n"
    )
    environment = child_environment({**_FRUGAL, **variables, "DAGSTER_HOME": str(home)})
    logs = settings.root / "logs"
    return [
        Child(
            "code server",
            [sys.executable, "-m", "arb_platform.supervise.code_server", str(code_port)],
            environment=environment,
            log=logs / "code-server.log",
            ready=lambda: port_answers(code_port),
        ),
        Child(
            "web UI",
            [_tool("dagster-webserver"), "--host", "127.0.0.1", "--port", str(port), "--workspace", str(workspace)],
            environment=environment,
            log=logs / "webserver.log",
            ready=lambda: port_answers(port),
        ),
        Child(
            "daemon",
            [_tool("dagster-daemon"), "run", "--workspace", str(workspace)],
            environment=environment,
            log=logs / "daemon.log",
        ),
    ]  # fmt: skip


def stop_signal(child: Child) -> signal.Signals:
    """The daemon and the web UI end in order on SIGINT, the code server on SIGTERM."""
    return signal.SIGTERM if child.name == "code server" else signal.SIGINT


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))
