"""Imports point down: the contract of pyproject.toml, checked by import-linter itself."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import arb_platform

ROOT = Path(arb_platform.__file__).parents[1]
LINTER = Path(sys.executable).with_name("lint-imports")
OUTSIDE = {
    "dagster": {"defs", "definitions.py", "supervise"},
    "duckdb": {"storage", "api"},
    "httpx": {"venues", "llm"},
    "websockets": {"venues"},
    "aiohttp": {"live", "simulate"},
    "apprise": {"defs"},
}


def contracts():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def lint(*arguments, folder=ROOT, path=ROOT):
    return subprocess.run(
        [LINTER, "--no-cache", *arguments], cwd=folder, env={"PYTHONPATH": str(path)}, capture_output=True, text=True, check=False
    )  # fmt: skip


def test_imports_point_down_and_never_sideways():
    done = lint()
    assert done.returncode == 0, done.stdout
    assert "layers point down KEPT" in done.stdout


def test_the_contract_is_exhaustive_and_has_the_layers_of_the_house():
    (contract,) = (one for one in contracts() if one["type"] == "layers")
    assert contract["exhaustive"]
    order = [{name.strip() for name in re.split("[|:]", layer)} for layer in contract["layers"]]
    ranks = {name: rank for rank, layer in enumerate(order) for name in layer}
    house = ["cli", "defs", "settings", "ingest", "venues", "domain"]
    assert [ranks[name] for name in house] == sorted(ranks[name] for name in house)
    assert ranks["ingest"] == ranks["matching"] == ranks["reports"] == ranks["simulate"]
    assert ranks["venues"] == ranks["llm"] == ranks["storage"]


def test_an_import_that_points_up_would_be_found(tmp_path):
    package = tmp_path / "house"
    for layer in ("roof", "cellar"):
        (package / layer).mkdir(parents=True)
        (package / layer / "__init__.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "cellar" / "__init__.py").write_text("import house.roof\n")
    (tmp_path / ".importlinter").write_text(
        "[importlinter]\nroot_package = house\n[importlinter:contract:1]\nname = down\ntype = layers\n"
        "layers =\n    house.roof\n    house.cellar\n"
    )
    done = lint(folder=tmp_path, path=tmp_path)
    assert done.returncode == 1
    assert "house.cellar -> house.roof (l.1)" in done.stdout


def importers(library, package):
    """Rooms of ``package`` (folders and top-level modules) that import ``library``."""
    statement = re.compile(rf"^\s*(?:import|from)\s+{library}\b", re.MULTILINE)
    found = (
        file.relative_to(package).parts[0]
        for file in package.rglob("*.py")
        if statement.search(file.read_text())
    )
    return set(found)


def test_each_library_has_its_room():
    package = Path(arb_platform.__file__).parent
    assert {library: importers(library, package) for library in OUTSIDE} == OUTSIDE


def test_a_library_in_another_room_would_be_found(tmp_path):
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "books.py").write_text("def f():\n    from duckdb import connect\n")
    assert importers("duckdb", tmp_path) == {"domain"}


def test_the_domain_needs_nothing_but_the_standard_library():
    rooms = sys.stdlib_module_names | {"arb_platform"}
    statement = re.compile(r"^\s*(?:import|from)\s+([a-z_0-9]+)", re.MULTILINE)
    domain = Path(arb_platform.__file__).parent / "domain"
    named = {name for file in domain.glob("*.py") for name in statement.findall(file.read_text())}
    assert "dataclasses" in named
    assert named <= rooms
