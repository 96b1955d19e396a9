"""``arb check``: the checks of the platform, asked now."""

from typing import Final

import click

from arb_platform import pipeline
from arb_platform.cli.console import out, print_json, print_table
from arb_platform.cli.options import json_option, profile_option, settings_for
from arb_platform.domain.errors import ArbError
from arb_platform.pipeline.checks import CHECKS, Answer, Check, evaluate, sight_of

_WORDS: Final = {"passed": "ok", "unknown": "not yet"}
_NAMES: Final = list(dict.fromkeys(one.name for one in CHECKS))


@click.command()
@click.argument("name", required=False, metavar="[NAME]", type=click.Choice(_NAMES))
@json_option
@profile_option
def check(name: str | None, as_json: bool, profile: str | None) -> None:  # noqa: FBT001
    """Ask every check, or those called NAME, what it finds and what to do."""
    settings = settings_for(profile)
    chosen = [one for one in CHECKS if name in {None, one.name}]
    with sight_of(settings, pipeline.now()) as sight:
        answers = [(one, evaluate(one, sight)) for one in chosen]
    if as_json:
        print_json([_document(one, answer) for one, answer in answers])
    else:
        print_table(
            "",
            ["", "check", "of", "found"],
            [[_WORDS.get(answer.state, one.severity), one.name, one.asset, answer.sentence] for one, answer in answers],
        )  # fmt: skip
    wrong = [one.name for one, answer in answers if not answer.passed and one.severity == "error"]
    if wrong:
        raise ArbError(f"not in order: {', '.join(dict.fromkeys(wrong))}.")
    if not as_json:
        warned = sum(not answer.passed for _, answer in answers)
        out.print(f"{warned} warnings." if warned else "Nothing is wrong.")


def _document(one: Check, answer: Answer) -> dict[str, object]:
    return {
        "check": one.name, "asset": one.asset, "severity": one.severity, "state": answer.state,
        "found": answer.sentence, "figures": dict(answer.figures),
    }  # fmt: skip
