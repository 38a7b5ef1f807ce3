"""Samples to label: their probabilities and what is estimated from them, held against many draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, kendalltau

from tlm_dash.analysis.sampling import (
    Draw,
    draw_stratified,
    draw_uniform,
    pick_around,
    pick_disagreeing,
    pick_lowest,
)

N_POPULATION = 120
N_DRAWS = 1500

SCORES = np.round(np.random.default_rng(5).beta(4, 2, N_POPULATION), 2)
SCORES[::11] = np.nan
CORRECT = np.random.default_rng(6).random(N_POPULATION) < np.where(np.isnan(SCORES), 0.3, SCORES)

PLANS: dict[str, Callable[[int], Draw]] = {
    "uniform": lambda seed: draw_uniform(N_POPULATION, 30, seed, double_share=0.1),
    "stratified": lambda seed: draw_stratified(SCORES, 40, seed, double_share=0.1),
}


@pytest.mark.parametrize("kind", PLANS)
@pytest.mark.parametrize("share", [1.0, 0.4], ids=["whole", "prefix"])
def test_rows_come_as_often_as_stated_and_totals_are_unbiased(kind: str, share: float) -> None:
    n_included = np.zeros(N_POPULATION)
    chances = np.zeros(N_POPULATION)
    totals = []
    for seed in range(N_DRAWS):
        draw = PLANS[kind](seed)
        assert draw.inclusion_probability is not None
        m = round(share * len(draw.rows))
        rows = draw.rows[:m]
        of_prefix = draw.inclusion_probability[:m] * m / len(draw.rows)
        n_included[rows] += 1
        chances[rows] = of_prefix
        totals.append((CORRECT[rows] / of_prefix).sum())
    assert (chances > 0).all()
    # Fixed sizes only make the counts vary less than independent ones would: the test is on the safe side.
    distance = ((n_included - N_DRAWS * chances) ** 2 / (N_DRAWS * chances * (1 - chances))).sum()
    assert distance < chi2.ppf(0.999, N_POPULATION)
    error = abs(np.mean(totals) - CORRECT.sum()) / (np.std(totals) / np.sqrt(N_DRAWS))
    assert error < 3.5


@pytest.mark.parametrize("kind", PLANS)
def test_a_draw_follows_its_seed_and_has_no_row_twice(kind: str) -> None:
    draw, same, other = PLANS[kind](1), PLANS[kind](1), PLANS[kind](2)
    assert (draw.rows == same.rows).all() and (draw.is_double == same.is_double).all()
    assert (draw.rows != other.rows).any()
    assert len(set(draw.rows)) == len(draw.rows)
    assert draw.is_double.sum() == round(0.1 * len(draw.rows))


def test_doubles_fall_anywhere_in_the_order() -> None:
    places = np.zeros(30)
    for seed in range(2000):
        places += draw_uniform(N_POPULATION, 30, seed, double_share=0.1).is_double
    assert ((places - 200) ** 2 / 180).sum() < chi2.ppf(0.999, 30)


@settings(max_examples=80, deadline=None)
@given(
    scores=st.lists(st.one_of(st.none(), st.sampled_from([0.1, 0.5, 0.5001, 0.9, 1.0])), min_size=12),
    n=st.integers(8, 60),
)
def test_strata_hold_equal_scores_together_and_add_up(scores: list[float | None], n: int) -> None:
    values = np.array([np.nan if s is None else s for s in scores])
    draw = draw_stratified(values, n, 0)
    assert draw.stratum is not None and draw.inclusion_probability is not None
    assert len(draw.rows) == min(n, len(values)) == sum(s.n_drawn for s in draw.strata)
    assert sum(s.n_population for s in draw.strata) == len(values)
    for number, stratum in enumerate(draw.strata):
        mine = draw.rows[draw.stratum == number]
        assert len(mine) == stratum.n_drawn >= min(1, stratum.n_population)
        assert draw.inclusion_probability[draw.stratum == number] == pytest.approx(
            stratum.inclusion_probability
        )
        if stratum.low is None:
            assert np.isnan(values[mine]).all()
        else:
            assert ((values[mine] >= stratum.low) & (values[mine] <= float(stratum.high or 0))).all()
    for score in set(values[draw.rows]):
        assert len(set(draw.stratum[values[draw.rows] == score])) == 1 or np.isnan(score)


def test_strata_are_drawn_at_their_rates_and_unscored_rows_are_one() -> None:
    scores = np.r_[np.linspace(0, 1, 1000), np.full(100, np.nan)]
    draw = draw_stratified(scores, 220, 0)
    rates = [s.inclusion_probability for s in draw.strata]
    assert rates[0] / rates[4] == pytest.approx(2, rel=0.08)
    assert draw.strata[-1].low is None and draw.strata[-1].n_population == 100
    few = draw_stratified(np.r_[np.linspace(0, 1, 10_000), np.nan, np.nan], 50, 0)
    assert few.strata[-1].n_drawn == 2, "a small stratum gives all it has"


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_uniform(0, 5, 0)
    with pytest.raises(ValueError, match="fewer rows than there are strata"):
        draw_stratified(SCORES, 3, 0)
    assert len(draw_uniform(7, 100, 0).rows) == 7


def test_picks_for_reading_take_what_they_say_and_state_no_probability() -> None:
    lowest = pick_lowest(SCORES, 10, 0)
    known = np.sort(SCORES[~np.isnan(SCORES)])
    assert (SCORES[lowest.rows] == known[:10]).all()
    around = pick_around(SCORES, 0.6, 10, 0)
    assert np.abs(SCORES[around.rows] - 0.6).max() <= np.sort(np.abs(known - 0.6))[9] + 1e-12
    assert lowest.inclusion_probability is None and around.inclusion_probability is None
    assert not np.isnan(SCORES[pick_lowest(SCORES, 10_000, 0).rows]).any()


def test_disagreement_is_one_of_ranks_not_of_sizes() -> None:
    # The other scorer's scores are much smaller, but rank alike, except for two rows.
    others = SCORES / 100
    scored = np.flatnonzero(~np.isnan(SCORES))
    low, high = scored[np.argmin(SCORES[scored])], scored[np.argmax(SCORES[scored])]
    others[[low, high]] = others[[high, low]]
    assert set(pick_disagreeing(SCORES, others, 2, 0).rows) == {low, high}
    assert kendalltau(SCORES[scored], others[scored]).statistic > 0.9
