"""Guaranteed thresholds: the grid, the test of each one, the sequence, and what is missing to an answer."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression
from scipy.stats import binom

from tlm_dash.analysis.accepted_counts import accepted_counts
from tlm_dash.analysis.labelled_sample import LabelledSample, draw_sample
from tlm_dash.analysis.shortfall import shortfall
from tlm_dash.analysis.threshold_grid import (
    budget_of,
    shortest,
    threshold_grid,
    threshold_within_budget,
)
from tlm_dash.analysis.thresholds import (
    GuaranteedThreshold,
    guaranteed_threshold,
    p_values,
    rows_needed,
    sequence_start,
)

SCORES = st.lists(
    st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 20).map(lambda k: k / 20)),
    min_size=1, max_size=120,
)  # fmt: skip


def uniform(scores: np.ndarray, wrong: np.ndarray) -> LabelledSample:
    return LabelledSample(scores, wrong, np.ones(len(scores)), True, 0, 0)


def rows(n: int, seed: int = 0, wrong: float = 0.15) -> tuple[np.ndarray, np.ndarray]:
    """Scores of which the wrong rows have lower ones, by and large."""
    draw = np.random.default_rng(seed)
    is_wrong = draw.random(n) < wrong
    return 1 / (1 + np.exp(-draw.normal(np.where(is_wrong, 0.0, 1.6)))), is_wrong


# The grid.


@settings(max_examples=60, deadline=None)
@given(SCORES)
def test_the_grid_accepts_the_shares_it_should_in_the_fewest_digits(scores: list[float]) -> None:
    values = np.array(scores)
    grid = threshold_grid(np.r_[values, np.nan])
    ordered = np.sort(values)[::-1]
    expected = sorted({float(ordered[-(-len(values) * step // 50) - 1]) for step in range(1, 51)})[::-1]
    assert [int((values >= t).sum()) for t in grid.thresholds] == grid.n_accepted.tolist()
    assert grid.n_accepted.tolist() == [int((values >= t).sum()) for t in expected]
    assert grid.coverage[-1] == len(values) / (len(values) + 1)
    for threshold, n in zip(grid.thresholds.tolist(), grid.n_accepted, strict=True):
        digits = -int(Decimal(repr(threshold)).as_tuple().exponent)
        if threshold != int(threshold) and 1 < digits < 15:
            shorter = float(Decimal(repr(threshold)).quantize(Decimal(10) ** (1 - digits), ROUND_DOWN))
            assert int((values >= shorter).sum()) != n


def test_a_threshold_is_written_with_the_fewest_digits() -> None:
    found = shortest(np.array([0.71349, 0.71349, 0.9]), np.array([0.69, 0.7134, -np.inf]))
    assert found.tolist() == [0.7, 0.71349, 0.0]


def test_grid_of_nothing_of_one_value_and_of_rows_without_scores() -> None:
    assert len(threshold_grid([])) == len(threshold_grid([np.nan] * 5)) == 0
    tied = threshold_grid([0.5] * 10 + [np.nan] * 10)
    assert (tied.thresholds.tolist(), tied.n_accepted.tolist(), tied.coverage.tolist()) == (
        [0.0],
        [10],
        [0.5],
    )
    with pytest.raises(ValueError, match="finite"):
        threshold_grid([np.inf])


@settings(max_examples=60, deadline=None)
@given(SCORES, st.integers(0, 130), st.integers(0, 3))
def test_a_budget_is_used_as_far_as_ties_allow(scores: list[float], budget: int, n_unscored: int) -> None:
    values = np.array(scores)
    found = threshold_within_budget(np.r_[values, [np.nan] * n_unscored], budget)
    if budget < n_unscored:
        assert found is None
        return
    assert found is not None
    threshold, accepted = found
    assert accepted == int((values >= threshold).sum())
    assert n_unscored + (values < threshold).sum() <= budget
    higher = values[values > values[values >= threshold].min()]
    if len(higher):
        assert n_unscored + (values < higher.min()).sum() > budget


def test_a_share_in_decimals_is_meant_exactly() -> None:
    assert [budget_of(0.07, 100), budget_of(0.29, 100), budget_of(0.999, 10)] == [7, 29, 9]


# One threshold.


def test_the_test_is_the_exact_binomial_one() -> None:
    n, wrong = np.meshgrid(np.arange(1, 200, 7), np.arange(0, 12))
    n, wrong = n.ravel(), np.minimum(wrong, n).ravel()
    for risk in (0.01, 0.05, 0.3):
        found = p_values(n.astype(float), wrong.astype(float), risk)
        assert found == pytest.approx(binom.cdf(wrong, n, risk), abs=1e-12)


@pytest.mark.parametrize(
    ("wrong", "risk", "n"), [(0, 0.05, 59), (1, 0.05, 93), (2, 0.05, 124), (0, 0.01, 299), (2, 0.1, 61)]
)
def test_rows_needed_are_those_of_the_tables(wrong: int, risk: float, n: int) -> None:
    assert rows_needed(wrong, risk, 0.95) == n
    assert binom.cdf(wrong, n, risk) <= 0.05 < binom.cdf(wrong, n - 1, risk)


# The sequence.


def by_the_book(scores: np.ndarray, wrong: np.ndarray, risk: float, confidence: float) -> float | None:
    """Fixed-sequence testing straight from its definition, one threshold after the other."""
    ordered = np.sort(scores)[::-1]
    thresholds = sorted({ordered[-(-len(scores) * step // 50) - 1] for step in range(1, 51)})[::-1]
    needed = rows_needed(2 if len(scores) >= 400 else 0, risk, confidence)
    if needed > len(scores):
        needed = rows_needed(0, risk, confidence)
    answer = None
    for threshold in thresholds:
        accepted = scores >= threshold
        if accepted.sum() < needed:
            continue
        if binom.cdf(wrong[accepted].sum(), accepted.sum(), risk) > 1 - confidence:
            break
        answer = threshold
    return answer


@pytest.mark.parametrize("n", [58, 59, 120, 399, 400, 900])
@pytest.mark.parametrize(("risk", "confidence"), [(0.05, 0.95), (0.02, 0.9), (0.2, 0.99)])
def test_the_answer_is_that_of_the_definition(n: int, risk: float, confidence: float) -> None:
    n_feasible = 0
    for seed in range(12):
        scores, wrong = rows(n, seed, wrong=0.08)
        scores = np.round(scores, 2 if seed % 2 else 6)
        grid = threshold_grid(scores)
        found = guaranteed_threshold(grid, uniform(scores, wrong), risk, confidence)
        expected = by_the_book(scores, wrong, risk, confidence)
        assert (found.index is None) == (expected is None)
        if found.index is not None and expected is not None:
            n_feasible += 1
            assert (scores >= grid.thresholds[found.index]).sum() == (scores >= expected).sum()
    assert n_feasible or (n, risk) in {(n, 0.02), (58, 0.05)}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(30, 700), st.booleans())
def test_where_the_sequence_begins_does_not_depend_on_labels(seed: int, n: int, weighted: bool) -> None:
    scores, wrong = rows(n, seed)
    weights = np.where(scores > 0.6, 3.0, 1.0) if weighted else np.ones(n)
    grid = threshold_grid(scores)
    starts = set()
    for labels in (wrong, ~wrong, np.random.default_rng(seed).permutation(wrong)):
        counts = accepted_counts(grid, LabelledSample(scores, labels, weights, not weighted, 0, 0))
        starts.add(sequence_start(counts, n, 0.05, 0.95))
    assert len(starts) == 1


def test_it_begins_where_two_errors_are_affordable_from_400_labels_on() -> None:
    for n, accepted in ((399, 59), (400, 124)):
        scores = np.arange(n) / n
        found = guaranteed_threshold(threshold_grid(scores), uniform(scores, np.zeros(n, bool)), 0.05)
        assert found.begins_at is not None
        at = found.counts.n
        assert at[found.begins_at] >= accepted > at[found.begins_at - 1]
        assert found.index == 49


def test_scores_that_all_tie_leave_one_threshold() -> None:
    scores, wrong = np.full(200, 0.5), np.arange(200) < 3
    found = guaranteed_threshold(threshold_grid(scores), uniform(scores, wrong), 0.05)
    assert found.index == 0
    assert guaranteed_threshold(threshold_grid(scores), uniform(scores, ~wrong), 0.05).index is None


# What is missing.


def test_without_labels_as_many_as_an_error_free_sample_needs() -> None:
    scores = np.arange(100) / 100
    nothing = uniform(scores[:0], np.zeros(0, bool))
    found = shortfall(guaranteed_threshold(threshold_grid(scores), nothing, 0.05))
    assert found.labels_still_needed == 59
    three = uniform(scores[:3], np.zeros(3, bool))
    found = shortfall(guaranteed_threshold(threshold_grid(scores[:3]), three, 0.05))
    assert (found.labels_still_needed, found.reason) == (
        56, "3 labels are too few: even without an error 59 are needed",
    )  # fmt: skip


def test_no_number_of_labels_helps_where_every_coverage_is_too_wrong() -> None:
    scores = np.arange(300) / 300
    found = shortfall(
        guaranteed_threshold(threshold_grid(scores), uniform(scores, np.arange(300) % 10 == 9), 0.05)
    )
    assert found.labels_still_needed is None
    assert "above the target at every coverage" in found.reason
    assert (
        shortfall(
            guaranteed_threshold(threshold_grid([np.nan]), uniform(scores[:0], np.zeros(0, bool)), 0.05)
        ).reason
        == "no row of this run has a score"
    )


@pytest.mark.parametrize("weighted", [False, True])
def test_so_many_more_rows_like_these_would_do_and_not_fewer(weighted: bool) -> None:
    """The same rows over and over become feasible where it is said."""
    n = 40
    scores = np.arange(n) / n
    weights = np.where(scores >= 0.5, 2.0, 1.0) if weighted else np.ones(n)

    def asked(times: int) -> GuaranteedThreshold:
        parts = [np.tile(part, times) for part in (scores, scores < 0.5, weights)]
        sample = LabelledSample(parts[0], parts[1], parts[2], not weighted, 0, 0)
        return guaranteed_threshold(threshold_grid(parts[0]), sample, 0.05)

    needed = shortfall(asked(1)).labels_still_needed
    assert needed is not None
    if not weighted:
        assert needed == 2 * 59 - n
    enough = next(times for times in range(2, 60) if asked(times).index is not None)
    assert enough > 2
    assert (enough - 1) * n < n + needed <= 1.06 * enough * n


def test_an_error_among_the_highest_scores_does_not_make_it_look_hopeless() -> None:
    n = 320
    scores = np.arange(n) / n
    wrong = (np.arange(n) % 80 == 78) | (scores < 0.3)
    answer = guaranteed_threshold(threshold_grid(scores), uniform(scores, wrong), 0.05)
    assert answer.counts.risk[0] > 0.05
    needed = shortfall(answer).labels_still_needed
    assert needed is not None
    assert 0 < needed < 200


def test_smoothed_counts_are_the_isotonic_fit() -> None:
    scores, wrong = rows(150, 4)
    grid = threshold_grid(scores)
    counts = accepted_counts(grid, uniform(scores, wrong))
    steps = np.diff(counts.n, prepend=0.0)
    shares = np.diff(counts.n_wrong, prepend=0.0) / steps
    fitted = isotonic_regression(shares, weights=steps).x
    assert counts.smoothed().n_wrong == pytest.approx(np.cumsum(fitted * steps), abs=1e-9)
    assert counts.smoothed().n == pytest.approx(counts.n)


# The rows that it stands on.


def test_one_row_of_each_prompt_by_the_seed() -> None:
    n = 60
    prompts = np.arange(n) // 3

    def drawn(seed: int) -> LabelledSample:
        return draw_sample(
            scores=np.arange(n) / n, labels=np.ones(n), prompts=prompts, in_sample=np.ones(n, bool),
            is_open=np.zeros(n, bool), weights=np.ones(n), is_uniform=True, seed=seed,
        )  # fmt: skip

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert (len(first), first.n_repeats) == (20, 40)
    assert sorted(prompts[np.round(first.scores * n).astype(int)]) == list(range(20))
    assert first.scores.tolist() == again.scores.tolist() != other.scores.tolist()


def test_open_rows_are_left_out_or_taken_as_wrong_and_unscored_ones_have_no_part() -> None:
    given_rows = {
        "scores": [0.9, 0.8, np.nan, 0.6, 0.5], "labels": [1, np.nan, 1, 0, 1], "prompts": range(5),
        "in_sample": [True, True, True, True, False], "is_open": [False, True, False, False, False],
        "weights": [2, 2, 2, 2, np.nan],
    }  # fmt: skip
    left_out = draw_sample(**given_rows, is_uniform=True)
    assert (left_out.scores.tolist(), left_out.wrong.tolist()) == ([0.9, 0.6], [False, True])
    assert (left_out.n_open, left_out.weights.tolist()) == (1, [1.0, 1.0])
    as_wrong = draw_sample(**given_rows, is_uniform=True, open_as_wrong=True)
    assert (as_wrong.scores.tolist(), as_wrong.wrong.tolist()) == ([0.9, 0.8, 0.6], [False, True, True])


def test_weights_stand_in_for_open_rows_and_for_rows_of_the_same_prompt() -> None:
    found = draw_sample(
        scores=[0.9, 0.8, 0.7, 0.6, 0.5], labels=[1, 1, np.nan, 1, 0], prompts=[0, 1, 2, 3, 3],
        in_sample=[True] * 5, is_open=[False, False, True, False, False], weights=[2.0, 2.0, 2.0, 5.0, 5.0],
        is_uniform=False,
    )  # fmt: skip
    assert found.weights.tolist() == [3.0, 3.0, 10.0]
