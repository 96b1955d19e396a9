import json
import os
import subprocess
import sys
import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest

from arb_platform.domain.errors import StorageError
from arb_platform.storage.ledger import LakeLedger
from arb_platform.storage.pairs import load_verdicts
from arb_platform_tests.storage.address import word
from arb_platform_tests.storage.samples import NOON, call, pair, verdict

DYING = """
import os, sys
from arb_platform.storage.lake import *
from arb_platform.storage.ledger import LakeLedger
from arb_platform_tests.storage.address import location_of
from arb_platform_tests.storage.samples import call
with Lake.open(location_of(sys.argv[1])) as lake:
    ledger = LakeLedger(lake)
    ledger.write(call("a", cost="0.5"))
    ledger.write(call("b", "started", cost=None))
    print("written", flush=True)
    if sys.argv[2] == "die":
        os._exit(9)
    sys.stdin.read()
    ledger.close()
"""


def other_process(location, what):
    return subprocess.Popen(
        [sys.executable, "-c", DYING, word(location), what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def stored(lake):
    return lake.query("SELECT call_id, status, cost_usd FROM llm_calls ORDER BY 1").rows()


def test_a_call_is_spent_before_it_is_in_the_lake_and_counted_once_after(lake):
    ledger = LakeLedger(lake)
    ledger.write(call("a", "started", cost=None))
    ledger.write(call("a", cost="0.25"))
    assert (stored(lake), ledger.spent_usd(NOON)) == ([], Decimal("0.25"))
    assert ledger.flush() == 1
    assert stored(lake) == [("a", "ok", Decimal("0.25"))]
    assert ledger.spent_usd(NOON) == Decimal("0.25")
    assert (ledger.flush(), list(ledger.directory.glob("*.jsonl"))) == (0, [])


def test_only_the_utc_day_counts_and_unknown_costs_are_not_zero_but_missing(lake):
    ledger = LakeLedger(lake)
    ledger.write(call("yesterday", at=NOON - timedelta(hours=12, seconds=1), cost="8"))
    ledger.write(call("today", cost="1"))
    ledger.write(call("unknown", cost=None))
    for _ in range(2):
        assert ledger.spent_usd(NOON) == 1
        assert ledger.spent_usd(NOON - timedelta(days=1)) == 8
        assert ledger.spent_usd(NOON + timedelta(days=1)) == 0
        ledger.flush()


def test_every_field_of_a_call_reaches_the_lake(lake):
    full = call(
        "a", "http_error", cost="0.000000000000499", pair_hash="p", latency_ms=12.5, http_status=503, prompt_tokens=9, cached_tokens=4,
        completion_tokens=1, price_version="2026-11", error="bad \ud800 gateway",
    )  # fmt: skip
    with LakeLedger(lake) as ledger:
        ledger.write(full)
    row = lake.query("SELECT * FROM llm_calls").row(0, named=True)
    assert (row["started_at"], row["cost_usd"], row["error"]) == (NOON, Decimal("0E-12"), "bad � gateway")
    for name in ("run_id", "pair_hash", "provider", "model", "attempt", "status", "latency_ms", "http_status", "prompt_tokens", "cached_tokens", "completion_tokens", "price_version", "fallback"):  # fmt: skip
        assert row[name] == getattr(full, name), name


def test_what_a_dead_process_wrote_is_counted_and_drained_by_the_next(lake, location):
    with other_process(location, "die") as process:
        process.communicate(timeout=60)
    assert process.returncode == 9
    assert stored(lake) == []
    ledger = LakeLedger(lake)
    assert stored(lake) == [("a", "ok", Decimal("0.5")), ("b", "started", None)]
    assert ledger.spent_usd(NOON) == Decimal("0.5")


def test_a_living_process_keeps_its_journal_and_its_spending_is_ours_too(lake, location):
    ledger = LakeLedger(lake)
    ledger.write(call("mine", cost="0.25"))
    with other_process(location, "live") as process:
        assert process.stdout.readline() == "written\n"
        assert ledger.spent_usd(NOON) == Decimal("0.75")
        assert ledger.drain() == 0
        process.communicate("", timeout=60)
    assert ledger.spent_usd(NOON) == Decimal("0.75")
    ledger.flush()
    assert ledger.spent_usd(NOON) == Decimal("0.75")
    assert len(stored(lake)) == 3


def test_a_start_that_is_merged_after_the_end_does_not_take_it_back(lake):
    ledger = LakeLedger(lake)
    for one in (call("a", cost="1"), call("a", "started", cost=None)):
        ledger.write(one)
        ledger.flush()
    assert stored(lake) == [("a", "ok", Decimal(1))]


def test_a_torn_last_line_was_never_acknowledged_and_a_damaged_one_is_kept_aside(lake):
    ledger = LakeLedger(lake)
    ledger.write(call("a", cost="1"))
    [journal] = ledger.directory.glob("*.jsonl")
    content = journal.read_bytes()
    ledger.flush()
    dead = ledger.directory / "1-dead.jsonl"
    dead.write_bytes(content + b'{"call_id": "tor')
    assert LakeLedger(lake).spent_usd(NOON) == 1
    assert not (ledger.directory.parent / "torn").exists()
    dead.write_bytes(b"\xff\x00 damaged\n" + content.replace(b'"a"', b'"b"'))
    assert LakeLedger(lake).spent_usd(NOON) == 2
    assert (ledger.directory.parent / "torn" / dead.name).read_bytes().startswith(b"\xff")


def test_threads_write_whole_lines_while_another_flushes(lake):
    ledger = LakeLedger(lake)

    def write(thread):
        for n in range(25):
            ledger.write(call(f"{thread}-{n}", cost="0.01"))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        ledger.flush()
    ledger.flush()
    assert (len(stored(lake)), ledger.spent_usd(NOON)) == (100, Decimal("1.00"))


def test_a_full_disk_leaves_whole_lines_only(lake, monkeypatch):
    ledger = LakeLedger(lake)
    ledger.write(call("a", cost="1"))

    def half(descriptor, content):
        os.write(descriptor, content[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("arb_platform.storage.journal.write_all", half)
        with pytest.raises(StorageError, match="free some space"):
            ledger.write(call("b", cost="1"))
    ledger.write(call("c", cost="1"))
    assert ledger.spent_usd(NOON) == 2
    ledger.flush()
    assert [row[0] for row in stored(lake)] == ["a", "c"]


def test_the_budget_question_is_quick_and_asks_the_lake_only_when_something_was_merged(lake, monkeypatch):
    ledger = LakeLedger(lake)
    ledger.spent_usd(NOON)
    asked = []
    query = lake.query
    monkeypatch.setattr(lake, "query", lambda *arguments: asked.append(1) or query(*arguments))
    began = time.perf_counter()
    for n in range(50):
        ledger.write(call(f"{n}", cost="0.01"))
        assert ledger.spent_usd(NOON) == Decimal("0.01") * (n + 1)
    print(f"write and ask: {(time.perf_counter() - began) * 20:.2f} ms each")
    assert asked == []
    ledger.flush()
    assert ledger.spent_usd(NOON) == Decimal("0.50")
    assert asked == [1]
    other = LakeLedger(lake)  # begins and is merged between two of our questions
    other.write(call("other", cost="1"))
    other.flush()
    assert ledger.spent_usd(NOON) == Decimal("1.50")


def test_others_write_while_a_merge_is_under_way_and_the_budget_sees_every_dollar_all_the_time(lake):
    ledger = LakeLedger(lake)
    seen, stop = [], threading.Event()

    def watch():
        while not stop.is_set():
            seen.append(ledger.spent_usd(NOON))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for n in range(60):
        ledger.note(call(f"{n}", cost="0.01"))
        if n % 12 == 11:
            ledger.flush()
    stop.set()
    watcher.join(30)
    assert seen == sorted(seen)
    assert (ledger.spent_usd(NOON), len(stored(lake))) == (Decimal("0.60"), 60)


def test_verdicts_and_the_calls_they_came_from_reach_the_lake_together_also_from_a_dead_process(lake):
    ledger = LakeLedger(lake)
    judged = [verdict(pair(n)) for n in (1, 2)]
    ledger.note(call("a", "started", cost=None))
    ledger.keep_verdicts(judged, [call("a", cost="0.5")])
    assert (stored(lake), load_verdicts(lake), ledger.unsynced) == ([], [], False)
    [journal] = ledger.directory.glob("*.jsonl")
    copy = journal.read_bytes()
    ledger.flush()
    assert {one.pair_hash for one in load_verdicts(lake)} == {one.pair_hash for one in judged}
    assert load_verdicts(lake)[0] in judged
    # the same once more, as after a crash between the commit and the removal of the file
    (ledger.directory / "1-dead.jsonl").write_bytes(copy)
    LakeLedger(lake).close()
    assert (len(load_verdicts(lake, history=True)), stored(lake)) == (2, [("a", "ok", Decimal("0.5"))])


def test_a_journal_of_an_older_program_is_read(lake):
    ledger = LakeLedger(lake)
    ledger.write(call("a", cost="1"))
    [journal] = ledger.directory.glob("*.jsonl")
    old = {name: value for name, value in json.loads(journal.read_text()).items() if name != "batch_id"}
    ledger.flush()
    (ledger.directory / "1-dead.jsonl").write_text(json.dumps({**old, "call_id": "b"}) + "\n")
    LakeLedger(lake)
    assert [row[0] for row in stored(lake)] == ["a", "b"]
    assert not (ledger.directory.parent / "torn").exists()
