"""Right and wrong labelled rows above each threshold, by weight: what tests and bands stand on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.figure import Floats
from tlm_dash.analysis.labelled_sample import LabelledSample
from tlm_dash.analysis.prompt_counts import PromptCounts, prompt_counts
from tlm_dash.analysis.threshold_grid import ThresholdGrid


@dataclass(frozen=True)
class AcceptedCounts:
    """Labelled rows that each of k thresholds accepts: `right` and `wrong` of shape (k, h), by weight.

    `weights` of shape (h,) holds the distinct weights; an unweighted sample has one, 1. `prompts` are the
    same rows by prompt, None where no two of them share one, and for weighted samples, whose test is about
    the run's own rows.
    """

    right: Floats
    wrong: Floats
    weights: Floats
    is_uniform: bool
    prompts: PromptCounts | None = None

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

    def with_errors(self, n_wrong: int) -> AcceptedCounts:
        """Give what these rows would look like with so few wrong ones, on the heaviest weights.

        It looks at no label: only at how many labelled rows of which weight are accepted. A threshold that
        accepts fewer rows has all of them wrong.
        """
        accepted = self.right + self.wrong
        heaviest_first = accepted[:, ::-1]
        before = np.cumsum(heaviest_first, axis=1) - heaviest_first
        wrong = np.clip(n_wrong - before, 0, heaviest_first)[:, ::-1]
        prompts = None if self.prompts is None else self.prompts.with_errors(n_wrong)
        return AcceptedCounts(accepted - wrong, wrong, self.weights, self.is_uniform, prompts)


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

    prompts = None
    if sample.prompts is not None and sample.is_uniform:
        heavy = np.zeros(len(sample), dtype=bool) if sample.is_heavy is None else sample.is_heavy
        prompts = prompt_counts(first, sample.wrong, sample.prompts, heavy, len(grid))
    return AcceptedCounts(counted(~sample.wrong), counted(sample.wrong), weights, sample.is_uniform, prompts)
