"""Retention figures against their definitions, over every order of tied rows."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tlm_dash.analysis.retention import accuracy_at_review_share, prediction_rejection_ratio


def of_order(labels: np.ndarray) -> float:
    """PRR of labels in the order of falling scores, straight from the definition."""
    n = len(labels)

    def mean_of_prefixes(ordered: np.ndarray) -> float:
        return float(np.mean(np.cumsum(ordered) / np.arange(1, n + 1)))

    perfect = mean_of_prefixes(np.sort(labels)[::-1])
    return (mean_of_prefixes(labels) - labels.mean()) / (perfect - labels.mean())


rows = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3)), min_size=2, max_size=6)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_ties_count_as_the_mean_over_their_orders(pairs: list[tuple[int, int]]) -> None:
    labels, scores = (np.array(column, dtype=float) for column in zip(*pairs, strict=True))
    orders = [
        order for order in map(list, permutations(range(len(labels)))) if (np.diff(scores[order]) <= 0).all()
    ]
    found = prediction_rejection_ratio(labels, scores)
    if labels.min() == labels.max():
        assert found is None
    else:
        assert found == pytest.approx(np.mean([of_order(labels[order]) for order in orders]), abs=1e-12)
    kept = len(labels) // 2
    share = 1 - kept / len(labels)
    expected = np.mean([labels[order[:kept]].mean() for order in orders])
    assert accuracy_at_review_share(labels, scores, share) == pytest.approx(expected, abs=1e-12)


def test_known_values() -> None:
    assert prediction_rejection_ratio([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1]) == pytest.approx(1.0)
    assert prediction_rejection_ratio([0, 0, 1, 1], [0.9, 0.8, 0.2, 0.1]) < 0
    assert prediction_rejection_ratio([1, 0, 1, 0], [0.5] * 4) == pytest.approx(0.0, abs=1e-12)
    assert prediction_rejection_ratio([], []) is None
    assert accuracy_at_review_share([1, 1, 1, 0], [0.9, 0.8, 0.7, 0.1], 0.25) == 1.0
    # One and a half of four rows go to people: of the second lowest, half passes.
    assert accuracy_at_review_share([1, 1, 0, 0], [0.9, 0.8, 0.7, 0.1], 0.375) == pytest.approx(2 / 2.5)
    assert accuracy_at_review_share([], [], 0.1) is None


def test_a_weight_of_two_is_the_row_twice() -> None:
    draw = np.random.default_rng(3)
    labels, scores = draw.integers(0, 2, 30), draw.integers(0, 12, 30) / 12
    weights = draw.integers(1, 4, 30)
    twice = np.repeat(labels, weights), np.repeat(scores, weights)
    assert prediction_rejection_ratio(labels, scores, weights) == pytest.approx(
        prediction_rejection_ratio(*twice)
    )
    assert accuracy_at_review_share(labels, scores, 0.2, weights) == pytest.approx(
        accuracy_at_review_share(*twice, 0.2)
    )


def test_unusable_input_is_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        accuracy_at_review_share([1], [0.5], 1.0)
    with pytest.raises(ValueError, match="same length"):
        prediction_rejection_ratio([1, 0], [0.5])
