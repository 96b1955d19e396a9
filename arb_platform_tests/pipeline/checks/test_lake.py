"""Each check of the lake, the spool and the disk, seen red and seen green."""

import shutil
from datetime import timedelta

import polars as pl
import pytest

from arb_platform import api
from arb_platform.pipeline.checks import CHECKS, evaluate, lake, sight_of
from arb_platform.storage.lake import Lake
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.schema import SCHEMA_VERSION
from arb_platform.storage.spool import Spool
from arb_platform_tests.pipeline.checks.conftest import green, open_question, red
from arb_platform_tests.storage import samples


@pytest.fixture
def copied(world, empty_lake):
    """A lake of one's own below the settings' folder, to be spoilt."""
    shutil.copytree(empty_lake, world.settings.root)
    return world


def seen(world, name):
    """The answer of a check that opens the lake by itself, as the command and the sensor do."""
    (check,) = (one for one in CHECKS if one.name == name)
    with sight_of(world.settings, world.now) as sight:
        return evaluate(check, sight)


def test_a_lake_that_can_be_read_and_has_our_schema_is_in_order(copied):
    green(seen(copied, "lake_can_be_read"))
    green(seen(copied, "schema_is_current"), str(SCHEMA_VERSION))


def test_a_lake_whose_catalogue_is_no_database_cannot_be_read(copied):
    api.lake_location(copied.settings).catalog_file.write_bytes(b"not a database" * 1000)
    red(seen(copied, "lake_can_be_read"), "backup")
    open_question(seen(copied, "gap_rate_is_low"), "cannot be read")


@pytest.mark.parametrize(("version", "words"), [(SCHEMA_VERSION + 1, "newer"), (SCHEMA_VERSION - 1, "arb maintain")])  # fmt: skip
def test_a_lake_of_another_program_is_told(copied, version, words):
    with Lake.open(api.lake_location(copied.settings)) as writer, writer.transaction() as connection:
        connection.execute("UPDATE schema_version SET version = $1 WHERE version = $2", [version, SCHEMA_VERSION])  # fmt: skip
        connection.execute("DELETE FROM schema_version WHERE version < $1", [version])
    red(seen(copied, "schema_is_current"), words)
    assert seen(copied, "lake_can_be_read").state == "passed"


def test_a_disk_with_room_is_in_order(world):
    green(world.ask("disk_has_room"), "GiB are free")


def test_a_disk_that_is_nearly_full_is_an_alarm(world, monkeypatch):
    free = shutil.disk_usage(world.settings.root.parent).free
    monkeypatch.setattr(lake, "LOW_DISK_BYTES", 2 * free)  # no test fills the machine's disk
    red(world.ask("disk_has_room"), "ARB_RETENTION_DAYS")


def spooled(world, segments, *, age):
    at = world.ago(seconds=age)
    spool = Spool(world.root, clock=lambda: at)
    rows = samples.rows(1, at=at, session=f"s-{world.now.timestamp()}")
    for _ in range(segments):
        spool.write("kalshi", "book_snapshots", rows)
    return spool


def test_a_few_segments_in_the_spool_are_on_their_way(world):
    spooled(world, 3, age=2)
    green(world.ask("spool_is_drained"), "3 segments")
    green(world.ask("promotion_is_prompt"), "2.0 s")


def test_a_spool_that_nobody_empties_is_an_alarm(world, monkeypatch):
    monkeypatch.setattr(lake, "SPOOLED_SEGMENTS", 2)
    spooled(world, 3, age=300)
    red(world.ask("spool_is_drained"), "3 segments wait", "5 min", "running stream")


def test_a_segment_that_waits_for_a_minute_shows_that_promotion_lags(world):
    spooled(world, 1, age=61)
    red(world.ask("promotion_is_prompt"), "61 s", "arb maintain")


@pytest.mark.parametrize(("lag", "expected"), [(5, green), (90, red)])
def test_promotion_is_judged_by_what_was_promoted_too(world, lag, expected):
    spool = spooled(world, 1, age=600)
    Promoter(world.lake, spool, clock=lambda: world.ago(seconds=600 - lag)).promote()
    expected(world.ask("promotion_is_prompt"), str(lag))


def test_a_spool_without_torn_segments_is_in_order(world):
    spooled(world, 1, age=1)
    green(world.ask("no_segment_is_torn"))


def test_a_torn_segment_is_told_until_somebody_takes_it_away(world):
    spool = spooled(world, 1, age=1)
    (segment,), _ = spool.pending()
    segment.path.write_bytes(segment.path.read_bytes()[:-9])
    Promoter(world.lake, spool).promote()
    red(world.ask("no_segment_is_torn"), "1 files", "quarantine")
    shutil.rmtree(spool.directory / "torn")
    green(world.ask("no_segment_is_torn"))


def test_a_segment_that_was_promoted_once_is_in_the_ledger_once(world):
    Promoter(world.lake, spooled(world, 2, age=1), clock=lambda: world.now).promote()
    green(world.ask("segments_landed_once"))


def test_a_segment_that_is_in_the_ledger_twice_is_an_alarm(copied):
    spool = Spool(copied.root, clock=lambda: copied.ago(seconds=1))
    spool.write("kalshi", "book_snapshots", samples.rows(1))
    with Lake.open(api.lake_location(copied.settings)) as writer:
        Promoter(writer, spool, clock=lambda: copied.now).promote()
        last = writer.query("SELECT * FROM ingest_segments ORDER BY landed_at DESC LIMIT 1")
        writer.append("ingest_segments", last)
    red(seen(copied, "segments_landed_once"), "1 segments", "report it")


def test_a_lake_of_a_few_hundred_files_is_small(world):
    green(world.ask("lake_has_few_files"), "files")


def test_a_lake_that_nobody_maintains_is_told(world, monkeypatch):
    world.lake.append("listings", pl.DataFrame({"listing_id": ["a file"], "ended_at": [world.ago(days=9)]}))
    monkeypatch.setattr(lake, "LAKE_FILES", 0)
    red(world.ask("lake_has_few_files"), "maintain_lake_schedule", "arb maintain")


# Nothing there yet


def test_no_check_is_an_alarm_before_there_is_a_lake(world):
    with sight_of(world.settings, world.now) as sight:
        answers = {check.key: evaluate(check, sight) for check in CHECKS}
    assert all(answer.passed for answer in answers.values())
    for name in ("gap_rate_is_low", "latency_is_within_200_ms", "kalshi_books_are_fresh"):
        open_question(answers[f"live_streams/{name}"], "no lake yet")
    open_question(answers["lake/lake_can_be_read"], "arb up")


def test_no_check_is_an_alarm_on_a_lake_without_rows(copied):
    with sight_of(copied.settings, copied.now) as sight:
        answers = {check.key: evaluate(check, sight) for check in CHECKS}
    for answer in answers.values():
        assert answer.passed, answer
        assert answer.sentence
    for key, words in {
        "live_streams/kalshi_books_are_fresh": "no snapshots of kalshi yet",
        "kalshi_markets/listing_is_complete": "arb markets kalshi",
        "pair_verdicts/answers_came": "arb validate",
        "gold_set_evaluation/candidate_recall_holds": "arb evaluate",
    }.items():
        open_question(answers[key], words)


def test_a_check_of_rows_from_the_future_of_a_clock_that_was_set_back_looks_at_the_past_only(world):
    later = world.now + timedelta(hours=1)
    world.write("book_snapshots", [(samples.snapshot(at=later), later)])
    assert world.ask("books_are_not_crossed").state == "unknown"
