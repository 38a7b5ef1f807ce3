"""The promise of a guaranteed threshold in short: the long form is `python -m tests.benchmarks.…`."""

from __future__ import annotations

import pytest

from tests.benchmarks.repeated_prompts import REPEATED
from tests.benchmarks.threshold_guarantee import (
    GOALS,
    NEAR,
    POPULATIONS,
    Outcome,
    Setting,
    failures,
    repeated_outcome,
    simulate,
)

BY_NAME = {population.name: population for population in POPULATIONS}
SHORT = [
    ("flat 5.1%", "census", 500, 800), ("flat 5.1%", "uniform", 200, 500),
    ("flat 5.1%", "stratified", 500, 120),
    ("rising", "uniform", 1_000, 300), ("step at 50%", "census", 1_000, 300),
    ("AUROC 0.76/15%", "census", 200, 300), ("AUROC 0.94/15%", "stratified", 500, 100),
    ("ties", "census", 1_000, 200), ("ties at the border", "uniform", 500, 400),
]  # fmt: skip


@pytest.mark.parametrize(("population", "plan", "n_labels", "n_datasets"), SHORT)
def test_the_promise_is_kept(population: str, plan: str, n_labels: int, n_datasets: int) -> None:
    assert not failures([simulate(Setting(BY_NAME[population], plan, n_labels), n_datasets)])


@pytest.mark.parametrize(("setting", "goal"), GOALS, ids=lambda one: getattr(one, "name", str(one)))
def test_as_many_are_answered_as_should_be(setting: Setting, goal: float) -> None:
    assert not failures([simulate(setting, 200, goal=goal)])


@pytest.mark.parametrize("number", [1, 4, 5, 6, 8, 9])
def test_the_promise_is_kept_for_rows_where_prompts_repeat(number: int) -> None:
    assert not failures([repeated_outcome(REPEATED[number], 60)])


def test_rows_alone_would_break_it_for_new_prompts() -> None:
    """What the test with prompts as units is there for."""
    outcome = repeated_outcome(REPEATED[2], 60)
    assert outcome.other_broken > 0.1 >= outcome.broken


def test_a_broken_promise_and_a_lack_of_power_are_noticed() -> None:
    broken = Outcome("rising", 2_000, 0.07, 0.2, 0.5, 0.3)
    careless = Outcome(Setting(NEAR, "census", 500).name, 2_000, 0.04, 0.09, 0.04, 0.01)
    weak = Outcome("AUROC", 2_000, 0.01, 0.02, 0.56, 0.5, goal=0.6)
    assert len(failures([broken, careless, weak])) == 3
