"""Which rows are to be labelled: samples with known inclusion probabilities, and picks for reading.

Samples are drawn without replacement, of a fixed size (in each stratum), and stand in random order, so that
every prefix of m of n rows is a sample too: a row of it was included with its probability times m / n
(Cochran 1977, Sampling Techniques, ch. 2 and 5). Picks for reading have no such probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tlm_dash.analysis.figure import Bools, Floats, Integers

FIFTHS = (0.2, 0.4, 0.6, 0.8)
"""Quantiles of the score between the usual strata."""

FIFTHS_RATES = (2.0, 2.0, 1.0, 1.0, 1.0)
"""How densely they are drawn, lowest first. With a spread of .49 where 40% are wrong and .22 where 5% are,
Neyman's allocation is about 2 to 1."""

FEWEST_IN_STRATUM = 5


@dataclass(frozen=True, slots=True)
class Stratum:
    """Rows with scores in [`low`, `high`), the last scored one with its end; both None for unscored rows."""

    low: float | None
    high: float | None
    n_population: int
    n_drawn: int

    @property
    def inclusion_probability(self) -> float:
        """Give the chance that each of its rows had."""
        return self.n_drawn / self.n_population


@dataclass(frozen=True)
class Draw:
    """Chosen rows in the order in which they are to be labelled; the arrays have shape (n_items,).

    `rows` are positions in the population. `inclusion_probability` is None for a pick that was not drawn at
    random; `stratum` numbers `strata` and is None where there are none. `is_double`: two people label it.
    """

    rows: Integers
    inclusion_probability: Floats | None
    stratum: Integers | None
    strata: tuple[Stratum, ...]
    is_double: Bools


def draw_uniform(n_population: int, n: int, seed: int, *, double_share: float = 0.0) -> Draw:
    """Draw `n` of `n_population` rows (all, where there are fewer), each with the same chance."""
    random = np.random.default_rng(seed)
    n = _checked_size(n_population, n)
    rows = random.permutation(n_population)[:n]
    chances = np.full(n, n / n_population)
    return Draw(rows, chances, None, (), _doubles(n, double_share, random))


def draw_stratified(
    scores: npt.ArrayLike, n: int, seed: int, *, quantiles: Sequence[float] = FIFTHS,
    rates: Sequence[float] = FIFTHS_RATES, fewest: int = FEWEST_IN_STRATUM, double_share: float = 0.0,
) -> Draw:  # fmt: skip
    """Draw `n` rows by strata of the score, cut at its `quantiles`; unscored rows are the last stratum.

    `scores` has shape (n_population,), NaN where unscored; `rates` says how densely the strata are drawn,
    relative to each other (unscored rows count 1); every stratum gives at least `fewest` rows, or all it has.
    Equal scores share a stratum, so that ties can join strata: then the higher rate holds. Raises ValueError
    where `n` cannot hold one row of each stratum, or for rates that do not fit.
    """
    values = np.asarray(scores, dtype=float)
    n = _checked_size(len(values), n)
    if len(rates) != len(quantiles) + 1 or min(rates) <= 0:
        raise ValueError("there is one positive rate for each stratum")
    random = np.random.default_rng(seed)
    stratum, edges, densities = _strata(values, quantiles, rates)
    sizes = np.bincount(stratum, minlength=len(densities))
    n_drawn = _allocated(sizes, densities, n, fewest)
    drawn = [random.permutation(np.flatnonzero(stratum == h))[:m] for h, m in enumerate(n_drawn)]
    rows = random.permutation(np.concatenate(drawn))
    chances = (n_drawn / sizes)[stratum[rows]]
    ends: list[tuple[float | None, float | None]] = list(zip(edges[:-1], edges[1:], strict=True))
    if len(densities) > len(ends):
        ends.append((None, None))
    strata = tuple(
        Stratum(low, high, int(size), int(m))
        for (low, high), size, m in zip(ends, sizes, n_drawn, strict=True)
    )
    return Draw(rows, chances, stratum[rows], strata, _doubles(n, double_share, random))


def pick_lowest(scores: npt.ArrayLike, n: int, seed: int, *, double_share: float = 0.0) -> Draw:
    """Pick the `n` lowest scores, lowest first; unscored rows are left out, ties stand in random order."""
    return _pick(np.asarray(scores, dtype=float), n, seed, double_share)


def pick_around(
    scores: npt.ArrayLike, threshold: float, n: int, seed: int, *, double_share: float = 0.0
) -> Draw:
    """Pick the `n` scores nearest to a threshold, nearest first; unscored rows are left out."""
    return _pick(np.abs(np.asarray(scores, dtype=float) - threshold), n, seed, double_share)


def pick_disagreeing(
    scores: npt.ArrayLike, others: npt.ArrayLike, n: int, seed: int, *, double_share: float = 0.0
) -> Draw:
    """Pick the `n` rows that two runs rank most differently, most different first.

    Both are scores of shape (n_population,) of the same items, NaN where one run has none: those rows are
    left out. Ranks, not sizes, are compared, because scores of two scorers are of two scales.
    """
    mine, theirs = np.asarray(scores, dtype=float), np.asarray(others, dtype=float)
    both = ~(np.isnan(mine) | np.isnan(theirs))
    apart = np.full(len(mine), np.nan)
    apart[both] = -np.abs(_midranks(mine[both]) - _midranks(theirs[both]))
    return _pick(apart, n, seed, double_share)


def _pick(key: Floats, n: int, seed: int, double_share: float) -> Draw:
    random = np.random.default_rng(seed)
    candidates = random.permutation(np.flatnonzero(~np.isnan(key)))
    n = _checked_size(len(candidates), n)
    rows = candidates[np.argsort(key[candidates], kind="stable")][:n]
    return Draw(rows, None, None, (), _doubles(n, double_share, random))


def _checked_size(n_population: int, n: int) -> int:
    if n < 1 or n_population < 1:
        raise ValueError("there is nothing to draw")
    return min(n, n_population)


def _doubles(n: int, share: float, random: np.random.Generator) -> Bools:
    """Draw which places of the order go to two people: the share, rounded."""
    chosen = np.zeros(n, dtype=bool)
    chosen[random.permutation(n)[: round(share * n)]] = True
    return chosen


def _strata(
    values: Floats, quantiles: Sequence[float], rates: Sequence[float]
) -> tuple[Integers, list[float], Floats]:
    """Give each row's stratum, the edges of the scored strata, and the rate of each stratum."""
    scored = ~np.isnan(values)
    stratum = np.zeros(len(values), dtype=np.int64)
    edges: list[float] = []
    densities: list[float] = []
    if scored.any():
        known = values[scored]
        cuts = np.quantile(known, quantiles, method="inverted_cdf") if len(quantiles) else np.array([])
        raw = np.searchsorted(cuts, known, side="right")
        present, codes = np.unique(raw, return_inverse=True)
        stratum[scored] = codes
        edges = [float(known.min()), *(float(cuts[p - 1]) for p in present[1:]), float(known.max())]
        bounds = [*present[1:], len(rates)]
        densities = [max(rates[p:end]) for p, end in zip([0, *present[1:]], bounds, strict=True)]
    if not scored.all():
        stratum[~scored] = len(densities)
        densities.append(1.0)
    return stratum, edges, np.array(densities)


def _allocated(sizes: Integers, densities: Floats, n: int, fewest: int) -> Integers:
    """Share out `n` rows by size times density, at least `fewest` of each stratum or all, to the very sum."""
    floor = np.minimum(sizes, fewest)
    if floor.sum() > n:
        floor = np.minimum(sizes, max(1, n // len(sizes)))
    if floor.sum() > n:
        raise ValueError("the plan has fewer rows than there are strata")
    shares = floor.astype(float)
    # What a full stratum cannot take goes to the others, until nothing is left over.
    low, high = 0.0, float(1 / densities.min())
    for _ in range(50):
        middle = (low + high) / 2
        shares = np.clip(middle * sizes * densities, floor, sizes)
        low, high = (middle, high) if shares.sum() < n else (low, middle)
    whole: Integers = np.floor(shares).astype(np.int64)
    order = np.argsort(-(shares - whole), kind="stable")
    for h in [*order, *order]:
        if whole.sum() < n and whole[h] < sizes[h]:
            whole[h] += 1
    return whole


def _midranks(values: Floats) -> Floats:
    """Give ranks in (0, 1), equal values sharing the mean of theirs."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    return ((np.cumsum(counts) - (counts - 1) / 2.0)[group] - 0.5) / max(1, len(values))
