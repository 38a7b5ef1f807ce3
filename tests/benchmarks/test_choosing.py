"""The promise for a chosen setting in short: the long form is `python -m tests.benchmarks.choosing`."""

from __future__ import annotations

import pytest

from tests.benchmarks.choosing import CASES, Outcome, failures, simulate

BY_NAME = {case.name: case for case in CASES}


@pytest.mark.parametrize(("name", "n_files"), [("9, flat 5.1%", 150), ("9, .86/15%", 100)])
def test_the_promise_for_the_one_taken_is_kept(name: str, n_files: int) -> None:
    shared, whole = simulate(BY_NAME[name], 500, n_files, seed=1)
    assert shared.broken <= shared.most_broken
    assert shared.answered >= 0.65 or "flat" in name
    assert whole.answered >= shared.answered and whole.broken >= shared.broken


def test_a_broken_promise_and_a_lack_of_power_are_noticed() -> None:
    broken = Outcome("9, flat 5.1%", 500, 2_000, True, 0.07, 0.1, 0.9)
    weak = Outcome("9, .86/15%", 500, 2_000, True, 0.01, 0.6, 0.7)
    careless = Outcome("9, flat 5.1%", 500, 2_000, False, 0.04, 0.1, 0.9)
    assert len(failures([broken, weak, careless])) == 3
