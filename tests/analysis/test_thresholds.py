"""Guaranteed thresholds: the grid, the test of each one, the walk, and why there is no answer."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from tlm_dash.analysis.labelled_sample import LabelledSample, draw_sample, heavy_rows
from tlm_dash.analysis.not_possible import why_not
from tlm_dash.analysis.risk_coverage import exact_interval, risk_band
from tlm_dash.analysis.threshold_grid import (
    ThresholdGrid,
    budget_of,
    shortest,
    threshold_grid,
    threshold_within_budget,
)
from tlm_dash.analysis.thresholds import (
    Levels,
    fewest_labels,
    guaranteed_threshold,
    guaranteed_within,
    row_p_values,
    rows_needed,
    walk,
)

SCORES = st.lists(
    st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 20).map(lambda k: k / 20)),
    min_size=1, max_size=120,
)  # fmt: skip


def uniform(scores: np.ndarray, wrong: np.ndarray) -> LabelledSample:
    return LabelledSample(scores, wrong, np.ones(len(scores)), True)


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
        found = row_p_values(n.astype(float), wrong.astype(float), risk)
        assert found == pytest.approx(binom.cdf(wrong, n, risk), abs=1e-12)


@pytest.mark.parametrize(
    ("wrong", "risk", "n"), [(0, 0.05, 59), (1, 0.05, 93), (2, 0.05, 124), (0, 0.01, 299), (2, 0.1, 61)]
)
def test_rows_needed_are_those_of_the_tables(wrong: int, risk: float, n: int) -> None:
    assert rows_needed(wrong, risk, 0.95) == n
    assert binom.cdf(wrong, n, risk) <= 0.05 < binom.cdf(wrong, n - 1, risk)


# The walk.


def by_the_graph(p: np.ndarray, starts: np.ndarray, band: float) -> list[int]:
    """The walk as a graph (Bretz et al. 2009): every hypothesis passes its whole weight to the next one.

    Hypotheses are rejected in any order as long as one of them can be; the part of the band stays where it
    is. What is rejected in the end does not depend on the order.
    """
    weight = starts.astype(float).copy()
    left, rejected = set(range(len(p))), set()
    while True:
        able = [at for at in left if p[at] <= weight[at] + band]
        if not able:
            return sorted(rejected)
        at = able[-1]
        left.remove(at)
        rejected.add(at)
        following = [later for later in range(at + 1, len(p)) if later in left]
        if following:
            # Weight goes to the next hypothesis that still stands: rejected ones pass it on.
            weight[following[0]] += weight[at]
        weight[at] = 0.0


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60))
def test_the_walk_is_the_graph_with_its_weights(seed: int, k: int) -> None:
    draw = np.random.default_rng(seed)
    p = draw.random(k) ** draw.integers(1, 8)
    starts = np.zeros(k)
    for at, share in zip(draw.integers(0, k, 4), (0.25, 0.2, 0.15, 0.25), strict=True):
        starts[at] += 0.05 * share
    levels = Levels(starts, 0.15 * 0.05 / k)
    rejected, _ = walk(p, levels)
    assert np.flatnonzero(rejected).tolist() == by_the_graph(p, starts, levels.band)


def test_all_shares_together_are_the_error_whatever_is_labelled() -> None:
    for n, ties, risk in [(3, 0, 0.05), (62, 0, 0.05), (500, 0, 0.05), (500, 1, 0.3), (4000, 0, 0.001)]:
        scores, wrong = rows(n, 1)
        scores = np.round(scores, 1) if ties else scores
        starts = []
        for labels in (wrong, ~wrong, np.zeros(n, bool)):
            found = guaranteed_threshold(threshold_grid(scores), uniform(scores, labels), risk)
            starts.append(found.starts)
            total = found.levels.starts.sum() + found.levels.band * len(found.band.grid)
            assert total == pytest.approx(0.05, abs=1e-12)
        assert starts[0] == starts[1] == starts[2]


def test_the_starts_are_where_they_are_said_to_be() -> None:
    scores, wrong = rows(1000, 2)
    found = guaranteed_threshold(threshold_grid(scores), uniform(scores, wrong), 0.05)
    accepted = found.band.counts.n
    level = 0.25 * 0.05 + 0.15 * 0.05 / 50
    strict = next(at for at in range(50) if binom.cdf(2, accepted[at], 0.05) <= level)
    expected = {9: 0.2, 24: 0.15, 49: 0.25}
    expected[strict] = expected.get(strict, 0.0) + 0.25
    assert dict(found.starts) == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(30, 700), st.sampled_from(["uniform", "weighted", "prompts"]))
def test_where_the_sequences_start_does_not_depend_on_labels(seed: int, n: int, kind: str) -> None:
    scores, wrong = rows(n, seed)
    weights = np.where(scores > 0.6, 3.0, 1.0) if kind == "weighted" else np.ones(n)
    prompts = np.arange(n) // 3 if kind == "prompts" else None
    grid = threshold_grid(scores)
    starts = set()
    for labels in (wrong, ~wrong, np.random.default_rng(seed).permutation(wrong)):
        sample = LabelledSample(scores, labels, weights, kind != "weighted", prompts=prompts)
        starts.add(guaranteed_threshold(grid, sample, 0.05).starts)
    assert len(starts) == 1


def test_the_fewest_labels_that_can_give_an_answer() -> None:
    for n in (61, 62):
        scores = np.arange(n) / n
        found = guaranteed_threshold(threshold_grid(scores), uniform(scores, np.zeros(n, bool)), 0.05)
        assert (found.index is not None) == (n >= fewest_labels(0.05, 0.95) == 62)


def test_eight_hundred_labels_and_twenty_wrong_are_within_five_percent() -> None:
    """The bound at full coverage is within the target: then the answer is that all of it may pass."""
    for seed in range(40):
        draw = np.random.default_rng(seed)
        scores, wrong = draw.random(800), np.zeros(800, bool)
        wrong[draw.choice(800, 20, replace=False)] = True
        if not seed:
            # Three of the very highest are wrong: the strictest tests fail.
            wrong[:] = False
            wrong[np.argsort(-scores)[:20]] = True
        found = guaranteed_threshold(threshold_grid(scores), uniform(scores, wrong), 0.05)
        assert found.index == 49
        assert exact_interval(20, 800, 0.05)[1] < 0.037


def random_file(seed: int) -> tuple[ThresholdGrid, LabelledSample, float]:
    """A file of any kind: sizes, ties, weights, repeated and heavy prompts, targets."""
    draw = np.random.default_rng([11, seed])
    n = int(draw.integers(30, 900))
    scores = draw.random(n)
    if draw.random() < 0.4:
        scores = np.round(scores, int(draw.integers(0, 3)))
    risk = draw.choice([0.005, 0.02, 0.05, 0.2, 0.5]) * (1.5 * (1 - scores) if draw.random() < 0.5 else 1.0)
    kind = draw.integers(0, 3)
    weights, prompts, heavy = np.ones(n), None, None
    wrong = draw.random(n) < risk
    if kind == 1:
        weights = np.where(scores < 0.5, 1.0, 2.5)
    if kind == 2:
        prompts = draw.integers(0, max(1, int(n * draw.random())), n)
        if draw.random() < 0.5:
            prompts[draw.random(n) < 0.3] = 0
        # All rows of a prompt tend to be alike.
        wrong = (draw.random(n) < risk)[prompts % n] if draw.random() < 0.7 else wrong
        heavy = heavy_rows(prompts)
    target = float(draw.choice([0.01, 0.03, 0.05, 0.1, 0.3, 0.65]))
    sample = LabelledSample(scores, wrong, weights, kind != 1, 0, prompts, heavy)
    return threshold_grid(scores), sample, target


@pytest.mark.parametrize("part", range(4))
def test_never_not_possible_while_the_band_meets_the_target(part: int) -> None:
    """Also with the target exactly at the best upper end, where a digit too many would decide."""
    n_feasible = {True: 0, False: 0}
    for seed in range(500 * part, 500 * (part + 1)):
        grid, sample, target = random_file(seed)
        band = risk_band(grid, sample)
        if band.best is not None and seed % 2 and float(band.high[band.best]) < 1:
            target = float(band.high[band.best])
        found = guaranteed_within(band, target)
        best = None if band.best is None else float(band.high[band.best])
        n_feasible[found.index is not None] += 1
        assert found.index is not None or best is None or best > target
        loosest = band.loosest_within(target)
        assert loosest is None or (found.index is not None and found.index >= loosest)
    assert min(n_feasible.values()) > 50


def test_scores_that_all_tie_and_scores_of_two_levels() -> None:
    scores, wrong = np.full(200, 0.5), np.arange(200) < 3
    found = guaranteed_threshold(threshold_grid(scores), uniform(scores, wrong), 0.05)
    assert found.index == 0
    assert guaranteed_threshold(threshold_grid(scores), uniform(scores, ~wrong), 0.05).index is None
    two = np.where(np.arange(400) < 200, 0.2, 0.9)
    lower_wrong = (np.arange(400) < 100) & (np.arange(400) % 2 == 0)
    found = guaranteed_threshold(threshold_grid(two), uniform(two, lower_wrong), 0.05)
    assert (found.index, found.band.grid.n_accepted.tolist()) == (0, [200, 400])


def test_all_right_all_wrong_and_three_wrong_of_four_thousand() -> None:
    scores = np.arange(4000) / 4000
    right = np.zeros(4000, bool)
    three = right.copy()
    three[[10, 2000, 3990]] = True
    grid = threshold_grid(scores)
    assert guaranteed_threshold(grid, uniform(scores, right), 0.001).index == 49
    assert guaranteed_threshold(grid, uniform(scores, ~right), 0.5).index is None
    found = guaranteed_threshold(grid, uniform(scores, three), 0.003)
    assert found.index == 49
    assert found.p_row[49] == pytest.approx(binom.cdf(3, 4000, 0.003))


# What stands in the way.


def test_why_not_says_what_is_so_and_invites_to_nothing() -> None:
    scores = np.arange(300) / 300
    nothing = uniform(scores[:0], np.zeros(0, bool))
    few = uniform(scores[:3], np.zeros(3, bool))
    cases = [
        (scores, nothing, "no scored row has a label that may feed an estimate"),
        (scores[:3], few, "3 labels are too few: a sample without a single error needs 62"),
        (scores, uniform(scores, np.arange(300) % 10 == 9), "above the target at every coverage"),
        (np.array([np.nan]), nothing, "no row of this run has a score"),
        (scores, uniform(scores, np.arange(300) % 30 == 9), "not far enough below the target"),
    ]
    for run, sample, told in cases:
        found = guaranteed_threshold(threshold_grid(run), sample, 0.05)
        assert found.index is None
        assert told in why_not(found)


def test_why_not_where_rows_come_from_too_few_prompts() -> None:
    scores = np.tile(np.arange(10) / 10, 20)
    sample = LabelledSample(scores, np.zeros(200, bool), np.ones(200), True, 0, np.arange(200) // 20)
    found = guaranteed_threshold(threshold_grid(scores), sample, 0.05)
    assert found.index is None and "too few prompts" in why_not(found)
    assert guaranteed_threshold(threshold_grid(scores), sample.as_requests(), 0.05).index is not None


# The rows that it stands on.


def test_every_row_of_a_prompt_is_kept_with_its_prompt() -> None:
    n = 60
    given_rows = {
        "scores": np.arange(n) / n, "labels": np.ones(n), "in_sample": np.ones(n, bool),
        "is_open": np.zeros(n, bool), "weights": np.ones(n), "is_uniform": True,
    }  # fmt: skip
    found = draw_sample(**given_rows, prompts=np.arange(n) // 3)
    assert (len(found), found.n_prompts, found.is_heavy) == (60, 20, None)
    assert draw_sample(**given_rows, prompts=np.arange(n)).prompts is None
    heavy = draw_sample(**given_rows, prompts=np.maximum(np.arange(n), 20))
    assert heavy.is_heavy is not None and heavy.is_heavy.sum() == 21
    assert draw_sample(**given_rows, prompts=np.maximum(np.arange(n), 19)).is_heavy is None
    assert heavy.as_requests().n_prompts == 60


def test_a_prompt_is_heavy_by_its_rows_and_its_share() -> None:
    assert heavy_rows(np.zeros(21, dtype=np.int64)).all()
    assert not heavy_rows(np.zeros(20, dtype=np.int64)).any()
    many = np.r_[np.zeros(30, dtype=np.int64), np.arange(1, 2971)]
    assert not heavy_rows(many).any()
    assert heavy_rows(many[:-1]).sum() == 30
    assert not len(heavy_rows(many[:0]))


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


def test_weights_stand_in_for_open_rows_and_repeats_weigh_themselves() -> None:
    found = draw_sample(
        scores=[0.9, 0.8, 0.7, 0.6, 0.5], labels=[1, 1, np.nan, 1, 0], prompts=[0, 1, 2, 3, 3],
        in_sample=[True] * 5, is_open=[False, False, True, False, False], weights=[2.0, 2.0, 2.0, 5.0, 5.0],
        is_uniform=False,
    )  # fmt: skip
    assert found.weights.tolist() == [3.0, 3.0, 5.0, 5.0]
