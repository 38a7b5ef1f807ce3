"""Asking a target of a run's labels: the first one is kept, and is answered by the test made for one target.

What is right, case by case (`Standing.state`):

    fresh       no target was asked of these labels: the next one is the first. Asking settles how many labels
                it stands on: the labelled part of an unfinished plan as it is then.
    own         the first target is known. Asked again, by whomever and wherever, it is answered by the same
                test on the rows it was asked of: a label corrected since counts as corrected, one added since
                does not count, for to label on and look again would break the promise. Any other target is
                read from the band of the same rows, which holds at all thresholds at once.
    spent       another sample of this run that shares labels with this one was asked: any target is read from
                the band. (A plan drawn uniformly is not spent while it has labelled rows of its own: those
                that were asked before are taken out, and what remains is a uniform sample of rows that nobody
                has asked. The guarantee of a stratified plan is about the run's rows, whichever they are, and
                its new draw owes nothing to what was seen before.)
    late        other settings of this dataset were named for a choice, on the same prompts, and this one was
                not among them: it gets no promise from these labels.
    unlabelled  there is nothing to ask.

Where settings were compared (services/choose.py), each has its share of the level: confidence c becomes
1 - (1 - c) / k for k settings, in every answer and band about them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from tlm_dash.models import new_id, utc_now
from tlm_dash.services.asked_rows import is_within, ranges_of
from tlm_dash.services.asking_words import asking_notes, late_reason
from tlm_dash.services.decide import Decision, Question, decision_on, threshold_facts
from tlm_dash.services.labelled import LabelledRun, labelled_run
from tlm_dash.services.place import Place
from tlm_dash.store.questions import AskedQuestion, add_questions, questions_of

State = Literal["fresh", "own", "spent", "late", "unlabelled"]

# Of two targets one is the first: what was asked is read and added to by one at a time.
asking = threading.Lock()


@dataclass(frozen=True)
class Standing:
    """How a run's labels stand towards a question; the states are told above.

    `first` is the target that these labels were asked first. `settled_by` is the question whose rows answer,
    `fresh_items` are the rows that a first question would settle. `n_settings` share the level. `tried` are
    other runs over the same prompts that were asked; `late_to` the choice that came before.
    """

    state: State
    first: AskedQuestion | None
    settled_by: AskedQuestion | None
    fresh_items: tuple[tuple[int, int], ...]
    n_fresh: int
    n_taken_out: int
    n_settings: int
    tried: tuple[str, ...]
    late_to: tuple[AskedQuestion, ...]

    @property
    def n_settings_tried(self) -> int:
        """Count the settings that were tried on this data, this one included."""
        return max(self.n_settings, 1 + len(self.tried))


@dataclass(frozen=True)
class AskedDecision:
    """A decision with what was asked before it.

    `is_answered`: its target was asked, so that there is an answer to show; else the decision holds a look
    (labels, band, ranking) and no answer. `is_first`: the answer is the test of the first target.
    `n_labelled_now` labels are in the sample today.
    """

    decision: Decision
    standing: Standing
    is_answered: bool
    is_first: bool

    n_labelled_now: int

    @property
    def first(self) -> AskedQuestion | None:
        """Give the first target of these labels."""
        return self.standing.first

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
        if standing.state not in ("late", "unlabelled") and not was_asked(run, history, question):
            add_questions(place.store, [asked_now(run, standing, question, asked_by)])
    return known(place, run_id, question)


def known(place: Place, run_id: str, question: Question) -> AskedDecision:
    """Answer a target that was asked already; of any other one show what a look shows. Stores nothing."""
    run = labelled_run(place, run_id, basis=question.basis)
    history = questions_of(place.store, run.record.dataset_id)
    standing = standing_of(run, history)
    # Without labels, and for a setting that came late, there is nothing that an answer would cost.
    costs_nothing = question.max_risk is None or standing.state in ("late", "unlabelled")
    is_answered = costs_nothing or was_asked(run, history, question)
    return decided_on(run, standing, question, is_answered=is_answered)


def look(place: Place, run_id: str, question: Question) -> AskedDecision:
    """Read any target from the band, which holds at all thresholds at once. Stores nothing."""
    run = labelled_run(place, run_id, basis=question.basis)
    standing = standing_of(run, questions_of(place.store, run.record.dataset_id))
    from_band = replace(question, from_band=question.max_risk is not None)
    return decided_on(run, standing, from_band, is_answered=True)


def standing_of(run: LabelledRun, history: Sequence[AskedQuestion]) -> Standing:
    """Tell how the sample of a run stands towards all that was asked of its dataset."""
    name, run_id, basis = run.basis.name, run.record.run_id, run.basis
    mine = [q for q in history if q.run_id == run_id and q.n_labelled]
    own = [q for q in mine if q.basis == name]
    first = next((q for q in own if q.is_first), None)
    usable = basis.in_sample & ~basis.is_open
    in_sample = ranges_of(run.item_no[basis.in_sample])
    tried = _tried(run, history, first.item_ranges if first else in_sample)
    shares = max((q.n_settings for q in own), default=1)
    if not usable.any():
        return Standing("unlabelled", None, None, (), 0, 0, 1, tried, ())
    if first is not None:
        return Standing("own", first, first, (), 0, 0, shares, tried, ())
    others = [q for q in mine if q.is_first]
    foreign = _choices_without(run_id, history)
    spent, late = (_asked_rows(run, questions) for questions in (others, foreign))
    taken = (spent | late) & usable
    fresh = basis.in_sample
    if taken.any() and basis.plan_id is not None:
        fresh = basis.in_sample & ~(spent | late) if basis.kind == "uniform" else basis.in_sample
    elif taken.any():
        fresh = np.zeros_like(usable)
    if (usable & fresh).any():
        rest = ranges_of(run.item_no[fresh])
        n_fresh = int((usable & fresh).sum())
        return Standing("fresh", None, None, rest, n_fresh, int(usable.sum()) - n_fresh, shares, tried, ())
    if (spent & usable).any():
        first = next(q for q in others if (_asked_rows(run, [q]) & usable).any())
        shares = max(shares, *(q.n_settings for q in others))
        return Standing("spent", first, None, (), 0, 0, shares, tried, ())
    return Standing("late", None, None, (), 0, 0, 1, tried, tuple(foreign))


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
    ranges = settled.item_ranges if settled else standing.fresh_items
    n = settled.n_labelled if settled else standing.n_fresh
    if standing.state == "spent":
        basis = run.basis
        ranges, n = ranges_of(run.item_no[basis.in_sample]), basis.n_labelled
    choice_id, position, n_settings = choice or (None, 0, standing.n_settings)
    return AskedQuestion(
        question_id=new_id(), choice_id=choice_id, position=position, dataset_id=run.record.dataset_id,
        run_id=run.record.run_id, basis=run.basis.name, scorer=None, max_risk=question.max_risk,
        review_budget=question.review_budget, daily_volume=question.daily_volume,
        review_share=question.review_share, confidence=question.confidence, rows_are_requests=False,
        is_first=standing.state == "fresh" and question.max_risk is not None,
        n_settings=n_settings, n_labelled=n, item_ranges=ranges, asked_by=asked_by, asked_at=utc_now(),
    )  # fmt: skip


def is_same(asked: AskedQuestion, question: Question) -> bool:
    """Tell whether a question is the target that was asked."""
    pairs = ((asked.max_risk, question.max_risk), (asked.confidence, question.confidence))
    return all(a is not None and b is not None and math.isclose(a, b, abs_tol=1e-9) for a, b in pairs)


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
    effective = replace(
        question, from_band=is_target and not is_first, n_settings=standing.n_settings,
        asked_of=None if settled is None else settled.question_id,
    )  # fmt: skip
    decision = decision_on(run, settled, effective)
    if is_target and standing.state == "late" and not question.from_band:
        decision = _without_answer(decision, late_reason(standing.late_to))
    elif not is_answered:
        decision = _without_answer(decision, None)
    return AskedDecision(decision, standing, is_answered, is_first, run.basis.n_labelled)


def _without_answer(decision: Decision, reason: str | None) -> Decision:
    nothing = replace(decision.answer, point=None, bound=None, reason=reason)
    return replace(decision, answer=nothing, with_open_wrong=None)


def was_asked(run: LabelledRun, history: Sequence[AskedQuestion], question: Question) -> bool:
    """Tell whether this target was asked of this sample, as the first or a later one."""
    return any(
        q.run_id == run.record.run_id and q.basis == run.basis.name and q.n_labelled and is_same(q, question)
        for q in history
    )


def _choices_without(run_id: str, history: Sequence[AskedQuestion]) -> list[AskedQuestion]:
    """Give the settings of choices that a run was not among."""
    among = {q.choice_id for q in history if q.run_id == run_id}
    return [q for q in history if q.choice_id is not None and q.choice_id not in among]


def _asked_rows(run: LabelledRun, questions: Sequence[AskedQuestion]) -> np.ndarray:
    found = np.zeros(run.n_rows, dtype=bool)
    for question in questions:
        found |= is_within(run.item_no, question.item_ranges)
    return found


def _tried(
    run: LabelledRun, history: Sequence[AskedQuestion], ranges: tuple[tuple[int, int], ...]
) -> tuple[str, ...]:
    """Give the other runs that were asked of some of the same prompts, in the order of asking."""
    items = run.item_no[is_within(run.item_no, ranges)]
    found = [
        q.run_id for q in history
        if q.run_id != run.record.run_id and is_within(items, q.item_ranges).any()
    ]  # fmt: skip
    return tuple(dict.fromkeys(found))
