"""T1, T3 and T10: bytes in, handler called; against the naive client and against decoding alone."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from arb_platform.domain.books import BookSnapshot
from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.domain.streams import StreamEvent
from arb_platform.venues import kalshi_wire, polymarket_wire
from arb_platform_tests.benchmarks.load import START_MS, Load, load
from arb_platform_tests.benchmarks.measure import (
    FEEDS,
    Outcome,
    Pace,
    interleaved,
    our_book,
    progress,
    verify,
)
from arb_platform_tests.benchmarks.naive import NaiveKalshi, NaivePolymarket

TARGETS: Final = ("T1", "T3", "T10")
MARKETS: Final = 500
AT: Final = datetime.fromtimestamp(START_MS / 1000, UTC) + timedelta(days=1)
_NAIVE_RATIO: Final = {POLYMARKET: 5.0, KALSHI: 4.0}
_DECODE_RATIO: Final = {POLYMARKET: 3.0, KALSHI: 6.0}
_DECODE: Final = {POLYMARKET: polymarket_wire.decode_frame, KALSHI: kalshi_wire.decode_frame}


class Handled:
    """The handler at the end of the path: counts, keeps nothing."""

    def __init__(self, receiver: Any) -> None:
        self.receive = receiver
        self.snapshots = 0
        self.events = 0

    def __call__(self, frames: Any) -> None:
        receive = self.receive
        for frame in frames:
            for output in receive(frame, AT):
                self.handle(output)

    def handle(self, output: Any) -> None:
        if isinstance(output, StreamEvent):
            self.events += 1
        else:
            self.snapshots += 1


def ours(made: Load) -> tuple[Any, Handled]:
    """Our feed with its first books, and the runner that hands it frames."""
    feed = FEEDS[made.venue](made.markets)
    feed.connected("bench", AT)
    handled = Handled(feed.receive)
    handled(made.opening)
    return feed, handled


def naive(made: Load, *, like_us: bool = False) -> tuple[Any, Handled]:
    """The naive client with its first books; ``like_us`` gives it our design."""
    client: Any
    if made.venue == POLYMARKET:
        own = frozenset(market.asset_ids[0] for market in made.markets) if like_us else None
        client = NaivePolymarket(own=own, only_changes=like_us)
    else:
        client = NaiveKalshi(only_changes=like_us)
    handled = Handled(client.receive)
    handled(made.opening)
    return client, handled


def book_key(made: Load, market_id: str) -> str:
    """How the naive client calls the book of a market."""
    tokens = next(market.asset_ids for market in made.markets if market.market_id == market_id)
    return tokens[0] if tokens else market_id


def measure(pace: Pace) -> Outcome:
    outcome = Outcome()
    for venue in (POLYMARKET, KALSHI):
        _venue(venue, pace, outcome)
    return outcome


def _venue(venue: str, pace: Pace, outcome: Outcome) -> None:
    with progress(f"{venue}: hot path against naive and decode alone"):
        made = load(venue, frames=pace.of(40_000, 200_000), markets=MARKETS, seed=pace.seed)
        feed, our_run = ours(made)
        baseline, naive_run = naive(made)
        fair, fair_run = naive(made, like_us=True)
        decode = _DECODE[venue]

        runners = {"ours": our_run, "naive": naive_run, "like for like": fair_run, "decode": _decoder(decode)}
        if venue == POLYMARKET:
            runners["decode in one pass"] = _decoder(polymarket_wire.decode_changes)
        spent = interleaved(runners, made.frames)
    _books(made, feed, (baseline, fair), our_run.events, outcome)
    outcome.at_least("T1", f"{venue}: faster than naive", spent["naive"] / spent["ours"], _NAIVE_RATIO[venue])
    ratio = spent["like for like"] / spent["ours"]
    outcome.told("T1", f"{venue}: faster than naive of our design (like for like)", f"{ratio:.2f}x")
    ratio = spent["ours"] / spent["decode"]
    outcome.at_most("T3", f"{venue}: whole path over msgspec decode alone", ratio, _DECODE_RATIO[venue])
    if venue == POLYMARKET:
        # The feed does not choose a type by the discriminator, which comes last, and so decodes faster.
        ratio = spent["ours"] / spent["decode in one pass"]
        outcome.told("T3", f"{venue}: the same over the decoding that the feed does itself", f"{ratio:.2f}x")
    share = our_run.snapshots / len(made.frames)
    for name, cost in spent.items():
        outcome.cost(
            f"{venue}: {name}", cost, f"{made.mean_bytes:.0f} B a frame, {share:.0%} change the top 3"
        )


def _decoder(decode: Any) -> Any:
    def run(frames: Any) -> None:
        for frame in frames:
            try:
                decode(frame)
            except ValueError:  # an array of books is no price_change
                continue

    return run


def _books(made: Load, feed: Any, baselines: tuple[Any, ...], events: int, outcome: Outcome) -> None:
    equal = verify("ours", lambda market_id: our_book(feed, market_id), made.books)
    for client in baselines:
        verify("naive", lambda market_id, of=client: of.books[book_key(made, market_id)].whole(), made.books)
    shown = sum(isinstance(feed.snapshot_of(market.market_id), BookSnapshot) for market in made.markets)
    ok = equal == shown == len(made.markets)
    outcome.at_most(
        "T10", f"{made.venue}: books that differ from the generator's, of {equal}", 0 if ok else 1, 0, ""
    )
    # A disagreement that went away is a resync event, three in a row are a gap, and a fresh one is a doubt.
    faults = events + feed.unreadable_frames + _doubts(feed)
    outcome.at_most(
        "T10", f"{made.venue}: stated tops that differ, events and unreadable frames", faults, 0, ""
    )


def _doubts(feed: Any) -> int:
    return sum(tracked.doubts for tracked in feed._books)
