"""Sentences about a threshold that page, record and command share."""

from __future__ import annotations

from collections.abc import Sequence

from tlm_dash.words.numbers import percent

MOST_PROMPTS = 3
"""Heavy prompts that are told one by one."""


def heavy_prompt_words(share: float, n_labelled: int, n_wrong: int) -> str:
    """Say how much of the rows one prompt is, and whether its answers are right."""
    return f"1 prompt is {percent(share)} of the rows; {_outcome(n_labelled, n_wrong)}."


def more_heavy_words(n: int, share: float) -> str:
    """Say how much of the rows the prompts are that are not told one by one."""
    return f"{n:,} more {'prompt is' if n == 1 else 'prompts are'} {percent(share)} of the rows."


def fresh_words(chances: Sequence[tuple[int, float]]) -> str | None:
    """Say what a new plan would give: pairs of fresh labels and the chance that they answer; None for none.

    The smallest plan that answers more often than not is told, and the first with four chances in five.
    """
    if not chances:
        return None
    likely = next(((n, chance) for n, chance in chances if chance >= 0.5), None)
    if likely is None:
        n = chances[-1][0]
        return f"A new plan would hardly give one: not even {n:,} fresh labels would more often than not."
    told = [likely]
    surer = next(((n, chance) for n, chance in chances if chance >= 0.8), None)
    if surer is not None and surer != likely:
        told.append(surer)
    plans = ", one of ".join(f"{n:,} fresh labels{_in_ten(chance)}" for n, chance in told)
    return f"A new plan, its size settled beforehand and asked once, would answer: one of {plans}."


def _in_ten(chance: float) -> str:
    tenths = min(round(chance * 10), 9)
    return " in more than 9 of 10 cases" if chance > 0.95 else f" in about {tenths} of 10 cases"


def _outcome(n_labelled: int, n_wrong: int) -> str:
    if not n_labelled:
        return "none of its rows is labelled"
    if n_wrong == n_labelled:
        return "its answer is wrong"
    if not n_wrong:
        return "its answer is right"
    return f"{n_wrong:,} of its {n_labelled:,} labelled rows are wrong"
