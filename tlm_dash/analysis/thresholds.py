"""A threshold with a guarantee: at most a share r of the accepted rows is wrong, with confidence c.

Fixed-sequence testing over a grid of thresholds (Learn then Test: Angelopoulos, Bates, Candès, Jordan & Lei
2021, section on fixed-sequence testing). The grid and where the sequence begins are fixed without looking at
any label. Each threshold's hypothesis is "more than r of the rows that it accepts are wrong"; going from
strict to loose, every rejection allows the next test at the full level, and the first hypothesis that is not
rejected ends it. The chance that any rejected hypothesis is true is at most 1 - c, so the last one rejected
is the answer and r is its bound: no correction for the search is left to make.

For rows that all had the same chance of a label the test is the exact binomial one; for weighted rows it is
the betting test of `tlm_dash.analysis.betting`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import bdtr

from tlm_dash.analysis.accepted_counts import AcceptedCounts, accepted_counts
from tlm_dash.analysis.betting import rejects_high
from tlm_dash.analysis.figure import Bools, Floats
from tlm_dash.analysis.labelled_sample import LabelledSample
from tlm_dash.analysis.threshold_grid import ThresholdGrid

MANY_LABELS = 400
"""From so many labels on, the sequence begins where two errors are affordable instead of none."""

EARLY_SHARE = 0.31
"""Where two errors are affordable with 400 unweighted labels, at 5% and 95%: 124 of 400."""

Method = Literal["exact", "valid"]


@dataclass(frozen=True)
class GuaranteedThreshold:
    """The answer. `index` is the position in the grid, None where no threshold can be guaranteed.

    `begins_at` is where the sequence began, None where too few labelled rows are accepted even at full
    coverage. `counts` are those of the `n_labels` labelled rows above each threshold of the grid.
    """

    index: int | None
    begins_at: int | None
    max_risk: float
    confidence: float
    method: Method
    counts: AcceptedCounts
    n_labels: int


def guaranteed_threshold(
    grid: ThresholdGrid, sample: LabelledSample, max_risk: float, confidence: float = 0.95
) -> GuaranteedThreshold:
    """Return the loosest threshold whose accepted rows are wrong in at most `max_risk`, with confidence.

    `max_risk` and `confidence` are fractions in (0, 1). The guarantee speaks of future rows drawn like those
    of the sample; for weighted samples of the rows that the sample was drawn from. Raises ValueError for
    fractions outside (0, 1).
    """
    if not 0 < max_risk < 1:
        raise ValueError("max_risk must lie between 0 and 1")
    if not 0 < confidence < 1:
        raise ValueError("confidence must lie between 0 and 1")
    counts = accepted_counts(grid, sample)
    begins_at = sequence_start(counts, len(sample), max_risk, confidence)
    rejected = rejections(counts, max_risk, confidence)
    index = None
    if begins_at is not None and rejected[begins_at]:
        kept = rejected[begins_at:]
        index = begins_at + (len(kept) if kept.all() else int(np.argmin(kept))) - 1
    method: Method = "exact" if counts.is_uniform else "valid"
    return GuaranteedThreshold(index, begins_at, max_risk, confidence, method, counts, len(sample))


def rejections(counts: AcceptedCounts, max_risk: float, confidence: float) -> Bools:
    """Tell for each threshold whether "more than `max_risk` is wrong above it" is rejected, taken alone."""
    if counts.is_uniform:
        return p_values(counts.n, counts.n_wrong, max_risk) <= 1 - confidence + 1e-12
    return rejects_high(counts, max_risk, 1 - confidence)


def p_values(n: Floats, n_wrong: Floats, max_risk: float) -> Floats:
    """Return the chance of so few wrong ones among n if `max_risk` of all were wrong (binomial)."""
    return np.asarray(bdtr(n_wrong, n.astype(int), max_risk), dtype=float)


def rows_needed(n_wrong: int, max_risk: float, confidence: float) -> int:
    """Return the fewest accepted labelled rows that reject with `n_wrong` errors: 59 at 5%, 95%, none."""
    low, high = n_wrong, max(1, n_wrong)
    while bdtr(float(n_wrong), high, max_risk) > 1 - confidence + 1e-12:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        is_enough = bdtr(float(n_wrong), middle, max_risk) <= 1 - confidence + 1e-12
        low, high = (low, middle) if is_enough else (middle, high)
    return high


def sequence_start(counts: AcceptedCounts, n_labels: int, max_risk: float, confidence: float) -> int | None:
    """Return where the sequence begins: the strictest threshold that would still reject with two errors.

    With under 400 labels, or where two errors are never affordable, the strictest that rejects with none;
    with weighted rows also where two errors are affordable late only. Nothing is looked at but how many
    labelled rows of which weight each threshold accepts, never a label. None where even no error at all would
    not do.
    """
    for n_wrong in (2, 0) if n_labels >= MANY_LABELS else (0,):
        affordable = rejections(counts.with_errors(n_wrong), max_risk, confidence)
        if not affordable.any():
            continue
        start = int(np.argmax(affordable))
        if n_wrong == 0 or counts.is_uniform or _share(counts, start) <= EARLY_SHARE:
            return start
    return None


def _share(counts: AcceptedCounts, index: int) -> float:
    """Return the share of the scored rows that a threshold accepts, estimated from the labelled ones."""
    total = (counts.right + counts.wrong) @ counts.weights
    return float(total[index] / total[-1])
