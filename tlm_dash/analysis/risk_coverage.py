"""The risk-coverage curve with a band that holds at all thresholds at once.

Because it holds for all of them, a threshold may be picked from it after looking. Its upper ends have 15% of
the error, in equal parts over the k thresholds of the grid: the part that is set aside for them where a
target is tested (`tlm_dash.analysis.thresholds`), so that whatever the band shows and what is guaranteed hold
together. The lower ends take the rest and decide nothing. The ends are Clopper & Pearson's exact ones (1934)
where every row had the same chance of a label; where prompts repeat, the larger of that and of the end that
takes prompts as units (`tlm_dash.analysis.prompt_counts`); for weighted rows what betting does not reject
(`tlm_dash.analysis.betting`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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

BAND_SHARE = 0.15
"""Of the error that is allowed, what the upper ends of the band have."""

BandMethod = Literal["Clopper-Pearson", "by row and by prompt", "betting"]


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
        within = np.flatnonzero(self.is_within(max_risk))
        return int(within[-1]) if len(within) else None

    def is_within(self, max_risk: float) -> Bools:
        """True where the band is drawn and its upper end is at most `max_risk`; shape (k,)."""
        return np.asarray(np.nan_to_num(self.high, nan=np.inf) <= max_risk, dtype=bool)

    def lowered(self, at: Bools, max_risk: float) -> RiskBand:
        """Give the band with an upper end of at most `max_risk` where that is guaranteed (shape (k,)).

        What is guaranteed and the band hold together, so that the lower of both ends holds.
        """
        high = np.where(at, np.minimum(np.nan_to_num(self.high, nan=np.inf), max_risk), self.high)
        low = np.where(at, np.nan_to_num(self.low, nan=0.0), self.low)
        return replace(self, high=high, low=low)


def risk_band(
    grid: ThresholdGrid, sample: LabelledSample, confidence: float = 0.95, *, upper_share: float = BAND_SHARE
) -> RiskBand:
    """Return the curve and its band over all thresholds of a grid; with confidence, all bounds hold at once.

    `upper_share` of the error is for the upper ends. Raises ValueError for a confidence outside (0, 1).
    """
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    counts = accepted_counts(grid, sample)
    each = (1 - confidence) / max(1, len(grid))
    low_error, high_error = (1 - upper_share) * each, upper_share * each
    method: BandMethod = "Clopper-Pearson" if counts.prompts is None else "by row and by prompt"
    if counts.is_uniform:
        low, high = exact_interval(counts.n_wrong, counts.n, low_error, high_error)
        if counts.prompts is not None:
            high = np.maximum(high, counts.prompts.upper_ends(high_error))
    else:
        method = "betting"
        low, high = risk_bounds(counts, low_error, high_error)
    enough = counts.n >= FEWEST_ACCEPTED
    return RiskBand(
        grid,
        counts,
        counts.risk,
        np.where(enough, low, np.nan),
        np.where(enough, high, np.nan),
        confidence,
        method,
    )


def exact_interval(
    hits: npt.ArrayLike, n: npt.ArrayLike, low_error: float, high_error: float | None = None
) -> tuple[Floats, Floats]:
    """Return Clopper & Pearson's bounds of a share, which miss it with chances of at most those errors.

    `hits` and `n` of shape (k,); both results too, 0 to 1 where n is 0. Without `high_error` both ends have
    the same.
    """
    found, total = np.asarray(hits, dtype=float), np.asarray(n, dtype=float)
    some, not_all = found > 0, found < total
    high_error = low_error if high_error is None else high_error
    low = betaincinv(np.where(some, found, 1), np.where(some, total - found + 1, 1), low_error)
    high = betaincinv(np.where(not_all, found + 1, 1), np.where(not_all, total - found, 1), 1 - high_error)
    return np.where(some, low, 0.0), np.where(not_all, high, 1.0)
