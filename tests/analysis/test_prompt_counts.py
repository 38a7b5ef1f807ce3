"""The test that takes prompts as its units: counts by enumeration, the spread against a general optimiser."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import binom

from tlm_dash.analysis.accepted_counts import accepted_counts
from tlm_dash.analysis.labelled_sample import LabelledSample, heavy_rows
from tlm_dash.analysis.prompt_counts import THETAS, PromptCounts
from tlm_dash.analysis.risk_coverage import exact_interval
from tlm_dash.analysis.threshold_grid import threshold_grid
from tlm_dash.analysis.thresholds import guaranteed_threshold


def counts_of(sizes: dict[int, int], wrong: int, heavy: tuple[int, int] = (0, 0)) -> PromptCounts:
    """One threshold that accepts so many prompts of each size."""
    return PromptCounts(
        np.array(list(sizes), dtype=float), np.array([list(sizes.values())], dtype=float),
        np.array([float(wrong)]), np.array([float(heavy[0])]), np.array([float(heavy[1])]),
    )  # fmt: skip


def by_optimiser(sizes: dict[int, int], wrong: int, risk: float, theta: float) -> float:
    """exp(theta W) times the largest product of 1 - mu k, by SLSQP; x are shares of the rows."""
    a = np.array(list(sizes), dtype=float)
    m = np.array(list(sizes.values()), dtype=float)
    k = 1 - np.exp(-theta * a)
    share = m * a / (m * a).sum()
    lowest = np.inf
    draw = np.random.default_rng(0)
    # It sometimes stops at its first step: the best of several beginnings is taken.
    for start in [share * risk, *(draw.dirichlet(np.ones(len(a))) * risk for _ in range(3))]:
        found = minimize(
            lambda x: -(m * np.log1p(-np.minimum(x / share, 1) * k)).sum(), np.minimum(start, 0.9 * share),
            jac=lambda x: m * k / share / (1 - np.minimum(x / share, 1) * k),
            bounds=[(0, one) for one in share], method="SLSQP",
            constraints={"type": "eq", "fun": lambda x: x.sum() - risk, "jac": np.ones_like},
            options={"ftol": 1e-14, "maxiter": 1000},
        )  # fmt: skip
        if abs(found.x.sum() - risk) < 1e-9:
            lowest = min(lowest, float(found.fun))
    return float(np.exp(theta * wrong - lowest))


@pytest.mark.parametrize(
    ("sizes", "wrong", "risk"),
    [
        ({1: 80, 2: 15, 5: 4}, 2, 0.08), ({1: 30, 3: 30, 10: 6, 40: 2}, 11, 0.15), ({2: 60}, 3, 0.1),
        ({1: 200, 20: 3}, 4, 0.05), ({4: 9, 7: 5}, 20, 0.6),
    ],
)  # fmt: skip
def test_the_least_favourable_spread_is_that_of_a_general_optimiser(
    sizes: dict[int, int], wrong: int, risk: float
) -> None:
    found = counts_of(sizes, wrong).p_values(risk)[0]
    # Larger theta only make the products degenerate, which an optimiser is no judge of.
    expected = min(by_optimiser(sizes, wrong, risk, theta) for theta in THETAS if theta < 3)
    assert found <= expected * (1 + 1e-6)
    best = min(THETAS, key=lambda theta: by_optimiser(sizes, wrong, risk, theta) if theta < 3 else np.inf)
    assert best < 2.5
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_bound_never_lies_below_the_chance_that_it_bounds() -> None:
    """Prompts that are all right or all wrong, alike in risk: the chance by enumeration of how many are."""
    for size, n, risk in [(2, 40, 0.1), (5, 30, 0.2), (3, 100, 0.05)]:
        for n_wrong in range(6):
            p = counts_of({size: n}, size * n_wrong).p_values(risk)[0]
            assert p >= binom.cdf(n_wrong, n, risk) - 1e-12
            assert p < 30 * binom.cdf(n_wrong, n, risk)


def test_rows_of_their_own_have_the_binomial_test() -> None:
    assert counts_of({1: 300}, 4).p_values(0.05)[0] == pytest.approx(binom.cdf(4, 300, 0.05))
    assert counts_of({1: 300}, 4).upper_ends(0.01)[0] == pytest.approx(
        float(exact_interval(4, 300, 0.01)[1]), abs=1e-12
    )


def test_three_hundred_copies_that_are_right() -> None:
    """300 right copies of one prompt and 450 prompts of their own, 30 of them wrong, at 8%."""
    n = 750
    prompts = np.r_[np.zeros(300, dtype=np.int64), np.arange(1, 451)]
    wrong = np.arange(n) >= 720
    scores = np.full(n, 0.5)
    sample = LabelledSample(scores, wrong, np.ones(n), True, 0, prompts, heavy_rows(prompts))
    found = guaranteed_threshold(threshold_grid(scores), sample, 0.08)
    assert found.index == 0
    assert found.p_prompt is not None
    assert found.p_row[0] == pytest.approx(7e-6, rel=0.1)
    assert found.p_prompt[0] == pytest.approx(4e-6, rel=0.15)


def test_heavy_prompts_are_taken_as_they_are() -> None:
    light, risk = {1: 100, 2: 20}, 0.1
    plain = counts_of(light, 3)
    # Heavy rows that are wrong just as often as the target allows change nothing.
    assert counts_of(light, 3, (60, 6)).p_values(risk) == pytest.approx(plain.p_values(risk))
    reduced = (risk * 200 - 20) / 140
    assert reduced == 0
    assert counts_of(light, 0, (60, 20)).p_values(risk)[0] == 1.0
    assert counts_of(light, 3, (60, 0)).p_values(risk) == pytest.approx(plain.p_values(20 / 140))
    assert counts_of(light, 3, (2000, 0)).p_values(risk)[0] == 0.0
    assert counts_of({1: 0}, 0, (50, 5)).p_values(risk)[0] == 0.0
    assert counts_of({1: 0}, 0, (50, 6)).p_values(risk)[0] == 1.0
    assert counts_of({1: 0}, 0).p_values(risk)[0] == 1.0


def test_upper_ends_are_where_the_test_begins_to_reject() -> None:
    cases = [
        counts_of({1: 80, 2: 15, 5: 4}, 2), counts_of({3: 50}, 9), counts_of({1: 60, 2: 20}, 4, (40, 1)),
        counts_of({1: 60}, 4, (40, 30)), counts_of({2: 30}, 0), counts_of({1: 3, 2: 1}, 0),
    ]  # fmt: skip
    for counts in cases:
        for error in (0.05, 1.5e-4):
            end = float(counts.upper_ends(error)[0])
            assert end == 1 or counts.p_values(min(end + 1e-7, 1.0))[0] <= error * (1 + 1e-4)
            assert counts.p_values(end - 1e-7)[0] > error * (1 - 1e-4)
    assert counts_of({2: 3}, 6).upper_ends(0.05)[0] == 1.0
    assert counts_of({1: 0}, 0, (50, 6)).upper_ends(0.05)[0] == 0.12


def test_rows_are_counted_by_prompt_above_each_threshold() -> None:
    draw = np.random.default_rng(5)
    n = 400
    scores = np.round(draw.random(n), 2)
    prompts = draw.integers(0, 120, n)
    prompts[:60] = 7
    wrong = draw.random(n) < 0.3
    heavy = heavy_rows(prompts)
    assert 0 < heavy.sum() < n
    grid = threshold_grid(scores)
    counts = accepted_counts(grid, LabelledSample(scores, wrong, np.ones(n), True, 0, prompts, heavy))
    found = counts.prompts
    assert found is not None
    for index, threshold in enumerate(grid.thresholds):
        inside = (scores >= threshold) & ~heavy
        expected = Counter(Counter(prompts[inside].tolist()).values())
        told = {int(size): int(m) for size, m in zip(found.sizes, found.of_size[index], strict=True) if m}
        assert told == dict(expected)
        assert found.wrong[index] == wrong[inside].sum()
        assert found.heavy_rows[index] == ((scores >= threshold) & heavy).sum()
        assert found.heavy_wrong[index] == ((scores >= threshold) & heavy & wrong).sum()


@pytest.mark.parametrize(("is_wrong", "is_feasible"), [(False, True), (True, False)])
def test_one_prompt_that_is_half_of_the_data(is_wrong: bool, is_feasible: bool) -> None:
    """Its answer decides for all rows; with 15 of the 500 others wrong 5% holds only where it is right."""
    prompts = np.r_[np.zeros(500, dtype=np.int64), np.arange(1, 501)]
    wrong = np.r_[np.full(500, is_wrong), np.arange(500) < 15]
    scores = np.full(1000, 0.7)
    sample = LabelledSample(scores, wrong, np.ones(1000), True, 0, prompts, heavy_rows(prompts))
    found = guaranteed_threshold(threshold_grid(scores), sample, 0.05)
    assert (found.index is not None) == is_feasible
    assert found.band.counts.risk[0] == (0.515 if is_wrong else 0.015)
