"""The views that analysts are promised; created anew by every migration, so they follow the tables."""

from typing import Final

from arb_platform.storage.columns import View

MARKETS: Final = View(
    "markets",
    "a market as it is listed now",
    "SELECT * FROM market_versions WHERE valid_to IS NULL",
    source="market_versions",
)

# An event without a session is about the market wherever it is streamed. The end is exclusive: the
# snapshot that ends a gap is the first good one, and a later epoch does not inherit an open event.
_DOUBT: Final = """
    e.kind IN ('gap', 'silence', 'resync')
    AND s.received_at >= e.started_at AND (e.ended_at IS NULL OR s.received_at < e.ended_at)
    AND (e.epoch IS NULL OR s.epoch <= e.epoch)"""

BOOKS_TRUSTED: Final = View(
    "books_trusted",
    "a snapshot that is not crossed and not taken during a gap, silence or resync of its book or connection",
    f"""
SELECT s.* FROM book_snapshots s
WHERE NOT s.crossed
  AND NOT EXISTS (SELECT 1 FROM stream_events e WHERE e.session_id = s.session_id AND e.market_id = s.market_id AND {_DOUBT})
  AND NOT EXISTS (SELECT 1 FROM stream_events e WHERE e.session_id = s.session_id AND e.session_id <> '' AND e.market_id IS NULL AND {_DOUBT})
  AND NOT EXISTS (SELECT 1 FROM stream_events e WHERE e.venue = s.venue AND e.market_id = s.market_id AND e.session_id = '' AND {_DOUBT})""",
    source="book_snapshots",
)

# The same from the other side: snapshots that are in doubt, each once. Events are few, so that this is far
# quicker than what the view asks of every snapshot; a test compares the two.
DOUBTED: Final = " UNION ".join(
    f"SELECT s.venue, s.market_id, s.session_id, s.sequence, s.received_at FROM lake.book_snapshots s JOIN lake.stream_events e ON {join} AND {_DOUBT} WHERE {{which}}"
    for join in (
        "e.session_id = s.session_id AND e.market_id = s.market_id",
        "e.session_id = s.session_id AND e.session_id <> '' AND e.market_id IS NULL",
        "e.venue = s.venue AND e.market_id = s.market_id AND e.session_id = ''",
    )
)
"""SQL with ``{which}`` for the conditions on ``s``, a row of book_snapshots."""

# A person overrules the model for as long as the pair means the same, which is what its hash says.
# `failed` says nothing about a pair, and an offline judge can neither accept nor take back.
MATCHED_PAIRS: Final = View(
    "matched_pairs",
    "a pair that is accepted now: by a valid verdict or by a person, and with both markets unchanged",
    """
WITH verdict AS (
    SELECT * FROM verdicts
    WHERE judge <> 'offline' AND status <> 'failed' AND valid_until > now()
    QUALIFY row_number() OVER (PARTITION BY pair_hash ORDER BY decided_at DESC, status = 'accepted') = 1
), review AS (
    SELECT * FROM reviews QUALIFY row_number() OVER (PARTITION BY pair_hash ORDER BY decided_at DESC, decision DESC) = 1
)
SELECT c.pair_hash, c.polymarket_id, c.kalshi_id, v.orientation, v.relation, v.similarity,
    CASE WHEN r.decision = 'accept' THEN r.decided_at ELSE v.decided_at END AS decided_at,
    CASE WHEN r.decision = 'accept' THEN 'human:' || r.reviewer ELSE v.judge || ':' || v.model END AS decided_by,
    CASE WHEN r.decision = 'accept' THEN NULL ELSE v.valid_until END AS valid_until,
    p.title AS polymarket_title, k.title AS kalshi_title, p.status AS polymarket_status, k.status AS kalshi_status
FROM candidate_pairs c
JOIN market_versions p ON p.venue = 'polymarket' AND p.market_id = c.polymarket_id
    AND p.content_hash = c.polymarket_content_hash AND p.valid_to IS NULL
JOIN market_versions k ON k.venue = 'kalshi' AND k.market_id = c.kalshi_id
    AND k.content_hash = c.kalshi_content_hash AND k.valid_to IS NULL
LEFT JOIN verdict v ON v.pair_hash = c.pair_hash
LEFT JOIN review r ON r.pair_hash = c.pair_hash
WHERE r.decision = 'accept' OR (r.decision IS NULL AND v.status = 'accepted')""",
    source="verdicts",
    columns=(
        ("polymarket_id", "condition id"),
        ("kalshi_id", "ticker"),
        ("decided_at", "when the verdict or the review was given"),
        ("decided_by", "`llm:<model>` or `human:<name>`"),
        ("valid_until", "when the verdict must be asked again; NULL: a person decided"),
        ("polymarket_title", "the question there"),
        ("kalshi_title", "the question there"),
        ("polymarket_status", "active, or the venue's word for why it cannot be traded"),
        ("kalshi_status", "active, or the venue's word for why it cannot be traded"),
    ),
)

# Rows of `opportunities` that could be taken and follow each other without a break are one window.
OPPORTUNITY_WINDOWS: Final = View(
    "opportunity_windows",
    "an edge that could be taken, from when it opened to when it closed",
    """
WITH taken AS (
    SELECT *, coalesce(lag("until") OVER (PARTITION BY pair_hash, direction ORDER BY "at") = "at", false) AS goes_on
    FROM opportunities WHERE reason IS NULL
), numbered AS (
    SELECT *, count(*) FILTER (NOT goes_on) OVER (PARTITION BY pair_hash, direction ORDER BY "at") AS window_number FROM taken
)
SELECT pair_hash, direction, any_value(polymarket_id) AS polymarket_id, any_value(kalshi_id) AS kalshi_id,
    min("at") AS opened_at, arg_max_null("until", "at") AS closed_at,
    epoch(arg_max_null("until", "at") - min("at")) AS seconds,
    max(net_edge) AS best_net_edge, max(net_total) AS best_net_total, count(*) AS changes
FROM numbered GROUP BY pair_hash, direction, window_number""",
    source="opportunities",
    columns=(
        ("opened_at", "when it could first be taken"),
        ("closed_at", "when it was gone or refused; NULL: it stood at the end of what was checked"),
        ("seconds", "how long it could be taken; NULL: it stood at the end"),
        ("best_net_edge", "dollars per contract after fees, at its best"),
        ("best_net_total", "dollars after fees for the size that was visible, at its best"),
        ("changes", "rows of opportunities it is made of"),
    ),
)

VIEWS: Final = (MARKETS, BOOKS_TRUSTED, MATCHED_PAIRS, OPPORTUNITY_WINDOWS)
