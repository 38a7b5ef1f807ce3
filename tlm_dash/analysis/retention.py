"""What is left when the lowest scores go to people: accuracy at a review share, and the rejection ratio.

Rows of equal score have no order: every figure here is the mean over all orders of the tied rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import digamma

from tlm_dash.analysis.figure import Floats


def accuracy_at_review_share(
    labels: npt.ArrayLike, scores: npt.ArrayLike, share: float, weights: npt.ArrayLike | None = None
) -> float | None:
    """Return the accuracy of the rows that pass when the `share` of lowest scores goes to people.

    `labels` (0 or 1), `scores` (finite) and `weights` (1 where None) are of shape (n,). A row across the cut
    counts with the part of it that passes. None without rows. Raises ValueError for a share outside [0, 1).
    """
    if not 0 <= share < 1:
        raise ValueError("the share to review must lie in [0, 1)")
    counts, rights = _by_score(labels, scores, weights)
    if not len(counts):
        return None
    return float(kept_accuracy(counts[None], rights[None], share)[0])


def prediction_rejection_ratio(
    labels: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> float | None:
    """Return the PRR in its retention form: 1 for a perfect order, 0 for one that tells nothing.

    The mean over k = 1 … n of the accuracy among the k highest scores, minus the overall accuracy, divided by
    the same for the perfect order. Shapes as in `accuracy_at_review_share`. None where all labels are equal,
    or without rows. Malinin et al. 2021, in the retention form.
    """
    counts, rights = _by_score(labels, scores, weights)
    if not len(counts):
        return None
    value = float(rejection_ratio(counts[None], rights[None])[0])
    return None if np.isnan(value) else value


def retention_figures(
    labels: npt.ArrayLike,
    scores: npt.ArrayLike,
    shares: Sequence[float],
    weights: npt.ArrayLike | None = None,
) -> list[float | None]:
    """Return the accuracy at each share, then the PRR: as the functions above give them one by one."""
    counts, rights = _by_score(labels, scores, weights)
    if not len(counts):
        return [None] * (len(shares) + 1)
    kept = [kept_accuracy(counts[None], rights[None], share) for share in shares]
    found = [float(part[0]) for part in (*kept, rejection_ratio(counts[None], rights[None]))]
    return [None if np.isnan(value) else value for value in found]


def kept_accuracy(counts: Floats, rights: Floats, share: float) -> Floats:
    """Return `accuracy_at_review_share` of several samples, given by cells of equal score.

    `counts` and `rights` are of shape (samples, cells), scores falling from left to right: how many rows lie
    in a cell and how many of them are right. NaN for a sample without rows.
    """
    up_to, right_up_to = np.cumsum(counts, axis=1), np.cumsum(rights, axis=1)
    kept = up_to[:, -1] * (1.0 - share)
    # The cell that lies across the cut: the first that brings the sum to what is kept.
    cell = np.minimum((up_to < kept[:, None]).sum(axis=1), counts.shape[1] - 1)
    sample = np.arange(len(counts))
    beyond = up_to[sample, cell] - kept
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = np.where(counts[sample, cell] > 0, rights[sample, cell] / counts[sample, cell], 0.0)
        found: Floats = (right_up_to[sample, cell] - beyond * accuracy) / kept
    return found


def rejection_ratio(counts: Floats, rights: Floats) -> Floats:
    """Return `prediction_rejection_ratio` of several samples, given as in `kept_accuracy`.

    Within a cell that begins after n0 rows with r0 right ones, the expected number of right ones among the k
    highest is r0 + q (k - n0), q being the cell's accuracy; summed over k, divided by k, that is a difference
    of harmonic numbers. NaN where all labels of a sample are equal.
    """
    last, right_last = np.cumsum(counts, axis=1), np.cumsum(rights, axis=1)
    first, right_first = last - counts, right_last - rights
    with np.errstate(invalid="ignore", divide="ignore"):
        accuracy = np.where(counts > 0, rights / counts, 0.0)
        # The first cell begins at none: its harmonic number is 0, digamma's there is not.
        harmonic = np.diff(digamma(last + 1.0), axis=1, prepend=digamma(1.0))
        inner = accuracy * counts + (right_first - accuracy * first) * harmonic
        n, right = last[:, -1], right_last[:, -1]
        overall = right / n
        perfect = (right + right * (digamma(n + 1.0) - digamma(right + 1.0))) / n
        ratio = (inner.sum(axis=1) / n - overall) / (perfect - overall)
    found: Floats = np.where((right <= 0) | (right >= n), np.nan, ratio)
    return found


def _by_score(
    labels: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[Floats, Floats]:
    """Return how much weight each distinct score has, and how much of it is right, highest score first."""
    right, values = np.asarray(labels, dtype=float), np.asarray(scores, dtype=float)
    if right.ndim != 1 or right.shape != values.shape:
        raise ValueError("labels and scores must be one-dimensional and of the same length")
    weight = np.ones(len(right)) if weights is None else np.asarray(weights, dtype=float)
    _, cell = np.unique(-values, return_inverse=True)
    counts: Floats = np.bincount(cell, weight).astype(float)
    rights: Floats = np.bincount(cell, weight * right).astype(float)
    return counts, rights
