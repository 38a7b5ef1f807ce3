"""Quantiles of measured times with intervals that hold for any distribution, and the ratio of two."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, bdtrik

from tlm_dash.analysis.figure import Figure


def quantile_figure(values: npt.ArrayLike, level: float, confidence: float = 0.95) -> Figure:
    """Return a quantile (linear between ranks) of finite values of shape (n,), in their unit.

    The interval lies between the ranks that the binomial distribution gives (Thompson 1936).
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    n = len(ordered)
    if not n:
        return Figure(None, confidence=confidence, reason="nothing was measured")
    value = float(np.quantile(ordered, level))
    shares = (1 - confidence) / 2, (1 + confidence) / 2
    low, high = (_binomial_quantile(share, n, level) for share in shares)
    if low < 1 or high >= n:
        return Figure(value, n=n, confidence=confidence, reason="too few values for an interval")
    ends = float(ordered[low - 1]), float(ordered[high])
    return Figure(value, *ends, n, confidence, "order statistics")


def _binomial_quantile(share: float, n: int, chance: float) -> int:
    """Return the smallest number of hits among n that is not exceeded with probability `share`."""
    near: int = math.ceil(bdtrik(share, n, chance))
    return near - 1 if near > 0 and bdtr(near - 1, n, chance) >= share else near


def ratio_figure(top: Figure, bottom: Figure) -> Figure:
    """Return top / bottom of two positive figures, with an interval put together from theirs.

    On the logarithmic scale, as if they were independent (Zou & Donner 2008): wider than needed where both
    stand on the same rows.
    """
    n = min(top.n, bottom.n)
    ends = (top.low, top.high, bottom.low, bottom.high)
    if not top.value or not bottom.value or any(end is None or end <= 0 for end in ends):
        return Figure(None, n=n, confidence=top.confidence, reason="a figure or its interval is missing")
    low_top, high_top, low_bottom, high_bottom = (math.log(end) for end in ends if end is not None)
    first, second = math.log(top.value), math.log(bottom.value)
    down = math.hypot(first - low_top, high_bottom - second)
    up = math.hypot(high_top - first, second - low_bottom)
    ratio = first - second
    return Figure(math.exp(ratio), math.exp(ratio - down), math.exp(ratio + up), n, top.confidence, "MOVER")
