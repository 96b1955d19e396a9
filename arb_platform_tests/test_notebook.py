"""docs/notebooks/lake.py, run by marimo on a filled lake, an empty one, none at all, and with mistakes in it."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import arb_platform
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform_tests.storage import samples

pytestmark = pytest.mark.skipif(
    find_spec("marimo") is None, reason="marimo is not installed; `make test` installs it"
)

DOCS = Path(arb_platform.__file__).parents[1] / "docs"
CHARTS = {"books_chart", "spreads_chart", "edges_chart", "latency_chart", "costs_chart"}

# Runs as marimo runs a notebook, in a process of its own because marimo changes what Altair does. Prints per case what
# was raised, what was said, each chart as Vega-Lite, and whether the lake's catalogue is open, as it is during a transaction only.
PROBE = """
import html, importlib.util, json, os, re, sys
from contextlib import closing
import altair as alt

def catalogue_is_open():
    links = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))
    return any("catalog.sqlite" in os.readlink(link) for link in links if os.path.islink(link))

def words(output):
    return html.unescape(re.sub("<[^>]+>", "", getattr(output, "text", "")))

def tried(notebook, data_dir):
    os.environ |= {"ARB_DATA_DIR": data_dir, "ARB_PROFILE": "live"}
    spec = importlib.util.spec_from_file_location("notebook", notebook)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        outputs, found = module.app.run()
    except Exception as error:
        return {"raised": f"{type(error).__name__}: {error}"}
    alt.data_transformers.enable("default")
    charts = {name: one.to_dict() for name, one in found.items() if isinstance(one, alt.TopLevelMixin)}
    control = found.get("refresh")
    return {
        "said": "\\n".join(map(words, outputs)),
        "charts": charts,
        "control": type(control).__name__,
        "open": catalogue_is_open(),
    }

cases = json.load(sys.stdin)
results = {name: tried(**case) for name, case in cases.items()}
import arb_platform
os.environ["ARB_DATA_DIR"] = cases["filled"]["data_dir"]
with closing(arb_platform.open_lake()) as held:
    held.execute("BEGIN")
    held.sql("SELECT count(*) FROM reviews").fetchall()
    results["in a transaction"] = catalogue_is_open()
json.dump(results, sys.stdout)
"""


def copy_with(folder, file, wrong, right):
    """A copy of the notebook and its queries with one mistake."""
    for name in ("notebooks", "queries"):
        shutil.copytree(DOCS / name, folder / name, ignore=shutil.ignore_patterns("__*"))
    text = (folder / file).read_text()
    assert right in text
    (folder / file).write_text(text.replace(right, wrong))
    return str(folder / "notebooks" / "lake.py")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("notebook")
    with Lake.open(LakeLocation.local(root / "filled")) as lake:
        samples.fill(lake)
    Lake.open(LakeLocation.local(root / "empty")).close()
    real, filled = str(DOCS / "notebooks" / "lake.py"), str(root / "filled")
    wrong_query = copy_with(root / "a", "queries/16_llm_cost_by_hour.sql", "sum(cost_eur)", "sum(cost_usd)")
    wrong_field = copy_with(root / "b", "notebooks/lake.py", 'alt.Y("cost_eur:Q"', 'alt.Y("cost_usd:Q"')
    cases = {
        "filled": (real, filled), "empty": (real, str(root / "empty")), "none": (real, str(root / "nowhere")),
        "wrong query": (wrong_query, filled), "wrong field": (wrong_field, filled),
    }  # fmt: skip
    asked = {name: {"notebook": notebook, "data_dir": data} for name, (notebook, data) in cases.items()}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE],
        input=json.dumps(asked), capture_output=True, text=True, check=False, cwd=root,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def fields_without_rows(specification):
    """Encoded fields of a chart of which no row has a value."""
    (rows,) = specification["datasets"].values()
    encoded = [
        one
        for channel in specification["encoding"].values()
        for one in (channel if isinstance(channel, list) else [channel])
    ]
    fields = {one["field"] for one in encoded if "field" in one}
    assert len(fields) >= 3
    return {field for field in fields if all(row.get(field) is None for row in rows)}


def test_every_chart_of_the_notebook_has_rows_for_all_it_draws(runs):
    run = runs["filled"]
    assert "raised" not in run
    assert set(run["charts"]) == CHARTS
    assert {name: fields_without_rows(chart) for name, chart in run["charts"].items()} == {
        name: set() for name in CHARTS
    }
    assert "240 books, the newest of 2026-11-20 12:01:59 UTC" in run["said"]


def test_both_venues_of_a_matched_pair_stand_side_by_side(runs):
    (rows,) = runs["filled"]["charts"]["books_chart"]["datasets"].values()
    assert {(row["pair"], row["venue"]) for row in rows} == {
        (f"Will 0x{number} happen?", venue) for number in (1, 2) for venue in ("polymarket", "kalshi")
    }


def test_a_wrong_column_in_a_query_or_in_a_picture_would_be_noticed(runs):
    assert "cost_eur" in runs["wrong query"]["raised"]
    assert fields_without_rows(runs["wrong field"]["charts"]["costs_chart"]) == {"cost_eur"}


def test_the_notebook_reads_again_by_itself(runs):
    assert runs["filled"]["control"] == "refresh"


def test_on_an_empty_lake_every_part_says_how_to_fill_it(runs):
    run = runs["empty"]
    assert "raised" not in run
    assert all(not any(chart.get("datasets", {}).values()) for chart in run["charts"].values())
    assert run["said"].count("yet. arb ") == len(CHARTS)
    assert "arb up fills it" in run["said"]


def test_where_there_is_no_lake_the_notebook_says_so_and_stops(runs):
    run = runs["none"]
    assert "raised" not in run
    assert "there is no lake at" in run["said"]
    assert "ARB_DATA_DIR" in run["said"]
    assert run["charts"] == {}


@pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc, which is not here"
)
def test_no_transaction_is_open_after_the_notebook_has_read_the_lake(runs):
    assert (runs["filled"]["open"], runs["in a transaction"]) == (False, True)
