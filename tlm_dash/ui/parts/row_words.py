"""What is told of a row in a word or two: its label, and whatever is odd about it."""

from __future__ import annotations

from tlm_dash.services.review import RowSummary
from tlm_dash.ui.parts.run_progress import KINDS
from tlm_dash.ui.text import one_line

SOURCE_WORDS = {
    "person": "by people",
    "imported": "imported verdict",
    "column": "column of the file",
    "matcher": "matched with the reference",
}
LABEL_WORDS = {
    "correct": "correct",
    "incorrect": "incorrect",
    "unsure": "unsure",
    "skipped": "skipped",
    "none": "no label",
}
MARK_WORDS = {"cut": "cut off", "refused": "refused", "empty": "empty"}
STATUS_WORDS = {"done": "done", "error": "failed", "pending": "not yet answered and scored"}


def label_words(label: int | None, state: str) -> str:
    """Write a label; nothing where there is none."""
    if label is not None:
        return "correct" if label else "incorrect"
    return "" if state == "none" else LABEL_WORDS.get(state, state)


def kind_words(kind: str | None) -> str:
    """Write the kind of a failure."""
    return KINDS.get(kind or "unknown", one_line(kind or "", 40))


def flags(row: RowSummary) -> list[str]:
    """List what is odd about a row."""
    found = []
    if row.status == "error":
        found.append(f"failed: {kind_words(row.error_kind)}")
    elif row.status == "pending":
        found.append("pending")
    elif row.trustworthiness_score is None:
        found.append("unscored")
    if row.trustworthiness_score == 0.5:
        found.append("tie at 0.5")
    if row.mark is not None:
        found.append(MARK_WORDS[row.mark])
    if row.is_complete is False and row.mark == "refused":
        found.append(MARK_WORDS["cut"])
    return found
