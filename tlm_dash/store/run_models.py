"""What the queries over runs give: frozen, complete, without SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tlm_dash.models import AnsweredBy, RunMode

COLLECTED = "collected"
"""Kind of the datasets that answers of the playground are added to; beside "uploaded" and "playground"."""

REFUSAL = "refusal"
"""Where an event that pauses a run keeps what the endpoint said: beside its counts."""

RunStatus = Literal["queued", "running", "paused", "done", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items of a dataset a run takes: up to `last_item_no`, and of these a random share or all.

    With `sample_cut` an item is taken when the hash of its number with `sample_seed` is not above it;
    `pilot_cut` is the same for the pilot.
    """

    last_item_no: int
    sample_seed: int | None = None
    sample_cut: str | None = None
    pilot_cut: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a run was paused by its endpoint, in the endpoint's own words; `n` requests ended like that."""

    kind: str
    message: str
    hint: str
    n: int

    def as_mapping(self) -> dict[str, Any]:
        """Give it under the names that scripts rely on."""
        return {"kind": self.kind, "message": self.message, "hint": self.hint, "n": self.n}


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run with its plan and its latest event. An imported run has neither: `grid_id` is None.

    Neither have runs of the playground (`dataset_kind` "playground"), which grow with every answer: their
    `event_no` is the number of their rows, so that it tells whether there is anything new.
    """

    run_id: str
    dataset_id: str
    dataset_name: str
    name: str
    mode: RunMode
    answered_by: AnsweredBy
    endpoint: str
    provider: str | None
    model: str | None
    quality_preset: str
    scorer_model: str | None
    settings: Mapping[str, Any]
    created_at: datetime
    grid_id: str | None
    position: int
    lead_run_id: str
    source_run_id: str | None
    n_items: int
    selection: Selection | None
    status: RunStatus
    detail: str | None
    event_no: int
    event_at: datetime
    is_pilot: bool
    operational: Mapping[str, Any]
    counts: Mapping[str, Any] | None
    started_at: datetime | None
    finished_at: datetime | None
    dataset_kind: str = "uploaded"

    @property
    def refusal(self) -> Refusal | None:
        """Give what the endpoint said where that paused the run; None where it was not the endpoint."""
        told = self.counts.get(REFUSAL) if self.counts and self.status == "paused" else None
        return None if told is None else Refusal(**told)

    @property
    def is_playground(self) -> bool:
        """Tell whether it holds answers of the playground as they were asked there."""
        return self.dataset_kind == "playground"

    @property
    def is_from_playground(self) -> bool:
        """Tell whether its answers were asked in the playground, also where they were added to a dataset."""
        return self.grid_id is None and self.dataset_kind in ("playground", COLLECTED)


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that becomes of a run; what each field means is told in the table of the same name."""

    run_id: str
    status: RunStatus | str
    operational: Mapping[str, Any]
    detail: str | None = None
    is_pilot: bool = False
    retries_errors: bool = False
    counts: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RunCounts:
    """How far a run is. Tokens are None where none were reported.

    `n_sent` requests were recorded before they left, `n_answered` of them were answered, `n_unknown` were
    left without an outcome by a crash or a cancel, `n_maybe_paid_twice` were sent again after such an
    outcome. `active_ms` is the time in which it ran, in milliseconds; None where nothing was sent.
    """

    n_done: int = 0
    n_error: int = 0
    n_sent: int = 0
    n_answered: int = 0
    n_unknown: int = 0
    n_maybe_paid_twice: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    resolved_model: str | None = None
    active_ms: float | None = None
    errors: Mapping[str, int] = field(default_factory=dict)

    def as_mapping(self) -> dict[str, Any]:
        """Give the counts as they are stored with an event."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return values | {"errors": dict(self.errors)}

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> RunCounts:
        """Read back what `as_mapping` wrote; fields that a newer version added are ignored."""
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})


@dataclass(frozen=True, slots=True)
class OpenCell:
    """An item that a run has not finished. `attempt_no` is the one to use; it may have a response."""

    item_no: int
    run_id: str
    attempt_no: int
    completion_id: str | None


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response with what scoring it needs."""

    completion_id: str
    item_no: int
    response: str
    response_hash: str
    model: str | None
    resolved_model: str | None
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    extra: Mapping[str, Any]
