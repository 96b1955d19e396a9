"""Options that several commands share."""

from collections.abc import Callable
from typing import Any

import click

from arb_platform.settings import Settings, load_settings

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
profile_option = click.option(
    "--profile", type=click.Choice(["demo", "live"]), default=None, help="Default: ARB_PROFILE, else demo."
)


def venue_argument(*, required: bool = True) -> Callable[[Any], Any]:
    return click.argument("venue", type=click.Choice(["polymarket", "kalshi"]), required=required)


def settings_for(profile: str | None = None, **overrides: Any) -> Settings:
    """The settings of this command: the environment, then what its options say."""
    chosen = {} if profile is None else {"profile": profile}
    return load_settings(**chosen, **overrides)
