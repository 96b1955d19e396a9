"""The benchmarks are worth nothing when their books are wrong; no time is asserted here."""

import asyncio
import dataclasses
import importlib
import json
import math
import sys
from datetime import UTC, datetime, timedelta

import pytest

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.ingest.replay import replay
from arb_platform.storage.lake import LakeLocation
from arb_platform_tests.benchmarks import __main__ as bench
from arb_platform_tests.benchmarks.hot_path import book_key, naive, ours
from arb_platform_tests.benchmarks.load import load, source
from arb_platform_tests.benchmarks.measure import BooksDiffer, Figure, Outcome, our_book, verify
from arb_platform_tests.benchmarks.memory import judge, soaked
from arb_platform_tests.benchmarks.peers import PEERS
from arb_platform_tests.benchmarks.replaying import checked, record
from arb_platform_tests.benchmarks.sender import framed

FRAMES = 2_000
VENUES = (POLYMARKET, KALSHI)


def small(venue: str, frames: int = FRAMES):
    return load(venue, frames=frames, markets=20, seed=11)


@pytest.mark.parametrize("venue", VENUES)
def test_feed_naive_client_and_generator_end_in_equal_books(venue):
    made = small(venue)
    feed, run = ours(made)
    client, naive_run = naive(made)
    run(made.frames)
    naive_run(made.frames)
    assert verify("ours", lambda key: our_book(feed, key), made.books) == 20
    assert verify("naive", lambda key: client.books[book_key(made, key)].whole(), made.books) == 20
    assert (feed.gaps, feed.unreadable_frames, run.events) == (0, 0, 0)
    assert all(tracked.doubts == 0 for tracked in feed._books)
    assert 0 < run.snapshots < naive_run.snapshots


@pytest.mark.parametrize("venue", VENUES)
def test_a_lost_frame_makes_the_comparison_fail(venue):
    made = small(venue, 200)
    feed, run = ours(made)
    # The last change of a book: no later one repairs it.
    last = next(
        position
        for position in range(199, -1, -1)
        if b"price_change" in made.frames[position] or b"delta" in made.frames[position]
    )
    run(made.frames[:last])
    with pytest.raises(BooksDiffer, match="1 of 20 books differ"):
        verify("ours", lambda key: our_book(feed, key), made.books)


@pytest.mark.parametrize("venue", VENUES)
def test_the_naive_client_of_our_design_keeps_the_same_books_and_says_less(venue):
    made = small(venue)
    client, run = naive(made, like_us=True)
    everything, all_run = naive(made)
    run(made.frames)
    all_run(made.frames)
    verify("naive", lambda key: client.books[book_key(made, key)].whole(), made.books)
    assert run.snapshots < all_run.snapshots
    assert len(everything.books) == (40 if venue == POLYMARKET else 20)


def test_frames_are_the_same_for_the_same_seed_and_others_for_another():
    for venue in VENUES:
        assert small(venue, 50).frames == small(venue, 50).frames
        assert load(venue, frames=50, markets=20, seed=12).frames != small(venue, 50).frames


def test_polymarket_frames_are_nearly_all_price_changes_of_both_tokens():
    made = small(POLYMARKET, 10_000)
    changes = [json.loads(frame) for frame in made.frames if b'"price_change"' in frame]
    assert len(changes) > 9_900
    for change in changes[:500]:
        assert {len({one["asset_id"] for one in change["price_changes"]}), change["event_type"]} == {
            2,
            "price_change",
        }


def test_each_frame_is_one_millisecond_later_so_that_it_can_be_told_by_its_time():
    made = source(POLYMARKET, markets=3, seed=1, start_ms=1_786_000_000_000)
    made.opening()
    frames = [json.loads(frame) for frame in made.frames(300)]
    stamps = [int((frame[0] if isinstance(frame, list) else frame)["timestamp"]) for frame in frames]
    assert stamps == list(range(1_786_000_000_000, 1_786_000_000_300))
    start = datetime.fromtimestamp(1_786_000_000, UTC)
    assert start + timedelta(milliseconds=299) == datetime.fromtimestamp(stamps[-1] / 1000, UTC)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_the_sender_frames_every_length_as_rfc_6455_says(size):
    wire = framed(b"x" * size)
    head = {True: 2, False: 4 if size < 65_536 else 10}[size < 126]
    assert len(wire) == head + size
    assert wire[0] == 0x81
    assert (wire[1] if head == 2 else int.from_bytes(wire[2:head], "big")) == size


def test_verdicts_follow_the_figures():
    outcome = Outcome()
    outcome.at_least("T1", "a", 5.0, 5.0)
    outcome.at_least("T1", "b", 4.9, 5.0)
    outcome.at_most("T3", "c", 3.1, 3.0)
    outcome.told("T2", "d", "not installed")
    assert [figure.verdict for figure in outcome.figures] == ["ok", "SHORT", "SHORT", ""]
    assert "| T1 | b | 4.90x | >= 5x | SHORT |" in bench._table(outcome.figures)
    assert bench._summary(outcome.figures, 1.0).strip() == "3 figures with a target: 1 ok, 2 SHORT; 1 s"
    assert Figure("T2", "d", "not installed").ok is None


@pytest.mark.parametrize(
    ("grows", "verdicts"),
    [(0.0, ["ok", "ok", ""]), (0.001, ["SHORT", "SHORT", ""])],
    ids=["flat", "0.1 % at each look"],
)
def test_memory_that_grows_is_told_from_memory_that_is_flat(grows, verdicts):
    outcome = Outcome()
    # It fills up at first, and breathes.
    judge([100 * (1 + grows) ** look + look % 3 - 9 * (look < 30) for look in range(250)], "memory", outcome)
    assert [figure.verdict for figure in outcome.figures] == verdicts


def test_memory_of_a_short_run_gets_no_verdict():
    outcome = Outcome()
    judge([100.0, 200.0], "memory", outcome)
    assert [(figure.ok, "too few frames" in figure.measured) for figure in outcome.figures] == [(None, True)]


def test_the_reading_process_ends_in_the_generators_books_and_tells_its_memory():
    seen = soaked(20_000, seed=5)
    assert len(seen) == 1
    assert seen[0] > 10


@pytest.mark.parametrize("lost", [False, True], ids=["whole", "the last change is not recorded"])
def test_a_replayed_recording_is_compared_with_the_generators_books(tmp_path, lost):
    made = load(POLYMARKET, frames=400, markets=3, seed=3)
    frames = made.frames[:200] if lost else made.frames
    recorded = dataclasses.replace(made, frames=frames)
    record(recorded, tmp_path / "recorded")
    location = LakeLocation.local(tmp_path / "replayed")
    summary = asyncio.run(replay(tmp_path / "recorded", location, speed=math.inf, stop=asyncio.Event()))
    if lost:
        with pytest.raises(BooksDiffer, match="3 of 3 books in the lake differ"):
            checked(summary, recorded, location)
    else:
        assert checked(summary, recorded, location) == 3
        assert summary.recorded_seconds == pytest.approx(4.0)


def test_a_target_is_chosen_by_name_and_written_as_json(tmp_path, capsys):
    file = tmp_path / "figures.json"
    # Peers are looked for in this interpreter, where none has to be.
    if any(peer.installed for peer in PEERS):
        pytest.skip("peers are installed here, and measuring them takes a minute")
    assert bench.main(["t2", "--peers", sys.executable, "--json", str(file)]) == 0
    figures = json.loads(file.read_text())["figures"]
    assert {(one["target"], one["ok"]) for one in figures} == {("T2", None)}
    assert all("not installed" in one["measured"] and "--group peers" in one["measured"] for one in figures)
    assert "[1/1] T2" in capsys.readouterr().err


def test_what_cannot_be_measured_is_said_and_fails(tmp_path, capsys):
    assert bench.main(["T2", "--peers", str(tmp_path / "python")]) == 1
    assert (
        "T2 could not be measured: FileNotFoundError: there is no interpreter at" in capsys.readouterr().err
    )


def test_an_unknown_target_is_refused_before_anything_runs(capsys):
    assert bench.main(["T99"]) == 2
    assert "no such target: T99; there are T1, T2" in capsys.readouterr().err


def test_the_list_names_every_module_and_its_targets(capsys):
    assert bench.main(["--list"]) == 0
    printed = capsys.readouterr().out
    for one in bench.BENCHES:
        module = importlib.import_module(f"arb_platform_tests.benchmarks.{one.module}")
        assert one.targets == module.TARGETS
        assert f"{', '.join(one.targets):12} {one.seconds:4} s" in printed
