"""Our walk beside MAPIE's control of the family-wise error, on the same p-values."""

from __future__ import annotations

import numpy as np
from mapie.risk_control import FWERFixedSequenceTesting, control_fwer

from tests.benchmarks.against_libraries import WAYS, compared
from tests.benchmarks.threshold_guarantee import Setting, binormal
from tlm_dash.analysis.thresholds import Levels, walk

ERROR = 0.05


def p_values(seed: int) -> np.ndarray:
    """P-values of fifty thresholds, of which neighbours are alike."""
    draw = np.random.default_rng(seed)
    return np.exp(-np.abs(np.cumsum(draw.normal(0.0, 1.2, 50)) + draw.integers(0, 6)))


def test_from_one_start_the_walk_is_its_fixed_sequence() -> None:
    n_rejected = 0
    for seed in range(300):
        starts = np.zeros(50)
        starts[0] = ERROR
        rejected, _ = walk(p_values(seed), Levels(starts, 0.0))
        assert (
            np.flatnonzero(rejected).tolist()
            == control_fwer(p_values(seed), ERROR, "fixed_sequence").tolist()
        )
        n_rejected += bool(rejected.any())
    assert 50 < n_rejected < 290


def test_from_five_starts_the_walk_rejects_what_it_does_and_more() -> None:
    """MAPIE's starts keep to their own share; ours carry what was spent on rejections."""
    n_more = 0
    for seed in range(300):
        starts = np.zeros(50)
        starts[::10] = ERROR / 5
        rejected, _ = walk(p_values(seed), Levels(starts, 0.0))
        its = control_fwer(p_values(seed), ERROR, FWERFixedSequenceTesting(n_starts=5))
        assert set(its.tolist()) <= set(np.flatnonzero(rejected).tolist())
        n_more += len(its) < rejected.sum()
    assert n_more > 10


def test_all_are_asked_about_the_same_datasets() -> None:
    found = compared(Setting(binormal(0.86), "census", 500), 12)
    assert set(found) == set(WAYS)
    assert all(0 <= broken <= answered <= 1 for answered, broken in found.values())
    assert found["ours"][0] >= found["MAPIE"][0]
