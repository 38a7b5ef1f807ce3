"""What the playground's queries give: frozen, complete, without SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tlm_dash.models import AnsweredBy, ItemStatus, RunMode


@dataclass(frozen=True, slots=True)
class PlaygroundCell:
    """One card: its run's configuration and its last result. Without a result yet it is pending.

    `attempt_no` and `error_*` are those of the latest try: a card that is done and has an error kept the
    score of an earlier try.

    `attempt_no` is the try that the result comes from, 1 while there is none. `is_complete` is None
    while there is no response, False where it was cut or stopped; `extra` are the fields of the response that
    have no column. `log` is the scorer's, empty where there
    is none. `*_ms` are milliseconds.
    """

    run_id: str
    position: int
    attempt_no: int
    mode: RunMode
    answered_by: AnsweredBy
    model: str | None
    quality_preset: str
    scorer_model: str | None
    status: ItemStatus
    response: str | None
    is_complete: bool | None
    is_refusal: bool | None
    extra: Mapping[str, Any]
    resolved_model: str | None
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    latency_ms: float | None
    first_token_ms: float | None
    trustworthiness_score: float | None
    unscored_reason: str | None
    explanation: str | None
    log: Mapping[str, Any]
    score_latency_ms: float | None
    error_kind: str | None
    error_message: str | None
    error_hint: str | None
    completion_id: str | None
    written_at: datetime | None

    @property
    def is_scorable(self) -> bool:
        """Tell whether there is a response that ended, be it at a limit: what broke off is not scored."""
        return self.response is not None and bool(self.is_complete or self.finish_reason)


@dataclass(frozen=True, slots=True)
class PlaygroundEntry:
    """One submission with its cards in their order. `request` is what the person set on the page."""

    entry_id: str
    created_at: datetime
    dataset_id: str
    item_no: int
    messages: tuple[dict[str, Any], ...]
    request: dict[str, Any]
    cells: tuple[PlaygroundCell, ...]


@dataclass(frozen=True, slots=True)
class HistoryCell:
    """One card of a submission in a list. The score is None where it is unscored or not there (yet)."""

    model: str | None
    quality_preset: str
    status: ItemStatus
    trustworthiness_score: float | None
    error_kind: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A submission in a list, with its cards in their order. `prompt` is cut."""

    entry_id: str
    created_at: datetime
    prompt: str
    cells: tuple[HistoryCell, ...]


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Some of the submissions that match, and how many match in all."""

    rows: tuple[HistoryRow, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a score lies among earlier ones of the same kind: `n` of them, so many below, so many equal."""

    n_below: int
    n_equal: int
    n: int


@dataclass(frozen=True, slots=True)
class LatencyNote:
    """How long cards took so far: the median of `n` of them."""

    median_ms: float
    n: int
