"""What the first values of a column look like: long or short text, numbers, verdicts, chat messages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

_VERDICTS = {
    "0", "1", "0.0", "1.0", "true", "false", "yes", "no", "correct", "incorrect", "right", "wrong", "y", "n",
    "unsure", "good", "bad", "pass", "fail",
}  # fmt: skip
_NOTHING = {"", "nan", "null", "none", "na", "n/a", "-"}
"""How programs write that there is no number: a failed row has no score."""

_SHORT_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Contents:
    """Facts about the values of a column, those that are empty left out. `n_filled` of 0: all are empty."""

    n_filled: int
    is_number: bool
    is_share: bool
    is_verdict: bool
    is_short: bool
    is_unique: bool
    is_messages: bool

    @property
    def is_empty(self) -> bool:
        """Tell that no value was seen."""
        return self.n_filled == 0

    @property
    def is_text(self) -> bool:
        """Tell that the values can be prompts: something, and not numbers."""
        return self.n_filled > 0 and not self.is_number


def contents_of(values: Sequence[str | None]) -> Contents:
    """Look at the values of one column."""
    filled = [value.strip() for value in values if value is not None and value.strip()]
    told = [value for value in filled if not says_nothing(value)]
    numbers = [number for value in told if (number := _number(value)) is not None]
    is_number = bool(told) and len(numbers) == len(told)
    return Contents(
        n_filled=len(filled),
        is_number=is_number,
        is_share=is_number and all(0 <= number <= 1 for number in numbers),
        is_verdict=bool(filled) and all(value.lower() in _VERDICTS for value in filled),
        is_short=all(len(value) <= _SHORT_CHARACTERS and "\n" not in value for value in filled),
        is_unique=len(set(filled)) == len(filled) > 0,
        is_messages=bool(filled) and all(_is_messages(value) for value in filled[:20]),
    )


def says_nothing(value: str) -> bool:
    """Tell whether a cell is how a program writes that there is no number."""
    return value.strip().lower() in _NOTHING


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _is_messages(value: str) -> bool:
    if not value.startswith("["):
        return False
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return False
    return bool(parsed) and all(
        isinstance(part, dict) and {"role", "content"} <= part.keys() for part in parsed
    )
