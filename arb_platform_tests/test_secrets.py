"""No key in anything that a full run wrote: files, tables, logs, tracebacks, Dagster's own records, what it printed."""

import asyncio
import logging
import shutil
import traceback

import dagster as dg
import pytest

from arb_platform import api, pipeline
from arb_platform.cli import main
from arb_platform.defs import matching
from arb_platform.domain.errors import LLMError
from arb_platform.reports.registry import REPORTS
from arb_platform.settings import load_settings
from arb_platform.storage.lake import Lake

# Keys that both providers refuse, and others that nobody asks for here.
WRONG = {"DEEPSEEK_API_KEY": "sk-sesame-deepseek-4711", "OPENAI_API_KEY": "sk-sesame-openai-4712"}
OTHERS = {"POLYMARKET_API_KEY": "sesame-polymarket", "ARB_ALERT_URLS": "mailto://ann:sesame-mail@example.org"}


def found_in_files(folder, secrets):
    """(file, secret) of every file that has one, as it lies on the disk."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return [
        (str(path.relative_to(folder)), secret)
        for path in files
        for content in [path.read_bytes()]
        for secret in secrets
        if secret.encode() in content
    ]


def found_in_tables(settings, secrets):
    """(table, secret): what is compressed in the lake's files is looked at row by row."""
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        names = lake.query("SELECT table_name FROM duckdb_tables() WHERE database_name = 'lake'")[
            "table_name"
        ]
        assert len(names) > 10
        known = sorted(secrets)
        # one look at each row for all secrets: a query for each would take ten times as long
        told = ", ".join(f"bool_or(contains(row, ${n}))" for n in range(1, len(known) + 1))
        return [
            (name, secret)
            for name in names
            for secret, found in zip(
                known, lake.query(f"SELECT {told} FROM (SELECT t::VARCHAR AS row FROM lake.{name} t)", known).row(0), strict=True
            )
            if found
        ]  # fmt: skip


def secrets_of(settings):
    """Every secret of these settings, and the pieces by which one would be recognised."""
    values = [getattr(settings, name) for name, field in type(settings).model_fields.items() if "SecretStr" in str(field.annotation)]  # fmt: skip
    known = {value.get_secret_value() for value in values if value is not None} - {"demo"}
    pem = settings.kalshi_private_key_path.read_text().splitlines()
    return {*known, *WRONG.values(), *OTHERS.values(), "sesame", pem[1], pem[-2]}


async def streamed(settings, venue):
    stop = asyncio.Event()
    await asyncio.wait_for(
        pipeline.stream_venue(settings, venue, stop=stop, on_beat=lambda beat: beat.assets_with_book and stop.set()), 60
    )  # fmt: skip


def arb(*words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code


@pytest.fixture
def left_behind(worked, simulated, tmp_path, monkeypatch, caplog, capfd):
    """A folder in which everything ran once, well and with refused keys; and everything that was said meanwhile."""
    data = tmp_path / "data"
    shutil.copytree(worked.settings.data_dir, data)
    for name, value in {**simulated, **OTHERS, "ARB_DATA_DIR": str(data), "ARB_RAW_FRAMES": "on"}.items():
        monkeypatch.setenv(name, value)
    caplog.set_level(logging.DEBUG)
    settings = load_settings()
    for venue in ("polymarket", "kalshi"):
        asyncio.run(streamed(settings, venue))
    with pipeline.open_writer(settings) as lake, lake.transaction() as connection:
        connection.execute("DELETE FROM verdicts WHERE status <> 'review'")
    ends = [
        arb("report", "all", "--html", str(data / "page.html")),
        arb("validate", "--dry-run"),
        arb("maintain"),
    ]
    assert ends == [0, 0, 0]
    (data / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(data / "dagster")) as instance:
        assert dg.materialize(
            [matching.pair_verdicts], instance=instance, selection=["pair_verdicts"]
        ).success
        for name, value in WRONG.items():
            monkeypatch.setenv(name, value)
        with pipeline.open_writer(settings) as lake, lake.transaction() as connection:
            connection.execute("DELETE FROM verdicts")
        refused = dg.materialize(
            [matching.pair_verdicts], instance=instance, selection=["pair_verdicts"], raise_on_error=False
        )
        said = [str(event) for event in instance.all_logs(refused.run_id)]
        said.append(str(instance.get_run_by_id(refused.run_id)))
    with pytest.raises(LLMError) as caught:
        main(["--debug", "validate"])
    said += traceback.format_exception(caught.value)
    with pytest.raises(LLMError, match="OPENAI_API_KEY") as caught:
        main(["--debug", "validate", "--mode", "batch"])
    said += traceback.format_exception(caught.value)
    arb("doctor")
    arb("doctor", "--json")
    printed = capfd.readouterr()
    return settings, data, "\n".join([*said, caplog.text, printed.out, printed.err])


def test_no_secret_is_in_anything_that_a_full_run_wrote(left_behind):
    settings, data, said = left_behind
    secrets = secrets_of(settings)
    assert len(secrets) >= 9
    assert found_in_files(data, secrets) == []
    assert found_in_tables(settings, secrets) == []
    assert [secret for secret in secrets if secret in said] == []
    # all of it was there to be found
    assert "DEEPSEEK_API_KEY" in said
    assert "refused" in said
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        assert lake.query("SELECT count(*) FROM llm_calls WHERE http_status = 401").item() >= 2
        assert lake.query("SELECT count(*) FROM book_snapshots").item() > 0
        assert lake.query("SELECT count(*) FROM llm_batches WHERE state = 'failed'").item() == 1
        assert all(lake.query(f"SELECT count(*) FROM {report.table}").item() for report in REPORTS.values())
    # and would have been
    with pipeline.open_writer(settings) as lake, lake.transaction() as connection:
        connection.execute(
            "UPDATE llm_calls SET error = 'Bearer sk-sesame-openai-4712' WHERE http_status = 401"
        )
    (data / "planted.log").write_text("key=sk-sesame-deepseek-4711")
    assert ("planted.log", WRONG["DEEPSEEK_API_KEY"]) in found_in_files(data, secrets)
    assert ("llm_calls", WRONG["OPENAI_API_KEY"]) in found_in_tables(settings, secrets)
