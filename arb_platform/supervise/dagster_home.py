"""The Dagster instance of the platform: its home, its configuration, its processes."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Final

from arb_platform.domain.errors import ArbError
from arb_platform.settings import Settings, child_environment
from arb_platform.supervise.processes import Child, free_port, port_answers

LOCATION: Final = "arb_platform"
_MIGRATE_SECONDS: Final = 120


def prepare_home(settings: Settings) -> Path:
    """Create ``<data>/dagster`` with its dagster.yaml and bring its databases to this Dagster's schema.

    Three processes that find an empty home race for creating it, so it is migrated before any starts.
    """
    home = settings.root / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(instance_configuration())
    done = subprocess.run(
        [_tool("dagster"), "instance", "migrate"],
        env=child_environment({"DAGSTER_HOME": str(home)}),
        capture_output=True,
        text=True,
        timeout=_MIGRATE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["no output"]
        raise ArbError(
            f"Dagster's home {home} could not be migrated: {last[0]}. Move the folder away to start with a new one; "
            "the lake is not touched."
        )
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
    environment = child_environment({**variables, "DAGSTER_HOME": str(home)})
    logs = settings.root / "logs"
    return [
        Child(
            "code server",
            [
                _tool("dagster"), "api", "grpc", "--module-name", "arb_platform.definitions",
                "--host", "127.0.0.1", "--port", str(code_port), "--location-name", LOCATION,
            ],
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
