"""Human decisions about pairs: list, accept, reject."""

import getpass
from collections.abc import Sequence

import click
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from arb_platform import pipeline
from arb_platform.cli.console import out, print_json
from arb_platform.cli.options import json_option, profile_option, settings_for
from arb_platform.matching.differences import Piece, Shown, side_by_side
from arb_platform.matching.sanitise import plain_text
from arb_platform.storage.pairs import Decision, load_candidates, save_review

# Rules are 1,000 characters on average; what is longer is rare, and --json has all of it.
_LONGEST_RULES = 4000


@click.group()
def review() -> None:
    """Decide about pairs that were left to a person."""


@review.command("list")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1))
@json_option
@profile_option
def list_(limit: int, as_json: bool, profile: str | None) -> None:  # noqa: FBT001
    """Show pairs that wait for a decision, both texts side by side.

    Words that only one of the two texts has are marked «so».
    """
    waiting = pipeline.waiting_pairs(settings_for(profile))
    if as_json:
        print_json([_document(one) for one in waiting[:limit]])
        return
    if not waiting:
        out.print("Nothing waits for a decision.")
        return
    for one in waiting[:limit]:
        out.print(_panel(one))
    out.print(f"{min(limit, len(waiting))} of {len(waiting)} shown; decide with: arb review accept PAIR_HASH --reason TEXT")  # fmt: skip


def _decision(decision: Decision) -> click.Command:
    @click.command(decision, help=f"{decision.capitalize()} the pair PAIR_HASH; a unique beginning of the hash is enough.")  # fmt: skip
    @click.argument("pair_hash")
    @click.option("--reason", required=True, help="Why; kept with your name and the time.")
    @click.option("--reviewer", default=None, help="Default: your user name.")
    @profile_option
    def decide(pair_hash: str, reason: str, reviewer: str | None, profile: str | None) -> None:
        with pipeline.open_writer(settings_for(profile)) as lake:
            chosen = pipeline.candidate_of(load_candidates(lake), pair_hash).pair_hash
            save_review(lake, chosen, decision, reason, reviewer or getpass.getuser(), pipeline.now())
        out.print(f"{chosen[:12]}: {decision}ed" if decision == "reject" else f"{chosen[:12]}: accepted")

    return decide


review.add_command(_decision("accept"))
review.add_command(_decision("reject"))


def _panel(one: pipeline.Waiting) -> Panel:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    sides = side_by_side(one.candidate.pair)
    table.add_row(*(Text(side.venue, style="bold") for side in sides))
    table.add_row(*(_text(side) for side in sides))
    whole = Table.grid(expand=True)
    whole.add_row(table)
    whole.add_row(Text("\n" + "\n".join(_reasons(one))))
    return Panel(whole, title=one.candidate.pair_hash, title_align="left")


def _reasons(one: pipeline.Waiting) -> list[str]:
    """What the model said, what rules hold against it, what else is open, what a person said before."""
    lines = ["not judged yet"]
    if (said := one.verdict) is not None:
        lines = [f"{said.judge} {said.model}: similarity {said.similarity:.2f}, {said.relation}, {said.orientation}. {said.explanation}"]  # fmt: skip
    lines += [f"rule: {reason}" for reason in one.by_rules]
    lines += [f"open: {reason}" for reason in one.by_others]
    lines += [f"before: {one.earlier}"] if one.earlier else []
    return [plain_text(line) for line in lines]


def _text(side: Shown) -> Text:
    rules, left = _cut(side.rules)
    text = Text()
    for number, pieces in enumerate((side.title, side.terms, rules)):
        text.append("\n" * number)
        for piece in pieces:
            # a pipe has no colours, so the marks are characters, too
            text.append(f"«{piece.text}»" if piece.differs else piece.text, "bold" if piece.differs else "")
    if left:
        text.append(f"\n... and {left} characters more: arb review list --json", "dim")
    return text


def _cut(pieces: Sequence[Piece]) -> tuple[list[Piece], int]:
    """As many pieces as fit, and how many characters are left out."""
    kept: list[Piece] = []
    room = _LONGEST_RULES
    for piece in pieces:
        if room <= 0:
            break
        kept.append(Piece(piece.text[:room], piece.differs))
        room -= len(piece.text)
    return kept, sum(len(piece.text) for piece in pieces) - sum(len(piece.text) for piece in kept)


def _document(one: pipeline.Waiting) -> dict[str, object]:
    pair, verdict = one.candidate.pair, one.verdict
    sides = side_by_side(pair)
    return {
        "pair_hash": one.candidate.pair_hash,
        "similarity": one.similarity,
        "relation": "unknown" if verdict is None else verdict.relation,
        "orientation": "unknown" if verdict is None else verdict.orientation,
        "explanation": "" if verdict is None else verdict.explanation,
        "objections": [] if verdict is None else list(verdict.objections),
        "model": None if verdict is None else verdict.model,
        "broken_rules": list(one.by_rules),
        "earlier_decision": one.earlier or None,
        "only_here": {side.venue: [piece.text for piece in (*side.title, *side.terms, *side.rules) if piece.differs] for side in sides},
        "polymarket": pair.polymarket.semantic_fields(),
        "kalshi": pair.kalshi.semantic_fields(),
    }  # fmt: skip
