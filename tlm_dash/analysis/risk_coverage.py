"""The risk-coverage curve with a band that holds at all thresholds at once.

Because it holds for all of them, a threshold may be picked from it after looking. At each threshold of the
grid stands an interval at confidence 1 - (1 - c) / k for k thresholds (Bonferroni), half of the rest on each
side: Clopper & Pearson's exact interval (1934) where every row had the same chance of a label, else what
betting does not reject (`tlm_dash.analysis.betting`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from tlm_dash.analysis.accepted_counts import AcceptedCounts, accepted_counts
from tlm_dash.analysis.betting import risk_bounds
from tlm_dash.analysis.figure import Bools, Floats
from tlm_dash.analysis.labelled_sample import LabelledSample
from tlm_dash.analysis.threshold_grid import ThresholdGrid

FEWEST_ACCEPTED = 30
"""Accepted labelled rows from which on the band says something."""

BandMethod = Literal["Clopper-Pearson", "betting"]


@dataclass(frozen=True)
class RiskBand:
    """Observed risk above each of k thresholds with its simultaneous band; all of shape (k,), fractions.

    `is_drawn` is true where at least 30 accepted rows are labelled; elsewhere `low` and `high` are NaN, and
    `risk` is NaN where none is.
    """

    grid: ThresholdGrid
    counts: AcceptedCounts
    risk: Floats
    low: Floats
    high: Floats
    confidence: float
    method: BandMethod

    @property
    def is_drawn(self) -> Bools:
        """True where the band says something."""
        return ~np.isnan(self.high)

    @property
    def best(self) -> int | None:
        """Position of the lowest upper bound, the loosest of them; None where the band is nowhere drawn."""
        if not self.is_drawn.any():
            return None
        high = np.where(self.is_drawn, self.high, np.inf)
        return int(np.flatnonzero(high <= high.min())[-1])

    def loosest_within(self, max_risk: float) -> int | None:
        """Position of the loosest threshold whose upper bound is within `max_risk`; None where none is."""
        within = np.flatnonzero(self.is_drawn & (np.nan_to_num(self.high, nan=np.inf) <= max_risk))
        return int(within[-1]) if len(within) else None


def risk_band(grid: ThresholdGrid, sample: LabelledSample, confidence: float = 0.95) -> RiskBand:
    """Return the curve and its band over all thresholds of a grid; with confidence, all bounds hold at once.

    Raises ValueError for a confidence outside (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    counts = accepted_counts(grid, sample)
    one_side = (1 - confidence) / (2 * max(1, len(grid)))
    if counts.is_uniform:
        low, high = exact_interval(counts.n_wrong, counts.n, one_side)
    else:
        low, high = risk_bounds(counts, one_side)
    enough = counts.n >= FEWEST_ACCEPTED
    method: BandMethod = "Clopper-Pearson" if counts.is_uniform else "betting"
    return RiskBand(
        grid,
        counts,
        counts.risk,
        np.where(enough, low, np.nan),
        np.where(enough, high, np.nan),
        confidence,
        method,
    )


def exact_interval(hits: npt.ArrayLike, n: npt.ArrayLike, one_side: float) -> tuple[Floats, Floats]:
    """Return Clopper & Pearson's bounds of a share, each missing it with a chance of at most `one_side`.

    `hits` and `n` of shape (k,); both results too, 0 to 1 where n is 0.
    """
    found, total = np.asarray(hits, dtype=float), np.asarray(n, dtype=float)
    some, not_all = found > 0, found < total
    low = betaincinv(np.where(some, found, 1), np.where(some, total - found + 1, 1), one_side)
    high = betaincinv(np.where(not_all, found + 1, 1), np.where(not_all, total - found, 1), 1 - one_side)
    return np.where(some, low, 0.0), np.where(not_all, high, 1.0)
