"""The rows that a target was asked of, as ranges of item numbers: its promise stays with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from tlm_dash.services.labelled import LabelledRun
from tlm_dash.store.questions import AskedQuestion

Ranges = tuple[tuple[int, int], ...]
Bools = npt.NDArray[np.bool_]


def ranges_of(item_nos: npt.NDArray[np.int64]) -> Ranges:
    """Give item numbers as [first, last] of each unbroken range."""
    numbers = np.unique(item_nos)
    if not len(numbers):
        return ()
    ends = np.flatnonzero(np.diff(numbers) > 1)
    firsts, lasts = numbers[np.r_[0, ends + 1]], numbers[np.r_[ends, len(numbers) - 1]]
    return tuple(zip(firsts.tolist(), lasts.tolist(), strict=True))


def is_within(item_nos: npt.NDArray[np.int64], ranges: Sequence[tuple[int, int]]) -> Bools:
    """Tell which item numbers lie in one of some ranges, whatever their order."""
    found = np.zeros(len(item_nos), dtype=bool)
    if not ranges:
        return found
    firsts, lasts = np.array(sorted(ranges), dtype=np.int64).T
    at = np.searchsorted(firsts, item_nos, side="right") - 1
    return np.asarray((at >= 0) & (item_nos <= np.maximum.accumulate(lasts)[at]), dtype=bool)


def on_rows(run: LabelledRun, asked: AskedQuestion) -> LabelledRun:
    """Give a run whose sample is only the rows that a target was asked of.

    Labels of these rows that were corrected since count as they are now. Rows labelled since are left out,
    and those that were open then stay open: to answer them and ask again would be another look.
    """
    basis = run.basis
    kept = basis.in_sample & is_within(run.item_no, asked.item_ranges)
    left_open = kept & (basis.is_open | is_within(run.item_no, asked.open_ranges))
    is_whole = bool((kept == basis.in_sample).all())
    if is_whole and bool((left_open == basis.is_open).all()):
        return run
    words = basis.sentence
    if not is_whole:
        words += f"; of these the {int(kept.sum()):,} that were asked"
    narrowed = replace(
        basis, in_sample=kept, is_open=left_open, sentence=words,
        weight=np.where(kept, basis.weight, np.nan),
    )  # fmt: skip
    return replace(run, basis=narrowed)
