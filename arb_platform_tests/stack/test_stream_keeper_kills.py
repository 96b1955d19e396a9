"""One whole `arb up`, whose processes are killed: streams are there again in time, with one writer and no row lost.

Each test waits until both venues are streamed, so they can run alone and in any order. Run with `-s` it prints
the seconds it saw.
"""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from arb_platform.ingest.heartbeat import read_heartbeat
from arb_platform.ingest.lease import holder_of
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.supervise import graphql
from arb_platform.supervise.processes import free_port

VENUES = ("polymarket", "kalshi")
PATIENCE = 200.0
RUN_SECONDS, EVERYTHING_SECONDS, TERMINATE_SECONDS = 20.0, 45.0, 5.0
pytestmark = pytest.mark.timeout(300)

STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
LAUNCH = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""


@dataclass
class Stack:
    """One `arb up` in a folder of its own."""

    data: Path
    port: int
    process: subprocess.Popen | None = None
    seen: dict[str, float] = field(default_factory=dict)

    @property
    def root(self):
        return self.data / "demo"

    def start(self):
        with (self.data / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "arb_platform.cli", "up", "--profile", "demo", "--port", str(self.port)],
                env={**os.environ, "ARB_DATA_DIR": str(self.data), "ARB_STREAM_HOURS": "0"},
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def children(self):
        """Command line by pid of what `arb up` started, and of what that started."""
        parents = {pid: parent for pid, parent in map(parent_of, pids()) if parent}
        ours = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
            ours |= more
        return {pid: command_of(pid) for pid in ours - {self.process.pid}}

    def child(self, word):
        (pid,) = [
            pid
            for pid, command in self.children().items()
            if word in command and parent_of(pid)[1] == self.process.pid
        ]
        return pid

    def streaming(self, venue, *, but=None, patience=PATIENCE):
        """Wait until a process other than ``but`` streams ``venue``; its holder."""

        def there():
            holder, beat = holder_of(self.root, venue), read_heartbeat(self.root, venue)
            if holder is None or beat is None or holder.pid == but or beat.pid != holder.pid:
                return None
            fresh = (datetime.now(UTC) - beat.at).total_seconds() < 3
            return holder if fresh and beat.connected and beat.promoted_rows > 10 else None

        return self.until(there, f"{venue} is streamed", patience)

    def until(self, condition, what, patience):
        deadline = time.monotonic() + patience
        while not (found := condition()):
            assert time.monotonic() < deadline, (
                f"after {patience:.0f} s still not: {what}\n{(self.data / 'up.log').read_text()[-1500:]}"
            )
            time.sleep(0.05)
        return found

    def status(self, run_id):
        with contextlib.suppress(Exception):  # the web server may be busy with a code server that died
            return graphql.ask(self.port, STATUS, id=run_id)["runOrError"].get("status")
        return None

    def launch(self, tags=(), **config):
        selector = {"repositoryLocationName": "arb_platform", "repositoryName": "__repository__", "jobName": "stream_order_books"}  # fmt: skip
        params = {
            "selector": selector, "mode": "default", "executionMetadata": {"tags": [{"key": k, "value": v} for k, v in tags]},
            "runConfigData": json.dumps({"ops": {"stream_order_book": {"config": config}}}),
        }  # fmt: skip
        done = graphql.ask(self.port, LAUNCH, params=params)["launchRun"]
        assert done["__typename"] == "LaunchRunSuccess", done
        return done["run"]["runId"]

    def ask(self, sql, *parameters):
        with Lake.open(LakeLocation.local(self.root), read_only=True) as lake:
            return lake.query(sql, list(parameters)).rows()

    def say(self, what, since, limit=None):
        """Print the seconds and hold them against ``limit``; a machine busy with other things gets as much more."""
        seconds, busy = time.monotonic() - since, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1) - 1)
        self.seen[what] = seconds
        print(
            f"{what}: {seconds:.1f} s" + (f" (the machine is {busy:.1f} times too busy)" if busy > 1 else "")
        )
        assert limit is None or seconds <= limit * busy, what


def pids():
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def parent_of(pid):
    with contextlib.suppress(OSError, IndexError):
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
        return pid, int(parent) if state != "Z" else 0
    return pid, 0


def command_of(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def kill(*victims):
    for pid in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return time.monotonic()


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    one = Stack(tmp_path_factory.mktemp("kills"), free_port())
    one.start()
    try:
        yield one
    finally:
        one.process.send_signal(signal.SIGINT)
        try:
            one.process.wait(60)
        except subprocess.TimeoutExpired:
            kill(*one.children(), one.process.pid)
        print({what: round(seconds, 1) for what, seconds in one.seen.items()})


@pytest.fixture
def both(stack):
    """Who streams each venue now."""
    return {venue: stack.streaming(venue) for venue in VENUES}


@pytest.fixture(autouse=True)
def one_writer_and_nothing_twice(stack):
    """After each test: what one connection landed lies wholly before or after what the next one of its socket landed."""
    yield
    landed = stack.ask(
        """SELECT s.venue, s.shard, b.session_id, min(b.landed_at), max(b.landed_at) FROM book_snapshots b
           JOIN stream_sessions s USING (session_id) GROUP BY ALL ORDER BY s.venue, s.shard, min(b.landed_at)"""
    )
    for (venue, shard, _, _, last), (after_venue, after_shard, _, first, _) in itertools.pairwise(landed):
        assert (venue, shard) != (after_venue, after_shard) or last < first, f"two writers of {venue}"
    assert stack.ask("SELECT count(*) FROM (SELECT session_id, market_id, sequence FROM book_snapshots GROUP BY ALL HAVING count(*) > 1)") == [(0,)]  # fmt: skip


def test_a_run_that_is_killed_is_replaced_in_time_and_the_other_is_not_disturbed(stack, both):
    killed = kill(both["kalshi"].pid)
    after = stack.streaming("kalshi", but=both["kalshi"].pid)
    stack.say("kill -9 of a run to streaming again", killed, RUN_SECONDS)
    assert after.generation == both["kalshi"].generation + 1
    assert holder_of(stack.root, "polymarket") == both["polymarket"]
    assert stack.status(both["kalshi"].owner) == "FAILURE"


def test_streams_outlive_their_code_server_and_daemon_and_can_still_be_terminated(stack, both):
    server, daemon = stack.child("code_server"), stack.child("dagster-daemon")
    killed = kill(server, daemon)
    stack.until(lambda: {server, daemon}.isdisjoint(stack.children()), "they are gone", 10)
    note = stack.root / "streams" / "keeper.json"
    stack.until(lambda: note.stat().st_mtime > time.time() - 2 and len(stack.children()) >= 8 and time.monotonic() - killed > 3, "the keeper looks again", PATIENCE)  # fmt: skip
    stack.say("kill -9 of code server and daemon to the keeper's next look", killed)
    assert {venue: holder_of(stack.root, venue) for venue in VENUES} == both
    run = both["kalshi"].owner
    asked = time.monotonic()
    with contextlib.suppress(Exception):  # Dagster answers with an error: nobody knows the run's process
        graphql.terminate_runs(stack.port, [run])
    stack.until(
        lambda: getattr(holder_of(stack.root, "kalshi"), "owner", "") != run, "the orphan lets go", PATIENCE
    )
    stack.say("terminate of an orphan to its end", asked)
    stack.streaming("kalshi", but=both["kalshi"].pid)


def test_a_terminated_run_lands_what_it_has_and_is_canceled_in_time(stack, both):
    run, before = both["polymarket"].owner, datetime.now(UTC)
    asked = time.monotonic()
    graphql.terminate_runs(stack.port, [run])
    stack.until(lambda: stack.status(run) == "CANCELED", "the run is canceled", PATIENCE)
    stack.say("terminate to CANCELED", asked, TERMINATE_SECONDS)
    # what the closed connections had brought is in the lake, to the last snapshot
    stack.streaming("polymarket", but=both["polymarket"].pid)
    ended = stack.ask(
        """SELECT s.snapshots, (SELECT count(*) FROM book_snapshots b WHERE b.session_id = s.session_id) FROM stream_sessions s
           WHERE s.venue = 'polymarket' AND s.reason = 'closed by us' AND s.ended_at >= ?""",
        before,
    )
    assert ended
    assert all(brought == landed for brought, landed in ended), ended


def test_a_run_launched_by_hand_beside_the_keepers_says_that_there_is_nothing_to_do(stack, both):
    run = stack.launch(venue="polymarket")
    stack.until(lambda: stack.status(run) in {"SUCCESS", "FAILURE"}, "it has ended", PATIENCE)
    assert stack.status(run) == "SUCCESS"
    assert holder_of(stack.root, "polymarket") == both["polymarket"]


def test_a_renewed_run_takes_over_without_a_gap(stack, both):
    before = both["kalshi"]
    events = stack.ask("SELECT count(*) FROM stream_events WHERE venue = 'kalshi'")
    asked = time.monotonic()
    run = stack.launch(tags=[("arb/stream", "kalshi-renewed")], venue="kalshi", renew=True)
    stack.until(
        lambda: getattr(holder_of(stack.root, "kalshi"), "owner", "") == run,
        "the new run holds the lease",
        PATIENCE,
    )
    stack.say("launch of a renewal to its lease", asked)
    after = stack.streaming("kalshi", but=before.pid)
    assert after.generation == before.generation + 1
    stack.until(lambda: stack.status(before.owner) == "SUCCESS", "the old run ends well", PATIENCE)
    handed = stack.ask(
        """SELECT o.session_id AS old, o.ended_at, n.session_id AS new, n.connected_at FROM stream_sessions o
           JOIN stream_sessions n ON n.reconnect_of = o.session_id WHERE o.reason = ?""",
        f"handed over to run {run}",
    )
    assert handed, stack.ask("SELECT * FROM stream_sessions WHERE venue = 'kalshi' ORDER BY connected_at")
    assert all(began < ended for _, ended, _, began in handed)  # they streamed side by side
    old, _, new, _ = handed[0]
    assert stack.ask("SELECT count(*) FROM stream_events WHERE venue = 'kalshi'") == events
    # what both saw is there once: by the venue's clock the new one begins where the old one ended
    doubles = stack.ask(
        """SELECT count(*) FROM book_snapshots a JOIN book_snapshots b USING (market_id, exchange_time, bid1_px, ask1_px, bid1_sz, ask1_sz)
           WHERE a.session_id = ? AND b.session_id = ? AND a.exchange_time IS NOT NULL
             AND a.bid2_sz IS NOT DISTINCT FROM b.bid2_sz AND a.ask2_sz IS NOT DISTINCT FROM b.ask2_sz
             AND a.bid3_sz IS NOT DISTINCT FROM b.bid3_sz AND a.ask3_sz IS NOT DISTINCT FROM b.ask3_sz""",
        old,
        new,
    )
    assert doubles == [(0,)]


def test_everything_that_is_killed_at_once_streams_again_in_time(stack, both):
    acknowledged = stack.ask("SELECT count(*) FROM book_snapshots")
    killed = kill(stack.process.pid, *stack.children())
    stack.process.wait()
    stack.start()
    for venue in VENUES:
        stack.streaming(venue, but=both[venue].pid)
    stack.say("kill -9 of everything to streaming again", killed, EVERYTHING_SECONDS)
    assert stack.ask("SELECT count(*) FROM book_snapshots") >= acknowledged
