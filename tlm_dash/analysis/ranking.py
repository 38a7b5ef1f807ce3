"""How well a score ranks right answers above wrong ones: AUROC with an interval.

The variance is DeLong's (DeLong, DeLong & Clarke-Pearson 1988), computed from midranks in n log n (Sun & Xu
2014). Where prompts repeat it is Obuchowski's for clustered data (1997), and where rows have weights the same
with weighted placements. The interval is built on the logit scale, so it stays within [0, 1], with Student's
t, since the rarer class may have few rows. A few rows also vary too little by chance, above all where scores
tie (three wrong rows of one score: not at all). So each class counts one more row, whose variance is the one
that Hanley & McNeil (1982) give for an AUROC of that size. `tests.benchmarks.single_intervals` simulates how
often it holds the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

Floats = npt.NDArray[np.float64]

FEWEST_FOR_INTERVAL = 3
"""Prompts of the rarer class from which on an AUROC has an interval: with two it held the truth in 75%."""

TOO_FEW = f"an interval needs {FEWEST_FOR_INTERVAL} right and {FEWEST_FOR_INTERVAL} wrong rows"


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
    on the logit scale. Where it has no width (perfect order), or would rarely hold the truth (under three
    rows of a class), the figure comes without an interval and with the reason. Raises ValueError for shapes
    or labels that do not fit, or a confidence outside (0, 1).
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
    spread = clustered_spread(shares, right, code, typical=_typical_pulls(value, right, weight))
    if spread is None or spread.n_smaller < FEWEST_FOR_INTERVAL:
        return estimate(value, reason=TOO_FEW)
    if spread.variance <= 0 or not 0 < value < 1:
        return estimate(value, reason="the order shows no variation that an interval could be built on")
    quantile = float(stdtrit(max(spread.degrees_of_freedom, 1.0), (1 + confidence) / 2))
    half_width = quantile * math.sqrt(spread.variance) / (value * (1 - value))
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
    # Told apart here, because sums of weights leave a perfect order beside 1 (or beyond) in the last digits.
    if values[right].min() > values[~right].max():
        return 1.0, np.zeros(len(values))
    if values[right].max() < values[~right].min():
        return 0.0, np.zeros(len(values))
    area = float((of_right * placement).sum() / total_right)
    return area, (placement - area) * np.where(right, of_right / total_right, of_wrong / total_wrong)


def _typical_pulls(area: float, right: npt.NDArray[np.bool_], weights: Floats) -> Floats:
    """Return pulls as large as those of rows of an AUROC of this size: Hanley & McNeil 1982. Shape (n,).

    Theirs is the variance of placements under exponential scores, which differs between the classes; the mean
    of both is taken (Newcombe 2006), so that calling right wrong mirrors the interval.
    """
    of_right = area**2 * (1 - area) / (1 + area)
    of_wrong = area * (1 - area) ** 2 / (2 - area)
    share = np.where(right, weights / weights[right].sum(), weights / weights[~right].sum())
    pulls: Floats = math.sqrt((of_right + of_wrong) / 2) * share
    return pulls


def clustered_spread(
    shares: Floats,
    right: npt.NDArray[np.bool_],
    prompts: npt.NDArray[np.generic] | None,
    *,
    typical: Floats | None = None,
) -> Spread | None:
    """Return the variance of a figure whose rows pull by `shares`, rows of one prompt taken together.

    Obuchowski 1997; with a row for each prompt (`prompts` is None) it is DeLong's. None where a class has
    fewer than two prompts. `typical` are pulls as large as rows like these are expected to have: they count
    in the variance of each class like one more of its prompts.
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
    free_right, free_wrong = n_right - 1, n_wrong - 1
    if typical is not None:
        like_right = float((np.bincount(code, np.where(right, typical, 0.0), n_prompts) ** 2).sum())
        like_wrong = float((np.bincount(code, np.where(right, 0.0, typical), n_prompts) ** 2).sum())
        part_right = (free_right * part_right + like_right) / n_right
        part_wrong = (free_wrong * part_wrong + like_wrong) / n_wrong
        free_right, free_wrong = n_right, n_wrong
    together = float((pull_right * pull_wrong).sum()) * n_prompts / (n_prompts - 1)
    variance = max(part_right + part_wrong + 2 * together, 0.0)
    spread = part_right**2 / free_right + part_wrong**2 / free_wrong
    freedom = (part_right + part_wrong) ** 2 / spread if spread > 0 else float(n_right + n_wrong - 2)
    third = float(((pull_right + pull_wrong) ** 3).sum())
    skewness = third / variance**1.5 if variance > 0 else 0.0
    return Spread(variance, freedom, skewness, min(n_right, n_wrong))


def _cleaned(
    labels: npt.ArrayLike, scores: npt.ArrayLike, confidence: float
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
    return right[scored], values[scored], int((~scored).sum())


def _outscored(values: Floats, first: Floats, second: Floats) -> tuple[Floats, Floats]:
    """Return for each row how much of `first` lies below it, and of `second` above it; ties half."""
    _, group = np.unique(values, return_inverse=True)
    at_first, at_second = np.bincount(group, first), np.bincount(group, second)
    below = np.cumsum(at_first) - 0.5 * at_first
    above = at_second.sum() - np.cumsum(at_second) + 0.5 * at_second
    return below[group], above[group]


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
