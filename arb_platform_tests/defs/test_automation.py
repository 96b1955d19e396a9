"""What starts by itself and what does not: conditions without a storm, and reports when there is something to report."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from arb_platform.definitions import defs
from arb_platform.defs import reports
from arb_platform.ingest.heartbeat import write_heartbeat
from arb_platform_tests.defs.test_definitions import VENUES
from arb_platform_tests.ingest.test_heartbeat import BEAT

# Dagster evaluates conditions of a whole selection with a word of its own that it calls beta.
pytestmark = pytest.mark.filterwarnings("ignore::dagster_shared.utils.warnings.BetaWarning")

LISTINGS = {"polymarket_markets", "kalshi_markets"}
FOLLOWERS = {"candidate_pairs", "pair_verdicts", "matched_pairs"}
STREAMED = "order_book_snapshots"
GRAPH = defs.resolve_asset_graph()
MADE = {key.to_user_string() for key in GRAPH.get_all_asset_keys() if GRAPH.get(key).automation_condition}
REPORTS = {name for name in MADE if GRAPH.get(dg.AssetKey(name)).group_name == "reports"}


def make(instance, *names):
    for name in names:
        for partition in VENUES if name == STREAMED else [None]:
            instance.report_runless_asset_event(dg.AssetMaterialization(name, partition=partition))


def look(instance, cursor=None):
    """One tick of the automation sensor: the assets it would make, and its memory."""
    result = dg.evaluate_automation_conditions(defs=defs, instance=instance, cursor=cursor)
    return {name for name in MADE if result.get_num_requested(dg.AssetKey(name))}, result.cursor


def test_an_empty_instance_fills_itself_from_the_listings_on_and_then_rests(instance):
    wanted, cursor = look(instance)
    assert wanted >= LISTINGS
    assert not wanted & REPORTS, "pairs and streams come first"
    make(instance, *wanted, STREAMED)
    rounds = []
    for _ in range(5):
        more, cursor = look(instance, cursor)
        make(instance, *more)
        rounds += [more] if more else []
    assert wanted.union(*rounds) == MADE
    assert rounds[-1] == REPORTS, "in one run"
    assert look(instance, cursor)[0] == set()


@pytest.fixture
def filled(instance):
    """An instance in which everything was made once, in order: (instance, the sensor's memory)."""
    make(instance, *LISTINGS, STREAMED, "candidate_pairs", "pair_verdicts", "matched_pairs", *REPORTS)
    _, cursor = look(instance)
    return instance, look(instance, cursor)[1]


def test_a_new_listing_is_followed_by_candidates_verdicts_and_pairs_once_and_by_no_report(filled):
    instance, cursor = filled
    make(instance, *LISTINGS)
    wanted, cursor = look(instance, cursor)
    assert wanted == FOLLOWERS
    make(instance, "candidate_pairs", "pair_verdicts", "matched_pairs")
    assert look(instance, cursor)[0] == set()


def test_what_the_streams_bring_starts_nothing(filled):
    instance, cursor = filled
    for _ in range(2):
        make(instance, STREAMED)
        wanted, cursor = look(instance, cursor)
        assert wanted == set()


# Reports


@pytest.fixture
def kept(tmp_path_factory):
    """A schedule opens its instance anew, so it has to be on a disk."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("home"))) as local:
        yield local


def tick(instance, at):
    return reports.reports_schedule(dg.build_schedule_context(instance=instance, scheduled_execution_time=at))


def ran(instance, tags):
    job = defs.resolve_job_def("compute_reports")
    return instance.create_run_for_job(job, status=dg.DagsterRunStatus.SUCCESS, tags=tags)


def recorded(root, rows):
    write_heartbeat(root, replace(BEAT, venue="kalshi", promoted_rows=rows))


def test_reports_come_every_quarter_while_much_is_recorded_and_every_hour_while_little_is(
    environment,
    kept,
    tmp_path,
):
    root, now = tmp_path / "demo", datetime.now(UTC)
    recorded(root, 1_000)
    first = tick(kept, now)
    assert isinstance(first, dg.RunRequest), "the first one at once"
    ran(kept, first.tags)
    quarter, hour = now + timedelta(minutes=15), now + timedelta(minutes=60)
    recorded(root, 1_010)
    assert isinstance(tick(kept, quarter), dg.SkipReason)
    assert isinstance(tick(kept, hour), dg.RunRequest)
    recorded(root, 1_100)
    assert isinstance(tick(kept, quarter), dg.RunRequest)
    recorded(root, 5)
    assert isinstance(tick(kept, quarter), dg.RunRequest), "a stream that began anew counts anew"


def test_a_run_that_somebody_launched_does_not_hold_the_next_one_up(environment, kept, tmp_path):
    recorded(tmp_path / "demo", 1_000)
    ran(kept, {})
    assert isinstance(tick(kept, datetime.now(UTC)), dg.RunRequest)
