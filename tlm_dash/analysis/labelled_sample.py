"""The labelled rows that estimates stand on: those of a sample that have a score, with their prompts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.figure import Bools, Floats, Integers

HEAVY_ROWS, HEAVY_SHARE = 20, 0.01
"""A prompt with more rows than this, and more than this share of the run, is heavy."""


@dataclass(frozen=True)
class LabelledSample:
    """Labelled, scored rows: `scores`, `wrong` and `weights` have shape (n,).

    `is_uniform` says that every row of the run had the same chance of being here; then the weights are 1,
    else they stand for the rows of the run that each row speaks for. `n_open` rows of the sample have no
    usable label. `prompts` is a code of each row's prompt, None where no two rows share one or where rows are
    requests of their own; `is_heavy` marks the rows of heavy prompts, None where there is none.
    """

    scores: Floats
    wrong: Bools
    weights: Floats
    is_uniform: bool
    n_open: int = 0
    prompts: Integers | None = None
    is_heavy: Bools | None = None

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def n_prompts(self) -> int:
        """Distinct prompts of the rows."""
        return len(self) if self.prompts is None else len(np.unique(self.prompts))

    def as_requests(self) -> LabelledSample:
        """Give the rows as requests of their own: their prompts have no part in any test."""
        return replace(self, prompts=None, is_heavy=None)


def draw_sample(
    *, scores: npt.ArrayLike, labels: npt.ArrayLike, prompts: npt.ArrayLike, in_sample: npt.ArrayLike,
    is_open: npt.ArrayLike, weights: npt.ArrayLike, is_uniform: bool, open_as_wrong: bool = False,
) -> LabelledSample:  # fmt: skip
    """Give the labelled, scored rows of a sample, every row that was drawn.

    All are of shape (n,), the rows of a run: scores NaN where unscored, labels 1, 0 or NaN, prompts a code of
    the distinct prompts, `in_sample` and `is_open` booleans, weights 1 / inclusion probability. With
    `open_as_wrong` the open rows are taken as wrong instead of left out. In a weighted sample the labelled
    rows of a weight also speak for the open ones of the same weight.
    """
    values, answers = np.asarray(scores, dtype=float), np.asarray(labels, dtype=float)
    opened, codes = np.asarray(is_open, dtype=bool), np.asarray(prompts, dtype=np.int64)
    drawn = np.asarray(in_sample, dtype=bool) & ~np.isnan(values)
    is_open_here = drawn & (opened | np.isnan(answers))
    usable = drawn if open_as_wrong else drawn & ~is_open_here
    rows = np.flatnonzero(usable)
    weight = np.ones(len(rows))
    if not is_uniform:
        raw = np.asarray(weights, dtype=float)
        weight = raw[rows] * response_factor(raw, drawn, usable)[rows]
    wrong = np.where(is_open_here[rows], True, answers[rows] == 0.0)
    here, heavy = codes[rows], heavy_rows(codes)[rows]
    repeats = len(np.unique(here)) < len(here)
    return LabelledSample(
        values[rows], wrong, weight, is_uniform, int(is_open_here.sum()),
        here if repeats else None, heavy if repeats and heavy.any() else None,
    )  # fmt: skip


def heavy_rows(prompts: Integers) -> Bools:
    """Mark the rows of heavy prompts; shape (n,), the rows of a run. It looks at no label."""
    if not len(prompts):
        return np.zeros(0, dtype=bool)
    _, inverse, counts = np.unique(prompts, return_inverse=True, return_counts=True)
    is_heavy = (counts > HEAVY_ROWS) & (counts > HEAVY_SHARE * len(prompts))
    return np.asarray(is_heavy[inverse], dtype=bool)


def response_factor(weights: Floats, drawn: Bools, usable: Bools) -> Floats:
    """Give what lets the usable rows of a weight speak also for the other drawn rows of that weight.

    All are of shape (n,): for each row the drawn rows of its weight over the usable ones, strata of one
    weight taken together (weighting classes: Cochran 1977, ch. 13). 1 where every drawn row is usable.
    """
    factor = np.ones(len(weights))
    if (drawn == usable).all():
        return factor
    for weight in np.unique(weights[usable]):
        same = weights == weight
        factor[same] = (drawn & same).sum() / (usable & same).sum()
    return factor
