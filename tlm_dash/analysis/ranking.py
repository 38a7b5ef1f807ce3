"""How well a score ranks right answers above wrong ones: AUROC with an interval, and the difference of two.

The variance is DeLong's (DeLong, DeLong & Clarke-Pearson 1988), computed from midranks in n log n (Sun & Xu
2014). Intervals of one AUROC are built on the logit scale, so that they stay within [0, 1].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """An estimated figure with its confidence interval and what it stands on.

    `value`, `low` and `high` are None where they cannot be computed; `reason` then says why. `n` counts the
    rows used, `n_positive` those of them that are labelled right, `n_left_out` the rows without a score.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    n_positive: int
    n_left_out: int
    confidence: float
    reason: str | None = None

    @property
    def n_negative(self) -> int:
        """Rows labelled wrong."""
        return self.n - self.n_positive


def auroc(labels: npt.ArrayLike, scores: npt.ArrayLike, confidence: float = 0.95) -> Estimate:
    """Return the chance that a random right answer outscores a random wrong one; ties count half.

    `labels` and `scores` are both of shape (n,): labels 0 or 1, scores finite or NaN for unscored rows, which
    are left out and counted. The interval is DeLong's on the logit scale. Where that has no width (perfect
    order, or one row in a class) the figure comes without an interval and with the reason. Raises ValueError
    for shapes or labels that do not fit, or a confidence outside (0, 1).
    """
    right, values, n_left_out = _cleaned(labels, scores, confidence)
    n, n_positive = len(right), int(right.sum())

    def estimate(
        value: float | None, low: float | None = None, high: float | None = None, reason: str | None = None
    ) -> Estimate:
        return Estimate(value, low, high, n, n_positive, n_left_out, confidence, reason)

    if n_positive in (0, n):
        return estimate(None, reason="only one of the two classes is present")
    value, of_right, of_wrong = _placements(right, values)
    if len(of_right) < 2 or len(of_wrong) < 2:
        return estimate(value, reason="an interval needs two rows of each class")
    variance = np.var(of_right, ddof=1) / len(of_right) + np.var(of_wrong, ddof=1) / len(of_wrong)
    if variance <= 0 or not 0 < value < 1:
        return estimate(value, reason="the order shows no variation that an interval could be built on")
    half_width = _normal_quantile(confidence) * math.sqrt(variance) / (value * (1 - value))
    centre = math.log(value / (1 - value))
    return estimate(value, _expit(centre - half_width), _expit(centre + half_width))


def auroc_difference(
    labels: npt.ArrayLike, scores_a: npt.ArrayLike, scores_b: npt.ArrayLike, confidence: float = 0.95
) -> Estimate:
    """Return AUROC of b minus AUROC of a on the same labelled rows, with DeLong's paired interval.

    All three are of shape (n,); a row without one of its two scores is left out of both and counted. The
    interval is on the plain scale, clipped to [-1, 1]. Raises ValueError as `auroc` does.
    """
    right, values_a, _ = _cleaned(labels, scores_a, confidence, keep_unscored=True)
    _, values_b, _ = _cleaned(labels, scores_b, confidence, keep_unscored=True)
    both = ~(np.isnan(values_a) | np.isnan(values_b))
    n_left_out = int((~both).sum())
    right, values_a, values_b = right[both], values_a[both], values_b[both]
    n, n_positive = len(right), int(right.sum())
    if n_positive in (0, n):
        reason = "only one of the two classes is present"
        return Estimate(None, None, None, n, n_positive, n_left_out, confidence, reason)
    area_a, right_a, wrong_a = _placements(right, values_a)
    area_b, right_b, wrong_b = _placements(right, values_b)
    difference = area_b - area_a
    if min(len(right_a), len(wrong_a)) < 2:
        reason = "an interval needs two rows of each class"
        return Estimate(difference, None, None, n, n_positive, n_left_out, confidence, reason)
    variance = np.var(right_b - right_a, ddof=1) / len(right_a) + np.var(wrong_b - wrong_a, ddof=1) / len(
        wrong_a
    )
    half_width = _normal_quantile(confidence) * math.sqrt(variance)
    low, high = max(difference - half_width, -1.0), min(difference + half_width, 1.0)
    return Estimate(difference, low, high, n, n_positive, n_left_out, confidence)


def _cleaned(
    labels: npt.ArrayLike, scores: npt.ArrayLike, confidence: float, *, keep_unscored: bool = False
) -> tuple[npt.NDArray[np.bool_], Floats, int]:
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    raw = np.asarray(labels, dtype=float)
    values = np.asarray(scores, dtype=float)
    if raw.ndim != 1 or raw.shape != values.shape:
        raise ValueError("labels and scores must be one-dimensional and of the same length")
    if not np.isin(raw, (0.0, 1.0)).all():
        raise ValueError("labels must be 0 or 1")
    if np.isinf(values).any():
        raise ValueError("scores must be finite, or NaN for unscored rows")
    right, scored = raw == 1.0, ~np.isnan(values)
    if keep_unscored:
        return right, values, 0
    return right[scored], values[scored], int((~scored).sum())


def _placements(right: npt.NDArray[np.bool_], values: Floats) -> tuple[float, Floats, Floats]:
    """Return the AUROC and DeLong's structural components of the right and of the wrong rows.

    The component of a right row is the share of wrong rows that it outscores (ties half), that of a wrong row
    the share of right rows that outscore it. Midranks over all rows minus midranks within the class count
    exactly those.
    """
    ranks = _midranks(values)
    n_right, n_wrong = int(right.sum()), int((~right).sum())
    of_right = (ranks[right] - _midranks(values[right])) / n_wrong
    of_wrong = 1.0 - (ranks[~right] - _midranks(values[~right])) / n_right
    return float(of_right.mean()), of_right, of_wrong


def _midranks(values: Floats) -> Floats:
    """Return the ranks from 1 on, equal values sharing the mean of theirs."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2.0)[group]


def _normal_quantile(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
