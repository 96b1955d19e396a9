import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from arb_platform.domain.errors import DiskFull, LakeUnavailable, StorageError
from arb_platform.storage.attach import connect, extension_file, load_statements
from arb_platform.storage.lake import Lake, LakeLocation, storage_error, transient
from arb_platform.storage.schema import SCHEMA_VERSION
from arb_platform_tests.storage.samples import NOON


def reviews(*hashes, **columns):
    return pl.DataFrame({"pair_hash": list(hashes), **columns})


def test_rows_are_appended_by_name_and_what_is_missing_is_null(lake):
    lake.append("reviews", reviews("a", reason=["x"]))
    lake.append("reviews", reviews())
    assert lake.query("SELECT pair_hash, reason, reviewer FROM reviews").rows() == [("a", "x", None)]


def test_a_merge_updates_by_key_inserts_the_rest_and_keeps_columns_it_does_not_name(lake):
    lake.append("reviews", reviews("a", reason=["old"], reviewer=["ann"]))
    lake.merge("reviews", reviews("a", "b", "b", reason=["new", "first", "last"]), ["pair_hash"])
    assert lake.query("SELECT pair_hash, reason, reviewer FROM reviews ORDER BY 1").rows() == [
        ("a", "new", "ann"),
        ("b", "last", None),
    ]


def test_money_and_times_come_back_exactly_and_in_utc(lake):
    frame = pl.DataFrame({"call_id": ["c"], "cost_usd": [Decimal("0.000000000123")], "started_at": [NOON]})
    lake.append("llm_calls", frame)
    row = lake.query("SELECT cost_usd, started_at, CAST(started_at AS DATE) AS day FROM llm_calls").row(
        0, named=True
    )
    assert (row["cost_usd"], row["started_at"], row["day"]) == (Decimal("0.000000000123"), NOON, NOON.date())


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda lake: lake.append("nothing", reviews("a")), "no table 'nothing'"),
        (lambda lake: lake.append("reviews", reviews("a", mood=["x"])), "no column mood"),
        (lambda lake: lake.merge("reviews", reviews("a", None), ["pair_hash"]), "has no pair_hash"),
        (lambda lake: lake.query("SELECT nothing FROM reviews"), "could not do it"),
        (lambda lake: lake.query("CREATE TEMP TABLE x (i INTEGER)"), "for reading"),
        (lambda lake: lake.append("reviews", pl.DataFrame({"decided_at": ["never"]})), "could not do it"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(lake, act, sentence):
    with pytest.raises(StorageError, match=sentence) as caught:
        act(lake)
    assert "\n" not in str(caught.value)


def test_a_transaction_is_all_or_nothing_and_not_nested(lake):
    def half(connection):
        connection.execute("INSERT INTO reviews (pair_hash) VALUES ('a')")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        lake.run(half)
    with lake.transaction(), pytest.raises(StorageError, match="already open"):
        lake.append("reviews", reviews("b"))
    assert lake.query("SELECT * FROM reviews").is_empty()


def test_a_reader_cannot_write(reader):
    with pytest.raises(StorageError, match="reading only"):
        reader.append("reviews", reviews("a"))


def test_threads_share_a_lake(lake):
    threads = [threading.Thread(target=lambda n=n: lake.append("reviews", reviews(str(n)))) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(lake.query("SELECT pair_hash FROM reviews")["pair_hash"]) == ["0", "1", "2", "3"]


def test_reading_where_there_is_no_lake_says_how_to_make_one(tmp_path):
    with pytest.raises(LakeUnavailable, match="arb demo"):
        Lake.open(LakeLocation.local(tmp_path), read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read_only", [True, False])
def test_a_corrupt_catalogue_is_refused_with_its_path(location, read_only):
    content = location.catalog_file.read_bytes()
    location.catalog_file.write_bytes(b"\x00garbage" * 500 + content[4000:])
    with pytest.raises(LakeUnavailable, match=r"catalog\.sqlite cannot be used"):
        Lake.open(location, read_only=read_only)


def test_a_catalogue_that_was_deleted_under_its_data_is_not_replaced_by_an_empty_one(location):
    with Lake.open(location) as lake:
        lake.append("reviews", reviews("a"))
    for part in location.root.glob("catalog.sqlite*"):
        part.unlink()
    with pytest.raises(LakeUnavailable, match="data files"):
        Lake.open(location)
    shutil.rmtree(location.data)
    Lake.open(location).close()  # nothing left to lose: a new one is made


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LakeUnavailable, match="ARB_DATA_DIR"):
        Lake.open(LakeLocation.local(tmp_path / "file" / "data"))


def test_a_lake_may_be_moved(lake, location, tmp_path):
    lake.append("reviews", reviews("a"))
    lake.close()
    shutil.move(location.root, tmp_path / "it's elsewhere")
    with Lake.open(LakeLocation.local(tmp_path / "it's elsewhere")) as moved:
        moved.append("reviews", reviews("b"))
        assert moved.query("SELECT pair_hash FROM reviews ORDER BY 1")["pair_hash"].to_list() == ["a", "b"]


def test_a_lock_held_too_long_is_a_sentence_and_readers_do_not_wait_for_it(location):
    with (
        Lake.open(location) as one,
        Lake.open(location, lock_timeout_seconds=0.2) as other,
        one.transaction(),
    ):
        with pytest.raises(StorageError, match=r"more than 0\.2 s"):
            other.append("reviews", reviews("a"))
        assert other.query("SELECT * FROM reviews").is_empty()


def test_the_lock_of_a_dead_process_blocks_nobody(location):
    holder = (
        "import fcntl, sys, time\n"
        "file = open(sys.argv[1], 'a'); fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True); time.sleep(600)"
    )
    path = location.root / "lake.lock"
    with Lake.open(location, lock_timeout_seconds=0.2) as lake:
        with subprocess.Popen(
            [sys.executable, "-c", holder, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout.readline() == "held\n"
            with pytest.raises(StorageError, match=r"lake\.lock"):
                lake.append("reviews", reviews("a"))
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        lake.append("reviews", reviews("b"))
        assert lake.query("SELECT pair_hash FROM reviews")["pair_hash"].to_list() == ["b"]


def test_transient_errors_are_tried_again_with_the_lock_free_and_others_are_not(location):
    waits, attempts = [], []

    def nap(seconds):
        descriptor = os.open(location.root / "lake.lock", os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises when it is not free
        os.close(descriptor)
        waits.append(seconds)

    def work(connection):
        attempts.append(1)
        if len(attempts) < 4:
            raise duckdb.TransactionException("Failed to commit DuckLake transaction: database is locked")
        return "done"

    def wrong(connection):
        attempts.append(1)
        raise duckdb.BinderException("no such column")

    with Lake.open(location, sleep=nap) as lake:
        assert lake.run(work) == "done"
        assert (len(waits), waits) == (3, sorted(waits))
        attempts.clear()
        with pytest.raises(StorageError, match="no such column"):
            lake.run(wrong)
        assert (len(attempts), len(waits)) == (1, 3)


def test_what_the_disk_says_becomes_the_right_kind_of_error(location):
    full = storage_error(duckdb.IOException("Could not write file: No space left on device"), location)
    assert isinstance(full, DiskFull)
    assert isinstance(storage_error(duckdb.IOException("Cannot open file"), location), LakeUnavailable)
    assert type(storage_error(duckdb.BinderException("x"), location)) is StorageError
    assert not transient(ValueError("database is locked"))


def test_a_long_lived_writer_takes_a_new_connection_now_and_then(location):
    moments = [0.0]
    with Lake.open(location, monotonic=lambda: moments[0]) as lake:
        first = lake._connected()
        lake.append("reviews", reviews("a"))
        assert lake._connected() is first
        moments[0] = 3601.0
        lake.append("reviews", reviews("b"))
        assert lake._connected() is not first
        assert lake.query("SELECT * FROM reviews").height == 2


def test_eight_openers_at_once_make_one_lake(tmp_path):
    failures = []

    def open_it():
        try:
            Lake.open(LakeLocation.local(tmp_path)).close()
        except Exception as error:  # noqa: BLE001 reported below
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with Lake.open(LakeLocation.local(tmp_path), read_only=True) as lake:
        assert lake.query("SELECT count(*) FROM schema_version").item() == SCHEMA_VERSION


def test_a_scaled_out_lake_without_its_extensions_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setattr("arb_platform.storage.attach.find_spec", lambda name: None)
    with pytest.raises(StorageError, match=r"arb-platform\[scale\]"):
        extension_file("postgres_scanner")
    with pytest.raises(StorageError, match="duckdb-extension-ducklake=="):
        load_statements(LakeLocation.at(tmp_path, catalog="postgres:dbname=x"))


def test_a_connection_of_its_own_keeps_duckdbs_signature_check(location):
    for checked, expected in ((False, "true"), (True, "false")):
        connection = connect(location, read_only=True, check_signatures=checked)
        assert (
            str(
                connection.execute("SELECT current_setting('allow_unsigned_extensions')").fetchone()[0]
            ).lower()
            == expected
        )
        connection.close()


def test_times_are_utc_on_a_machine_that_lives_elsewhere(location):
    code = "from arb_platform.storage.lake import *; import sys, pathlib\nwith Lake.open(LakeLocation.local(pathlib.Path(sys.argv[1])), read_only=True) as lake: print(lake.query(\"SELECT CAST(TIMESTAMPTZ '2026-11-20 23:30:00+00' AS DATE) AS d, current_setting('TimeZone') AS z\").row(0))"
    environment = {**os.environ, "TZ": "Pacific/Auckland"}
    shown = subprocess.run(
        [sys.executable, "-c", code, str(location.root)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == str((NOON.date(), "UTC"))
