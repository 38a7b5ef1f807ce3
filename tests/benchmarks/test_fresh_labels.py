"""Said chances come true, in short: the long form is `python -m tests.benchmarks.fresh_labels`."""

from __future__ import annotations

from tests.benchmarks.fresh_labels import came_true, said_chances


def test_what_is_said_comes_true_about_as_often() -> None:
    said = list(said_chances(8, 25, numbers=[2, 12], labels=(200,)))
    n, true = came_true(said, 0.7, 0.9)
    assert n >= 10
    assert 0.6 <= true <= 0.95
    _, hardly = came_true(said, 0.0, 0.05)
    assert hardly <= 0.05
