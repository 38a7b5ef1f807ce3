"""The decision about one run: from a target, or what people can read, to a threshold with its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tlm_dash.analysis.labelled_sample import LabelledSample, draw_sample, heavy_rows
from tlm_dash.analysis.method_1 import one_row_of_each
from tlm_dash.analysis.threshold_grid import (
    ThresholdGrid,
    budget_of,
    threshold_grid,
    threshold_within_budget,
)
from tlm_dash.services.asked_rows import on_rows
from tlm_dash.services.label_basis import SamplingBasis
from tlm_dash.services.labelled import LabelledRun, labelled_run
from tlm_dash.services.operating_point import OperatingPoint, operating_point, operating_points
from tlm_dash.services.place import Place
from tlm_dash.services.quality import Quality, quality_of
from tlm_dash.services.threshold_answer import METHODS, Answer, answered
from tlm_dash.services.threshold_question import METHOD_VERSION, Question
from tlm_dash.store.questions import AskedQuestion, find_question
from tlm_dash.store.run_models import RunRecord
from tlm_dash.words.label_origins import LabelOrigins
from tlm_dash.words.threshold import MOST_PROMPTS, heavy_prompt_words, more_heavy_words

__all__ = [
    "METHOD_VERSION",
    "Answer",
    "Decision",
    "HeavyPrompt",
    "Question",
    "decide",
    "decision_of",
    "threshold_facts",
]

SETTLED_BEFOREHAND = (
    "The guarantee is for a number of labels settled before looking. To label on and look again until there "
    "is an answer breaks it: a new answer needs a new plan, whose own rows give it."
)


@dataclass(frozen=True)
class HeavyPrompt:
    """A prompt that is much of a run: its rows, their share of all rows, its labelled rows and wrong ones."""

    n_rows: int
    share: float
    n_labelled: int
    n_wrong: int


@dataclass(frozen=True)
class Decision:
    """Everything that the Decide page shows, and that a decision is recorded with.

    `n_labelled` rows feed the test: labelled and scored, of `n_prompts` distinct prompts, those that are much
    of the run among them in `heavy_prompts`; `n_open` were left open; `with_open_wrong` is the answer with
    all of those wrong, None without any. `n_unscored` rows have no score, `not_accepted` counts those with an
    answer that is never accepted (cut, refused, empty) by why. `labels` tells whose they are. `points` are
    the thresholds of the band with what each means, the strictest first; `best` has the lowest bound of all.
    """

    record: RunRecord
    question: Question
    n_rows: int
    n_unscored: int
    not_accepted: Mapping[str, int]
    statuses: Mapping[str, int]
    basis: SamplingBasis
    samples: tuple[SamplingBasis, ...]
    n_labelled: int
    n_prompts: int
    heavy_prompts: tuple[HeavyPrompt, ...]
    n_open: int
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
    return decided_run(place, run_id, question)[1]


def decided_run(place: Place, run_id: str, question: Question) -> tuple[LabelledRun, Decision]:
    """Give a run, its sample being the rows that the question is about, with the answer."""
    run = labelled_run(place, run_id, basis=question.basis)
    settled = None if question.asked_of is None else find_question(place.store, question.asked_of)
    return run if settled is None else on_rows(run, settled), decision_on(run, settled, question)


def decision_on(run: LabelledRun, settled: AskedQuestion | None, question: Question) -> Decision:
    """Answer a question from the rows that an earlier one settled; ranking and accuracy use all labels."""
    narrowed = run if settled is None else on_rows(run, settled)
    decision = decision_of(narrowed, question)
    if narrowed is run:
        return decision
    return replace(decision, quality=quality_of(run, question.confidence))


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
    band, answer = answered(grid, sample, question, asked_for)
    with_open = None
    if sample.n_open:
        worst = _sample(run, question, open_as_wrong=True)
        _, with_open = answered(grid, worst, question, asked_for)
    heavy = _heavy_prompts(run)
    statuses = {str(status): int((run.status == status).sum()) for status in ("done", "error", "pending")}
    return Decision(
        record=run.record, question=question, n_rows=run.n_rows,
        n_unscored=run.n_rows - grid.n_scored - int(run.is_marked.sum()),
        not_accepted=run.not_accepted, statuses=statuses, basis=run.basis,
        samples=_samples(run), n_labelled=len(sample), n_prompts=_n_prompts(run),
        heavy_prompts=heavy, n_open=sample.n_open,
        answer=answer, with_open_wrong=with_open,
        points=operating_points(band), best=None if band.best is None else operating_point(band, band.best),
        band_method=METHODS[band.method], quality=quality_of(run, question.confidence),
        labels=run.origins(run.is_labelled & ~np.isnan(run.score)),
        notes=_notes(run, sample, grid, question, heavy),
    )  # fmt: skip


def _samples(run: LabelledRun) -> tuple[SamplingBasis, ...]:
    usable = [sample for sample in run.samples if sample.kind != "none"]
    return tuple(sorted(usable, key=lambda sample: -sample.n_labelled))


def _sample(run: LabelledRun, question: Question, *, open_as_wrong: bool = False) -> LabelledSample:
    basis = run.basis
    sample = draw_sample(
        scores=run.score, labels=run.label, prompts=run.prompt, in_sample=basis.in_sample,
        is_open=basis.is_open, weights=basis.weight, is_uniform=basis.kind != "stratified",
        open_as_wrong=open_as_wrong,
    )  # fmt: skip
    if question.method_version == 1:
        return one_row_of_each(sample, question.seed)
    return sample.as_requests() if question.rows_are_requests else sample


def _notes(
    run: LabelledRun, sample: LabelledSample, grid: ThresholdGrid, question: Question,
    heavy: Sequence[HeavyPrompt],
) -> tuple[str, ...]:  # fmt: skip
    notes = [heavy_prompt_words(one.share, one.n_labelled, one.n_wrong) for one in heavy[:MOST_PROMPTS]]
    if len(heavy) > MOST_PROMPTS:
        rest = heavy[MOST_PROMPTS:]
        notes.append(more_heavy_words(len(rest), sum(one.share for one in rest)))
    if sample.prompts is not None and sample.is_uniform:
        notes.append(
            f"{len(sample):,} labelled rows are of {sample.n_prompts:,} prompts: the promise is about rows, "
            "and holds only where a test that takes prompts as units agrees."
        )
    if question.rows_are_requests:
        notes.append("Rows with the same prompt were declared separate requests: rows alone are tested.")
    if len(grid) == 1 and grid.n_scored > 1:
        notes.append("All scores are equal: no threshold tells rows apart.")
    is_tested = question.max_risk is not None and not question.from_band and len(sample) > 0
    if is_tested and run.basis.kind != "census":
        notes.append(SETTLED_BEFOREHAND)
    return tuple(notes)


def _n_prompts(run: LabelledRun) -> int:
    return len(np.unique(run.prompt[run.is_labelled & ~np.isnan(run.score)]))


def _heavy_prompts(run: LabelledRun) -> tuple[HeavyPrompt, ...]:
    """Give the prompts that are much of a run, the heaviest first; known without labels."""
    heavy, usable = heavy_rows(run.prompt), run.is_labelled & ~np.isnan(run.score)
    found = []
    for prompt in np.unique(run.prompt[heavy]):
        rows = run.prompt == prompt
        labelled = rows & usable
        found.append(
            HeavyPrompt(
                int(rows.sum()),
                float(rows.mean()),
                int(labelled.sum()),
                int((run.label[labelled] == 0).sum()),
            )  # fmt: skip
        )
    return tuple(sorted(found, key=lambda prompt: -prompt.n_rows))


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
        "labels_still_needed": None,
        "chance_of_fresh_labels": [asdict(one) for one in answer.fresh] or None,
        "reason": answer.reason,
        "n_rows": decision.n_labelled,
        "n_prompts": decision.n_prompts,
        "heavy_prompts": [asdict(prompt) for prompt in decision.heavy_prompts],
        "rows_are_requests": decision.question.rows_are_requests,
        "p_row": answer.p_row,
        "p_prompt": answer.p_prompt,
        "level_used": answer.level_used,
        "starts": [asdict(start) for start in answer.starts],
        "method_version": decision.question.method_version,
        "with_open_wrong": None,
        "best_guaranteed_risk": None if decision.best is None else decision.best.risk_high,
        "basis": basis.sentence,
        "n": decision.n_rows,
        "n_open": decision.n_open,
        "n_unscored": decision.n_unscored,
        "n_not_accepted": dict(decision.not_accepted),
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
