"""Every word of the simulators' faults: what it leaves in the lake, and that no trusted row was ever wrong.

Each run draws a fresh seed, which a failure prints; ``running(..., seed=N)`` has it again.
"""

import asyncio
import copy
from datetime import timedelta
from decimal import Decimal

from arb_platform.domain.markets import KALSHI, POLYMARKET
from arb_platform.simulate.faults import WORDS
from arb_platform_tests.faults.checks import check_books, check_clean, check_end, check_faults, check_goes_on
from arb_platform_tests.faults.runs import fresh_seed, on_both_venues, running, until

NOISE = ("duplicate", "truncate", "garbage", "unknown", "nonsense", "skew", "crossed")
POLYMARKETS_OWN = ("tick_size", "legacy")
LOSSES = ("drop", "gap", "reorder")
CONNECTION = ("disconnect", "silence", "half_open", "overflow", "early_close", "refuse", "huge")
HTTP = ("http429", "http500", "http_garbage", "http_cut", "retry_after")
ALONE = ("no_first_book", "lag")
# Of listings, which a stream of named markets does not walk: venues/test_rest.py has its test.
ELSEWHERE = ("repeat_cursor",)


def assert_none(complaints, run):
    story = f"{run.name}, seed {run.seed}, {len(complaints)} complaints, {run.venue.faults.counts()}"
    assert not complaints, f"{story}: {complaints[:3]}"


def assert_well(run, *, losses=False):
    for check in (check_faults, check_end, check_goes_on):
        assert_none(check(run), run)
    assert_none(check_books(run, losses=losses), run)


def test_every_word_is_put_in_by_a_test_here():
    here = {*NOISE, *POLYMARKETS_OWN, *LOSSES, *CONNECTION, *HTTP, *ALONE, *ELSEWHERE}
    assert here == set(WORDS)


def test_a_good_day_has_no_row_that_would_make_anybody_doubt(tmp_path):
    async def scenario(name):
        async with running(name, tmp_path, seed=fresh_seed()) as run:
            await run.recovers("the start")
            shown = run.adapter.snapshots
            await until(lambda: run.adapter.snapshots > shown + 300, "three hundred snapshots")
        assert_none(check_clean(run), run)
        assert_well(run)
        assert len(run.rows["books_trusted"]) == len(run.rows["book_snapshots"]) > 300
        # and the checks do see what is wrong
        run.rows["stream_events"] = [{"kind": "gap", "detail": "invented"}]
        assert check_clean(run) == ["gap: invented"]
        run.rows["stream_events"] = []
        tampered = copy.deepcopy(run.rows["books_trusted"])
        tampered[100]["bid2_sz"] += Decimal("0.01")
        run.rows["books_trusted"] = tampered
        assert len(check_books(run)) == 1
        del tampered[100:]
        assert check_end(run)

    on_both_venues(scenario)


def test_noise_is_kept_and_never_gets_into_a_trusted_book(tmp_path):
    async def scenario(name):
        words = (*NOISE, *POLYMARKETS_OWN) if name == POLYMARKET else NOISE
        spec = ",".join(f"{word}=0.01" for word in words)
        async with running(name, tmp_path, spec, seed=fresh_seed()) as run:
            await run.has_injected(words, 3)
            await run.calm_down()
        assert_well(run)
        # one row of a kind that a fault left is taken away
        kept = run.rows["quarantined_frames"]
        run.rows["quarantined_frames"] = [row for row in kept if "unknown" not in row["reason"]] + [
            row for row in kept if "unknown" in row["reason"]
        ][1:]
        assert len(check_faults(run)) == 1
        run.rows["quarantined_frames"] = kept
        run.rows["stream_events"] = []
        assert any("clock_skew" in complaint for complaint in check_faults(run))

    on_both_venues(scenario)


def test_lost_and_swapped_frames_are_gaps_and_the_books_heal(tmp_path):
    async def scenario(name):
        async with running(name, tmp_path, "drop=0.01,gap=0.002,reorder=0.01", seed=fresh_seed()) as run:
            await run.has_injected(LOSSES, 3)
            await run.calm_down()
            await run.has_whole_books()
        assert_well(run, losses=True)
        kinds = {row["kind"] for row in run.rows["stream_events"]}
        assert kinds & {"gap", "resync"}, run.seed
        if name == KALSHI:
            run.rows["stream_events"] = [row for row in run.rows["stream_events"] if row["kind"] != "gap"][:1]
            assert check_faults(run)

    on_both_venues(scenario)


def _overflow(run, connection):
    run.venue.faults.record("overflow", connection=connection.name)
    if run.name == KALSHI:
        connection.overflowed()
    else:
        run.tasks.append(asyncio.create_task(connection.close(1011, "slow consumer")))


async def _put_in(run, word):
    """Let one fault of a connection happen now."""
    (connection,) = run.venue.connections
    faults = run.venue.faults
    before = faults.counts().get(word, 0)
    match word:
        case "disconnect":
            connection.disconnect()
        case "silence":
            connection.fall_silent()
        case "half_open":
            connection.freeze()
        case "overflow":
            _overflow(run, connection)
        case "huge":
            faults.force("huge")
        case _:
            faults.force(word)
            connection.abort()
    await until(lambda: faults.counts().get(word, 0) > before, f"{word} put in")
    frames = run.received.frames.copy()
    if word != "overflow" or run.name == POLYMARKET:
        await until(lambda: len(run.received.frames) > len(frames), f"a new connection after {word}")
    await run.recovers(word)


def test_broken_silent_and_refused_connections_are_rows_and_the_stream_comes_back(tmp_path):
    async def scenario(name):
        async with running(name, tmp_path, seed=fresh_seed(), silence=0.5) as run:
            await run.recovers("the start")
            for word in run.rng.sample(CONNECTION, len(CONNECTION)):
                await _put_in(run, word)
        assert_well(run)
        assert {row["kind"] for row in run.rows["stream_events"]} >= {"silence", "reconnect", "overflow"} - (
            {"overflow"} if name == POLYMARKET else set()
        )
        run.rows["stream_events"] = []
        assert any("disconnect" in complaint for complaint in check_faults(run))

    on_both_venues(scenario)


def test_a_first_book_that_never_comes_is_a_silence_and_is_asked_for(tmp_path):
    async def scenario(name):
        async with running(name, tmp_path, seed=fresh_seed()) as run:
            await run.recovers("the start")
            run.venue.faults.force("no_first_book", times=10 if name == POLYMARKET else 5)
            await run.reconnects()
            # Kalshi's changes bring nobody to ask for the book; the deadline of ten seconds does.
            run.truth.clock.ahead += timedelta(seconds=11)
            await run.recovers("the first books were withheld")
        assert run.venue.faults.counts()["no_first_book"] >= 5
        assert_well(run)
        silent = {row["market_id"] for row in run.rows["stream_events"] if row["kind"] == "silence"}
        assert silent == set(run.truth.states), run.seed
        run.rows["stream_events"] = []
        assert any("no_first_book" in complaint for complaint in check_faults(run))

    on_both_venues(scenario)


def test_failing_rest_answers_delay_a_stream_and_do_not_end_it(tmp_path):
    async def scenario(name):
        spec = ",".join(f"{word}=0.1" for word in HTTP)
        async with running(name, tmp_path, spec, seed=fresh_seed(), forced=HTTP) as run:
            # what makes Polymarket's stream ask the REST books
            run.venue.faults.force("no_first_book", times=10)
            await run.reconnects()
            run.truth.clock.ahead += timedelta(seconds=11)
            await run.recovers("the REST answers failed")
            await run.calm_down()
        assert len(set(HTTP) & set(run.venue.faults.counts())) >= 3, run.seed
        assert_well(run)

    on_both_venues(scenario)


def test_an_old_venue_clock_is_lag_and_no_row(tmp_path):
    async def scenario(name):
        async with running(name, tmp_path, "lag=2500ms", seed=fresh_seed()) as run:
            await run.recovers("the start")
        assert_none(check_clean(run), run)
        lags = [
            (row["received_at"] - row["exchange_time"]).total_seconds()
            for row in run.rows["book_snapshots"]
            if row["exchange_time"]
        ]
        assert min(lags) >= 2.4, run.seed

    on_both_venues(scenario)
