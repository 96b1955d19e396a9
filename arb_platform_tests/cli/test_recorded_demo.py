"""`arb demo --recordings` with real recorded frames of both venues, as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import arb_platform_tests

FIXTURES = Path(arb_platform_tests.__file__).parents[2] / "shared" / "fixtures"
FOLDERS = (FIXTURES / "kalshi" / "gold15m", FIXTURES / "polymarket" / "real_frames")


@pytest.mark.timeout(240)
def test_the_main_job_runs_on_recorded_frames_of_both_venues(tmp_path):
    if not all(folder.is_dir() for folder in FOLDERS):
        pytest.skip("the recorded frames are not beside this checkout (../shared/fixtures)")
    recordings = [word for folder in FOLDERS for word in ("--recordings", str(folder))]
    done = subprocess.run(
        [sys.executable, "-m", "arb_platform.cli", "demo", "--seconds", "3", "--json", *recordings],
        env={**os.environ, "ARB_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=220,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["data_dir"] == str(tmp_path / "demo")
    assert min(document["snapshots"].values()) > 0
    counted = subprocess.run(
        [sys.executable, "-m", "arb_platform.cli", "sql", "--format", "json",
         "SELECT venue, count(*) AS rows FROM book_snapshots WHERE market_id LIKE 'KXGOLD15M%' OR venue = 'polymarket' GROUP BY venue ORDER BY venue"],
        env={**os.environ, "ARB_DATA_DIR": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert [row["venue"] for row in json.loads(counted.stdout)] == ["kalshi", "polymarket"]
