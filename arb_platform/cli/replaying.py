"""``arb replay``: recorded raw frames through the same pipeline."""

import asyncio
import math
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import click

from arb_platform import api, pipeline
from arb_platform.cli.console import Steps, err, out, print_json
from arb_platform.cli.options import json_option, profile_option, settings_for
from arb_platform.cli.streaming import until_interrupted
from arb_platform.ingest.replay import ReplaySummary, replay
from arb_platform.settings import Settings
from arb_platform.supervise.captures import convert_capture, described, is_capture

_NAMED: Final = 10
_INTERRUPTED: Final = 130


@click.command("replay")
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--speed", default="max", show_default=True, help="A factor on recorded time, or max.")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=None, metavar="DATA_DIR", help="Data directory of the replay; default: a new one below replays/.")  # fmt: skip
@click.option("--mix", is_flag=True, help="Write into a lake that holds more than replays.")
@json_option
@profile_option
def replay_command(  # noqa: PLR0917 click passes by name
    directory: Path, speed: str, into: Path | None, mix: bool, as_json: bool, profile: str | None  # noqa: FBT001
) -> None:  # fmt: skip
    """Replay the raw frames in DIR through feeds, spool and lake, with the recorded times as the clock.

    DIR is a data directory that was recorded with ARB_RAW_FRAMES=on, its folder raw/, or a capture
    with events/*.ndjson.gz.
    """
    factor = speed_factor(speed)
    settings = settings_for(profile)
    target = target_settings(settings, into)
    with ExitStack() as stack:
        source, skipped = directory, []
        if is_capture(directory):
            source = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="arb-replay-")))
            skipped = described(convert_capture(directory, source))
        steps = stack.enter_context(Steps("frames replayed").shown())
        summary = asyncio.run(
            until_interrupted(
                lambda stop: replay(
                    source, api.lake_location(target), speed=factor, stop=stop, mix=mix, on_progress=steps.at
                )
            )
        )
    skipped += [str(part) for part in summary.broken]
    if as_json:
        print_json(_document(summary, skipped, target))
    else:
        _tell(summary, skipped, target)
    if summary.stopped:
        raise SystemExit(_INTERRUPTED)


def speed_factor(speed: str) -> float:
    """Raises BadParameter for anything but ``max`` and a number above 0."""
    if speed == "max":
        return math.inf
    try:
        factor = float(speed)
    except ValueError:
        factor = math.nan
    if not 0 < factor < math.inf:
        raise click.BadParameter(f"takes a number above 0 or max, not {speed!r}", param_hint="--speed")
    return factor


def target_settings(settings: Settings, into: Path | None) -> Settings:
    """The settings of the replay's own lake, or of the live one if ``into`` is its data directory."""
    if into is not None and into.expanduser().resolve() == settings.data_dir.expanduser().resolve():
        return settings
    own = into or settings.root / "replays" / f"{pipeline.now():%Y%m%dT%H%M%S%f}"
    # A catalogue in PostgreSQL and data in S3 belong to the live lake.
    return settings.model_copy(update={"data_dir": own, "lake_catalog": None, "lake_data": None})


def _document(summary: ReplaySummary, skipped: list[str], target: Settings) -> dict[str, Any]:
    return {
        "frames": summary.frames_by_venue,
        "snapshots": summary.snapshots,
        "events": summary.events,
        "sessions": summary.sessions,
        "quarantined": summary.quarantined,
        "rows": summary.rows,
        "lost": summary.lost,
        "skipped": skipped,
        "recorded_seconds": round(summary.recorded_seconds, 3),
        "elapsed_seconds": round(summary.elapsed_seconds, 3),
        "speed": round(summary.speed, 1),
        "stopped": summary.stopped,
        "data_dir": str(target.root),
    }


def _tell(summary: ReplaySummary, skipped: list[str], target: Settings) -> None:
    frames = ", ".join(f"{number:,} {venue}" for venue, number in sorted(summary.frames_by_venue.items()))
    out.print(
        f"{frames or 'no'} frames of {summary.recorded_seconds:,.0f} recorded seconds in {summary.elapsed_seconds:.1f} s "
        f"({summary.speed:,.0f} times as fast): {summary.snapshots:,} snapshots, {summary.events} events, "
        f"{summary.sessions} sessions, {summary.quarantined} quarantined; {summary.rows:,} new rows in the lake",
        highlight=False,
    )
    if summary.lost:
        err.print(f"{summary.lost:,} rows were lost while recording; gap events say where", highlight=False)
    for text in skipped[:_NAMED]:
        err.print(f"skipped: {text}", highlight=False, markup=False)
    if len(skipped) > _NAMED:
        err.print(f"and {len(skipped) - _NAMED} more; --json names them all")
    if summary.stopped:
        err.print(
            "stopped before the end; the same command with the same --into goes on from what was landed"
        )
    click.echo(
        f'ask it: ARB_DATA_DIR={target.data_dir} arb sql "SELECT venue, count(*) FROM book_snapshots GROUP BY 1"'
    )
