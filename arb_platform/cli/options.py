"""Options that several commands share."""

from collections.abc import Callable
from typing import Any

import click

from arb_platform.settings import Settings, load_settings
from arb_platform.supervise.simulators import running_simulators

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
profile_option = click.option(
    "--profile", type=click.Choice(["demo", "live"]), default=None, help="Default: ARB_PROFILE, else demo."
)


def venue_argument(*, required: bool = True) -> Callable[[Any], Any]:
    return click.argument("venue", type=click.Choice(["polymarket", "kalshi"]), required=required)


def settings_for(profile: str | None = None) -> Settings:
    """The settings of this command: the environment, then its options.

    In the demo profile a command in a second terminal talks to the simulators of the `arb up` in the first.
    """
    settings = load_settings(**({} if profile is None else {"profile": profile}))
    if settings.profile == "live" or settings.points_elsewhere:
        return settings
    return (
        load_settings(**running_simulators(settings)) if (settings.root / "simulators").exists() else settings
    )
