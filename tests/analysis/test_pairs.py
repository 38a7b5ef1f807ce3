"""The 2×2 table, its tests, and Tango's interval against the likelihood it comes from."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import binomtest

from tlm_dash.analysis.pairs import (
    PairTable,
    accuracy_difference,
    mcnemar_exact,
    pair_table,
    score_interval,
    sign_flip_test,
)


def labels_of(table: PairTable) -> tuple[np.ndarray, np.ndarray]:
    counts = [table.both, table.only_a, table.only_b, table.neither]
    return np.repeat([1.0, 1.0, 0.0, 0.0], counts), np.repeat([1.0, 0.0, 1.0, 0.0], counts)


def score_statistic(gains: int, losses: int, n: int, delta: float) -> float:
    """The score statistic with nuisance maximised numerically, from the trinomial likelihood."""

    def loss_of(lost: float) -> float:
        won, rest = lost + delta, 1 - 2 * lost - delta
        parts = ((gains, won), (losses, lost), (n - gains - losses, rest))
        return -sum(count * math.log(max(share, 1e-300)) for count, share in parts if count)

    low, high = max(0.0, -delta), (1 - delta) / 2
    lost = minimize_scalar(loss_of, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return (gains - losses - n * delta) / math.sqrt(n * (2 * lost + delta - delta**2))


@pytest.mark.parametrize(("gains", "losses", "n"), [(12, 2, 50), (3, 5, 30), (40, 25, 400), (1, 7, 60)])
def test_the_ends_are_where_the_score_test_just_rejects(gains: int, losses: int, n: int) -> None:
    low, high = score_interval(gains / n, losses / n, n, 1.96, 1.96)
    assert score_statistic(gains, losses, n, low) == pytest.approx(1.96, abs=1e-4)
    assert score_statistic(gains, losses, n, high) == pytest.approx(-1.96, abs=1e-4)


def test_no_unequal_pair_still_leaves_room() -> None:
    figure = accuracy_difference(np.ones(30), np.ones(30))
    assert figure.value == 0
    # z² / (n + z²): the score test of no event in n.
    assert figure.high == pytest.approx(1.959964**2 / (30 + 1.959964**2), abs=1e-6)
    assert figure.low == pytest.approx(-figure.high)


@settings(max_examples=80, deadline=None)
@given(*[st.integers(0, 40)] * 4)
def test_turning_the_runs_around_turns_the_interval(
    both: int, only_a: int, only_b: int, neither: int
) -> None:
    table = PairTable(both, only_a, only_b, neither)
    a, b = labels_of(table)
    assert pair_table(a, b) == table
    assert mcnemar_exact(table) == mcnemar_exact(PairTable(both, only_b, only_a, neither))
    figure, turned = accuracy_difference(a, b), accuracy_difference(b, a)
    if table.n == 0:
        assert figure.value is None and figure.reason
        return
    if table.n == 1:
        assert figure.low is None and figure.reason
        return
    assert -1 <= figure.low <= figure.value <= figure.high <= 1
    assert (turned.low, turned.high) == pytest.approx((-figure.high, -figure.low), abs=1e-9)


def test_mcnemar_is_the_binomial_tail() -> None:
    tail = sum(math.comb(21, k) for k in range(5)) / 2**21
    assert mcnemar_exact(PairTable(100, 17, 4, 9)) == pytest.approx(2 * tail)
    assert mcnemar_exact(PairTable(5, 0, 0, 5)) == 1.0
    for only_a, only_b in ((1, 0), (3, 3), (4, 5), (43, 499), (900, 1000), (20_000, 20_100)):
        told = binomtest(only_a, only_a + only_b, 0.5).pvalue
        assert mcnemar_exact(PairTable(7, only_a, only_b, 2)) == pytest.approx(told, rel=1e-9)


def test_the_sign_flip_test_is_mcnemars_without_repeats_and_milder_with_them() -> None:
    table = PairTable(100, 25, 10, 20)
    a, b = labels_of(table)
    exact = mcnemar_exact(table)
    alone = sign_flip_test(a, b, np.arange(len(a)), seed=1)
    assert alone == pytest.approx(exact, abs=0.006)
    assert alone == sign_flip_test(a, b, np.arange(len(a)), seed=1)
    thrice = sign_flip_test(np.tile(a, 3), np.tile(b, 3), np.tile(np.arange(len(a)), 3), seed=1)
    assert thrice == pytest.approx(exact, abs=0.006)
    assert mcnemar_exact(PairTable(300, 75, 30, 60)) < exact / 10


def test_repeated_prompts_do_not_narrow_the_interval() -> None:
    a, b = labels_of(PairTable(60, 12, 8, 20))
    prompts = np.arange(len(a))
    single = accuracy_difference(a, b, prompts=prompts)
    twice = accuracy_difference(np.tile(a, 2), np.tile(b, 2), prompts=np.tile(prompts, 2))
    assert (twice.low, twice.high) == pytest.approx((single.low, single.high), abs=1e-3)
    naive = accuracy_difference(np.tile(a, 2), np.tile(b, 2))
    assert naive.high - naive.low < 0.8 * (twice.high - twice.low)
    assert accuracy_difference(a, b, prompts=np.zeros(len(a))).low is None


def test_weights_count_rows_as_often_as_they_say() -> None:
    a, b = labels_of(PairTable(30, 6, 9, 15))
    weights = np.where(a == 1, 1.0, 3.0)
    figure = accuracy_difference(a, b, weights=weights)
    assert figure.value == pytest.approx((27 - 6) / (36 + 72))
    assert figure.low < figure.value < figure.high


def test_labels_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="0 or 1"):
        pair_table([1, 0.5], [1, 0])
