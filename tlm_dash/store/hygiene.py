"""What a person should know of a dataset before paying for a run, counted while it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tlm_dash.finish_reasons import is_whole
from tlm_dash.store.arrow_text import outer_bytes

VERY_LONG_CHARACTERS = 100_000
"""Longer texts are counted as very long: about 25,000 tokens, more than many models take."""

SURELY_ENDED_CHARACTERS = 200
"""Shorter responses are not suspected of being cut off: a word or a number needs no full stop."""

# A long text that stops at a small letter or a comma stops in the middle.
_UNFINISHED = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz,-", np.uint8)


@dataclass
class Hygiene:
    """Counts by the names that `datasets import` prints; lengths are in characters."""

    empty_prompts: int = 0
    empty_responses: int = 0
    truncated_responses: int = 0
    very_long_prompts: int = 0
    very_long_responses: int = 0
    bad_scores: int = 0
    labels_set_aside: int = 0
    longest_prompt: int = 0
    longest_response: int = 0
    _seen: list[Any] = field(default_factory=list, repr=False)

    def saw_prompts(self, prompts: Any, digests: list[bytes]) -> None:  # noqa: ANN401 - an Arrow column
        """Count some prompts. Eight bytes of each digest are kept, to find repeated ones."""
        lengths = pc.utf8_length(prompts)
        self.longest_prompt = max(self.longest_prompt, pc.max(lengths).as_py() or 0)
        self.very_long_prompts += _count(pc.greater(lengths, VERY_LONG_CHARACTERS))
        self._seen.append(np.frombuffer(b"".join(digests), dtype=np.uint64)[::4].copy())

    def saw_responses(self, responses: Any, ends: Any) -> None:  # noqa: ANN401 - Arrow columns
        """Count some responses, NULL where there is none, and why each ended, NULL where it is not told."""
        lengths = pc.utf8_length(responses)
        self.empty_responses += responses.null_count
        self.empty_responses += _count(pc.or_(pc.equal(lengths, 0), pc.utf8_is_space(responses)))
        self.longest_response = max(self.longest_response, pc.max(lengths).as_py() or 0)
        self.very_long_responses += _count(pc.greater(lengths, VERY_LONG_CHARACTERS))
        _, last = outer_bytes(responses)
        stops = pa.array(np.isin(last, _UNFINISHED))
        unfinished = pc.and_(pc.greater_equal(lengths, SURELY_ENDED_CHARACTERS), stops)
        cut = pc.if_else(pc.is_valid(ends), pc.invert(are_whole(ends)), unfinished)
        self.truncated_responses += _count(pc.and_(cut, pc.is_valid(responses)))

    @property
    def duplicate_prompts(self) -> int:
        """Tell how many items repeat the prompt of an earlier one."""
        if not self._seen:
            return 0
        seen = np.sort(np.concatenate(self._seen))
        return int(np.count_nonzero(seen[1:] == seen[:-1]))

    def as_dict(self) -> dict[str, int]:
        """Give all counts by name."""
        counted = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return {"duplicate_prompts": self.duplicate_prompts, **counted}


def are_whole(ends: Any) -> Any:  # noqa: ANN401 - Arrow columns
    """Tell by the finish reasons which responses are whole; one that is not told is."""
    return of_each(ends, is_whole)


def of_each(ends: Any, ask: Callable[[str | None], bool]) -> Any:  # noqa: ANN401
    """Ask once for every different finish reason, which are few, and give the answers row by row."""
    coded = ends.cast(pa.string()).dictionary_encode()
    words = [*coded.dictionary.to_pylist(), None]
    return pa.array([ask(word) for word in words]).take(pc.fill_null(coded.indices, len(words) - 1))


def _count(mask: Any) -> int:  # noqa: ANN401
    return int(pc.sum(mask).as_py() or 0)
