"""Each check of streams and books, seen red and seen green."""

from datetime import timedelta

import pytest

from arb_platform.domain.streams import QuarantinedFrame, StreamEvent, StreamSession
from arb_platform.ingest.lease import Lease
from arb_platform_tests.pipeline.checks.conftest import green, open_question, red
from arb_platform_tests.storage.samples import market, snapshot

VENUES = ("polymarket", "kalshi")
SESSION = "checks-{}"


def event(kind, at, *, venue="kalshi", number=1, ended=None, market_id=None):
    return StreamEvent(
        f"{kind}-{at.timestamp()}-{number}", venue, kind, at, ended, market_id, "s-1", 1, "what happened there"
    )  # fmt: skip


def books(world, number=150, *, venue="kalshi", crossed=0, seconds=60, slow_ms=20, **fields):
    """Snapshots of the last ``seconds``, the first ``crossed`` of them crossed, handed over ``slow_ms`` after the venue's time."""
    start = world.ago(seconds=seconds)
    found = []
    for n in range(number):
        at = start + timedelta(seconds=n * seconds / number)
        prices = {"bid": 520_000, "ask": 510_000} if n < crossed else {}
        one = snapshot(n + 2, of=market("X-1", venue), at=at, **prices, **fields)
        found.append((one, at + timedelta(milliseconds=slow_ms - 20)))
    world.write("book_snapshots", found)


def ended_session(world, frames, *, venue="kalshi"):
    session = StreamSession(
        f"checks-{world.now.timestamp()}-{venue}", venue, 0, world.ago(hours=3), world.ago(hours=2), "closed", frames, 9
    )  # fmt: skip
    world.write("stream_sessions", [session])


# Freshness, of each venue


@pytest.mark.parametrize("venue", VENUES)
def test_books_that_changed_a_minute_ago_are_fresh(world, venue):
    books(world, 1, venue=venue)
    green(world.ask(f"{venue}_books_are_fresh"), venue)


@pytest.mark.parametrize("venue", VENUES)
def test_books_that_did_not_change_for_six_minutes_are_not(world, venue):
    books(world, 1, venue=venue, seconds=361)
    other = next(one for one in VENUES if one != venue)
    books(world, 1, venue=other)
    red(world.ask(f"{venue}_books_are_fresh"), "6 min", "its stream does not run", "stream_keeper")
    green(world.ask(f"{other}_books_are_fresh"))
    with Lease(world.root, venue):
        red(world.ask(f"{venue}_books_are_fresh"), "its stream runs")


def test_a_longer_silence_that_is_allowed_makes_books_fresh_for_longer(world):
    books(world, 1, seconds=361)
    world.set(silence_seconds=150.0)
    green(world.ask("kalshi_books_are_fresh"))


def test_books_of_the_day_before_yesterday_are_told_as_such(world):
    world.write("book_snapshots", [(snapshot(at=world.ago(days=3)), world.ago(days=3))])
    red(world.ask("kalshi_books_are_fresh"), "more than a day")


# Gaps and unreadable frames per million


def test_a_hundred_gaps_in_a_million_frames_are_few(world):
    ended_session(world, 1_000_000)
    world.write("stream_events", [event("gap", world.ago(hours=1), number=n) for n in range(100)])
    green(world.ask("gap_rate_is_low"), "kalshi 100.0")


def test_more_than_a_hundred_gaps_in_a_million_frames_are_many(world):
    ended_session(world, 1_000_000)
    world.write("stream_events", [event("gap", world.ago(hours=1), number=n) for n in range(101)])
    red(world.ask("gap_rate_is_low"), "101 gaps per million", "stream_events")


def test_a_running_stream_tells_its_frames_by_its_heartbeat_and_none_are_counted_twice(world):
    ended_session(world, 1_000_000)
    world.beat(ran=4 * 3600, frames=2_000_000)
    assert world.ask("gap_rate_is_low").figures["kalshi_frames"] == 2_000_000
    world.beat(ran=3600, frames=500_000)
    assert world.ask("gap_rate_is_low").figures["kalshi_frames"] == 1_500_000


def test_a_few_gaps_among_few_frames_are_chance(world):
    ended_session(world, 1000)
    world.write("stream_events", [event("gap", world.ago(hours=1), number=n) for n in range(5)])
    green(world.ask("gap_rate_is_low"))


def unreadable(world, number):
    ended_session(world, 10_000)
    frames = [QuarantinedFrame("kalshi", world.ago(hours=1), "no price in it", b"{}") for _ in range(number)]
    world.write("quarantined_frames", frames)


def test_an_unreadable_frame_now_and_then_is_no_fault(world):
    unreadable(world, 1)
    green(world.ask("quarantine_rate_is_low"))


def test_a_venue_that_changed_its_format_is_seen(world):
    unreadable(world, 6)
    red(world.ask("quarantine_rate_is_low"), "600 unreadable frames", "no price in it", "format")


# Trust


def test_three_of_a_hundred_books_may_be_missing(world):
    world.beat(assets_with_book=388)
    green(world.ask("books_are_trusted"), "388 of 400")


def test_a_stream_of_which_a_tenth_cannot_be_vouched_for_is_not_trusted(world):
    world.beat("polymarket")
    world.beat("kalshi", assets_with_book=360)
    red(world.ask("books_are_trusted"), "only 360 of 400 assets of kalshi", "stream_events")


def test_a_stream_that_began_a_minute_ago_is_not_judged_yet(world):
    world.beat(ran=60, assets_with_book=0)
    open_question(world.ask("books_are_trusted"))


# Silence, lost frames, connection


def test_a_connection_that_fell_silent_and_talks_again_is_not_silent(world):
    world.beat()
    world.write("stream_events", [event("silence", world.ago(minutes=9), ended=world.ago(minutes=7))])
    green(world.ask("no_stream_is_silent"))


def test_a_connection_that_is_silent_now_is_an_alarm(world):
    world.beat()
    world.write("stream_events", [event("silence", world.ago(minutes=3))])
    red(world.ask("no_stream_is_silent"), "kalshi is silent", "what happened there", "ARB_SILENCE_SECONDS")


def test_a_silence_that_goes_on_for_hours_is_still_an_alarm(world):
    world.beat(ran=4 * 3600)
    world.write("stream_events", [event("silence", world.ago(hours=3))])
    red(world.ask("no_stream_is_silent"), "kalshi is silent")


def test_a_connection_that_falls_silent_again_and_again_is_an_alarm(world):
    world.beat()
    times = [world.ago(minutes=10 * n + 5) for n in range(4)]
    world.write("stream_events", [event("silence", at, ended=at + timedelta(minutes=2)) for at in times])
    red(world.ask("no_stream_is_silent"), "4 times")


def test_a_silence_that_its_process_took_to_the_grave_is_over(world):
    world.beat(ran=60)
    world.write(
        "stream_events", [event("silence", world.ago(minutes=3)), event("clock_skew", world.ago(minutes=3))]
    )
    green(world.ask("no_stream_is_silent"))
    green(world.ask("clocks_agree"))


def test_the_silence_of_one_market_is_not_that_of_a_connection(world):
    world.beat()
    world.write("stream_events", [event("silence", world.ago(minutes=3), market_id="X-1")])
    green(world.ask("no_stream_is_silent"))


def test_frames_that_were_dropped_two_hours_ago_are_history(world):
    world.write("stream_events", [event("overflow", world.ago(hours=2))])
    green(world.ask("no_frame_was_dropped"))


def test_frames_that_were_dropped_because_we_are_slow_are_told(world):
    world.write("stream_events", [event("overflow", world.ago(minutes=30))])
    red(world.ask("no_frame_was_dropped"), "kalshi dropped frames 1 times", "ARB_TRACK")


def test_heartbeats_of_a_second_ago_are_young(world):
    for venue in VENUES:
        world.beat(venue)
    green(world.ask("heartbeats_are_young"))
    green(world.ask("streams_are_connected"), "kalshi and polymarket")


def test_a_stream_that_stopped_and_one_that_hangs_are_told_apart(world):
    world.beat("polymarket", age=31)
    red(world.ask("heartbeats_are_young"), "polymarket (shard 0) has stopped, last heartbeat 31 s ago")
    with Lease(world.root, "polymarket"):
        red(world.ask("heartbeats_are_young"), "hangs")


@pytest.mark.parametrize(
    ("fields", "words"),
    [({"connected": False}, "is not connected"), ({"trouble": "the disk is full"}, "the disk is full")],
)
def test_a_stream_without_connection_or_in_trouble_is_told(world, fields, words):
    world.beat("polymarket")
    world.beat("kalshi", **fields)
    red(world.ask("streams_are_connected"), "kalshi", words)


# Books


def test_one_crossed_book_in_a_hundred_and_fifty_is_tolerated(world):
    books(world, crossed=1)
    green(world.ask("books_are_not_crossed"), "0.67% of 150 of kalshi")


def test_two_crossed_books_in_a_hundred_and_fifty_are_too_many(world):
    books(world, crossed=2)
    red(world.ask("books_are_not_crossed"), "1.33% of 150 of kalshi", "books_trusted")


def test_clocks_that_agree_again_are_no_fault(world):
    world.beat()
    world.write("stream_events", [event("clock_skew", world.ago(minutes=30), ended=world.ago(minutes=5))])
    green(world.ask("clocks_agree"), "kalshi")


def test_a_clock_that_a_venue_contradicts_now_is_an_alarm(world):
    world.beat()
    world.write("stream_events", [event("clock_skew", world.ago(minutes=30))])
    red(world.ask("clocks_agree"), "kalshi: what happened there", "timedatectl")


def test_changes_that_reach_us_within_200_ms_are_quick_enough(world):
    books(world, slow_ms=199)
    green(world.ask("latency_is_within_200_ms"), "kalshi 199 ms")


def test_changes_that_take_longer_than_200_ms_are_told_with_what_is_ours(world):
    books(world, venue="polymarket")
    books(world, venue="kalshi", slow_ms=260)
    red(
        world.ask("latency_is_within_200_ms"), "kalshi 260 ms, of which 240 ms are ours", "arb report latency"
    )


def test_the_first_book_of_a_connection_says_nothing_about_latency(world):
    first = snapshot(1, at=world.ago(seconds=30))
    old = first._replace(exchange_us=first.exchange_us - 3_600_000_000)
    world.write("book_snapshots", [(old, world.ago(seconds=30))])
    assert world.ask("latency_is_within_200_ms").figures["kalshi_p95_ms"] == 0
