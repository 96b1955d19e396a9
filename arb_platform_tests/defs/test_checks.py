"""The checks as Dagster shows them: one definition each, looked at without a run, told when they change."""

import re
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

import arb_platform
from arb_platform import pipeline
from arb_platform.definitions import defs
from arb_platform.defs import checks, looks
from arb_platform.ingest.heartbeat import write_heartbeat
from arb_platform.pipeline.checks import CHECKS, evaluate
from arb_platform.settings import load_settings
from arb_platform_tests.ingest.test_heartbeat import BEAT

README = Path(arb_platform.__file__).parents[1] / "README.md"
# Issue 7, point 3, in its order.
ASKED_FOR = {
    "freshness": ("polymarket_books_are_fresh", "kalshi_books_are_fresh"), "gap rate": ("gap_rate_is_low",),
    "trusted books": ("books_are_trusted",), "silence": ("no_stream_is_silent",), "crossed": ("books_are_not_crossed",),
    "quarantine rate": ("quarantine_rate_is_low",), "clock skew": ("clocks_agree",), "latency": ("latency_is_within_200_ms",),
    "spool depth": ("spool_is_drained",), "promotion lag": ("promotion_is_prompt",),
    "duplicates in the ledger": ("segments_landed_once", "calls_are_counted_once"), "lake files": ("lake_has_few_files",),
    "listing": ("listing_is_complete",), "recall": ("candidate_recall_holds",), "verdict failures": ("answers_came", "calls_succeed"),
    "contradictions": ("judgements_agree",), "budget": ("within_budget",), "fallback share": ("fallback_is_rare",),
    "cache hit rate": ("verdicts_are_reused",), "price table": ("price_table_is_young", "prices_are_known"),
    "retirement": ("models_stay",), "settled disagreements": ("settled_alike",), "review queue": ("review_queue_is_young",),
    "disk": ("disk_has_room",), "heartbeat": ("heartbeats_are_young",), "schema": ("schema_is_current",),
}  # fmt: skip


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def root(monkeypatch, tmp_path):
    """The data folder of an operator who has not started anything yet."""
    monkeypatch.setenv("ARB_DATA_DIR", str(tmp_path))
    return load_settings().root


@pytest.fixture
def few(monkeypatch):
    """Some of the checks: a report of each costs more than asking it."""
    names = {"heartbeats_are_young", "no_segment_is_torn", "disk_has_room", "gap_rate_is_low"}
    chosen = [check for check in CHECKS if check.name in names]
    monkeypatch.setattr(looks, "CHECKS", chosen)
    return chosen


def look(instance, cursor=None):
    """One look of the sensor, kept as the daemon keeps it: what it reported, what it said of the rest, its memory."""
    result = looks.platform_checks_sensor(dg.build_sensor_context(instance=instance, cursor=cursor))
    for event in result.asset_events:
        instance.report_runless_asset_event(event)
    said = result.skip_reason
    told = {event.check_name: event for event in result.asset_events}
    return told, getattr(said, "skip_message", said), result.cursor


def hung(root):
    """A stream that said its last word an hour ago."""
    root.mkdir(parents=True, exist_ok=True)
    write_heartbeat(root, BEAT)


def test_every_check_that_was_asked_for_is_there():
    names = {check.name for check in CHECKS}
    assert len(names) >= 25
    assert {name for asked in ASKED_FOR.values() for name in asked} <= names


def test_every_check_is_an_asset_check_with_its_severity_and_what_to_do(root):
    graph = defs.get_repository_def().asset_graph
    found = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys}
    assert found == {(check.asset, check.name) for check in CHECKS}
    for key in graph.asset_check_keys:
        spec = graph.get(key)
        assert spec.description.startswith("Passes when ")
        assert " If not: " in spec.description
    assert [key.name for key in graph.asset_check_keys if graph.get(key).blocking] == ["settled_alike"]


def test_the_first_look_reports_every_check_and_the_next_one_nothing(root, instance):
    told, said, _ = look(instance)
    assert set(told) == {check.name for check in CHECKS}
    assert all(event.passed for event in told.values()), "an empty folder is no alarm"
    assert said.startswith("0 of ")
    assert look(instance)[0] == {}
    assert not instance.get_runs(), "a look starts no run"


def test_a_check_that_turns_red_is_told_at_once_and_once_and_told_when_it_is_green_again(root, few, instance):
    look(instance)
    hung(root)
    told, said, _ = look(instance)
    (event,) = told.values()
    assert (event.check_name, event.passed, event.severity) == (
        "heartbeats_are_young", False, dg.AssetCheckSeverity.ERROR,
    )  # fmt: skip
    assert "kalshi (shard 0) has stopped" in event.description
    assert event.metadata["state"].value == "failed"
    assert said == f"1 of {len(few)} checks not in order: live_streams/heartbeats_are_young"
    assert look(instance)[0] == {}
    (root / "streams" / "kalshi-0.json").unlink()
    told, _, _ = look(instance)
    assert [(event.check_name, event.passed) for event in told.values()] == [("heartbeats_are_young", True)]


def test_between_two_looks_only_errors_are_looked_at_and_warnings_stand(root, few, instance, monkeypatch):
    asked = []
    monkeypatch.setattr(
        checks, "evaluate", lambda check, sight: asked.append(check.name) or evaluate(check, sight)
    )
    _, _, cursor = look(instance)
    assert len(asked) == len(few)
    asked.clear()
    hung(root)
    _, said, again = look(instance, cursor)
    assert (asked, said[:5]) == ([], "0 of ")
    later = pipeline.now() + looks.FIRST_LOOK
    monkeypatch.setattr(pipeline, "now", lambda: later)
    torn = root / "spool" / "torn" / "x.parquet"
    torn.parent.mkdir(parents=True)
    torn.touch()
    _, _, cursor = look(instance, again)
    assert len(asked) == len(few)
    asked.clear()
    (root / "streams" / "kalshi-0.json").unlink()
    told, said, _ = look(instance, cursor)
    assert asked == ["heartbeats_are_young"]
    assert told["heartbeats_are_young"].passed
    assert said == f"1 of {len(few)} checks not in order: lake/no_segment_is_torn"


def test_what_a_busy_machine_has_no_time_for_is_asked_first_the_next_time(root, few, instance, monkeypatch):
    monkeypatch.setattr(looks, "LOOK_SECONDS", 0.0)
    told, _, cursor = look(instance)
    assert list(told) == [few[0].name]
    told, _, cursor = look(instance, cursor)
    assert list(told) == [few[1].name]
    monkeypatch.setattr(looks, "LOOK_SECONDS", 20.0)
    told, _, cursor = look(instance, cursor)
    assert set(told) == {check.name for check in few[2:]}
    assert look(instance, cursor)[0] == {}


MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        (None, looks.FIRST_LOOK),  # the first look ever
        (-MINUTE, looks.LOOK),  # due a minute ago, as usual
        (-60 * MINUTE, looks.FIRST_LOOK),  # the machine slept, or nothing ran
        (3 * MINUTE, 3 * MINUTE),  # not due yet
        (60 * MINUTE, looks.FIRST_LOOK),  # a clock that was set back
    ],
)
def test_everything_is_looked_at_each_five_minutes_and_soon_again_after_a_pause(due, expected):
    now = pipeline.now()
    assert looks._next(looks._Memory(None if due is None else now + due), now) == now + expected


@pytest.mark.parametrize("cursor", ["", "[]", "3", "{}", '{"due": 1, "wrong": 2, "left": 3}', "not json"])
def test_a_memory_that_makes_no_sense_is_forgotten(cursor):
    assert looks._Memory.of(cursor) == looks._Memory()


def test_a_look_corrects_what_a_run_left_behind(root, instance):
    hung(root)
    done = defs.resolve_job_def("platform_checks").execute_in_process(instance=instance)
    assert done.success
    red = {one.check_name for one in done.get_asset_check_evaluations() if not one.passed}
    assert red == {"heartbeats_are_young"}
    (root / "streams" / "kalshi-0.json").unlink()
    told, _, _ = look(instance)
    assert told["heartbeats_are_young"].passed
    assert "gap_rate_is_low" not in told, "what the run said still holds"


def test_a_check_that_a_run_is_at_is_left_to_it_unless_it_never_answers(root, instance, monkeypatch):
    planned = {check.name for check in CHECKS} & {key.name for key in checks.watched_checks.check_keys}
    instance.create_run_for_job(defs.resolve_job_def("platform_checks"))
    told, _, _ = look(instance)
    assert set(told) == {check.name for check in CHECKS} - planned
    later = pipeline.now() + looks.LOOK + timedelta(seconds=5)
    monkeypatch.setattr(pipeline, "now", lambda: later)
    assert set(look(instance)[0]) == planned


def test_the_same_answer_is_told_again_after_six_hours(root, few, instance, monkeypatch):
    look(instance)
    later = pipeline.now() + timedelta(hours=6, minutes=1)
    monkeypatch.setattr(pipeline, "now", lambda: later)
    assert set(look(instance)[0]) == {check.name for check in few}


def test_one_check_can_be_executed_alone(root, instance):
    key = dg.AssetCheckKey(dg.AssetKey("lake"), "disk_has_room")
    done = dg.materialize(
        [*checks.watched_things, checks.watched_checks], instance=instance, selection=dg.AssetSelection.checks(key)
    )  # fmt: skip
    assert [one.check_name for one in done.get_asset_check_evaluations()] == ["disk_has_room"]


def test_an_asset_check_is_alone_where_runs_make_the_asset(root):
    """A run of an asset takes along every check of it, and each costs kilobytes in the log: only its own may."""
    made = {key.asset_key.to_user_string() for key in checks.watched_checks.check_keys}
    assert made == {one.key.to_user_string() for one in checks.watched_things}


def test_the_gold_set_is_measured_as_an_asset_with_its_check(root, instance, monkeypatch, tmp_path):
    part = tmp_path / checks.GOLD.name
    part.write_text("".join(checks.GOLD.read_text().splitlines(keepends=True)[:40]))
    monkeypatch.setattr(checks, "GOLD", part)
    done = dg.materialize([checks.gold_set_evaluation], instance=instance)
    (evaluation,) = done.get_asset_check_evaluations()
    assert (evaluation.check_name, evaluation.passed) == ("candidate_recall_holds", True)
    assert evaluation.metadata["recall"].value >= 0.99


# The README


def rows_of(markdown):
    """The rows of the table of checks: name, asset, severity, meaning, remedy."""
    section = markdown.partition("\n## Checks\n")[2].partition("\n## ")[0]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in section.splitlines() if line.startswith("| `")]
    return [tuple(cell.strip() for cell in row) for row in cells]


def expected_rows():
    return [(f"`{check.name}`", f"`{check.asset}`", check.severity + (", blocks" if check.blocking else ""), check.means, check.remedy) for check in CHECKS]  # fmt: skip


def test_the_table_of_the_readme_is_that_of_the_program():
    assert rows_of(README.read_text()) == expected_rows()


def test_a_check_that_the_readme_does_not_know_would_be_noticed():
    name, *rest = expected_rows()[0]
    row = f"| {name} | {' | '.join(rest)} |"
    assert rows_of(f"\n## Checks\n| check | of |\n|---|---|\n{row}\n\n## Next\n| `other` |") == [
        expected_rows()[0]
    ]
    assert rows_of(f"\n## Checks\n{row.replace('error', 'warn')}\n") != [expected_rows()[0]]
