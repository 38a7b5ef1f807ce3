"""`store backup`, run as a person runs it, on real files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.services.stored import make_dataset, make_run
from tlm_dash.cli import main
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings
from tlm_dash.store.tables import TABLES

Rows = dict[str, list[tuple[object, ...]]]


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rows:
    """A database with a run in it; all of its rows by table."""
    monkeypatch.setenv("TLM_DASH_DATA_DIR", str(tmp_path / "data"))
    with OpenStore() as place:
        dataset_id = make_dataset(place.store, 50)
        make_run(place.store, dataset_id, ["yes"] * 50, scores=[0.5] * 50)
        return all_rows(place)


def all_rows(place: OpenStore) -> Rows:
    return {table: sorted(place.store.read(f"FROM {table}"), key=repr) for table in TABLES}


def test_a_backup_opens_and_holds_the_same_rows(
    rows: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "elsewhere" / "today.duckdb"
    assert main(["store", "backup", str(copy), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["output"], told["size_bytes"]) == (str(copy), copy.stat().st_size)
    environment = {"TLM_DASH_DATABASE_URL": f"duckdb:///{copy}", "TLM_DASH_DATA_DIR": str(tmp_path / "other")}
    with OpenStore(load_settings(environment, env_file=tmp_path / "no.env")) as place:
        assert all_rows(place) == rows
        assert len(rows["item"]) == len(rows["run_item"]) == 50
    assert [file.name for file in copy.parent.iterdir()] == ["today.duckdb"]


@pytest.mark.usefixtures("rows")
def test_a_file_that_exists_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = tmp_path / "there.duckdb"
    there.write_text("mine")
    assert main(["store", "backup", str(there)]) == 1
    told = capsys.readouterr()
    assert "exists already" in told.err and "hint: " in told.err and not told.out
    assert there.read_text() == "mine"


@pytest.mark.usefixtures("rows")
def test_a_disk_without_room_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlm_dash.services.backups.ROOM_FACTOR", 1e12)
    assert main(["store", "backup", str(tmp_path / "new" / "a.duckdb")]) == 1
    assert "MB are free" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
