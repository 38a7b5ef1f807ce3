"""How the labels of a run stand towards a target: whether it is the first, and which rows answer it.

What is right, case by case (`Standing.state`):

    fresh       no target was asked of these labels: the next one is the first. Asking settles how many labels
                it stands on: the labelled part of an unfinished plan as it is then.
    own         the first target is known. Asked again, by whomever and wherever, it is answered by the same
                test on the rows it was asked of: a label corrected since counts as corrected, one added since
                does not count, for to label on and look again would break the promise. Any other target is
                read from the band of the same rows, which holds at all thresholds at once.
    spent       another sample of this run that shares labels with this one was asked: any target is read from
                the band; once one was asked, from that of the rows of then. (A plan is not spent while it has
                labelled rows of its own. Of a uniform plan those that were asked before are taken out: where
                they were drawn uniformly too, what remains is a uniform sample of rows that nobody has asked.
                Where they were not, what remains is none, since rows of some scores are missing in it: the
                plan is spent. A stratified plan has a guarantee about the rows of the run, whichever they
                are: its new draw owes nothing to what was seen.)
    late        other settings of this dataset were named for a choice, on the same prompts, and this one was
                not among them: it gets no promise from these labels, nor from more of the same plan.
    unlabelled  there is nothing to ask.

Where settings were compared (services/choose.py), each has its share of the level: confidence c becomes
1 - (1 - c) / k for k settings, in every answer and band about them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tlm_dash.services.asked_rows import Bools, is_within, ranges_of
from tlm_dash.services.decide import Question
from tlm_dash.services.labelled import LabelledRun
from tlm_dash.store.questions import AskedQuestion

State = Literal["fresh", "own", "spent", "late", "unlabelled"]


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


def usable_rows(run: LabelledRun) -> Bools:
    """Tell which rows of the sample have a label and a score: those that a question about a threshold has."""
    return np.asarray(run.basis.in_sample & ~run.basis.is_open & ~np.isnan(run.score), dtype=bool)


def standing_of(run: LabelledRun, history: Sequence[AskedQuestion]) -> Standing:
    """Tell how the sample of a run stands towards all that was asked of its dataset."""
    name, run_id, basis = run.basis.name, run.record.run_id, run.basis
    mine = [q for q in history if q.run_id == run_id and q.n_labelled]
    own = [q for q in mine if q.basis == name]
    first = next((q for q in own if q.is_first), None)
    usable = usable_rows(run)
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
    fresh = _fresh_rows(run, others, foreign, spent | late)
    if (usable & fresh).any():
        rest = ranges_of(run.item_no[fresh])
        n_fresh = int((usable & fresh).sum())
        return Standing("fresh", None, None, rest, n_fresh, int(usable.sum()) - n_fresh, shares, tried, ())
    if (spent & usable).any():
        first = next(q for q in others if (_asked_rows(run, [q]) & usable).any())
        shares = max(shares, *(q.n_settings for q in others))
        settled = next((q for q in own if q.max_risk is not None), None)
        return Standing("spent", first, settled, (), 0, 0, shares, tried, ())
    return Standing("late", None, None, (), 0, 0, 1, tried, tuple(foreign))


def _fresh_rows(
    run: LabelledRun, others: Sequence[AskedQuestion], foreign: Sequence[AskedQuestion], taken: Bools
) -> Bools:
    """Tell which rows of a sample a first question may still settle, where `taken` rows were asked before."""
    basis, usable = run.basis, usable_rows(run)
    nothing = np.zeros_like(usable)
    if not (taken & usable).any():
        return basis.in_sample
    if basis.plan_id is None or not (usable & ~taken).any():
        return nothing
    if basis.kind != "uniform":
        return nothing if any(q.basis == basis.name for q in foreign) else basis.in_sample
    drawn_evenly = {sample.name for sample in run.samples if sample.kind == "uniform"}
    took = [q for q in (*others, *foreign) if (_asked_rows(run, [q]) & usable).any()]
    return basis.in_sample & ~taken if all(q.basis in drawn_evenly for q in took) else nothing


def is_same(asked: AskedQuestion, question: Question) -> bool:
    """Tell whether a question is the target that was asked."""
    pairs = ((asked.max_risk, question.max_risk), (asked.confidence, question.confidence))
    return all(a is not None and b is not None and math.isclose(a, b, abs_tol=1e-9) for a, b in pairs)


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


def _asked_rows(run: LabelledRun, questions: Sequence[AskedQuestion]) -> Bools:
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
