"""The command ``arb`` as people use it: what it prints, how it ends, and one sentence when it does not work."""

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import duckdb
import polars as pl
import pytest

import arb_platform
from arb_platform import pipeline
from arb_platform.cli import COMMANDS, main
from arb_platform.domain.errors import LakeUnavailable
from arb_platform.reports.registry import REPORTS
from arb_platform.settings import load_settings
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.pairs import load_candidates, save_verdicts
from arb_platform.storage.streams import event_rows
from arb_platform.supervise.processes import free_port
from arb_platform.supervise.up import _alone
from arb_platform_tests.conftest import MARKETS, SimulatorThread
from arb_platform_tests.empty_venue import EmptyVenue
from arb_platform_tests.storage.samples import event, verdict

README = Path(arb_platform.__file__).parents[1] / "README.md"
# design.md, section 5; `arb replay` comes with the issue that asks for it.
CONTRACT = {
    "up", "demo", "stream", "markets", "match", "validate", "report", "review", "sql", "maintain", "simulate", "doctor",
}  # fmt: skip


class Ended:
    """How one command ended: its status, what it said, and (on failure) its one sentence."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    @property
    def sentence(self):
        """The line of the failure; there is one, and no traceback."""
        assert "Traceback" not in self.err + self.out
        (line,) = [line for line in self.err.splitlines() if line.startswith("arb: ")]
        return line

    @property
    def document(self):
        return json.loads(self.out)


@pytest.fixture
def arb(monkeypatch, capsys):
    """Runs a command in this process with the given variables."""

    def run(*words, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = capsys.readouterr()
        return Ended(ended.value.code, said.out, said.err)

    return run


@pytest.fixture(scope="module")
def ours(worked, tmp_path_factory):
    """A folder of our own in which a demo has worked, with one pair that waits for a person."""
    folder = tmp_path_factory.mktemp("cli") / "data"
    shutil.copytree(worked.settings.data_dir, folder)
    with pipeline.open_writer(worked.settings.model_copy(update={"data_dir": folder})) as lake:
        broken = next(one for one in load_candidates(lake) if one.broken_rules)
        save_verdicts(lake, [verdict(broken.pair, "review", at=pipeline.now(), objections=("who decides?",))])
    return SimpleNamespace(folder=folder, root=folder / "demo", waiting=broken.pair_hash)


@pytest.fixture
def at_work(arb, simulated, ours):
    """Commands against the simulators, in the folder in which a demo has worked."""
    return lambda *words, **variables: arb(*words, **{**simulated, "ARB_DATA_DIR": ours.folder, **variables})


@pytest.fixture
def anew(arb, simulated, tmp_path):
    """Commands against the simulators, in an empty folder."""
    return lambda *words, **variables: arb(*words, **{**simulated, "ARB_DATA_DIR": tmp_path, **variables})


# Help, usage, completion


def test_the_program_has_the_commands_of_the_contract():
    assert set(COMMANDS) >= CONTRACT


def test_help_names_every_command_with_a_line(arb):
    ended = arb("--help")
    assert ended.status == 0
    for name, (_, _, line) in COMMANDS.items():
        assert line.endswith(".")
        assert re.search(rf"^  {name} +{re.escape(line[:30])}", ended.out, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_and_its_options(arb, name):
    ended = arb(name, "--help")
    assert ended.status == 0
    assert f"Usage: arb {name}" in ended.out
    assert re.match(r"  [A-Z][a-z]+ \w+", ended.out.split("\n\n")[1])
    assert arb(name, "-h").out == ended.out


def test_help_loads_no_heavy_library():
    code = "import sys, atexit; from arb_platform.cli import main\natexit.register(lambda: print(*(set(sys.modules) & {'dagster', 'duckdb', 'polars', 'httpx', 'rich'})))\nmain(['--help'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_the_version_is_told(arb):
    ended = arb("--version")
    assert (ended.status, ended.out.split()[0]) == (0, "arb,")


@pytest.mark.parametrize(
    "words",
    [
        (), ("nonsense",), ("--nonsense",), ("stream",), ("stream", "binance"), ("stream", "kalshi", "--max-depth", "4"),
        ("stream", "kalshi", "--seconds", "0"), ("markets", "binance"), ("report",), ("report", "nonsense"),
        ("validate", "--budget-usd", "-1"), ("validate", "--mode", "tomorrow"), ("review", "accept", "abc"), ("sql", "SELECT 1", "--format", "xml"),
        ("simulate", "kalshi"), ("up", "--port", "0"), ("demo", "--recordings", "/nowhere"), ("match", "--keep", "0"),
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_2_and_says_what_is_possible(arb, words):
    ended = arb(*words)
    assert ended.status == 2
    assert "Usage: arb" in ended.err + ended.out
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed_for(arb, shell):
    ended = arb("completion", shell)
    assert ended.status == 0
    assert f"_ARB_COMPLETE={shell}_complete" in ended.out


def test_completion_knows_commands_and_choices(arb):
    words = arb(_ARB_COMPLETE="bash_complete", COMP_WORDS="arb s", COMP_CWORD="1")
    assert set(words.out.split()) == {"plain,stream", "plain,sql", "plain,simulate"}
    words = arb(COMP_WORDS="arb stream ", COMP_CWORD="2")
    assert set(words.out.split()) == {"plain,polymarket", "plain,kalshi"}


def commands_in(markdown):
    """Commands named in the first cell of a table's rows."""
    cells = (
        re.split(r"(?<!\\)\|", line.strip("|"))[0] for line in markdown.splitlines() if line.startswith("|")
    )
    return {name for cell in cells for name in re.findall(r"`arb ([a-z]+)", cell)}


def test_the_table_of_the_readme_names_exactly_the_commands_of_the_program():
    assert commands_in(README.read_text()) == set(COMMANDS)


def test_a_command_that_is_missing_in_the_table_would_be_noticed():
    assert commands_in(
        "| `arb up [--port N]`, `arb sql` | starts |\n`arb doctor`\n| text | `arb demo` |"
    ) == {"up", "sql"}


# The stages


def test_markets_lists_both_venues(at_work):
    ended = at_work("markets")
    assert ended.status == 0
    assert re.search(rf"polymarket +{MARKETS} .* yes ", ended.out)
    assert re.search(rf"kalshi +{MARKETS} .* yes ", ended.out)


def test_markets_of_one_venue_as_json(at_work):
    (listed,) = at_work("markets", "kalshi", "--json").document
    assert (listed["venue"], listed["markets"], listed["complete"]) == ("kalshi", MARKETS, True)
    assert listed["change"]["unchanged"] == MARKETS


def test_match_shows_the_best_pairs(at_work):
    ended = at_work("match", "--show", "3")
    assert ended.status == 0
    assert "without an objection" in ended.out
    found = at_work("match", "--json", "--show", "3").document
    assert found["candidates"] >= found["unbroken"] >= len(found["best"]) == 3
    assert set(found["best"][0]) == {"pair_hash", "score", "polymarket", "kalshi"}


def test_validate_forecasts_then_reuses_what_is_known(at_work):
    assert at_work("validate", "--dry-run", "--json").document["to_ask"] == 0
    assert "0 calls" in at_work("validate", "--dry-run").out
    assert "0 calls" in at_work("validate", "--dry-run", "--mode", "batch").out
    assert at_work("validate", "--mode", "batch", "--json").document["submitted"] == 0
    summary = at_work("validate", "--json").document
    assert (summary["asked"], summary["failed"]) == (0, 0)
    assert summary["accepted"] > 0
    assert "accepted" in at_work("validate", "--budget-usd", "1").out


def test_the_prompt_about_a_pair_is_printed_as_it_is_sent(at_work, ours):
    sent = at_work("validate", "--show-prompt", ours.waiting[:12], "--json").document
    assert [message["role"] for message in sent] == ["system", "user"]
    assert set(json.loads(sent[1]["content"])) == {"polymarket", "kalshi"}
    printed = at_work("validate", "--show-prompt", ours.waiting)
    assert printed.status == 0
    assert printed.out == "".join(f"--- {message['role']}\n{message['content']}\n" for message in sent)
    assert "nothing" in at_work("validate", "--show-prompt", "nothing").sentence


def test_the_queue_shows_both_texts_with_marks_and_all_reasons(at_work, ours):
    (waiting,) = at_work("review", "list", "--json").document
    assert waiting["broken_rules"]
    shown = at_work("review", "list").out
    assert {"polymarket", "kalshi"} <= set(re.findall(r"\w+", shown))
    words = {word for side in waiting["only_here"].values() for piece in side for word in piece.split()}
    assert words
    marked = {word for run in re.findall("«([^»]*)»", shown.replace("│", " ")) for word in run.split()}
    assert marked & words
    for reason in (*waiting["broken_rules"], "who decides?", waiting["explanation"], "similarity 0.97"):
        assert " ".join(reason.split()[:3]) in " ".join(shown.replace("│", " ").split())


@pytest.mark.parametrize("name", ["llm_cost", "latency"])
def test_a_report_is_shown(at_work, name):
    ended = at_work("report", name, "--since", "7d")
    assert ended.status == 0
    assert REPORTS[name].title.lower() in ended.out.lower()


def test_all_reports_become_one_object(at_work):
    found = at_work("report", "all", "--json").document
    assert set(found) == set(REPORTS)
    assert {row["scope"] for row in at_work("report", "lead_lag", "--json").document} <= {"day", "pair"}
    assert at_work("report", "llm_cost", "--json").document == found["llm_cost"]


def test_a_report_becomes_one_page(at_work, tmp_path):
    page = tmp_path / "report.html"
    assert at_work("report", "llm_cost", "--html", str(page)).status == 0
    assert "</html>" in page.read_text()


def test_a_person_decides_about_a_pair_with_reason_and_name(at_work, ours):
    (waiting,) = at_work("review", "list", "--json").document
    assert (waiting["pair_hash"], waiting["objections"]) == (ours.waiting, ["who decides?"])
    assert "who decides?" in at_work("review", "list").out
    ended = at_work(
        "review", "accept", ours.waiting[:12], "--reason", "the same release", "--reviewer", "ann"
    )
    assert (ended.status, ended.out.split()) == (0, [f"{ours.waiting[:12]}:", "accepted"])
    (kept,) = at_work("sql", f"SELECT decision, reason, reviewer FROM reviews WHERE pair_hash = '{ours.waiting}'", "--format", "json").document  # fmt: skip
    assert kept == {"decision": "accept", "reason": "the same release", "reviewer": "ann"}
    assert at_work("review", "list").out.strip() == "Nothing waits for a decision."
    ended = at_work("review", "reject", ours.waiting, "--reason", "on second thought")
    assert ended.out.split()[-1] == "rejected"


def test_a_decision_about_a_pair_that_is_not_there_is_one_sentence(at_work):
    ended = at_work("review", "accept", "nonsense", "--reason", "x")
    assert ended.status == 1
    assert "nonsense" in ended.sentence


def test_maintain_tells_what_it_did_and_refreshes_the_plain_file(at_work, ours):
    assert at_work("maintain").status == 0
    with duckdb.connect(ours.root / "published.duckdb", read_only=True) as plain:
        assert plain.execute("SELECT count(*) FROM markets").fetchone() == (2 * MARKETS,)
    assert at_work("maintain", "--json").document["rows"] > 0


def test_a_backup_comes_back_where_there_is_no_lake_and_nowhere_else(at_work, tmp_path):
    made = at_work("backup", str(tmp_path / "copy"), "--json")
    assert made.document["rows"]["market_versions"] == 2 * MARKETS
    refused = at_work("restore", str(tmp_path / "copy"))
    assert (refused.status, "move it away first" in refused.sentence) == (1, True)
    back = at_work("restore", str(tmp_path / "copy"), ARB_DATA_DIR=tmp_path / "again")
    assert back.status == 0
    assert "rows" in back.out
    counted = at_work(
        "sql", "SELECT count(*) AS n FROM markets", "--format", "json", ARB_DATA_DIR=tmp_path / "again"
    )
    assert counted.document == [{"n": 2 * MARKETS}]


def test_a_stream_ends_after_its_seconds_and_a_corrupt_segment_does_not_stop_it(at_work, ours):
    folder = ours.root / "spool" / "kalshi" / "book_snapshots"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{1:016d}-{'a' * 32}-{'0' * 8}.parquet").write_bytes(b"torn")
    ended = at_work("stream", "kalshi", "--seconds", "1.5", "--json")
    assert ended.status == 0
    assert ended.document["acknowledged_rows"] == ended.document["promoted_rows"] > 0
    assert "kalshi: " in ended.err  # plain lines where there is no terminal
    assert list((ours.root / "spool" / "torn").iterdir())
    assert "rows acknowledged" in at_work("stream", "kalshi", "--seconds", "0.1").out
    findings = {one["what"]: one["text"] for one in at_work("doctor", "--json").document}
    assert findings["torn segments"].startswith("1 in ")


# SQL


def test_sql_answers_as_table_csv_and_json(at_work):
    query = "SELECT venue, count(*) AS markets, 1.5::DECIMAL(9, 2) AS price FROM markets GROUP BY venue ORDER BY venue"
    table = at_work("sql", query).out
    assert all(word in table for word in ("venue", "kalshi", "polymarket", str(MARKETS), "1.50"))
    assert at_work("sql", query, "--format", "csv").out.split() == [
        "venue,markets,price", f"kalshi,{MARKETS},1.50", f"polymarket,{MARKETS},1.50",
    ]  # fmt: skip
    assert at_work("sql", query, "--format", "json").document[0] == {
        "venue": "kalshi",
        "markets": MARKETS,
        "price": "1.50",
    }


def test_sql_reads_a_query_from_a_pipe(at_work, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 42 AS answer"))
    assert at_work("sql", "--format", "json").document == [{"answer": 42}]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELEC 1", "syntax error"), ("SELECT * FROM nonsense", "nonsense"), ("DROP TABLE markets", "only reads"),
        ("", "there is no query"), ("SELECT 1; SELECT 2", "one query at a time"),
    ],
)  # fmt: skip
def test_a_query_that_cannot_be_answered_is_one_sentence(at_work, query, said):
    ended = at_work("sql", query)
    assert ended.status == 1
    assert said in ended.sentence


def test_a_reader_that_went_away_is_no_failure(simulated, ours):
    with subprocess.Popen(
        [sys.executable, "-m", "arb_platform.cli", "sql", "SELECT repeat('x', 1000) FROM range(20000)", "--format", "csv"],
        env={**os.environ, **simulated, "ARB_DATA_DIR": str(ours.folder)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (0, b"")


# Doctor


def test_doctor_looks_at_everything_and_shows_no_secret(at_work, simulated):
    ended = at_work("doctor", "--json")
    findings = {one["what"]: (one["state"], one["text"]) for one in ended.document}
    assert ended.status == int(any(state == "wrong" for state, _ in findings.values()))
    for what in ("versions", "lake", "budget", "Kalshi key", "model deepseek", "model openai"):
        assert findings[what][0] == "ok"
    assert findings["DEEPSEEK_API_KEY"] == ("ok", "set")
    assert findings["POLYMARKET_API_KEY"] == ("ok", "unset")
    assert findings["ARB_KALSHI_REST_URL"] == ("ok", simulated["ARB_KALSHI_REST_URL"])
    assert "ARB_TRACK" not in findings
    assert "UTC" in findings["clock"][1]
    assert simulated["DEEPSEEK_API_KEY"] not in ended.out
    assert "book snapshots" in at_work("doctor").out


def test_doctor_finds_no_fault_with_an_empty_folder(anew, tmp_path):
    ended = anew("doctor", "--json")
    findings = {one["what"]: one["state"] for one in ended.document}
    assert findings["lake"] == "note"
    assert "wrong" not in {findings["Kalshi key"], findings["stream kalshi"]}
    assert not list(tmp_path.iterdir())


def test_doctor_tells_a_clock_that_a_venue_contradicts(anew, tmp_path):
    behind = replace(event("e-skew", "clock_skew"), detail="the clock here is 91 s behind")
    with Lake.open(LakeLocation.local(tmp_path / "demo")) as lake:
        lake.merge("stream_events", pl.from_arrow(event_rows([behind])), ["event_id"])
    ended = anew("doctor", "--json")
    (found,) = [one for one in ended.document if one["what"] == "clock of kalshi"]
    assert (ended.status, found["state"]) == (1, "wrong")
    assert "91 s behind" in found["text"]


@pytest.mark.parametrize("missing", ["KALSHI_API_KEY", "KALSHI_PRIVATE_KEY_PATH"])
def test_half_a_key_for_kalshi_is_found_by_doctor_and_refused_by_a_stream(anew, missing):
    ended = anew("doctor", **{missing: ""})
    assert ended.status == 1
    assert "Kalshi key" in ended.sentence
    ended = anew("stream", "kalshi", "--seconds", "5", **{missing: ""})
    assert ended.status == 1
    assert "set the other one" in ended.sentence


def test_a_key_file_that_is_not_there_is_one_sentence(anew):
    ended = anew("stream", "kalshi", "--seconds", "5", KALSHI_PRIVATE_KEY_PATH="/nowhere/kalshi.pem")
    assert ended.status == 1
    assert "KALSHI_PRIVATE_KEY" in ended.sentence


# Bad input: status 1 and one sentence


def test_a_key_that_the_venue_refuses(at_work):
    ended = at_work("stream", "kalshi", "--seconds", "30", KALSHI_API_KEY="somebody-else")
    assert ended.status == 1
    assert "401" in ended.sentence
    assert "KALSHI_API_KEY" in ended.sentence


@pytest.mark.parametrize("venue", ["polymarket", "kalshi"])
def test_a_stream_to_which_nothing_came_is_a_failure(anew, venue):
    nowhere = {
        name: f"{'ws' if '_WS_' in name else 'http'}://127.0.0.1:9"
        for name in ("ARB_POLYMARKET_WS_URL", "ARB_POLYMARKET_GAMMA_URL", "ARB_POLYMARKET_CLOB_URL",
                     "ARB_KALSHI_WS_URL", "ARB_KALSHI_REST_URL")
    }  # fmt: skip
    ended = anew("stream", venue, "--markets", "0x1", "--seconds", "1", **nowhere)
    assert ended.status == 1
    assert f"{venue} sent nothing: no connection came about" in ended.sentence


def test_keys_that_both_providers_refuse_end_the_validation_at_once(at_work, ours, tmp_path):
    shutil.copytree(ours.folder, tmp_path / "copy")
    keys = {"DEEPSEEK_API_KEY": "sesame-1", "OPENAI_API_KEY": "sesame-2", "ARB_DATA_DIR": tmp_path / "copy"}
    with Lake.open(LakeLocation.local(tmp_path / "copy" / "demo")) as lake, lake.transaction() as connection:
        connection.execute("DELETE FROM verdicts")
        before = connection.execute("SELECT count(*) FROM llm_calls").fetchone()[0]
    ended = at_work("validate", **keys)
    assert ended.status == 1
    assert "DEEPSEEK_API_KEY" in ended.sentence
    assert "OPENAI_API_KEY" in ended.sentence
    assert "sesame" not in ended.out + ended.err
    with Lake.open(LakeLocation.local(tmp_path / "copy" / "demo"), read_only=True) as lake:
        calls = lake.query("SELECT count(*) FROM llm_calls").item() - before
        assert calls == 2


def test_a_port_where_nobody_listens(anew):
    port = free_port()
    ended = anew("markets", "kalshi", ARB_KALSHI_REST_URL=f"http://127.0.0.1:{port}/trade-api/v2")
    assert ended.status == 1
    assert f"127.0.0.1:{port}" in ended.sentence


def test_a_venue_that_lists_nothing(anew):
    empty = EmptyVenue()
    with SimulatorThread(SimpleNamespace(server=empty)):
        ended = anew("markets", "kalshi", ARB_KALSHI_REST_URL=empty.url)
    assert ended.status == 1
    assert "listed no markets" in ended.sentence


@pytest.mark.parametrize(
    "words", [("sql", "SELECT 1"), ("review", "list"), ("validate", "--dry-run")], ids=lambda words: words[0]
)
def test_a_lake_that_is_not_there(anew, tmp_path, words):
    ended = anew(*words)
    assert ended.status == 1
    assert "no lake" in ended.sentence
    assert not list(tmp_path.iterdir())


def test_stages_out_of_order(anew):
    ended = anew("match")
    assert ended.status == 1
    assert "arb markets polymarket" in ended.sentence


def test_a_lake_of_a_newer_program(at_work, ours, tmp_path):
    shutil.copytree(ours.folder, tmp_path / "newer")
    newer = load_settings(data_dir=tmp_path / "newer")
    with pipeline.open_writer(newer) as lake, lake.transaction() as connection:
        connection.execute(
            "INSERT INTO schema_version SELECT max(version) + 1, now(), 'later' FROM schema_version"
        )
    for words in (
        ("sql", "SELECT 1"),
        ("markets", "kalshi"),
        ("maintain",),
        ("stream", "kalshi", "--seconds", "5"),
    ):
        ended = at_work(*words, ARB_DATA_DIR=tmp_path / "newer")
        assert ended.status == 1, words
        assert "schema version" in ended.sentence
    ended = at_work("doctor", "--json", ARB_DATA_DIR=tmp_path / "newer")
    assert ended.status == 1
    assert "not in order: lake" in ended.sentence


@pytest.mark.parametrize(
    "words",
    [
        ("sql", "SELECT 1"), ("match",), ("maintain",), ("stream", "kalshi", "--seconds", "5"), ("demo", "--seconds", "1"),
        ("up", "--port", "{port}"),
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_a_data_directory_that_is_a_file(anew, tmp_path, words):
    (tmp_path / "file").write_text("mine")
    ended = anew(*(word.format(port=free_port()) for word in words), ARB_DATA_DIR=tmp_path / "file")
    assert ended.status == 1
    assert str(tmp_path / "file") in ended.sentence
    assert (tmp_path / "file").read_text() == "mine"


def test_doctor_can_be_asked_about_a_data_directory_that_is_a_file(anew, tmp_path):
    (tmp_path / "file").write_text("mine")
    assert anew("doctor", ARB_DATA_DIR=tmp_path / "file").status in {0, 1}


def test_a_page_that_cannot_be_written(at_work, tmp_path):
    ended = at_work("report", "llm_cost", "--html", str(tmp_path / "nowhere" / "page.html"))
    assert ended.status == 1
    assert "nowhere/page.html: No such file or directory" in ended.sentence


@pytest.mark.parametrize("since", ["yesterday", "d", "99999999999d", "2026-13-01"])
def test_a_day_that_is_none(at_work, since):
    ended = at_work("report", "llm_cost", "--since", since)
    assert ended.status == 2
    assert "2026-11-01 or days back like 7d" in ended.err


def test_a_setting_without_sense(anew):
    ended = anew("doctor", ARB_DEEPSEEK_RPM="sesame")
    assert ended.status == 1
    assert "ARB_DEEPSEEK_RPM" in ended.sentence
    assert "sesame" not in ended.err


def test_a_port_that_is_in_use(anew):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        ended = anew("up", "--port", str(port))
        assert (ended.status, f"port {port} is in use" in ended.sentence) == (1, True)
        ended = anew("simulate", "llm", "--markets", "5", "--port", str(port))
        assert (ended.status, "choose another --port" in ended.sentence) == (1, True)


def test_a_second_arb_up_on_one_folder(anew, tmp_path):
    with _alone(tmp_path / "demo"):
        ended = anew("up", "--port", str(free_port()))
    assert ended.status == 1
    assert "another `arb up` runs" in ended.sentence


def test_faults_that_nobody_knows(anew):
    ended = anew("simulate", "llm", "--port", "0", "--faults", "colour=1")
    assert ended.status == 2
    assert "colour" in ended.err


def test_nothing_to_validate_points_to_what_comes_before(anew, tmp_path):
    Lake.open(LakeLocation.local(tmp_path / "demo")).close()
    for words in (("validate",), ("validate", "--dry-run")):
        ended = anew(*words)
        assert ended.status == 1
        assert "arb match" in ended.sentence


def test_a_folder_that_cannot_be_written_is_noticed_before_the_venue_is_asked(anew, tmp_path):
    (tmp_path / "file").write_text("")
    ended = anew(
        "markets", "kalshi", ARB_DATA_DIR=tmp_path / "file", ARB_KALSHI_REST_URL="http://127.0.0.1:9"
    )
    assert ended.status == 1
    assert "ARB_DATA_DIR" in ended.sentence


def test_debug_shows_the_traceback_instead(monkeypatch, tmp_path):
    monkeypatch.setenv("ARB_DATA_DIR", str(tmp_path))
    with pytest.raises(LakeUnavailable):
        main(["--debug", "sql", "SELECT 1"])


# Real processes: signals


def spawn(*words, **variables):
    return subprocess.Popen(
        [sys.executable, "-m", "arb_platform.cli", *words], env={**os.environ, **variables},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_work_that_is_interrupted_ends_with_130(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with spawn("markets", "kalshi", ARB_DATA_DIR=str(tmp_path), ARB_KALSHI_REST_URL=address) as process:
            asked, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
            asked.close()
    assert process.returncode == 130
    assert said.splitlines()[-1] == "interrupted"
    assert "Traceback" not in said


def test_a_simulator_serves_a_recording_past_its_broken_line_until_it_is_interrupted(tmp_path):
    book = {
        "event_type": "book", "asset_id": "1" * 76, "market": "0x" + "a" * 64, "timestamp": "1757908892351", "hash": "0xabc",
        "bids": [{"price": "0.48", "size": "30"}], "asks": [{"price": "0.52", "size": "25"}],
    }  # fmt: skip
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "a.json").write_text(json.dumps(book))
    (tmp_path / "frames" / "b.json").write_text('{"event_type": "bo')
    file = tmp_path / "environment.json"
    words = [
        "--port",
        "0",
        "--markets",
        "5",
        "--recordings",
        str(tmp_path / "frames"),
        "--environment-file",
        str(file),
    ]
    with spawn("simulate", "polymarket", *words) as process:
        noted = process.stderr.readline()
        exported = [process.stdout.readline() for _ in range(4)][1:]
        while not file.exists():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert noted.startswith("skipped: ")
    assert "b.json" in noted
    variables = json.loads(file.read_text())
    assert exported == [f"export {name}={value}\n" for name, value in variables.items()]
