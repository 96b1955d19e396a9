"""docs/analyst.md: its examples are run as they stand, and its list of queries is the folder's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import arb_platform
from arb_platform.storage.analyst import write_analyst_sql
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.publish import publish
from arb_platform.storage.sql import query_only
from arb_platform_tests.storage import samples

DOCS = Path(arb_platform.__file__).parents[1] / "docs"
PAGE = (DOCS / "analyst.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


COMMANDS = [line.removeprefix("$ ") for block in blocks("console") for line in block.splitlines()]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder as a reader of the page has it: docs/ and a demo's data/."""
    folder = tmp_path_factory.mktemp("analyst")
    (folder / "docs").symlink_to(DOCS)
    location = LakeLocation.local(folder / "data" / "demo")
    with Lake.open(location) as lake:
        samples.fill(lake)
    write_analyst_sql(location)
    publish(location)
    return folder


@pytest.fixture(scope="module")
def typed(checkout):
    def run(command):
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-c", command], cwd=checkout, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )  # fmt: skip

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_answers(typed, command):
    done = typed(command)
    assert (done.returncode, "rror" in done.stderr) == (0, False), done.stderr
    assert done.stdout.strip() not in {"", "[]"}


def test_every_way_in_has_an_example():
    shown = " ".join(COMMANDS)
    for way in ("arb sql", "--format csv", "--format json", "duckdb -init", "published.duckdb"):
        assert way in shown
    assert (DOCS.parent / re.search(r"marimo run (\S+\.py)", PAGE)[1]).exists()
    assert len(blocks("python")) == len(blocks("sql")) == 1


def test_the_python_of_the_page_prints_rows(checkout):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", blocks("python")[0]], cwd=checkout, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert "shape: (100, 5)" in done.stdout


def test_the_query_of_the_page_finds_rows(checkout):
    with Lake.open(LakeLocation.local(checkout / "data" / "demo"), read_only=True) as lake:
        assert query_only(lake, blocks("sql")[0]).height > 0


def test_an_example_with_a_wrong_word_would_be_noticed(typed):
    (command,) = (one for one in COMMANDS if "-init" in one)
    assert typed(command.replace("books_trusted", "books_rusted")).returncode != 0


def test_the_list_of_queries_is_the_folder_with_its_questions():
    listed = re.findall(r"^\| \[(\w+)\]\(queries/(\w+)\.sql\) \| (.*) \|$", PAGE, re.MULTILINE)
    there = [
        (path.stem, path.stem, path.read_text().splitlines()[0].removeprefix("-- "))
        for path in sorted((DOCS / "queries").glob("*.sql"))
    ]
    assert listed == there
    assert len(listed) == PAGE.count("](queries/")
