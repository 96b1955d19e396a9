"""Streams and simulators in the foreground."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

import click
from rich.live import Live
from rich.text import Text

from arb_platform import pipeline
from arb_platform.cli.console import err, out, print_json
from arb_platform.cli.options import json_option, profile_option, settings_for, venue_argument
from arb_platform.domain.errors import SettingsError, TransportError
from arb_platform.ingest.heartbeat import Heartbeat

if TYPE_CHECKING:
    # a simulator has no need of what streams, nor a stream of simulators
    from arb_platform.ingest.session import StreamSummary
    from arb_platform.simulate.stand import Stand

_T = TypeVar("_T")


@click.command()
@venue_argument()
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=None, help="Stop after so long; default: until Ctrl-C.")  # fmt: skip
@click.option("--markets", default=None, help="Comma-separated ids instead of ARB_TRACK.")
@click.option(
    "--max-depth", type=click.IntRange(1, 3), default=3, show_default=True, help="Visible levels a side."
)
@json_option
@profile_option
def stream(  # noqa: PLR0917 click passes by name
    venue: str,
    seconds: float | None,
    markets: str | None,
    max_depth: int,
    as_json: bool,  # noqa: FBT001
    profile: str | None,
) -> None:
    """Stream VENUE into the lake until Ctrl-C, with a live status line."""
    settings = settings_for(profile)

    async def run(stop: asyncio.Event) -> "StreamSummary":
        with StatusLine() as status:
            return await pipeline.stream_venue(
                settings, venue, stop=stop, seconds=seconds, markets=markets, max_depth=max_depth, run_id="cli",
                on_beat=status.show,
            )  # fmt: skip

    summary = asyncio.run(until_interrupted(run))
    if as_json:
        print_json(
            {
                "venue": summary.venue,
                "snapshots": summary.snapshots,
                "frames": summary.frames,
                "gaps": summary.gaps,
                "quarantined": summary.quarantined,
                "reconnections": summary.reconnections,
                "acknowledged_rows": summary.acknowledged_rows,
                "promoted_rows": summary.promoted_rows,
            }
        )
    else:
        out.print(
            f"{venue}: {summary.frames:,} frames, {summary.snapshots:,} snapshots, {summary.gaps} gaps, "
            f"{summary.quarantined} quarantined; {summary.acknowledged_rows:,} rows acknowledged and "
            f"{summary.promoted_rows:,} in the lake"
        )
    _need_something(summary)


def _need_something(summary: "StreamSummary") -> None:
    """Raises TransportError when the venue sent nothing at all, which is no result but a failure."""
    if summary.frames or summary.snapshots:
        return
    beat = summary.beat
    if beat is not None and beat.connected:
        reason = "it was connected; check that the markets exist and are open"
    else:
        reason = "no connection came about; check the addresses and keys: arb doctor"
    raise TransportError(
        f"{summary.venue} sent nothing: {reason}. The warnings above and stream_events say more."
    )


@click.command()
@click.argument("what", type=click.Choice(["polymarket", "kalshi", "llm"]))
@click.option("--port", type=click.IntRange(0, 65535), required=True, help="0 takes a free one.")
@click.option(
    "--seed", default=7, show_default=True, help="The same seed on the same day gives the same markets."
)
@click.option("--faults", default="", help="Faults to inject, for example drop=0.001,disconnect=30s; see docs/simulators.md.")  # fmt: skip
@click.option("--markets", "markets_per_venue", default=400, show_default=True, type=click.IntRange(1), help="Markets per venue.")  # fmt: skip
@click.option(
    "--rate", default=20.0, show_default=True, type=click.FloatRange(0), help="Book changes a second."
)
@click.option("--recordings", type=click.Path(exists=True, file_okay=False, path_type=Path), default=None, help="Serve recorded frames from this folder instead.")  # fmt: skip
@click.option("--speed", default=1.0, show_default=True, type=click.FloatRange(0, min_open=True), help="How fast a recording is served.")  # fmt: skip
@click.option("--environment-file", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write the variables that point at it here, as JSON, once it is up.")  # fmt: skip
def simulate(  # noqa: PLR0917 click passes by name
    what: str,
    port: int,
    seed: int,
    faults: str,
    markets_per_venue: int,
    rate: float,
    recordings: Path | None,
    speed: float,
    environment_file: Path | None,
) -> None:
    """Run the simulator of WHAT on 127.0.0.1 until Ctrl-C."""
    from arb_platform.simulate.stand import build_stand  # noqa: PLC0415 a stream has no need of simulators

    try:
        stand = build_stand(
            what,
            port=port,
            seed=seed,
            faults=faults,
            markets_per_venue=markets_per_venue,
            rate=rate,
            recordings=recordings,
            speed=speed,
            private_key_path=None if environment_file is None else environment_file.with_suffix(".pem"),
            now=pipeline.now(),
        )
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    asyncio.run(until_interrupted(lambda stop: _serve(stand, stop, environment_file)))


async def _serve(stand: "Stand", stop: asyncio.Event, environment_file: Path | None) -> None:
    try:
        await stand.server.start()
    except OSError as error:
        raise SettingsError(f"the {stand.what} simulator cannot listen: {error.strerror}; choose another --port, or 0 for a free one.") from error  # fmt: skip
    try:
        out.print(f"The {stand.what} simulator is up until Ctrl-C. Point the platform at it:")
        for name, value in stand.environment.items():
            click.echo(f"export {name}={value}")
        for note in stand.notes:
            err.print(note, highlight=False, markup=False)
        if environment_file is not None:
            _write_whole(environment_file, json.dumps(dict(stand.environment)))
        await stop.wait()
    finally:
        await stand.server.stop()


def _write_whole(path: Path, text: str) -> None:
    """Whoever waits for the file must not read half of it."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text)
    unfinished.replace(path)


async def until_interrupted(run: Callable[[asyncio.Event], Awaitable[_T]]) -> _T:
    """``run`` with an event that Ctrl-C or SIGTERM sets, so that it can end in order."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    return await run(stop)


class StatusLine:
    """One line that is rewritten on a terminal, and one line in ten seconds elsewhere."""

    def __init__(self) -> None:
        self._live = Live(console=err, refresh_per_second=4, transient=True) if err.is_terminal else None
        self._beats = 0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, beat: Heartbeat) -> None:
        if self._live is not None:
            self._live.update(Text(status_text(beat)))
        elif self._beats % 10 == 0:
            err.print(status_text(beat), highlight=False, markup=False)
        self._beats += 1


def status_text(beat: Heartbeat) -> str:
    """One shard in one line."""
    lag = "-" if beat.lag_p50_ms is None else f"{beat.lag_p50_ms:.0f}/{beat.lag_p99_ms or 0:.0f} ms"
    state = "connected" if beat.connected else "connecting"
    trouble = f" | {beat.trouble}" if beat.trouble else ""
    return (
        f"{beat.venue}: {state}, {beat.sockets} sockets, {beat.assets_with_book}/{beat.assets} books, "
        f"{beat.frames_per_second:.0f} frames/s, lag p50/p99 {lag}, {beat.snapshots:,} snapshots, "
        f"{beat.promoted_rows:,} rows in the lake, {beat.gaps} gaps, {beat.reconnections} reconnects, "
        f"{beat.quarantined} quarantined{trouble}"
    )
