"""The chance of a new plan: it runs the real procedure, and says what the labels there allow to say."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy.optimize import isotonic_regression

from tlm_dash.analysis.accepted_counts import accepted_counts
from tlm_dash.analysis.fresh_labels import _blocks, _is_answered, chances_of_fresh_labels
from tlm_dash.analysis.labelled_sample import LabelledSample
from tlm_dash.analysis.risk_coverage import RiskBand, risk_band
from tlm_dash.analysis.threshold_grid import threshold_grid
from tlm_dash.analysis.thresholds import coverage_positions, guaranteed_threshold
from tlm_dash.words.threshold import fresh_words, heavy_prompt_words


def sample_of(n: int, risk: float, seed: int = 0) -> LabelledSample:
    draw = np.random.default_rng(seed)
    scores = draw.random(n)
    return LabelledSample(scores, draw.random(n) < risk * 2 * (1 - scores), np.ones(n), is_uniform=True)


def band_of(n: int, risk: float, seed: int = 0) -> RiskBand:
    sample = sample_of(n, risk, seed)
    return risk_band(threshold_grid(sample.scores), sample)


def test_made_up_plans_are_asked_by_the_real_procedure() -> None:
    run = np.random.default_rng(1).random(3000)
    grid = threshold_grid(run)
    positions = coverage_positions(grid)
    n_answered = 0
    for n in (120, 500):
        for seed in range(40):
            sample = sample_of(n, 0.03, seed)
            counts = accepted_counts(grid, sample)
            found = _is_answered(counts.n[None], counts.n_wrong[None], 0.05, positions, 1 - 0.95)
            assert bool(found[0]) == (guaranteed_threshold(grid, sample, 0.05).index is not None)
            n_answered += int(found[0])
    assert 5 < n_answered < 75


def test_chances_grow_with_the_plan_and_fall_with_the_errors() -> None:
    few, many = (chances_of_fresh_labels(band_of(200, risk), 0.05) for risk in (0.02, 0.2))
    assert [one.n for one in few][:2] == [100, 200]
    chances = [one.chance for one in few]
    assert chances == sorted(chances) and chances[-1] >= 0.95
    assert many[-1].n == 5_000 and max(one.chance for one in many) < few[2].chance
    assert chances_of_fresh_labels(band_of(200, 0.02), 0.05) == few, "the same labels give the same chances"
    strict = chances_of_fresh_labels(band_of(200, 0.02), 0.01)
    assert strict[0].n == 500, "318 labels without an error are the fewest that answer at 1%"


def test_without_labels_or_scores_nothing_is_said() -> None:
    scores = np.arange(50) / 50
    nothing = LabelledSample(scores[:0], np.zeros(0, bool), np.ones(0), is_uniform=True)
    for run in (scores, np.full(3, np.nan)):
        assert chances_of_fresh_labels(risk_band(threshold_grid(run), nothing), 0.05) == ()


def test_blocks_are_those_of_isotonic_regression() -> None:
    draw = np.random.default_rng(3)
    for _ in range(30):
        n = draw.integers(1, 20, 50).astype(float)
        wrong = draw.binomial(n.astype(int), 0.1).astype(float)
        expected = isotonic_regression(wrong / n, weights=n).x
        found = np.concatenate(
            [np.full(b.stop - b.start, wrong[b].sum() / n[b].sum()) for b in _blocks(wrong, n)]
        )
        assert found == pytest.approx(expected, abs=1e-12)


def test_a_page_can_wait_for_it() -> None:
    band = band_of(2000, 0.2)
    fastest = np.inf
    for _ in range(3):
        began = time.perf_counter()
        chances_of_fresh_labels(band, 0.05)
        fastest = min(fastest, time.perf_counter() - began)
    assert fastest < 0.3


@pytest.mark.parametrize(
    ("chances", "told"),
    [
        ([], None),
        ([(200, 0.02), (5000, 0.3)],
         "A new plan would hardly give one: not even 5,000 fresh labels would more often than not."),
        ([(200, 0.1), (500, 0.68), (1000, 0.96)],
         "A new plan, its size settled beforehand and asked once, would answer: one of 500 fresh labels in "
         "about 7 of 10 cases, one of 1,000 fresh labels in more than 9 of 10 cases."),
        ([(200, 0.84)],
         "A new plan, its size settled beforehand and asked once, would answer: one of 200 fresh labels in "
         "about 8 of 10 cases."),
    ],
)  # fmt: skip
def test_chances_in_words(chances: list[tuple[int, float]], told: str | None) -> None:
    assert fresh_words(chances) == told


def test_heavy_prompts_in_words() -> None:
    assert heavy_prompt_words(0.36, 90, 90) == "1 prompt is 36% of the rows; its answer is wrong."
    assert heavy_prompt_words(0.36, 90, 0).endswith("its answer is right.")
    assert heavy_prompt_words(0.02, 40, 3).endswith("3 of its 40 labelled rows are wrong.")
    assert heavy_prompt_words(0.02, 0, 0).endswith("none of its rows is labelled.")
