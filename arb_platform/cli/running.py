"""``arb up`` and ``arb demo``: the whole platform, for long and once."""

import asyncio
from pathlib import Path

import click

from arb_platform.cli.console import err, out, print_json, print_table
from arb_platform.cli.options import json_option, profile_option, settings_for

recordings_option = click.option(
    "--recordings",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    help="Serve recorded frames of a venue from this folder; once per venue.",
)


@click.command()
@click.option("--port", default=3000, show_default=True, type=click.IntRange(1, 65535), help="Of the web UI.")
@recordings_option
@profile_option
def up(port: int, recordings: tuple[Path, ...], profile: str | None) -> None:
    """Start the platform and keep it running until Ctrl-C."""
    from arb_platform.supervise.up import up as start_platform  # noqa: PLC0415 neither needs what the other does

    start_platform(settings_for(profile), port=port, say=_say_out, recordings=recordings)


@click.command()
@click.option("--seconds", default=20.0, show_default=True, type=click.FloatRange(1), help="How long to stream.")  # fmt: skip
@recordings_option
@click.option("--speed", default=1.0, show_default=True, type=click.FloatRange(0, min_open=True), help="How fast recordings are served.")  # fmt: skip
@json_option
def demo(seconds: float, recordings: tuple[Path, ...], speed: float, as_json: bool) -> None:  # noqa: FBT001
    """Do the main job once against the simulators and show what came of it."""
    from arb_platform.supervise.demo import run_demo  # noqa: PLC0415

    result = run_demo(
        settings_for("demo"), seconds=seconds, recordings=recordings, speed=speed, stop=asyncio.Event(), say=_say_err
    )  # fmt: skip
    document = result.document
    if as_json:
        print_json(document)
        return
    latency = document["latency_ms"]
    print_table(
        "streams",
        ["venue", "markets", "frames", "snapshots", "latency p50", "p95", "p99 (ms)"],
        [
            [venue, document["markets"][venue], document["frames"][venue], document["snapshots"][venue], *latency[venue].values()]
            for venue in latency
        ],
    )  # fmt: skip
    out.print(
        f"\n{document['candidates']} candidate pairs, {document['validated']} judged: {document['accepted']} accepted, "
        f"{document['review']} for review, {document['rejected']} rejected. "
        f"{document['llm_calls']} calls cost ${document['llm_cost_usd']:.6f}; "
        f"{document['gaps']} gaps, {document['quarantined']} quarantined frames."
    )
    if result.stopped_reason:
        out.print(f"validation stopped early: {result.stopped_reason}")
    out.print(
        f'\nEverything is in {document["data_dir"]}; ask it: arb sql --profile demo "FROM matched_pairs LIMIT 5"'
    )


def _say_err(text: str) -> None:
    err.print(text, highlight=False, markup=False)


def _say_out(text: str) -> None:
    click.echo(text)
