"""The analyst's live page beside Dagster's web UI, as a process of its own."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from arb_platform.settings import Settings, child_environment
from arb_platform.supervise.processes import Child, port_answers

_LARGEST_PORT: Final = 65_535


@contextmanager
def live_page(
    settings: Settings, *, web_port: int, variables: Mapping[str, str], say: Callable[[str], None]
) -> Iterator[list[Child]]:
    """The page's process while the block runs; none where its port is taken, which is no reason not to start."""
    port = settings.live_port or (web_port + 1 if web_port < _LARGEST_PORT else web_port - 1)
    if port_answers(port):
        say(f"  live page: not served, port {port} is in use; set ARB_LIVE_PORT or run `arb live --port N`")
        yield []
        return
    child = Child(
        "live page",
        [
            sys.executable,
            "-m",
            "arb_platform.cli",
            "live",
            "--port",
            str(port),
            "--profile",
            settings.profile,
        ],
        environment=child_environment(variables),
        log=settings.root / "logs" / "live-page.log",
        ready=lambda: port_answers(port),
    )
    child.start()
    say(f"  live     http://127.0.0.1:{port} (streams, books side by side, edges, spend)")
    try:
        yield [child]
    finally:
        child.stop()
