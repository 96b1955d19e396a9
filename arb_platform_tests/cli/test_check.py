"""``arb check``: the same checks in a terminal."""

import json

import pytest

from arb_platform.cli import main
from arb_platform.ingest.heartbeat import write_heartbeat
from arb_platform.pipeline.checks import CHECKS
from arb_platform.settings import load_settings
from arb_platform_tests.ingest.test_heartbeat import BEAT


@pytest.fixture
def check(monkeypatch, capsys, tmp_path):
    """Runs ``arb check`` in a folder of its own; gives status, output and the error's sentence."""
    monkeypatch.setenv("ARB_DATA_DIR", str(tmp_path))

    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main(["check", *words])
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def test_every_check_has_a_line_and_an_empty_folder_is_in_order(check):
    status, out, err = check()
    assert (status, err) == (0, "")
    assert all(one.name in out for one in CHECKS)
    assert "Nothing is wrong." in out


def test_a_check_that_fails_is_told_with_its_figures_and_by_the_exit_status(check):
    root = load_settings().root
    root.mkdir(parents=True)
    write_heartbeat(root, BEAT)
    status, out, err = check("heartbeats_are_young", "--json")
    (found,) = json.loads(out)
    assert (found["check"], found["state"], found["severity"]) == ("heartbeats_are_young", "failed", "error")
    assert found["figures"]["kalshi_0_seconds"] > 30
    assert (status, err.strip()) == (1, "arb: not in order: heartbeats_are_young.")


def test_a_name_of_several_assets_asks_all_of_them(check):
    _, out, _ = check("listing_is_complete", "--json")
    assert [one["asset"] for one in json.loads(out)] == ["polymarket_markets", "kalshi_markets"]


def test_a_check_that_nobody_knows_is_wrong_usage(check):
    status, _, err = check("all_is_well")
    assert status == 2
    assert "disk_has_room" in err
