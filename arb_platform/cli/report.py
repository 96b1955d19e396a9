"""``arb report``: compute a report and show it in the terminal, as JSON, or as one HTML page."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from arb_platform import pipeline
from arb_platform.cli.console import out
from arb_platform.cli.options import json_option, profile_option, settings_for
from arb_platform.reports.registry import REPORTS, SECTIONS, report_named
from arb_platform.reports.render import terminal, to_json, to_page


@click.command()
@click.argument("name", type=click.Choice([*REPORTS, *SECTIONS, "all"]))
@click.option("--since", default=None, help="A day (2026-11-01) or a number of days back (7d).")
@click.option("--html", "html", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write one self-contained HTML file.")  # fmt: skip
@json_option
@profile_option
def report(name: str, since: str | None, html: Path | None, as_json: bool, profile: str | None) -> None:  # noqa: FBT001
    """Compute report NAME (or all) and show it."""
    wanted = list(REPORTS) if name == "all" else [name]
    frames = pipeline.build_reports(settings_for(profile), wanted, since=_day(since))
    if html is not None:
        parts = [(report_named(one), frame) for one, frame in frames.items()]
        html.write_text(to_page(parts, generated_at=datetime.now(UTC)), encoding="utf-8")
        out.print(f"wrote {html}")
    elif as_json and name != "all":
        click.echo(to_json(frames[name]))
    elif as_json:
        # Sections have names of their own to ask for: what is here stays the reports.
        click.echo("{" + ",".join(f'"{one}":{to_json(frames[one])}' for one in wanted) + "}")
    else:
        for one, frame in frames.items():
            out.print(terminal(frame, report_named(one)))


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        if text.endswith("d"):
            return datetime.now(UTC).date() - timedelta(days=int(text[:-1]))
        return date.fromisoformat(text)
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"takes a day like 2026-11-01 or days back like 7d, not {text!r}", param_hint="--since"
        ) from None
