"""The seeded bootstrap: what it estimates, that its intervals hold, and that its short cuts do not show."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from tlm_dash.analysis.bootstrap import SHARES, Resampling, ScoredLabels
from tlm_dash.analysis.detection import average_precision_incorrect
from tlm_dash.analysis.retention import accuracy_at_review_share, prediction_rejection_ratio


def some_runs(n: int, seed: int) -> tuple[ScoredLabels, ScoredLabels]:
    draw = np.random.default_rng(seed)
    labels = (draw.random(n) < 0.8).astype(float)
    a = draw.normal(labels * 1.3)
    return ScoredLabels(labels, a), ScoredLabels(labels, labels * 0.8 + 0.6 * a + 0.7 * draw.normal(size=n))


def test_figures_are_those_of_all_rows_and_the_seed_fixes_the_interval() -> None:
    a, b = some_runs(3_000, 1)
    resampling = Resampling(np.arange(3_000), confidence=0.95, seed=4)
    found = resampling.retention_difference(a, b)
    for share, figure in zip(SHARES, found.accuracy, strict=True):
        expected = accuracy_at_review_share(b.labels, b.scores, share) - accuracy_at_review_share(
            a.labels, a.scores, share
        )
        assert figure.value == pytest.approx(expected, abs=1e-12)
        assert figure.low < figure.value < figure.high
    assert found.prr.value == pytest.approx(
        prediction_rejection_ratio(b.labels, b.scores) - prediction_rejection_ratio(a.labels, a.scores)
    )
    again = Resampling(np.arange(3_000), confidence=0.95, seed=4).retention_difference(a, b)
    assert again == found
    assert Resampling(np.arange(3_000), confidence=0.95, seed=5).retention_difference(a, b) != found


def test_intervals_hold_the_truth() -> None:
    a, b = some_runs(300_000, 2)
    truth = [
        accuracy_at_review_share(b.labels, b.scores, s) - accuracy_at_review_share(a.labels, a.scores, s)
        for s in SHARES
    ]
    truth.append(
        prediction_rejection_ratio(b.labels, b.scores) - prediction_rejection_ratio(a.labels, a.scores)
    )
    held = np.zeros(4)
    resampling = Resampling(np.arange(250), confidence=0.95, seed=0)
    for seed in range(40):
        one, other = some_runs(250, 100 + seed)
        found = resampling.retention_difference(one, other)
        figures = (*found.accuracy, found.prr)
        held += [f.low <= t <= f.high for f, t in zip(figures, truth, strict=True)]
    # Three standard errors of 95% of 40 are 10 points.
    assert (held / 40 >= 0.84).all(), held


def test_the_intervals_of_one_run_hold_the_truth() -> None:
    run, _ = some_runs(300_000, 2)
    truth = [accuracy_at_review_share(run.labels, run.scores, share) for share in SHARES]
    truth += [
        prediction_rejection_ratio(run.labels, run.scores),
        average_precision_incorrect(run.labels, run.scores).value,
    ]
    held = np.zeros(5)
    resampling = Resampling(np.arange(250), confidence=0.95, seed=0)
    for seed in range(60):
        one, _ = some_runs(250, 100 + seed)
        found = resampling.retention(one)
        assert found.average_precision.value == average_precision_incorrect(one.labels, one.scores).value
        figures = (*found.accuracy, found.prr, found.average_precision)
        held += [f.low <= t <= f.high for f, t in zip(figures, truth, strict=True)]
    # Three standard errors of 95% of 60 are 8.5 points.
    assert (held / 60 >= 0.86).all(), held


def test_repeated_prompts_are_resampled_together() -> None:
    a, b = some_runs(150, 3)
    twice = [ScoredLabels(np.tile(run.labels, 2), np.tile(run.scores, 2)) for run in (a, b)]
    single = Resampling(np.arange(150), confidence=0.95, seed=0).retention_difference(a, b).prr
    tied = Resampling(np.tile(np.arange(150), 2), confidence=0.95, seed=0).retention_difference(*twice).prr
    assert tied.high - tied.low == pytest.approx(single.high - single.low, rel=0.15)


def test_what_cannot_be_had_has_a_reason() -> None:
    nothing = ScoredLabels(np.zeros(0), np.zeros(0))
    found = Resampling(np.zeros(0), confidence=0.95, seed=0).retention(nothing)
    assert found.prr.value is None and found.prr.reason
    right = ScoredLabels(np.ones(20), np.arange(20.0))
    found = Resampling(np.arange(20), confidence=0.95, seed=0).retention(right)
    assert found.prr.reason == "all labels are equal"


@pytest.mark.parametrize("right", [1.0, 0.0])
def test_all_alike_still_leaves_room_for_what_was_not_seen(right: float) -> None:
    """Clopper-Pearson over the rows kept, from the closed form of the binomial: .025 ** (1 / n)."""
    run = ScoredLabels(np.full(203, right), np.arange(203.0))
    found = Resampling(np.arange(203), confidence=0.95, seed=0).retention(run)
    for share, figure in zip(SHARES, found.accuracy, strict=True):
        bound = 0.025 ** (1 / math.floor(203 * (1 - share)))
        expected = (bound, 1.0) if right else (0.0, 1 - bound)
        assert (figure.value, figure.method, figure.reason) == (right, "Clopper-Pearson", None)
        assert figure.interval == pytest.approx(expected, abs=1e-9)
    # Each row twice: no more is known.
    twice = ScoredLabels(np.tile(run.labels, 2), np.tile(run.scores, 2))
    repeated = Resampling(np.tile(np.arange(203), 2), confidence=0.95, seed=0).retention(twice).accuracy[0]
    assert repeated.method == "approximate"
    assert repeated.interval == pytest.approx(found.accuracy[0].interval, abs=1e-3)


def test_what_is_kept_is_never_surer_than_its_rows_alone() -> None:
    """One wrong row among 80 that are kept: resampling alone would leave 3.6 points of room below."""
    labels = np.ones(100)
    labels[60] = 0
    found = Resampling(np.arange(100), confidence=0.95, seed=0).retention(
        ScoredLabels(labels, np.arange(100.0))
    )
    ends = binomtest(79, 80).proportion_ci(0.95, "exact")
    assert found.accuracy[2].low <= ends.low + 1e-9 and found.accuracy[2].high >= ends.high - 1e-9


def test_few_prompts_are_resampled_wider() -> None:
    """Five prompts of twenty rows: Student's t with four degrees of freedom, and the root of 5 / 4."""
    draw = np.random.default_rng(5)
    run = ScoredLabels((draw.random(100) < 0.7).astype(float), draw.random(100))
    few = Resampling(np.repeat(np.arange(5), 20), confidence=0.95, seed=0).retention(run).prr
    plain = few.standard_error * 1.96
    assert (few.high - few.low) / 2 > 1.25 * plain
