"""The labelled rows that estimates stand on: those of a sample, scored, one for each distinct prompt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.figure import Bools, Floats, Integers


@dataclass(frozen=True)
class LabelledSample:
    """Labelled, scored rows, each of another prompt: `scores`, `wrong` and `weights` have shape (n,).

    `is_uniform` says that every row of the run had the same chance of being here; then the weights are 1,
    else they stand for the rows of the run that each row speaks for. `n_open` rows of the sample have no
    usable label, `n_repeats` labelled rows were left out because another row of their prompt is here.
    """

    scores: Floats
    wrong: Bools
    weights: Floats
    is_uniform: bool
    n_open: int
    n_repeats: int

    def __len__(self) -> int:
        return len(self.scores)


def draw_sample(
    *, scores: npt.ArrayLike, labels: npt.ArrayLike, prompts: npt.ArrayLike, in_sample: npt.ArrayLike,
    is_open: npt.ArrayLike, weights: npt.ArrayLike, is_uniform: bool, open_as_wrong: bool = False,
    seed: int = 0,
) -> LabelledSample:  # fmt: skip
    """Give the labelled, scored rows of a sample, one for each distinct prompt, drawn by the seed.

    All are of shape (n,), the rows of a run: scores NaN where unscored, labels 1, 0 or NaN, prompts a code of
    the distinct prompts, `in_sample` and `is_open` booleans, weights 1 / inclusion probability. With
    `open_as_wrong` the open rows are taken as wrong instead of left out.

    Of a weighted sample two things are put right: the row drawn for a prompt speaks for all sampled rows of
    that prompt, and the labelled rows of a weight also for the open ones of the same weight.
    """
    values, answers = np.asarray(scores, dtype=float), np.asarray(labels, dtype=float)
    opened = np.asarray(is_open, dtype=bool)
    drawn = np.asarray(in_sample, dtype=bool) & ~np.isnan(values)
    is_open_here = drawn & (opened | np.isnan(answers))
    usable = drawn if open_as_wrong else drawn & ~is_open_here
    rows = np.flatnonzero(usable)
    kept, n_alike = one_of_each(np.asarray(prompts)[rows], seed)
    rows = rows[kept]
    weight = np.ones(len(rows))
    if not is_uniform:
        raw = np.asarray(weights, dtype=float)
        weight = raw[rows] * n_alike * response_factor(raw, drawn, usable)[rows]
    wrong = np.where(is_open_here[rows], True, answers[rows] == 0.0)
    return LabelledSample(
        values[rows], wrong, weight, is_uniform, int(is_open_here.sum()), int(usable.sum()) - len(rows)
    )


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
