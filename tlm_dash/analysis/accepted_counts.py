"""Right and wrong labelled rows above each threshold, by weight: what tests and bands stand on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.figure import Floats
from tlm_dash.analysis.labelled_sample import LabelledSample
from tlm_dash.analysis.threshold_grid import ThresholdGrid


@dataclass(frozen=True)
class AcceptedCounts:
    """Labelled rows that each of k thresholds accepts: `right` and `wrong` of shape (k, h), by weight.

    `weights` of shape (h,) holds the distinct weights; an unweighted sample has one, 1. The counts may be
    fractional where they are a projection.
    """

    right: Floats
    wrong: Floats
    weights: Floats
    is_uniform: bool

    @property
    def n(self) -> Floats:
        """Labelled rows accepted, shape (k,)."""
        return np.asarray((self.right + self.wrong).sum(axis=1), dtype=float)

    @property
    def n_wrong(self) -> Floats:
        """Wrong ones among them, shape (k,)."""
        return np.asarray(self.wrong.sum(axis=1), dtype=float)

    @property
    def risk(self) -> Floats:
        """Share of wrong rows among the accepted, weighted (Hájek's ratio); shape (k,), NaN where none is."""
        wrong = self.wrong @ self.weights
        total = wrong + self.right @ self.weights
        return np.asarray(
            np.divide(wrong, total, out=np.full(len(total), np.nan), where=total > 0), dtype=float
        )

    def at(self, index: int) -> AcceptedCounts:
        """Give the counts of one threshold alone."""
        one = slice(index, index + 1)
        return AcceptedCounts(self.right[one], self.wrong[one], self.weights, self.is_uniform)

    def with_errors(self, n_wrong: int) -> AcceptedCounts:
        """Give what these rows would look like with so few wrong ones, on the heaviest weights.

        It looks at no label: only at how many labelled rows of which weight are accepted. A threshold that
        accepts fewer rows has all of them wrong.
        """
        accepted = self.right + self.wrong
        heaviest_first = accepted[:, ::-1]
        before = np.cumsum(heaviest_first, axis=1) - heaviest_first
        wrong = np.clip(n_wrong - before, 0, heaviest_first)[:, ::-1]
        return AcceptedCounts(accepted - wrong, wrong, self.weights, self.is_uniform)

    def smoothed(self) -> AcceptedCounts:
        """Give the counts with as many wrong rows as a risk that never falls as scores fall would show.

        The wrong rows above each threshold come down to the greatest convex minorant of those seen (isotonic
        regression by pooling), so that the chances of a few strictest rows decide nothing.
        """
        wrong = self.wrong @ self.weights
        total = wrong + self.right @ self.weights
        hull = [(0.0, 0.0)]
        for point in zip(total.tolist(), wrong.tolist(), strict=True):
            while len(hull) > 1 and _turns_down(hull[-2], hull[-1], point):
                hull.pop()
            hull.append(point)
        lowered = np.interp(total, *np.transpose(hull))
        kept = np.divide(lowered, wrong, out=np.ones(len(wrong)), where=wrong > 0)[:, None]
        left = self.wrong * np.minimum(kept, 1.0)
        return AcceptedCounts(self.right + self.wrong - left, left, self.weights, self.is_uniform)

    def scaled(self, factor: float) -> AcceptedCounts:
        """Give the counts that `factor` times as many rows of the same kind would show."""
        return AcceptedCounts(self.right * factor, self.wrong * factor, self.weights, self.is_uniform)


def accepted_counts(grid: ThresholdGrid, sample: LabelledSample) -> AcceptedCounts:
    """Count the rows of a sample that each threshold of a grid accepts; n log n."""
    weights, group = np.unique(sample.weights, return_inverse=True)
    if not len(weights):
        weights = np.ones(1)
    # The first threshold that accepts a row: thresholds fall, so the negated ones rise.
    first = np.searchsorted(-grid.thresholds, -sample.scores, side="left")
    shape = (len(grid) + 1, len(weights))

    def counted(chosen: npt.NDArray[np.bool_]) -> Floats:
        cells = np.bincount(first[chosen] * shape[1] + group[chosen], minlength=shape[0] * shape[1])
        return np.asarray(np.cumsum(cells.reshape(shape), axis=0)[:-1], dtype=float)

    return AcceptedCounts(counted(~sample.wrong), counted(sample.wrong), weights, sample.is_uniform)


def _turns_down(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    """Tell whether the middle point lies on or above the line between the others."""
    return (middle[1] - first[1]) * (last[0] - first[0]) >= (last[1] - first[1]) * (middle[0] - first[0])
