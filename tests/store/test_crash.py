"""A killed process loses nothing that was acknowledged, doubles nothing, and leaves a file that opens."""

from __future__ import annotations

import random
from pathlib import Path

from tests.store.kill_soak import Soak


def test_killed_while_writing(tmp_path: Path) -> None:
    chance = random.Random(20261123)
    soak = Soak(tmp_path / "tlm_dash.duckdb")
    for _ in range(10):
        soak.kill_once(after_s=chance.uniform(0, 0.5))
        soak.check()
    assert soak.acknowledged >= 10


def test_killed_while_opening(tmp_path: Path) -> None:
    chance = random.Random(20261124)
    for number in range(4):
        blank = Soak(tmp_path / f"{number}" / "tlm_dash.duckdb")
        blank.kill_once(after_s=chance.uniform(0, 0.15), while_opening=True)
        blank.check()
