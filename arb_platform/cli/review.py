"""Human decisions about pairs: list, accept, reject."""

import getpass

import click
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from arb_platform import api, pipeline
from arb_platform.cli.console import out, print_json
from arb_platform.cli.options import json_option, profile_option, settings_for
from arb_platform.domain.markets import Market
from arb_platform.domain.pairs import MarketPair, Verdict
from arb_platform.storage.lake import Lake
from arb_platform.storage.pairs import Decision, load_candidates, load_reviews, load_verdicts, save_review


@click.group()
def review() -> None:
    """Decide about pairs that were left to a person."""


@review.command("list")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1))
@json_option
@profile_option
def list_(limit: int, as_json: bool, profile: str | None) -> None:  # noqa: FBT001
    """Show pairs that wait for a decision, both texts side by side."""
    with Lake.open(api.lake_location(settings_for(profile)), read_only=True) as lake:
        decided = {one.pair_hash for one in load_reviews(lake)}
        pairs = {candidate.pair_hash: candidate.pair for candidate in load_candidates(lake)}
        waiting = [
            verdict
            for verdict in load_verdicts(lake, "review")
            if verdict.pair_hash not in decided and verdict.pair_hash in pairs
        ]
    waiting.sort(key=lambda verdict: -verdict.similarity)
    if as_json:
        print_json([_document(verdict, pairs[verdict.pair_hash]) for verdict in waiting[:limit]])
        return
    if not waiting:
        out.print("Nothing waits for a decision.")
        return
    for verdict in waiting[:limit]:
        out.print(_side_by_side(verdict, pairs[verdict.pair_hash]))
    out.print(f"{min(limit, len(waiting))} of {len(waiting)} shown; decide with: arb review accept PAIR_HASH --reason TEXT")  # fmt: skip


def _decision(decision: Decision) -> click.Command:
    @click.command(decision, help=f"{decision.capitalize()} the pair PAIR_HASH; a unique beginning of the hash is enough.")  # fmt: skip
    @click.argument("pair_hash")
    @click.option("--reason", required=True, help="Why; kept with your name and the time.")
    @click.option("--reviewer", default=None, help="Default: your user name.")
    @profile_option
    def decide(pair_hash: str, reason: str, reviewer: str | None, profile: str | None) -> None:
        with pipeline.open_writer(settings_for(profile)) as lake:
            whole = [
                candidate.pair_hash
                for candidate in load_candidates(lake)
                if candidate.pair_hash.startswith(pair_hash)
            ]
            chosen = whole[0] if len(whole) == 1 else pair_hash
            save_review(lake, chosen, decision, reason, reviewer or getpass.getuser(), pipeline.now())
        out.print(f"{chosen[:12]}: {decision}ed" if decision == "reject" else f"{chosen[:12]}: accepted")

    return decide


review.add_command(_decision("accept"))
review.add_command(_decision("reject"))


def _side_by_side(verdict: Verdict, pair: MarketPair) -> Panel:
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(ratio=1)
    table.add_column(ratio=1)
    table.add_row(Text("polymarket", style="bold"), Text("kalshi", style="bold"))
    table.add_row(_text(pair.polymarket), _text(pair.kalshi))
    why = "; ".join(verdict.objections) or "no objection was written down"
    said = Text(f"\n{verdict.judge} {verdict.model}: similarity {verdict.similarity:.2f}, {verdict.relation}, {verdict.orientation}. {verdict.explanation}\nopen: {why}")  # fmt: skip
    table.add_row(said, Text())
    return Panel(table, title=verdict.pair_hash, title_align="left")


def _text(market: Market) -> Text:
    head = f"{market.title} {market.subtitle}".strip()
    closes = "" if market.close_time is None else f"closes {market.close_time:%Y-%m-%d %H:%M} UTC"
    return Text(f"{head}\n{closes}; {market.resolution_source or 'no source named'}\n\n{market.rules[:1200]}")


def _document(verdict: Verdict, pair: MarketPair) -> dict[str, object]:
    return {
        "pair_hash": verdict.pair_hash,
        "similarity": verdict.similarity,
        "relation": verdict.relation,
        "orientation": verdict.orientation,
        "explanation": verdict.explanation,
        "objections": list(verdict.objections),
        "polymarket": pair.polymarket.semantic_fields(),
        "kalshi": pair.kalshi.semantic_fields(),
    }
