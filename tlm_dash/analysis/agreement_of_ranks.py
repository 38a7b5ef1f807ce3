"""Do two scores put the same rows first? Rank correlations with intervals, and the overlap of the lowest."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from tlm_dash.analysis.dominance import orders
from tlm_dash.analysis.figure import Figure, Floats

_FEWEST = 5


def kendall_tau(
    x: npt.ArrayLike, y: npt.ArrayLike, confidence: float = 0.95, *, prompts: npt.ArrayLike | None = None
) -> Figure:
    """Return Kendall's tau-b of two scores of the same rows, with its interval.

    Both are finite and of shape (n,); `prompts` holds a code of each row's prompt where prompts repeat. Tau-b
    is a ratio of three U-statistics (pairs in the same order less pairs in the opposite one, pairs not tied
    in x, pairs not tied in y). Its variance is that of its projection (Hoeffding 1948), summed over prompts;
    the interval is Student's t on Fisher's scale. The cost is n log n.
    """
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    n = len(first)
    seen = orders(first, second, np.ones(n))
    others = max(n - 1, 1)
    order = (seen.below_below + seen.above_above - seen.below_above - seen.above_below) / others
    apart_x, apart_y = (n - seen.tied_x) / others, (n - seen.tied_y) / others
    return _ratio(2 * order, 2 * apart_x, 2 * apart_y, confidence, prompts, degree=2)


def spearman_rho(
    x: npt.ArrayLike, y: npt.ArrayLike, confidence: float = 0.95, *, prompts: npt.ArrayLike | None = None
) -> Figure:
    """Return Spearman's rank correlation of two scores of the same rows, with its interval.

    Shapes as in `kendall_tau`. It is the correlation of midranks: a ratio of three U-statistics of degree 3,
    whose projections are sums over rows that lie lower less rows that lie higher. Variance and interval as
    for tau.
    """
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    a, b = _centred_ranks(first), _centred_ranks(second)
    product = a * b - _lean(first, b) - _lean(second, a)
    square_x, square_y = a * a - 2 * _lean(first, a), b * b - 2 * _lean(second, b)
    return _ratio(product, square_x, square_y, confidence, prompts, degree=3)


def overlap_of_lowest(
    x: npt.ArrayLike, y: npt.ArrayLike, shares: Sequence[float]
) -> tuple[float | None, ...]:
    """Return for each share which part of that share of lowest scores of one run is also in the other's.

    Both are finite and of shape (n,). Rows tied at the cut are in it in part: the mean over all ways of
    breaking ties, one way for each score on its own. None without rows.
    """
    first, second = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    wanted = [share * len(first) for share in shares]
    if not len(first):
        return tuple(None for _ in shares)
    low_x, low_y = _chances_low(first, wanted), _chances_low(second, wanted)
    return tuple(
        float((one * other).sum() / number) for one, other, number in zip(low_x, low_y, wanted, strict=True)
    )


def _ratio(
    top: Floats, left: Floats, right: Floats, confidence: float, prompts: npt.ArrayLike | None, *, degree: int
) -> Figure:
    """Return top / √(left · right) of three U-statistics, each given by its projection at every row.

    A projection's mean is `degree` times the statistic.
    """
    n = len(top)
    if n < _FEWEST:
        return Figure(None, n=n, confidence=confidence, reason=f"fewer than {_FEWEST} rows have both scores")
    means = [float(part.mean()) / degree for part in (top, left, right)]
    if means[1] <= 0 or means[2] <= 0:
        return Figure(None, n=n, confidence=confidence, reason="all scores of a run are equal")
    value = means[0] / math.sqrt(means[1] * means[2])
    pulls = (top - top.mean()) / math.sqrt(means[1] * means[2])
    pulls -= 0.5 * value * ((left - left.mean()) / means[1] + (right - right.mean()) / means[2])
    code = np.arange(n) if prompts is None else np.unique(np.asarray(prompts), return_inverse=True)[1]
    sums = np.bincount(code, pulls)
    groups = len(sums)
    # Rounding may leave the value of equal orders a little above 1.
    value = min(max(value, -1.0), 1.0)
    if groups < _FEWEST:
        return Figure(value, n=n, confidence=confidence, reason=f"fewer than {_FEWEST} prompts")
    error = math.sqrt(float((sums**2).sum()) * groups / (groups - 1)) / n
    if error < 1e-12 or abs(value) > 1 - 1e-12:
        reason = "the orders are the same throughout, which no interval can be built on"
        return Figure(value, n=n, confidence=confidence, reason=reason)
    half = float(stdtrit(groups - 1, (1 + confidence) / 2)) * error / (1 - value**2)
    centre = math.atanh(value)
    return Figure(
        value, math.tanh(centre - half), math.tanh(centre + half), n, confidence,
        "variance of the U-statistic, Fisher's scale", standard_error=error,
    )  # fmt: skip


def _centred_ranks(values: Floats) -> Floats:
    """Return the share of rows below less the share above; the mean over all rows is 0."""
    return _sums_below_less_above(values, np.ones(len(values))) / max(len(values), 1)


def _lean(values: Floats, amounts: Floats) -> Floats:
    """Return the mean over all rows of their amount, counted negative where they lie above the row."""
    return _sums_below_less_above(values, amounts) / max(len(values), 1)


def _sums_below_less_above(values: Floats, amounts: Floats) -> Floats:
    _, group = np.unique(values, return_inverse=True)
    here = np.bincount(group, amounts)
    up_to = np.cumsum(here)
    return ((up_to - here) - (up_to[-1:] - up_to))[group]


def _chances_low(values: Floats, wanted: Sequence[float]) -> list[Floats]:
    """Return each row's part in so many lowest: 1, 0, or the same for all that tie at the cut."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    before = np.cumsum(counts) - counts
    return [np.clip((number - before) / counts, 0.0, 1.0)[group] for number in wanted]
