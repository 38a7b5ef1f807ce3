"""Two runs on the same prompts, right or wrong: the 2×2 table, exact and clustered tests, the difference."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, ndtri, stdtrit

from tlm_dash.analysis.figure import Figure, Floats

SIGN_FLIPS = 20_000
"""Random sign changes of the test over prompts: its p has a standard error of at most .0036."""

_HALVINGS = 60


@dataclass(frozen=True, slots=True)
class PairTable:
    """How many pairs both got right, only a, only b, or neither."""

    both: int
    only_a: int
    only_b: int
    neither: int

    @property
    def n(self) -> int:
        """Give the number of pairs."""
        return self.both + self.only_a + self.only_b + self.neither


def pair_table(labels_a: npt.ArrayLike, labels_b: npt.ArrayLike) -> PairTable:
    """Count the pairs; both are of shape (n,), 1 right and 0 wrong. Raises ValueError for anything else."""
    a, b = np.asarray(labels_a, dtype=float), np.asarray(labels_b, dtype=float)
    if a.shape != b.shape or not (np.isin(a, (0.0, 1.0)).all() and np.isin(b, (0.0, 1.0)).all()):
        raise ValueError("labels must be 0 or 1, one of each run for every pair")
    right_a, right_b = a == 1.0, b == 1.0
    return PairTable(
        int((right_a & right_b).sum()), int((right_a & ~right_b).sum()),
        int((~right_a & right_b).sum()), int((~right_a & ~right_b).sum()),
    )  # fmt: skip


def mcnemar_exact(table: PairTable) -> float:
    """Return the two-sided p of no difference in accuracy: the exact binomial of the unequal pairs.

    McNemar 1947, exact form. Assumes one pair for each prompt. 1 where no pair is unequal.
    """
    unequal = table.only_a + table.only_b
    # Both tails are alike, and meet where both sides win equally often.
    return min(1.0, 2 * float(bdtr(min(table.only_a, table.only_b), unequal, 0.5)))


def sign_flip_test(
    labels_a: npt.ArrayLike, labels_b: npt.ArrayLike, prompts: npt.ArrayLike, seed: int
) -> float:
    """Return the two-sided p of no difference where prompts repeat: runs change places prompt by prompt.

    All are of shape (n,). The sum of b − a over the rows of a prompt keeps its size and takes a random sign;
    p is the share of `SIGN_FLIPS` random signs that give a difference as large, the one seen counted in
    (Phipson & Smyth 2010). Prompts of one size are drawn together, so the cost does not grow with the rows.
    """
    _, code = np.unique(np.asarray(prompts), return_inverse=True)
    gains = np.asarray(labels_b, dtype=float) - np.asarray(labels_a, dtype=float)
    sums = np.rint(np.bincount(code, gains)).astype(np.int64)
    sizes, counts = np.unique(np.abs(sums[sums != 0]), return_counts=True)
    draw = np.random.default_rng(seed)
    total = np.zeros(SIGN_FLIPS, dtype=np.int64)
    for size, count in zip(sizes, counts, strict=True):
        total += size * (2 * draw.binomial(count, 0.5, SIGN_FLIPS) - count)
    as_large = int((np.abs(total) >= abs(int(sums.sum()))).sum())
    return (as_large + 1) / (SIGN_FLIPS + 1)


def accuracy_difference(
    labels_a: npt.ArrayLike,
    labels_b: npt.ArrayLike,
    confidence: float = 0.95,
    *,
    prompts: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> Figure:
    """Return accuracy of b minus accuracy of a on the same prompts, with Tango's score interval (1998).

    All are of shape (n,). Where prompts repeat or rows have weights (1 / inclusion probability), the interval
    is Tango's for as many independent pairs as would give the variance of the weighted difference over
    prompts (Obuchowski 1998), with Student's t; never for more pairs than there are rows.
    """
    a, b = np.asarray(labels_a, dtype=float), np.asarray(labels_b, dtype=float)
    n = len(a)
    if n == 0:
        return Figure(None, confidence=confidence, reason="no pair has a label on both sides")
    weight = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    weight = weight / weight.sum()
    gain, loss = float(weight[b > a].sum()), float(weight[b < a].sum())
    value = gain - loss
    size, quantile = float(n), float(ndtri((1 + confidence) / 2))
    if prompts is not None or weights is not None:
        code = np.arange(n) if prompts is None else np.unique(np.asarray(prompts), return_inverse=True)[1]
        pulls = np.bincount(code, weight * (b - a - value)).astype(float)
        size, quantile = _effective_size(pulls, gain + loss - value**2, n, confidence)
    if size < 2:
        reason = "an interval needs two prompts"
        return Figure(value, n=n, confidence=confidence, reason=reason)
    low, high = score_interval(gain, loss, size, quantile, quantile)
    error = math.sqrt(max(gain + loss - value**2, 0.0) / size)
    return Figure(value, low, high, n, confidence, "Tango's score interval", standard_error=error)


def _effective_size(pulls: Floats, variance_of_one: float, n: int, confidence: float) -> tuple[float, float]:
    """Return how many independent pairs tell as much, and the quantile for that many prompts."""
    n_prompts = len(pulls)
    if n_prompts < 2:
        return 0.0, 0.0
    variance = float((pulls**2).sum()) * n_prompts / (n_prompts - 1)
    size = variance_of_one / variance if variance > 0 else float(n_prompts)
    return min(size, float(n)), float(stdtrit(n_prompts - 1, (1 + confidence) / 2))


def score_interval(
    gain: float, loss: float, size: float, low_quantile: float, high_quantile: float
) -> tuple[float, float]:
    """Return the differences gain − loss that a score test of paired proportions does not reject.

    `gain` and `loss` are the shares of pairs that b wins and loses, out of `size` pairs (not necessarily a
    whole number); a quantile for each end. Tango 1998, whose constrained estimate has a closed form.
    """
    difference = gain - loss
    b, c, n = gain * size, loss * size, size

    def score(delta: float) -> float:
        linear = -b - c + (2 * n - b + c) * delta
        root = math.sqrt(max(linear**2 + 8 * n * c * delta * (1 - delta), 0.0))
        lost = (root - linear) / (4 * n)
        variance = n * (2 * lost + delta * (1 - delta))
        return (b - c - n * delta) / math.sqrt(max(variance, 1e-12))

    low = _crossing(lambda delta: score(delta) > low_quantile, -1.0, difference)
    high = _crossing(lambda delta: score(delta) >= -high_quantile, difference, 1.0)
    return min(low, difference), max(high, difference)


def _crossing(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Return where a condition that holds at the low end stops holding, by halving."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if holds(middle):
            low = middle
        else:
            high = middle
    return (low + high) / 2
