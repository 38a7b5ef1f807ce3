"""Counting pairs of rows by two orders at once, in n log n, for rank agreement and paired areas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlm_dash.analysis.figure import Floats, Integers


@dataclass(frozen=True, slots=True)
class Orders:
    """For each row the weight of the others by how they lie to it; all of shape (n,).

    `below_below` is the weight below it in both x and y, `below_above` below in x and above in y, and so on;
    `tied_x`, `tied_y` and `tied_both` the weight at the same x, y, or both, itself included.
    """

    below_below: Floats
    below_above: Floats
    above_below: Floats
    above_above: Floats
    tied_x: Floats
    tied_y: Floats
    tied_both: Floats


def orders(x: Floats, y: Floats, weights: Floats) -> Orders:
    """Return how all rows lie to each row; `x`, `y` and `weights` are finite and of shape (n,)."""
    x_code, y_code = _codes(x), _codes(y)
    below_below = _below_both(x_code, y_code, weights)
    below_x, tied_x, _ = _margins(x_code, weights)
    below_y, tied_y, above_y = _margins(y_code, weights)
    # In the order of x and then y, what lies lower within the same x has a lower y.
    by_x = _codes(x_code * (y_code.max(initial=0) + 1) + y_code)
    by_y = _codes(y_code * (x_code.max(initial=0) + 1) + x_code)
    lower_by_x, tied_both, _ = _margins(by_x, weights)
    tied_below = lower_by_x - below_x
    below_tied = _margins(by_y, weights)[0] - below_y
    below_above = below_x - below_below - below_tied
    above_below = below_y - below_below - tied_below
    above_above = above_y - below_above - (tied_x - tied_below - tied_both)
    return Orders(below_below, below_above, above_below, above_above, tied_x, tied_y, tied_both)


def _codes(values: Floats | Integers) -> Integers:
    """Return the rank of each value among the distinct ones, from 0."""
    codes: Integers = np.unique(values, return_inverse=True)[1].astype(np.int64)
    return codes


def _margins(codes: Integers, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Return for each row the weight of lower, equal and higher codes."""
    here: Floats = np.bincount(codes, weights).astype(float)
    up_to = np.cumsum(here)
    return (up_to - here)[codes], here[codes], (up_to[-1:] - up_to)[codes]


def _below_both(x: Integers, y: Integers, weights: Floats) -> Floats:
    """Return for each row the weight of rows of lower x and lower y, both given as codes.

    Rows are taken by rising x, and by falling y within one x, so that rows before a row that have a lower y
    also have a lower x. Then y is read bit by bit from the highest: of two codes the lower one has a 0 where
    they first differ. Each bit is one pass: rows that agree in the bits above lie together, in the order of
    x, and those with a 1 collect the weight of those with a 0 before them.
    """
    order = np.lexsort((-y, x))
    code, weight, place = y[order], weights[order], order
    found = np.zeros(len(y))
    for bit in range(int(y.max(initial=0)).bit_length() - 1, -1, -1):
        group = code >> (bit + 1)
        is_one = (code >> bit) & 1
        zeros = np.concatenate(([0.0], np.cumsum(np.where(is_one == 0, weight, 0.0))))
        start = np.searchsorted(group, group, side="left")
        found[place] += np.where(is_one == 1, zeros[:-1] - zeros[start], 0.0)
        # Stable: within (group, bit) the order of x stays.
        again = np.argsort(code >> bit, kind="stable")
        code, weight, place = code[again], weight[again], place[again]
    return found
