"""A full disk loses nothing: what was acknowledged stays readable, and writing goes on when there is room."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEBIBYTE = 1024**2


# Below 16 MiB it is the write-ahead log that does not fit; above, the file that the log is merged into.
@pytest.mark.parametrize("limit", [6 * MEBIBYTE, 18 * MEBIBYTE], ids=["log", "file"])
def test_full_and_with_room_again(tmp_path: Path, limit: int) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tests.store.full_disk", str(tmp_path / "a.duckdb"), str(limit)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    told = json.loads(run.stdout)
    assert told["failed"] > 0
    assert told["kept"] > 0
    (message,) = told["messages"]
    assert message.startswith(f"No room is left on the disk of the database {tmp_path / 'a.duckdb'}. Free")
    assert told["while_full"] == [told["kept"]] * 2
    assert told["with_room"] == told["after"] == [told["kept"] + told["failed"]] * 2
    assert told["reader_failures"] == []


OPEN = """
import resource, sys
from pathlib import Path
from tlm_dash.errors import TlmDashError
from tlm_dash.store import Store
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    Store.open(f"duckdb:///{sys.argv[1]}", temp_dir=Path(sys.argv[1]).parent / "temporary").close()
    print("opened")
except TlmDashError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("limit", [0, 5000, 20_000, 100_000])
def test_no_room_to_begin(tmp_path: Path, limit: int) -> None:
    def open_with(limit: int) -> str:
        command = [sys.executable, "-c", OPEN, str(tmp_path / "a.duckdb"), str(limit)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    assert open_with(limit).startswith("StoreFullError No room is left on the disk to open the database")
    assert open_with(1 << 40) == "opened"
