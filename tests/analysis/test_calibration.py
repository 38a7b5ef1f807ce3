"""Calibration and detection figures: against scikit-learn, with ties and weights, and their bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from scipy.stats import t as students_t
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, brier_score_loss

from tlm_dash.analysis.calibration import brier_score, clustered_share, reliability
from tlm_dash.analysis.detection import average_precision_incorrect


def labelled(seed: int, n: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of both classes, scores with many ties, and weights."""
    draw = np.random.default_rng(seed)
    scores = np.round(draw.beta(4, 1.5, n), 2)
    labels = np.r_[0, 1, draw.random(n - 2) < scores[2:]].astype(int)
    return labels, scores, draw.choice([1.0, 2.5, 7.0], n)


@pytest.mark.parametrize("seed", range(6))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    labels, scores, weights = labelled(seed)
    for weight in (None, weights):
        found = average_precision_incorrect(labels, scores, weight).value
        expected = average_precision_score(1 - labels, -scores, sample_weight=weight)
        assert found == pytest.approx(expected, abs=1e-9)
        brier = brier_score(labels, scores, weight).value
        assert brier == pytest.approx(brier_score_loss(labels, scores, sample_weight=weight), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_reliability_is_that_of_scikit_learn(seed: int) -> None:
    labels, scores, _ = labelled(seed)
    scores = np.where(scores * 10 == np.round(scores * 10), scores + 0.003, scores)  # off the edges of bins
    scores = np.minimum(scores, 1.0)
    found = reliability(labels, scores)
    assert found is not None
    right, mean = calibration_curve(labels, scores, n_bins=10)
    filled = found.n > 0
    assert found.accuracy[filled] == pytest.approx(right, abs=1e-9)
    assert found.mean_score[filled] == pytest.approx(mean, abs=1e-9)
    expected = float((found.n[filled] / len(labels) * np.abs(right - mean)).sum())
    assert found.expected_calibration_error == pytest.approx(expected, abs=1e-9)
    for index in np.flatnonzero(filled):
        n = int(found.n[index])
        ends = binomtest(round(found.accuracy[index] * n), n).proportion_ci(0.95, "exact")
        assert (found.low[index], found.high[index]) == pytest.approx((ends.low, ends.high), abs=1e-9)


def test_edges_belong_to_the_bin_above_and_one_to_the_last() -> None:
    found = reliability([1, 1, 0, 1], [0.0, 0.1, 0.95, 1.0])
    assert found is not None
    assert found.n.tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    on_edges = reliability([1, 0] * 5, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    assert on_edges is not None and on_edges.n.tolist() == [1] * 10
    assert math.isnan(found.accuracy[4])
    assert found.share.sum() == pytest.approx(1.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10), st.integers(1, 4)), min_size=2, max_size=40))
def test_a_weight_counts_like_so_many_rows(rows: list[tuple[bool, int, int]]) -> None:
    labels = np.array([int(row[0]) for row in rows])
    scores, weights = np.array([row[1] / 10 for row in rows]), np.array([row[2] for row in rows])
    many, each = np.repeat(labels, weights), np.repeat(scores, weights)
    for figure in (average_precision_incorrect, brier_score):
        one, other = figure(labels, scores, weights).value, figure(many, each).value
        assert one is None if other is None else one == pytest.approx(other, abs=1e-9)
    weighted, plain = reliability(labels, scores, weights), reliability(many, each)
    assert weighted is not None
    assert plain is not None
    assert weighted.expected_calibration_error == pytest.approx(plain.expected_calibration_error, abs=1e-9)


def test_what_cannot_be_computed_says_why() -> None:
    assert average_precision_incorrect([1, 1], [0.2, 0.3]).reason == "no row is labelled wrong"
    assert average_precision_incorrect([0, 0], [0.2, 0.3]).value == 1.0
    assert average_precision_incorrect([1], [np.nan]).reason == "no scored row is labelled"
    assert brier_score([], []).value is None
    assert brier_score([1, 0], [0.5, 1.5]).reason == "scores lie outside 0 to 1"
    assert reliability([1, 0], [0.5, 1.5]) is None
    with pytest.raises(ValueError, match="labels must be 0 or 1"):
        brier_score([2], [0.5])
    with pytest.raises(ValueError, match="weights"):
        brier_score([1], [0.5], [0.0])


def test_share_of_rows_alike_is_exact() -> None:
    found = clustered_share([1, 1, 0, 1], None, range(4))
    ends = binomtest(3, 4).proportion_ci(0.95, "exact")
    assert (found.value, found.low, found.high) == pytest.approx((0.75, ends.low, ends.high))
    assert found.method == "Clopper-Pearson"


def test_the_share_of_few_prompts_has_students_t() -> None:
    """From the formula: the spread of the sums of prompts, on the logit scale, four degrees of freedom."""
    hits = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1], [0, 1, 0, 1], [1, 1, 1, 1]])
    share = hits.mean()
    error = math.sqrt(((hits.mean(axis=1) - share) ** 2).sum() / 4 / 5)
    half = students_t.ppf(0.975, 4) * error / (share * (1 - share))
    found = clustered_share(hits.ravel(), None, np.repeat(np.arange(5), 4))
    ends = [1 / (1 + math.exp(-math.log(share / (1 - share)) - sign * half)) for sign in (-1, 1)]
    assert found.interval == pytest.approx(tuple(ends), abs=1e-12)


@pytest.mark.parametrize("how", ["repeats", "weights"])
def test_the_approximate_interval_of_a_share_covers_it(how: str) -> None:
    """500 simulations: at least 93% less three standard errors."""
    covered = 0
    for seed in range(500):
        draw = np.random.default_rng([seed, 5])
        if how == "repeats":
            prompts = np.repeat(np.arange(60), 4)
            chance = draw.beta(3, 1, 60)[prompts]
            hits, weights, truth = draw.random(240) < chance, None, 0.75
        else:
            prompts = np.arange(200)
            strata = np.repeat([0, 1], 100)
            hits = draw.random(200) < np.where(strata == 0, 0.6, 0.9)
            weights, truth = np.where(strata == 0, 1.0, 3.0), 0.6 / 4 + 0.9 * 3 / 4
        found = clustered_share(hits.astype(float), weights, prompts)
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= truth <= found.high
    assert covered / 500 >= 0.93 - 3 * math.sqrt(0.93 * 0.07 / 500)
