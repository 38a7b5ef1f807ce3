"""What is to be asked and scored, settled before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tlm_dash.batch.engine import EndpointAddress
from tlm_dash.models import AnsweredBy, Completion, Messages, RunMode


@dataclass(frozen=True)
class PlannedCell:
    """One card: the run it belongs to, its preset, and which attempt at it this is."""

    run_id: str
    quality_preset: str
    attempt_no: int = 1


@dataclass(frozen=True)
class AnswerPlan:
    """What one model is asked, and at which presets its answer is scored.

    `given` is a response that exists already (then nothing is generated); `given_id` is its completion_id
    where it is stored already. `provider` is set where another provider than the TLM endpoint answers.
    """

    entry_id: str
    dataset_id: str
    item_no: int
    messages: Messages
    mode: RunMode
    answered_by: AnsweredBy
    cells: tuple[PlannedCell, ...]
    scorer_model: str
    model: str | None = None
    provider: EndpointAddress | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    given: Completion | None = None
    given_id: str | None = None
