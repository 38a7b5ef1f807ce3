"""Labelled rows above each threshold, prompt by prompt, and the test that takes prompts as its units.

Where a prompt is asked more than once its rows tend to be right or wrong together, so that rows drawn from
few prompts say less of new prompts than as many separate ones. Outcomes are taken as independent between
prompts, with anything within. Let prompt g have a_g accepted labelled rows, W_g of them wrong, W the sum of
W_g. The hypothesis is: the sum of a_g mu_g is more than r times the sum of a_g, mu_g = E W_g / a_g. For any
W_g in [0, a_g] convexity gives E exp(-theta W_g) <= 1 - mu_g k_g with k_g = 1 - exp(-theta a_g), hence

    p = min over theta of exp(theta W) * max over mu in H of the product of (1 - mu_g k_g)

(Chernoff 1952, Hoeffding 1963; the allocation is our own, and tests/benchmarks/threshold_guarantee.py is part
of its definition). The logarithm of the product is concave; its maximum, the least favourable spread, is
mu_g = clip(1/k_g - 1/(nu a_g), 0, 1), with nu so that the sum is met. Only distinct sizes matter. A bound
that holds for each theta holds for the least of them, since it bounds the same lower tail of W.

Heavy prompts (analysis/labelled_sample.py) are taken as they are, not as draws: with their A_h accepted and
W_h wrong rows the others are tested at r' = r + (r A_h - W_h) / A_l.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import bdtr, betaincinv

from tlm_dash.analysis.figure import Bools, Floats, Integers

THETAS = np.r_[np.geomspace(0.005, 6, 28), 20.0]
_HALVINGS = 44


@dataclass(frozen=True)
class PromptCounts:
    """Labelled rows that each of k thresholds accepts, by prompt.

    `sizes` of shape (s,) are the numbers of accepted rows that a prompt can have; `of_size` of shape (k, s)
    counts the prompts of each size, heavy ones apart. `wrong` are the wrong rows of those, `heavy_rows` and
    `heavy_wrong` the rows of heavy prompts and the wrong ones among them, of shape (k,) each.
    """

    sizes: Floats
    of_size: Floats
    wrong: Floats
    heavy_rows: Floats
    heavy_wrong: Floats

    @property
    def light_rows(self) -> Floats:
        """Accepted labelled rows of prompts that are not heavy, shape (k,)."""
        return np.asarray(self.of_size @ self.sizes, dtype=float)

    def with_errors(self, n_wrong: int) -> PromptCounts:
        """Give what these rows would look like with so few wrong ones, none of a heavy prompt."""
        wrong = np.minimum(float(n_wrong), self.light_rows)
        return replace(self, wrong=wrong, heavy_wrong=np.zeros(len(wrong)))

    def p_values(self, max_risk: float, at: Bools | None = None) -> Floats:
        """Return p of "more than `max_risk` of the accepted is wrong" for each threshold, shape (k,).

        `at` tells which thresholds it is wanted for; the others have 1.
        """
        light = self.light_rows
        room = max_risk * (light + self.heavy_rows) - self.heavy_wrong
        reduced = np.divide(room, light, out=np.zeros(len(light)), where=light > 0)
        p = np.where((room > 0) | ((light == 0) & (room == 0)), 0.0, 1.0)
        p[light + self.heavy_rows == 0] = 1.0
        tested = (light > 0) & (reduced > 0) & (reduced < 1)
        if at is not None:
            p[~at] = 1.0
            tested &= at
        single = tested & self._is_single
        p[single] = bdtr(self.wrong[single], light[single].astype(int), reduced[single])
        several = np.flatnonzero(tested & ~self._is_single)
        if len(several):
            p[several] = _least_favourable(self, several, reduced[several])
        return p

    def upper_ends(self, error: float) -> Floats:
        """Return the risks above which `p_values` is at most `error`, for each threshold; shape (k,)."""
        light = self.light_rows
        high = np.ones(len(light))
        single = np.flatnonzero(self._is_single & (light > self.wrong))
        wrong, rows = self.wrong[single], light[single]
        high[single] = betaincinv(wrong + 1, np.maximum(rows - wrong, 1), 1 - error)
        several = np.flatnonzero(~self._is_single)
        if len(several):
            high[several] = _highest_kept(self, several, error)
        total = light + self.heavy_rows
        wrong_rows = np.where(light > 0, high * light, 0.0) + self.heavy_wrong
        return np.where(total > 0, wrong_rows / np.maximum(total, 1), 1.0)

    @property
    def _is_single(self) -> Bools:
        """True where no two accepted rows of light prompts share one: the binomial test is exact there."""
        return np.asarray((self.of_size[:, self.sizes > 1] == 0).all(axis=1), dtype=bool)


def prompt_counts(
    first: Integers, wrong: Bools, prompts: Integers, is_heavy: Bools, k: int
) -> PromptCounts:  # fmt: skip
    """Count accepted rows by prompt for k thresholds; n log n.

    All are of shape (n,): `first` is the first threshold that accepts a row, k where none does.
    """

    def summed(chosen: Bools) -> Floats:
        return np.asarray(np.cumsum(np.bincount(first[chosen], minlength=k + 1))[:k], dtype=float)

    order = np.lexsort((first, prompts))
    order = order[~is_heavy[order]]
    codes, entered = prompts[order], first[order]
    begins = np.r_[True, codes[1:] != codes[:-1]] if len(codes) else np.zeros(0, dtype=bool)
    starts = np.flatnonzero(begins)
    # The n-th row of a prompt to be accepted makes it a prompt of n rows, and one of n - 1 the fewer.
    nth = np.arange(len(order)) - starts[np.cumsum(begins) - 1] + 1 if len(order) else order
    width = int(nth.max(initial=1)) + 1
    steps = np.zeros((k + 1) * width)
    steps += np.bincount(entered * width + nth, minlength=len(steps))
    steps -= np.bincount(entered * width + nth - 1, minlength=len(steps))
    of_size = np.cumsum(steps.reshape(k + 1, width), axis=0)[:k, 1:]
    present = (of_size > 0).any(axis=0)
    return PromptCounts(
        np.arange(1, width, dtype=float)[present], of_size[:, present], summed(wrong & ~is_heavy),
        summed(is_heavy), summed(is_heavy & wrong),
    )  # fmt: skip


class _Spreads:
    """The least favourable spreads of k thresholds at every theta, by the logarithm v of 1/nu.

    log(1 - mu_g k_g) = clip(v + log(k_g / a_g), -theta a_g, 0): so v runs from where all of a prompt's rows
    are wrong to where none is. Arrays have the shape (k, thetas, sizes).
    """

    def __init__(self, counts: PromptCounts, chosen: Integers, thetas: Floats = THETAS) -> None:
        of_size = counts.of_size[chosen]
        present = (of_size > 0).any(axis=0)
        self.sizes, self.of_size = counts.sizes[present], of_size[:, present]
        self.wrong = counts.wrong[chosen]
        self.rows = self.of_size @ self.sizes
        self._most = thetas[:, None] * self.sizes
        self._k = -np.expm1(-self._most)
        self._slope = np.log(self._k / self.sizes)
        shape = (len(chosen), len(thetas))
        self.low = np.full(shape, float((-self._slope - self._most).min()))
        self.high = np.full(shape, float((-self._slope).max()))

    def logs(self, v: Floats) -> Floats:
        return np.asarray(np.clip(v[:, :, None] + self._slope, -self._most, 0.0), dtype=float)

    def log_product(self, v: Floats) -> Floats:
        return np.asarray(np.einsum("tjs,ts->tj", self.logs(v), self.of_size), dtype=float)

    def share_wrong(self, v: Floats) -> Floats:
        mu = -np.expm1(self.logs(v)) / self._k
        rows = self.of_size * self.sizes
        return np.asarray(np.einsum("tjs,ts->tj", mu, rows) / self.rows[:, None], dtype=float)


def _least_favourable(counts: PromptCounts, chosen: Integers, risk: Floats) -> Floats:
    """Return p for the chosen thresholds, the light prompts of each tested at a risk of its own."""
    # Without an error the largest theta gives the least product.
    thetas = THETAS if counts.wrong[chosen].any() else THETAS[-1:]
    spreads = _Spreads(counts, chosen, thetas)
    low, high = spreads.low, spreads.high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_more = spreads.share_wrong(middle) >= risk[:, None]
        low, high = np.where(is_more, middle, low), np.where(is_more, high, middle)
    # Errs to the larger p: at `high` the spread has a trifle less wrong than it must have.
    logs = spreads.log_product(high) + thetas * spreads.wrong[:, None]
    return np.asarray(np.exp(np.minimum(logs.min(axis=1), 0.0)), dtype=float)


def _highest_kept(counts: PromptCounts, chosen: Integers, error: float) -> Floats:
    """Return the risk of the light prompts at which p reaches `error`, for the chosen thresholds."""
    spreads = _Spreads(counts, chosen)
    wanted = np.log(error) - THETAS * spreads.wrong[:, None]
    low, high = spreads.low, spreads.high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        is_kept = spreads.log_product(middle) >= wanted
        low, high = np.where(is_kept, low, middle), np.where(is_kept, middle, high)
    never = spreads.log_product(spreads.low) > wanted
    # Errs to the outside: at `low` the spread has a trifle more wrong than it must have.
    return np.asarray(np.where(never, 1.0, spreads.share_wrong(low)).min(axis=1), dtype=float)
