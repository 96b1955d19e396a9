"""One stage each: markets, match, validate, report, maintain."""

import asyncio
from dataclasses import asdict
from decimal import Decimal
from typing import get_args

import click

from arb_platform import pipeline
from arb_platform.cli.console import Steps, out, print_json, print_table
from arb_platform.cli.history import show_history
from arb_platform.cli.options import json_option, profile_option, settings_for, venue_argument
from arb_platform.domain.errors import ListingError, LLMError
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.domain.pairs import Candidate
from arb_platform.matching.validation import ValidationSummary
from arb_platform.pipeline.validation import Mode


@click.command()
@venue_argument(required=False)
@click.option("--diff", metavar="MARKET", default=None, help="List nothing; show what changed between the versions of this market (id, ticker or slug).")  # fmt: skip
@json_option
@profile_option
def markets(venue: str | None, diff: str | None, as_json: bool, profile: str | None) -> None:  # noqa: FBT001
    """List the markets of VENUE (default: both) into the lake."""
    settings = settings_for(profile)
    if diff is not None:
        show_history(settings, diff, as_json=as_json)
        return
    listed = []
    for name in [venue] if venue else [POLYMARKET, KALSHI]:
        with Steps(f"{name}: markets read").shown() as steps:
            listed.append(
                asyncio.run(
                    pipeline.list_venue(settings, name, on_page=lambda _, found, at=steps.at: at(found))  # type: ignore[misc]
                )
            )
    if as_json:
        print_json([asdict(one) for one in listed])
        return
    print_table(
        "markets",
        ["venue", "markets", "pages", "complete", "new", "changed", "gone", "unchanged", "seconds"],
        [
            [one.venue, one.markets, one.pages, "yes" if one.complete else f"no: {one.reason}",
             one.change.new, one.change.changed, one.change.gone, one.change.unchanged, f"{one.seconds:.1f}"]
            for one in listed
        ],
    )  # fmt: skip


@click.command()
@click.option("--keep", default=pipeline.CANDIDATES_PER_MARKET, show_default=True, type=click.IntRange(1, 200), help="Candidates per Polymarket market.")  # fmt: skip
@click.option("--show", default=15, show_default=True, type=click.IntRange(0), help="How many to print.")
@json_option
@profile_option
def match(keep: int, show: int, as_json: bool, profile: str | None) -> None:  # noqa: FBT001
    """Propose candidate pairs of the markets in the lake."""
    settings = settings_for(profile)
    with Steps("pairs looked at").shown() as steps:
        proposed = pipeline.propose_candidates(settings, keep=keep, best=show, progress=steps.at)
    if as_json:
        print_json({"candidates": proposed.candidates, "unbroken": proposed.unbroken, "new": proposed.new, "best": [_brief(c) for c in proposed.best]})  # fmt: skip
        return
    out.print(f"{proposed.candidates} candidates ({proposed.new} new), {proposed.unbroken} without an objection by a rule; `arb validate` asks about those.")  # fmt: skip
    print_table(
        "",
        ["score", "polymarket", "kalshi"],
        [
            [f"{c.score:.2f}", c.pair.polymarket.title, f"{c.pair.kalshi.title} {c.pair.kalshi.subtitle}"]
            for c in proposed.best
        ],
    )


@click.command()
@click.option("--budget-usd", type=click.FloatRange(0), default=None, help="Instead of ARB_LLM_BUDGET_USD; for the whole UTC day.")  # fmt: skip
@click.option("--mode", type=click.Choice(get_args(Mode)), default="live", show_default=True, help="batch: send the questions to OpenAI to be answered within a day at half price; a later run collects the answers.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say how many calls this would take and what they would cost.")
@click.option("--show-prompt", metavar="PAIR_HASH", default=None, help="Print the messages sent about this pair and ask nothing; a unique beginning of the hash is enough.")  # fmt: skip
@json_option
@profile_option
def validate(
    *,
    budget_usd: float | None,
    mode: Mode,
    dry_run: bool,
    show_prompt: str | None,
    as_json: bool,
    profile: str | None,
) -> None:
    """Ask the language model about candidates that nobody has judged yet."""
    settings = settings_for(profile)
    if show_prompt is not None:
        _show(pipeline.shown_prompt(settings, show_prompt), as_json=as_json)
        return
    if dry_run:
        ahead = pipeline.forecast_validation(settings, mode=mode)
        _need_candidates(ahead.to_ask + ahead.cached + ahead.skipped_by_rules + ahead.in_batches)
        if as_json:
            print_json(asdict(ahead))
        else:
            out.print(f"{ahead.to_ask} calls, at most about ${ahead.estimated_usd:.4f}; {ahead.cached} verdicts are reused, {ahead.skipped_by_rules} pairs are ruled out.")  # fmt: skip
            if ahead.in_batches:
                out.print(f"{ahead.in_batches} pairs wait for the answers of batches.")
            if ahead.escalation_usd:
                out.print(f"Pairs in doubt are asked of {settings.escalation_model} besides, for ${ahead.escalation_usd} a day at most.")  # fmt: skip
        return
    budget = None if budget_usd is None else Decimal(str(budget_usd))
    with Steps("pairs judged").shown() as steps:
        summary = asyncio.run(
            pipeline.validate_pairs(settings, budget_usd=budget, progress=steps.at, mode=mode)
        )
    _need_candidates(
        summary.asked + summary.cached + summary.skipped_by_rules + summary.not_asked + summary.in_batches
    )
    if as_json:
        print_json(asdict(summary))
    else:
        _tell(summary)
    if summary.asked and summary.asked == summary.failed:
        raise LLMError(
            f"every question failed; {summary.stopped_reason or 'see table llm_calls for each attempt'}"
        )
    if not as_json and settings.deepseek_api_key is None and settings.openai_api_key is None:
        out.print(
            "No key is set (DEEPSEEK_API_KEY, OPENAI_API_KEY): the offline judge ranked the pairs and accepted none."
        )


def _tell(summary: ValidationSummary) -> None:
    out.print(
        f"asked {summary.asked}, reused {summary.cached}, ruled out {summary.skipped_by_rules}: "
        f"{summary.accepted} accepted, {summary.rejected} rejected, {summary.review} for review, "
        f"{summary.failed} failed; ${summary.cost_usd:.6f}"
    )
    if summary.escalated:
        out.print(f"{summary.escalated} of those asked were decided by the second model")
    if summary.in_batches:
        out.print(
            f"{summary.submitted} sent in batches, {summary.in_batches} pairs wait for answers: run this again later to collect them"
        )
    if summary.stopped_reason:
        left = (
            f"stopped early, {summary.not_asked} not asked"
            if summary.not_asked
            else "no more second opinions"
        )
        out.print(f"{left}: {summary.stopped_reason}")


def _show(sent: list[dict[str, str]], *, as_json: bool) -> None:
    """Messages letter by letter: as JSON, or each below its role; without markup, for they are strangers' words."""
    if as_json:
        print_json(sent)
        return
    for message in sent:
        click.echo(f"--- {message['role']}\n{message['content']}")


@click.command()
@json_option
@profile_option
def maintain(as_json: bool, profile: str | None) -> None:  # noqa: FBT001
    """Merge and sort small files, expire old ones, apply retention, refresh published.duckdb."""
    settings = settings_for(profile)
    done = pipeline.maintain_lake(settings)
    pipeline.publish_lake(settings)
    if as_json:
        print_json(asdict(done))
    else:
        dropped = sum(done.dropped.values())
        out.print(f"{done.files_before} files became {done.files_after}, {done.bytes_before:,} bytes became {done.bytes_after:,}; {done.rows:,} rows kept, {dropped:,} beyond retention dropped.")  # fmt: skip


def _need_candidates(there_are: int) -> None:
    if not there_are:
        raise ListingError(
            "the lake has no candidate pairs yet; list the venues and propose some: arb markets, then arb match"
        )


def _brief(candidate: Candidate) -> dict[str, object]:
    pair = candidate.pair
    return {
        "pair_hash": candidate.pair_hash,
        "score": round(candidate.score, 4),
        "polymarket": {"id": pair.polymarket.market_id, "title": pair.polymarket.title},
        "kalshi": {"id": pair.kalshi.market_id, "title": pair.kalshi.title, "subtitle": pair.kalshi.subtitle},
    }
