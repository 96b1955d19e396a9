import csv
import io
import json
import subprocess
from pathlib import Path

import duckdb
import polars as pl
import pytest

from arb_platform.domain.errors import LakeUnavailable, StorageError
from arb_platform.storage.analyst import write_analyst_sql
from arb_platform.storage.lake import Lake, LakeLocation, S3Access
from arb_platform.storage.promoter import Promoter
from arb_platform.storage.publish import publish
from arb_platform.storage.spool import Spool
from arb_platform.storage.sql import query_only, render, run_query
from arb_platform.storage.views import VIEWS
from arb_platform_tests.storage.samples import rows

DUCKDB = Path(duckdb.__file__).parents[4] / "bin" / "duckdb"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 AS one", "FROM reviews", "WITH a AS (SELECT 1) SELECT * FROM a", "SHOW TABLES", "DESCRIBE reviews", "SUMMARIZE reviews",
        "EXPLAIN SELECT 1", "VALUES (1)", "PIVOT stream_sessions ON venue USING count(*)", "SELECT 1;", "-- why?\nSELECT 1",
    ],
)  # fmt: skip
def test_what_only_reads_is_answered(reader, sql):
    assert query_only(reader, sql).width > 0


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO reviews (pair_hash) VALUES ('x')", "DELETE FROM reviews", "UPDATE reviews SET reason = ''", "DROP TABLE reviews",
        "CREATE TABLE x (i INTEGER)", "CREATE TEMP TABLE x AS SELECT 1", "COPY reviews TO '/tmp/never.csv'", "ATTACH '/tmp/never.db'", "BEGIN",
        "EXPORT DATABASE '/tmp/never'", "INSTALL httpfs", "SET threads = 1", "WITH a AS (SELECT 1) INSERT INTO reviews (reason) SELECT 1",
        "CALL ducklake_merge_adjacent_files('lake')", "MERGE INTO reviews USING reviews r ON (false) WHEN NOT MATCHED THEN INSERT VALUES (1,2,3,4,5)",
    ],
)  # fmt: skip
def test_what_would_change_something_is_refused_with_a_sentence(reader, sql):
    with pytest.raises(StorageError, match="only reads"):
        query_only(reader, sql)


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [("SELECT 1; SELECT 2", "one query at a time"), ("", "no query"), ("-- only a comment", "no query"), ("SELEC 1", "syntax error"), ("SELECT x", "not found"),
     ("SELECT * FROM ducklake_expire_snapshots('lake', older_than => now())", "read-only")],
)  # fmt: skip
def test_what_is_no_query_is_refused_with_a_sentence(reader, sql, sentence):
    with pytest.raises(StorageError, match=sentence) as caught:
        query_only(reader, sql)
    assert "\n" not in str(caught.value)


def test_a_query_where_there_is_no_lake_says_how_to_make_one(tmp_path):
    with pytest.raises(LakeUnavailable, match="no lake"):
        run_query(LakeLocation.local(tmp_path), "SELECT 1")


EVERYTHING = """
SELECT 0.1::DECIMAL(9,6) AS price, sum(2::BIGINT) AS total, 12345678901234567890123::HUGEINT AS huge, 9007199254740993 AS big, 7 AS small,
    repeat('7', 77) AS id, TIMESTAMPTZ '2026-11-20 12:00:00.5+01' AS at, DATE '2026-11-20' AS day, TIME '12:00:00' AS time, true AS yes, NULL AS nothing,
    'nan'::DOUBLE AS odd, 0.25::DOUBLE AS share, [1, NULL] AS list, {'a': 0.5::DECIMAL(3,2)} AS struct, '\\xFFa'::BLOB AS bytes, INTERVAL 90 SECOND AS took,
    'a "b", c' || chr(10) || 'é' AS text
"""


def test_json_loses_nothing(reader):
    text = render(query_only(reader, EVERYTHING), "json")
    assert json.loads(text) == [
        {
            "price": "0.100000", "total": 2, "huge": "12345678901234567890123", "big": "9007199254740993", "small": 7, "id": "7" * 77,
            "at": "2026-11-20T11:00:00.500000Z", "day": "2026-11-20", "time": "12:00:00", "yes": True, "nothing": None, "odd": "nan",
            "share": 0.25, "list": [1, None], "struct": {"a": "0.50"}, "bytes": "\\xffa", "took": "00:01:30", "text": 'a "b", c\né',
        }
    ]  # fmt: skip
    assert render(pl.DataFrame({"a": []}), "json") == "[]"


def test_types_that_polars_does_not_know_are_shown_as_text(reader):
    frame = query_only(
        reader,
        "SELECT TIME '12:00:00' + INTERVAL 1 HOUR AS t, MAP {'a': 1} AS m, '12:00:00+01'::TIMETZ AS z, '101'::BIT AS b, uuid() AS u, [INTERVAL 1 DAY] AS l, 'x'::ENUM('x', 'y') AS e, 1 AS a, 2 AS A, now() AS \"odd \"\" name\"",
    )
    assert (frame["m"].item(), frame["z"].item(), frame["l"].item()) == ("{a=1}", "12:00:00+01", "[1 day]")
    assert (frame["a"].item(), frame["A_2"].item()) == (1, 2)
    assert frame['odd " name'].dtype == pl.Datetime("us", "UTC")
    json.loads(render(frame, "json"))


def test_csv_can_be_read_back_and_a_table_can_be_read_at_all(reader):
    frame = query_only(reader, EVERYTHING)
    head, row = csv.reader(io.StringIO(render(frame, "csv")))
    shown = dict(zip(head, row, strict=True))
    assert (shown["price"], shown["at"], shown["text"], shown["nothing"]) == (
        "0.100000",
        "2026-11-20T11:00:00.500000Z",
        'a "b", c\né',
        "",
    )
    table = render(
        query_only(
            reader, "SELECT 'long ' || repeat('x', 100) AS t, 5 AS n UNION ALL SELECT 'b', 10 ORDER BY n"
        ),
        "table",
    )
    lines = table.splitlines()
    assert (len(lines), lines[-1]) == (5, "(2 rows)")
    assert lines[2].rstrip().endswith(" 5")
    assert max(map(len, lines)) < 70


def test_the_duckdb_command_line_reads_beside_a_writer_and_cannot_write(location):
    path = write_analyst_sql(location)
    spool = Spool(location.root)
    with Lake.open(location) as lake, lake.transaction() as held:
        held.execute(
            "INSERT INTO reviews (pair_hash) VALUES ('not yet')"
        )  # a writer in the middle of its transaction
        command = [str(DUCKDB), "-init", str(path), "-csv", "-noheader", "-c"]
        shown = subprocess.run(
            [*command, "SELECT count(*), current_setting('TimeZone') FROM lake.reviews"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert shown.stdout.strip() == "0,UTC"
        refused = subprocess.run(
            [*command, "INSERT INTO reviews (pair_hash) VALUES ('x')"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "read-only" in refused.stderr
        assert refused.returncode != 0
    with Lake.open(location) as lake:
        spool.write("kalshi", "book_snapshots", rows(3))
        Promoter(lake, spool).promote()
        shown = subprocess.run(
            [*command, "SELECT count(*) FROM books_trusted"], capture_output=True, text=True, check=True
        )
    assert shown.stdout.strip() == "3"


def test_the_generated_file_holds_no_key_of_the_object_store(tmp_path, monkeypatch):
    monkeypatch.setattr("arb_platform.storage.attach.extension_file", lambda name: Path(f"/ext/{name}"))
    s3 = S3Access("KEYID", "SECRETVALUE", "eu-west-1", "http://127.0.0.1:8333")
    path = write_analyst_sql(
        LakeLocation.at(tmp_path, catalog="postgres:dbname=arb host=db", data="s3://bucket/lake", s3=s3)
    )
    text = path.read_text()
    assert "SECRETVALUE" not in text
    assert "KEYID" not in text
    assert "getenv('AWS_SECRET_ACCESS_KEY')" in text
    assert "ENDPOINT '127.0.0.1:8333', URL_STYLE 'path', USE_SSL false" in text
    assert "ATTACH 'ducklake:postgres:dbname=arb host=db' AS lake (DATA_PATH 's3://bucket/lake/'" in text
    assert path.stat().st_mode & 0o077 == 0
    assert text.index("httpfs") < text.index("ATTACH")


def test_the_published_file_is_a_plain_database_with_tables_and_views(filled):
    path = publish(filled).path
    assert path == filled.root / "published.duckdb"
    with duckdb.connect(str(path), read_only=True) as plain:
        for view in VIEWS:
            assert plain.sql(f"SELECT count(*) FROM {view.name}").fetchone()[0] > 0
        assert plain.sql("SELECT count(*) FROM book_snapshots").fetchone() == (240,)
    assert [one.name for one in filled.root.glob("published*")] == ["published.duckdb"]


def test_a_reader_of_the_published_file_keeps_what_it_opened_while_it_is_refreshed(location):
    with duckdb.connect(str(publish(location).path), read_only=True) as old:
        with Lake.open(location) as lake:
            lake.append("reviews", pl.DataFrame({"pair_hash": ["a"]}))
        path = publish(location).path
        assert old.sql("SELECT count(*) FROM reviews").fetchone() == (0,)
    with duckdb.connect(str(path), read_only=True) as new:
        assert new.sql("SELECT count(*) FROM reviews").fetchone() == (1,)


def test_a_refresh_that_fails_leaves_the_file_before_it(location, monkeypatch):
    published = location.root / "published.duckdb"
    published.write_bytes(b"the one before")
    monkeypatch.setattr(
        "arb_platform.storage.publish._copy",
        lambda *_: (_ for _ in ()).throw(duckdb.IOException("disk gone")),
    )
    with pytest.raises(StorageError, match="still stands"):
        publish(location)
    assert published.read_bytes() == b"the one before"
    assert list(location.root.glob("published*")) == [published]
