"""A threshold with a guarantee: at most a share r of the accepted rows is wrong, with confidence c.

Fixed sequences from several starts over a grid of thresholds. Each threshold's hypothesis is "more than r of
the rows that it accepts are wrong". Before any label is looked at, the error a = 1 - c is shared out: 15% in
equal parts over the grid (the upper ends of the band, `tlm_dash.analysis.risk_coverage`), 25% to the
strictest threshold that can afford two errors at that level (none, where two take more than 40% of the
labelled rows), 20%, 15% and 25% to the first thresholds that accept 20%, 50% and 100% of the scored rows.
Going from strict to loose with a carried level that begins at 0, each threshold is tested at what is carried
plus its own shares: a rejection carries on what it was tested with (all but the band's part), anything else
carries nothing. The loosest threshold that is rejected is the answer. This is the fallback procedure (Wiens
2003; as a graph: Bretz, Maurer, Brannath & Posch 2009; several starts: Learn then Test, Angelopoulos, Bates,
Candès, Jordan & Lei 2021): the chance that any rejected hypothesis is true is at most a, because a level that
was handed on had been spent on a rejection. With its own part every threshold is rejected where the band's
upper end is within r.

A share whose start could not be reached even without a single error is handed on to the next start: what a
threshold accepts is known without labels, so nothing is looked at.

The test of a row is the exact binomial one; where prompts repeat, one that takes prompts as units must reject
too, each at the full level (`tlm_dash.analysis.prompt_counts`); for weighted rows it is the betting test of
`tlm_dash.analysis.betting`, at what is carried and the starts alone, beside the band.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import bdtr

from tlm_dash.analysis.accepted_counts import AcceptedCounts
from tlm_dash.analysis.betting import betting_p_values
from tlm_dash.analysis.figure import Bools, Floats, Integers
from tlm_dash.analysis.labelled_sample import LabelledSample
from tlm_dash.analysis.risk_coverage import BAND_SHARE, RiskBand, risk_band
from tlm_dash.analysis.threshold_grid import ThresholdGrid

EARLY_SHARE = 0.4
"""Two errors are afforded at the first start where that takes at most this share of the labelled rows.

Later they cost more answers than they save. AUROC .86, 15% wrong, 500 labels a setting: at the level of one
setting two take 33% of the rows and give an answer in 68% of files, none in 53%; at that of one among nine
they take 44% and give one in 55%, none in 78%.
"""

STRICT_SHARE = 0.25
"""Of the error, for the strictest threshold where that many errors are affordable."""

COVERAGE_SHARES = ((0.2, 0.2), (0.5, 0.15), (1.0, 0.25))
"""A share of the scored rows, and what the first threshold that accepts as many has of the error."""

_BLOCK = 6
"""Thresholds that are looked at together for the first start: usually one of the first has it."""

Method = Literal["rows", "rows and prompts", "weighted"]


@dataclass(frozen=True)
class Levels:
    """How the error is shared out: `starts` of shape (..., k), what each threshold adds to what is carried;
    `band`, what each has besides that is not carried on."""

    starts: Floats
    band: float


@dataclass(frozen=True)
class GuaranteedThreshold:
    """The answer. `index` is the position in the grid, None where no threshold can be guaranteed.

    `rejected` tells for each threshold of the grid whether at most `max_risk` is guaranteed above it,
    `tested_at` at which level it was tested; `p_row` and `p_prompt` are the two tests' p (None where there is
    no second test). `band` is the band of the same labels, with which all of this holds together.
    """

    index: int | None
    max_risk: float
    method: Method
    levels: Levels
    rejected: Bools
    tested_at: Floats
    p_row: Floats
    p_prompt: Floats | None
    band: RiskBand

    @property
    def starts(self) -> tuple[tuple[int, float], ...]:
        """Positions in the grid that have a share of their own, with that share of the error, in order."""
        error = 1 - self.band.confidence
        return tuple(
            (int(at), float(self.levels.starts[at] / error)) for at in np.flatnonzero(self.levels.starts)
        )


def guaranteed_threshold(
    grid: ThresholdGrid, sample: LabelledSample, max_risk: float, confidence: float = 0.95
) -> GuaranteedThreshold:
    """Return the loosest threshold whose accepted rows are wrong in at most `max_risk`, with confidence.

    `max_risk` and `confidence` are fractions in (0, 1). The guarantee speaks of future rows drawn like those
    of the sample; for weighted samples of the rows that the sample was drawn from. Raises ValueError for
    fractions outside (0, 1).
    """
    return guaranteed_within(risk_band(grid, sample, confidence), max_risk)


def guaranteed_within(band: RiskBand, max_risk: float) -> GuaranteedThreshold:
    """Return the same for a sample whose band is there already."""
    if not 0 < max_risk < 1:
        raise ValueError("max_risk must lie between 0 and 1")
    counts, error = band.counts, 1 - band.confidence
    if not len(band.grid):
        nothing = np.empty(0)
        return GuaranteedThreshold(
            None, max_risk, method_of(counts), Levels(nothing, 0.0), nothing.astype(bool), nothing, nothing,
            None, band,
        )  # fmt: skip
    positions = coverage_positions(band.grid)
    if counts.is_uniform:
        p_some = early_only(_p(counts.with_errors(2), max_risk, error, first_only=True), counts.n)
        levels = shared_levels(p_some, _p(counts.with_errors(0), max_risk, error), positions, error)
        p_row = row_p_values(counts.n, counts.n_wrong, max_risk)
        p_prompt = None if counts.prompts is None else counts.prompts.p_values(max_risk, p_row <= error)
        p = p_row if p_prompt is None else np.maximum(p_row, p_prompt)
        rejected, tested_at = walk(p, levels, band.is_within(max_risk))
    else:
        levels = _weighted_levels(counts, max_risk, positions, error)
        most = np.cumsum(levels.starts)
        p_row = betting_p_values(counts, max_risk, np.where(most > 0, most, error))
        p_prompt = None
        rejected, tested_at = walk(p_row, Levels(levels.starts, 0.0), band.is_within(max_risk))
    index = int(np.flatnonzero(rejected)[-1]) if rejected.any() else None
    return GuaranteedThreshold(
        index, max_risk, method_of(counts), levels, rejected, tested_at, p_row, p_prompt, band
    )


def method_of(counts: AcceptedCounts) -> Method:
    """Name the test that these counts call for."""
    if not counts.is_uniform:
        return "weighted"
    return "rows" if counts.prompts is None else "rows and prompts"


def row_p_values(n: Floats, n_wrong: Floats, max_risk: float) -> Floats:
    """Return the chance of so few wrong ones among n if `max_risk` of all were wrong (binomial).

    For rows drawn without replacement the count is hypergeometric, whose lower tail lies below the binomial's
    where a test rejects (Hoeffding 1963; Uhlmann 1966).
    """
    return np.asarray(bdtr(n_wrong, n.astype(int), max_risk), dtype=float)


def rows_needed(n_wrong: int, max_risk: float, confidence: float) -> int:
    """Return the fewest accepted labelled rows that reject with `n_wrong` errors: 59 at 5%, 95%, none."""
    low, high = n_wrong, max(1, n_wrong)
    while bdtr(float(n_wrong), high, max_risk) > 1 - confidence + 1e-12:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        is_enough = bdtr(float(n_wrong), middle, max_risk) <= 1 - confidence + 1e-12
        low, high = (low, middle) if is_enough else (middle, high)
    return high


def fewest_labels(max_risk: float, confidence: float) -> int:
    """Return how many labels without a single error give an answer at the least: 62 at 5% and 95%."""
    return rows_needed(0, max_risk, 1 - (1 - BAND_SHARE) * (1 - confidence))


def coverage_positions(grid: ThresholdGrid) -> Integers:
    """Give the first thresholds that accept 20%, 50% and 100% of the scored rows; shape (3,)."""
    wanted = np.array([share for share, _ in COVERAGE_SHARES]) * grid.n_scored - 1e-9
    return np.searchsorted(grid.n_accepted, wanted).astype(np.int64)


def shared_levels(p_some: Floats, p_none: Floats, positions: Integers, error: float) -> Levels:
    """Share the error out over thresholds, looking at no label; the p have the shape (..., k).

    `p_some` would be found with the errors that the first start is to afford (`early_only`), `p_none` without
    any.
    """
    k = p_none.shape[-1]
    band = BAND_SHARE * error / k
    strict = STRICT_SHARE * error
    affords = p_some <= strict + band
    affords = np.where(affords.any(axis=-1, keepdims=True), affords, p_none <= strict + band)
    own = np.zeros_like(p_none)
    first = np.argmax(affords, axis=-1)[..., None]
    # Where no threshold affords it, the share goes to the start that accepts all: see below.
    first = np.where(affords.any(axis=-1, keepdims=True), first, k - 1)
    np.put_along_axis(own, first, strict, axis=-1)
    for position, (_, share) in zip(positions, COVERAGE_SHARES, strict=True):
        own[..., position] += share * error
    return Levels(_handed_on(own, p_none, band), band)


def early_only(p: Floats, n: Floats) -> Floats:
    """Give p as 1 where a threshold accepts more than the early share of the labelled rows; shape (..., k).

    `n` counts the labelled rows that each threshold accepts.
    """
    return np.where(n <= EARLY_SHARE * n[..., -1:], p, 1.0)


def walk(p: Floats, levels: Levels, is_within: Bools | None = None) -> tuple[Bools, Floats]:
    """Test the thresholds from strict to loose; tell which are rejected, and at which level each was tested.

    `p` has the shape (..., k), both results too. `is_within` are thresholds whose band is within the target:
    they are rejected by the band's part alone, so that its last digits decide nothing.
    """
    rejected, tested_at = np.zeros(p.shape, dtype=bool), np.zeros(p.shape)
    carried = np.zeros(p.shape[:-1])
    for index in range(p.shape[-1]):
        carried = carried + levels.starts[..., index]
        tested_at[..., index] = carried + levels.band
        reached = p[..., index] <= (carried + levels.band) * (1 + 1e-12)
        if is_within is not None:
            reached = reached | is_within[..., index]
        rejected[..., index] = reached
        carried = np.where(reached, carried, 0.0)
    return rejected, tested_at


def _p(counts: AcceptedCounts, max_risk: float, error: float, *, first_only: bool = False) -> Floats:
    """Return the larger p of both tests, each of them at the full level (intersection-union).

    Above `error`, which is more than any level, the test of rows alone has spoken. With `first_only` the
    thresholds after the first that could have the first start's share are left at 1.
    """
    p = row_p_values(counts.n, counts.n_wrong, max_risk)
    if counts.prompts is None:
        return p
    able = np.flatnonzero(p <= error)
    found = np.ones(len(p))
    for block in np.array_split(able, max(1, len(able) // _BLOCK)) if first_only else [able]:
        at = np.zeros(len(p), dtype=bool)
        at[block] = True
        found[block] = np.maximum(p, counts.prompts.p_values(max_risk, at))[block]
        if first_only and (found[block] <= STRICT_SHARE * error).any():
            break
    return found


def _handed_on(own: Floats, p_none: Floats, band: float) -> Floats:
    """Hand shares that could not be reached without an error on to the first start that could."""
    together = np.cumsum(own, axis=-1)
    can = (own > 0) & (p_none <= together + band)
    first = np.where(can.any(axis=-1), np.argmax(can, axis=-1), own.shape[-1] - 1)[..., None]
    at = np.arange(own.shape[-1])
    return np.where(at < first, 0.0, np.where(at == first, together, own))


def _weighted_levels(counts: AcceptedCounts, max_risk: float, positions: Integers, error: float) -> Levels:
    """Share the error out for weighted rows, whose tests are made for the level that they are tried at."""
    some = betting_p_values(counts.with_errors(2), max_risk, STRICT_SHARE * error)
    none = betting_p_values(counts.with_errors(0), max_risk, STRICT_SHARE * error)
    return shared_levels(early_only(some, counts.n), none, positions, error)
