"""The answer to a question about a threshold, with the band that holds together with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tlm_dash.analysis.fresh_labels import FreshChance, chances_of_fresh_labels
from tlm_dash.analysis.labelled_sample import LabelledSample
from tlm_dash.analysis.method_1 import band_of_method_1, index_of_method_1
from tlm_dash.analysis.not_possible import why_not
from tlm_dash.analysis.risk_coverage import RiskBand, risk_band
from tlm_dash.analysis.threshold_grid import ThresholdGrid
from tlm_dash.analysis.thresholds import GuaranteedThreshold, guaranteed_within
from tlm_dash.services.operating_point import OperatingPoint, operating_point
from tlm_dash.services.threshold_question import Question

METHODS = {
    "rows": "fixed sequences from several starts (Learn then Test), exact binomial test of rows",
    "rows and prompts": "fixed sequences from several starts (Learn then Test), exact binomial test of rows "
    "and a test with prompts as units, which must both reject",
    "weighted": "fixed sequences from several starts (Learn then Test), valid betting test of weighted rows",
    "Clopper-Pearson": "simultaneous band, Clopper-Pearson with Bonferroni",
    "by row and by prompt": "simultaneous band, the wider of Clopper-Pearson and a bound with prompts as "
    "units, with Bonferroni",
    "betting": "simultaneous band, betting with Bonferroni",
}
METHODS_1 = {
    True: "fixed-sequence testing (Learn then Test), exact binomial test",
    False: "fixed-sequence testing (Learn then Test), valid betting test of weighted rows",
}


@dataclass(frozen=True)
class Start:
    """Where a sequence of tests starts: the threshold, and the share of the error that it has."""

    threshold: float
    coverage: float
    share: float


@dataclass(frozen=True)
class Answer:
    """The answer: a `point`, or None with the `reason`.

    `bound` is the share of wrong answers among the accepted that is guaranteed with the question's
    confidence, None where nothing is. `method` names the test. Where a target was tested, `p_row` and
    `p_prompt` are its p at the answer (the latter where prompts repeat), `level_used` is what they were held
    against, and `starts` are where the sequences start. Where there is no answer `fresh` are the chances that
    new plans would give one.
    """

    point: OperatingPoint | None
    bound: float | None
    method: str
    reason: str | None
    p_row: float | None = None
    p_prompt: float | None = None
    level_used: float | None = None
    starts: tuple[Start, ...] = ()
    fresh: tuple[FreshChance, ...] = ()


def answered(
    grid: ThresholdGrid, sample: LabelledSample, question: Question, asked_for: tuple[float, int] | None
) -> tuple[RiskBand, Answer]:
    """Give the answer, and the band that holds together with it."""
    if question.method_version == 1:
        return _answered_by_method_1(grid, sample, question, asked_for)
    band = risk_band(grid, sample, question.level)
    if question.max_risk is None:
        return band, _within_budget(band, question, asked_for)
    if question.from_band:
        return band, _read_from(band, question.max_risk, n_labelled=len(sample))
    found = guaranteed_within(band, question.max_risk)
    band = band.lowered(found.rejected, question.max_risk)
    return band, _tested(found, band)


def _answered_by_method_1(
    grid: ThresholdGrid, sample: LabelledSample, question: Question, asked_for: tuple[float, int] | None
) -> tuple[RiskBand, Answer]:
    band = band_of_method_1(grid, sample, question.level)
    if question.max_risk is None:
        return band, _within_budget(band, question, asked_for)
    if question.from_band:
        return band, _read_from(band, question.max_risk, n_labelled=len(sample))
    index, method = index_of_method_1(band, question.max_risk), METHODS_1[sample.is_uniform]
    if index is None:
        return band, Answer(None, None, method, "method 1 finds no threshold in these labels")
    return band, Answer(operating_point(band, index), question.max_risk, method, None)


def _tested(found: GuaranteedThreshold, band: RiskBand) -> Answer:
    at, method = found.index, METHODS[found.method]
    starts = tuple(
        Start(float(band.grid.thresholds[start]), float(band.grid.coverage[start]), share)
        for start, share in found.starts
    )
    if at is None:
        return Answer(None, None, method, why_not(found), starts=starts, fresh=_fresh(band, found.max_risk))
    p_prompt = None if found.p_prompt is None else float(found.p_prompt[at])
    return Answer(
        operating_point(band, at), found.max_risk, method, None, float(found.p_row[at]), p_prompt,
        float(found.tested_at[at]), starts,
    )  # fmt: skip


def _read_from(band: RiskBand, max_risk: float, *, n_labelled: int) -> Answer:
    if not n_labelled:
        return Answer(None, None, METHODS[band.method], "no answer that may be accepted is labelled")
    index = band.loosest_within(max_risk)
    if index is None:
        reason = "the band, which holds at all thresholds at once, is nowhere so low"
        return Answer(None, None, METHODS[band.method], reason, fresh=_fresh(band, max_risk))
    return Answer(operating_point(band, index), float(band.high[index]), METHODS[band.method], None)


def _fresh(band: RiskBand, max_risk: float) -> tuple[FreshChance, ...]:
    """Give the chances of new plans; none where prompts repeat, since it is not known how they would."""
    return () if band.counts.prompts is not None else chances_of_fresh_labels(band, max_risk)


def _within_budget(band: RiskBand, question: Question, asked_for: tuple[float, int] | None) -> Answer:
    method = METHODS[band.method]
    if asked_for is None:
        if question.share_to_read(band.grid.n_rows) >= 1:
            return Answer(None, None, method, "all rows can be read: none has to pass unread")
        if not len(band.grid):
            return Answer(None, None, method, "no row of this run has a score")
        return Answer(None, None, method, "the rows without a score alone are more than that")
    index = int(np.flatnonzero(band.grid.n_accepted == asked_for[1])[0])
    point = operating_point(band, index)
    return Answer(point, point.risk_high, method, None)
