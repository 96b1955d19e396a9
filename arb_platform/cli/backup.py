"""A copy of the lake, and the way back."""

from dataclasses import asdict
from pathlib import Path

import click

from arb_platform import api, pipeline
from arb_platform.cli.console import Steps, out, print_json
from arb_platform.cli.options import json_option, profile_option, settings_for
from arb_platform.storage.backup import Manifest, back_up, restore


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@json_option
@profile_option
def backup(directory: Path, as_json: bool, profile: str | None) -> None:  # noqa: FBT001
    """Copy the lake into DIRECTORY, a new folder, while streams run."""
    location = api.lake_location(settings_for(profile))
    with Steps("files copied").shown() as steps:
        manifest = back_up(location, directory.expanduser().resolve(), now=pipeline.now(), progress=steps.at)
    _tell(f"{location.root} is in {directory}", manifest, as_json=as_json)


@click.command("restore")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
@profile_option
def restore_command(directory: Path, as_json: bool, profile: str | None) -> None:  # noqa: FBT001
    """Bring the backup in DIRECTORY back, where there is no lake."""
    location = api.lake_location(settings_for(profile))
    manifest = restore(directory.expanduser().resolve(), location)
    _tell(f"{directory} is in {location.root} again", manifest, as_json=as_json)


def _tell(what: str, manifest: Manifest, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(manifest))
        return
    out.print(
        f"{what}: {manifest.files} files, {manifest.bytes:,} bytes, {sum(manifest.rows.values()):,} rows, "
        f"{manifest.spooled_segments} segments that still wait in the spool."
    )
