"""The chance that a new plan of so many fresh labels, settled beforehand, would give an answer.

The run's rows are laid into blocks of neighbouring scores in which the share of wrong rows does not fall as
scores fall (pooling, as in isotonic regression). Each block's share has a Beta posterior; from each draw of
them a fresh uniform sample is made up and the procedure of `tlm_dash.analysis.thresholds` is run on it as it
would be; the share of draws with an answer is the chance. The prior leans a little towards more wrong rows,
since blocks are pooled after looking. tests/benchmarks/fresh_labels.py checks it: of what is said to have a
chance of 70 to 90%, 70 to 90% comes true, over populations of many kinds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlm_dash.analysis.figure import Floats, Integers
from tlm_dash.analysis.risk_coverage import RiskBand
from tlm_dash.analysis.thresholds import (
    coverage_positions,
    early_only,
    fewest_labels,
    row_p_values,
    shared_levels,
    walk,
)

SIZES = (100, 200, 500, 1_000, 2_000, 5_000)
ENOUGH = 0.95
"""Larger plans are not looked at where a smaller one has such a chance."""

DRAWS = 200
_PRIOR_WRONG, _PRIOR_RIGHT = 0.65, 0.5


@dataclass(frozen=True, slots=True)
class FreshChance:
    """A new plan of `n` fresh labelled, scored rows would give an answer with this chance."""

    n: int
    chance: float


def chances_of_fresh_labels(band: RiskBand, max_risk: float, *, seed: int = 0) -> tuple[FreshChance, ...]:
    """Return the chances of uniform plans of growing size, from the labelled rows of a band.

    Those too small for any answer are left out. Empty without labels; for rows of which no two share a
    prompt, since nothing is known of how fresh rows would repeat one.
    """
    counts, grid = band.counts, band.grid
    if not len(grid) or not counts.n[-1]:
        return ()
    random = np.random.default_rng(seed)
    risks = _drawn_risks(np.diff(counts.n_wrong, prepend=0.0), np.diff(counts.n, prepend=0.0), random)
    shares = np.diff(grid.n_accepted, prepend=0) / grid.n_scored
    positions, error = coverage_positions(grid), 1 - band.confidence
    fewest = fewest_labels(max_risk, band.confidence)
    found: list[FreshChance] = []
    for n in SIZES:
        if n < fewest:
            continue
        rows = random.multinomial(n, shares, DRAWS)
        wrong = random.binomial(rows, risks)
        accepted = np.cumsum(rows, axis=1).astype(float)
        is_answered = _is_answered(
            accepted, np.cumsum(wrong, axis=1).astype(float), max_risk, positions, error
        )
        found.append(FreshChance(n, float(is_answered.mean())))
        if found[-1].chance >= ENOUGH:
            break
    return tuple(found)


def _is_answered(
    n: Floats, n_wrong: Floats, max_risk: float, positions: Integers, error: float
) -> Floats:  # fmt: skip
    """Tell for each draw whether it gives an answer; `n` and `n_wrong` have the shape (draws, k)."""
    some = early_only(row_p_values(n, np.minimum(2.0, n), max_risk), n)
    levels = shared_levels(some, row_p_values(n, np.zeros_like(n), max_risk), positions, error)
    rejected, _ = walk(row_p_values(n, n_wrong, max_risk), levels)
    return np.asarray(rejected.any(axis=1), dtype=float)


def _drawn_risks(wrong: Floats, n: Floats, random: np.random.Generator) -> Floats:
    """Draw the share of wrong rows of each bin, shape (draws, k); bins of a block share theirs."""
    risks = np.zeros((DRAWS, len(n)))
    for block in _blocks(wrong, n):
        w, m = wrong[block].sum(), n[block].sum()
        risks[:, block] = random.beta(w + _PRIOR_WRONG, m - w + _PRIOR_RIGHT, DRAWS)[:, None]
    return risks


def _blocks(wrong: Floats, n: Floats) -> list[slice]:
    """Pool neighbouring bins until the share of wrong rows rises from block to block."""
    blocks: list[tuple[int, int, float, float]] = []
    for at in range(len(n)):
        blocks.append((at, at + 1, float(wrong[at]), float(n[at])))
        while len(blocks) > 1 and blocks[-2][2] * blocks[-1][3] >= blocks[-1][2] * blocks[-2][3]:
            _, end, w, m = blocks.pop()
            start, _, before, rows = blocks.pop()
            blocks.append((start, end, before + w, rows + m))
    return [slice(start, end) for start, end, _, _ in blocks]
