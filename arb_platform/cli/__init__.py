"""The command ``arb``: thin commands around the stages, one sentence for each failure.

Exit status: 0 done, 1 a stated failure, 2 wrong usage, 130 interrupted.
"""

import logging
import os
import sys
from typing import Any, Final

import click

from arb_platform.cli.lazy import LazyGroup
from arb_platform.domain.errors import ArbError

# name -> (module, attribute, one line of help); a module is imported when its command runs.
COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "up": ("running", "up", "Start the platform: code server, daemon, web UI (and simulators in demo)."),
    "demo": ("running", "demo", "The main job without UI: list, stream, match, validate, report, once."),
    "stream": ("streaming", "stream", "Stream one venue into the lake in the foreground."),
    "markets": ("stages", "markets", "List the venues' markets into the lake."),
    "match": ("stages", "match", "Propose candidate pairs of the listed markets."),
    "evaluate": ("evaluate", "evaluate", "Measure candidates, rules and verdicts on labelled pairs."),
    "validate": ("stages", "validate", "Have a language model judge the candidate pairs."),
    "report": ("report", "report", "Compute a report and show it."),
    "live": ("live", "live", "Serve the analyst's live page: streams, books, edges, gaps, spend."),
    "review": ("review", "review", "Decide about pairs that the rules left to a person."),
    "sql": ("sql", "sql", "Read-only SQL on the lake."),
    "maintain": ("stages", "maintain", "Merge, sort, expire and clean up the lake."),
    "backup": ("backup", "backup", "Copy the lake into a folder while streams run."),
    "restore": ("backup", "restore_command", "Bring a backup back, where there is no lake."),
    "replay": ("replaying", "replay_command", "Replay recorded raw frames through the same pipeline."),
    "simulate": ("streaming", "simulate", "Run a simulator of a venue or of the model providers."),
    "doctor": ("doctor", "doctor", "Check settings, versions, lake, streams, budget and models."),
    "check": ("check", "check", "Ask the checks of streams, lake, listings, pairs and models."),
    "completion": ("lazy", "completion", "Print the shell completion script."),
}


@click.command(
    cls=LazyGroup,
    lazy=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option("--debug", is_flag=True, help="Show tracebacks and debug logs.")
@click.version_option(package_name="arb-platform", prog_name="arb")
def arb(debug: bool) -> None:  # noqa: FBT001 click passes options by position
    """Order books of Polymarket and Kalshi in one lake, and which markets are the same bet."""
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )


def main(arguments: list[str] | None = None) -> Any:
    """Run ``arb``; the entry point of the installed command."""
    words = sys.argv[1:] if arguments is None else arguments
    try:
        status = arb.main(args=words, prog_name="arb", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = 2 if isinstance(error, click.UsageError) else 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        status = 130
    except BrokenPipeError:
        # The reader of our output went away (`arb sql ... | head`): that is not a failure.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except ArbError as error:
        if "--debug" in words:
            raise
        click.echo(f"arb: {error}", err=True)
        status = 1
    except OSError as error:
        if "--debug" in words or error.filename is None:
            raise
        click.echo(
            f"arb: {error.filename}: {error.strerror}; check the path, who may write there, and the room on the disk.",
            err=True,
        )
        status = 1
    sys.exit(status if isinstance(status, int) else 0)
