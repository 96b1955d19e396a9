"""Checks of judgements: did answers come, do they agree, and did pairs settle as they were judged?"""

from typing import Final

from arb_platform.pipeline.checks.check import Answer, Check, Sight, failed, passed, unknown
from arb_platform.pipeline.checks.words import span
from arb_platform.storage.audits import accepted_pairs

VERDICTS: Final = "pair_verdicts"
MATCHED: Final = "matched_pairs"
QUEUE: Final = "review_queue"

# Markets close; a pair that nobody decided about for a week was not traded for a week.
QUEUE_DAYS: Final = 7
# Everything that was judged and still holds should be free; a few changed their model meanwhile.
REUSED_SHARE: Final = 0.95

_LAST_RUN: Final = """
SELECT asked, failed FROM lake.validation_runs WHERE started_at <= $1 ORDER BY started_at DESC LIMIT 1"""
_NOT_YET: Final = "no pair has been judged yet: materialize pair_verdicts, or `arb validate` after `arb markets` and `arb match`"


def answers_came(sight: Sight) -> Answer:
    rows = sight.rows(_LAST_RUN, sight.now)
    return answered(rows[0]["asked"], rows[0]["failed"]) if rows else unknown(_NOT_YET)


def answered(asked: int, without: int) -> Answer:
    """What a validation is worth that asked so many questions, so many of them ``without`` an answer."""
    if without:
        return failed(
            f"{without} of {asked} questions got no answer; they are asked again next time: if it stays so, "
            "`SELECT status, error, count(*) FROM lake.llm_calls GROUP BY ALL` tells why",
            asked=asked, failed=without,
        )  # fmt: skip
    return passed(f"all {asked} questions of the last validation were answered", asked=asked, failed=0)


_REUSED: Final = """
WITH last AS (SELECT run_id, started_at, cached FROM lake.validation_runs WHERE started_at <= $1 ORDER BY started_at DESC LIMIT 1),
again AS (
    SELECT DISTINCT c.pair_hash FROM last JOIN lake.llm_calls c ON c.run_id = last.run_id
    JOIN lake.verdicts v ON v.pair_hash = c.pair_hash AND v.model = c.model AND v.status <> 'failed'
        AND v.decided_at < last.started_at AND v.valid_until > last.started_at
)
SELECT cached, (SELECT count(*) FROM again) AS again FROM last"""


def verdicts_are_reused(sight: Sight) -> Answer:
    """Of the pairs that had a verdict of the same model which still held, the share that cost nothing."""
    rows = sight.rows(_REUSED, sight.now)
    if not rows:
        return unknown(_NOT_YET)
    reused, again = rows[0]["cached"], rows[0]["again"]
    if not reused + again:
        return unknown("no pair was judged twice yet, so no verdict could be reused")
    share = reused / (reused + again)
    figures = {"reused": reused, "asked_again": again, "hit_rate": round(share, 4)}
    if share < REUSED_SHARE:
        return failed(
            f"{again} pairs were paid for again although a verdict of the same model still held ({share:.0%} reused); right once after "
            "a new prompt or new rules, else report it",
            **figures,
        )
    return passed(f"{share:.1%} of the verdicts that still held were reused by the last validation", **figures)  # fmt: skip


# A pair that two models judge in opposite ways, where no person has decided.
_SPLIT: Final = """
WITH newest AS (
    SELECT pair_hash, status, orientation FROM lake.verdicts
    WHERE judge = 'llm' AND status <> 'failed' AND decided_at <= $1 AND valid_until > $1
    QUALIFY row_number() OVER (PARTITION BY pair_hash, model ORDER BY decided_at DESC) = 1
)
SELECT pair_hash FROM newest WHERE pair_hash NOT IN (SELECT pair_hash FROM lake.reviews) GROUP BY pair_hash
HAVING (bool_or(status = 'accepted') AND bool_or(status = 'rejected')) OR count(DISTINCT orientation) FILTER (status = 'accepted') > 1
ORDER BY pair_hash"""
# A venue does not list one bet twice: a market that is the same as two others is not the same as one of them.
_DOUBLE: Final = """
WITH pairs AS MATERIALIZED (SELECT polymarket_id, kalshi_id FROM lake.matched_pairs)
SELECT polymarket_id AS market_id FROM pairs GROUP BY ALL HAVING count(*) > 1
UNION ALL SELECT kalshi_id FROM pairs GROUP BY ALL HAVING count(*) > 1 ORDER BY 1"""


def judgements_agree(sight: Sight) -> Answer:
    split = [row["pair_hash"] for row in sight.rows(_SPLIT, sight.now)]
    double = [row["market_id"] for row in sight.rows(_DOUBLE)]
    figures = {"split": len(split), "double": len(double)}
    said = []
    if split:
        said.append(
            f"{len(split)} pairs are accepted by one model and not by another (the first: {split[0][:12]})"
        )
    if double:
        said.append(
            f"{len(double)} markets are the same bet as two of the other venue (the first: {double[0]})"
        )
    if said:
        return failed(
            f"{' and '.join(said)}; read both texts and decide: `arb review reject PAIR_HASH --reason TEXT`",
            **figures,
        )
    return passed("no two judgements contradict each other", **figures)


_UNLIKE: Final = """
SELECT count(*) AS settled, list(pair_hash) FILTER (NOT settled_alike) AS unlike FROM lake.settlements WHERE found_at <= $1"""


def settled_alike(sight: Sight) -> Answer:
    row = sight.row(_UNLIKE, sight.now)
    unlike = row["unlike"] or []
    if unlike:
        # A pair that a person has refused since is no longer one of ours.
        assert sight.lake is not None
        accepted = {pair.pair_hash for pair in accepted_pairs(sight.lake)}
        unlike = [pair_hash for pair_hash in unlike if pair_hash in accepted]
    return settled(row["settled"], len(unlike))


def settled(pairs: int, unlike: int) -> Answer:
    """What it means that of ``pairs`` accepted ones which settled, ``unlike`` ended in two ways."""
    figures = {"settled": pairs, "unlike": unlike}
    if unlike:
        return failed(
            f"{unlike} of {pairs} settled pairs ended in two ways: they were not the same bet, or a venue erred; "
            "`SELECT * FROM lake.settlements WHERE NOT settled_alike` shows them: reject them (`arb review reject`) and find the rule that was missing",
            **figures,
        )
    if not pairs:
        return unknown("no accepted pair has settled on both venues yet", **figures)
    return passed(f"all {pairs} accepted pairs that settled ended alike", **figures)


# As `arb review list`, without the pairs whose words have changed since somebody decided.
_WAITING: Final = """
WITH newest AS (
    SELECT pair_hash, status, min(decided_at) FILTER (status = 'review') OVER (PARTITION BY pair_hash) AS since
    FROM lake.verdicts WHERE decided_at <= $1
    QUALIFY row_number() OVER (PARTITION BY pair_hash ORDER BY decided_at DESC) = 1
)
SELECT count(*) AS n, min(since) AS since FROM newest JOIN lake.candidate_pairs c USING (pair_hash)
SEMI JOIN lake.markets p ON p.venue = 'polymarket' AND p.market_id = c.polymarket_id AND p.content_hash = c.polymarket_content_hash
SEMI JOIN lake.markets k ON k.venue = 'kalshi' AND k.market_id = c.kalshi_id AND k.content_hash = c.kalshi_content_hash
WHERE newest.status = 'review' AND pair_hash NOT IN (SELECT pair_hash FROM lake.reviews)"""


def review_queue_is_young(sight: Sight) -> Answer:
    row = sight.row(_WAITING, sight.now)
    if not row["n"]:
        return passed("no pair waits for a person", waiting=0)
    age = (sight.now - row["since"]).total_seconds()
    figures = {"waiting": row["n"], "oldest_days": round(age / 86_400, 1)}
    said = f"{row['n']} pairs wait for a person, the oldest for {span(age)}"
    if age > QUEUE_DAYS * 86_400:
        return failed(
            f"{said}; `arb review list` shows both texts, `arb review accept` or `reject` decides", **figures
        )
    return passed(said, **figures)


VERDICT_CHECKS: Final = (
    Check("answers_came", VERDICTS, "warn", "no question of the last validation stayed without an answer", "they are asked again; `llm_calls` tells why if it stays so", answers_came),
    Check("verdicts_are_reused", "language_models", "warn", "95 % of the verdicts that still hold were not paid for again", "right once after a new prompt or new rules; else report it", verdicts_are_reused),
    Check("judgements_agree", QUEUE, "warn", "no pair is accepted by one model and refused by another, no market is matched twice", "read both texts, then `arb review reject PAIR_HASH --reason TEXT`", judgements_agree),
    Check("review_queue_is_young", QUEUE, "warn", "no pair has waited for a person for more than 7 days", "`arb review list`, then accept or reject", review_queue_is_young),
    Check("settled_alike", MATCHED, "error", "no accepted pair has settled in two ways", "`settlements` shows it: reject the pair and find the rule that was missing", settled_alike, blocking=True),
)  # fmt: skip
