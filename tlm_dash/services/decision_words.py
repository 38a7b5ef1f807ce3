"""A threshold in plain sentences, for records and reports that are read without the page."""

from __future__ import annotations

from collections.abc import Sequence

from tlm_dash.services.decide import Decision, Question
from tlm_dash.services.operating_point import OperatingPoint
from tlm_dash.words.numbers import at_most, percent, threshold_text
from tlm_dash.words.threshold import fresh_words


def threshold_question(question: Question, run_name: str) -> str:
    """Say what was asked of a run."""
    confidence = percent(question.confidence)
    if question.max_risk is not None:
        return (
            f"Which responses of {run_name} may pass unread, with at most {percent(question.max_risk)} of "
            f"them wrong ({confidence} confidence)?"
        )
    if question.review_share is not None:
        return f"What passes unread if people read {percent(question.review_share)} of {run_name}?"
    volume = f" of {question.daily_volume:,.0f} a day" if question.daily_volume else ""
    return f"What passes unread if people read {question.review_budget:,.0f} rows{volume} of {run_name}?"


def comparison_question(names: Sequence[str]) -> str:
    """Say what was asked of some runs, the baseline first."""
    candidates = f"{names[1]} do" if len(names) == 2 else f"one of {len(names) - 1} candidates do"
    return f"May {candidates} instead of {names[0]}?"


def threshold_answer(decision: Decision, chosen: OperatingPoint | None = None) -> str:
    """Say what follows, from the answer or a `chosen` point of the band, and who told right from wrong."""
    whose = decision.labels.sentence
    return f"{_threshold(decision, chosen)}{f' {whose}' if whose else ''}"


def _threshold(decision: Decision, chosen: OperatingPoint | None) -> str:
    if chosen is not None:
        return sent_to_people(chosen) + bound_of(chosen.risk_high, decision.question.confidence)
    answer = decision.answer
    if answer.point is not None:
        return sent_to_people(answer.point) + bound_of(answer.bound, decision.question.confidence)
    labels = f"these {decision.n_labelled:,} labels" if decision.n_labelled else "no labels"
    said = f"Not possible with {labels}"
    if decision.best is not None and decision.best.risk_high is not None:
        said += f": at best {at_most(decision.best.risk_high)} can be guaranteed"
    said = f"{said}." if not answer.reason else f"{said} ({answer.reason})."
    fresh = fresh_words([(one.n, one.chance) for one in answer.fresh])
    return f"{said} {fresh}" if fresh else said


def sent_to_people(point: OperatingPoint) -> str:
    """Say who goes to people and who passes."""
    return (
        f"Send everything with a score below {threshold_text(point.threshold)} to people: "
        f"{percent(1 - point.coverage)} of rows; {percent(point.coverage)} pass."
    )


def bound_of(bound: float | None, confidence: float) -> str:
    """Say what is guaranteed of what passes."""
    if bound is None:
        return " How many of those that pass are wrong cannot be said: too few of them are labelled."
    return (
        f" Of the rows that pass, at most {at_most(bound)} are wrong, with {percent(confidence)} confidence."
    )
