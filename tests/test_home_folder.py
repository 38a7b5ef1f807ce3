"""A home folder in which nothing can be made: a file in its place stops those whom no mode stops."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fake_endpoint import FakeEndpoint

ROOT = Path(__file__).resolve().parents[1]
HOMES = ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")


@pytest.fixture
def no_home(tmp_path: Path) -> dict[str, str]:
    """All names of a home folder lead to a file; nothing can be made below it."""
    (tmp_path / "home").write_text("in the way")
    below = dict.fromkeys(HOMES, str(tmp_path / "home" / "below"))
    return {**below, "HOME": str(tmp_path / "home"), "USERPROFILE": str(tmp_path / "home")}


def test_commands_work(tmp_path: Path, no_home: dict[str, str], fake_endpoint: FakeEndpoint) -> None:
    file = tmp_path / "asks.csv"
    file.write_text("prompt\nWhy?\nWho?\n")
    settings = {"TLM_DASH_DATA_DIR": str(tmp_path / "data"), "BASE_URL": fake_endpoint.base_url}

    def facts(*arguments: str) -> Any:  # noqa: ANN401
        told = subprocess.run(
            [sys.executable, "-m", "tlm_dash", *arguments, "--json"], cwd=ROOT, check=False, timeout=120,
            capture_output=True, text=True, env={**os.environ, **no_home, **settings},
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
        return json.loads(told.stdout)

    assert facts("check")["works"]
    assert facts("datasets", "import", str(file))["n_items"] == 2
    (run,) = facts("runs", "start", "asks", "--model", "gpt-4.1-mini")["runs"]
    assert facts("runs", "export", run["run_id"], "--output", str(tmp_path / "rows.xlsx"))["n_rows"] == 2
