"""``arb live``: the analyst's live page on its own."""

from datetime import UTC, datetime

import click

from arb_platform import api, pipeline
from arb_platform.cli.options import profile_option, settings_for
from arb_platform.live.desk import Desk, Limits
from arb_platform.live.server import HOST, serve

_PORT = 3001


@click.command()
@click.option("--port", default=None, type=click.IntRange(1, 65535), help=f"Default: ARB_LIVE_PORT, else {_PORT}.")  # fmt: skip
@profile_option
def live(port: int | None, profile: str | None) -> None:
    """Serve the analyst's live page on this machine until Ctrl-C; it reads the lake and the streams' heartbeats."""
    settings = settings_for(profile)
    chosen = port or settings.live_port or _PORT
    limits = Limits(pipeline.edge_thresholds(settings), settings.llm_budget_usd, settings.profile)
    desk = Desk(settings.root, api.lake_location(settings), limits, clock=lambda: datetime.now(UTC))
    click.echo(f"live page http://{HOST}:{chosen} (profile {settings.profile}); stop with Ctrl-C")
    serve(desk, chosen)
