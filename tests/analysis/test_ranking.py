"""AUROC: against other implementations, against DeLong's definition, and against its promise of coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tlm_dash.analysis.ranking import auroc, auroc_difference, clustered_spread, influence

# Coverage of 2,000 seeded simulations has a standard error of .005; the bounds are three of them.
N_SIMULATIONS = 2000


def some_rows(seed: int, n: int = 80, shift: float = 0.8, digits: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Labels with both classes and scores with many ties (`digits` decimals)."""
    draw = np.random.default_rng(seed)
    labels = np.r_[0, 0, 1, 1, draw.integers(0, 2, n - 4)]
    return labels, np.round(draw.normal(labels * shift, 1.0), digits)


def brute_force(labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """AUROC and DeLong variance straight from the pairwise definition."""
    right, wrong = scores[labels == 1], scores[labels == 0]
    wins = [[1.0 if r > w else 0.5 if r == w else 0.0 for w in wrong] for r in right]
    area = sum(map(sum, wins)) / (len(right) * len(wrong))
    v10 = [sum(row) / len(wrong) for row in wins]
    v01 = [sum(row[j] for row in wins) / len(right) for j in range(len(wrong))]
    s10 = sum((v - area) ** 2 for v in v10) / (len(right) - 1)
    s01 = sum((v - area) ** 2 for v in v01) / (len(wrong) - 1)
    return area, s10 / len(right) + s01 / len(wrong)


@pytest.mark.parametrize("seed", range(8))
def test_value_is_that_of_scikit_learn(seed: int) -> None:
    labels, scores = some_rows(seed)
    assert auroc(labels, scores).value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_interval_is_delongs_by_definition(seed: int) -> None:
    labels, scores = some_rows(seed)
    area, variance = brute_force(labels, scores)
    found = auroc(labels, scores)
    half = 1.959963984540054 * math.sqrt(variance) / (area * (1 - area))
    for end, sign in ((found.low, -1), (found.high, 1)):
        assert end == pytest.approx(
            1 / (1 + math.exp(-(math.log(area / (1 - area)) + sign * half))), abs=1e-12
        )


@pytest.mark.parametrize("seed", range(4))
def test_difference_is_the_paired_delong_by_definition(seed: int) -> None:
    labels, a = some_rows(seed)
    b = np.round(a + np.random.default_rng(seed + 100).normal(labels * 0.3, 0.7), 1)
    (area_a, var_a), (area_b, var_b) = brute_force(labels, a), brute_force(labels, b)
    placements = []
    for scores in (a, b):
        right, wrong = scores[labels == 1], scores[labels == 0]
        wins = (right[:, None] > wrong) + 0.5 * (right[:, None] == wrong)
        placements.append((wins.mean(axis=1), wins.mean(axis=0)))
    covariance = sum(
        np.cov(placements[0][side], placements[1][side])[0, 1] / len(placements[0][side]) for side in (0, 1)
    )
    half = 1.959963984540054 * math.sqrt(var_a + var_b - 2 * covariance)
    found = auroc_difference(labels, a, b)
    assert found.value == pytest.approx(area_b - area_a, abs=1e-12)
    assert (found.low, found.high) == pytest.approx(
        (area_b - area_a - half, area_b - area_a + half), abs=1e-9
    )


@pytest.mark.parametrize(("shift", "n"), [(0.5, 60), (1.2, 60), (1.2, 200)])
def test_interval_covers_the_truth_as_often_as_it_says(shift: float, n: int) -> None:
    truth = 0.5 * (1 + math.erf(shift / 2))  # P(N(shift, 1) > N(0, 1))
    covered = 0
    for seed in range(N_SIMULATIONS):
        labels, scores = some_rows(seed, n=n, shift=shift, digits=12)
        found = auroc(labels, scores)
        covered += found.low <= truth <= found.high
    assert 0.935 <= covered / N_SIMULATIONS <= 0.965


def test_difference_of_equal_rankers_is_covered() -> None:
    covered = 0
    for seed in range(N_SIMULATIONS):
        labels, base = some_rows(seed, n=100, digits=12)
        draw = np.random.default_rng(seed + 10_000)
        a, b = (base + draw.normal(0, 0.7, len(base)) for _ in range(2))
        found = auroc_difference(labels, a, b)
        covered += found.low <= 0 <= found.high
    assert 0.935 <= covered / N_SIMULATIONS <= 0.965


rows = st.lists(st.tuples(st.integers(0, 1), st.integers(-50, 50)), min_size=4, max_size=60)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_only_the_order_counts_and_flipping_the_labels_mirrors(pairs: list[tuple[int, int]]) -> None:
    labels = np.array([label for label, _ in pairs])
    scores = np.array([score for _, score in pairs], dtype=float)
    found = auroc(labels, scores)
    assert auroc(labels, scores**3 + 7) == found
    mirrored = auroc(1 - labels, scores)
    assert (found.value is None) == (mirrored.value is None)
    if found.value is not None:
        assert mirrored.value == pytest.approx(1 - found.value)
        assert auroc(labels, -scores).value == pytest.approx(1 - found.value)
    if found.low is not None:
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low))


def obuchowski(labels: np.ndarray, scores: np.ndarray, prompts: np.ndarray) -> float:
    """The variance of a clustered AUROC as the paper writes it."""
    right, wrong = scores[labels == 1], scores[labels == 0]
    wins = (right[:, None] > wrong) + 0.5 * (right[:, None] == wrong)
    v10, v01, area = wins.mean(axis=1), wins.mean(axis=0), wins.mean()
    m, n = len(right), len(wrong)
    codes = np.unique(prompts)
    x = np.array([(v10 - area)[prompts[labels == 1] == code].sum() for code in codes])
    y = np.array([(v01 - area)[prompts[labels == 0] == code].sum() for code in codes])
    i10 = sum((prompts[labels == 1] == code).any() for code in codes)
    i01 = sum((prompts[labels == 0] == code).any() for code in codes)
    s10, s01 = (x**2).sum() * i10 / ((i10 - 1) * m), (y**2).sum() * i01 / ((i01 - 1) * n)
    s11 = (x * y).sum() * len(codes) / (len(codes) - 1)
    return float(s10 / m + s01 / n + 2 * s11 / (m * n))


@pytest.mark.parametrize("seed", range(4))
def test_repeated_prompts_widen_the_interval_as_published(seed: int) -> None:
    labels, scores = some_rows(seed, n=60)
    prompts = np.random.default_rng(seed).integers(0, 25, 60)
    found = auroc(labels, scores, prompts=prompts)
    half = 1.959963984540054 * math.sqrt(obuchowski(labels, scores, prompts))
    spread = half / (found.value * (1 - found.value))
    assert math.log(found.high / (1 - found.high)) - math.log(found.value / (1 - found.value)) == (
        pytest.approx(spread, abs=1e-10)
    )
    # Every row twice adds nothing that was not known.
    single = auroc(labels, scores)
    twice = auroc(np.tile(labels, 2), np.tile(scores, 2), prompts=np.tile(np.arange(60), 2))
    assert (twice.value, twice.low, twice.high) == pytest.approx((single.value, single.low, single.high))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-4, 4), st.integers(1, 3)), min_size=4, max_size=30))
def test_a_weight_of_two_is_the_row_twice(triples: list[tuple[int, int, int]]) -> None:
    labels, scores, weights = (np.array(column) for column in zip(*triples, strict=True))
    if labels.min() == labels.max():
        return
    codes = np.arange(len(labels))
    found = auroc(labels, scores, weights=weights)
    assert found.value == pytest.approx(
        roc_auc_score(np.repeat(labels, weights), np.repeat(scores, weights)), abs=1e-12
    )
    repeated = auroc(
        np.repeat(labels, weights),
        np.repeat(scores, weights),
        prompts=np.repeat(codes, weights),
    )
    if found.low is not None:
        assert (found.low, found.high) == pytest.approx((repeated.low, repeated.high))


def test_the_pulls_of_all_rows_sum_to_nothing() -> None:
    labels, scores = some_rows(5)
    value, shares = influence(labels == 1, scores, np.ones(len(labels)))
    assert value == pytest.approx(roc_auc_score(labels, scores))
    assert shares.sum() == pytest.approx(0, abs=1e-12)
    assert clustered_spread(shares, labels == 1, labels) is None


def test_what_cannot_be_computed_is_none_with_a_reason() -> None:
    one_class = auroc([1, 1, 1], [0.1, 0.2, 0.3])
    assert (one_class.value, one_class.low) == (None, None)
    assert "classes" in one_class.reason
    perfect = auroc([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4])
    assert (perfect.value, perfect.low, perfect.high) == (1.0, None, None)
    assert perfect.reason
    assert auroc([0, 1, 1], [0.3, 0.2, 0.5]).reason == "an interval needs two rows of each class"
    assert auroc_difference([1, 1], [0.1, 0.2], [0.2, 0.1]).value is None
    assert auroc([], []).value is None


def test_unscored_rows_are_left_out_and_counted() -> None:
    labels, scores = some_rows(3)
    with_gaps = np.r_[scores, np.nan, np.nan]
    found = auroc(np.r_[labels, 1, 0], with_gaps)
    assert (found.n_left_out, found.n) == (2, len(labels))
    assert found.value == auroc(labels, scores).value
    paired = auroc_difference(np.r_[labels, 1, 0], with_gaps, np.r_[scores, 0.4, np.nan])
    assert (paired.value, paired.low, paired.high, paired.n_left_out) == (0.0, 0.0, 0.0, 2)


@pytest.mark.parametrize(
    ("labels", "scores", "confidence"),
    [
        ([0, 1], [0.5], 0.95),
        ([0, 2], [0.1, 0.2], 0.95),
        ([0, 1], [0.1, math.inf], 0.95),
        ([0, 1], [0.1, 0.2], 1),
    ],
)
def test_unusable_input_is_refused(labels: list[int], scores: list[float], confidence: float) -> None:
    with pytest.raises(ValueError, match="must"):
        auroc(labels, scores, confidence)
