"""Whether scores can be read as chances of being right: reliability, Brier score, calibration error.

A trustworthiness score ranks; nobody promises that it is a probability. These figures say how far it happens
to be one on labelled rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from tlm_dash.analysis.detection import cleaned
from tlm_dash.analysis.figure import Figure, Floats, Integers
from tlm_dash.analysis.risk_coverage import exact_interval

N_BINS = 10

_OUTSIDE = "scores lie outside 0 to 1"


@dataclass(frozen=True)
class Reliability:
    """Labelled rows in equal bins of the score; arrays of shape (bins,), NaN where a bin is empty.

    `accuracy` is the share of right rows with its interval from `low` to `high`, `mean_score` what the scores
    themselves would have it be, `share` the bin's share of all rows. `n` counts rows, unweighted.
    """

    edges: Floats
    n: Integers
    share: Floats
    mean_score: Floats
    accuracy: Floats
    low: Floats
    high: Floats
    confidence: float

    @property
    def expected_calibration_error(self) -> float:
        """Mean distance of accuracy and mean score, bins by their share (Naeini et al. 2015)."""
        filled = self.n > 0
        return float((self.share * np.abs(self.accuracy - self.mean_score))[filled].sum())


def brier_score(labels: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Figure:
    """Return the mean squared distance of score and label (Brier 1950): 0 is best.

    `labels` (0 or 1), `scores` and `weights` have shape (n,); rows without a score (NaN) are left out. None
    with the reason where no row is left or scores lie outside [0, 1]. Raises ValueError for other input.
    """
    right, values, weight = cleaned(labels, scores, weights)
    reason = _refusal(values)
    if reason is not None:
        return Figure(None, n=len(right), reason=reason)
    return Figure(float(np.average((values - right) ** 2, weights=weight)), n=len(right))


def reliability(
    labels: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None = None, *,
    n_bins: int = N_BINS, confidence: float = 0.95,
) -> Reliability | None:  # fmt: skip
    """Return accuracy against mean score in equal bins on [0, 1]; None where `brier_score` is None.

    A bin holds its lower edge, the last one both. Intervals are Clopper & Pearson's; with weights they are
    computed from the effective number of rows (Kish 1965) and approximate. Input as for `brier_score`.
    """
    right, values, weight = cleaned(labels, scores, weights)
    if _refusal(values) is not None:
        return None
    # Divided, not spaced: 3 / 10 is the number that a score of 0.3 is, 3 * 0.1 lies above it.
    edges = np.arange(n_bins + 1) / n_bins
    at = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, n_bins - 1)

    def total(of: Floats) -> Floats:
        return np.bincount(at, weights=of, minlength=n_bins).astype(float)

    mass = total(weight)
    with np.errstate(invalid="ignore"):
        accuracy, mean_score = total(weight * right) / mass, total(weight * values) / mass
        effective = mass**2 / total(weight**2)
    filled = mass > 0
    n_effective = np.where(filled, effective, 0.0)
    low, high = exact_interval(
        np.where(filled, accuracy, 0.0) * n_effective, n_effective, (1 - confidence) / 2
    )
    return Reliability(
        edges, np.bincount(at, minlength=n_bins), mass / mass.sum(), mean_score, accuracy,
        np.where(filled, low, np.nan), np.where(filled, high, np.nan), confidence,
    )  # fmt: skip


def clustered_share(
    hits: npt.ArrayLike, weights: npt.ArrayLike | None, prompts: npt.ArrayLike, confidence: float = 0.95
) -> Figure:
    """Return a share with its interval: exact for rows alike, approximate for weights or prompts that repeat.

    All are of shape (n,), n >= 1: hits 0 or 1, weights 1 / inclusion probability (None: all alike), prompts a
    code of the distinct prompts. The exact interval is Clopper & Pearson's. The approximate one is on the
    logit scale, from the spread of Hájek's ratio between prompts, and rather wide: strata do not narrow it.
    """
    hit = np.asarray(hits, dtype=float)
    weight = np.ones(len(hit)) if weights is None else np.asarray(weights, dtype=float)
    _, group = np.unique(np.asarray(prompts), return_inverse=True)
    n, k = len(hit), int(group.max()) + 1
    share = float(np.average(hit, weights=weight))
    by_prompt = np.bincount(group, weights=weight * (hit - share)) / weight.sum()
    variance = float((by_prompt**2).sum()) * k / max(1, k - 1)
    is_plain = k == n and weights is None
    if is_plain or variance <= 0 or not 0 < share < 1:
        # Kish's effective number of prompts stands in where there is no spread to estimate from.
        mass = np.bincount(group, weights=weight)
        effective = float(mass.sum() ** 2 / (mass**2).sum())
        ends = exact_interval(share * effective, effective, (1 - confidence) / 2)
        method = "Clopper-Pearson" if is_plain else "approximate"
        return Figure(share, float(ends[0]), float(ends[1]), n, confidence, method)
    # A few prompts vary too little by chance: Student's t, as for a mean over prompts.
    quantile = float(stdtrit(k - 1, (1 + confidence) / 2))
    half = quantile * math.sqrt(variance) / (share * (1 - share))
    centre = math.log(share / (1 - share))
    low, high = 1 / (1 + math.exp(half - centre)), 1 / (1 + math.exp(-half - centre))
    return Figure(share, low, high, n, confidence, "approximate")


def _refusal(values: Floats) -> str | None:
    if not len(values):
        return "no scored row is labelled"
    return _OUTSIDE if ((values < 0) | (values > 1)).any() else None
