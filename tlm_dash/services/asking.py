"""Asking a target of a run's labels: the first one is kept, and is answered by the test made for one target.

What is right in each case is told in services/standing.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from tlm_dash.models import new_id, utc_now
from tlm_dash.services.asked_rows import is_within, ranges_of
from tlm_dash.services.asking_words import asking_notes, late_reason
from tlm_dash.services.decide import Decision, Question, decision_on, threshold_facts
from tlm_dash.services.labelled import LabelledRun, labelled_run
from tlm_dash.services.place import Place
from tlm_dash.services.standing import Standing, is_same, standing_of, usable_rows, was_asked
from tlm_dash.store.questions import AskedQuestion, add_questions, questions_of

# Of two targets one is the first: what was asked is read and added to by one at a time.
asking = threading.Lock()


@dataclass(frozen=True)
class AskedDecision:
    """A decision with what was asked before it.

    `is_answered`: its target was asked, so that there is an answer to show; else the decision holds a look
    (labels, band, ranking) and no answer. `is_first`: the answer is the test of the first target.
    `n_labelled_now` labels are in the sample today. `wanted` is what was asked, in its words.
    """

    decision: Decision
    standing: Standing
    is_answered: bool
    is_first: bool

    n_labelled_now: int
    wanted: Question

    @property
    def first(self) -> AskedQuestion | None:
        """Give the first target of these labels."""
        return self.standing.first

    @property
    def can_be_saved(self) -> bool:
        """Tell whether there is an answer that a decision can stand on."""
        return self.is_answered and self.standing.state != "late"

    def facts(self) -> dict[str, Any]:
        """Give the figures under the names that scripts rely on."""
        return threshold_facts(self.decision) | {
            "first_target": first_facts(self.first),
            "is_first": self.is_first,
            "n_settings_tried": self.standing.n_settings_tried,
            "notes": [*threshold_facts(self.decision)["notes"], *self.notes()],
        }

    def notes(self) -> list[str]:
        """Say what was asked before and what follows for this answer, in sentences."""
        return asking_notes(self)


def ask(place: Place, run_id: str, question: Question, *, asked_by: str | None = None) -> AskedDecision:
    """Answer a target; the first one of these labels is kept, and so is every later one.

    What people can read is answered without being kept: it chooses no threshold by labels. Raises
    NotFoundError, InvalidInputError, StoreError.
    """
    if question.max_risk is None:
        return look(place, run_id, question)
    run = labelled_run(place, run_id, basis=question.basis)
    with asking:
        history = questions_of(place.store, run.record.dataset_id)
        standing = standing_of(run, history)
        # What was asked while these labels were spent is not asked of the rows they have of their own by now.
        is_new = standing.state == "fresh" or not was_asked(run, history, question)
        if standing.state not in ("late", "unlabelled") and is_new:
            add_questions(place.store, [asked_now(run, standing, question, asked_by)])
    return known(place, run_id, question)


def known(place: Place, run_id: str, question: Question) -> AskedDecision:
    """Answer a target that was asked already; of any other one show what a look shows. Stores nothing."""
    return known_or_first(place, run_id, question.basis, lambda _: question)


def known_or_first(
    place: Place,
    run_id: str,
    basis: str | None,
    question_after: Callable[[tuple[float, float] | None], Question],
) -> AskedDecision:
    """Do as `known` for the question that follows from the first target (most wrong, confidence) or None."""
    run = labelled_run(place, run_id, basis=basis)
    history = questions_of(place.store, run.record.dataset_id)
    standing = standing_of(run, history)
    question = question_after(_target(standing))
    # Without labels, and for a setting that came late, there is nothing that an answer would cost.
    costs_nothing = question.max_risk is None or standing.state in ("late", "unlabelled")
    is_answered = costs_nothing or (standing.state != "fresh" and was_asked(run, history, question))
    return decided_on(run, standing, question, is_answered=is_answered)


def look(place: Place, run_id: str, question: Question) -> AskedDecision:
    """Read any target from the band, which holds at all thresholds at once. Stores nothing."""
    run = labelled_run(place, run_id, basis=question.basis)
    standing = standing_of(run, questions_of(place.store, run.record.dataset_id))
    from_band = replace(question, from_band=question.max_risk is not None)
    return decided_on(run, standing, from_band, is_answered=True)


def asked_now(
    run: LabelledRun,
    standing: Standing,
    question: Question,
    asked_by: str | None,
    *,
    choice: tuple[str, int, int] | None = None,
) -> AskedQuestion:
    """Write down a question with the rows that it settles; `choice` is its id, place and settings tried."""
    settled = standing.settled_by
    ranges, n, usable = standing.fresh_items, standing.n_fresh, usable_rows(run)
    if standing.state == "spent":
        ranges, n = ranges_of(run.item_no[run.basis.in_sample]), int(usable.sum())
    left_open = ranges_of(run.item_no[is_within(run.item_no, ranges) & run.basis.in_sample & ~usable])
    if settled:
        ranges, left_open, n = settled.item_ranges, settled.open_ranges, settled.n_labelled
    choice_id, position, n_settings = choice or (None, 0, standing.n_settings)
    return AskedQuestion(
        question_id=new_id(), choice_id=choice_id, position=position, dataset_id=run.record.dataset_id,
        run_id=run.record.run_id, basis=run.basis.name, scorer=None, max_risk=question.max_risk,
        review_budget=question.review_budget, daily_volume=question.daily_volume,
        review_share=question.review_share, confidence=question.confidence,
        rows_are_requests=question.rows_are_requests,
        is_first=standing.state == "fresh" and question.max_risk is not None,
        n_settings=n_settings, n_labelled=n, item_ranges=ranges, open_ranges=left_open,
        asked_by=asked_by, asked_at=utc_now(),
    )  # fmt: skip


def first_facts(first: AskedQuestion | None) -> dict[str, Any] | None:
    """Give the first target under the names that scripts rely on."""
    if first is None:
        return None
    return {
        "max_risk": first.max_risk, "confidence": first.confidence, "basis": first.basis,
        "n_labelled": first.n_labelled, "n_settings": first.n_settings, "asked_by": first.asked_by,
        "asked_at": first.asked_at.isoformat(),
    }  # fmt: skip


def decided_on(
    run: LabelledRun, standing: Standing, question: Question, *, is_answered: bool
) -> AskedDecision:
    """Answer a question as the standing of its labels allows; without an answer where it was not asked."""
    first, settled = standing.first, standing.settled_by
    is_first = (
        standing.state == "own" and first is not None and is_same(first, question) and not question.from_band
    )
    is_target = question.max_risk is not None
    # What was said of the rows before anyone looked stays said.
    declared = question if first is None else first
    effective = replace(
        question, rows_are_requests=declared.rows_are_requests, from_band=is_target and not is_first,
        n_settings=standing.n_settings,
        asked_of=None if settled is None else settled.question_id,
        # Named, so that a record stays with this sample when another one has more labels.
        basis=question.basis if run.basis.kind == "none" else run.basis.name,
    )  # fmt: skip
    decision = decision_on(run, settled, effective)
    if is_target and standing.state == "late":
        decision = without_answer(decision, late_reason(standing.late_to))
    elif not is_answered:
        decision = without_answer(decision, None)
    return AskedDecision(decision, standing, is_answered, is_first, int(usable_rows(run).sum()), question)


def _target(standing: Standing) -> tuple[float, float] | None:
    first = standing.first
    if first is None or first.max_risk is None or standing.state != "own":
        return None
    return first.max_risk, first.confidence


def without_answer(decision: Decision, reason: str | None) -> Decision:
    """Give a decision that says nothing of its question but the reason why."""
    nothing = replace(decision.answer, point=None, bound=None, reason=reason, fresh=())
    return replace(decision, answer=nothing, with_open_wrong=None)
