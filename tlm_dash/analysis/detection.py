"""How well low scores find the incorrect rows: average precision, from labelled rows of any sample."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.figure import Figure, Floats


def average_precision_incorrect(
    labels: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Figure:
    """Return the average precision of finding incorrect rows by low scores, rows that tie taken at once.

    The sum over distinct scores, from the lowest on, of precision times gained recall, as scikit-learn
    defines it. `labels` (0 or 1), `scores` and `weights` (1 where None) have shape (n,); rows without a score
    (NaN) are left out. Raises ValueError for input that does not fit.
    """
    right, values, weight = cleaned(labels, scores, weights)
    if not len(right) or right.all():
        reason = "no row is labelled wrong" if len(right) else "no scored row is labelled"
        return Figure(None, n=len(right), reason=reason)
    sizes, hits, _ = tie_groups(right, values, weight)
    return Figure(float(precision_over_cells(sizes[None], hits[None])[0]), n=len(right))


def precision_over_cells(counts: Floats, rights: Floats) -> Floats:
    """Return `average_precision_incorrect` of several samples, given by cells of equal score.

    `counts` and `rights` are of shape (samples, cells), scores falling from left to right: how many rows lie
    in a cell and how many of them are right. NaN for a sample without a wrong row.
    """
    wrong = (counts - rights)[:, ::-1]
    found, seen = np.cumsum(wrong, axis=1), np.cumsum(counts[:, ::-1], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(seen > 0, found / seen, 0.0)
        average: Floats = (precision * wrong).sum(axis=1) / found[:, -1]
    return average


def tie_groups(right: Floats, values: Floats, weight: Floats) -> tuple[Floats, Floats, Floats]:
    """Give weight, weight of right rows, and score of each distinct score, highest first; shape (g,) each."""
    distinct, group = np.unique(values, return_inverse=True)
    sizes: Floats = np.bincount(group, weights=weight).astype(float)
    hits: Floats = np.bincount(group, weights=weight * right).astype(float)
    return sizes[::-1], hits[::-1], distinct[::-1]


def cleaned(
    labels: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> tuple[Floats, Floats, Floats]:
    """Give labels, scores and weights of the scored rows. Raises ValueError where they do not fit."""
    right, values = np.asarray(labels, dtype=float), np.asarray(scores, dtype=float)
    weight = np.ones(len(right)) if weights is None else np.asarray(weights, dtype=float)
    if right.ndim != 1 or right.shape != values.shape or right.shape != weight.shape:
        raise ValueError("labels, scores and weights must be one-dimensional and of the same length")
    if not np.isin(right, (0.0, 1.0)).all():
        raise ValueError("labels must be 0 or 1")
    if np.isinf(values).any():
        raise ValueError("scores must be finite, or NaN for unscored rows")
    if not (np.isfinite(weight) & (weight > 0)).all():
        raise ValueError("weights must be positive and finite")
    scored = ~np.isnan(values)
    return right[scored], values[scored], weight[scored]
