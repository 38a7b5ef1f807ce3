"""The thresholds that are looked at: fixed by the scores alone, before any label is seen.

A threshold t accepts the rows with score >= t. The grid has one threshold for each share 2%, 4%, … 100% of a
run's scored rows; where scores tie, several shares give the same threshold and count once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.figure import Floats, Integers

GRID_SIZE = 50
"""Thresholds of a grid, before equal ones fall together."""

_MOST_DECIMALS = 17


@dataclass(frozen=True)
class ThresholdGrid:
    """Thresholds from the strictest (highest) on, with the rows of the run that each accepts.

    `thresholds` and `n_accepted` have shape (k,), k at most 50 and 0 where no row is scored. `n_rows` counts
    all rows of the run: unscored and failed ones are never accepted and stay in the denominator.
    """

    thresholds: Floats
    n_accepted: Integers
    n_rows: int
    n_scored: int

    def __len__(self) -> int:
        return len(self.thresholds)

    @property
    def coverage(self) -> Floats:
        """Accepted share of all rows of the run, shape (k,), within [0, 1]."""
        return self.n_accepted / max(1, self.n_rows)

    def with_threshold(self, threshold: float, n_accepted: int) -> ThresholdGrid:
        """Give the grid with one more threshold, chosen without labels; unchanged where it has it already."""
        if (self.n_accepted == n_accepted).any():
            return self
        at = int(np.searchsorted(self.n_accepted, n_accepted))
        return ThresholdGrid(
            np.insert(self.thresholds, at, threshold),
            np.insert(self.n_accepted, at, n_accepted),
            self.n_rows,
            self.n_scored,
        )


def threshold_grid(scores: npt.ArrayLike, size: int = GRID_SIZE) -> ThresholdGrid:
    """Give the thresholds at `size` equal steps of the scored rows, in the fewest digits.

    `scores` has shape (n,), one for each row of the run, NaN where a row has none. Raises ValueError for
    another shape or infinite scores.
    """
    ordered = _ordered(scores)
    n_scored = len(ordered)
    if n_scored == 0:
        return ThresholdGrid(np.empty(0), np.empty(0, dtype=np.int64), np.size(np.asarray(scores)), 0)
    # Whole numbers: 0.14 * 50 would come out above 7.
    ranks = -(-n_scored * np.arange(1, size + 1) // size)
    values = np.unique(ordered[n_scored - ranks])[::-1]
    first = np.searchsorted(ordered, values, side="left")
    next_lower = np.where(first > 0, ordered[np.maximum(first - 1, 0)], -np.inf)
    return ThresholdGrid(
        shortest(values, next_lower),
        (n_scored - first).astype(np.int64),
        np.size(np.asarray(scores)),
        n_scored,
    )


def threshold_within_budget(scores: npt.ArrayLike, n_to_review: int) -> tuple[float, int] | None:
    """Give the highest threshold that sends at most `n_to_review` rows of the run to people.

    `scores` as for `threshold_grid`. Returns the threshold and how many rows it accepts; None where the rows
    without a score alone are more, or where no row is scored.
    """
    ordered = _ordered(scores)
    most_below = n_to_review - (np.size(np.asarray(scores)) - len(ordered))
    if most_below < 0 or not len(ordered):
        return None
    # Rows that tie are sent or accepted together: the value at this rank is the highest that can be afforded.
    value = ordered[min(most_below, len(ordered) - 1)]
    first = int(np.searchsorted(ordered, value, side="left"))
    next_lower = ordered[first - 1] if first else -np.inf
    threshold = shortest(np.array([value]), np.array([next_lower]))
    return float(threshold[0]), len(ordered) - first


def shortest(values: Floats, next_lower: Floats) -> Floats:
    """Give for each value the number of fewest decimals that lies in (next lower score, value].

    Both have shape (k,); a next lower score of -inf means that there is none. What is given accepts exactly
    the rows that the value accepts.
    """
    found = values.copy()
    missing = np.ones(len(values), dtype=bool)
    for decimals in range(_MOST_DECIMALS):
        if not missing.any():
            break
        scale = 10.0**decimals
        # Compared as the floating-point number that is used in the end, so rounding cannot change a row.
        rounded = np.floor(values * scale) / scale
        fits = missing & (rounded <= values) & (rounded > next_lower)
        found[fits] = rounded[fits]
        missing &= ~fits
    return found + 0.0


def budget_of(share: float, n_rows: int) -> int:
    """Give the whole number of rows that a share of the run amounts to, rounded down.

    A share written in decimals is meant exactly: 0.07 of 100 rows is 7, not 6.999….
    """
    return math.floor(round(share * n_rows, 9))


def _ordered(scores: npt.ArrayLike) -> Floats:
    values = np.asarray(scores, dtype=float)
    if values.ndim != 1:
        raise ValueError("scores must be one-dimensional")
    scored = values[~np.isnan(values)]
    if np.isinf(scored).any():
        raise ValueError("scores must be finite, or NaN for unscored rows")
    return np.sort(scored)
