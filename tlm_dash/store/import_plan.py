"""What an import is to do, what it found, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

VERY_LONG_CHARACTERS = 100_000
"""Longer texts are counted as very long: about 25,000 tokens, more than many models take."""

SURELY_ENDED_CHARACTERS = 200
"""Shorter responses are not suspected of being cut off: a word or a number needs no full stop."""


@dataclass(frozen=True, slots=True)
class PlannedResponse:
    """A column of responses; `group` is the model that its name speaks of, used where no column tells it."""

    column: str
    score: str | None = None
    label: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Which columns become what. `prompt`: texts and the columns after them; empty: `messages`."""

    prompt: tuple[tuple[str, str | None], ...] = ()
    messages: str | None = None
    system: str | None = None
    reference: str | None = None
    source_id: str | None = None
    model: str | None = None
    quality_preset: str | None = None
    scorer_model: str | None = None
    responses: tuple[PlannedResponse, ...] = ()
    tags: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    def columns(self) -> tuple[str, ...]:
        """Name every column that is read, each once."""
        own = (self.messages, self.system, self.reference, self.source_id, self.model, self.quality_preset)
        parts = [
            name for r in self.responses for name in (r.column, r.score, r.label, r.finish_reason, r.model)
        ]
        named = [*(name for _, name in self.prompt), *own, self.scorer_model, *parts, *self.tags, *self.extra]
        return tuple(dict.fromkeys(name for name in named if name is not None))


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that is no item, with the reason and what it held."""

    row_no: int
    reason: str
    content: str


@dataclass(frozen=True, slots=True)
class ImportedRun:
    """A run that was made from a column of responses. `n_scored` of `n_items` have a score."""

    run_id: str
    name: str
    response_column: str
    n_items: int
    n_scored: int


@dataclass
class Hygiene:
    """Counts of what a person should know before paying for a run; lengths are in characters."""

    empty_prompts: int = 0
    empty_responses: int = 0
    truncated_responses: int = 0
    very_long_prompts: int = 0
    very_long_responses: int = 0
    bad_scores: int = 0
    longest_prompt: int = 0
    longest_response: int = 0
    _hashes: list[bytes] = field(default_factory=list, repr=False)

    def saw_prompts(self, prompts: Sequence[str], hashes: Sequence[str]) -> None:
        """Count the prompts of some rows. Eight bytes of each hash are kept to find repeated ones."""
        lengths = [len(prompt) for prompt in prompts]
        self.longest_prompt = max([self.longest_prompt, *lengths])
        self.very_long_prompts += sum(1 for length in lengths if length > VERY_LONG_CHARACTERS)
        self._hashes.append(b"".join([bytes.fromhex(digest[:16]) for digest in hashes]))

    def saw_response(self, response: str, finish_reason: str | None) -> None:
        """Count one response."""
        length = len(response)
        if length > self.longest_response:
            self.longest_response = length
        if length > VERY_LONG_CHARACTERS:
            self.very_long_responses += 1
        if not response or response.isspace():
            self.empty_responses += 1
        if finish_reason is not None:
            self.truncated_responses += finish_reason == "length"
        elif length >= SURELY_ENDED_CHARACTERS:
            last = response[-1]
            # A long text that stops at a small letter or a comma stops in the middle.
            self.truncated_responses += "a" <= last <= "z" or last in ",-"

    @property
    def duplicate_prompts(self) -> int:
        """Tell how many items repeat the prompt of an earlier one."""
        hashes = np.frombuffer(b"".join(self._hashes), dtype=np.uint64)
        return int(hashes.size - np.unique(hashes).size)

    def as_dict(self) -> dict[str, int]:
        """Give the counts by the names that `datasets import` prints."""
        counted = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return {"duplicate_prompts": self.duplicate_prompts, **counted}
