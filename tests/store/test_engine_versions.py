"""The file and the package work with DuckDB 1.5 too: the way back where a 2.x release misbehaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.conftest import OpenStore
from tests.store.rows import answer, make_entry, make_runs

ROOT = Path(__file__).resolve().parents[2]
OLDER = "1.5.5"

USE = """
import sys
from pathlib import Path
import duckdb
from tests.store.rows import answer, make_entry, make_runs, run_row
from tlm_dash.store import Store
from tlm_dash.store.facts import storage_facts
from tlm_dash.store.playground import close_interrupted, entry, history, preset_latencies, standing
folder = Path(sys.argv[1])
for name in ("newer.duckdb", "older.duckdb"):
    store = Store.open(f"duckdb:///{folder / name}", temp_dir=folder / "temporary")
    (run,) = make_runs(store, {})
    entry_id, item_no = make_entry(store, run, prompt="of the older engine \\ud83d")
    answer(store, run, item_no, "older answer", trustworthiness_score=0.25, latency_ms=3.0)
    assert entry(store, entry_id).cells[0].trustworthiness_score == 0.25
    assert history(store, search="OLDER ANSWER").total == 1
    assert standing(store, run, item_no) is not None
    assert preset_latencies(store, run_row("d")["endpoint"]) == {} and close_interrupted(store) == 0
    assert storage_facts(store).engine_version == duckdb.__version__
    print(duckdb.__version__, history(store).total)
    store.backup(folder / f"backup of {name}")
    store.close()
"""


@pytest.fixture(scope="module")
def older_engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engine")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    run = subprocess.run([*command, f"duckdb=={OLDER}"], capture_output=True, text=True, check=False)
    if run.returncode:
        pytest.skip(f"duckdb {OLDER} cannot be installed here: {run.stderr.strip()[-200:]}")
    return folder


@pytest.mark.network
def test_there_and_back(tmp_path: Path, open_store: OpenStore, older_engine: Path) -> None:
    store = open_store("newer.duckdb")
    (run_id,) = make_runs(store, {})
    _, item_no = make_entry(store, run_id, prompt="of this engine")
    answer(store, run_id, item_no, "newer answer", trustworthiness_score=0.5)
    store.close()
    run = subprocess.run(
        [sys.executable, "-c", USE, str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(older_engine)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n")[:2] == [f"{OLDER} 2", f"{OLDER} 1"]
    for name, total in (("newer", 2), ("older", 1), ("backup of newer", 2), ("backup of older", 1)):
        held = open_store(f"{name}.duckdb")
        assert held.read("SELECT count(*) FROM run_item") == [(total,)]
        assert held.read("SELECT count(*) FROM item WHERE prompt = ?", ["of the older engine \ud83d"]) == [
            (1,)
        ]
