"""Dagster's view: the names operators bookmark, and every job, sensor and asset run against the simulators."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from arb_platform import pipeline
from arb_platform.definitions import defs
from arb_platform.defs import alerts, catalogue, keeper, matching, reports, streams
from arb_platform.defs.names import STREAM_TAG
from arb_platform.ingest.heartbeat import write_heartbeat
from arb_platform.ingest.lease import Lease
from arb_platform.reports.registry import REPORTS
from arb_platform.storage.ledger import LakeLedger
from arb_platform_tests.conftest import MARKETS
from arb_platform_tests.ingest.test_heartbeat import BEAT
from arb_platform_tests.storage.samples import call

# design.md, section 8.
JOBS = {"stream_order_books", "nightly_pair_revalidation", "refresh_markets", "maintain_lake"}
SENSORS = {"stream_keeper", "failed_run_alert", "llm_budget_alert", "stream_alert", "check_alert"}
SCHEDULES = {
    "nightly_pair_revalidation_schedule",
    "refresh_markets_schedule",
    "reports_schedule",
    "maintain_lake_schedule",
    "evaluate_gold_set_schedule",
}
# What is there without being made by a run; checks look at it.
WATCHED = {
    "live_streams": "streams",
    "lake": "maintenance",
    "language_models": "matching",
    "review_queue": "matching",
}
GROUPS = {
    "polymarket_markets": "catalogue", "kalshi_markets": "catalogue", "order_book_snapshots": "streams",
    "candidate_pairs": "matching", "pair_verdicts": "matching", "matched_pairs": "matching",
    "llm_cost_report": "reports", "latency_report": "reports", "continuity_report": "reports",
    "matching_report": "reports", "opportunities": "reports", "gold_set_evaluation": "matching",
    **WATCHED,
}  # fmt: skip
VENUES = ("polymarket", "kalshi")


@pytest.fixture(scope="module")
def repository():
    return defs.get_repository_def()


# Names


def test_the_definitions_can_be_loaded():
    dg.Definitions.validate_loadable(defs)


def test_the_names_of_the_contract_are_there(repository):
    assert {job.name for job in repository.get_all_jobs()} >= JOBS
    assert {sensor.name for sensor in repository.sensor_defs} >= SENSORS
    assert {schedule.name for schedule in repository.schedule_defs} == SCHEDULES


def test_every_asset_is_in_the_group_of_the_contract_and_says_what_it_is(repository):
    graph = repository.asset_graph
    assert {key.to_user_string(): graph.get(key).group_name for key in graph.get_all_asset_keys()} == GROUPS
    for key in graph.get_all_asset_keys():
        assert graph.get(key).description
        assert graph.get(key).owners


def test_every_registered_report_has_its_asset():
    assert len(reports.report_assets) == len(REPORTS)


def test_everything_that_runs_by_itself_is_on_and_explained(repository):
    for one in (*repository.sensor_defs, *repository.schedule_defs):
        assert one.default_status.value == "RUNNING", one.name
        assert one.description, one.name
    for job in repository.get_all_jobs():
        assert job.name.startswith("__") or job.description, job.name


def test_the_nightly_revalidation_is_at_half_past_two_in_new_york():
    nightly = matching.nightly_pair_revalidation_schedule
    assert (nightly.cron_schedule, nightly.execution_timezone) == ("30 2 * * *", "America/New_York")


def test_books_are_kept_by_venue_and_verdicts_come_one_run_at_a_time(repository):
    assert streams.venue_partitions.get_partition_keys() == list(VENUES)
    assert repository.asset_graph.get(dg.AssetKey("pair_verdicts")).pools == {"llm"}


def test_every_job_can_be_launched_without_writing_a_configuration(repository):
    for name in JOBS:
        job = repository.get_job(name)
        given = job.run_config or {}
        assert dg.validate_run_config(job, given), name


def test_a_run_configuration_without_sense_is_refused():
    config = {"ops": {"stream_order_book": {"config": {"venue": "binance"}}}}
    with pytest.raises(Exception, match=r"pattern|polymarket"):
        streams.StreamConfig(**config["ops"]["stream_order_book"]["config"])


# Assets, in the order of their graph


@pytest.fixture(scope="module")
def materialized(simulated, tmp_path_factory):
    """Every asset but the books, materialized once in an empty demo."""
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        for name, value in {**simulated, "ARB_DATA_DIR": str(tmp_path_factory.mktemp("assets"))}.items():
            patch.setenv(name, value)
        chosen = [
            catalogue.polymarket_markets, catalogue.kalshi_markets, matching.candidate_pairs, matching.pair_verdicts,
            matching.matched_pairs, *reports.report_assets,
        ]  # fmt: skip
        yield dg.materialize([*chosen, streams.order_book_snapshots], instance=instance, selection=chosen)


def metadata(result, asset):
    return {
        name: value.value for name, value in result.asset_materializations_for_node(asset)[0].metadata.items()
    }


def test_every_asset_materializes_in_an_empty_demo(materialized):
    assert materialized.success
    made = {event.asset_key.to_user_string() for event in materialized.get_asset_materialization_events()}
    assert made == set(GROUPS) - set(WATCHED) - {"order_book_snapshots", "gold_set_evaluation"}


@pytest.mark.parametrize("venue", VENUES)
def test_a_listing_tells_how_many_markets_and_that_it_is_whole(materialized, venue):
    told = metadata(materialized, f"{venue}_markets")
    assert told["dagster/row_count"] == told["new"] == MARKETS
    checks = {one.check_name: one.passed for one in materialized.get_asset_check_evaluations()}
    assert checks["listing_is_complete"]


def test_the_pairs_tell_what_they_cost_and_that_the_budget_held(materialized):
    told = metadata(materialized, "pair_verdicts")
    assert told["asked"] > 0
    assert told["accepted"] > 0
    assert told["cost_usd"] > 0
    assert told["waiting_for_a_person"] == told["for_review"]
    assert ("| Polymarket | Kalshi |" in told["review_queue"]) == (told["for_review"] > 0)
    assert metadata(materialized, "matched_pairs")["dagster/row_count"] == told["accepted"]
    assert "| score | Polymarket | Kalshi |" in metadata(materialized, "candidate_pairs")["best"]
    checks = {one.check_name: one.passed for one in materialized.get_asset_check_evaluations()}
    assert checks["answers_came"]
    assert checks["within_budget"]


@pytest.mark.parametrize("name", [name for name, group in GROUPS.items() if group == "reports"])
def test_a_report_has_a_headline_a_table_and_a_picture(materialized, name):
    told = metadata(materialized, name)
    assert told["headline"]
    assert "data:image/png;base64," in told["chart"]
    assert told["sql"].startswith("SELECT * FROM lake.report_")


def test_an_accepted_pair_that_settled_in_two_ways_fails_the_check(environment, copied, instance):
    lake_of = copied()
    environment(lake_of.data_dir)
    with pipeline.open_writer(lake_of) as lake, lake.transaction() as connection:
        one = "(SELECT min(polymarket_id) FROM matched_pairs)"
        other = (
            f"(SELECT min(kalshi_id) FROM matched_pairs WHERE polymarket_id = {one} AND orientation = 'same')"
        )
        connection.execute(
            f"UPDATE market_versions SET result = 'Yes', status = 'closed' WHERE market_id = {one}"
        )
        connection.execute(
            f"UPDATE market_versions SET result = 'no', status = 'settled' WHERE market_id = {other}"
        )
    done = dg.materialize(
        [matching.matched_pairs], instance=instance, selection=["matched_pairs"], raise_on_error=False
    )
    (check,) = done.get_asset_check_evaluations()
    assert (check.check_name, check.passed, check.blocking) == ("settled_alike", False, True)


@pytest.mark.parametrize("mode", matching.ValidationMode)
def test_a_dry_run_asks_nothing(environment, worked, instance, mode):
    environment(worked.settings.data_dir)
    config = dg.RunConfig(ops={"pair_verdicts": matching.ValidationConfig(dry_run=True, mode=mode)})
    result = dg.materialize(
        [matching.pair_verdicts], instance=instance, run_config=config, selection=["pair_verdicts"]
    )
    told = metadata(result, "pair_verdicts")
    assert (told["dry_run"], told["to_ask"]) == (True, 0)


def test_an_asset_that_cannot_be_made_fails_with_the_sentence_of_the_command_line(environment, instance):
    result = dg.materialize(
        [matching.candidate_pairs], instance=instance, raise_on_error=False, selection=["candidate_pairs"]
    )
    assert not result.success
    (failure,) = result.get_step_failure_events()
    assert "arb markets polymarket" in str(failure.event_specific_data.error)


def test_maintenance_is_a_job_that_tells_what_it_did(environment, copied, instance):
    environment(copied().data_dir)
    result = defs.resolve_job_def("maintain_lake").execute_in_process(instance=instance)
    assert result.success


# Streams


def test_a_stream_runs_for_its_seconds_and_tells_what_landed(environment, copied, instance):
    environment(copied().data_dir)
    config = dg.RunConfig(ops={"stream_order_book": streams.StreamConfig(venue="kalshi", seconds=5)})
    result = defs.resolve_job_def("stream_order_books").execute_in_process(
        instance=instance, run_config=config
    )
    assert result.success
    event = instance.get_latest_materialization_event(dg.AssetKey("order_book_snapshots"))
    landed = event.asset_materialization
    assert landed.partition == "kalshi"
    assert landed.metadata["rows_in_the_lake"].value > 0
    assert landed.metadata["books"].value == f"{MARKETS} of {MARKETS}"


def keep(instance, cursor=None):
    """One look of stream_keeper: the runs it asks for, why not, and its memory."""
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    result = keeper.stream_keeper(context)
    return (
        result.run_requests or [],
        str(result.skip_reason and result.skip_reason.skip_message),
        result.cursor,
    )


def in_progress(instance, venue, status=dg.DagsterRunStatus.STARTED):
    """A run of ``venue`` that the instance believes to be under way."""
    return instance.create_run_for_job(
        defs.resolve_job_def("stream_order_books"), tags={STREAM_TAG: venue}, status=status
    )


def test_an_empty_instance_gets_one_run_for_each_venue(environment, instance):
    requests, _, _ = keep(instance)
    assert [request.tags[STREAM_TAG] for request in requests] == list(VENUES)
    for request, venue in zip(requests, VENUES, strict=True):
        assert request.run_config["ops"]["stream_order_book"]["config"]["venue"] == venue
        assert dg.validate_run_config(streams.stream_order_books, request.run_config)


def test_a_venue_that_a_live_process_streams_is_left_alone(environment, instance, tmp_path):
    with Lease(tmp_path / "demo", "kalshi"):
        requests, _, cursor = keep(instance)
        assert [request.tags[STREAM_TAG] for request in requests] == ["polymarket"]
        _, why, _ = keep(instance, cursor)
        assert "kalshi: streaming" in why


def test_a_run_that_is_starting_is_waited_for(environment, instance):
    _, _, cursor = keep(instance)
    for venue in VENUES:
        in_progress(instance, venue, dg.DagsterRunStatus.STARTING)
    requests, why, _ = keep(instance, cursor)
    assert requests == []
    assert why == "polymarket: starting; kalshi: starting"


def earlier(cursor, seconds):
    """The keeper's memory as if it had launched so many seconds earlier."""
    state = json.loads(cursor)
    for memory in state.values():
        memory["launched_at"] -= seconds
    return json.dumps(state)


def looked_earlier(cursor, seconds):
    """The keeper's memory as if its last look had been so many seconds earlier."""
    state = json.loads(cursor)
    for memory in state.values():
        memory["looked_at"] -= seconds
    return json.dumps(state)


@pytest.fixture
def an_hour_later(monkeypatch):
    """The keeper's clock, put on by an hour when this is called."""
    return lambda: monkeypatch.setattr(pipeline, "now", lambda: datetime.now(UTC) + timedelta(hours=1))


def test_a_run_whose_process_is_gone_is_marked_as_failed_and_replaced(environment, instance, an_hour_later):
    _, _, cursor = keep(instance)
    run = in_progress(instance, "kalshi")
    an_hour_later()
    looks = 0
    while instance.get_run_by_id(run.run_id).status != dg.DagsterRunStatus.FAILURE:
        requests, _, cursor = keep(instance, looked_earlier(cursor, 10))
        assert "kalshi" not in [request.tags[STREAM_TAG] for request in requests]
        looks += 1
        assert looks < 20
    assert looks > 10  # a look counts for ten seconds at most: the machine may have slept for that hour
    requests, _, _ = keep(instance, cursor)
    assert "kalshi" in [request.tags[STREAM_TAG] for request in requests]


def test_a_run_in_the_queue_is_waited_for_as_long_as_it_takes(environment, instance, an_hour_later):
    # a QUEUED run needs a code location behind it; the keeper sees both as waiting
    status = dg.DagsterRunStatus.NOT_STARTED
    _, _, cursor = keep(instance)
    run = in_progress(instance, "kalshi", status)
    an_hour_later()
    requests, why, _ = keep(instance, cursor)
    assert "kalshi" not in [request.tags[STREAM_TAG] for request in requests]
    assert instance.get_run_by_id(run.run_id).status == status, why


def test_a_keeper_that_lost_its_memory_waits_for_a_run_that_has_just_begun(environment, instance):
    run = in_progress(instance, "kalshi", dg.DagsterRunStatus.STARTING)
    requests, _, _ = keep(instance, cursor=None)
    assert [request.tags[STREAM_TAG] for request in requests] == ["polymarket"]
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.STARTING


def test_a_run_that_was_killed_after_its_first_words_is_not_waited_for_a_minute(
    environment, instance, tmp_path
):
    _, _, cursor = keep(instance)
    run = in_progress(instance, "kalshi")
    cursor = earlier(cursor, 30)
    beat = replace(BEAT, run_id=run.run_id, at=datetime.now(UTC) - timedelta(seconds=10))
    write_heartbeat(tmp_path / "demo", beat)
    keep(instance, cursor)
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE


def test_a_venue_that_dies_young_is_tried_again_ever_later(environment, instance):
    _, _, cursor = keep(instance)
    requests, why, cursor = keep(instance, cursor)
    assert requests == []
    assert why == "polymarket: back off; kalshi: back off"
    waits, keys = [], set()
    for _ in range(8):
        waits.append(json.loads(cursor)["kalshi"]["backoff_seconds"])
        requests, _, cursor = keep(instance, earlier(cursor, waits[-1]))
        assert len(requests) == 2
        keys |= {request.run_key for request in requests}
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300]
    assert len(keys) == 16  # a used key would be skipped for ever


def test_a_stream_that_lived_starts_without_a_wait_next_time(environment, instance, tmp_path):
    _, _, cursor = keep(instance)
    with Lease(tmp_path / "demo", "kalshi"):
        _, _, cursor = keep(instance, earlier(cursor, 3600))
    assert json.loads(cursor)["kalshi"]["backoff_seconds"] == 0
    requests, _, _ = keep(instance, cursor)
    assert "kalshi" in [request.tags[STREAM_TAG] for request in requests]


@pytest.mark.parametrize("cursor", ["{", "[]", '{"kalshi": {"backoff": 5.0}}', '{"kalshi": 3}'])
def test_the_memory_of_an_older_program_is_forgotten(environment, instance, cursor):
    requests, _, _ = keep(instance, cursor)
    assert len(requests) == 2


# Alerts


def watch_budget(instance, cursor=None):
    result = alerts.llm_budget_alert(dg.build_sensor_context(instance=instance, cursor=cursor))
    return str(result.skip_reason.skip_message), result.cursor


def test_the_budget_alert_waits_for_a_lake(environment, instance):
    assert "no lake" in watch_budget(instance)[0]


def test_the_budget_alert_reads_the_ledger_and_tells_each_thing_once_a_day(environment, copied, instance):
    environment(copied().data_dir)
    with pipeline.open_writer(copied()) as lake, LakeLedger(lake) as ledger:
        ledger.write(call("dear", at=datetime.now(UTC), cost="9.5"))
    said, cursor = watch_budget(instance)
    assert "$9.5" in said
    assert "budget-0.8" in json.loads(cursor)["incidents"]
    assert "budget-1" not in json.loads(cursor)["incidents"]
    assert watch_budget(instance, cursor)[1] == cursor
    of_an_older_program = json.dumps({"day": "2020-01-01", "told": ["budget-0.8", "budget-1"]})
    assert set(json.loads(watch_budget(instance, of_an_older_program)[1])["incidents"]) == set(
        json.loads(cursor)["incidents"]
    )
