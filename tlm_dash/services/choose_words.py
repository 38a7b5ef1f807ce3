"""What follows from a choice among settings, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlm_dash.services.asking_words import count
from tlm_dash.store.import_runs import IMPORTED
from tlm_dash.store.run_models import RunRecord
from tlm_dash.words.numbers import at_most, percent, percent_range, threshold_text

if TYPE_CHECKING:
    from tlm_dash.services.choice import Choice, Setting


def setting_names(runs: Sequence[RunRecord]) -> list[str]:
    """Name settings: low on nano where that is known and tells them apart, else by the run's name."""
    told = [
        run.name
        if run.model is None or run.quality_preset == IMPORTED
        else f"{run.quality_preset} on {run.model}"
        for run in runs
    ]
    return [
        name if told.count(name) == 1 else f"{name} (run {run.run_id[:8]})"
        for name, run in zip(told, runs, strict=True)
    ]  # fmt: skip


def choice_question(choice: Choice) -> str:
    """Say what was asked."""
    question, n = choice.request.question, len(choice.settings)
    of = f"Which of {count(n, 'setting')} is to be used"
    if question.max_risk is not None:
        return (
            f"{of}, and from which score on may its answers pass unread, with at most "
            f"{percent(question.max_risk)} of them wrong ({percent(question.confidence)} confidence)?"
        )
    if question.review_share is not None:
        return f"{of} if people read {percent(question.review_share)} of the rows?"
    volume = f" of {question.daily_volume:,.0f}" if question.daily_volume else ""
    return f"{of} if people read {question.review_budget:,.0f}{volume} rows a day?"


def choice_sentence(choice: Choice) -> str:
    """Say which setting is taken, with which threshold and promise, or why none can be."""
    if not choice.is_answered:
        return "Nothing has been asked of these settings yet."
    if choice.taken is None:
        return _none(choice)
    taken = choice.settings[choice.taken]
    answer = taken.asked.decision.answer
    assert answer.point is not None and answer.bound is not None
    point, confidence = answer.point, percent(choice.request.question.confidence)
    ends = percent_range(1 - point.coverage_high, 1 - point.coverage_low)
    return (
        f"{taken.name}, threshold {threshold_text(point.threshold)}: at most {at_most(answer.bound)} of what "
        f"it accepts is wrong ({confidence} confidence, {allowing(choice)}); people read "
        f"{percent(1 - point.coverage)} of rows ({ends}). {_why_taken(choice)}"
    )


def allowing(choice: Choice) -> str:
    """Say how many settings the promise allows for, and which were compared here."""
    if choice.n_settings == 1:
        return "no other setting was tried"
    named = [setting.name for setting in choice.settings if setting.is_named]
    more = choice.n_settings - len(named)
    others = f" and {count(more, '')} more" if more > 0 else ""
    return f"allowing for {count(choice.n_settings, 'setting')} tried: {', '.join(named)}{others}"


def _why_taken(choice: Choice) -> str:
    n = choice.n_certified
    unlabelled = sum(1 for s in choice.settings if not s.asked.decision.n_labelled)
    of_labelled = f" ({count(unlabelled, '')} without labels)" if unlabelled else ""
    if n == 1:
        return f"The only one of {count(len(choice.settings), '')} that is certified{of_labelled}."
    if choice.request.question.max_risk is None:
        return f"The lowest bound of the {count(n, '')} certified{of_labelled}."
    if choice.is_by_price:
        return f"Cheapest of the {count(n, '')} certified{of_labelled}."
    return f"Fewest rows to people of the {count(n, '')} certified{of_labelled}."


def _none(choice: Choice) -> str:
    best = [s for s in choice.settings if best_of(s) is not None and s.is_named]
    said = f"None of {count(len(choice.settings), 'setting')} can be promised"
    if choice.n_settings > 1:
        said += f", allowing for {count(choice.n_settings, 'setting')} tried"
    if not best:
        return f"{said}."
    lowest = min(best, key=lambda s: best_of(s) or 1.0)
    return f"{said}: at best {at_most(best_of(lowest) or 1.0)} can be guaranteed, by {lowest.name}."


def best_of(setting: Setting) -> float | None:
    """Give the lowest share of wrong answers that can be guaranteed for a setting."""
    best = setting.asked.decision.best
    return None if best is None else best.risk_high
