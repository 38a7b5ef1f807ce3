"""What an import is to do, what it found, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class PlannedResponse:
    """A column of responses; `group` is the model that its name speaks of, used where no column tells it.

    `message` is a column with what the answers hold beside their text, as JSON: tool calls, a refusal.
    """

    column: str
    score: str | None = None
    label: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    group: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """A column whose filled rows are counted and told. `sentence` of the number and "row" or "rows"."""

    column: str
    sentence: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Which columns become what. `prompt`: texts and the columns after them; empty: `messages`.

    `verbatim` columns are kept as the file has them; `counted` ones are told with the number of their rows.
    """

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
    verbatim: tuple[str, ...] = ()
    counted: tuple[Counted, ...] = ()

    def columns(self) -> tuple[str, ...]:
        """Name every column that is read, each once."""
        own = (self.messages, self.system, self.reference, self.source_id, self.model, self.quality_preset)
        parts = [
            name
            for r in self.responses
            for name in (r.column, r.score, r.label, r.finish_reason, r.model, r.message)
        ]
        named = [*(name for _, name in self.prompt), *own, self.scorer_model, *parts, *self.tags, *self.extra]
        return tuple(dict.fromkeys(name for name in named if name is not None))


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """An export of ours that comes back: which of its columns the file has.

    `undo` takes away what was put before cells to make them safe for spreadsheets, column by column.
    """

    names: tuple[str, ...]
    undo: Callable[[Any], Any] | None = None

    verbatim: ClassVar[tuple[str, ...]] = ()

    def columns(self) -> tuple[str, ...]:
        """Name every column that is read."""
        return self.names


AnyPlan = ImportPlan | RestorePlan


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
