"""Places over real files for tests of services that need no dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings


def opened_in(folder: Path) -> OpenStore:
    return OpenStore(load_settings({"TLM_DASH_DATA_DIR": str(folder)}, env_file=folder / "no.env"))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[OpenStore]:
    with opened_in(tmp_path / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStore]:
    """One place for all tests of a file, where each makes what it needs."""
    with opened_in(tmp_path_factory.mktemp("place")) as opened:
        yield opened
