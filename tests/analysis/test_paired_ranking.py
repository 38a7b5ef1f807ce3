"""The difference of two AUROCs: values by scikit-learn, variance by DeLong, coverage by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tests.analysis import delong
from tests.benchmarks.compare_intervals import SHORT_SETTINGS, Setting, accuracy_coverage, auroc_coverage
from tlm_dash.analysis import ranking
from tlm_dash.analysis.dominance import orders
from tlm_dash.analysis.paired_ranking import auroc_difference

rows = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 6), st.integers(0, 6)), min_size=6, max_size=40
).filter(lambda triples: 2 < sum(t[0] for t in triples) < len(triples) - 2)


@settings(max_examples=80, deadline=None)
@given(rows)
def test_values_and_errors_are_those_of_others(triples: list[tuple[int, int, int]]) -> None:
    labels, a, b = (np.array(column, dtype=float) for column in zip(*triples, strict=True))
    figure = auroc_difference(labels, a, labels, b)
    assert figure.value == pytest.approx(roc_auc_score(labels, b) - roc_auc_score(labels, a), abs=1e-9)
    assert -1 <= figure.low <= figure.value <= figure.high <= 1
    turned = auroc_difference(labels, b, labels, a)
    assert (turned.low, turned.high) == pytest.approx((-figure.high, -figure.low), abs=1e-9)
    assert (figure.value, figure.standard_error) == pytest.approx(delong.difference(labels, a, b), abs=1e-9)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=30))
def test_pairs_are_counted_as_by_hand(triples: list[tuple[int, int, int]]) -> None:
    x, y, weights = (np.array(column, dtype=float) for column in zip(*triples, strict=True))
    found = orders(x, y, weights)
    side_x, side_y = np.sign(x[None, :] - x[:, None]), np.sign(y[None, :] - y[:, None])
    for name, at_x, at_y in (
        ("below_below", -1, -1), ("below_above", -1, 1), ("above_below", 1, -1), ("above_above", 1, 1),
        ("tied_both", 0, 0),
    ):  # fmt: skip
        assert getattr(found, name) == pytest.approx(((side_x == at_x) & (side_y == at_y)) @ weights)
    assert found.tied_x == pytest.approx((side_x == 0) @ weights)


def test_large_samples_get_delongs_interval() -> None:
    draw = np.random.default_rng(2)
    labels = (draw.random(6_000) < 0.8).astype(float)
    a = draw.normal(labels * 1.2)
    b = a + draw.normal(0, 0.8, len(a))
    figure, (value, error) = auroc_difference(labels, a, labels, b), delong.difference(labels, a, b)
    plain = value - 1.959964 * error, value + 1.959964 * error
    assert (figure.low, figure.high) == pytest.approx(plain, abs=5e-4)


def test_different_labels_are_paired_by_prompt() -> None:
    draw = np.random.default_rng(3)
    labels_a, labels_b = (draw.random(400) < 0.7).astype(float), (draw.random(400) < 0.7).astype(float)
    a, b = draw.normal(labels_a), draw.normal(labels_b)
    figure = auroc_difference(labels_a, a, labels_b, b)
    assert figure.value == pytest.approx(roc_auc_score(labels_b, b) - roc_auc_score(labels_a, a))
    apart = [ranking.auroc(labels, s) for labels, s in ((labels_a, a), (labels_b, b))]
    spread = [(one.high - one.low) / 2 for one in apart]
    assert (figure.high - figure.low) / 2 == pytest.approx(np.hypot(*spread), rel=0.15)


def test_equal_scores_differ_by_nothing_within_an_interval() -> None:
    labels = np.r_[np.ones(40), np.zeros(30)]
    scores = np.random.default_rng(1).normal(labels)
    figure = auroc_difference(labels, scores, labels, scores)
    assert figure.value == 0 and -0.15 < figure.low < 0 < figure.high < 0.15
    assert auroc_difference(np.ones(3), [1, 2, 3], np.ones(3), [1, 2, 3]).value is None
    few = auroc_difference([1, 1, 1, 0, 0], [1, 2, 3, 0, 2], [1, 1, 1, 0, 0], [1, 0, 2, 1, 2])
    assert few.value is not None and few.low is None
    assert few.reason == "an interval needs 3 right and 3 wrong rows"


# 200 datasets: three standard errors of a coverage of 95% are 4.6 points, of a tail of 2.5% 3.3 points.
@pytest.mark.parametrize("setting", SHORT_SETTINGS)
def test_the_interval_holds_the_truth_often_enough(setting: Setting) -> None:
    found = auroc_coverage(setting, 200)
    assert found.covered >= 0.93 - 0.046
    assert found.too_high <= 0.025 + 3 * found.error


def test_the_accuracy_interval_holds_the_truth_often_enough() -> None:
    found = accuracy_coverage(200, 0.9, 0.03, 0.06, 1_000)
    assert 0.93 <= found.covered <= 0.985
    assert found.too_high <= 0.025 + 3 * found.error
