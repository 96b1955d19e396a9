"""How good matching is, measured on pairs that somebody labelled."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from arb_platform.cli.console import Steps, out, print_json, print_table
from arb_platform.cli.options import json_option, profile_option, settings_for
from arb_platform.domain.wilson import Proportion
from arb_platform.matching.evaluation import Confusion, Evaluation, LabelledFile
from arb_platform.pipeline.evaluation import GOLD, evaluate_file


@click.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--verdicts/--no-verdicts",
    default=None,
    help="Ask the language model about what rules let through; by default where a key is set. Costs money.",
)
@click.option("--mistakes", default=10, show_default=True, type=click.IntRange(0), help="How many to print of each stage.")  # fmt: skip
@json_option
@profile_option
def evaluate(
    file: Path | None,
    verdicts: bool | None,  # noqa: FBT001 click passes options by position
    mistakes: int,
    as_json: bool,  # noqa: FBT001
    profile: str | None,
) -> None:
    """Print what candidates, rules and verdicts make of the labelled pairs in FILE (default: the gold set).

    One JSON object a line: `a` and `b` (a market of each venue) with `label`, or `kalshi_title`,
    `polymarket_title` and `label`. The figures are kept for `arb report matching`.
    """
    settings = settings_for(profile)
    with Steps("pairs judged").shown() as steps:
        labelled, found = evaluate_file(settings, file or GOLD, verdicts=verdicts, progress=steps.at)
    if as_json:
        print_json(_document(labelled, found))
        return
    identical = sum(one.identical for one in labelled.pairs)
    out.print(f"{labelled.name}: {len(labelled.pairs)} pairs, {identical} of them identical; {len(labelled.skipped)} lines could not be read")  # fmt: skip
    for skipped in labelled.skipped[:mistakes]:
        out.print(f"  line {skipped.line}: {skipped.reason}", markup=False)
    for one in found:
        _tell(one, mistakes)


def _tell(one: Evaluation, mistakes: int) -> None:
    print_table(
        f"\n{one.stage}: share with its 95 % interval (Wilson)",
        ["stratum", "identical let through", "others let through"],
        [
            [name, str(counts.recall), str(counts.let_through)]
            for name, counts in [("all", one.total), *one.strata.items()]
        ],
    )
    for mistake in one.mistakes[:mistakes]:
        kind = "lost" if mistake.identical else "let through"
        why = f": {'; '.join(mistake.reasons)}" if mistake.reasons else ""
        out.print(f"  {kind} {mistake.pair_id}: {mistake.polymarket} | {mistake.kalshi}{why}", markup=False)
    if len(one.mistakes) > mistakes:
        out.print(f"  and {len(one.mistakes) - mistakes} more (--mistakes {len(one.mistakes)})")


def _document(labelled: LabelledFile, found: list[Evaluation]) -> dict[str, Any]:
    return {
        "file": labelled.name,
        "pairs": len(labelled.pairs),
        "identical": sum(one.identical for one in labelled.pairs),
        "skipped": [asdict(one) for one in labelled.skipped],
        "stages": {one.stage: _stage(one) for one in found},
    }


def _stage(one: Evaluation) -> dict[str, Any]:
    return {
        "total": _counts(one.total),
        "strata": {name: _counts(counts) for name, counts in one.strata.items()},
        "mistakes": [asdict(mistake) for mistake in one.mistakes],
    }


def _counts(counts: Confusion) -> dict[str, Any]:
    return asdict(counts) | {
        "recall": _share(counts.recall),
        "refused_identical": _share(counts.refused_identical),
        "let_through": _share(counts.let_through),
    }


def _share(share: Proportion) -> dict[str, Any]:
    """None where there are no cases: unknown is not zero."""
    low, high = share.interval or (None, None)
    return {"value": share.value, "low": low, "high": high}
