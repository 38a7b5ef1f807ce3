"""What was asked of labels before, and what follows for an answer, in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlm_dash.store.decisions import SavedDecision
from tlm_dash.store.questions import AskedQuestion
from tlm_dash.words.numbers import percent

if TYPE_CHECKING:
    from tlm_dash.services.asking import AskedDecision

REQUESTS_LATE = (
    "When these labels were asked first, rows were not declared separate requests: prompts are tested too."
)
FRESH_LABELS = "Fresh labels need a new plan, whose own rows answer."


def asking_notes(asked: AskedDecision) -> list[str]:
    """Say which target was the first, on which labels it stands, and how many settings were tried."""
    standing, decision = asked.standing, asked.decision
    question = decision.question
    notes = []
    first = standing.first
    if first is not None and question.max_risk is not None and not asked.is_first and asked.is_answered:
        notes.append(second_target(first, shares_labels=standing.state == "spent"))
    settled = standing.settled_by
    if settled is not None:
        n_now = asked.n_labelled_now
        if n_now != settled.n_labelled:
            notes.append(
                f"Asked on {settled.n_labelled:,} labels on {day(settled)}; there are {n_now:,} now: the "
                f"promise is that of then. {FRESH_LABELS}"
            )
    if first is not None and asked.wanted.rows_are_requests and not first.rows_are_requests:
        notes.append(REQUESTS_LATE)
    if standing.n_taken_out:
        notes.append(
            f"{standing.n_taken_out:,} labels of this plan were asked before: asking leaves them out."
        )
    # What can be guaranteed at best allows for all settings too.
    has_best = decision.best is not None and standing.n_settings > 1
    if asked.is_answered and (decision.answer.point is not None or has_best):
        notes.append(tried_words(asked))
    return notes


def tried_words(asked: AskedDecision) -> str:
    """Say how many settings of this data were tried, and what the promise allows for."""
    standing = asked.standing
    n = standing.n_settings_tried
    if standing.n_settings > 1:
        return f"Allowing for {count(standing.n_settings, 'setting')} tried on this data: each has its share."
    if n == 1:
        return "No other setting of this dataset was asked."
    were = "other setting of this dataset was" if n == 2 else "other settings of this dataset were"
    if standing.state == "late":
        return (
            f"{count(n - 1, '')} {were} named for a choice before: this is for this one alone. {FRESH_LABELS}"
        )
    return (
        f"{count(n - 1, '')} {were} asked: this promise is for this one alone. To take the best of "
        "them, choose among them on Compare or with `analyse choose`."
    )


def second_target(first: AskedQuestion, *, shares_labels: bool = False) -> str:
    """Say that another target was asked first, and how this one is answered."""
    of = "labels that these share" if shares_labels else "these labels"
    return (
        f"{target(first)} was asked of {of} first, on {day(first)}: this is read from the band, which holds "
        "at all thresholds at once."
    )


def decided_before(decisions: Sequence[SavedDecision]) -> str | None:
    """Say that targets were decided on a run before targets were kept; None where none was.

    Which labels they were asked of is not known exactly: it is told, and left to the person.
    """
    asked = [one for one in decisions if one.kind == "threshold"]
    asked = [one for one in asked if one.record["request"]["question"].get("max_risk") is not None]
    if not asked:
        return None
    oldest = min(asked, key=lambda one: one.created_at)
    risk = oldest.record["request"]["question"]["max_risk"]
    n = count(len(asked), "decision").capitalize()
    return (
        f"{n} about a target {'was' if len(asked) == 1 else 'were'} saved on this run before targets were "
        f"kept, the first for {percent(risk)} on {oldest.created_at:%Y-%m-%d}. Where the labels are the "
        f"same, an answer now is a later look at them, and promises less than it says. {FRESH_LABELS}"
    )


def late_reason(choice: Sequence[AskedQuestion]) -> str:
    """Say why a setting that was thought of later gets no promise, and what would give it one."""
    n = len({q.run_id for q in choice})
    return (
        f"it was not among the {count(n, 'setting')} that were named on {day(choice[0])}, before anyone "
        "looked; to name one afterwards would void what was promised. Label fresh rows by a new plan: they "
        "answer"
    )


def target(asked: AskedQuestion) -> str:
    """Write a target: 5% with 95% confidence."""
    assert asked.max_risk is not None
    return f"{percent(asked.max_risk)} with {percent(asked.confidence)} confidence"


def day(asked: AskedQuestion) -> str:
    """Write the day on which it was asked."""
    return f"{asked.asked_at:%Y-%m-%d}"


SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def count(n: int, noun: str) -> str:
    """Write a number of things: nine settings, 12 settings."""
    number = SMALL_NUMBERS[n] if 0 <= n < len(SMALL_NUMBERS) else f"{n:,}"
    return number if not noun else f"{number} {noun}{'' if n == 1 else 's'}"
