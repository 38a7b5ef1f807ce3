"""Seeded bootstrap over prompts, for figures without a closed form: what is kept, PRR, average precision.

Rows are laid into cells of neighbouring ranks and prompts into groups, once; a resample then is a row of a
matrix product. So the cost of resampling does not grow with the rows. Cells and groups serve the width of
intervals only: the figures themselves are computed from all rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from tlm_dash.analysis.detection import average_precision_incorrect, precision_over_cells
from tlm_dash.analysis.figure import Figure, Floats
from tlm_dash.analysis.retention import kept_accuracy, rejection_ratio, retention_figures
from tlm_dash.analysis.risk_coverage import exact_interval

SHARES = (0.05, 0.1, 0.2)
RESAMPLES = 1_000
MOST_CELLS = 128
MOST_GROUPS = 500

_METHOD = "bootstrap over prompts"


@dataclass(frozen=True, slots=True)
class Retention:
    """Accuracy at each review share, PRR and average precision for incorrect, with their intervals."""

    accuracy: tuple[Figure, ...]
    prr: Figure
    average_precision: Figure


@dataclass(frozen=True)
class ScoredLabels:
    """Labelled, scored rows of one run, each of shape (n,): labels 0 or 1, finite scores."""

    labels: Floats
    scores: Floats


class Resampling:
    """The same resamples of prompts for as many runs as share their rows."""

    def __init__(
        self, prompts: npt.ArrayLike, *, confidence: float, seed: int, weights: npt.ArrayLike | None = None
    ) -> None:
        """Draw the resamples: `prompts` is a code of each row's, `weights` are 1 / inclusion probability."""
        codes = np.asarray(prompts)
        self.n = len(codes)
        self._confidence = confidence
        self._weights = np.ones(self.n) if weights is None else np.asarray(weights, dtype=float)
        self._given = weights
        draw = np.random.default_rng(seed)
        _, code = np.unique(codes, return_inverse=True)
        self.n_prompts = int(code.max(initial=-1)) + 1
        mass = np.bincount(code, self._weights) if self.n else np.zeros(1)
        self._effective = float(mass.sum() ** 2 / (mass**2).sum()) if self.n else 0.0
        self._is_plain = weights is None and self.n_prompts == self.n
        self._groups = min(self.n_prompts, MOST_GROUPS)
        self._stretch = _stretch(self.n_prompts, confidence)
        if self._groups:
            place = draw.permutation(self.n_prompts) % self._groups
            self._group = place[code]
            self._drawn = _drawn(self._groups, seed)

    def retention(self, run: ScoredLabels) -> Retention:
        """Return the figures of one run; accuracies have at least the exact interval of the rows kept."""
        estimates = self._estimates(run)
        draws = self._resampled(run) if self.n_prompts > 1 else None
        found = self._figures(estimates, draws)
        accuracy = zip(found.accuracy, SHARES, strict=True)
        return replace(found, accuracy=tuple(self._at_least_exact(*one) for one in accuracy))

    def retention_difference(self, a: ScoredLabels, b: ScoredLabels) -> Retention:
        """Return the figures of b less those of a, both over the same rows."""
        first, second = self._estimates(a), self._estimates(b)
        estimates = [
            None if x is None or y is None else y - x for x, y in zip(first, second, strict=True)
        ]  # fmt: skip
        if self.n_prompts < 2:
            return self._figures(estimates, None)
        draws_a, draws_b = self._resampled(a), self._resampled(b)
        return self._figures(estimates, draws_b - draws_a)

    def _estimates(self, run: ScoredLabels) -> list[float | None]:
        found = average_precision_incorrect(run.labels, run.scores, self._given)
        return [*retention_figures(run.labels, run.scores, SHARES, self._given), found.value]

    def _resampled(self, run: ScoredLabels) -> Floats:
        """Return the figures of the whole (first row) and of each resample: (1 + resamples, figures)."""
        cells, cell = _cells(run.scores)
        shape = self._groups * cells
        at = self._group * cells + cell
        counts = np.bincount(at, self._weights, shape).reshape(self._groups, cells).astype(np.float32)
        rights = np.bincount(at, self._weights * run.labels, shape).reshape(self._groups, cells)
        all_counts = np.vstack((counts.sum(axis=0, dtype=np.float64), self._drawn @ counts))
        all_rights = np.vstack((rights.sum(axis=0), self._drawn @ rights.astype(np.float32)))
        figures = [kept_accuracy(all_counts, all_rights, share) for share in SHARES]
        ratio = rejection_ratio(all_counts, all_rights)
        return np.column_stack([*figures, ratio, precision_over_cells(all_counts, all_rights)])

    def _figures(self, estimates: Sequence[float | None], draws: Floats | None) -> Retention:
        figures = []
        for number, value in enumerate(estimates):
            if value is None:
                reason = "no labelled row has a score" if not self.n else "all labels are equal"
                figures.append(Figure(None, n=self.n, confidence=self._confidence, reason=reason))
            elif draws is None:
                reason = "an interval needs two prompts"
                figures.append(Figure(value, n=self.n, confidence=self._confidence, reason=reason))
            else:
                figures.append(self._with_interval(value, draws[1:, number] - draws[0, number]))
        return Retention(tuple(figures[:-2]), figures[-2], figures[-1])

    def _at_least_exact(self, figure: Figure, share: float) -> Figure:
        """Widen the interval of an accuracy to Clopper & Pearson's over the rows kept.

        Resampling cannot tell how many wrong rows were not seen: where all that is kept is right it shows no
        variation at all. Repeated prompts and weights count by Kish's effective number.
        """
        if figure.value is None:
            return figure
        n_kept = self._effective * (1 - share)
        if self._is_plain:
            # A row across the cut is kept in part: it counts for none.
            n_kept = math.floor(n_kept + 1e-9)
        if n_kept < 1:
            return figure
        ends = exact_interval(figure.value * n_kept, n_kept, (1 - self._confidence) / 2)
        low, high = (float(end) for end in ends)
        if figure.low is None or figure.high is None:
            method = "Clopper-Pearson" if self._is_plain else "approximate"
            return replace(figure, low=low, high=high, method=method, reason=None)
        return replace(figure, low=min(low, figure.low), high=max(high, figure.high))

    def _with_interval(self, value: float, deviations: Floats) -> Figure:
        """Shift the percentiles to the figure of all rows: cells and groups must not move it."""
        usable = deviations[~np.isnan(deviations)]
        if len(usable) < RESAMPLES // 2 or np.ptp(usable) <= 0:
            reason = "resampling shows no variation that an interval could be built on"
            return Figure(value, n=self.n, confidence=self._confidence, reason=reason)
        tail = (1 - self._confidence) / 2
        low, high = np.quantile(usable, [tail, 1 - tail]) * self._stretch
        return Figure(
            value, min(value + float(low), value), max(value + float(high), value), self.n,
            self._confidence, _METHOD, standard_error=float(usable.std(ddof=1)),
        )  # fmt: skip


def _stretch(n_prompts: int, confidence: float) -> float:
    """Return by how much resampling few prompts is too narrow: Student's t against the normal quantile.

    And the root of n / (n - 1), since resamples vary about the sample's own mean (Hesterberg 2015).
    """
    if n_prompts < 2:
        return 1.0
    level = (1 + confidence) / 2
    return float(stdtrit(n_prompts - 1, level) / ndtri(level)) * math.sqrt(n_prompts / (n_prompts - 1))


@lru_cache(maxsize=4)
def _drawn(groups: int, seed: int) -> npt.NDArray[np.float32]:
    """Draw how often each group is in each resample: (resamples, groups). All runs of a page share it."""
    even = np.full(groups, 1.0 / groups)
    drawn: npt.NDArray[np.float32] = (
        np.random.default_rng([seed, groups]).multinomial(groups, even, RESAMPLES).astype(np.float32)
    )
    drawn.flags.writeable = False
    return drawn


def _cells(scores: Floats) -> tuple[int, npt.NDArray[np.int64]]:
    """Return how many cells there are and the cell of each row, highest scores first, ties never parted."""
    distinct, code, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    if len(distinct) <= MOST_CELLS:
        return len(distinct), code.astype(np.int64)
    middle = np.cumsum(counts) - counts / 2
    cell = np.floor(middle / len(scores) * MOST_CELLS).astype(np.int64)
    return MOST_CELLS, np.minimum(cell, MOST_CELLS - 1)[code]
