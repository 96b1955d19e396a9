"""Alerts as they arrive: a real HTTP server on loopback is the channel, each incident seen red and green."""

import json
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dagster as dg
import pytest

from arb_platform import pipeline
from arb_platform.defs import alerts
from arb_platform.defs.channels import channels_of
from arb_platform.defs.decisions import Memory
from arb_platform.defs.incidents import dump, follow, load
from arb_platform.defs.names import STREAM_JOB, STREAM_TAG
from arb_platform.defs.stream_health import Health, look, wrong
from arb_platform.domain.errors import SettingsError
from arb_platform.ingest.heartbeat import write_heartbeat
from arb_platform.ingest.lease import Lease
from arb_platform.settings import load_settings
from arb_platform.storage.ledger import LakeLedger
from arb_platform_tests.ingest.test_heartbeat import BEAT
from arb_platform_tests.storage.samples import call

TOKEN = "sesame-token-4711"


class Mailbox:
    """What was told; ``open`` False makes it answer 503."""

    def __init__(self):
        self.open = True
        self.told = []
        box = self

        class Post(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if box.open:
                    box.told.append((body["type"], body["message"]))
                self.send_response(200 if box.open else 503)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Post)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self):
        return f"json://ann:{TOKEN}@127.0.0.1:{self.server.server_address[1]}/{TOKEN}"

    @property
    def kinds(self):
        return [kind for kind, _ in self.told]

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@contextmanager
def mailboxes(count):
    boxes = [Mailbox() for _ in range(count)]
    try:
        yield boxes
    finally:
        for box in boxes:
            box.close()


@pytest.fixture
def box(monkeypatch, tmp_path):
    """A channel of the alerts of this process, and an empty data folder."""
    monkeypatch.setenv("ARB_DATA_DIR", str(tmp_path))
    with mailboxes(1) as (one,):
        monkeypatch.setenv("ARB_ALERT_URLS", one.url)
        yield one


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


class Looking:
    """A sensor that is looked at again and again, its cursor kept as Dagster keeps it."""

    def __init__(self, sensor, instance, **context):
        self._sensor, self._instance, self._context = sensor, instance, context
        self.cursor = None

    def __call__(self, times=1):
        for _ in range(times):
            result = self._sensor(
                dg.build_sensor_context(instance=self._instance, cursor=self.cursor, **self._context)
            )
            self.cursor = result.cursor
            assert TOKEN not in self.cursor
            said = result.skip_reason.skip_message
        return said


# Incidents and channels


def test_an_incident_is_one_message_however_often_it_is_seen_and_one_when_it_is_over():
    with mailboxes(1) as (box,):
        channels = channels_of(load_settings(ARB_ALERT_URLS=box.url)).usable
        incidents, said = {}, []

        def see(found, now):
            # as after a restart: what is known comes from the cursor
            known, _ = load(dump(incidents))
            return follow(known, found, now=now, channels=channels, log=said.append)

        for now in range(0, 300, 10):
            incidents = see({"down:kalshi": f"kalshi is down, look {now}"}, now)
        assert box.told == [("failure", "kalshi is down, look 0")]
        incidents = see({}, 300)
        incidents = see({"down:kalshi": "down again"}, 330)  # it was not over
        assert len(box.told) == 1
        incidents = see({}, 340)
        assert len(box.told) == 1
        incidents = see({}, 400)
        assert box.told[1:] == [("success", "over after 6 min: down again")]
        assert incidents == {}
        assert see({}, 500) == {}
        assert see({"down:kalshi": "new"}, 600)
        assert box.kinds == ["failure", "success", "failure"]
        assert len(said) == 3  # the log is a channel too


def test_a_channel_that_was_down_is_told_once_it_is_back_and_the_other_is_not_told_twice():
    with mailboxes(2) as (good, bad):
        bad.open = False
        channels = channels_of(load_settings(ARB_ALERT_URLS=f"{good.url}, {bad.url}")).usable
        incidents = {}
        for now in range(3):
            incidents = follow(incidents, {"a": "it broke"}, now=now, channels=channels, log=len)
        assert (good.kinds, bad.kinds) == (["failure"], [])
        bad.open = True
        incidents = follow(incidents, {"a": "it broke"}, now=5, channels=channels, log=len)
        assert (good.kinds, bad.kinds) == (["failure"], ["failure"])
        good.open = False
        incidents = follow(incidents, {}, now=6, channels=channels, log=len, quiet_seconds=0)
        assert (good.kinds, bad.kinds) == (["failure"], ["failure", "success"])
        good.open = True
        incidents = follow(incidents, {}, now=7, channels=channels, log=len, quiet_seconds=0)
        assert (good.kinds, bad.kinds, incidents) == (["failure", "success"], ["failure", "success"], {})


def test_an_address_that_is_none_is_one_sentence_without_the_address(caplog, capfd):
    settings = load_settings(ARB_ALERT_URLS=f"nonsense://{TOKEN}, json://127.0.0.1:1/{TOKEN}?a=1,2")
    channels = channels_of(settings)
    assert [channel.name.partition("-")[0] for channel in channels.usable] == ["json"]
    (complaint,) = channels.complaints
    assert complaint.startswith("address 1 of 2 in ARB_ALERT_URLS")
    assert not channels.usable[0].tell("t", "nobody listens on port 1", True)
    said = capfd.readouterr()
    assert TOKEN not in f"{complaint}{channels}{settings}{caplog.text}{said.out}{said.err}"
    assert channels_of(load_settings()).usable == ()


@pytest.mark.parametrize("cursor", [None, "", "{", "[]", "3", '{"incidents": {"a": 3}}', '{"incidents": {"a": {"text": "x"}}}'])  # fmt: skip
def test_a_cursor_nobody_can_read_is_forgotten(cursor):
    assert load(cursor)[0] == {}


# Runs


@dg.op(config_schema={"fails": bool})
def work(context):
    if context.op_config["fails"]:
        raise SettingsError("the venue lists nothing; try later.")


@dg.job
def refresh():
    work()


def ran(instance, *, fails):
    config = {"ops": {"work": {"config": {"fails": fails}}}}
    refresh.execute_in_process(instance=instance, run_config=config, raise_on_error=False)


def test_a_job_that_fails_is_one_incident_until_it_succeeds(box, instance):
    looked = Looking(alerts.failed_run_alert, instance)
    assert looked() == "no job fails"
    ran(instance, fails=False)
    looked()
    assert box.told == []
    for _ in range(3):
        ran(instance, fails=True)
        assert "a run of refresh failed: the venue lists nothing; try later." in looked(2)
    ran(instance, fails=False)
    assert looked(2) == "no job fails"
    assert box.kinds == ["failure", "success"]
    assert box.told[1][1].startswith("over after")


def made(instance, *assets, fails=False):
    """A run of these assets, of which the last one may fail."""

    def work_of(name):
        def make():
            if fails and name == assets[-1]:
                raise ValueError("no listing yet")

        return dg.asset(name=name)(make)

    job = dg.Definitions(
        assets=[work_of(name) for name in ("listing", "pairs", "other")]
    ).resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey(name) for name in assets]
    job.execute_in_process(instance=instance, asset_selection=keys, raise_on_error=False)


def test_assets_that_could_not_be_made_are_over_when_each_was_made(box, instance):
    looked = Looking(alerts.failed_run_alert, instance)
    looked()
    made(instance, "listing", "pairs", fails=True)
    assert "a run (listing, pairs) failed: ValueError: no listing yet" in looked()
    made(instance, "listing")
    looked()
    assert box.kinds == ["failure"]
    made(instance, "pairs", "other")
    looked()
    assert box.kinds == ["failure", "success"]


def test_a_stream_that_died_is_over_when_another_has_streamed_for_a_minute(box, instance, tmp_path):
    looked = Looking(alerts.failed_run_alert, instance)
    looked()

    @dg.job(name=STREAM_JOB)
    def stream():
        pass

    failed = instance.create_run_for_job(
        stream, status=dg.DagsterRunStatus.STARTED, tags={STREAM_TAG: "kalshi-renewed"}
    )
    instance.report_run_failed(failed, "killed")
    assert f"a run of {STREAM_JOB} of kalshi failed" in looked(2)
    now = datetime.now(UTC)
    with Lease(tmp_path / "demo", "kalshi"):
        write_heartbeat(tmp_path / "demo", replace(BEAT, at=now, started_at=now))
        looked()
        assert box.kinds == ["failure"]
        earlier = json.loads(looked.cursor)
        earlier["failed_at"] = {key: at - 120 for key, at in earlier["failed_at"].items()}
        looked.cursor = json.dumps(earlier)
        write_heartbeat(tmp_path / "demo", replace(BEAT, at=now, started_at=now - timedelta(seconds=61)))
        looked()
    assert box.kinds == ["failure", "success"]


# Checks


def definitions_with(passed, severity=dg.AssetCheckSeverity.ERROR):
    @dg.asset
    def books():
        pass

    @dg.asset_check(asset=books, blocking=severity == dg.AssetCheckSeverity.ERROR)
    def fresh():
        return dg.AssetCheckResult(passed=passed, severity=severity, description="books are 9 min old")

    return dg.Definitions(assets=[books], asset_checks=[fresh])


def evaluated(instance, definitions):
    job = definitions.resolve_implicit_global_asset_job_def()
    job.execute_in_process(instance=instance, raise_on_error=False)


def test_a_check_that_fails_is_one_message_and_one_when_it_passes(box, instance):
    looked = Looking(alerts.check_alert, instance, definitions=definitions_with(passed=True))
    assert looked() == "1 checks, none of severity ERROR fails"
    for _ in range(2):
        evaluated(instance, definitions_with(passed=False))
        looked(2)
    assert box.told == [
        ("failure", "the check fresh of books fails and what follows it waits: books are 9 min old")
    ]
    evaluated(instance, definitions_with(passed=True))
    looked(2)
    assert box.kinds == ["failure", "success"]


def test_a_check_that_only_warns_is_left_to_the_ui(box, instance):
    warns = definitions_with(passed=False, severity=dg.AssetCheckSeverity.WARN)
    evaluated(instance, warns)
    Looking(alerts.check_alert, instance, definitions=warns)(2)
    assert box.told == []


# Streams


def keeper_looked(root, **memory):
    note = {"at": datetime.now(UTC).isoformat(), "venues": {venue: {**memory} for venue in ("polymarket", "kalshi")}}  # fmt: skip
    (root / "streams").mkdir(parents=True, exist_ok=True)
    (root / "streams" / "keeper.json").write_text(json.dumps(note))


def test_a_venue_that_is_not_streamed_for_a_minute_is_told_with_what_the_keeper_tries(
    box, instance, tmp_path
):
    root = tmp_path / "demo"
    looked = Looking(alerts.stream_alert, instance)
    assert "stream_keeper is off" in looked(20)
    keeper_looked(root, young_deaths=4, backoff_seconds=80.0)
    looked(5)
    assert box.told == []
    looked(3)
    assert sorted(text for _, text in box.told) == [
        f"{venue} is not being streamed; 4 runs in a row died at once, the next one is tried 80 s after the last"
        for venue in ("kalshi", "polymarket")
    ]
    with Lease(root, "kalshi"), Lease(root, "polymarket"):
        for venue in ("kalshi", "polymarket"):
            write_heartbeat(
                root, replace(BEAT, venue=venue, at=datetime.now(UTC), connected=True, trouble="")
            )
        assert looked() == "every venue is streamed"
        assert box.kinds == ["failure"] * 2
        earlier = json.loads(looked.cursor)
        for incident in earlier["incidents"].values():
            incident["gone"] -= 60
        looked.cursor = json.dumps(earlier)
        looked()
    assert box.kinds == ["failure"] * 2 + ["success"] * 2


LIVE = replace(BEAT, connected=True, trouble="")


@pytest.mark.parametrize(
    ("beats", "keys"),
    [
        ([LIVE] * 12, set()),
        ([LIVE] * 13, {"silence:kalshi"}),
        ([LIVE] * 12 + [replace(LIVE, snapshots=LIVE.snapshots + 1)], set()),
        ([LIVE] * 12 + [replace(LIVE, run_id="renewed")], set()),
        ([replace(LIVE, connected=False)] * 5, set()),
        ([replace(LIVE, connected=False)] * 6, {"down:kalshi"}),
        ([None] * 6, {"down:kalshi"}),
        ([None] * 6 + [LIVE], set()),
        ([replace(LIVE, trouble="the disk is full")], {"trouble:kalshi"}),
    ],
)
def test_silence_and_outages_are_counted_in_looks(beats, keys):
    health = Health()
    for beat in beats:
        health = look(health, beat, fresh=beat is not None, elapsed=10)
    assert set(wrong("kalshi", health, Memory(), silence_seconds=120)) == keys


# Money


def test_a_budget_that_runs_out_is_told_once_and_over_with_the_day(
    box, copied, instance, simulated, monkeypatch
):
    for name, value in {**simulated, "ARB_DATA_DIR": str(copied().data_dir)}.items():
        monkeypatch.setenv(name, value)
    with pipeline.open_writer(copied()) as lake, LakeLedger(lake) as ledger:
        ledger.write(call("dear", at=datetime.now(UTC), cost="9.5"))
    looked = Looking(alerts.llm_budget_alert, instance)
    looked(3)
    budget = [kind for kind, text in box.told if "for language models is spent" in text]
    assert budget == ["failure"]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    monkeypatch.setattr(pipeline, "now", lambda: tomorrow)
    looked()
    monkeypatch.setattr(pipeline, "now", lambda: tomorrow + timedelta(minutes=2))
    looked(2)
    budget = [kind for kind, text in box.told if "for language models is spent" in text]
    assert budget == ["failure", "success"]
