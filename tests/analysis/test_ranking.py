"""AUROC: against other implementations, against DeLong's definition, and against its promise of coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as students_t
from sklearn.metrics import roc_auc_score

from tests.analysis.delong import parts_with_one_more, typical_variance
from tests.benchmarks.single_intervals import SHORT_SETTINGS, Ranked, Setting, measure
from tlm_dash.analysis.ranking import auroc, clustered_spread, influence

# Coverage of 2,000 seeded simulations has a standard error of .005; the bounds are three of them.
N_SIMULATIONS = 2000


def some_rows(seed: int, n: int = 80, shift: float = 0.8, digits: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Labels with both classes and scores with many ties (`digits` decimals)."""
    draw = np.random.default_rng(seed)
    labels = np.r_[0, 0, 1, 1, draw.integers(0, 2, n - 4)]
    return labels, np.round(draw.normal(labels * shift, 1.0), digits)


@pytest.mark.parametrize("seed", range(8))
def test_value_is_that_of_scikit_learn(seed: int) -> None:
    labels, scores = some_rows(seed)
    assert auroc(labels, scores).value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


@pytest.mark.parametrize(("seed", "n"), [*((seed, 80) for seed in range(6)), (6, 9), (7, 12)])
def test_interval_is_delongs_with_one_row_more_and_students_t(seed: int, n: int) -> None:
    labels, scores = some_rows(seed, n=n)
    labels[:3] = labels[3:6] = 0, 1, 0
    area, parts, degrees = parts_with_one_more(labels, scores)
    found = auroc(labels, scores)
    freedom = sum(parts) ** 2 / sum(part**2 / free for part, free in zip(parts, degrees, strict=True))
    half = students_t.ppf(0.975, freedom) * math.sqrt(sum(parts)) / (area * (1 - area))
    for end, sign in ((found.low, -1), (found.high, 1)):
        assert end == pytest.approx(
            1 / (1 + math.exp(-(math.log(area / (1 - area)) + sign * half))), abs=1e-12
        )


# The seeded short form of the benchmark: three standard errors of 91% of 400 datasets are 4.3 points.
@pytest.mark.parametrize("setting", SHORT_SETTINGS)
def test_single_intervals_hold_the_truth_from_three_of_a_class_on(setting: Setting) -> None:
    found = measure(setting, 200 if isinstance(setting, Ranked) else 300)
    assert found.held >= found.least and found.shown > 0.6


@pytest.mark.parametrize(("n_right", "n_wrong"), [(2, 100), (100, 2), (2, 2)])
def test_under_three_of_a_class_there_is_no_interval(n_right: int, n_wrong: int) -> None:
    labels = np.repeat([1, 0], [n_right, n_wrong])
    scores = np.random.default_rng(1).random(len(labels))
    found = auroc(labels, scores)
    assert found.value is not None and (found.low, found.high) == (None, None)
    assert found.reason == "an interval needs 3 right and 3 wrong rows"
    # Three rows of one prompt are no three cases.
    repeated = auroc(np.repeat(labels, 3), np.repeat(scores, 3), prompts=np.repeat(np.arange(len(labels)), 3))
    assert repeated.low is None


def test_rows_that_tie_do_not_make_an_interval_certain() -> None:
    """Three wrong rows of one score show no variation of their own; 400 right ones do not stand for them."""
    draw = np.random.default_rng(2)
    labels = np.repeat([1, 0], [400, 3])
    found = auroc(labels, np.r_[draw.choice([0.4, 0.8], 400), np.full(3, 0.8)])
    assert found.high - found.low > 0.4


@pytest.mark.parametrize(("shift", "n"), [(0.5, 60), (1.2, 60), (1.2, 200)])
def test_interval_covers_the_truth_as_often_as_it_says(shift: float, n: int) -> None:
    truth = 0.5 * (1 + math.erf(shift / 2))  # P(N(shift, 1) > N(0, 1))
    covered = 0
    for seed in range(N_SIMULATIONS):
        labels, scores = some_rows(seed, n=n, shift=shift, digits=12)
        found = auroc(labels, scores)
        covered += found.low <= truth <= found.high
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


def obuchowski(labels: np.ndarray, scores: np.ndarray, prompts: np.ndarray) -> tuple[float, float]:
    """The variance of a clustered AUROC as the paper writes it, with a typical prompt more; its degrees."""
    right, wrong = scores[labels == 1], scores[labels == 0]
    wins = (right[:, None] > wrong) + 0.5 * (right[:, None] == wrong)
    v10, v01, area = wins.mean(axis=1), wins.mean(axis=0), wins.mean()
    m, n = len(right), len(wrong)
    codes = np.unique(prompts)
    x = np.array([(v10 - area)[prompts[labels == 1] == code].sum() for code in codes])
    y = np.array([(v01 - area)[prompts[labels == 0] == code].sum() for code in codes])
    i10 = sum((prompts[labels == 1] == code).any() for code in codes)
    i01 = sum((prompts[labels == 0] == code).any() for code in codes)
    alike = [((prompts[labels == one][:, None] == codes).sum(axis=0) ** 2).sum() for one in (1, 0)]
    s10 = ((x**2).sum() + typical_variance(area) * alike[0] / i10) / m
    s01 = ((y**2).sum() + typical_variance(area) * alike[1] / i01) / n
    s11 = (x * y).sum() * len(codes) / (len(codes) - 1)
    freedom = (s10 / m + s01 / n) ** 2 / ((s10 / m) ** 2 / i10 + (s01 / n) ** 2 / i01)
    return float(s10 / m + s01 / n + 2 * s11 / (m * n)), float(freedom)


@pytest.mark.parametrize("seed", range(4))
def test_repeated_prompts_widen_the_interval_as_published(seed: int) -> None:
    labels, scores = some_rows(seed, n=60)
    prompts = np.random.default_rng(seed).integers(0, 25, 60)
    found = auroc(labels, scores, prompts=prompts)
    variance, freedom = obuchowski(labels, scores, prompts)
    half = students_t.ppf(0.975, freedom) * math.sqrt(variance)
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
    assert auroc([0, 1, 1], [0.3, 0.2, 0.5]).reason == "an interval needs 3 right and 3 wrong rows"
    assert auroc([], []).value is None


def test_unscored_rows_are_left_out_and_counted() -> None:
    labels, scores = some_rows(3)
    with_gaps = np.r_[scores, np.nan, np.nan]
    found = auroc(np.r_[labels, 1, 0], with_gaps)
    assert (found.n_left_out, found.n) == (2, len(labels))
    assert found.value == auroc(labels, scores).value


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


def test_a_perfect_order_is_1_whatever_the_weights() -> None:
    # Summed with weights like those of a stratified sample it came to 1.0000000000000002, and failed; or to
    # 0.9999999999999998, and had an interval.
    draw = np.random.default_rng(0)
    for n in range(20, 400):
        weights = np.where(np.arange(n) % 3 == 0, draw.random() + 1, draw.random() + 2)
        found = auroc((np.arange(n) >= n // 3).astype(int), np.arange(n) / n, weights=weights)
        assert (found.value, found.low) == (1.0, None)
        assert auroc((np.arange(n) < n // 3).astype(int), np.arange(n) / n, weights=weights).value == 0.0
