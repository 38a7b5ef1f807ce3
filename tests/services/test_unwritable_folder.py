"""A data folder that cannot be written: told in a sentence that names the setting, for every way in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tlm_dash.errors import StoreError, StoreFullError, TlmDashError
from tlm_dash.services.dataset_inspection import inspect, inspect_text
from tlm_dash.services.place import OpenStore
from tlm_dash.settings import Settings, load_settings


def settings_of(tmp_path: Path) -> Settings:
    return load_settings({"TLM_DASH_DATA_DIR": str(tmp_path / "data")}, env_file=tmp_path / "no.env")


def blocked(folder: Path) -> None:
    """Put a file where a folder has to be: nobody can write into it, whatever rights they have."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way")


@pytest.mark.parametrize("look", [
    lambda place, file: inspect(place, [file]),
    lambda place, _file: inspect_text(place, "Why?\nWhen?"),
])  # fmt: skip
def test_an_upload_that_cannot_be_laid_out(tmp_path: Path, look: Callable[[OpenStore, Path], object]) -> None:
    (tmp_path / "rows.csv").write_text("prompt\nWhy?\n")
    with OpenStore(settings_of(tmp_path)) as place:
        blocked(tmp_path / "data" / "tmp")
        with pytest.raises(StoreFullError, match="cannot be laid out") as told:
            look(place, tmp_path / "rows.csv")
    _names_the_setting(told.value)


def test_a_database_that_cannot_be_made(tmp_path: Path) -> None:
    blocked(tmp_path / "data")
    with pytest.raises(StoreError) as told:
        OpenStore(settings_of(tmp_path))
    _names_the_setting(told.value)


def _names_the_setting(error: TlmDashError) -> None:
    assert "TLM_DASH_DATA_DIR" in error.hint
