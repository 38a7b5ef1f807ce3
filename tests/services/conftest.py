"""Places over real files for tests of services that need no dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tlm_dash.services.place import OpenStore
from tlm_dash.settings import load_settings


@pytest.fixture
def place(tmp_path: Path) -> Iterator[OpenStore]:
    settings = load_settings({"TLM_DASH_DATA_DIR": str(tmp_path / "data")}, env_file=tmp_path / "no.env")
    with OpenStore(settings) as opened:
        yield opened
