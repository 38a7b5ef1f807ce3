"""How well a score ranks right answers above wrong ones: AUROC with an interval, and the difference of two.

The variance is DeLong's (DeLong, DeLong & Clarke-Pearson 1988), computed from midranks in n log n (Sun & Xu
2014). Where prompts repeat it is Obuchowski's for clustered data (1997), and where rows have weights the same
with weighted placements. Intervals of one AUROC are built on the logit scale, so they stay within [0, 1].
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


def auroc(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    confidence: float = 0.95,
    *,
    prompts: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> Estimate:
    """Return the chance that a random right answer outscores a random wrong one; ties count half.

    All are of shape (n,): labels 0 or 1, scores finite or NaN for unscored rows, which are left out and
    counted. `prompts` holds a code of each row's prompt: rows of one prompt are not taken as independent
    (None: every row has its own). `weights` are 1 / inclusion probability (None: all alike). The interval is
    on the logit scale. Where that has no width (perfect order, or one row in a class) the figure comes
    without an interval and with the reason. Raises ValueError for shapes or labels that do not fit, or a
    confidence outside (0, 1).
    """
    right, values, n_left_out = _cleaned(labels, scores, confidence)
    scored = ~np.isnan(np.asarray(scores, dtype=float))
    n, n_positive = len(right), int(right.sum())

    def estimate(
        value: float | None, low: float | None = None, high: float | None = None, reason: str | None = None
    ) -> Estimate:
        return Estimate(value, low, high, n, n_positive, n_left_out, confidence, reason)

    if n_positive in (0, n):
        return estimate(None, reason="only one of the two classes is present")
    weight = np.ones(n) if weights is None else np.asarray(weights, dtype=float)[scored]
    code = None if prompts is None else np.asarray(prompts)[scored]
    value, shares = influence(right, values, weight)
    spread = clustered_spread(shares, right, code)
    if spread is None:
        return estimate(value, reason="an interval needs two rows of each class")
    if spread.variance <= 0 or not 0 < value < 1:
        return estimate(value, reason="the order shows no variation that an interval could be built on")
    half_width = _normal_quantile(confidence) * math.sqrt(spread.variance) / (value * (1 - value))
    centre = math.log(value / (1 - value))
    return estimate(value, _expit(centre - half_width), _expit(centre + half_width))


@dataclass(frozen=True, slots=True)
class Spread:
    """The variance of an AUROC (or of a difference of two), and what its distribution looks like.

    `degrees_of_freedom` are Satterthwaite's for the parts of right and wrong rows, `skewness` is the third
    standardised moment of the estimator, `n_smaller` how many prompts have a row of the rarer class.
    """

    variance: float
    degrees_of_freedom: float
    skewness: float
    n_smaller: int


def influence(right: npt.NDArray[np.bool_], values: Floats, weights: Floats) -> tuple[float, Floats]:
    """Return the AUROC and how much each row pulls it up or down; both of shape (n,), the latter sums to 0.

    The pull of a right row is the weighted share of wrong rows that it outscores (ties half) less the AUROC,
    times its share of the weight of the right rows; of a wrong row likewise.
    """
    of_right, of_wrong = np.where(right, weights, 0.0), np.where(right, 0.0, weights)
    total_right, total_wrong = of_right.sum(), of_wrong.sum()
    outscored, outscoring = _outscored(values, of_wrong, of_right)
    placement = np.where(right, outscored / total_wrong, outscoring / total_right)
    area = float((of_right * placement).sum() / total_right)
    return area, (placement - area) * np.where(right, of_right / total_right, of_wrong / total_wrong)


def clustered_spread(
    shares: Floats, right: npt.NDArray[np.bool_], prompts: npt.NDArray[np.generic] | None
) -> Spread | None:
    """Return the variance of a figure whose rows pull by `shares`, rows of one prompt taken together.

    Obuchowski 1997; with a row for each prompt (`prompts` is None) it is DeLong's. None where a class has
    fewer than two prompts.
    """
    code = np.arange(len(right)) if prompts is None else np.unique(prompts, return_inverse=True)[1]
    n_prompts = int(code.max()) + 1
    has_right = np.bincount(code, right, n_prompts) > 0
    has_wrong = np.bincount(code, ~right, n_prompts) > 0
    n_right, n_wrong = int(has_right.sum()), int(has_wrong.sum())
    if min(n_right, n_wrong) < 2:
        return None
    pull_right = np.bincount(code, np.where(right, shares, 0.0), n_prompts)
    pull_wrong = np.bincount(code, np.where(right, 0.0, shares), n_prompts)
    part_right = float((pull_right**2).sum()) * n_right / (n_right - 1)
    part_wrong = float((pull_wrong**2).sum()) * n_wrong / (n_wrong - 1)
    together = float((pull_right * pull_wrong).sum()) * n_prompts / (n_prompts - 1)
    variance = max(part_right + part_wrong + 2 * together, 0.0)
    spread = part_right**2 / (n_right - 1) + part_wrong**2 / (n_wrong - 1)
    freedom = (part_right + part_wrong) ** 2 / spread if spread > 0 else float(n_right + n_wrong - 2)
    third = float(((pull_right + pull_wrong) ** 3).sum())
    skewness = third / variance**1.5 if variance > 0 else 0.0
    return Spread(variance, freedom, skewness, min(n_right, n_wrong))


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
    area_a, shares_a = influence(right, values_a, np.ones(n))
    area_b, shares_b = influence(right, values_b, np.ones(n))
    difference = area_b - area_a
    spread = clustered_spread(shares_b - shares_a, right, None)
    if spread is None:
        reason = "an interval needs two rows of each class"
        return Estimate(difference, None, None, n, n_positive, n_left_out, confidence, reason)
    half_width = _normal_quantile(confidence) * math.sqrt(spread.variance)
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


def _outscored(values: Floats, first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Return for each row how much of `first` lies below it, and of `second` above it; ties half."""
    _, group = np.unique(values, return_inverse=True)
    at_first, at_second = np.bincount(group, first), np.bincount(group, second)
    below = np.cumsum(at_first) - 0.5 * at_first
    above = at_second.sum() - np.cumsum(at_second) + 0.5 * at_second
    return below[group], above[group]


def _normal_quantile(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
