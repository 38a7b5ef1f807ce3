"""What the first values of a column look like: long or short text, numbers, verdicts, ids, chat messages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tlm_dash.interchange.conversations import conversation_in

_VERDICTS = {
    "0", "1", "0.0", "1.0", "true", "false", "yes", "no", "correct", "incorrect", "right", "wrong", "y", "n",
    "unsure", "good", "bad", "pass", "fail",
}  # fmt: skip
_BOOLEANS = {"0", "1", "0.0", "1.0", "true", "false"}
_NOTHING = {"", "nan", "null", "none", "na", "n/a", "#n/a", "-", "inf", "-inf", "infinity", "-infinity"}
"""How programs write that there is no number: a failed row has no score."""

_SHORT_CHARACTERS = 80
_LONG_CHARACTERS = 40
_LONGEST_MEASURE = 80
"""No number, date or id is longer: longer cells are not matched with patterns."""

_MEASURES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?\s?(Z|UTC|[+-]\d{2}:?\d{2})?",
        r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}([T ]\d{1,2}:\d{2}(:\d{2})?)?",
        r"[+-]?\d+([.,]\d+)?\s?(ns|us|µs|ms|s|sec|secs|seconds|min|minutes|h|hours)",
        r"\d+:\d{2}(:\d{2}(\.\d+)?)?",
        r"\d+([.,]\d+)?:\d+([.,]\d+)?",
        r"[0-9a-f]{16,}",
        r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}",
        r"(chatcmpl|cmpl|resp|req|run|msg|trace|span)[-_][\w-]+",
    )
)
"""Dates, durations, ratios, hashes and ids: what a program notes beside an answer, and no answer itself."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Facts about the values of a column, those that are empty left out. `n_filled` of 0: all are empty.

    `is_share`: most of what is told are numbers from 0 to 1. `is_measure`: dates, durations, hashes or ids.
    `is_json`: each looks like a list or an object.
    """

    n_filled: int
    is_number: bool
    is_share: bool
    is_boolean: bool
    is_verdict: bool
    is_short: bool
    is_long: bool
    is_unique: bool
    is_measure: bool
    is_messages: bool
    is_json: bool

    @property
    def is_empty(self) -> bool:
        """Tell that no value was seen."""
        return self.n_filled == 0

    @property
    def is_text(self) -> bool:
        """Tell that the values can be prompts: something, and not numbers, dates or ids."""
        return self.n_filled > 0 and not (self.is_number or self.is_boolean or self.is_measure)


def contents_of(values: Sequence[str | None]) -> Contents:
    """Look at the values of one column."""
    filled = [value.strip() for value in values if value is not None and value.strip()]
    told = [value for value in filled if not says_nothing(value)]
    numbers = [number for value in told if (number := number_in(value)) is not None]
    return Contents(
        n_filled=len(filled),
        is_number=bool(told) and len(numbers) == len(told),
        is_share=_is_share(numbers, len(told)),
        is_boolean=bool(told) and all(value.lower() in _BOOLEANS for value in told),
        is_verdict=bool(filled) and all(value.lower() in _VERDICTS for value in filled),
        is_short=all(len(value) <= _SHORT_CHARACTERS and "\n" not in value for value in filled),
        is_long=sum(len(value) for value in filled) > _LONG_CHARACTERS * max(1, len(filled)),
        is_unique=len(set(filled)) == len(filled) > 0,
        is_measure=bool(told) and all(_is_measure(value) for value in told),
        is_json=bool(filled) and all(value.startswith(("[", "{")) for value in filled),
        is_messages=bool(filled) and all(conversation_in(value) is not None for value in filled[:20]),
    )


def says_nothing(value: str) -> bool:
    """Tell whether a cell is how a program writes that there is no number."""
    return value.strip().lower() in _NOTHING


def number_in(value: str) -> float | None:
    """Read a cell as a number; None where it is none."""
    try:
        return float(value)
    except ValueError:
        return None


def is_share(value: str) -> bool:
    """Tell whether a cell is a number from 0 to 1."""
    number = number_in(value)
    return number is not None and 0 <= number <= 1


def _is_share(numbers: Sequence[float], n_told: int) -> bool:
    """Tell whether a column is one of scores: a cell that is none costs its row, not the column.

    Ratings of 1 to 5 have ones as well, so that beside numbers that are too large there must be a fraction.
    """
    fitting = [number for number in numbers if 0 <= number <= 1]
    has_fraction = any(0 < number < 1 for number in fitting)
    return 2 * len(fitting) > n_told and (len(fitting) == n_told or has_fraction)


def _is_measure(value: str) -> bool:
    return len(value) <= _LONGEST_MEASURE and any(pattern.fullmatch(value) for pattern in _MEASURES)
