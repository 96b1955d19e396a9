"""What an operator meets in the Launchpad and on an asset's page: clear errors, any order, columns, and the SQL of a run."""

import dagster as dg
import duckdb
import pytest

from arb_platform import api
from arb_platform.definitions import defs
from arb_platform.defs import catalogue, matching, reports
from arb_platform.defs.told import columns_of, sql_since
from arb_platform.settings import load_settings
from arb_platform.storage.schema import TABLES
from arb_platform_tests.defs.test_definitions import metadata

MADE = (
    catalogue.polymarket_markets, catalogue.kalshi_markets, matching.candidate_pairs, matching.pair_verdicts,
    matching.matched_pairs, *reports.report_assets,
)  # fmt: skip
ALONE = {"candidate_pairs", "pair_verdicts", "matched_pairs", "latency_report", "llm_cost_report"}


@pytest.fixture(scope="module")
def repository():
    return defs.get_repository_def()


def refused(job, config):
    with pytest.raises(dg.DagsterInvalidConfigError) as caught:
        dg.validate_run_config(defs.resolve_job_def(job), config)
    return str(caught.value)


def stream(**config):
    return {"ops": {"stream_order_book": {"config": config}}}


# Configuration


def test_a_venue_that_does_not_exist_is_refused_before_the_launch_with_the_ones_that_do():
    said = refused("stream_order_books", stream(venue="binance"))
    assert "venue" in said
    assert "polymarket" in said
    assert "kalshi" in said


def test_a_configuration_of_an_older_version_is_told_by_its_name_and_place_and_what_is_expected():
    said = refused("stream_order_books", stream(venue="kalshi", shard_count=2))
    assert 'unexpected config entry "shard_count"' in said
    assert "max_depth" in said, "and what there is"


@pytest.mark.parametrize(
    ("job", "op", "config", "field"),
    [
        ("stream_order_books", "stream_order_book", {"seconds": "long"}, "seconds"),
        ("nightly_pair_revalidation", "pair_verdicts", {"budget_usd": "ten"}, "budget_usd"),
        ("nightly_pair_revalidation", "pair_verdicts", {"dry_run": "perhaps"}, "dry_run"),
        ("nightly_pair_revalidation", "candidate_pairs", {"keep": 1.5}, "keep"),
    ],
)
def test_a_value_of_another_kind_is_refused_with_the_name_of_its_field(job, op, config, field):
    assert field in refused(job, {"ops": {op: {"config": config}}})


@pytest.mark.parametrize(
    ("config", "values", "limit"),
    [
        (matching.CandidateConfig, {"keep": 0}, "greater than or equal to 1"),
        (matching.CandidateConfig, {"keep": 201}, "less than or equal to 200"),
        (matching.ValidationConfig, {"budget_usd": -1}, "greater than or equal to 0"),
    ],
)
def test_a_value_beyond_its_limit_is_refused_with_the_limit(config, values, limit):
    with pytest.raises(ValueError, match=limit):
        config(**values)
    config()


def test_every_field_of_every_configuration_says_what_it_is(repository):
    seen = 0
    for job in repository.get_all_jobs():
        for node in job.all_node_defs:
            config = node.config_schema.as_field().config_type if node.has_config_field else None
            for name, field in getattr(config, "fields", {}).items():
                assert field.description, f"{job.name}: {node.name}.{name}"
                seen += 1
    assert seen >= 8


def test_a_model_without_a_key_or_that_nobody_knows_is_one_sentence(environment, worked, instance):
    environment(worked.settings.data_dir)
    for model, said in (("gpt-99", "no provider is known"), ("deepseek/deepseek-chat", None)):
        config = dg.RunConfig(ops={"pair_verdicts": matching.ValidationConfig(model=model, dry_run=True)})
        result = dg.materialize(
            [matching.pair_verdicts],
            instance=instance,
            run_config=config,
            selection=["pair_verdicts"],
            raise_on_error=False,
        )
        assert result.success == (said is None)
        if said is not None:
            assert said in sentence_of(result)


# Any order


def sentence_of(result):
    (failure,) = result.get_step_failure_events()
    return str(failure.event_specific_data.user_failure_data or failure.event_specific_data.error)


@pytest.fixture(scope="module")
def alone(simulated, tmp_path_factory):
    """Every asset made by itself on a lake that has nothing but its tables: name -> result."""
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as ephemeral:
        for name, value in {**simulated, "ARB_DATA_DIR": str(tmp_path_factory.mktemp("alone"))}.items():
            patch.setenv(name, value)
        # the last one first: nothing it needs is there; two reports stand for the others
        chosen = [asset for asset in MADE if asset.key.to_user_string() in ALONE]
        yield {
            asset.key.to_user_string(): dg.materialize(
                [asset], instance=ephemeral, selection=[asset], raise_on_error=False
            )
            for asset in reversed(chosen)
        }


def test_an_asset_made_before_what_it_needs_says_what_is_missing(alone):
    assert set(alone) == ALONE
    for name, result in alone.items():
        said = metadata(result, name).get("missing_upstream", "") if result.success else sentence_of(result)
        assert "materialize" in said or "stream_keeper" in said, (name, said)


def test_an_asset_that_has_what_it_needs_says_nothing_of_the_kind(environment, worked, instance):
    environment(worked.settings.data_dir)
    result = dg.materialize([matching.matched_pairs], instance=instance, selection=["matched_pairs"])
    assert "missing_upstream" not in metadata(result, "matched_pairs")


# The picture


def test_every_asset_that_is_a_table_or_view_has_its_columns_with_their_texts(repository):
    graph = repository.asset_graph
    with_columns = {
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if "dagster/column_schema" in graph.get(key).metadata
    }
    made = {asset.key.to_user_string() for asset in MADE}
    assert with_columns >= made | {"order_book_snapshots"}
    for name in made:
        schema = graph.get(dg.AssetKey(name)).metadata["dagster/column_schema"]
        assert all(column.description for column in schema.columns), name


def test_columns_are_those_of_the_schema():
    columns = columns_of("verdicts")["dagster/column_schema"].columns
    assert [column.name for column in columns] == list(TABLES["verdicts"].names)
    assert {column.name for column in columns_of("matched_pairs")["dagster/column_schema"].columns} >= {
        "pair_hash",
        "decided_by",
    }


def test_the_query_of_a_run_shows_what_it_wrote_and_nothing_older(environment, worked):
    environment(worked.settings.data_dir)
    settings = load_settings()
    with api.open_lake(settings=settings) as connection:
        (first,) = connection.sql("SELECT min(proposed_at) FROM lake.candidate_pairs").fetchone()
        query = sql_since("candidate_pairs", "proposed_at", first)["sql_of_this_run"].value.split("\n")[1]
        everything = connection.sql("SELECT count(*) FROM lake.candidate_pairs").fetchone()
        assert connection.sql(f"SELECT count(*) FROM ({query})").fetchone() == everything
        later = query.replace(f"{first.year}-", f"{first.year + 1}-")
        assert connection.sql(f"SELECT count(*) FROM ({later})").fetchone() == (0,)
        with pytest.raises(duckdb.Error):
            connection.sql(query.replace("proposed_at", "proposed"))
