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
from arb_platform_tests.faults.losses import check_losses, losses, wrong_rows
from arb_platform_tests.faults.runs import RATE, fresh_seed, on_both_venues, running, until

NOISE = ("duplicate", "truncate", "garbage", "unknown", "nonsense", "skew", "crossed", "legacy")
POLYMARKETS_OWN = ("tick_size",)
LOSSES = ("drop", "gap", "reorder")
CONNECTION = ("disconnect", "silence", "half_open", "overflow", "early_close", "refuse", "huge")
HTTP = ("http429", "http500", "http_garbage", "http_cut", "retry_after")
ALONE = ("no_first_book", "no_snapshot", "lag")
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


def test_markets_are_dropped_and_added_while_the_stream_goes_on(tmp_path):
    async def scenario(name):
        async with running(name, tmp_path, seed=fresh_seed()) as run:
            await run.recovers("the start")
            back, gone, *_ = run.truth.states
            await run.adapter.unfollow([back, gone])
            dropped_at = run.truth.clock()
            await run.recovers("two were dropped")
            assert len(run.adapter.markets) == len(run.truth.states) - 2
            added_at = run.truth.clock()
            await run.adapter.follow([back])
            await run.recovers("one was added")
            assert run.adapter.reconnections == 0
        assert_none(check_clean(run), run)
        shown = {
            market: [row["received_at"] for row in run.rows["book_snapshots"] if row["market_id"] == market]
            for market in (back, gone)
        }
        assert max(shown[gone]) < dropped_at
        assert not any(dropped_at < at < added_at for at in shown[back])
        assert max(shown[back]) > added_at
        del run.truth.states[gone]
        run.rows["books_trusted"] = [row for row in run.rows["books_trusted"] if row["market_id"] != gone]
        assert_well(run)

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
        if name == POLYMARKET:
            assert_none(check_losses(run), run)
        kinds = {row["kind"] for row in run.rows["stream_events"]}
        assert kinds & {"gap", "resync"}, run.seed
        if name == KALSHI:
            run.rows["stream_events"] = [row for row in run.rows["stream_events"] if row["kind"] != "gap"][:1]
            assert check_faults(run)

    on_both_venues(scenario)


async def _minutes_of_checks(name, root, spec, *, rate, until_contradicted):
    """A run in which minutes are over in seconds and no whole book follows a trade; the REST books do all the finding."""
    seed = fresh_seed()
    async with running(name, root, spec, seed=seed, rate=rate, silence=600.0, hurry=100.0) as run:
        run.venue.refreshes = False
        if until_contradicted:
            feeds = [shard.feed for shard in run.adapter._shards]
            await run.has_injected(LOSSES, 2)
            await until(lambda: any(feed.contradicted for feed in feeds), "a REST book that contradicts ours")
        await run.has_checked_books(2)
        await run.calm_down()
        await run.has_checked_books(2)
    return run


def test_what_polymarket_lost_below_its_top_is_found_by_rest_books_and_was_not_trusted(tmp_path):
    async def scenario():
        spec = "drop=0.06,gap=0.02,reorder=0.04"
        run = await _minutes_of_checks(POLYMARKET, tmp_path, spec, rate=80.0, until_contradicted=True)
        assert_well(run, losses=True)
        assert_none(check_losses(run), run)
        all_losses = list(losses(run))
        found = [loss for loss in all_losses if loss.seen_at is not None]
        wrong = sum(len(wrong_rows(run, loss)) for loss in all_losses)
        print(
            f"seed {run.seed}: {len(all_losses)} levels lost, {len(found)} of them found by REST books, the others told "
            f"again before; {wrong} of {len(run.rows['books_trusted'])} trusted rows show one of those"
        )
        # and the check does see what is wrong
        gaps = [row for row in run.rows["stream_events"] if row["kind"] == "gap"]
        run.rows["stream_events"] = [row for row in run.rows["stream_events"] if row["kind"] == "resync"]
        assert found, run.seed
        assert any("no row" in complaint for complaint in check_losses(run))
        assert any("two REST books" in row["detail"] for row in gaps)

    asyncio.run(scenario())


def test_rest_books_of_a_good_day_contradict_nothing(tmp_path):
    async def scenario():
        run = await _minutes_of_checks(POLYMARKET, tmp_path, "", rate=RATE, until_contradicted=False)
        assert_none(check_clean(run), run)
        assert all(len(checks) >= 4 for checks in run.received.checks.values())

    asyncio.run(scenario())


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
    # Taken before: the new connection may be there sooner than we look whether the fault was put in.
    connections = len(run.received.frames)
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
    if word != "overflow" or run.name == POLYMARKET:
        await until(lambda: len(run.received.frames) > connections, f"a new connection after {word}")
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


def test_a_book_that_kalshi_does_not_heal_in_five_seconds_costs_the_connection(tmp_path):
    async def scenario():
        async with running(KALSHI, tmp_path, seed=fresh_seed()) as run:
            await run.recovers("the start")
            run.venue.faults.force("no_snapshot", times=len(run.truth.states))
            run.venue.faults.force("drop")
            await run.has_injected(("no_snapshot",), len(run.truth.states))
            run.truth.clock.ahead += timedelta(seconds=6)
            await until(lambda: run.adapter.reconnections, "a new connection")
            await run.recovers("no snapshot came")
        assert_well(run)
        (reconnect,) = [row for row in run.rows["stream_events"] if row["kind"] == "reconnect"]
        assert "was not healed within 5 s" in reconnect["detail"]
        run.rows["stream_events"] = []
        assert any("no_snapshot" in complaint for complaint in check_faults(run))

    asyncio.run(scenario())


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
