"""Checks of what is listed and proposed: is the listing whole, does matching still find what it should?"""

from functools import partial
from pathlib import Path
from typing import Final

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.domain.wilson import Proportion
from arb_platform.pipeline.checks.check import Answer, Check, Sight, failed, passed, unknown
from arb_platform.pipeline.evaluation import ALL, GOLD

GOLD_ASSET: Final = "gold_set_evaluation"

# 192 of the 193 identical pairs are proposed today; one more that is lost is a step back.
GOLD_RECALL: Final = 0.99

_LAST_LISTING: Final = """
SELECT complete, reason, row_count, pages, ended_at FROM lake.listings WHERE venue = $1 AND ended_at <= $2 ORDER BY ended_at DESC LIMIT 1"""


def listing_is_complete(venue: str, sight: Sight) -> Answer:
    rows = sight.rows(_LAST_LISTING, venue, sight.now)
    if not rows:
        return unknown(
            f"{venue} has not been listed yet: materialize {venue}_markets, or `arb markets {venue}`"
        )
    row = rows[0]
    return whole(
        venue, complete=row["complete"], reason=row["reason"] or "", markets=row["row_count"] or 0, pages=row["pages"] or 0
    )  # fmt: skip


def whole(venue: str, *, complete: bool, reason: str, markets: int, pages: int) -> Answer:
    """What a listing of ``venue`` that ended for ``reason`` is worth."""
    if complete:
        return passed(
            f"{venue} listed {markets} markets and ended the listing itself",
            markets=markets,
            pages=pages,
        )
    return failed(
        f"the listing of {venue} is not whole ({reason}): its {markets} markets are up to date and none was marked as gone; "
        f"materialize {venue}_markets again, and if it stays so the venue has changed its listing",
        markets=markets, pages=pages,
    )  # fmt: skip


_EVALUATED: Final = """
SELECT evaluated_at, identical_passed AS found, identical_refused AS lost FROM lake.evaluations
WHERE file = $1 AND stage = 'candidates' AND stratum = $2 AND evaluated_at <= $3 ORDER BY evaluated_at DESC LIMIT 1"""


def candidate_recall_holds(sight: Sight, file: Path = GOLD) -> Answer:
    rows = sight.rows(_EVALUATED, file.name, ALL, sight.now)
    recall = Proportion(rows[0]["found"], rows[0]["found"] + rows[0]["lost"]) if rows else Proportion(0, 0)
    if recall.value is None:
        return unknown(
            f"candidates were not measured on {file.name} yet: materialize {GOLD_ASSET}, or `arb evaluate --no-verdicts`"
        )
    figures = {"recall": round(recall.value, 4), "found": recall.count, "identical": recall.total}
    said = f"{recall} of the identical pairs of {file.name} are proposed"
    if recall.value < GOLD_RECALL:
        return failed(
            f"{said}, fewer than {GOLD_RECALL:.0%}; `arb evaluate --no-verdicts` shows the kinds that are lost: what changed in "
            "matching since it was better?",
            **figures,
        )
    return passed(said, **figures)


CATALOGUE_CHECKS: Final = (
    *(
        Check(
            "listing_is_complete", f"{venue}_markets", "warn", "the venue itself ended its last listing: no cap, no repeated cursor, no sudden loss",
            "materialize it again; if it stays so, the venue has changed its listing", partial(listing_is_complete, venue),
        )
        for venue in (POLYMARKET, KALSHI)
    ),
    Check("candidate_recall_holds", GOLD_ASSET, "warn", "99 % of the identical pairs of the gold set are proposed as candidates", "`arb evaluate --no-verdicts` shows which kinds are lost", candidate_recall_holds),
)  # fmt: skip
