"""The promise of a guaranteed threshold in short: the long form is `python -m tests.benchmarks.…`."""

from __future__ import annotations

import pytest

from tests.benchmarks.threshold_guarantee import POPULATIONS, Outcome, failures, simulate

BY_NAME = {population.name: population for population in POPULATIONS}


@pytest.mark.parametrize(
    ("population", "plan", "n_labels", "n_datasets"),
    [
        ("flat", "census", 500, 800), ("flat", "uniform", 200, 500), ("flat", "stratified", 500, 200),
        ("rising", "uniform", 1_000, 300), ("AUROC 0.76", "census", 200, 300),
        ("AUROC 0.86", "census", 500, 300), ("AUROC 0.86", "census", 1_000, 300),
        ("AUROC 0.94", "stratified", 500, 150), ("ties", "census", 1_000, 200),
        ("ties at the border", "uniform", 500, 400),
    ],
)  # fmt: skip
def test_the_promise_is_kept(population: str, plan: str, n_labels: int, n_datasets: int) -> None:
    outcome = simulate(BY_NAME[population], plan, n_labels, n_datasets)
    assert not failures([outcome])


def test_a_broken_promise_and_a_lack_of_power_are_noticed() -> None:
    broken = Outcome("rising", "census", 500, 2_000, 0.07, 0.2, 0.5, 0.3)
    careless = Outcome("flat", "census", 500, 2_000, 0.04, 0.09, 0.04, 0.01)
    weak = Outcome("AUROC 0.86", "census", 500, 2_000, 0.01, 0.02, 0.59, 0.5)
    assert len(failures([broken, careless, weak])) == 3
