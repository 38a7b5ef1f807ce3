"""Answers that are never accepted, in words: how many, and why."""

from __future__ import annotations

from collections.abc import Mapping

WHY = {"cut": "cut off", "refused": "refused by the model", "empty": "empty"}
"""By mark of an answer in the store, in the order in which they are told."""


def not_accepted_parts(counts: Mapping[str, int]) -> str:
    """Write the reasons with their numbers: “3 cut off, 1 refused by the model”; "" where there are none."""
    return ", ".join(f"{counts[name]:,} {words}" for name, words in WHY.items() if counts.get(name))


def set_aside_sentence(n: int) -> str:
    """Say that labels of before count nowhere; "" where there are none."""
    if not n:
        return ""
    labels = "1 label is" if n == 1 else f"{n:,} labels are"
    return (
        f"{labels} set aside and counted nowhere: given when different tool calls or refusals could not be "
        "told apart, and nobody can say to which of them."
    )


def not_accepted_sentence(counts: Mapping[str, int]) -> str:
    """Say what becomes of such answers, without a full stop; "" where there are none."""
    n = sum(counts.values())
    if not n:
        return ""
    answers = "1 answer is" if n == 1 else f"{n:,} answers are"
    return f"{answers} never accepted whatever the score ({not_accepted_parts(counts)}): people read them"
