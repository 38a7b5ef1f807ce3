"""The decision about one run: from a target, or what people can read, to a threshold with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlm_dash.analysis.labelled_sample import LabelledSample, draw_sample
from tlm_dash.analysis.risk_coverage import RiskBand, risk_band
from tlm_dash.analysis.shortfall import shortfall
from tlm_dash.analysis.threshold_grid import (
    ThresholdGrid,
    budget_of,
    threshold_grid,
    threshold_within_budget,
)
from tlm_dash.analysis.thresholds import guaranteed_threshold
from tlm_dash.errors import InvalidInputError
from tlm_dash.services.label_basis import SamplingBasis
from tlm_dash.services.labelled import LabelledRun, labelled_run
from tlm_dash.services.operating_point import OperatingPoint, operating_point, operating_points
from tlm_dash.services.place import Place
from tlm_dash.services.quality import Quality, quality_of
from tlm_dash.services.shares import is_share
from tlm_dash.store.run_models import RunRecord
from tlm_dash.words.label_origins import LabelOrigins

METHODS = {
    "exact": "fixed-sequence testing (Learn then Test), exact binomial test",
    "valid": "fixed-sequence testing (Learn then Test), valid betting test of weighted rows",
    "Clopper-Pearson": "simultaneous band, Clopper-Pearson with Bonferroni",
    "betting": "simultaneous band, betting with Bonferroni",
}

SETTLED_BEFOREHAND = (
    "The guarantee is for a number of labels settled before looking. To label on and look again until there "
    "is an answer weakens it: settle how many, then ask once."
)

MOST_A_DAY = 1e12


@dataclass(frozen=True)
class Question:
    """What is asked of a run: one of `max_risk`, `review_budget` (of `daily_volume` rows) or `review_share`.

    Shares are fractions. `from_band` answers a target from the band that holds at all thresholds at once, as
    it must be for a second target tried on the same labels. `basis` names a sample, `seed` draws one row of
    each prompt. Raises InvalidInputError where it makes no sense.
    """

    max_risk: float | None = None
    review_budget: float | None = None
    daily_volume: float | None = None
    review_share: float | None = None
    confidence: float = 0.95
    from_band: bool = False
    basis: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        asked = [self.max_risk, self.review_budget, self.review_share]
        if sum(value is not None for value in asked) != 1:
            raise InvalidInputError("Ask for one of: a target, a number to read, a share to read.")
        if self.max_risk is not None and not is_share(self.max_risk):
            raise InvalidInputError(
                f"The share of wrong answers cannot be {self.max_risk:g}.", hint="0.05 means 5%."
            )
        if not is_share(self.confidence):
            raise InvalidInputError(f"The confidence cannot be {self.confidence!r}.", hint="0.95 means 95%.")
        if self.review_share is not None and not 0 <= self.review_share < 1:
            raise InvalidInputError(
                f"The share to read cannot be {self.review_share:g}.", hint="0.08 means 8%."
            )
        if self.review_budget is not None and not 0 <= self.review_budget <= MOST_A_DAY:
            raise InvalidInputError(
                f"The number to read cannot be {self.review_budget:g}.",
                hint=f"It is from 0 to {MOST_A_DAY:,.0f}.",
            )
        if self.daily_volume is not None and not 0 < self.daily_volume <= MOST_A_DAY:
            raise InvalidInputError(
                f"The daily volume cannot be {self.daily_volume:g}.",
                hint=f"It is from 1 to {MOST_A_DAY:,.0f}.",
            )
        if self.seed < 0:
            raise InvalidInputError("A seed cannot be negative.", hint="Any whole number from 0.")

    def share_to_read(self, n_rows: int) -> float:
        """Give the share of rows that people can read; without a daily volume the run is one day."""
        if self.review_share is not None:
            return self.review_share
        assert self.review_budget is not None
        return min(1.0, self.review_budget / (self.daily_volume or max(1, n_rows)))


@dataclass(frozen=True)
class Answer:
    """The answer: a `point`, or None with the `reason`.

    `bound` is the share of wrong answers among the accepted that is guaranteed with the question's
    confidence, None where nothing is. `labels_still_needed` is 0 with an answer, None where no number would
    do. `method` names the test.
    """

    point: OperatingPoint | None
    bound: float | None
    method: str
    labels_still_needed: int | None
    reason: str | None


@dataclass(frozen=True)
class Decision:
    """Everything that the Decide page shows, and that a decision is recorded with.

    `n_labelled` rows feed the test: labelled, scored, one for each prompt; `n_repeats` others repeat a
    prompt, `n_open` were left open; `with_open_wrong` is the answer with all of those wrong, None without
    any. `labels` tells whose they are. `points` are the thresholds of the band with what each means, the
    strictest first; `best` has the lowest bound of all.
    """

    record: RunRecord
    question: Question
    n_rows: int
    n_unscored: int
    statuses: Mapping[str, int]
    basis: SamplingBasis
    samples: tuple[SamplingBasis, ...]
    n_labelled: int
    n_open: int
    n_repeats: int
    n_left_to_label: int
    answer: Answer
    with_open_wrong: Answer | None
    points: tuple[OperatingPoint, ...]
    best: OperatingPoint | None
    band_method: str
    quality: Quality
    labels: LabelOrigins
    notes: tuple[str, ...]

    @property
    def bound_to(self) -> tuple[str | None, str, str | None]:
        """Model, preset and scorer that the threshold belongs to, and to no other."""
        return self.record.model, self.record.quality_preset, self.record.scorer_model

    def point_at(self, threshold: float) -> OperatingPoint | None:
        """Give the loosest threshold of the band that accepts nothing below this one; None for no scores."""
        above = [point for point in self.points if point.threshold >= threshold]
        return above[-1] if above else (self.points[0] if self.points else None)


def decide(place: Place, run_id: str, question: Question) -> Decision:
    """Answer a question about a run from its labels. Raises NotFoundError, InvalidInputError, StoreError."""
    return decision_of(labelled_run(place, run_id, basis=question.basis), question)


def decision_of(run: LabelledRun, question: Question) -> Decision:
    """Answer a question from the rows of a run."""
    grid = threshold_grid(run.score)
    asked_for: tuple[float, int] | None = None
    if question.max_risk is None:
        n_to_read = budget_of(question.share_to_read(run.n_rows), run.n_rows)
        if n_to_read < run.n_rows:
            asked_for = threshold_within_budget(run.score, n_to_read)
        if asked_for is not None:
            # Chosen without labels: one more threshold at which the band holds.
            grid = grid.with_threshold(*asked_for)
    sample = _sample(run, question)
    band = risk_band(grid, sample, question.confidence)
    answer = _answer(band, sample, question, asked_for)
    with_open = None
    if sample.n_open:
        worst = _sample(run, question, open_as_wrong=True)
        with_open = _answer(risk_band(grid, worst, question.confidence), worst, question, asked_for)
    statuses = {str(status): int((run.status == status).sum()) for status in ("done", "error", "pending")}
    return Decision(
        record=run.record, question=question, n_rows=run.n_rows,
        n_unscored=run.n_rows - grid.n_scored, statuses=statuses, basis=run.basis,
        samples=_samples(run), n_labelled=len(sample),
        n_open=sample.n_open, n_repeats=sample.n_repeats, n_left_to_label=_left_to_label(grid, sample),
        answer=answer, with_open_wrong=with_open,
        points=operating_points(band), best=None if band.best is None else operating_point(band, band.best),
        band_method=METHODS[band.method], quality=quality_of(run, question.confidence),
        labels=run.origins(run.is_labelled & ~np.isnan(run.score)),
        notes=_notes(run, sample, grid, question, answer),
    )  # fmt: skip


def _samples(run: LabelledRun) -> tuple[SamplingBasis, ...]:
    usable = [sample for sample in run.samples if sample.kind != "none"]
    return tuple(sorted(usable, key=lambda sample: -sample.n_labelled))


def _sample(run: LabelledRun, question: Question, *, open_as_wrong: bool = False) -> LabelledSample:
    basis = run.basis
    return draw_sample(
        scores=run.score, labels=run.label, prompts=run.prompt, in_sample=basis.in_sample,
        is_open=basis.is_open, weights=basis.weight, is_uniform=basis.kind != "stratified",
        open_as_wrong=open_as_wrong, seed=question.seed,
    )  # fmt: skip


def _answer(
    band: RiskBand, sample: LabelledSample, question: Question, asked_for: tuple[float, int] | None
) -> Answer:
    if question.max_risk is None:
        return _within_budget(band, question, asked_for)
    found = guaranteed_threshold(band.grid, sample, question.max_risk, question.confidence)
    if not question.from_band:
        if found.index is not None:
            point = operating_point(band, found.index)
            return Answer(point, question.max_risk, METHODS[found.method], 0, None)
        missing = shortfall(found)
        return Answer(None, None, METHODS[found.method], missing.labels_still_needed, missing.reason)
    index = band.loosest_within(question.max_risk)
    if index is None:
        reason = "the band, which holds at all thresholds at once, is nowhere so low"
        return Answer(None, None, METHODS[band.method], None, reason)
    return Answer(operating_point(band, index), float(band.high[index]), METHODS[band.method], 0, None)


def _within_budget(band: RiskBand, question: Question, asked_for: tuple[float, int] | None) -> Answer:
    method = METHODS[band.method]
    if asked_for is None:
        if question.share_to_read(band.grid.n_rows) >= 1:
            return Answer(None, None, method, None, "all rows can be read: none has to pass unread")
        if not len(band.grid):
            return Answer(None, None, method, None, "no row of this run has a score")
        return Answer(None, None, method, None, "the rows without a score alone are more than that")
    index = int(np.flatnonzero(band.grid.n_accepted == asked_for[1])[0])
    point = operating_point(band, index)
    return Answer(point, point.risk_high, method, None, None)


def _notes(
    run: LabelledRun, sample: LabelledSample, grid: ThresholdGrid, question: Question, answer: Answer
) -> tuple[str, ...]:
    notes = []
    if sample.n_repeats:
        notes.append(f"{sample.n_repeats:,} labelled rows repeat a prompt: one row of each prompt is used.")
    if len(grid) == 1 and grid.n_scored > 1:
        notes.append("All scores are equal: no threshold tells rows apart.")
    left = _left_to_label(grid, sample)
    if answer.labels_still_needed and answer.labels_still_needed > left:
        rows = "no scored row" if left == 0 else f"{left:,} scored rows"
        notes.append(f"The run has {rows} left to label: more rows are needed.")
    is_tested = question.max_risk is not None and not question.from_band and len(sample) > 0
    if is_tested and (run.basis.plan_id is not None or answer.labels_still_needed):
        notes.append(SETTLED_BEFOREHAND)
    return tuple(notes)


def _left_to_label(grid: ThresholdGrid, sample: LabelledSample) -> int:
    return grid.n_scored - len(sample) - sample.n_open - sample.n_repeats


def threshold_facts(decision: Decision) -> dict[str, Any]:
    """Give the figures of a decision under the names that scripts rely on."""
    answer, basis = decision.answer, decision.basis
    no_sample = [] if basis.reason is None else [f"There is no sample to stand on: {basis.reason}"]
    no_bound = (
        ["No bound: fewer than 30 accepted rows are labelled."]
        if answer.point and answer.bound is None
        else []
    )
    facts = _answer_facts(decision, answer) | {
        "n_labelled": decision.n_labelled,
        "label_sources": dict(decision.labels.counts),
        "confidence": decision.question.confidence,
        "method": answer.method,
        "labels_still_needed": answer.labels_still_needed,
        "reason": answer.reason,
        "with_open_wrong": None,
        "best_guaranteed_risk": None if decision.best is None else decision.best.risk_high,
        "basis": basis.sentence,
        "n": decision.n_rows,
        "n_open": decision.n_open,
        "notes": [*no_sample, *no_bound, *decision.labels.notes, *decision.notes],
    }
    if decision.with_open_wrong is not None:
        facts["with_open_wrong"] = _answer_facts(decision, decision.with_open_wrong)
    return facts


def _answer_facts(decision: Decision, answer: Answer) -> dict[str, Any]:
    point = answer.point
    return {
        "feasible": point is not None,
        "threshold": None if point is None else point.threshold,
        "coverage": 0.0 if point is None else point.coverage,
        "n_accepted_labelled": None if point is None else point.n_accepted_labelled,
        "n_wrong_accepted": None if point is None else point.n_wrong_accepted,
        "risk": None if point is None else point.risk,
        "risk_upper_bound": answer.bound,
        "n_to_review": decision.n_rows if point is None else point.n_to_review,
    }
