"""Rank agreement: values by scipy, intervals by simulation, overlaps by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from tlm_dash.analysis.agreement_of_ranks import kendall_tau, overlap_of_lowest, spearman_rho

pairs = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=5, max_size=60)


@settings(max_examples=80, deadline=None)
@given(pairs)
def test_values_are_scipys(rows: list[tuple[int, int]]) -> None:
    x, y = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    tau, rho = kendall_tau(x, y), spearman_rho(x, y)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert tau.value is None and rho.value is None and tau.reason == "all scores of a run are equal"
        return
    assert tau.value == pytest.approx(kendalltau(x, y).statistic, abs=1e-9)
    assert rho.value == pytest.approx(spearmanr(x, y).statistic, abs=1e-9)
    for figure in (tau, rho):
        if figure.low is not None:
            assert -1 <= figure.low <= figure.value <= figure.high <= 1


@pytest.mark.parametrize(("correlation", "n"), [(0.3, 60), (0.85, 60)])
def test_intervals_hold_the_truth_as_often_as_they_say(correlation: float, n: int) -> None:
    draw = np.random.default_rng(7)
    truths = (2 / math.pi * math.asin(correlation), 6 / math.pi * math.asin(correlation / 2))
    held = [0, 0]
    for _ in range(600):
        x = draw.standard_normal(n)
        y = correlation * x + math.sqrt(1 - correlation**2) * draw.standard_normal(n)
        for number, figure in enumerate((kendall_tau(x, y), spearman_rho(x, y))):
            held[number] += figure.low <= truths[number] <= figure.high
    assert all(0.92 <= count / 600 <= 0.98 for count in held)


def test_errors_are_those_of_a_bootstrap() -> None:
    draw = np.random.default_rng(8)
    x = np.round(draw.normal(size=200), 1)
    y = np.round(x + draw.normal(size=200), 1)
    picked = [draw.integers(0, 200, 200) for _ in range(400)]
    assert kendall_tau(x, y).standard_error == pytest.approx(
        np.std([kendalltau(x[i], y[i]).statistic for i in picked]), rel=0.15
    )
    assert spearman_rho(x, y).standard_error == pytest.approx(
        np.std([spearmanr(x[i], y[i]).statistic for i in picked]), rel=0.15
    )


def test_repeats_tell_nothing_new() -> None:
    draw = np.random.default_rng(9)
    x = draw.normal(size=80)
    y = x + draw.normal(size=80)
    single = kendall_tau(x, y)
    twice = kendall_tau(np.tile(x, 2), np.tile(y, 2), prompts=np.tile(np.arange(80), 2))
    assert twice.high - twice.low == pytest.approx(single.high - single.low, rel=0.05)


def test_the_same_order_has_a_value_and_no_interval() -> None:
    figure = kendall_tau([1, 2, 3, 4, 5, 6], [2, 4, 6, 8, 10, 12])
    assert (figure.value, figure.low) == (1.0, None)
    assert "same throughout" in str(figure.reason)
    assert kendall_tau([1, 2], [2, 1]).value is None


def test_overlap_counts_ties_in_expectation() -> None:
    scores = np.arange(20.0)
    assert overlap_of_lowest(scores, scores, (0.1, 0.5)) == (1.0, 1.0)
    assert overlap_of_lowest(scores, -scores, (0.1,)) == (0.0,)
    # Two of twenty are wanted, all tie in one run: each is in by a tenth.
    assert overlap_of_lowest(scores, np.zeros(20), (0.1,)) == pytest.approx((0.1,))
    assert overlap_of_lowest([], [], (0.1,)) == (None,)
