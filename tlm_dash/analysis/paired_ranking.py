"""The difference of two AUROCs over the same prompts, with an interval that holds near the edges too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from tlm_dash.analysis.dominance import orders
from tlm_dash.analysis.figure import Bools, Figure, Floats
from tlm_dash.analysis.pairs import score_interval
from tlm_dash.analysis.ranking import FEWEST_FOR_INTERVAL, TOO_FEW, Spread, clustered_spread, influence

_SKEWNESS_USED = 1 / 3
"""Share of Hall's correction that is applied: the score interval has taken up the rest (by simulation)."""


def auroc_difference(
    labels_a: npt.ArrayLike,
    scores_a: npt.ArrayLike,
    labels_b: npt.ArrayLike,
    scores_b: npt.ArrayLike,
    confidence: float = 0.95,
    *,
    prompts: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> Figure:
    """Return AUROC of b minus AUROC of a, over rows that pair the two runs.

    All are of shape (n,): labels 0 or 1, scores finite, a code of each row's prompt (None: all different),
    weights 1 / inclusion probability (None: all alike). Where both runs score the same responses the labels
    are the same.

    The variance is DeLong's (1988), Obuchowski's (1997) where prompts repeat. Taken at the estimate it is too
    small when the estimate happens to lie near 0, so the interval is Tango's score interval for paired
    proportions, over as many pairs as would give that variance; the proportions are the pairs of a right and
    a wrong row that only one of the runs puts in order. Quantiles are Student's t with Satterthwaite's
    degrees of freedom and part of Hall's correction for skewness (1992); tests.benchmarks.compare_intervals
    simulates how often it holds the truth.
    """
    right_a, right_b = np.asarray(labels_a, dtype=float) == 1.0, np.asarray(labels_b, dtype=float) == 1.0
    values_a, values_b = np.asarray(scores_a, dtype=float), np.asarray(scores_b, dtype=float)
    n = len(right_a)
    if any(int(right.sum()) in (0, n) for right in (right_a, right_b)):
        reason = "only one of the two classes is present" if n else "no labelled pair has a score in both"
        return Figure(None, n=n, confidence=confidence, reason=reason)
    weight = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    code = np.arange(n) if prompts is None else np.asarray(prompts)
    row_code = None if prompts is None else code
    area_a, pulls_a = influence(right_a, values_a, weight)
    area_b, pulls_b = influence(right_b, values_b, weight)
    difference = area_b - area_a
    same = bool((right_a == right_b).all())
    if same:
        spread = clustered_spread(pulls_b - pulls_a, right_a, row_code)
        unequal = _unequal_pairs(right_a, values_a, values_b, weight)
    else:
        both = np.concatenate
        spread = clustered_spread(both((-pulls_a, pulls_b)), both((right_a, right_b)), both((code, code)))
        unequal = area_b * (1 - area_a) + area_a * (1 - area_b)
    if spread is None or spread.n_smaller < FEWEST_FOR_INTERVAL:
        return Figure(difference, n=n, confidence=confidence, reason=TOO_FEW)
    low, high = _interval(difference, max(unequal, abs(difference)), spread, confidence)
    return Figure(
        difference, low, high, n, confidence, "paired DeLong, score interval",
        standard_error=float(np.sqrt(spread.variance)),
    )  # fmt: skip


def _unequal_pairs(right: Bools, values_a: Floats, values_b: Floats, weights: Floats) -> float:
    """Return the share of (right, wrong) pairs that only one run puts in order; a tie is half in order."""
    seen = orders(values_a, values_b, np.where(right, 0.0, weights))
    tied = 0.5 * (seen.tied_x + seen.tied_y) - seen.tied_both
    of_right = np.where(right, weights, 0.0)
    total = of_right.sum() * weights[~right].sum()
    return float((of_right * (seen.below_above + seen.above_below + tied)).sum() / total)


def _interval(difference: float, unequal: float, spread: Spread, confidence: float) -> tuple[float, float]:
    at_one = unequal - difference**2
    # Two equal orders tell no more than as many untied rows of the rarer class would.
    size = at_one / spread.variance if spread.variance > 0 and at_one > 0 else float(spread.n_smaller)
    quantile = float(stdtrit(max(spread.degrees_of_freedom, 1.0), (1 + confidence) / 2))
    low, high = (_corrected(sign * quantile, spread.skewness) for sign in (1.0, -1.0))
    return score_interval(
        (unequal + difference) / 2, (unequal - difference) / 2, max(size, 2.0), max(low, 1.0), max(-high, 1.0)
    )


def _corrected(quantile: float, skewness: float) -> float:
    """Return the quantile of the studentised estimate at this skewness: Hall 1992, inverted cubic."""
    used = skewness * _SKEWNESS_USED
    if abs(used) < 1e-6:
        return quantile
    return float(3 / used * (np.cbrt(1 + used * (quantile - used / 6)) - 1))
