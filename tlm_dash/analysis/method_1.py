"""Thresholds as they were found by method 1, kept to check the records that were made by it.

One row of each prompt was drawn by a seed; a fixed sequence of tests began at one start and each threshold
was tested at the full level; the band shared its error equally between both ends. It promised something of
prompts where it spoke of rows (tests/benchmarks/threshold_guarantee.py has what that does), so that nothing
new is answered by it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.accepted_counts import AcceptedCounts
from tlm_dash.analysis.betting import rejects_high
from tlm_dash.analysis.figure import Bools, Integers
from tlm_dash.analysis.labelled_sample import LabelledSample
from tlm_dash.analysis.risk_coverage import RiskBand, risk_band
from tlm_dash.analysis.threshold_grid import ThresholdGrid
from tlm_dash.analysis.thresholds import row_p_values

MANY_LABELS = 400
EARLY_SHARE = 0.31


def one_row_of_each(sample: LabelledSample, seed: int) -> LabelledSample:
    """Draw one row for each distinct prompt; of a weighted sample it speaks for all rows of that prompt."""
    if sample.prompts is None:
        return sample
    kept, n_alike = one_of_each(sample.prompts, seed)
    weights = sample.weights[kept] if sample.is_uniform else sample.weights[kept] * n_alike
    return replace(
        sample, scores=sample.scores[kept], wrong=sample.wrong[kept], weights=weights, prompts=None,
        is_heavy=None,
    )  # fmt: skip


def one_of_each(codes: npt.NDArray[np.generic], seed: int) -> tuple[Integers, Integers]:
    """Draw one position for each distinct code, and say how many positions share it.

    `codes` has shape (n,); both results have the shape of the distinct codes and are ordered by position.
    """
    _, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    if len(counts) == len(codes):
        return np.arange(len(codes)), np.ones(len(codes), dtype=np.int64)
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    _, first = np.unique(inverse[shuffled], return_index=True)
    chosen = np.sort(shuffled[first])
    return chosen, counts[inverse[chosen]].astype(np.int64)


def band_of_method_1(grid: ThresholdGrid, sample: LabelledSample, confidence: float) -> RiskBand:
    """Return the band of method 1 over rows of which no two share a prompt."""
    return risk_band(grid, sample, confidence, upper_share=0.5)


def index_of_method_1(band: RiskBand, max_risk: float) -> int | None:
    """Return the position of the loosest threshold that method 1 guarantees, None where it is none."""
    counts, confidence = band.counts, band.confidence
    if not len(counts.right):
        return None
    start = _sequence_start(counts, max_risk, confidence)
    rejected = _rejections(counts, max_risk, confidence)
    if start is None or not rejected[start]:
        return None
    kept = rejected[start:]
    return start + (len(kept) if kept.all() else int(np.argmin(kept))) - 1


def _rejections(counts: AcceptedCounts, max_risk: float, confidence: float) -> Bools:
    if counts.is_uniform:
        p = row_p_values(counts.n, counts.n_wrong, max_risk)
        return np.asarray(p <= 1 - confidence + 1e-12, dtype=bool)
    return rejects_high(counts, max_risk, 1 - confidence)


def _sequence_start(counts: AcceptedCounts, max_risk: float, confidence: float) -> int | None:
    total = (counts.right + counts.wrong) @ counts.weights
    for n_wrong in (2, 0) if counts.n[-1] >= MANY_LABELS else (0,):
        affordable = _rejections(counts.with_errors(n_wrong), max_risk, confidence)
        if not affordable.any():
            continue
        start = int(np.argmax(affordable))
        if n_wrong == 0 or counts.is_uniform or total[start] / total[-1] <= EARLY_SHARE:
            return start
    return None
