"""The risk-coverage band and the betting tests behind it: against scipy, by enumeration and by simulation."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from scipy.stats import binomtest

from tlm_dash.analysis.accepted_counts import AcceptedCounts, accepted_counts
from tlm_dash.analysis.betting import _against_high, _against_low, _log_wealth, rejects_high, risk_bounds
from tlm_dash.analysis.labelled_sample import LabelledSample
from tlm_dash.analysis.risk_coverage import exact_interval, risk_band
from tlm_dash.analysis.threshold_grid import threshold_grid


def some_sample(n: int, seed: int = 0, weighted: bool = False) -> LabelledSample:
    draw = np.random.default_rng(seed)
    scores = draw.random(n)
    weights = np.where(scores < 0.5, 1.0, 2.5) if weighted else np.ones(n)
    return LabelledSample(scores, draw.random(n) < 0.2 * (1 - scores), weights, not weighted)


def test_exact_interval_is_that_of_scipy() -> None:
    for hits, n in [(0, 30), (1, 30), (7, 50), (50, 50), (3, 1000)]:
        low, high = exact_interval(hits, n, 0.025)
        expected = binomtest(hits, n).proportion_ci(0.95, method="exact")
        assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert [float(end) for end in exact_interval(0, 0, 0.025)] == [0.0, 1.0]


def test_the_band_is_bonferroni_over_the_thresholds_and_both_sides() -> None:
    sample = some_sample(400)
    grid = threshold_grid(sample.scores)
    band = risk_band(grid, sample, 0.9)
    assert len(grid) == 50
    for index in (3, 20, 49):
        accepted = sample.scores >= grid.thresholds[index]
        expected = binomtest(int(sample.wrong[accepted].sum()), int(accepted.sum()))
        # 15% of the error for the upper ends, the rest for the lower ones, in equal parts.
        low = expected.proportion_ci(1 - 2 * 0.85 * 0.1 / 50, method="exact").low
        high = expected.proportion_ci(1 - 2 * 0.15 * 0.1 / 50, method="exact").high
        assert band.risk[index] == pytest.approx(sample.wrong[accepted].mean())
        assert (band.low[index], band.high[index]) == pytest.approx((low, high), abs=1e-12)
    assert band.method == "Clopper-Pearson"


def test_the_band_begins_at_thirty_accepted_labels() -> None:
    sample = some_sample(100)
    band = risk_band(threshold_grid(sample.scores), sample)
    assert band.is_drawn.tolist() == (band.counts.n >= 30).tolist()
    assert band.best is not None
    assert band.high[band.best] == np.nanmin(band.high)
    assert band.loosest_within(float(band.high[band.best])) == band.best
    assert band.loosest_within(1.0) == len(band.grid) - 1
    few = some_sample(29)
    nothing = risk_band(threshold_grid(few.scores), few)
    assert (nothing.best, nothing.loosest_within(0.99)) == (None, None)


@pytest.mark.parametrize(("weighted", "n_datasets"), [(False, 400), (True, 100)])
def test_the_band_holds_at_all_thresholds_at_once(weighted: bool, n_datasets: int) -> None:
    """Missed anywhere in at most 10% of the datasets, plus three standard errors of the simulation."""
    missed = 0
    for seed in range(n_datasets):
        draw = np.random.default_rng([7, seed])
        run = draw.random(1200)
        grid = threshold_grid(run)
        if weighted:
            low, high = np.flatnonzero(run < 0.5), np.flatnonzero(run >= 0.5)
            chosen = np.r_[draw.choice(low, 180, replace=False), draw.choice(high, 120, replace=False)]
            weights = np.r_[np.full(180, len(low) / 180), np.full(120, len(high) / 120)]
        else:
            chosen, weights = np.arange(300), np.ones(300)
        scores = run[chosen]
        wrong = draw.random(len(scores)) < 0.3 * (1 - scores)
        band = risk_band(grid, LabelledSample(scores, wrong, weights, not weighted), 0.9)
        truth = 0.15 * (1 - grid.thresholds)
        missed += bool(((truth < band.low) | (truth > band.high)).any())
    assert missed / n_datasets <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / n_datasets)


def test_an_observed_risk_lies_within_its_bounds_and_bounds_tighten() -> None:
    widths = []
    for n in (100, 400, 1600):
        sample = some_sample(n, weighted=True)
        counts = accepted_counts(threshold_grid(sample.scores), sample)
        low, high = risk_bounds(counts, 0.025, 0.025)
        assert ((low <= counts.risk) & (counts.risk <= high)).all()
        widths.append(float(high[-1] - low[-1]))
    assert widths[0] > 1.5 * widths[1] > 2.2 * widths[2]


def test_betting_on_equal_weights_is_close_to_the_exact_test_and_never_sharper() -> None:
    for n in (59, 80, 124, 165, 400):
        most = -1
        for wrong in range(n):
            counts = AcceptedCounts(np.array([[n - wrong]]), np.array([[wrong]]), np.ones(1), False)
            if not rejects_high(counts, 0.05, 0.05)[0]:
                break
            most = wrong
        exact = max(w for w in range(-1, n) if w < 0 or binomtest(w, n, 0.05, "less").pvalue <= 0.05)
        assert exact - 3 <= most <= exact


@pytest.mark.parametrize("claim", ["high", "low"])
def test_the_expected_wealth_of_a_true_claim_is_at_most_the_stake(claim: str) -> None:
    """Every sample of a small population in two strata, without replacement, at every size of the bet."""
    strata = [([0, 0, 0, 1, 0, 0], 3), ([1, 0, 1, 0], 2)]
    wrong_in_all = sum(sum(rows) for rows, _ in strata)
    risk = wrong_in_all / sum(len(rows) for rows, _ in strata)
    weights = np.array([len(rows) / n for rows, n in strata])
    samples = list(product(*(combinations(rows, n) for rows, n in strata)))
    assert len(samples) == 20 * 6
    wealth = []
    for drawn in samples:
        wrong = np.array([[sum(part) for part in drawn]], dtype=float)
        right = np.array([[len(part) for part in drawn]], dtype=float) - wrong
        counts = AcceptedCounts(right, wrong, weights, False)
        if claim == "high":
            won, lost = _against_high(counts, np.array(risk))
            wealth.append(np.exp(_log_wealth(right, won, wrong, lost))[0])
        else:
            won, lost = _against_low(counts, np.array(risk))
            wealth.append(np.exp(_log_wealth(wrong, won, right, lost))[0])
    mean = np.mean(wealth, axis=0)
    assert (mean <= 1 + 1e-12).all()
    assert mean[0] > 0.9
