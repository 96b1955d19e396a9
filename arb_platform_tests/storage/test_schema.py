from pathlib import Path

import duckdb
import pytest

import arb_platform
from arb_platform.domain.errors import NewerSchema
from arb_platform.storage import schema
from arb_platform.storage.documentation import tables_markdown, view_columns
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.schema import SCHEMA_VERSION, TABLES
from arb_platform.storage.sql import query_only
from arb_platform.storage.views import VIEWS
from arb_platform_tests.storage.samples import NOON

DOCS = Path(arb_platform.__file__).parents[1] / "docs"
QUERIES = sorted((DOCS / "queries").glob("*.sql"))

# design.md, section 7: what analysts were promised.
CONTRACT = {
    "market_versions": "venue market_id event_id symbol title rules outcome close_time resolution_source category status tick_size content_hash valid_from valid_to",
    "markets": "venue market_id event_id symbol title rules outcome close_time resolution_source category status tick_size fee_type fee_rate content_hash",
    "book_snapshots": "day venue market_id exchange_time received_at handed_at landed_at sequence session_id epoch bid1_px bid1_sz bid2_px bid2_sz bid3_px bid3_sz ask1_px ask1_sz ask2_px ask2_sz ask3_px ask3_sz crossed segment_id",
    "books_trusted": "day venue market_id exchange_time received_at landed_at sequence session_id epoch bid1_px ask3_sz crossed",
    "stream_sessions": "session_id venue shard connected_at ended_at reason frames snapshots reconnect_of",
    "stream_events": "event_id venue market_id session_id kind started_at ended_at detail",
    "quarantined_frames": "received_at venue session_id reason frame",
    "candidate_pairs": "pair_hash polymarket_id kalshi_id score features broken_rules proposed_at",
    "verdicts": "pair_hash similarity relation orientation time_window outcome_definition resolution_source explanation evidence judge model prompt_version status decided_at valid_until",
    "matched_pairs": "pair_hash polymarket_id kalshi_id orientation similarity decided_at decided_by",
    "llm_calls": "call_id run_id pair_hash provider model attempt started_at latency_ms status http_status prompt_tokens cached_tokens completion_tokens cost_usd price_version fallback",
    "reviews": "pair_hash decision reason reviewer decided_at",
    "opportunities": "pair_hash at direction size gross_edge fees net_edge annualised book_age_ms skew_ms reason",
    "report_llm_cost": "day", "report_latency": "day", "report_continuity": "day", "report_matching": "day",
    "report_opportunities": "day",
}  # fmt: skip


def columns(lake, database="lake"):
    found = {}
    for row in lake.query(f"SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = '{database}'").iter_rows():  # fmt: skip
        found.setdefault(row[0], {})[row[1]] = row[2]
    return found


def test_every_table_and_column_of_the_contract_is_there(reader):
    found = columns(reader)
    missing = {name: set(words.split()) - set(found.get(name, {})) for name, words in CONTRACT.items()}
    assert not {name: gone for name, gone in missing.items() if gone}


def test_the_lake_has_exactly_the_tables_columns_and_types_of_the_schema(reader):
    found = columns(reader)
    named = {view.name for view in VIEWS}
    expected = {table.name: {c.name: c.type.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE") for c in table.columns} for table in TABLES.values()}  # fmt: skip
    assert {name: kinds for name, kinds in found.items() if name not in named} == expected
    assert set(found) - set(expected) == named


def test_every_column_of_a_view_is_documented(reader):
    found = columns(reader)
    for view in VIEWS:
        assert set(found[view.name]) <= set(view_columns(view)), view.name
        assert {name for name, _ in view.columns} <= set(found[view.name]), view.name


def test_every_text_about_a_table_or_column_is_written_and_is_in_the_lake_too(reader):
    assert all(table.row and all(column.text for column in table.columns) for table in TABLES.values())
    texts = reader.query(
        "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE database_name = 'lake' AND comment IS NOT NULL"
    )
    assert set(texts.iter_rows()) >= {(t.name, c.name, c.text) for t in TABLES.values() for c in t.columns}


def test_the_page_of_tables_is_the_one_the_program_makes():
    assert (DOCS / "tables.md").read_text() == tables_markdown(), (
        "run: python -m arb_platform.storage.documentation > docs/tables.md"
    )


def test_there_are_twelve_queries_or_more_and_each_begins_with_a_question():
    assert len(QUERIES) >= 12
    assert all(
        path.read_text().startswith("-- ") and "?" in path.read_text().splitlines()[0] for path in QUERIES
    )


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_a_query_of_the_cookbook_runs_and_finds_something(reader, path):
    assert query_only(reader, path.read_text()).height > 0


def test_a_cookbook_query_with_a_wrong_column_would_be_noticed(reader):
    with pytest.raises(Exception, match="no_such_column"):
        query_only(reader, QUERIES[0].read_text().replace("bid1_px", "no_such_column"))


def test_a_lake_of_a_newer_schema_is_refused_by_readers_and_writers(location):
    with Lake.open(location) as lake, lake.transaction() as connection:
        connection.execute(
            "INSERT INTO schema_version VALUES (?, now(), 'from the future')", [SCHEMA_VERSION + 1]
        )
    for read_only in (True, False):
        with pytest.raises(NewerSchema, match="install the newer"):
            Lake.open(location, read_only=read_only)


def test_an_older_lake_gets_what_is_new_and_keeps_its_rows(location, monkeypatch):
    with Lake.open(location) as lake, lake.transaction() as connection:
        connection.execute("INSERT INTO reviews (pair_hash) VALUES ('kept')")

    def second(connection):
        """A column."""
        connection.execute("ALTER TABLE reviews ADD COLUMN mood VARCHAR")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, second))
    monkeypatch.setattr(schema, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    with Lake.open(location, read_only=True) as lake:
        assert "mood" not in columns(lake)["reviews"]  # reading never migrates
    with Lake.open(location) as lake:
        assert lake.query("SELECT pair_hash, mood FROM reviews").rows() == [("kept", None)]
        assert lake.query("SELECT max(version) FROM schema_version").item() == SCHEMA_VERSION + 1


def test_a_migration_that_fails_leaves_the_lake_as_it_was(location, monkeypatch):
    def broken(connection):
        """Half of something."""
        connection.execute("CREATE TABLE half (x INTEGER)")
        connection.execute("SELECT no_such_column")

    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        patched.setattr(schema, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
        with pytest.raises(Exception, match="no_such_column"):
            Lake.open(location)
    with Lake.open(location) as lake:
        assert "half" not in columns(lake)
        assert lake.query("SELECT count(*) FROM schema_version").item() == SCHEMA_VERSION


def test_a_lake_that_is_opened_twice_is_migrated_once(location):
    for _ in range(2):
        Lake.open(location, clock=lambda: NOON).close()
    with Lake.open(location) as lake:
        assert lake.query("SELECT count(*) FROM schema_version").item() == SCHEMA_VERSION


def test_compression_and_layout_are_set(reader):
    options = dict(reader.query("SELECT option_name, value FROM ducklake_options('lake')").iter_rows())
    path = reader.query("SELECT data_file FROM ducklake_list_files('lake', 'book_snapshots')").item(0, 0)
    assert (options["parquet_compression"], options["sort_on_insert"]) == ("zstd", "false")
    assert "day=2026-11-20" in path
    assert "venue=" in path
    assert duckdb.sql(f"SELECT DISTINCT compression FROM parquet_metadata('{path}')").fetchall() == [
        ("ZSTD",)
    ]


def test_names_that_sql_reserves_can_be_created_and_read(reader):
    assert reader.query('SELECT "at" FROM opportunities').item() == NOON


def test_the_location_of_a_lake_follows_its_settings(tmp_path):
    local = LakeLocation.local(tmp_path)
    assert (local.embedded, local.on_s3, local.catalog_file) == (True, False, tmp_path / "catalog.sqlite")
    scaled = LakeLocation.at(tmp_path, catalog="postgres:host=db dbname=arb", data="s3://bucket/lake")
    assert (scaled.embedded, scaled.on_s3, scaled.data, scaled.catalog_file) == (
        False,
        True,
        "s3://bucket/lake/",
        None,
    )
    assert (
        LakeLocation.at(tmp_path, catalog=str(tmp_path / "x.sqlite")).catalog
        == f"sqlite:{tmp_path / 'x.sqlite'}"
    )
