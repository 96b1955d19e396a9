"""Checks of the books that streams record: are they whole, quick and worth trusting?"""

from typing import Final

from arb_platform.domain.streams import LATENCY_BUDGET_MS
from arb_platform.pipeline.checks.check import Answer, Check, Figure, Sight, failed, passed, unknown
from arb_platform.pipeline.checks.streams import STREAMS, VENUES, beats_of

# One lost frame in ten thousand, and more often than a bad moment explains.
GAPS_PER_MILLION: Final = 100.0
FEWEST_GAPS: Final = 5
QUARANTINED_PER_MILLION: Final = 100.0
FEWEST_QUARANTINED: Final = 5
# A few of thousands of markets have no book at any moment; after this long the first ones have come.
TRUSTED_SHARE: Final = 0.95
SETTLING_SECONDS: Final = 120.0
CROSSED_SHARE: Final = 0.01
FEWEST_SNAPSHOTS: Final = 100
LATENCY_MINUTES: Final = 10
_DAY: Final = 86_400.0


# Of connections that have ended; one that lasts has told nothing yet, and the running stream counts for itself.
_FRAMES: Final = """
SELECT venue, sum(frames)::BIGINT AS frames FROM lake.stream_sessions
WHERE ended_at BETWEEN $1 AND $2 AND connected_at < CASE venue WHEN 'polymarket' THEN $3 ELSE $4 END GROUP BY venue"""
_GAPS: Final = """
SELECT venue, count(*) AS n, NULL AS example FROM lake.stream_events
WHERE kind = 'gap' AND started_at BETWEEN $1 AND $2 GROUP BY venue"""
_QUARANTINED: Final = """
SELECT venue, count(*) AS n, mode(reason) AS example FROM lake.quarantined_frames WHERE received_at BETWEEN $1 AND $2 GROUP BY venue"""


def _frames(sight: Sight) -> dict[str, float]:
    """Frames of about the last day by venue: of earlier runs from the lake, of running ones from their heartbeats."""
    beats = {venue: beats_of(sight, venue) for venue in VENUES}
    started = [min((beat.started_at for beat in beats[venue]), default=sight.now) for venue in VENUES]
    rows = sight.rows(_FRAMES, sight.ago(days=1), sight.now, *started)
    frames = {row["venue"]: float(row["frames"]) for row in rows}
    for venue in VENUES:
        for beat in beats[venue]:
            lasted = max((sight.now - beat.started_at).total_seconds(), 1.0)
            frames[venue] = frames.get(venue, 0.0) + beat.frames * min(1.0, _DAY / lasted)
    return {venue: count for venue, count in frames.items() if count}


def _rate(sight: Sight, sql: str, what: str, limit: float, fewest: int, remedy: str) -> Answer:  # noqa: PLR0917 read as a sentence
    """How often ``what`` (venue, n, example of ``sql``) happened per million frames of the last day."""
    frames = _frames(sight)
    if not frames:
        return unknown("no frames in the last day yet: stream_keeper starts streams, or `arb stream VENUE`")
    counted = {row["venue"]: row for row in sight.rows(sql, sight.ago(days=1), sight.now)}
    bad: list[str] = []
    figures: dict[str, Figure] = {}
    for venue, count in sorted(frames.items()):
        row = counted.get(venue, {"n": 0, "example": None})
        rate = row["n"] * 1_000_000 / count
        figures |= {venue: row["n"], f"{venue}_frames": int(count), f"{venue}_per_million": round(rate, 2)}
        if rate > limit and row["n"] > fewest:
            mostly = f", mostly: {row['example']}" if row["example"] else ""
            bad.append(f"{venue} had {rate:.0f} {what} per million frames ({row['n']} in a day{mostly})")
    if bad:
        return failed(f"{' and '.join(bad)}, more than {limit:.0f}; {remedy}", **figures)
    said = ", ".join(f"{venue} {figures[f'{venue}_per_million']}" for venue in sorted(frames))
    return passed(f"{what} per million frames of the last day: {said}", **figures)


def gap_rate_is_low(sight: Sight) -> Answer:
    remedy = "stream_events of kind gap say which books and why; too many markets for one connection or a slow machine lose frames"
    return _rate(sight, _GAPS, "gaps", GAPS_PER_MILLION, FEWEST_GAPS, remedy)


def quarantine_rate_is_low(sight: Sight) -> Answer:
    remedy = "quarantined_frames keeps them whole: the venue may have changed its format"
    return _rate(
        sight, _QUARANTINED, "unreadable frames", QUARANTINED_PER_MILLION, FEWEST_QUARANTINED, remedy
    )


def books_are_trusted(sight: Sight) -> Answer:
    bad: list[str] = []
    figures: dict[str, Figure] = {}
    for venue in VENUES:
        beats = [one for one in beats_of(sight, venue) if one.assets]
        ready = [one for one in beats if (sight.now - one.started_at).total_seconds() > SETTLING_SECONDS]
        assets, trusted = sum(one.assets for one in ready), sum(one.assets_with_book for one in ready)
        if not assets:
            continue
        figures |= {f"{venue}_assets": assets, f"{venue}_trusted": trusted}
        if trusted < assets * TRUSTED_SHARE:
            bad.append(f"only {trusted} of {assets} assets of {venue} have a book that can be vouched for")
    if not figures:
        return unknown("no stream has run for two minutes yet, so no book can be vouched for")
    if bad:
        return failed(
            f"{' and '.join(bad)}; stream_events of kind gap, silence and resync that have no end say which and why",
            **figures,
        )
    said = [f"{figures[f'{venue}_trusted']} of {figures[f'{venue}_assets']} assets of {venue}" for venue in VENUES if f"{venue}_assets" in figures]  # fmt: skip
    return passed(f"{' and '.join(said)} have a book that can be vouched for", **figures)


_CROSSED: Final = """
SELECT venue, count(*) AS n, count(*) FILTER (crossed) AS crossed FROM lake.book_snapshots
WHERE day >= CAST($1 AT TIME ZONE 'UTC' AS DATE) AND received_at BETWEEN $1 AND $2 GROUP BY venue ORDER BY venue"""


def books_are_not_crossed(sight: Sight) -> Answer:
    rows = sight.rows(_CROSSED, sight.ago(hours=1), sight.now)
    if not rows:
        return unknown("no snapshots in the last hour: is a stream running?")
    figures = {f"{row['venue']}_{name}": row[name] for row in rows for name in ("n", "crossed")}
    bad = [row for row in rows if row["n"] >= FEWEST_SNAPSHOTS and row["crossed"] > row["n"] * CROSSED_SHARE]
    said = ", ".join(
        f"{row['crossed'] / row['n']:.2%} of {row['n']} of {row['venue']}" for row in bad or rows
    )
    if bad:
        return failed(
            f"bid at or above ask in {said} snapshots of the last hour; books_trusted leaves them out, and stream_events of kind "
            "crossed say which books: one that stays crossed is wrong",
            **figures,
        )
    return passed(f"bid at or above ask in {said} snapshots of the last hour", **figures)


# The first book of a connection answers our subscription: the time on it is not of a change.
_LATENCY: Final = """
SELECT venue, count(*) FILTER (sequence > 1 AND exchange_time IS NOT NULL) AS n,
    quantile_cont(epoch_us(handed_at) - epoch_us(exchange_time), 0.95) FILTER (sequence > 1) / 1000.0 AS whole,
    quantile_cont(epoch_us(handed_at) - epoch_us(received_at), 0.95) / 1000.0 AS ours
FROM lake.book_snapshots
WHERE day >= CAST($1 AT TIME ZONE 'UTC' AS DATE) AND received_at BETWEEN $1 AND $2 GROUP BY venue ORDER BY venue"""


def latency_is_within_200_ms(sight: Sight) -> Answer:
    rows = sight.rows(_LATENCY, sight.ago(minutes=LATENCY_MINUTES), sight.now)
    if not rows:
        return unknown(f"no snapshots in the last {LATENCY_MINUTES} minutes: is a stream running?")
    bad: list[str] = []
    said: list[str] = []
    figures: dict[str, Figure] = {}
    for row in rows:
        ours = max(0.0, row["ours"])
        # A venue that is polled, or says no time, can only be judged by what is ours.
        whole = max(0.0, row["whole"]) if row["n"] else ours
        figures |= {f"{row['venue']}_p95_ms": round(whole, 1), f"{row['venue']}_ours_p95_ms": round(ours, 1)}
        said.append(f"{row['venue']} {whole:.0f} ms")
        if whole > LATENCY_BUDGET_MS:
            bad.append(f"{row['venue']} {whole:.0f} ms, of which {ours:.0f} ms are ours")
    if bad:
        return failed(
            f"95 % of changes reach us within {'; '.join(bad)}, and not within {LATENCY_BUDGET_MS} ms; if it is ours, follow fewer "
            "markets or free the machine, else it is the network or the venue (`arb report latency`)",
            **figures,
        )
    return passed(
        f"95 % of changes of the last {LATENCY_MINUTES} minutes reached us within {', '.join(said)}",
        **figures,
    )


BOOK_CHECKS: Final = (
    Check("books_are_trusted", STREAMS, "error", "95 % of the followed assets have a book that can be vouched for", "`stream_events` without an end say which not and why", books_are_trusted, needs_lake=False),
    Check("gap_rate_is_low", STREAMS, "warn", "at most 100 gaps per million frames of a day", "`stream_events` of kind gap; follow fewer markets or free the machine", gap_rate_is_low),
    Check("books_are_not_crossed", STREAMS, "warn", "at most 1 % of the last hour's snapshots have a bid at or above the ask", "`stream_events` of kind crossed; `books_trusted` leaves them out", books_are_not_crossed),
    Check("quarantine_rate_is_low", STREAMS, "warn", "at most 100 unreadable frames per million of a day", "`quarantined_frames` has them whole: did the venue change its format?", quarantine_rate_is_low),
    Check("latency_is_within_200_ms", STREAMS, "warn", "95 % of the changes of 10 minutes reach us within 200 ms", "`arb report latency` tells what is ours and what is the network", latency_is_within_200_ms),
)  # fmt: skip
