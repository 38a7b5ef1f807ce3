"""How many more labels a guarantee would take, if the errors went on as seen so far."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from tlm_dash.analysis.accepted_counts import AcceptedCounts
from tlm_dash.analysis.figure import Bools, Integers
from tlm_dash.analysis.thresholds import (
    MANY_LABELS,
    GuaranteedThreshold,
    rejections,
    rows_needed,
    sequence_start,
)

_MOST_LABELS = 1_000_000
"""Beyond so many labels, more labels are not called a way out."""


@dataclass(frozen=True)
class Shortfall:
    """Why there is no guarantee, in words, and how many more labels would do; None where none would."""

    labels_still_needed: int | None
    reason: str


def shortfall(answer: GuaranteedThreshold) -> Shortfall:
    """Tell what is missing to an answer that is none.

    The projection takes the share of wrong rows seen above each threshold as the truth, smoothed so that it
    never falls as scores fall, and looks for the fewest labels whose first test would then reject.
    """
    counts, n, max_risk, confidence = answer.counts, answer.n_labels, answer.max_risk, answer.confidence
    if not len(counts.right):
        return Shortfall(None, "no row of this run has a score")
    error_free = rows_needed(0, max_risk, confidence)
    if n == 0:
        return Shortfall(error_free, "no scored row has a label that may feed an estimate")
    risk = counts.risk
    if not (risk[counts.n > 0] < max_risk).any():
        return Shortfall(None, "the observed share of wrong rows is above the target at every coverage")
    needed = _more_labels(counts.smoothed(), n, max_risk, confidence)
    if needed is None:
        return Shortfall(
            None, "the observed share of wrong rows is so near the target that no number of labels would do"
        )
    if n < error_free:
        few = f"{n:,} labels are too few: even without an error {error_free:,} are needed"
        return Shortfall(needed, few)
    return Shortfall(needed, _first_test(answer))


def _first_test(answer: GuaranteedThreshold) -> str:
    """Say what stood in the way of the first rejection."""
    at, counts = answer.begins_at, answer.counts
    if at is None:
        return "even without an error the labelled rows would be too few"
    return (
        f"at the strictest threshold that could show it, {counts.n_wrong[at]:,.0f} of {counts.n[at]:,.0f} "
        "labelled rows that pass are wrong"
    )


def _more_labels(counts: AcceptedCounts, n: int, max_risk: float, confidence: float) -> int | None:
    """Return how many more labels let the sequence begin, if the errors went on as seen; None for none."""
    if counts.is_uniform:
        totals = np.unique(
            np.r_[np.arange(n + 1, n + 2000), np.geomspace(n + 1, _MOST_LABELS, 2000).astype(np.int64)]
        )
        do = _would_do(counts, n, totals, max_risk, confidence)
        return int(totals[np.argmax(do)]) - n if do.any() else None
    for factor in np.geomspace(1.05, 200, 110):
        scaled, total = counts.scaled(float(factor)), math.ceil(n * factor)
        begins_at = sequence_start(scaled, total, max_risk, confidence)
        if begins_at is not None and rejections(scaled, max_risk, confidence)[begins_at]:
            return int(total) - n
    return None


def _would_do(counts: AcceptedCounts, n: int, totals: Integers, max_risk: float, confidence: float) -> Bools:
    """Tell for each number of labels whether the first test would reject with the shares seen so far."""
    needed = np.where(
        totals >= MANY_LABELS, rows_needed(2, max_risk, confidence), rows_needed(0, max_risk, confidence)
    )
    # Where two errors are never affordable the sequence begins where none is.
    needed = np.where(totals >= needed, needed, rows_needed(0, max_risk, confidence))
    start = np.searchsorted(counts.n, needed * n / totals - 1e-9)
    reached = start < len(counts.n)
    start = np.minimum(start, len(counts.n) - 1)
    accepted, wrong = counts.n[start] * totals / n, counts.n_wrong[start] * totals / n
    # The binomial lower tail, continued to fractions of a row by the incomplete beta function.
    p = betainc(np.maximum(accepted - wrong, 1e-9), wrong + 1, 1 - max_risk)
    return np.asarray(reached & (p <= 1 - confidence + 1e-12), dtype=bool)
