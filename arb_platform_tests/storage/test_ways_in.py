"""What analysts get through Python and through ``published.duckdb``, and that neither writes into the lake.

The other ways in have their tests beside them: ``test_sql.py`` (queries, ``duckdb -init``), ``cli/test_sql_shell.py``.
"""

import duckdb
import polars as pl
import pytest

from arb_platform import open_lake
from arb_platform.settings import load_settings
from arb_platform.storage.lake import Lake
from arb_platform.storage.publish import publish


def test_what_somebody_writes_into_the_published_file_reaches_nobody(location):
    publish(location)
    path = location.root / "published.duckdb"
    assert not path.stat().st_mode & 0o222
    path.chmod(0o644)  # as a person who insists would
    with duckdb.connect(str(path)) as own:
        own.execute("INSERT INTO reviews (pair_hash) VALUES ('mine')")
    with Lake.open(location, read_only=True) as lake:
        assert lake.query("SELECT count(*) FROM reviews").item() == 0
    with Lake.open(location) as lake:
        lake.append("reviews", pl.DataFrame({"pair_hash": ["ours"]}))
    publish(location)
    assert not path.stat().st_mode & 0o222
    with duckdb.connect(str(path), read_only=True) as new:
        assert new.sql("SELECT pair_hash FROM reviews").fetchall() == [("ours",)]


def opened_from_python(location):
    return open_lake(read_only=True, settings=load_settings(data_dir=location.root, profile="live"))


def test_python_gets_polars_frames_with_exact_numbers_and_times_in_utc(filled):
    with opened_from_python(filled) as lake:
        frame = lake.sql("SELECT bid1_px, received_at FROM books_trusted LIMIT 5").pl()
    assert frame.schema == {"bid1_px": pl.Decimal(9, 6), "received_at": pl.Datetime("us", "UTC")}
    assert frame.height == 5


def test_python_sees_each_commit_of_a_writer_and_nothing_before_it(location):
    with Lake.open(location) as lake, opened_from_python(location) as analyst:
        count = "SELECT count(*) FROM reviews"
        with lake.transaction() as held:
            held.execute("INSERT INTO reviews (pair_hash) VALUES ('a')")
            assert analyst.sql(count).fetchone() == (0,)
        assert analyst.sql(count).fetchone() == (1,)


def test_python_cannot_write_through_open_lake(filled):
    with opened_from_python(filled) as lake:
        before = lake.sql("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone()
        for sql in (
            "INSERT INTO reviews (pair_hash) VALUES ('x')", "UPDATE reviews SET reason = ''", "DELETE FROM reviews", "DROP TABLE reviews",
            "DROP VIEW matched_pairs", "CREATE TABLE mine AS SELECT 1 AS i", "ALTER TABLE reviews ADD COLUMN mood VARCHAR",
            "CALL ducklake_expire_snapshots('lake', older_than => now())",
        ):  # fmt: skip
            with pytest.raises(duckdb.Error, match=r"(?i)read.only"):
                lake.execute(sql)
        assert lake.sql("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')").fetchone() == before
